"""Refuse a plan that the design of the study cannot carry; estimates nothing."""

from __future__ import annotations

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.params.plan import AnalysisPlan, PlannedAnalysis

_BY_START = ("att_staggered", "att_dynamic", "att_imputation", "att_sunab")

MAIN = {
    "difference_in_differences": ("did", *_BY_START),
    "staggered": _BY_START,
    "observational": ("aipw_att", "aipw_ate", "itt", "itt_lin"),
}
"""Main estimands of the designs without a draw; with one, the plan is free to choose."""

NEEDS_DRAW = {
    "effects": ("late", "dose_iv", "spillover"),
    "inference": ("randomisation",),
    "families": None,
    "heterogeneity": None,
    "lee_bounds": None,
    "leave_out": None,
    "communes": None,
}
"""Analyses, by table of results, that take the assignment for drawn; None is all of the table."""


def check_plan(plan: AnalysisPlan, design: Design) -> None:
    """Refuse a plan whose analyses rest on a draw that never was, or whose main estimand does not fit.

    Raises
    ------
    DesignError
        Names the analyses to leave out, or the main estimands to choose from.
    """
    if design.is_randomised:
        return
    wrong = [f"{one.table}: {one.analysis}" for one in plan.analyses if _needs_draw(one)]
    if wrong:
        raise DesignError(
            "The analysis plan names analyses that take the assignment for drawn.",
            expected=f"none of them where design.kind is {design.kind}",
            found="; ".join(dict.fromkeys(wrong)),
            where="the plan, analyses",
            next_step="leave them out; docs/analysis_plan.md has a plan for each design",
        )
    if plan.main_estimand not in MAIN[design.kind]:
        raise DesignError(
            "The main estimand is not one of the design.",
            expected=f"{', '.join(MAIN[design.kind])} where design.kind is {design.kind}",
            found=plan.main_estimand,
            where="the plan, main_estimand",
        )


def _needs_draw(one: PlannedAnalysis) -> bool:
    named = NEEDS_DRAW.get(one.table, ())
    return named is None or one.analysis in named

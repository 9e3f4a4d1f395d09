"""Follow households from the draw to the analysis, wave by wave; every step must add up."""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.construct.response import (
    INTERVIEWED,
    NEVER_MET,
    NO_CONSENT,
    NOT_COLLECTED,
    NOT_VISITED,
    reasons,
)
from survey_tools.errors import ContractError
from survey_tools.params import Study

COLUMNS = ["step", "stage", "wave", "reason", "dropped", "remaining"]
OTHER_WAVE = "wave that the study does not name"


def build_flow(
    clean_flow: pd.DataFrame,
    sample: pd.DataFrame | None,
    panel: pd.DataFrame,
    study: Study,
    visits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Build the whole flow, from the draw over the submissions to the interviews analysed.

    Three stages stand below each other for every wave, steps numbered through. `draw` (households): how
    many were drawn. `clean` (submissions): from those received to the accepted interviews, as cleaning
    recorded it. `construct` (households): from those drawn to those analysed, with the reason why
    a household has no interview. Both chains end at the same number. Submissions of no wave (`?`), or of
    one that the study does not name, have a chain of their own that ends at 0.

    Parameters
    ----------
    clean_flow : DataFrame
        Contract `flow` of the household form; rows of other stages than `clean` are left out.
    sample : DataFrame or None
        `hhid` of the drawn households; None: the chain begins with the households visited.
    panel : DataFrame
        Contract `panel`.
    study : Study
        Names the waves; one that was not collected is said to be so.
    visits : DataFrame, optional
        Contract `visits`; tells "not visited", "not met" and "no consent" apart.

    Returns
    -------
    DataFrame
        Contract `flow`.

    Raises
    ------
    ContractError
        When a chain does not add up, the chains end at different numbers, or an interview is of no
        drawn household.
    """
    contracts.same_list(study.areas.list_, sample=sample, panel=panel, visits=visits)
    submissions = clean_flow.loc[clean_flow["stage"] == "clean"]
    parts = [
        _one_wave(submissions.loc[submissions["wave"] == wave], sample, panel, visits, wave)
        for wave in study.waves.all
    ]
    others = [w for w in sorted(submissions["wave"].unique()) if w not in study.waves.all]
    parts += [_other_wave(submissions.loc[submissions["wave"] == wave]) for wave in others]
    flow = pd.concat(parts, ignore_index=True)[COLUMNS]
    flow = flow.astype({"step": "int64", "dropped": "int64", "remaining": "int64",
                        "stage": "str", "wave": "str", "reason": "str"})  # fmt: skip
    check_flow(flow)
    return contracts.validate(flow, "flow")


def submissions(flow: pd.DataFrame) -> pd.DataFrame:
    """Count the submissions of each wave from the two chains of the flow.

    Parameters
    ----------
    flow : DataFrame
        From `build_flow`.

    Returns
    -------
    DataFrame
        Index `wave`; `received` and `dropped` (from the chain of cleaning), `analysed` (interviews of
        the analysis, from the chain of households). What adds up has received = dropped + analysed.
    """
    ordered = flow.sort_values("step")
    clean = ordered.loc[ordered["stage"] == "clean"].groupby("wave")
    received = clean["remaining"].first() + clean["dropped"].first()
    households = ordered.loc[ordered["stage"] == "construct"].groupby("wave")
    counts = pd.DataFrame({"received": received, "dropped": clean["dropped"].sum(),
                           "analysed": households["remaining"].last()})  # fmt: skip
    return counts.fillna(0).astype("int64").rename_axis("wave")


def check_flow(flow: pd.DataFrame) -> None:
    """Assert that each step of each chain leaves what the one before left, less what it dropped, and why.

    Raises
    ------
    ContractError
        Names stage, wave and step of the first that does not add up, or says how many give no reason.
    """
    ordered = flow.sort_values(["wave", "stage", "step"])
    before = ordered.groupby(["wave", "stage"])["remaining"].shift()
    wrong = ordered.loc[before.notna() & (ordered["remaining"] != before - ordered["dropped"])]
    if not wrong.empty:
        row = wrong.iloc[0]
        _refuse("A step of the flow does not add up.", None, None,
                f"flow: stage {row['stage']}, wave {row['wave']}, step {row['step']}")  # fmt: skip
    silent = flow["dropped"].gt(0) & flow["reason"].str.strip().eq("")
    if silent.any():
        _refuse("A step of the flow gives no reason.", "a reason for every drop",
                f"{int(silent.sum())} step(s) without", "flow, column reason")  # fmt: skip


def _one_wave(
    submissions: pd.DataFrame,
    sample: pd.DataFrame | None,
    panel: pd.DataFrame,
    visits: pd.DataFrame | None,
    wave: str,
) -> pd.DataFrame:
    interviewed = set(panel.loc[panel["wave"] == wave, "hhid"])
    seen = visits.loc[visits["wave"] == wave] if visits is not None else None
    drawn = _drawn(sample, seen, interviewed)
    households = _households(drawn, seen, panel.loc[panel["wave"] == wave], wave)
    chain = pd.DataFrame(households, columns=["reason", "dropped", "remaining"])
    chain.insert(0, "stage", "construct")
    draw = pd.DataFrame(
        {"stage": ["draw"], "reason": ["households drawn"], "dropped": [0],
         "remaining": [len(drawn)]}
    )  # fmt: skip
    parts = [] if sample is None else [draw]
    if not submissions.empty:
        parts.append(submissions[["stage", "reason", "dropped", "remaining"]])
    wave_flow = pd.concat([*parts, chain], ignore_index=True)
    _ends_agree(submissions, interviewed, wave)
    return wave_flow.assign(wave=wave, step=range(len(wave_flow)))


def _drawn(
    sample: pd.DataFrame | None, visits: pd.DataFrame | None, interviewed: set[str]
) -> set[str]:
    if sample is None:
        return interviewed | (set() if visits is None else set(visits["hhid"].dropna()))
    drawn = set(sample["hhid"])
    if interviewed - drawn:
        _refuse("Interviews are of households that were not drawn.", "only drawn households",
                f"{len(interviewed - drawn)} household(s)", "analysis/panel")  # fmt: skip
    return drawn


def _other_wave(submissions: pd.DataFrame) -> pd.DataFrame:
    ordered = submissions.sort_values("step")[COLUMNS]
    left = int(ordered["remaining"].iloc[-1])
    if left:
        end = ordered.iloc[[-1]].assign(reason=OTHER_WAVE, dropped=left, remaining=0)
        ordered = pd.concat([ordered, end])
    return ordered.assign(step=range(len(ordered)))


def _households(
    drawn: set[str], visits: pd.DataFrame | None, interviewed: pd.DataFrame, wave: str
) -> list[tuple[str, int, int]]:
    steps = [("households drawn", 0, len(drawn))]
    if interviewed.empty:
        return [*steps, (NOT_COLLECTED, len(drawn), 0), ("analysed", 0, 0)]
    if visits is None:
        left = {"not interviewed": len(drawn) - len(interviewed)}
    else:
        households = pd.Series(sorted(drawn), dtype="str")
        found = reasons(households, interviewed, visits, wave).value_counts()
        left = {
            reason: int(found.get(reason, 0)) for reason in (NOT_VISITED, NEVER_MET, NO_CONSENT)
        }
    remaining = len(drawn)
    for reason, gone in left.items():
        remaining -= gone
        steps.append((reason, gone, remaining))
    return [*steps, (f"{INTERVIEWED} and analysed", 0, remaining)]


def _ends_agree(submissions: pd.DataFrame, interviewed: set[str], wave: str) -> None:
    accepted = (
        0 if submissions.empty else int(submissions.sort_values("step")["remaining"].iloc[-1])
    )
    if accepted != len(interviewed):
        _refuse(
            "The flow of submissions and the panel end at different numbers.",
            f"{accepted} accepted interview(s) of {wave}",
            f"{len(interviewed)} in the panel",
            "clean/flow and analysis/panel",
        )


def _refuse(what: str, expected: str | None, found: str | None, where: str) -> None:
    raise ContractError(
        what,
        expected=expected,
        found=found,
        where=where,
        next_step="run 20_clean and 40_construct again on the same pull",
    )

"""Set the ways to judge one effect side by side: the draw itself, the bootstrap, and standard errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Draw, numeric, outcome_names
from survey_tools.estimate.effects.rows import few_df, joined
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.inference.clusters import effective_clusters
from survey_tools.estimate.inference.randomisation import RandomisationTest, randomisation_test
from survey_tools.estimate.inference.redraw import redraw
from survey_tools.estimate.inference.wild import wild_bootstrap
from survey_tools.estimate.regression.least_squares import Errors, ols
from survey_tools.estimate.regression.problem import Problem

METHODS = ("randomisation", "cr2", "wild", "cr1", "hc2")
_ERRORS: dict[str, Errors] = {"cr2": "CR2", "cr1": "CR1", "hc2": "HC2"}
_NOTES = {
    "cr1": "too small with many strata or few clusters; shown for comparison",
    "hc2": "takes rows of a cluster for independent; shown for comparison",
}


def inference_table(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    *,
    draw: Draw | None = None,
    teams: pd.DataFrame | None = None,
    draws: int = 9_999,
    seed: int,
    methods: Sequence[str] = METHODS,
) -> pd.DataFrame:
    """Test the effect of assignment on each outcome by several methods.

    All methods judge the same coefficient, that of `itt`. The assignment is redrawn over all teams of
    the draw, and then restricted to those with answers: teams that do not answer, and strata in which
    only one arm does, were drawn like the others.

    Parameters
    ----------
    households : DataFrame
        One row a household, outcomes as `<outcome>__<wave>`.
    design : Design
    outcomes : DataFrame or iterable of str
        Names, or a table with a column `outcome`.
    draw : Draw, optional
        How the assignment was drawn. None where nothing was drawn: then there is no randomisation test.
    teams : DataFrame, optional
        All teams drawn over, one row each, with the assignment in the column that `design` names. Goes
        with `draw`.
    draws : int
        Redrawn assignments, and draws of the bootstrap.
    seed : int
    methods : sequence of str
        Of `randomisation` (coefficient, interval of constant effects), `cr2` (Satterthwaite t), `wild`
        (restricted wild cluster bootstrap), `cr1`, `hc2`.

    Returns
    -------
    DataFrame
        One row an outcome and method: `outcome`, `estimand` (itt), `method`, `estimate`, `p_value`,
        `conf_low`, `conf_high` (infinite where the method ends no interval), `df` (NaN where there
        are none), `draws` (missing where there are none), `exact` (whether all draws were listed), `n`,
        `n_teams`, `teams_effective` (see `effective_clusters`), `note`.

    Raises
    ------
    DesignError
        The data cannot carry the design, the teams cannot be drawn from or disagree with the
        data about the arm of a team, a method is unknown, or `randomisation` is asked for without a draw.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        found = ", ".join(unknown)
        raise DesignError("A method is unknown.", expected=", ".join(METHODS), found=found)
    design.check(households)
    if draw is not None and teams is not None:
        _check_arms(households, design, draw, teams)
    names = outcome_names(outcomes)
    samples = {name: prepare(households, design, name, baseline=name) for name in names}
    ready = {name: one.problem for name, one in samples.items() if one.problem is not None}
    tests: dict[str, RandomisationTest] = {}
    if "randomisation" in methods:
        if draw is None or teams is None:
            raise DesignError(
                "Nothing was drawn, so nothing can be drawn again.",
                expected="`draw` and `teams`",
                next_step="leave the method randomisation out of the plan, or say how the teams were drawn",
            )
        assignments = redraw(teams, draw, draws=draws, seed=seed)
        found_tests = randomisation_test(list(ready.values()), assignments, tail=design.tail)
        tests = dict(zip(ready, found_tests, strict=True))
    rows = []
    for name, sample in samples.items():
        for method in methods:
            row = _row(sample, design, name, method)
            problem = ready.get(name)
            if problem is not None and method == "randomisation":
                row |= _of_test(tests[name], row["note"])
            elif problem is not None:
                row |= _of_method(problem, method, design.tail, draws, seed, row["note"])
            rows.append(row)
    table = pd.DataFrame(rows, columns=list(_row_types()))
    return table.astype(_row_types())


def _check_arms(households: pd.DataFrame, design: Design, draw: Draw, teams: pd.DataFrame) -> None:
    draw.check(teams, design.treatment)
    keys = [households[design.cluster].astype(str), numeric(households, design.treatment)]
    of_data = pd.DataFrame({"team": keys[0], "arm": keys[1]}).drop_duplicates("team")
    of_draw = pd.Series(
        numeric(teams, design.treatment), index=teams[draw.cluster].astype(str).to_numpy()
    )
    drawn = of_data["team"].map(of_draw)
    other = sorted(of_data.loc[drawn.notna() & (drawn != of_data["arm"]), "team"])
    if other:
        raise DesignError(
            "The data and the table of teams disagree about who was assigned what.",
            expected=f"the {design.treatment} of the table of teams",
            found=f"{len(other)} {design.cluster} with the other arm: {', '.join(other[:5])}",
            next_step="link the assignment from the table of teams, and from nowhere else",
        )


def _row(sample: Sample, design: Design, outcome: str, method: str) -> dict[str, Any]:
    problem = sample.problem
    return {
        "outcome": outcome,
        "estimand": "itt",
        "method": method,
        "estimate": np.nan if problem is None else problem.estimate,
        "exact": False,
        "n": len(sample.frame),
        "n_teams": sample.frame[design.cluster].nunique(),
        "teams_effective": np.nan if problem is None else effective_clusters(problem),
        "note": joined(sample.refusal, *sample.notes, _NOTES.get(method, "")),
    }


def _of_test(test: RandomisationTest, note: str) -> dict[str, Any]:
    smallest = f"no p-value below {test.smallest_p:.2g} is possible" if test.exact else ""
    undefined = (
        f"nothing to compare under {test.undefined} redrawn assignments" if test.undefined else ""
    )
    return {
        "p_value": test.p_value,
        "conf_low": test.conf_low,
        "conf_high": test.conf_high,
        "draws": test.draws,
        "exact": test.exact,
        "note": joined(note, smallest, undefined),
    }


def _of_method(
    problem: Problem, method: str, tail: float, draws: int, seed: int, note: str
) -> dict[str, Any]:
    if method == "wild":
        try:
            wild = wild_bootstrap(problem, draws=draws, seed=seed, tail=tail)
        except DesignError as error:
            return {"note": joined(note, error.what)}
        ends = {"conf_low": wild.conf_low, "conf_high": wild.conf_high}
        # none of the draws goes as far: all that is known is that p is below one in so many
        least = 0.0 if wild.enumerated else 1 / (wild.draws + 1)
        p_value = max(wild.p_value, least)
        return {"p_value": p_value, **ends, "draws": wild.draws, "exact": wild.enumerated}
    found = ols(problem, errors=_ERRORS[method], tail=tail)
    ends = {"conf_low": found.conf_low, "conf_high": found.conf_high}
    found_note = joined(note, few_df(found.df))
    return {"p_value": found.p_value, **ends, "df": found.df, "note": found_note}


def _row_types() -> dict[str, str]:
    numbers = ("estimate", "p_value", "conf_low", "conf_high", "df")
    return {
        **dict.fromkeys(("outcome", "estimand", "method"), "str"),
        **dict.fromkeys(numbers, "float64"),
        "draws": "Int64",
        "exact": "bool",
        "n": "int64",
        "n_teams": "int64",
        "teams_effective": "float64",
        "note": "str",
    }


def with_randomisation_p(effects: pd.DataFrame, inference: pd.DataFrame) -> pd.DataFrame:
    """Set the p-value of the lot drawn again beside each effect of assignment.

    Parameters
    ----------
    effects : DataFrame
        Contract `effects`.
    inference : DataFrame
        Of `inference_table`.

    Returns
    -------
    DataFrame
        `effects` with the column `p_randomisation`: filled for `itt`, kept where it was there (spillover),
        missing elsewhere.
    """
    drawn = inference[inference["method"].eq("randomisation")]
    p_values = drawn.set_index(["outcome", "estimand"])["p_value"]
    keys = pd.MultiIndex.from_frame(effects[["outcome", "estimand"]])
    found = pd.Series(p_values.reindex(keys).to_numpy(), index=effects.index, dtype="float64")
    if "p_randomisation" in effects:
        found = effects["p_randomisation"].fillna(found)
    return effects.assign(p_randomisation=found)

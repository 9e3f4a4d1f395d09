"""Correct the effects on the outcomes of a family for the number of outcomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, require_columns
from survey_tools.estimate.effects.rows import joined
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.inference.families import holm, sharpened_q, step_down
from survey_tools.estimate.inference.wild import unscaled_error, wild_statistics
from survey_tools.estimate.regression import Problem

SUMMARIES = "index"
"""Family of the indices, each the summary test of one family of outcomes."""

_NUMBERS = ("estimate", "p_value", "p_romano_wolf", "p_holm", "q_sharpened")


def family_table(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame,
    p_values: pd.Series | None = None,
    *,
    draws: int = 9999,
    seed: int,
) -> pd.DataFrame:
    """Estimate the effect of assignment on each outcome and correct the p-values within families.

    The regression is that of `itt`. An index is the summary test of its family and is not corrected with
    its members; the indices are a family of their own, so that summary tests are corrected for the number
    of families (Anderson 2008, JASA 103:1481, section 3; Casey, Glennerster and Miguel 2012, QJE 127:1755).

    Parameters
    ----------
    households : DataFrame
        One row a household, outcomes as `<outcome>__<wave>`.
    design : Design
    outcomes : DataFrame
        Columns `outcome` and `family`; rows whose `scale`, if there is such a column, is `index` are indices.
    p_values : Series, optional
        Two-sided p-values by outcome on which `p_holm` and `q_sharpened` rest; those of the restricted
        wild cluster bootstrap by default. `p_romano_wolf` always rests on the bootstrap.
    draws : int
    seed : int

    Returns
    -------
    DataFrame
        One row an outcome, in the order given: `outcome`, `family`, `n_tests` (outcomes of the family with an
        estimate), `estimate`, `p_value`, `p_romano_wolf`, `p_holm`, `q_sharpened`, `note`. Two-sided
        throughout. One test alone is not corrected.

    Raises
    ------
    DesignError
        The table cannot carry the design, an outcome is listed twice, or `p_values` lacks one. What concerns
        one outcome only is a row of NaN whose `note` says why.
    """
    design.check(households)
    _check(outcomes, p_values)
    names = outcomes["outcome"].astype(str)
    samples = {name: _sample(households, design, name) for name in names}
    tests = pd.DataFrame(np.nan, index=pd.Index(names), columns=["n_tests", *_NUMBERS])
    for _, members in names.groupby(_families(outcomes).to_numpy(), sort=False):
        problems = {name: one for name in members if (one := samples[name].problem)}
        tests.loc[members, "n_tests"] = len(problems)
        if problems:
            given = None if p_values is None else p_values[list(problems)].to_numpy(float)
            found = _tests(list(problems.values()), given, draws, seed)
            tests.loc[list(problems), list(_NUMBERS)] = found
    table = tests.reset_index(names="outcome").astype({"n_tests": "int64"})
    table.insert(1, "family", _families(outcomes).to_numpy())
    return table.assign(note=[_note(samples[name]) for name in names])


def _tests(problems: list[Problem], given: Floats | None, draws: int, seed: int) -> Floats:
    """Estimates and p-values of one family, shape (K, 5), columns as in `_NUMBERS`."""
    estimates = np.array([problem.estimate for problem in problems])
    statistics = wild_statistics(problems, draws=draws, seed=seed)
    p_values = statistics.p_values() if given is None else given
    stepwise = step_down(statistics)
    several = len(problems) > 1
    q_values = (
        sharpened_q(p_values) if several else p_values
    )  # of one alone it would be p / (1 - p)
    return np.column_stack([estimates, p_values, stepwise, holm(p_values), q_values])


def _sample(households: pd.DataFrame, design: Design, outcome: str) -> Sample:
    """Prepare the regression of one outcome; without one where the bootstrap has nothing to resample."""
    sample = prepare(households, design, outcome, baseline=outcome)
    if sample.problem:
        try:
            unscaled_error(sample.problem)
        except DesignError as error:
            return replace(sample, problem=None, refusal=error.found or error.what)
    return sample


def _note(sample: Sample) -> str:
    return joined(sample.refusal, *sample.notes)


def _families(outcomes: pd.DataFrame) -> pd.Series:
    families = outcomes["family"].astype(str)
    if "scale" not in outcomes:
        return families
    return families.mask(outcomes["scale"] == "index", SUMMARIES)


def _check(outcomes: pd.DataFrame, p_values: pd.Series | None) -> None:
    require_columns(outcomes, ["outcome", "family"])
    names = outcomes["outcome"].astype(str)
    listed = () if p_values is None else p_values.index[p_values.index.duplicated()]
    twice = sorted({*names[names.duplicated()], *map(str, listed)})
    if twice:
        raise DesignError(
            "An outcome is listed twice and would count as two tests.",
            found=", ".join(twice),
            where="the table of outcomes, or p_values",
        )
    absent = [] if p_values is None else [name for name in names if name not in p_values.index]
    if absent:
        raise DesignError(
            "Some outcomes have no p-value to correct.",
            expected="a p-value, or NaN, for each outcome",
            found=f"none for {', '.join(absent)}",
            where="p_values, by outcome",
        )

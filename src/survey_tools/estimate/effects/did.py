"""Compare changes between the arms: two waves, households interviewed in both."""

from __future__ import annotations

import pandas as pd

from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.effects.assignment import errors
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols


def did(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect on the change from baseline to endline (difference in differences).

    Change on treatment and stratum dummies, for households that answered in both waves: the same
    number as household and stratum-by-wave effects in the long table. Where the draw made the arms
    alike, ANCOVA (`itt`) is at least as precise (McKenzie 2012, J. Dev. Econ. 99:210); where it did not,
    this estimate needs trends that would have been parallel without treatment.

    Parameters
    ----------
    households : DataFrame
        One row a household, outcomes as `<outcome>__<wave>`.
    design : Design
    outcome : str
        Name without wave.

    Returns
    -------
    DataFrame
        One row of the contract `effects`, estimand `did`; in units of the outcome. `mean_regular` is the
        endline mean of the regular arm. Without an estimate its `note` says why.

    Raises
    ------
    DesignError
        When the frame cannot carry the design, or a column is not numeric.
    """
    design.check(households)
    rows = households.reset_index(drop=True)
    method = f"change from {design.baseline} to {design.endline}, {design.stratum} dummies, "
    method += errors(design)
    if design.at_baseline(outcome) not in rows:
        return effect_row(
            rows.iloc[:0], design, outcome, "did", Coefficient(), method=method,
            notes=("no baseline measure",),
        )  # fmt: skip
    at_end = numeric(rows, design.at_endline(outcome))
    change = at_end - numeric(rows, design.at_baseline(outcome))
    changes = rows.assign(**{design.at_endline(outcome): change})
    sample = prepare(changes, design, outcome, controls=False)
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    used = rows.loc[sample.frame.index]
    lost = int((at_end == at_end).sum()) - len(used)
    notes = (
        sample.refusal,
        *sample.notes,
        f"{lost} households without a baseline answer left out" if lost else "",
    )
    return effect_row(used, design, outcome, "did", found, method=method, notes=notes)

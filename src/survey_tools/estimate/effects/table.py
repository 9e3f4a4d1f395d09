"""All effects of the draw on all outcomes in one table."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from survey_tools.estimate.design import Design, outcome_names
from survey_tools.estimate.effects.assignment import first_stage, itt, itt_unadjusted, naive
from survey_tools.estimate.effects.late import late
from survey_tools.estimate.effects.lin import itt_lin

ESTIMANDS = ("itt", "itt_lin", "itt_unadjusted", "naive", "late", "first_stage")


def effects(
    households: pd.DataFrame, design: Design, outcomes: pd.DataFrame | Iterable[str]
) -> pd.DataFrame:
    """Estimate all estimands for all outcomes.

    Parameters
    ----------
    households : DataFrame
        One row a household, with outcomes as `<outcome>__<wave>` (see `Design`).
    design : Design
    outcomes : DataFrame with a column `outcome`, or names

    Returns
    -------
    DataFrame
        Contract `effects`, with `n_communes` and, of `late` only, `first_stage_f`, `ar_low` and
        `ar_high`. One row an outcome and estimand, and one `first_stage`.

    Raises
    ------
    DesignError
        When the frame cannot carry the design. What concerns one outcome only is a row without
        estimate whose `note` says why.
    """
    rows = [first_stage(households, design)]
    for outcome in outcome_names(outcomes):
        for estimate in (itt, itt_lin, itt_unadjusted, naive, late):
            rows.append(estimate(households, design, outcome))
    table = pd.concat(rows, ignore_index=True)
    late_only = [name for name in ("first_stage_f", "ar_low", "ar_high") if name not in table]
    return table.assign(**dict.fromkeys(late_only, float("nan")))

"""Show whether the treated have counterparts among the others: tables of the propensity by arm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, Floats
from survey_tools.estimate.effects.comparison import Comparison
from survey_tools.estimate.effects.observational import overlap
from survey_tools.estimate.effects.weighting import (
    Target,
    balancing_weights,
    effective_number,
)

ARMS = ("untreated", "treated")


def overlap_table(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    target: Target = "ate",
    trim: float = 0.1,
    **settings: Any,
) -> pd.DataFrame:
    """Describe the propensity of either arm and what weighting makes of it.

    Parameters
    ----------
    households, design, outcome, **settings
        As for `aipw`.
    target : {"ate", "att", "ato"}
    trim : float

    Returns
    -------
    DataFrame
        Two rows: `arm`, `n`, `n_teams`, `mean_score`, `min_score`, `max_score`, `share_below` (of rows, score
        below `trim`), `share_above` (above 1 - `trim`), `effective_n` (rows that the weights of `target`
        leave, Kish 1965, nothing trimmed), `largest_weight` (share of the arm's weight on one row).

    Raises
    ------
    SeparationError
        When covariates separate the arms.
    """
    found, score = overlap(households, design, outcome, **settings)
    parts = balancing_weights(found.treated, score, target, found.weights)
    rows = []
    for arm, weight in ((0, parts.untreated), (1, parts.treated)):
        inside = found.treated == arm
        own = score[inside]
        rows.append(
            {
                "arm": ARMS[arm],
                "n": int(inside.sum()),
                "n_teams": len(np.unique(found.clusters[inside])),
                "mean_score": float(own.mean()),
                "min_score": float(own.min()),
                "max_score": float(own.max()),
                "share_below": float((own < trim).mean()),
                "share_above": float((own > 1 - trim).mean()),
                "effective_n": effective_number(weight),
                "largest_weight": float(weight.max() / weight.sum()),
            }
        )
    return pd.DataFrame(rows)


def overlap_bins(
    households: pd.DataFrame, design: Design, outcome: str, *, bins: int = 10, **settings: Any
) -> pd.DataFrame:
    """Count rows by arm and propensity, for a histogram.

    Returns
    -------
    DataFrame
        One row an arm and bin: `arm`, `score_low`, `score_high` (the last bin holds its upper end), `n`,
        `share` (of the arm).
    """
    found, score = overlap(households, design, outcome, **settings)
    edges = np.linspace(0, 1, bins + 1)
    parts = []
    for arm, name in enumerate(ARMS):
        count = np.histogram(score[found.treated == arm], edges)[0]
        share = count / count.sum()
        numbers = {"score_low": edges[:-1], "score_high": edges[1:], "n": count, "share": share}
        parts.append(pd.DataFrame({"arm": name, **numbers}))
    return pd.concat(parts, ignore_index=True)


def overlap_balance(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    target: Target = "ate",
    **settings: Any,
) -> pd.DataFrame:
    """Compare the covariates of the arms before and after weighting.

    Differences of means over the root of the mean of the two variances, which are those before weighting in
    both columns (Imbens and Rubin 2015, equation 14.1; Austin 2009); beyond 0.1 worth a look. A large one
    after weighting says that the logit is wrong.

    Returns
    -------
    DataFrame
        One row a covariate: `variable`, `difference_before`, `difference_after`; NaN where neither arm
        varies.
    """
    found, score = overlap(households, design, outcome, **settings)
    parts = balancing_weights(found.treated, score, target, found.weights)
    even = balancing_weights(found.treated, np.full(len(score), 0.5), "ate", found.weights)
    return pd.DataFrame(
        {
            "variable": found.adjusted.names,
            "difference_before": _standardised(found, even.treated, even.untreated),
            "difference_after": _standardised(found, parts.treated, parts.untreated),
        }
    )


def _standardised(found: Comparison, treated: Floats, untreated: Floats) -> Floats:
    matrix = found.adjusted.matrix
    gap = (treated / treated.sum() - untreated / untreated.sum()) @ matrix
    variances = [matrix[found.treated == arm].var(axis=0, ddof=1) for arm in (0, 1)]
    root = np.sqrt(np.mean(variances, axis=0))
    return np.asarray(np.divide(gap, root, out=np.full(len(gap), np.nan), where=root > 1e-12))

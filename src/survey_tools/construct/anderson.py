"""Summarise a family of outcomes in Anderson's inverse-covariance index; chooses no family.

The weights come from the regular group before outreach, so no result can move them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.construct.indices import FAMILIES, LEAST_COMPONENTS

SUFFIX = "__icw"
INDICES = tuple(f"{name}{SUFFIX}" for name in FAMILIES)
"""Columns of the panel that hold these indices."""

LEAST_ANSWERS = 20
"""Answers that an outcome needs in the reference group, and two outcomes together for a covariance."""

SMALLEST_EIGENVALUE = 1e-6
"""Below it the covariance is taken to have no inverse; two equal outcomes give 0."""

LEAST_WEIGHT = 0.1
"""Share of the sum of weights that the outcomes of a household must have for it to get an index."""

WEIGHTS = ["index", "outcome", "n", "mean", "sd", "weight", "note"]


def anderson_weights(
    panel: pd.DataFrame,
    baseline: str,
    families: dict[str, tuple[str, ...]] = FAMILIES,
    *,
    treatment: str = "intensive",
    reversed_: frozenset[str] = frozenset(),
    least_answers: int = LEAST_ANSWERS,
) -> pd.DataFrame:
    """Return the weights of the indices (Anderson 2008, JASA 103(484), appendix A, steps 1-3).

    Outcomes are turned so that higher is better, and standardised by mean and standard deviation of the
    reference group: regular outreach at the baseline. Each pair's covariance is taken over the
    households that have both (0 where fewer than `least_answers` have). The weight of an outcome is the
    sum of its row in the inverse of that matrix: outcomes that repeat each other share their weight.

    Parameters
    ----------
    panel : DataFrame
        `wave`, `treatment` and the outcomes.
    baseline : str
        Wave of the reference group.
    families : dict
        Index -> outcomes.
    treatment : str
        Column of the arm, 0 = regular.
    reversed_ : frozenset of str
        Outcomes that are better when lower.
    least_answers : int

    Returns
    -------
    DataFrame
        Contract `index_weights`: `index, outcome, n` (answers in the reference group), `mean, sd` (of the
        turned outcome), `weight` (0 and a `note` where the outcome has too few answers or does not
        vary; all missing and a note where the matrix has no inverse that can be trusted).
    """
    reference = panel.loc[(panel["wave"] == baseline) & (panel[treatment] == 0)]
    parts = [
        _family(reference, name, list(outcomes), reversed_, least_answers)
        for name, outcomes in families.items()
    ]
    weights = pd.concat(parts, ignore_index=True)[WEIGHTS]
    text = dict.fromkeys(["index", "outcome", "note"], "str")
    return contracts.validate(weights.astype({**text, "n": "int64"}), "index_weights")


def anderson_indices(
    panel: pd.DataFrame,
    weights: pd.DataFrame,
    *,
    reversed_: frozenset[str] = frozenset(),
    least: int = LEAST_COMPONENTS,
) -> pd.DataFrame:
    """Return one index a family (Anderson 2008, step 4).

    The index of a household is the weighted mean of its standardised outcomes over the outcomes that
    it has. It needs `least` of them, with at least a tenth of all weight.

    Parameters
    ----------
    panel : DataFrame
        The outcomes.
    weights : DataFrame
        From `anderson_weights`.
    reversed_ : frozenset of str
        The same as there.
    least : int

    Returns
    -------
    DataFrame
        One float64 column an index, `<index>__icw`, in standard deviations of one outcome; index as
        `panel`. In the reference group its mean is 0 where no outcome is missing.
    """
    columns = {}
    for name, family in weights.groupby("index", sort=False):
        outcomes = list(family["outcome"])
        turned = _turned(panel[outcomes], reversed_)
        sd = family["sd"].where(family["sd"] > 0).to_numpy()
        z = (turned - family["mean"].to_numpy()) / sd
        weight = family["weight"].to_numpy()
        has = np.isfinite(z) & (weight != 0) & np.isfinite(weight)
        total = np.where(has, weight, 0.0).sum(axis=1)
        summed = np.where(has, z * weight, 0.0).sum(axis=1)
        enough = (has.sum(axis=1) >= least) & (total >= LEAST_WEIGHT * np.nansum(weight))
        value = np.full(len(panel), np.nan)
        np.divide(summed, total, out=value, where=enough & (total > 0))
        columns[f"{name}{SUFFIX}"] = value
    return pd.DataFrame(columns, index=panel.index)


def _turned(outcomes: pd.DataFrame, reversed_: frozenset[str]) -> np.ndarray:
    signs = np.array([-1.0 if name in reversed_ else 1.0 for name in outcomes.columns])
    return outcomes.to_numpy(dtype=float) * signs


def _family(
    reference: pd.DataFrame,
    name: str,
    outcomes: list[str],
    reversed_: frozenset[str],
    least_answers: int,
) -> pd.DataFrame:
    values = pd.DataFrame(_turned(reference[outcomes], reversed_), columns=outcomes)
    n, mean, sd = values.count(), values.mean(), values.std()
    usable = (n >= least_answers) & (sd > 1e-12)
    z = ((values - mean) / sd).loc[:, usable]
    weight = pd.Series(0.0, index=outcomes)
    note = pd.Series("", index=outcomes).mask(~usable, "too few answers, or no variation")
    covariance = _pairwise(z, least_answers)
    if len(covariance) and np.linalg.eigvalsh(covariance)[0] < SMALLEST_EIGENVALUE:
        weight[:], note[:] = np.nan, "outcomes repeat each other: no inverse"
    elif len(covariance):
        weight[usable] = np.linalg.solve(covariance, np.ones(len(covariance)))
    return pd.DataFrame(
        {"index": name, "outcome": outcomes, "n": n.to_numpy(), "mean": mean.to_numpy(),
         "sd": sd.to_numpy(), "weight": weight.to_numpy(), "note": note.to_numpy()}
    )  # fmt: skip


def _pairwise(z: pd.DataFrame, least: int) -> np.ndarray:
    """Sum of products over the pairs that have both, by their number less one.

    Anderson divides by the number; this way the diagonal is 1, as of what was standardised.
    """
    has = z.notna().to_numpy(dtype=float)
    filled = z.fillna(0.0).to_numpy()
    both = has.T @ has
    products = filled.T @ filled
    covariance = np.divide(products, both - 1, out=np.zeros_like(products), where=both >= least)
    np.fill_diagonal(covariance, 1.0)
    return covariance

"""Weigh rows by their propensity so that the arms become alike, and say how far that carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.effects.propensity import Predictions
from survey_tools.estimate.regression.coefficient import Coefficient

Target = Literal["ate", "att", "ato"]
TARGETS: dict[str, str] = {
    "ate": "all households",
    "att": "treated households",
    "ato": "households with overlap, weighted by score × (1 - score)",
}


@dataclass(frozen=True)
class Weights:
    """Weights of the rows that make the arms alike on one target population; none is below 0.

    Attributes
    ----------
    target, treated, untreated : array of float, shape (n,)
        Of the row in the population, as treated (0 for the others), as untreated (0 for the treated).
    """

    target: Floats
    treated: Floats
    untreated: Floats


def balancing_weights(
    treated: Floats, score: Floats, target: Target, weights: Floats | None = None
) -> Weights:
    """Weights for the effect on all (`ate`), on the treated (`att`) or where arms overlap (`ato`).

    Li, Morgan and Zaslavsky (2018, JASA 113:390, table 1): 1/score and 1/(1-score); 1 and
    score/(1-score); 1-score and score. `weights` multiply all three.
    """
    each = np.ones(len(treated)) if weights is None else weights
    untreated = 1 - treated
    if target == "att":
        return Weights(each * treated, each * treated, each * untreated * score / (1 - score))
    tilt = score * (1 - score) if target == "ato" else np.ones(len(score))
    return Weights(
        each * tilt, each * treated * tilt / score, each * untreated * tilt / (1 - score)
    )


def within_bounds(score: Floats, target: Target, trim: float) -> np.ndarray:
    """Tell the rows whose score leaves them counterparts.

    Crump, Hotz, Imbens and Mitnik (2009, Biometrika 96:187): scores from `trim` to 1 - `trim`, 0.1 by
    their rule of thumb. For the treated only the upper bound matters; overlap weights need none.

    Returns
    -------
    array of bool, shape (n,)
    """
    if target == "ato":
        return np.ones(len(score), dtype=bool)
    low = 0.0 if target == "att" else trim
    return np.asarray((score >= low) & (score <= 1 - trim))


def effective_number(weights: Floats) -> float:
    """Count the equally weighted rows with the same variance (Kish 1965); 0 without weight."""
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


def aipw_coefficient(
    y: Floats,
    treated: Floats,
    predictions: Predictions,
    weights: Weights,
    clusters: Codes,
    *,
    tail: float = 0.025,
) -> Coefficient:
    """Augmented inverse-probability-weighted effect, its error clustered.

    Robins, Rotnitzky and Zhao (1994) with weights that add up to 1 in each arm (Hájek): the predicted
    effect over the target, plus the weighted mean residual of the treated, less that of the untreated.
    It is right if either the propensity or the outcomes are modelled right (not for `ato`, whose
    target is itself made from the score).

    The error is that of the influence values added up by cluster. Each of the three means is regarded as
    a regression on a constant, and a cluster's sum is divided by the root of 1 minus its share of the
    weight: CR2 (Bell and McCaffrey 2002) for a mean. For a treatment of whole clusters and with constant
    predictions and score this is CR2 of a difference in means. Degrees of freedom after Welch (1947)
    from the variance of either arm and its effective number of clusters less 1, so that weight that
    lies on a few clusters widens the interval; G-1 at most. Predictions of rows come from other
    clusters, so their errors are not too small and need no further correction.
    """
    effect = predictions.if_treated - predictions.if_untreated
    errors1, errors0 = y - predictions.if_treated, y - predictions.if_untreated
    parts = [
        _mean_and_cluster_sums(effect, weights.target, clusters),
        _mean_and_cluster_sums(errors1, weights.treated, clusters),
        _mean_and_cluster_sums(errors0, weights.untreated, clusters),
    ]
    (predicted, a), (residual1, b), (residual0, c) = parts
    estimate = predicted + residual1 - residual0
    variance = float(((a + b - c) ** 2).sum())
    numbers = [
        effective_number(np.bincount(clusters, each).astype(float)) - 1
        for each in (weights.treated, weights.untreated)
    ]
    df = min(_welch((b**2).sum(), (c**2).sum(), *numbers), int(clusters.max()))
    return Coefficient.from_error(estimate, float(np.sqrt(variance)), df, tail)


def _mean_and_cluster_sums(
    values: Floats, weights: Floats, clusters: Codes
) -> tuple[float, Floats]:
    total = weights.sum()
    mean = float(weights @ values / total)
    sums = np.bincount(clusters, weights * (values - mean)) / total
    share = np.bincount(clusters, weights) / total
    return mean, np.asarray(sums / np.sqrt(np.maximum(1 - share, 1e-12)))


def _welch(first: float, second: float, df_first: float, df_second: float) -> float:
    if min(df_first, df_second) <= 0 or first + second <= 0:
        return 0.0
    return float((first + second) ** 2 / (first**2 / df_first + second**2 / df_second))


def ipw_att(y: Floats, treated: Floats, score: Floats, *, tail: float = 0.025) -> Coefficient:
    """Effect on the treated by weighting alone: `y` on `treated` with weights 1 and score/(1-score).

    Hirano and Imbens (2001). HC0 error of the weighted regression, which takes scores as known and rows as
    independent; normal. For clustered rows use `aipw_coefficient`.
    """
    parts = balancing_weights(treated, score, "att")
    means, variance = [], 0.0
    for weight in (parts.treated, parts.untreated):
        share = weight / weight.sum()
        means.append(float(share @ y))
        variance += float(((share * (y - means[-1])) ** 2).sum())
    return Coefficient.from_error(means[0] - means[1], float(np.sqrt(variance)), np.inf, tail)

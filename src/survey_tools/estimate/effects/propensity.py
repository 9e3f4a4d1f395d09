"""Predict treatment and outcomes from covariates, each cluster from other clusters; weighs nothing.

A linear model of the outcome by arm and a logit of the treatment: with few clusters a more flexible
learner would learn the clusters.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import statsmodels.api as sm
from scipy.optimize import linprog
from scipy.special import expit

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.regression.regressors import Columns, independent

_SUSPICIOUS = 10.0
"""Size of a fitted log odds beyond which separation is looked for; a separated fit goes far past it."""


class SeparationError(DesignError):
    """Covariates tell the treated from the others without error: nobody is there to compare with."""


@dataclass(frozen=True)
class Predictions:
    """What is predicted of each row from clusters other than its own.

    Attributes
    ----------
    score : array of float, shape (n,)
        Probability of treatment (Rosenbaum and Rubin 1983), above 0 and below 1.
    if_treated, if_untreated : array of float, shape (n,)
        Mean outcome with and without treatment, in units of the outcome.
    """

    score: Floats
    if_treated: Floats
    if_untreated: Floats


def logit_scores(
    treated: Floats,
    covariates: Columns,
    *,
    train: np.ndarray | None = None,
    weights: Floats | None = None,
) -> Floats:
    """Probability of treatment of every row by a logit fitted on the rows of `train`.

    Covariates are standardised on those rows; one that is constant or collinear there is left out.

    Parameters
    ----------
    treated : array of float, shape (n,)
        0 or 1.
    covariates : Columns, shape (n, k)
        Without a constant.
    train : array of bool, shape (n,), optional
        All rows by default.
    weights : array of float, shape (n,), optional
        Above 0.

    Returns
    -------
    array of float, shape (n,)

    Raises
    ------
    SeparationError
        When a combination of covariates separates the treated from the others, wholly or in part: then
        the likelihood has no maximum (Albert and Anderson 1984) and any score would be an accident of
        the stopping rule. The separating covariates are named. No penalty is added in its place: it
        would hide that there is no overlap.
    """
    rows = np.ones(len(treated), dtype=bool) if train is None else train
    d, kept = treated[rows], _standardised(covariates, rows)
    if np.ptp(d) == 0:
        raise SeparationError("All rows to fit the propensity on lie in one arm.")
    x = kept.matrix[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is decided below, exactly
        model = sm.GLM(
            d,
            x,
            family=sm.families.Binomial(),
            var_weights=None if weights is None else weights[rows] / weights[rows].mean(),
        )
        fit = model.fit(maxiter=100, tol=1e-12)
    if not fit.converged or np.abs(x @ fit.params).max() > _SUSPICIOUS:
        _refuse_separation(d, x, kept.names)
    if not fit.converged:
        raise SeparationError(
            "The propensity model did not converge.", next_step="adjust for fewer covariates"
        )
    return np.asarray(expit(kept.matrix @ fit.params))


def linear_predictions(
    y: Floats, covariates: Columns, train: np.ndarray, *, weights: Floats | None = None
) -> Floats:
    """Outcome of every row by least squares on the rows of `train`.

    Parameters and treatment of covariates as in `logit_scores`. Returns shape (n,).
    """
    x = _standardised(covariates, train).matrix
    root = np.ones(int(train.sum())) if weights is None else np.sqrt(weights[train])
    slopes = np.linalg.lstsq(x[train] * root[:, None], y[train] * root, rcond=None)[0]
    return np.asarray(x @ slopes)


def cluster_folds(treated: Floats, clusters: Codes, folds: int, rng: np.random.Generator) -> Codes:
    """Deal whole clusters out to folds, those with like shares of treated rows to different folds.

    Clusters are taken by number, so the order of rows does not matter.

    Returns
    -------
    array of int, shape (n,)
        Fold of each row, from 0; as many folds as clusters at most.
    """
    size = np.bincount(clusters)
    folds = min(folds, len(size))
    share = np.bincount(clusters, treated) / size
    order = rng.permutation(len(size))
    order = order[np.argsort(share[order], kind="stable")]
    fold = np.empty(len(size), dtype=np.int64)
    for start in range(0, len(order), folds):
        block = order[start : start + folds]
        fold[block] = rng.permutation(folds)[: len(block)]
    return fold[clusters]


def cross_fit(
    y: Floats,
    treated: Floats,
    covariates: Columns,
    clusters: Codes,
    *,
    weights: Floats | None = None,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 0,
) -> Predictions:
    """Predict treatment and outcomes of each cluster from the clusters of other folds.

    Rows of one team are alike, so folds of single households would predict a household from its
    neighbours. The prediction of a row is its mean over `repeats` ways to deal out the folds (5 ways leave
    little to the seed); every one leaves the row's cluster out (Chernozhukov et al. 2018, sections
    3.1 and 3.4, with averaged predictions in place of averaged estimates).

    Parameters
    ----------
    y, treated : array of float, shape (n,)
    covariates : Columns, shape (n, k)
    clusters : array of int, shape (n,)
        Numbers from 0.
    weights : array of float, shape (n,), optional
    folds : int
        2 or more; the number of clusters leaves one cluster out at a time.
    repeats : int
    seed : int

    Raises
    ------
    SeparationError
        As `logit_scores`, in any fold; or a fold is left without treated or untreated rows to fit on.
    """
    rng = np.random.default_rng(seed)
    total = np.zeros((3, len(y)))
    for _ in range(repeats):
        fold = cluster_folds(treated, clusters, folds, rng)
        for held in range(int(fold.max()) + 1):
            out, train = fold == held, fold != held
            score = logit_scores(treated, covariates, train=train, weights=weights)
            total[0, out] += score[out]
            for row, arm in ((1, treated == 1), (2, treated == 0)):
                found = linear_predictions(y, covariates, train & arm, weights=weights)
                total[row, out] += found[out]
    return Predictions(*(total / repeats))


def _standardised(covariates: Columns, rows: np.ndarray) -> Columns:
    """Constant and covariates with mean 0 and deviation 1 on `rows`; only those that differ there."""
    inside = covariates.matrix[rows]
    spread = inside.std(axis=0)
    varies = spread > 1e-10 * np.maximum(np.abs(inside).max(axis=0, initial=0.0), 1e-300)
    names = tuple(np.array(covariates.names, dtype=object)[varies])
    scaled = (covariates.matrix[:, varies] - inside[:, varies].mean(axis=0)) / spread[varies]
    constant = np.ones((len(scaled), 1))
    new = independent(constant[rows], Columns(scaled[rows], names)).names
    keep = np.isin(np.array(names, dtype=object), new)
    return Columns(np.column_stack([constant, scaled[:, keep]]), ("constant", *new))


def _refuse_separation(treated: Floats, x: Floats, names: tuple[str, ...]) -> None:
    """Look for a direction with all treated on one side, by linear programming (Konis 2007)."""
    signed = np.where(treated == 1, 1.0, -1.0)[:, None] * x
    found = linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(x)), bounds=(-1, 1), method="highs"
    )
    if found.fun is None or found.fun > -1e-6:
        return
    used = np.abs(found.x) > 1e-6
    separating = [name for name, one in zip(names, used, strict=True) if one and name != "constant"]
    raise SeparationError(
        "Covariates tell the treated from the others without error, so they have no counterparts.",
        expected="treated and others at all values of the covariates",
        found=f"separated by {', '.join(separating)}",
        next_step="take a covariate out that follows from the treatment, or compare fewer households",
    )

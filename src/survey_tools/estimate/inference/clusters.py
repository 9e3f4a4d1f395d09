"""How many clusters an estimate rests on in effect."""

from __future__ import annotations

import numpy as np

from survey_tools.estimate.regression.problem import Problem


def effective_clusters(problem: Problem, *, correlation: float = 1.0) -> float:
    """Effective number of clusters for the coefficient of interest.

    G / (1 + C), C the squared coefficient of variation over clusters of what each adds to the variance
    of the coefficient (Carter, Schnepel and Steigerwald 2017, REStat 99:698). It is G when
    clusters are alike and small when few large or treated ones carry the estimate; the Satterthwaite
    degrees of freedom of `ols` answer the same question for the t test with CR2.

    Parameters
    ----------
    problem : Problem
    correlation : float
        Of errors within a cluster, between 0 and 1: the answer depends on it. The authors take 1, the
        worst case.

    Returns
    -------
    float
        At least 1, at most G; NaN where no cluster adds anything.
    """
    row = problem.focal_residual
    if problem.weights is not None:
        row = row * problem.weights
    together = problem.cluster_sums(row) ** 2
    apart = problem.cluster_sums(row**2)
    shares = correlation * together + (1 - correlation) * apart
    # Rounding leaves a little where each cluster sums to zero, as with a dummy a cluster.
    if shares.sum() <= 1e-20 * apart.sum():
        return float(np.nan)
    return float(shares.sum() ** 2 / (shares**2).sum())

"""Collapse a regression to sums by cluster from which every draw of a wild bootstrap follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from survey_tools.estimate.design import Floats
from survey_tools.estimate.regression import Problem

NOTHING = 1e-12
"""Part of a sum of squares that rounding may leave where all of it cancels."""


@dataclass(frozen=True)
class ClusterScores:
    """Scores of every draw of a wild bootstrap, for one problem and q columns of residuals.

    The score of cluster c in a draw with signs v is v_c u_c - h_c'g: u are the sums of focal times residual,
    h those of focal times each regressor, and g the coefficients of the drawn residuals on the
    regressors, linear in v. Of the m regressors some are an orthonormal basis less strata, the last of
    them the focal one (dense), and the others the strata (sparse: a cluster lies in few).
    """

    scores: Floats  # u: (q, G)
    dense: Floats  # times v: g, then the sums of v_c u_c h_c, each for q columns
    strata: sparse.csr_array  # the same for the strata
    leverage: sparse.csr_array  # sum over clusters of h h': (m, m)
    length: float  # of the focal residual

    @property
    def least(self) -> Floats:
        """Cross products of scores below which a draw's are 0 but for rounding, shape (q, q)."""
        return np.asarray(NOTHING * self.scores @ self.scores.T)

    @classmethod
    def of(cls, problem: Problem, residuals: Floats) -> ClusterScores:
        """Add up `residuals`, shape (n, q), over the clusters of `problem`."""
        weight = np.ones(problem.n) if problem.weights is None else problem.weights
        focal = weight * problem.focal_residual
        length = float(np.sqrt(focal @ problem.focal_residual))
        basis = np.column_stack([problem.controls, problem.focal_residual / length])
        weighted = [weight * column for column in residuals.T]
        scores = np.array([problem.cluster_sums(w * problem.focal_residual) for w in weighted])
        h = problem.cluster_sums(focal[:, None] * basis)
        h_strata = _by_stratum(problem, focal)
        total = np.bincount(problem.strata, weight, problem.n_strata)
        dense = [problem.cluster_sums(w[:, None] * basis).T for w in weighted]
        strata = [_by_stratum(problem, w).T / total[:, None] for w in weighted]
        dense += [(h * u[:, None]).T for u in scores]
        strata += [(h_strata * u[:, None]).T for u in scores]
        both = sparse.hstack([sparse.csr_array(h), h_strata])
        stacked = sparse.vstack(strata).tocsr()
        return cls(scores, np.concatenate(dense), stacked, (both.T @ both).tocsr(), length)

    def evaluate(self, signs: Floats) -> tuple[Floats, Floats]:
        """Numerators (q, b) and cross products of scores (q, q, b) of the draws `signs`, shape (G, b)."""
        q, b = len(self.scores), signs.shape[1]
        dense = (self.dense @ signs).reshape(2, q, -1, b)
        strata = (self.strata @ signs).reshape(2, q, -1, b)
        g, crossed = np.concatenate([dense, strata], axis=2)
        half = np.array([crossed[i] - 0.5 * (self.leverage @ g[i]) for i in range(q)])
        taken = np.einsum("imb,jmb->ijb", g, half)
        own = np.einsum("ic,jc->ijc", self.scores, self.scores).reshape(q * q, -1)
        products = (own @ signs**2).reshape(q, q, b) - taken - taken.transpose(1, 0, 2)
        return self.length * dense[0, :, -1], products


def _by_stratum(problem: Problem, values: Floats) -> sparse.csr_array:
    """Add up `values` over the rows of each cluster in each stratum: sparse, shape (G, S)."""
    shape = (problem.n_clusters, problem.n_strata)
    return sparse.coo_array((values, (problem.clusters, problem.strata)), shape=shape).tocsr()

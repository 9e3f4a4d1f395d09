"""Bell and McCaffrey's cluster-robust error (CR2) and the degrees of freedom of its t test.

No Python package that this project could rest on has both for absorbed strata; the formulas are short,
and the tests hold them against rows-by-rows algebra and published figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from survey_tools.estimate.design import Floats
from survey_tools.estimate.regression.moments import Basis, Group, Moments, groups, stratum_roots

_SINGULAR = 1e-10
"""Eigenvalue of (I - H) of a cluster below which it counts as zero (Moore and Penrose)."""
_NOTHING = 1e-8
"""Expected variance, of about 1 for a regressor of length 1, that only rounding is left of."""


@dataclass(frozen=True)
class Adjusted:
    """Adjusted scores of q tested regressors by cluster, and how they vary under the working model.

    With p the adjusted regressor, the score of a cluster is p'e, and the scores s_g of independent
    errors of equal variance have the covariances diag(squares) + left right' + right left'.

    Attributes
    ----------
    scores : array of float, shape (q, G, E)
        One for each vector of errors.
    squares : array of float, shape (q, q, G)
        Cross products p_s'p_t within each cluster.
    left, right : tuples of q sparse arrays, shape (G, S)
        The part of the factors that belongs to stratum dummies.
    left_wide, right_wide : array of float, shape (q, G, K)
        The part that belongs to the other regressors.
    """

    scores: Floats
    squares: Floats
    left: tuple[sparse.csr_array, ...]
    right: tuple[sparse.csr_array, ...]
    left_wide: Floats
    right_wide: Floats


def cr2(basis: Basis, errors: Floats) -> tuple[Floats, float]:
    """Adjust the scores of the last regressor by cluster; find Satterthwaite's degrees of freedom.

    Each cluster's residuals are multiplied by the symmetric root that makes the variance unbiased when
    errors are independent and alike (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018, JBES 36:672,
    sections 2.1 and 2.2, identity working model; with weights as the R package clubSandwich does for
    weighted `lm`). A singular (I - H) of a cluster is inverted by Moore and Penrose; such a cluster
    tells nothing about the coefficient in the singular direction.

    Parameters
    ----------
    basis : Basis
        Regressors; the last column is the one of interest, of weighted length 1.
    errors : array of float, shape (n, E)
        Residuals of E regressions on the same regressors.

    Returns
    -------
    scores : array of float, shape (G, E)
        The sum of their squares is the variance of the coefficient of the column of length 1.
    df : float
        The same for all outcomes; NaN where no cluster tells anything.
    """
    adjusted = adjust(basis, errors, tested=1)
    return adjusted.scores[0], _satterthwaite(adjusted)


def cr3(basis: Basis, errors: Floats) -> Floats:
    """Find the scores, shape (G, E), of leaving out one cluster after the other (CR3; as `cr2`).

    The sum of squares is that of the jackknife without its factor (G-1)/G (Bell and McCaffrey 2002).
    """
    moments, roots = Moments.of(basis, errors, power=1), stratum_roots(basis)
    scores = np.zeros((basis.layout.n_clusters, errors.shape[1]))
    for group in groups(basis):
        inside, with_errors = moments.in_clusters(group, roots)
        values, vectors = np.linalg.eigh(inside)
        factor = np.where(1 - values > _SINGULAR, 1 / np.maximum(1 - values, _SINGULAR), 0.0)
        weight = vectors @ (factor * vectors[:, -1, :])[:, :, None]
        scores[group.clusters] = (weight.transpose(0, 2, 1) @ with_errors)[:, 0, :]
    return scores


def adjust(basis: Basis, errors: Floats, tested: int) -> Adjusted:
    """Adjust the last `tested` columns of a basis in each cluster.

    The cost is that of the cross products, n (K + 1)^2, and of one or two small eigenproblems a cluster.
    """
    if basis.weights is None:
        return _collect(basis, [Moments.of(basis, errors, power=0)], tested)
    return _collect(basis, [Moments.of(basis, errors, power) for power in (0, 1, 2)], tested)


def _collect(basis: Basis, moments: list[Moments], tested: int) -> Adjusted:
    layout, wide = basis.layout, basis.columns.shape[1]
    n_clusters, n_cells = layout.n_clusters, len(layout.cell_cluster)
    roots = stratum_roots(basis)
    scores = np.zeros((tested, n_clusters, moments[0].cell_errors.shape[1]))
    squares = np.zeros((tested, tested, n_clusters))
    cells = np.zeros((2, tested, n_cells))
    columns = np.zeros((2, tested, n_clusters, wide))
    second = None if basis.weights is None else _Second.of(moments[2], basis, roots)
    for group in groups(basis):
        blocks, m = [one.in_clusters(group, roots) for one in moments], group.cells.shape[1]
        if second is None:
            found = _unweighted(*blocks[0], tested)
        else:
            found = _weighted(blocks, second.in_clusters(group), m, tested)
        scores[:, group.clusters], squares[:, :, group.clusters] = found[:2]
        for side, factor in enumerate(found[2:]):
            cells[side][:, group.cells] = factor[:, :, :m]
            columns[side][:, group.clusters] = factor[:, :, m:]
    left, right = (tuple(_by_stratum(values, basis) for values in side) for side in cells)
    return Adjusted(scores, squares, left, right, columns[0], columns[1])


def _by_stratum(values: Floats, basis: Basis) -> sparse.csr_array:
    """Lay the values of the cells out by cluster and stratum, zeros left out."""
    layout, there = basis.layout, values != 0
    at = layout.cell_cluster[there], layout.cell_stratum[there]
    return sparse.csr_array((values[there], at), shape=(layout.n_clusters, layout.n_strata))


def _unweighted(
    inside: Floats, with_errors: Floats, tested: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Adjust by (I - H)^(-1/2): with H = X X', it turns X c into X (I - X'X)^(-1/2) c."""
    values, vectors = np.linalg.eigh(inside)
    rest = 1 - values
    factor = np.where(rest > _SINGULAR, 1 / np.sqrt(np.maximum(rest, _SINGULAR)), 0.0)
    weight = vectors @ (factor[:, :, None] * vectors[:, -tested:, :].transpose(0, 2, 1))
    image = inside @ weight
    squares = weight.transpose(0, 2, 1) @ image
    scores = (weight.transpose(0, 2, 1) @ with_errors).transpose(1, 0, 2)
    image = image.transpose(2, 0, 1)
    return scores, squares.transpose(1, 2, 0), image, -image / 2


def _weighted(
    blocks: list[tuple[Floats, Floats]], second: Floats, m: int, tested: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Adjust by the root of the variance of the residuals when weights are no variances.

    In a cluster it is I + B C B' with B = [X, WX] and C = [[X'WWX, -I], [-I, 0]], X'WWX over all rows.
    With T = I + R C R, R the root of B'B, the symmetric function f of it turns B c into
    B (c + C R h(T) R c), h(x) = (f(x) - 1) / (x - 1): nothing is divided by a small number.
    """
    (zero, zero_errors), (one, one_errors), (two, _) = blocks
    size = zero.shape[1]
    products = np.block([[zero, one], [one, two]])
    unit = np.broadcast_to(np.eye(size), zero.shape)
    middle = np.block([[second, -unit], [-unit, np.zeros_like(zero)]])
    values, vectors = np.linalg.eigh(products)
    root = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    values, vectors = np.linalg.eigh(np.eye(2 * size) + root @ middle @ root)
    sqrt = np.sqrt(np.maximum(values, _SINGULAR))
    factor = np.where(values > _SINGULAR, -1 / (sqrt * (1 + sqrt)), 1.0)
    turned = root @ vectors
    weight = middle @ turned @ (factor[:, :, None] * turned[:, -tested:, :].transpose(0, 2, 1))
    weight[:, np.arange(2 * size - tested, 2 * size), np.arange(tested)] += 1
    image = products @ weight
    squares = weight.transpose(0, 2, 1) @ image
    with_errors = np.concatenate([zero_errors, one_errors], axis=1)
    scores = (weight.transpose(0, 2, 1) @ with_errors).transpose(1, 0, 2)
    half = second / 2
    half[:, m:, :m] *= 2  # what dummies and the others share is counted once, with the others,
    half[:, :m, m:] = 0  # so that no cluster reaches strata it does not lie in
    left, right = image[:, :size], half @ image[:, :size] - image[:, size:]
    return scores, squares.transpose(1, 2, 0), left.transpose(2, 0, 1), right.transpose(2, 0, 1)


@dataclass(frozen=True)
class _Second:
    """X'WWX over all rows: of the dummies, shape (S,), of both, (S, K), and of the others, (K, K)."""

    own: Floats
    shared: Floats
    wide: Floats

    @classmethod
    def of(cls, squared: Moments, basis: Basis, roots: Floats) -> _Second:
        stratum, n_strata = basis.layout.cell_stratum, basis.layout.n_strata
        own = np.bincount(stratum, squared.sizes, n_strata) / roots**2
        sums = [np.bincount(stratum, column, n_strata) for column in squared.cells.T]
        return cls(own, np.column_stack(sums) / roots[:, None], squared.products.sum(axis=0))

    def in_clusters(self, group: Group) -> Floats:
        """Take the regressors that each cluster of a group has: shape (clusters, m + K, m + K)."""
        m, wide = group.cells.shape[1], len(self.wide)
        out = np.zeros((len(group.clusters), m + wide, m + wide))
        out[:, np.arange(m), np.arange(m)] = self.own[group.strata]
        out[:, :m, m:] = self.shared[group.strata]
        out[:, m:, :m] = out[:, :m, m:].transpose(0, 2, 1)
        out[:, m:, m:] = self.wide
        return out


def _satterthwaite(adjusted: Adjusted) -> float:
    """Twice the squared mean over the variance of the variance: tr(Q)^2 / sum of the squares of Q.

    Q, the covariances of the scores, is a diagonal plus factors and is not formed.
    """
    own, left, right = adjusted.squares[0, 0], adjusted.left[0], adjusted.right[0]
    wide_left, wide_right = adjusted.left_wide[0], adjusted.right_wide[0]
    product = (left * right).sum(axis=1) + (wide_left * wide_right).sum(axis=1)
    trace = float((own + 2 * product).sum())
    if not trace > _NOTHING:
        return np.nan
    strata = (left.T @ left) * (right.T @ right)
    crossed = left.T @ right
    strata_crossed = crossed * crossed.T
    both = (left.T @ wide_left) * (right.T @ wide_right)
    both_crossed = (left.T @ wide_right) * (right.T @ wide_left)
    wide = (wide_left.T @ wide_left) * (wide_right.T @ wide_right)
    wide_crossed = wide_left.T @ wide_right
    factors = (
        strata.sum()
        + strata_crossed.sum()
        + 2 * (both.sum() + both_crossed.sum())
        + wide.sum()
        + (wide_crossed * wide_crossed.T).sum()
    )
    return float(trace**2 / ((own**2).sum() + 4 * (own * product).sum() + 2 * factors))

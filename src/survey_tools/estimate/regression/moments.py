"""Sums over the rows of each cluster that cluster-robust errors need; knows no formula of an error.

With regressors X orthonormal in the metric of the weights (X'WX = I), everything that errors of the
type of Bell and McCaffrey need of a cluster is a small matrix of cross products: no matrix of rows by
rows, and none of rows by strata. A stratum dummy is not stored; in a cluster it is a constant on the
rows of one *cell*, the cell being where a cluster and a stratum meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.regression.problem import Problem

_NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Layout:
    """Where clusters and strata meet.

    Attributes
    ----------
    clusters, strata : array of int, shape (n,)
        As in `Problem`.
    n_clusters, n_strata : int
    order : array of int, shape (n,)
        Rows sorted by cluster.
    starts : array of int, shape (G + 1,)
        Where each cluster begins in `order`; the last one is n.
    cell : array of int, shape (n,)
        Cell of each row; the cells are numbered by cluster, then by stratum.
    cell_cluster, cell_stratum : array of int, shape (C,)
    """

    clusters: Codes
    strata: Codes
    n_clusters: int
    n_strata: int
    order: Codes
    starts: Codes
    cell: Codes
    cell_cluster: Codes
    cell_stratum: Codes

    @classmethod
    def of(cls, strata: Codes, clusters: Codes, n_strata: int, n_clusters: int) -> Layout:
        """Find the cells of rows that are in `strata` and `clusters`, both numbered from 0."""
        order = np.argsort(clusters, kind="stable")
        starts = np.concatenate([[0], np.bincount(clusters, minlength=n_clusters).cumsum()])
        keys, cell = np.unique(clusters * n_strata + strata, return_inverse=True)
        return cls(
            clusters,
            strata,
            n_clusters,
            n_strata,
            order,
            starts,
            cell,
            keys // n_strata,
            keys % n_strata,
        )


@dataclass(frozen=True)
class Basis:
    """The regressors besides the stratum dummies, orthonormal, and the weights in their scale.

    Attributes
    ----------
    columns : array of float, shape (n, K)
        Weighted means zero within strata, and `columns' W columns` = I. The last ones are tested.
    weights : array of float, shape (n,), optional
        With mean 1.
    layout : Layout
    """

    columns: Floats
    weights: Floats | None
    layout: Layout

    @classmethod
    def of(cls, problem: Problem) -> Basis:
        """Basis of a problem, with the regressor of interest last."""
        focal = problem.focal_residual
        weighted = focal if problem.weights is None else focal * problem.weights
        last = focal / np.sqrt(weighted @ focal)
        columns = np.column_stack([problem.controls, last])
        return cls.scaled(columns, problem)

    @classmethod
    def scaled(cls, columns: Floats, problem: Problem) -> Basis:
        """Basis from columns orthonormal in the metric of the weights of `problem`."""
        sizes = problem.n_strata, problem.n_clusters
        layout = Layout.of(problem.strata, problem.clusters, *sizes)
        if problem.weights is None:
            return cls(columns, None, layout)
        mean = problem.weights.mean()
        return cls(columns * np.sqrt(mean), problem.weights / mean, layout)


@dataclass(frozen=True)
class Moments:
    """Cross products by cluster and by cell with rows weighted by one power of the weights.

    Attributes
    ----------
    products : array of float, shape (G, K, K)
        Of the columns of the basis.
    with_errors : array of float, shape (G, K, E)
        Of the columns of the basis with each vector of errors.
    cells : array of float, shape (C, K)
        Sums of the columns over the rows of each cell.
    cell_errors : array of float, shape (C, E)
        Sums of the errors.
    sizes : array of float, shape (C,)
        Sums of the powers of the weights over the rows of each cell.
    """

    products: Floats
    with_errors: Floats
    cells: Floats
    cell_errors: Floats
    sizes: Floats

    @classmethod
    def of(cls, basis: Basis, errors: Floats, power: int) -> Moments:
        """Sum the weights to the given power times the cross products; `errors` has shape (n, E)."""
        layout, wide = basis.layout, basis.columns.shape[1]
        columns = np.column_stack([basis.columns, errors])
        factor = None if basis.weights is None or power == 0 else basis.weights**power
        weighted = columns if factor is None else columns * factor[:, None]
        n_cells = len(layout.cell_cluster)
        sums = [np.bincount(layout.cell, column, n_cells) for column in weighted.T]
        cells = np.column_stack(sums).astype(float)
        sizes = np.bincount(layout.cell, factor, n_cells).astype(float)
        left, right = weighted[layout.order, :wide], columns[layout.order]
        products = np.empty((layout.n_clusters, wide, columns.shape[1]))
        for g in range(layout.n_clusters):
            rows = slice(layout.starts[g], layout.starts[g + 1])
            np.dot(left[rows].T, right[rows], out=products[g])
        return cls(
            products[:, :, :wide], products[:, :, wide:], cells[:, :wide], cells[:, wide:], sizes
        )

    def in_clusters(self, group: Group, roots: Floats) -> tuple[Floats, Floats]:
        """Cross products of all regressors of the clusters of a group, stratum dummies first.

        Parameters
        ----------
        group : Group
        roots : array of float, shape (S,)
            Root of the weight of each stratum, the length of its dummy.

        Returns
        -------
        products : array of float, shape (clusters, m + K, m + K)
        with_errors : array of float, shape (clusters, m + K, E)
        """
        m, wide = group.cells.shape[1], self.products.shape[1]
        length = roots[group.strata]
        sums = self.cells[group.cells] / length[:, :, None]
        out = np.zeros((len(group.clusters), m + wide, m + wide))
        on_diagonal = np.arange(m)
        out[:, on_diagonal, on_diagonal] = self.sizes[group.cells] / length**2
        out[:, :m, m:] = sums
        out[:, m:, :m] = sums.transpose(0, 2, 1)
        out[:, m:, m:] = self.products[group.clusters]
        of_strata = self.cell_errors[group.cells] / length[:, :, None]
        return out, np.concatenate([of_strata, self.with_errors[group.clusters]], axis=1)


@dataclass(frozen=True)
class Group:
    """Clusters that lie in equally many strata.

    Attributes
    ----------
    clusters : array of int, shape (clusters,)
    cells, strata : array of int, shape (clusters, m)
        Cells of each cluster, and the strata of these.
    """

    clusters: Codes
    cells: Codes
    strata: Codes


def groups(basis: Basis) -> Iterator[Group]:
    """Put together clusters that lie in equally many strata, some thousand numbers at a time.

    A stratum wholly within one cluster is left out where rows count alike: its dummy is orthogonal to
    the other regressors over the rows of this cluster, so it changes no error.
    """
    layout, wide = basis.layout, basis.columns.shape[1]
    used = np.ones(len(layout.cell_cluster), dtype=bool)
    if basis.weights is None:
        used = np.bincount(layout.cell_stratum, minlength=layout.n_strata)[layout.cell_stratum] > 1
    cells = np.flatnonzero(used)
    counts = np.bincount(layout.cell_cluster[cells], minlength=layout.n_clusters)
    starts = np.concatenate([[0], counts.cumsum()[:-1]])
    for m in np.unique(counts):
        members = np.flatnonzero(counts == m)
        step = max(1, _NUMBERS_AT_ONCE // int(2 * (m + wide)) ** 2)
        for first in range(0, len(members), step):
            some = members[first : first + step]
            own = cells[starts[some][:, None] + np.arange(m)]
            yield Group(some, own, layout.cell_stratum[own])


def stratum_roots(basis: Basis) -> Floats:
    """Root of the weight of each stratum, the length of its dummy: shape (S,)."""
    layout = basis.layout
    return np.asarray(np.sqrt(np.bincount(layout.strata, basis.weights, layout.n_strata)))

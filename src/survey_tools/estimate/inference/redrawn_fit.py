"""Coefficients and t-values of redrawn assignments, from sums by cluster alone; fits nothing again.

With r the outcome less strata and covariates, w the weights and M the projection off strata and
covariates, the coefficient of an assignment D is s'D / (D'MD): s are the sums of w r by cluster, and D'MD is
the sum of weights drawn, less the squared products of D with an orthonormal basis of strata and covariates,
summed by cluster as well (Frisch and Waugh 1933).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
from scipy import sparse

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.inference.redraw import Assignments
from survey_tools.estimate.regression.problem import Problem

_UNDEFINED = 1e-10  # of the sum of weights

Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fits:
    """Statistics of P problems under b assignments, each array of shape (P, b).

    Attributes
    ----------
    statistic : array of float
        0 where not defined.
    slope : array of float
        By how much the statistic falls when a constant effect grows by 1; NaN where it follows no line.
    defined : array of bool
    """

    statistic: Floats
    slope: Floats
    defined: Booleans


class Coefficients:
    """Coefficients of redrawn assignments in several problems at once."""

    def __init__(self, problems: Sequence[Problem], assignments: Assignments) -> None:
        sums = [_Sums(problem, assignments) for problem in problems]
        self.observed = np.array([problem.estimate for problem in problems])
        layouts = {one.layout: one for one in sums}
        number = {key: position for position, key in enumerate(layouts)}
        self._layout = np.array([number[one.layout] for one in sums])
        self._size = np.array([one.weight.sum() for one in sums])[:, None]
        parts = (
            [one.outcome for one in sums],
            [one.treatment for one in sums],
            [one.scattered(one.weight) for one in layouts.values()],
        )
        self._parts = _slices([len(part) for part in parts])
        self._controls = _slices([len(one.controls) for one in sums], self._parts[-1].stop)
        self._dense = np.vstack([*chain(*parts), *(one.controls for one in sums)])
        self._strata = _slices([one.strata.shape[0] for one in layouts.values()])
        self._sparse = sparse.vstack([one.strata for one in layouts.values()], format="csr")

    def fits(self, drawn: Floats) -> Fits:
        """Compute the coefficients of a block of assignments over all clusters, shape (G, b)."""
        products, by_stratum = self._dense @ drawn, self._sparse @ drawn
        outcome, treatment, size = (products[part] for part in self._parts)
        within = size - np.stack([_squares(by_stratum[part]) for part in self._strata])
        covered = np.stack([_squares(products[part]) for part in self._controls])
        spread = within[self._layout] - covered
        defined = spread > _UNDEFINED * self._size
        divisor = np.where(defined, spread, np.inf)
        return Fits(outcome / divisor, treatment / divisor, defined)


class TValues:
    """Coefficients of redrawn assignments over their cluster-robust errors.

    Factors of the variance that are the same under all assignments are left out.
    """

    def __init__(self, problems: Sequence[Problem], assignments: Assignments) -> None:
        self._sums = [_Sums(problem, assignments) for problem in problems]
        for one in self._sums:
            one.require_nested()
        arms = [one.scattered(one.problem.focal[one.one_row]) for one in self._sums]
        found = [one.t_values(arm[:, None])[0] for one, arm in zip(self._sums, arms, strict=True)]
        self.observed = np.array(found).ravel()

    def fits(self, drawn: Floats) -> Fits:
        """Compute the t-values of a block of assignments over all clusters, shape (G, b)."""
        found = [one.t_values(drawn) for one in self._sums]
        statistic = np.stack([values for values, _ in found])
        defined = np.stack([there for _, there in found])
        return Fits(statistic, np.full(statistic.shape, np.nan), defined)


class _Sums:
    """Sums by cluster of one problem, at the places of the clusters drawn over."""

    def __init__(self, problem: Problem, assignments: Assignments) -> None:
        self.problem = problem
        self.rows = assignments.rows(problem.cluster_names)
        self._length = len(assignments.cluster_names)
        weights = np.ones(problem.n) if problem.weights is None else problem.weights
        self._row_weights = weights
        self.weight = problem.cluster_sums(weights)
        self.outcome = self.scattered(problem.cluster_sums(weights * problem.y_residual))
        self.treatment = self.scattered(problem.cluster_sums(weights * problem.focal_residual))
        self.controls = self.scattered(problem.cluster_sums(self._weighted(problem.controls))).T

    @cached_property
    def one_row(self) -> Codes:
        """Give a row of each cluster."""
        rows = np.empty(self.problem.n_clusters, dtype=np.int64)
        rows[self.problem.clusters] = np.arange(self.problem.n)
        return rows

    @cached_property
    def layout(self) -> bytes:
        """Problems with the same weights of clusters in strata share the sums by stratum."""
        cells = (self.strata.indptr, self.strata.indices, self.strata.data)
        return b"".join(part.tobytes() for part in (self.rows, self.weight, *cells))

    def scattered(self, values: Floats) -> Floats:
        """Put values of the problem's clusters at their places among all; 0 elsewhere."""
        out = np.zeros((self._length, *values.shape[1:]))
        out[self.rows] = values
        return out

    def spread_within_strata(self, drawn: Floats) -> Floats:
        """Sum of squares of each assignment less its means by stratum, shape (b,)."""
        return np.asarray(self.scattered(self.weight) @ drawn - _squares(self.strata @ drawn))

    def require_nested(self) -> None:
        """Refuse clusters that lie in several strata of the problem."""
        if (self.problem.strata != self.problem.strata[self.one_row][self.problem.clusters]).any():
            raise DesignError("A cluster lies in more than one stratum.")

    def t_values(self, drawn: Floats) -> tuple[Floats, Booleans]:
        """T-values under a block of assignments, and whether they are defined; each shape (b,).

        The score of a cluster is the sum of w x (r - tau x), x = MD; with x = a - c'q (a: the
        assignment less its mean by stratum, c its products with the orthonormal covariates q) it needs
        sums of w q r, w q and w q q' only.
        """
        problem, weight = self.problem, self.weight
        outcome, products = self.outcome[self.rows], self.controls @ drawn
        spread = self.spread_within_strata(drawn) - _squares(products)
        defined = spread > _UNDEFINED * weight.sum()
        tau = np.where(defined, outcome @ drawn[self.rows], 0.0) / np.where(defined, spread, 1.0)
        centred = self._less_stratum_mean(drawn[self.rows])
        first, second = np.triu_indices(len(products))
        double = np.where(first == second, 1.0, 2.0)[:, None]
        q = problem.controls
        of_outcome = problem.cluster_sums(self._weighted(q * problem.y_residual[:, None]))
        of_controls = problem.cluster_sums(self._weighted(q))
        of_pairs = problem.cluster_sums(self._weighted(q[:, first] * q[:, second]))
        squares = centred * (weight[:, None] * centred - 2 * (of_controls @ products))
        squares += of_pairs @ (double * products[first] * products[second])
        scores = centred * outcome[:, None] - of_outcome @ products - tau * squares
        length = np.sqrt(_squares(scores))
        defined &= length > _UNDEFINED * np.abs(outcome).sum()
        return np.where(defined, tau * spread, 0.0) / np.where(defined, length, 1.0), defined

    def _less_stratum_mean(self, drawn: Floats) -> Floats:
        strata = self.problem.strata[self.one_row]
        groups = sparse.csr_array(
            (self.weight, (strata, np.arange(len(strata)))),
            shape=(self.problem.n_strata, len(strata)),
        )
        means = (groups @ drawn) / np.bincount(strata, self.weight)[:, None]
        return np.asarray(drawn - means[strata])

    def _weighted(self, columns: Floats) -> Floats:
        return columns * self._row_weights[:, None]

    @cached_property
    def strata(self) -> sparse.csr_array:
        """Weights of the clusters in each stratum, rows of unit length: shape (S, G)."""
        problem = self.problem
        cells = (problem.strata, self.rows[problem.clusters])
        shape = (problem.n_strata, self._length)
        weight = sparse.csr_array((self._row_weights, cells), shape=shape)
        length = np.sqrt(np.bincount(problem.strata, self._row_weights))
        weight.data /= np.repeat(length, np.diff(weight.indptr))
        return weight


def _slices(lengths: Sequence[int], start: int = 0) -> list[slice]:
    ends = start + np.cumsum([0, *lengths])
    return [slice(int(low), int(high)) for low, high in pairwise(ends)]


def _squares(columns: Floats) -> Floats:
    """Sum of squares of each column."""
    return np.asarray(np.einsum("ab,ab->b", columns, columns))

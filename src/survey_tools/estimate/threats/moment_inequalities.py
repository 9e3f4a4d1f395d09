"""Test of moment inequalities with nuisance parameters: the conditional test with a least favourable stage.

For the sensitivity of event studies; few inequalities, so that the vertices of the dual problem are listed
and every step is closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import linalg, special

from survey_tools.estimate.design import Floats

_DRAWS = 20_000
_PIVOT = 1e-9


@dataclass(frozen=True)
class HybridTest:
    """Hybrid test of a parameter theta (Andrews, Roth and Pakes 2023, REStud 90:2763, section 3.3).

    Tested is whether the mean of normal estimates b, less theta and other parameters in given
    directions, satisfies linear inequalities. That other parameters fit exists exactly if none of
    `level - slope × theta` has a mean above 0: one for each vertex of the dual problem. The largest of
    them is held against its distribution given the others (truncated normal), after a first stage
    that rejects what is too large were all inequalities to bind.

    Attributes
    ----------
    level, slope : array of float, shape (k,)
    covariance : array of float, shape (k, k)
        Of `level`.
    critical : float
        Critical value of the first stage, whose size is a tenth of the whole.
    size : float
        Of the second stage.
    """

    level: Floats
    slope: Floats
    covariance: Floats
    critical: float
    size: float

    @classmethod
    def of(
        cls,
        rows: Floats,
        estimates: Floats,
        covariance: Floats,
        free: slice,
        weights: Floats,
        size: float,
    ) -> HybridTest:
        """Make the test of theta, the `weights` of the `free` part of what the estimates estimate.

        Parameters
        ----------
        rows : array of float, shape (r, n)
            The rest, estimates less the free part, satisfies `rows @ rest <= 0`. Some combination of
            rows, weighted from 0, must be free of the other parameters, as where rows bound from both sides.
        estimates : array of float, shape (n,)
        covariance : array of float, shape (n, n)
        free : slice
            Which entries of the estimates have a free part.
        weights : array of float
            One a free entry.
        size : float
            Of the test.
        """
        effects = rows[:, free]
        along = weights / (weights @ weights)
        others = effects @ linalg.null_space(weights[None, :])
        errors = np.sqrt((rows @ covariance * rows).sum(axis=1))
        vertices = _vertices(np.column_stack([others, errors]).T)
        combined = vertices @ rows
        first = size / 10
        return cls(
            combined @ estimates,
            vertices @ (effects @ along),
            combined @ covariance @ combined.T,
            _least_favourable(combined, covariance, first),
            (size - first) / (1 - first),
        )

    def accepts(self, thetas: Floats) -> Floats:
        """Say for each theta, shape (t,), whether the hybrid test lets it stand."""
        values = self.level[:, None] - np.outer(self.slope, thetas)
        best = values.argmax(axis=0)
        eta = values[best, np.arange(len(thetas))]
        variance = self.covariance[best, best]
        moving = variance > 1e-14 * self.covariance.diagonal().max()
        share = self.covariance[:, best] / np.where(moving, variance, 1.0)
        rest = 1 - share
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (values - share * eta) / rest
        lowest = np.where(rest > _PIVOT, crossing, -np.inf).max(axis=0)
        highest = np.where(rest < -_PIVOT, crossing, np.inf).min(axis=0)
        error = np.sqrt(np.where(moving, variance, 1.0))
        top = np.minimum(highest, self.critical)
        bound = error * truncated_quantile(1 - self.size, lowest / error, top / error)
        second = np.where(moving, eta <= np.maximum(bound, 0.0), eta <= 0)
        return np.asarray(second & (eta <= self.critical))


def _vertices(equations: Floats) -> Floats:
    """Vertices of {g ≥ 0 : equations @ g = (0, …, 0, 1)}, shape (number, columns of `equations`)."""
    size, columns = equations.shape
    chosen = np.array(list(combinations(range(columns), size)))
    square = equations[:, chosen].transpose(1, 0, 2)
    scale = np.linalg.norm(equations, axis=0).max()
    regular = np.abs(np.linalg.det(square / scale)) > 1e-12
    goal = np.zeros((int(regular.sum()), size, 1))
    goal[:, -1] = 1.0
    solved = np.linalg.solve(square[regular], goal)[..., 0]
    found = np.zeros((len(solved), columns))
    np.put_along_axis(found, chosen[regular], solved, axis=1)
    feasible = found[(solved >= -1e-10 * np.abs(solved).max()).all(axis=1)]
    _, unique = np.unique(np.round(feasible / feasible.max(), 9), axis=0, return_index=True)
    return np.asarray(feasible[unique])


def _least_favourable(combined: Floats, covariance: Floats, size: float) -> float:
    """Quantile of the largest of the vertices' values when all inequalities bind (fixed seed)."""
    values, vectors = np.linalg.eigh(covariance)
    root = combined @ (vectors * np.sqrt(np.clip(values, 0.0, None)))
    rng = np.random.default_rng(20230101)
    block = max(1, 4_000_000 // len(root))
    largest = [
        (rng.standard_normal((min(block, _DRAWS - done), root.shape[1])) @ root.T).max(axis=1)
        for done in range(0, _DRAWS, block)
    ]
    return float(np.quantile(np.concatenate(largest), 1 - size))


def truncated_quantile(p: float, low: Floats, high: Floats) -> Floats:
    """Quantile of the standard normal within [low, high], in logs so that tails do not underflow."""
    upper = low > 0
    a, b = np.where(upper, -high, low), np.where(upper, -low, high)
    share = np.where(upper, 1 - p, p)
    log_a, log_b = special.log_ndtr(a), special.log_ndtr(b)
    outside = np.exp(np.minimum(log_a - log_b, 0.0))
    quantile = special.ndtri_exp(log_b + np.log(share + (1 - share) * outside))
    return np.asarray(np.where(upper, -quantile, quantile))

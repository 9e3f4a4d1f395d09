"""Sensitivity of an event study to trends that were not parallel (Rambachan and Roth 2023).

What trends did before the start bounds what they may have done after it; the interval then holds for
every trend within the bound. Own code: the interval of diff-diff 3.13 by relative magnitudes is too
short, and the packages that compute it rightly weigh hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats
from survey_tools.estimate.threats.fixed_length import smoothness_interval
from survey_tools.estimate.threats.moment_inequalities import HybridTest

Kind = Literal["smoothness", "relative_magnitude"]
MOST_POST = 9
"""Periods after the start up to which the vertices of the dual problem are listed (48,620 candidates)."""
_GRID = 401
_DOUBLINGS = 12


def honest(
    estimates: Sequence[float] | Floats,
    covariance: Floats,
    n_pre: int,
    n_post: int,
    *,
    kind: Kind,
    bounds: Sequence[float],
    tail: float = 0.025,
    weights: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Confidence intervals of an effect under bounds on the difference of trends.

    Parameters
    ----------
    estimates : array of float, shape (n_pre + n_post,)
        Effects by time, from the earliest to the last, without the reference, which is the period
        just before the first of `n_post` (as `staggered` with the universal base gives them).
    covariance : array of float, shape (n_pre + n_post, n_pre + n_post)
    n_pre, n_post : int
        Periods before the reference and after it.
    kind : {"smoothness", "relative_magnitude"}
        - `smoothness`: the slope of the difference of trends changes by at most `m` (units of the
          outcome) from one period to the next; 0 lets it go on as a line. Fixed-length interval of shortest
          length (section 4.1 of the paper).
        - `relative_magnitude`: it moves in a period after the start by at most `m` times its largest
          move in a period before. Conditional test with a least favourable first stage of a tenth of
          the size (Andrews, Roth and Pakes 2023, REStud 90:2763), inverted; the union over which
          move was the largest.
    bounds : sequence of float
        Values of `m`, 0 or above.
    tail : float
        Probability left of the lower end of an interval.
    weights : sequence of float, shape (n_post,), optional
        The effect is the sum of the effects after the start times these; by default the first one.

    Returns
    -------
    DataFrame
        One row a bound: `kind`, `m`, `conf_low`, `conf_high`.

    Raises
    ------
    DesignError
        When shapes or values make no sense, or there are more than 9 periods after the start.

    References
    ----------
    Rambachan, A. and J. Roth (2023), A more credible approach to parallel trends, REStud 90:2555.
    """
    study = _read(estimates, covariance, n_pre, n_post, weights)
    _check_bounds(kind, bounds)
    rows = []
    for m in bounds:
        if kind == "smoothness":
            low, high = _smoothness_interval(study, float(m), tail)
        else:
            low, high = _magnitude_interval(study, float(m), tail)
        rows.append((kind, float(m), low, high))
    return pd.DataFrame(rows, columns=["kind", "m", "conf_low", "conf_high"])


def breakdown(
    estimates: Sequence[float] | Floats,
    covariance: Floats,
    n_pre: int,
    n_post: int,
    *,
    kind: Kind,
    tail: float = 0.025,
    weights: Sequence[float] | None = None,
) -> float:
    """Smallest bound at which the interval of `honest` holds 0; parameters and errors as there.

    0 where it holds 0 already without any difference of trends, infinity where no bound is found.
    """
    study = _read(estimates, covariance, n_pre, n_post, weights)
    _check_bounds(kind, ())
    if kind == "relative_magnitude":
        return _smallest(
            lambda m: bool(_accepted(_tests(study, m, tail), np.zeros(1)).any()), start=1.0
        )
    above = study.target > 0

    def nearer_end(m: float) -> float:
        low, high = _smoothness_interval(study, m, tail)
        return low if above else -high

    return _root(nearer_end, start=float(np.sqrt(study.variance)) / 2)


@dataclass(frozen=True)
class _Study:
    """An event study and the effect wanted of it."""

    estimates: Floats
    covariance: Floats
    n_pre: int
    n_post: int
    weights: Floats

    @cached_property
    def target(self) -> float:
        return float(self.weights @ self.estimates[self.n_pre :])

    @cached_property
    def variance(self) -> float:
        after = self.covariance[self.n_pre :, self.n_pre :]
        return float(self.weights @ after @ self.weights)

    @cached_property
    def moves(self) -> Floats:
        """Matrix of moves from one period to the next: the first `n_pre` end at the reference."""
        n = self.n_pre + self.n_post
        moves = np.diff(np.insert(np.eye(n), self.n_pre, 0.0, axis=0), axis=0)
        return np.asarray(moves)


def _read(
    estimates: Sequence[float] | Floats,
    covariance: Floats,
    n_pre: int,
    n_post: int,
    weights: Sequence[float] | None,
) -> _Study:
    beta, sigma = np.asarray(estimates, dtype=float), np.asarray(covariance, dtype=float)
    l_vec = np.eye(1, max(n_post, 1))[0] if weights is None else np.asarray(weights, dtype=float)
    n = n_pre + n_post
    right = beta.shape == (n,) and sigma.shape == (n, n) and l_vec.shape == (n_post,)
    if n_pre < 1 or not 1 <= n_post <= MOST_POST or not right:
        raise DesignError(
            "The event study does not have the shape that its sensitivity needs.",
            expected=f"1 or more periods before the reference, 1 to {MOST_POST} after it, "
            f"{n} estimates, a {n} × {n} covariance, {n_post} weights",
            found=f"{n_pre} before, {n_post} after, estimates {beta.shape}, covariance {sigma.shape}, "
            f"weights {l_vec.shape}",
        )
    finite = np.isfinite(beta).all() and np.isfinite(sigma).all() and np.isfinite(l_vec).all()
    if not finite or not (np.diag(sigma) > 0).all() or not np.any(l_vec):
        raise DesignError(
            "The event study has gaps, or an effect without an error.",
            expected="numbers throughout, variances above 0, weights not all 0",
            next_step="leave out the reference period and periods without an estimate",
        )
    return _Study(beta, sigma, n_pre, n_post, l_vec)


def _check_bounds(kind: str, bounds: Sequence[float]) -> None:
    if kind not in ("smoothness", "relative_magnitude"):
        raise DesignError(
            "There is no such bound on trends.",
            expected="smoothness, relative_magnitude",
            found=str(kind),
        )
    wrong = [str(m) for m in bounds if not (np.isfinite(m) and m >= 0)]
    if wrong:
        raise DesignError(
            "A bound on trends is not a number from 0.", found=", ".join(wrong), where="bounds"
        )


def _smallest(holds: Callable[[float], bool], start: float) -> float:
    """Bisect for the bound from which on `holds`."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, start
    for _ in range(_DOUBLINGS):
        if holds(high):
            break
        low, high = high, 2 * high
    else:
        return float("inf")
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _root(end: Callable[[float], float], start: float) -> float:
    """Bound at which the end of the interval that is nearer to 0 falls to it."""
    if end(0.0) <= 0:
        return 0.0
    low, high = 0.0, start
    for _ in range(_DOUBLINGS):
        if end(high) <= 0:
            return float(optimize.brentq(end, low, high, rtol=1e-4))
        low, high = high, 2 * high
    return float("inf")


def _smoothness_interval(study: _Study, m: float, tail: float) -> tuple[float, float]:
    return smoothness_interval(
        study.estimates, study.covariance, study.n_pre, study.weights, m, tail
    )


def _magnitude_interval(study: _Study, m: float, tail: float) -> tuple[float, float]:
    tests = _tests(study, m, tail)
    before = study.moves[: study.n_pre]
    largest = np.abs(before @ study.estimates).max()
    error = np.sqrt((before @ study.covariance * before).sum(axis=1).max())
    reach = m * np.abs(study.weights) @ np.arange(1, study.n_post + 1)
    half = reach * (largest + 5 * error) + 5 * np.sqrt(study.variance)
    for _ in range(_DOUBLINGS):
        thetas = study.target + half * np.linspace(-1, 1, _GRID)
        inside = _accepted(tests, thetas)
        if not (inside[0] or inside[-1]):
            break
        half *= 2
    if not inside.any():
        return float("nan"), float("nan")
    step = thetas[1] - thetas[0]
    at = np.flatnonzero(inside)
    low = _edge(tests, thetas[at[0]], -step)
    return low, _edge(tests, thetas[at[-1]], step)


def _edge(tests: Sequence[HybridTest], inside: float, step: float) -> float:
    """Last accepted value on the way from an accepted one to one `step` away that is not."""
    for _ in range(2):
        thetas = inside + step * np.linspace(0, 1, 65)
        inside = float(thetas[np.flatnonzero(_accepted(tests, thetas))[-1]])
        step /= 64
    return inside


def _accepted(tests: Sequence[HybridTest], thetas: Floats) -> Floats:
    return np.any([one.accepts(thetas) for one in tests], axis=0)


def _tests(study: _Study, m: float, tail: float) -> list[HybridTest]:
    """List the tests whose union the bound is: each move before the start, with each sign, the largest."""
    after, free = study.moves[study.n_pre :], slice(study.n_pre, None)
    tests = []
    for move in study.moves[: study.n_pre]:
        for sign in (1.0, -1.0):
            limit = m * sign * move
            rows = np.concatenate([after - limit, -after - limit])
            tests.append(
                HybridTest.of(
                    rows, study.estimates, study.covariance, free, study.weights, size=2 * tail
                )
            )
    return tests

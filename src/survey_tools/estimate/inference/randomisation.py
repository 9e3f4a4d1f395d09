"""Randomisation inference: what the coefficient would have been under each assignment that could have come.

Own code: no Python library redraws within strata and by cluster with covariates, and none gives the exact
interval. Every redrawn coefficient is a ratio of sums by cluster, so no regression is fitted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Floats
from survey_tools.estimate.inference.inversion import constant_effect_interval
from survey_tools.estimate.inference.redraw import Assignments
from survey_tools.estimate.inference.redrawn_fit import Coefficients, TValues
from survey_tools.estimate.regression.problem import Problem

_TIE = 1e-9  # of the largest statistic: closer ones are ties
_BLOCK_BYTES = 2**20  # of one block of assignments as floats, small enough for a cache


@dataclass(frozen=True)
class RandomisationTest:
    """Test of no effect on any household, and the constant effects that it does not reject.

    Attributes
    ----------
    estimate : float
        The coefficient under the assignment carried out.
    p_value : float
        Share of assignments that give a statistic at least as large in absolute value.
    conf_low, conf_high : float
        Ends of the constant effects whose p-value is above twice the tail; infinite where the
        assignments are too few to end it, NaN with the t statistic.
    draws : int
        Assignments compared with.
    exact : bool
        Whether these are all that could have come.
    smallest_p : float
        That of the most extreme assignment where all are listed, 1/(1 + draws) otherwise.
    undefined : int
        Assignments under which the coefficient is not defined because all answers of each stratum lie
        in one arm; there the statistic is 0.
    """

    estimate: float
    p_value: float
    conf_low: float
    conf_high: float
    draws: int
    exact: bool
    smallest_p: float
    undefined: int


@dataclass(frozen=True)
class RandomisationP:
    """P-value of any statistic.

    Attributes
    ----------
    statistic, p_value : float
        Statistic of the assignment carried out, and the share of assignments with one as large.
    draws : int
    exact : bool
    undefined : int
        Assignments for which the statistic is NaN; they count as large.
    """

    statistic: float
    p_value: float
    draws: int
    exact: bool
    undefined: int


def randomisation_test(
    problems: Sequence[Problem],
    assignments: Assignments,
    *,
    tail: float = 0.025,
    statistic: Literal["coefficient", "t"] = "coefficient",
) -> list[RandomisationTest]:
    """Test each problem against the same redrawn assignments (Fisher 1935; Rosenbaum 2002, ch. 2 and 5).

    The statistic is the coefficient of the assignment in the whole regression. Under a constant effect b
    the outcome without treatment is known, and the coefficient of each redrawn assignment is affine in
    b: the p-value changes only where one of these lines crosses that of the assignment carried out, so
    the ends of the interval are found exactly, by sorting. That is why the coefficient is the default.

    With `statistic="t"` the coefficient is divided by its cluster-robust error under each assignment.
    The p-value is then also valid in large samples for the hypothesis that the effect is zero on
    average only (Wu and Ding 2021, JASA 116:1898; Zhao and Ding 2021, Journal of Econometrics
    225:278), and there is no interval.

    Parameters
    ----------
    problems : sequence of Problem
        The regressor of interest must be the assignment: 0 or 1, the same throughout a cluster. Rows
        and covariates may differ between problems; clusters without answers are left out of each redrawn
        assignment after it is drawn, since whoever does not answer was drawn all the same.
    assignments : Assignments
        Over all clusters that the assignment was drawn over.
    tail : float
        Half of the size of the test that the interval inverts.
    statistic : {"coefficient", "t"}

    Returns
    -------
    list of RandomisationTest
        In the order of `problems`.

    Raises
    ------
    DesignError
        A regressor of interest is no assignment, a cluster was not drawn over, or the assignment in the
        data is none of those possible.
    """
    if not problems:
        return []
    for problem in problems:
        _check(problem, assignments)
    fitted = (Coefficients if statistic == "coefficient" else TValues)(problems, assignments)
    shape = (len(problems), assignments.draws)
    redrawn, slope, undefined = np.empty(shape), np.empty(shape), np.zeros(len(problems), int)
    for block in _blocks(assignments):
        fits = fitted.fits(assignments.matrix[:, block].astype(float))
        redrawn[:, block], slope[:, block] = fits.statistic, fits.slope
        undefined += (~fits.defined).sum(axis=1)
    of_problem = zip(problems, fitted.observed, redrawn, slope, undefined, strict=True)
    return [_test(*parts, assignments, tail) for parts in of_problem]


def randomisation_p(
    statistic: Callable[[Floats], Floats], assignments: Assignments, observed: Floats
) -> RandomisationP:
    """Test by any statistic that is large when the assignment mattered.

    For spillovers `statistic` works out the exposure of each cluster under each assignment first, since
    exposure follows from the assignment and is redrawn with it (Aronow and Samii 2017, Annals of Applied
    Statistics 11:1912); for balance it measures how far the arms differ before treatment.

    Parameters
    ----------
    statistic : callable
        From assignments, shape (G, b) of 0 and 1, to b numbers. It sees blocks of assignments.
    assignments : Assignments
    observed : array of float, shape (G,)
        The assignment carried out, in the order of `assignments.cluster_names`.

    Raises
    ------
    DesignError
        When `observed` has another length or the statistic another shape.
    """
    if np.shape(observed) != (len(assignments.cluster_names),):
        raise DesignError(
            "The assignment carried out does not fit the redrawn ones.",
            expected=f"{len(assignments.cluster_names)} numbers, one a cluster",
            found=f"shape {np.shape(observed)}",
        )
    reference = float(_evaluated(statistic, np.asarray(observed, dtype=float)[:, None])[0])
    blocks = _blocks(assignments)
    parts = [_evaluated(statistic, assignments.matrix[:, block].astype(float)) for block in blocks]
    values = np.concatenate(parts)
    undefined = int(np.isnan(values).sum())
    if np.isnan(reference):
        return RandomisationP(np.nan, np.nan, assignments.draws, assignments.exact, undefined)
    filled = np.where(np.isnan(values), np.inf, values)
    finite = np.abs(filled[np.isfinite(filled)])
    tie = _TIE * max(abs(reference), finite.max(initial=0.0))
    p_value = assignments.p_value(int((filled >= reference - tie).sum()))
    return RandomisationP(reference, p_value, assignments.draws, assignments.exact, undefined)


def _evaluated(statistic: Callable[[Floats], Floats], matrix: Floats) -> Floats:
    values = np.asarray(statistic(matrix), dtype=float)
    if values.shape != (matrix.shape[1],):
        raise DesignError(
            "A statistic does not give one number for each assignment.",
            expected=f"shape ({matrix.shape[1]},)",
            found=f"shape {values.shape}",
        )
    return values


def _blocks(assignments: Assignments) -> Iterator[slice]:
    width = max(256, _BLOCK_BYTES // (8 * max(1, len(assignments.cluster_names))))
    for start in range(0, assignments.draws, width):
        yield slice(start, min(start + width, assignments.draws))


def _check(problem: Problem, assignments: Assignments) -> None:
    rows = assignments.rows(problem.cluster_names)
    arms = np.empty(problem.n_clusters)
    arms[problem.clusters] = problem.focal
    if not (np.isin(arms, (0, 1)).all() and (problem.focal == arms[problem.clusters]).all()):
        raise DesignError(
            "Randomisation inference needs the assignment itself as regressor.",
            expected="0 or 1, the same in all rows of a cluster",
            found="other values, or several in a cluster",
            next_step="give randomisation_p a statistic that is worked out from the assignment",
        )
    if assignments.exact and not (assignments.matrix[rows] == arms[:, None]).all(axis=0).any():
        raise DesignError(
            "The assignment in the data is none that the draw could have given.",
            expected=f"one of {assignments.draws} possible assignments",
            next_step="check strata, share and re-randomisation of the draw against how it was done",
        )


def _test(
    problem: Problem,
    observed: float,
    redrawn: Floats,
    slope: Floats,
    undefined: int,
    assignments: Assignments,
    tail: float,
) -> RandomisationTest:
    size, largest = np.abs(redrawn), float(np.abs(redrawn).max())
    tie = _TIE * max(abs(observed), largest)
    p_value = assignments.p_value(int((size >= abs(observed) - tie).sum()))
    most_extreme = int((size >= largest - tie).sum()) if assignments.exact else 0
    low, high = np.nan, np.nan
    if not np.isnan(slope).any():
        fewest = assignments.fewest_above(2 * tail)
        low, high = constant_effect_interval(redrawn, slope, problem.estimate, fewest)
    return RandomisationTest(
        estimate=problem.estimate,
        p_value=p_value,
        conf_low=low,
        conf_high=high,
        draws=assignments.draws,
        exact=assignments.exact,
        smallest_p=assignments.p_value(most_extreme),
        undefined=int(undefined),
    )

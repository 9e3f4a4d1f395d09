"""Redraw the assignment as it was drawn: all that were possible, or many of them at random.

Estimates nothing; `randomisation` computes with the assignments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb, prod

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Draw
from survey_tools.estimate.design.assignment import drawn_of

Arms = npt.NDArray[np.int8]

_CHUNK = 1_000  # draws of one stream of random numbers; changing it changes what a seed gives
_ROUNDING = 1e-9
_LISTED = 5_000  # assignments of a stratum that are listed rather than shuffled


@dataclass(frozen=True)
class Assignments:
    """Assignments that the draw could have given.

    Attributes
    ----------
    cluster_names : tuple of str, length G
    matrix : array of int8, shape (G, B)
        1 for the clusters drawn; a column an assignment.
    exact : bool
        Whether these are all assignments, each equally likely, the one carried out among them.
        Otherwise they are drawn at random and the one carried out is not added.
    """

    cluster_names: tuple[str, ...]
    matrix: Arms
    exact: bool

    @property
    def draws(self) -> int:
        """Number of assignments, B."""
        return self.matrix.shape[1]

    def p_value(self, as_extreme: int) -> float:
        """Share of assignments as extreme as the one carried out.

        When drawn at random the one carried out counts as one more draw, so that the test keeps its size
        and p is never 0 (Phipson and Smyth 2010, SAGMB 9:39).
        """
        if self.exact:
            return as_extreme / self.draws
        return (1 + as_extreme) / (1 + self.draws)

    def fewest_above(self, alpha: float) -> int:
        """Smallest number of assignments as extreme that gives a p-value above `alpha`."""
        if self.exact:
            return int(alpha * self.draws + _ROUNDING) + 1
        return int(alpha * (1 + self.draws) + _ROUNDING)

    def rows(self, cluster_names: Sequence[str]) -> Codes:
        """Find clusters by name.

        Raises
        ------
        DesignError
            When one was not drawn over.
        """
        number = {name: row for row, name in enumerate(self.cluster_names)}
        unknown = [name for name in cluster_names if name not in number]
        if unknown:
            raise DesignError(
                "Some clusters of the data are not among those that were drawn over.",
                expected=f"the {len(number)} clusters of the table of teams",
                found=f"{len(unknown)} others: {', '.join(unknown[:5])}",
                next_step="redraw over the table of teams from which the assignment was drawn",
            )
        return np.array([number[name] for name in cluster_names], dtype=np.int64)


def redraw(teams: pd.DataFrame, draw: Draw, *, draws: int = 9_999, seed: int) -> Assignments:
    """Draw the assignment again, stratum by stratum as `draw` says, thrown-away draws thrown away.

    All assignments are listed when they are equally likely and number at most `draws` + 1. They are
    equally likely when the share of each stratum is a whole number of clusters, or leaves one cluster to
    either arm. The numbers depend on `seed` and on the names of strata and clusters, not on the order of
    rows; the first draws of a longer run are those of a shorter one.

    Parameters
    ----------
    teams : DataFrame
        All clusters drawn over, one row each, also those without answers.
    draw : Draw
    draws : int
        Assignments to draw where there are too many to list.
    seed : int
        May be that of the draw carried out: the numbers are of another stream.

    Raises
    ------
    DesignError
        The table of teams cannot be drawn from, or re-randomisation keeps too few draws.
    """
    if draws < 1:
        raise DesignError("No draws are asked for.", expected="1 or more", found=str(draws))
    ordered, codes = draw.ordered(teams)
    names = tuple(ordered[draw.cluster].astype(str))
    strata = _strata(codes, draw.share)
    keep = _keeper(draw, ordered, codes)
    if all(stratum.uniform for stratum in strata):
        total = prod(stratum.number for stratum in strata)
        if total <= draws + 1:
            matrix = keep(_all(strata, total))
            if not matrix.shape[1] and draw.rerandomisation:
                raise draw.rerandomisation.exhausted()
            return Assignments(names, matrix, exact=True)
    return Assignments(names, _some(strata, draws, seed, keep, draw), exact=False)


@dataclass(frozen=True)
class _Stratum:
    start: int
    size: int
    drawn: int
    chance: float  # that one more is drawn

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.size)

    @property
    def number(self) -> int:
        return comb(self.size, self.drawn) + (
            comb(self.size, self.drawn + 1) if self.chance > 0 else 0
        )

    @property
    def uniform(self) -> bool:
        """Whether all assignments of the stratum are equally likely."""
        return self.chance == 0 or (self.chance == 0.5 and self.size == 2 * self.drawn + 1)


def _strata(codes: Codes, share: float) -> list[_Stratum]:
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return [
        _Stratum(int(start), int(size), *drawn_of(int(size), share))
        for start, size in zip(starts, sizes, strict=True)
    ]


def _keeper(draw: Draw, teams: pd.DataFrame, codes: Codes) -> Callable[[Arms], Arms]:
    rule = draw.rerandomisation
    if rule is None:
        return lambda matrix: matrix
    imbalance = rule.imbalance(teams, codes, draw.share)
    return lambda matrix: matrix[:, rule.keeps(imbalance(matrix))]


@cache
def _table(size: int, drawn: int, one_more: bool) -> Arms:
    """List the assignments of a stratum, shape (size, number)."""
    numbers = (drawn, drawn + 1) if one_more else (drawn,)
    chosen = [members for number in numbers for members in combinations(range(size), number)]
    table = np.zeros((size, len(chosen)), dtype=np.int8)
    for column, members in enumerate(chosen):
        table[list(members), column] = 1
    return table


def _all(strata: list[_Stratum], total: int) -> Arms:
    matrix = np.empty((strata[-1].rows.stop, total), dtype=np.int8)
    rest = np.arange(total)
    for stratum in strata:
        rest, which = np.divmod(rest, stratum.number)
        table = _table(stratum.size, stratum.drawn, stratum.chance > 0)
        matrix[stratum.rows] = table[:, which]
    return matrix


def _some(
    strata: list[_Stratum], draws: int, seed: int, keep: Callable[[Arms], Arms], draw: Draw
) -> Arms:
    matrix = np.empty((strata[-1].rows.stop, draws), dtype=np.int8)
    filled = made = 0
    for chunk in _chunks(strata, seed):
        kept = keep(chunk)[:, : draws - filled]
        matrix[:, filled : filled + kept.shape[1]] = kept
        filled, made = filled + kept.shape[1], made + chunk.shape[1]
        if filled == draws:
            break
        if draw.rerandomisation and made > draw.rerandomisation.attempts * (filled + 1):
            raise draw.rerandomisation.exhausted()
    return matrix


def _chunks(strata: list[_Stratum], seed: int) -> Iterator[Arms]:
    number = 0
    while True:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        chunk = np.empty((strata[-1].rows.stop, _CHUNK), dtype=np.int8)
        for stratum in strata:
            if stratum.uniform and stratum.number <= _LISTED:
                table = _table(stratum.size, stratum.drawn, stratum.chance > 0)
                which = rng.integers(stratum.number, size=_CHUNK)
                table.take(which, axis=1, out=chunk[stratum.rows], mode="clip")
            else:
                chunk[stratum.rows] = _shuffled(stratum, rng)
        yield chunk
        number += 1


def _shuffled(stratum: _Stratum, rng: np.random.Generator) -> Arms:
    extra = (rng.random(_CHUNK) < stratum.chance).astype(np.int64)
    arms = np.arange(stratum.size) < (stratum.drawn + extra)[:, None]
    return rng.permuted(arms.astype(np.int8), axis=1).T

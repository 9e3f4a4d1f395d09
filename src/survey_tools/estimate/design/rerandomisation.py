"""Measure how unbalanced a draw is, for designs that throw unbalanced draws away; draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design.columns import Codes, Floats, numeric

Imbalance = Callable[[npt.NDArray[Any]], Floats]
_DEPENDENT = 1e-10  # of the largest eigenvalue of a correlation matrix
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rerandomisation:
    """Draw again until the arms are alike (Morgan and Rubin 2012, Annals of Statistics 40:1263).

    Inference must follow it: assignments that would have been thrown away are thrown away when the
    assignment is redrawn.

    Attributes
    ----------
    covariates : tuple of str
        Columns of the table of teams, without gaps.
    threshold : float
        A draw is kept when its imbalance is at most this.
    criterion : {"mahalanobis", "max_t"}
        `mahalanobis`: squared Mahalanobis distance between the arms in the covariates less their means
        by stratum, in the metric of its covariance over the stratified draw (so its mean is the number
        of covariates; without strata it is Morgan and Rubin's M). A chi-squared quantile is about the
        threshold that keeps this share of draws. `max_t`: largest absolute t-value of the treatment in
        regressions of each covariate on treatment and stratum dummies (Bruhn and McKenzie 2009, AEJ
        Applied 1(4):200).
    attempts : int
        Draws that may be made for one that is kept.
    """

    covariates: tuple[str, ...]
    threshold: float
    criterion: Literal["mahalanobis", "max_t"] = "mahalanobis"
    attempts: int = 100_000

    def imbalance(self, teams: pd.DataFrame, strata: Codes, share: float) -> Imbalance:
        """Prepare the measure for these teams.

        Parameters
        ----------
        teams : DataFrame
        strata : array of int, shape (G,)
            Numbers from 0, in the order of `teams`.
        share : float
            Share of each stratum drawn.

        Returns
        -------
        callable
            From assignments, shape (G, B), to their imbalance, shape (B,).

        Raises
        ------
        DesignError
            A covariate is absent, has gaps, or adds nothing within strata to the others.
        """
        values = self._within(teams, strata)
        if self.criterion == "mahalanobis":
            return _mahalanobis(values, strata, share)
        return _max_t(values, strata)

    def keeps(self, imbalance: Floats) -> npt.NDArray[np.bool_]:
        """Say of each draw whether it is kept; rounding does not decide."""
        return np.asarray(imbalance <= self.threshold + _ROUNDING * max(1.0, abs(self.threshold)))

    def exhausted(self) -> DesignError:
        """Say that no draw was kept."""
        return DesignError(
            "Re-randomisation keeps no draw.",
            expected=f"{self.criterion} of at most {self.threshold:g}",
            found=f"no such draw for {self.attempts:,} made",
            where=f"covariates {', '.join(self.covariates)}",
            next_step="raise the threshold, or leave covariates out",
        )

    def _within(self, teams: pd.DataFrame, strata: Codes) -> Floats:
        columns = []
        for name in self.covariates:
            values = numeric(teams, name)
            centred = values - (np.bincount(strata, values) / np.bincount(strata))[strata]
            columns.append(centred / (np.sqrt((centred**2).mean()) or 1.0))
        matrix = np.column_stack(columns) if columns else np.empty((len(teams), 0))
        if np.isnan(matrix).any() or not columns or _is_dependent(matrix):
            raise DesignError(
                "The draw cannot be balanced on these covariates.",
                expected="columns without gaps that vary within strata, none made of the others",
                found=", ".join(self.covariates) or "none",
                where="table of teams",
            )
        return matrix


def _is_dependent(matrix: Floats) -> bool:
    roots = np.linalg.eigvalsh(matrix.T @ matrix)
    return bool(roots[0] <= _DEPENDENT * max(roots[-1], 1.0))


def _mahalanobis(values: Floats, strata: Codes, share: float) -> Imbalance:
    """Square of the distance between the arms; a draw of m of n has variance m(n-m)/(n(n-1)) S'S."""
    n = np.bincount(strata).astype(float)
    low = np.floor(share * n + _ROUNDING)
    chance = share * n - low
    product = (1 - chance) * low * (n - low) + chance * (low + 1) * (n - low - 1)
    variance = product / np.maximum(n * (n - 1), 1)
    covariance = values.T @ (values * variance[strata][:, None])
    inverse = np.linalg.inv(covariance)

    def measure(matrix: npt.NDArray[Any]) -> Floats:
        sums = values.T @ matrix.astype(float)
        return np.asarray((sums * (inverse @ sums)).sum(axis=0))

    return measure


def _max_t(values: Floats, strata: Codes) -> Imbalance:
    n = np.bincount(strata).astype(float)
    dummies = np.eye(len(n))[:, strata]
    squares = (values**2).sum(axis=0)[:, None]
    df = len(strata) - len(n) - 1

    def measure(matrix: npt.NDArray[Any]) -> Floats:
        drawn = matrix.astype(float)
        treated = dummies @ drawn
        spread = (treated * (1 - treated / n[:, None])).sum(axis=0)
        sums = values.T @ drawn
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = squares - sums**2 / spread
            t = np.abs(sums) / np.sqrt(spread * rest / df)
        return np.asarray(np.nan_to_num(t, nan=np.inf).max(axis=0))

    return measure

"""Smallest detectable effect, power and sample size of a cluster-randomised comparison; reads no data.

Own code: statsmodels has power for households drawn one by one only. An effect is in units of the
outcome throughout: 0.05 is five points of a share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from survey_tools.errors import DesignError

_MOST = 10_000_000
"""Clusters, or households a cluster, beyond which a sample size is called out of reach."""


@dataclass(frozen=True)
class PowerDesign:
    """Numbers that the precision of a comparison of two arms of clusters rests on.

    Attributes
    ----------
    clusters : int
        Clusters of both arms.
    per_cluster : float
        Households drawn a cluster, on average.
    icc : float
        Share of the variance (within strata) that lies between clusters.
    strata : int
        Strata that the clusters were randomised within.
    treated : float
        Share of the clusters in the intensive arm.
    attrition : float
        Share of the households drawn that do not answer at the endline.
    size_cv : float
        Coefficient of variation of the number of households a cluster.
    waves_before, waves_after : int
        Waves that an ANCOVA adjusts for, and waves whose mean is the outcome.
    cluster_autocorrelation, household_autocorrelation : float
        Correlation between two waves of the part of a household's outcome that its cluster shares, and
        of the rest. The second is 0 where each wave draws new households.
    """

    clusters: int
    per_cluster: float
    icc: float
    strata: int = 1
    treated: float = 0.5
    attrition: float = 0.0
    size_cv: float = 0.0
    waves_before: int = 0
    waves_after: int = 1
    cluster_autocorrelation: float = 0.0
    household_autocorrelation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that no design has."""
        wrong = {
            "clusters": self.clusters < 2,
            "per_cluster": not self.per_cluster > 0,
            "icc": not 0 <= self.icc <= 1,
            "strata": self.strata < 1,
            "treated": not 0 < self.treated < 1,
            "attrition": not 0 <= self.attrition < 1,
            "size_cv": not self.size_cv >= 0,
            "waves_before": self.waves_before < 0,
            "waves_after": self.waves_after < 1,
            "cluster_autocorrelation": not 0 <= self.cluster_autocorrelation <= 1,
            "household_autocorrelation": not 0 <= self.household_autocorrelation <= 1,
        }
        bad = [name for name, is_wrong in wrong.items() if is_wrong]
        if bad:
            raise DesignError(
                "A number of the design is out of its range.",
                expected="counts of 1 or more, shares and correlations between 0 and 1",
                found=", ".join(f"{name} = {getattr(self, name)}" for name in bad),
                where="PowerDesign",
            )

    @property
    def answers(self) -> float:
        """Households a cluster that answer at the endline."""
        return self.per_cluster * (1 - self.attrition)

    @property
    def df(self) -> int:
        """Degrees of freedom: clusters, less one a stratum, less one for the treatment."""
        return self.clusters - self.strata - 1

    @property
    def design_effect(self) -> float:
        """Factor by which clusters raise the variance of a mean at one wave.

        1 + ((1 + cv²) m - 1) icc (Eldridge, Ashby and Kerry 2006, Int J Epidemiol 35:1292); Kish's
        1 + (m - 1) icc where all clusters are of one size.
        """
        return 1 + (self._weighted_size - 1) * self.icc

    @property
    def autocorrelation(self) -> float:
        """Correlation of the mean of a cluster between two waves.

        r = (m icc cac + (1 - icc) hac) / (1 + (m - 1) icc) (Teerenstra et al. 2012, Statistics in Medicine
        31:2169, eq. 6).
        """
        shared = self._weighted_size * self.icc * self.cluster_autocorrelation
        own = (1 - self.icc) * self.household_autocorrelation
        return (shared + own) / self.design_effect

    @property
    def wave_factor(self) -> float:
        """Variance against that of one endline without a baseline.

        (1 + (a - 1) r) / a - b r² / (1 + (b - 1) r) for b waves before and a after (Frison and Pocock 1992;
        McKenzie 2012, J Development Economics 99:210, eq. 5); 1 - r² for one of each.
        """
        r, before, after = self.autocorrelation, self.waves_before, self.waves_after
        gained = before * r**2 / (1 + (before - 1) * r) if before else 0.0
        return max((1 + (after - 1) * r) / after - gained, 0.0)

    def std_error(self, sd: float) -> float:
        """Compute the standard error of the difference of the arms; `sd` is that of the outcome."""
        spread = 1 / (self.treated * (1 - self.treated) * self.clusters)
        of_cluster = self.design_effect / self.answers
        return float(sd * np.sqrt(spread * of_cluster * self.wave_factor))

    @property
    def _weighted_size(self) -> float:
        return self.answers * (1 + self.size_cv**2)


def share_sd(share: float) -> float:
    """Return the standard deviation of a 0/1 outcome with mean `share`."""
    return float(np.sqrt(share * (1 - share)))


def multiplier(df: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """How many standard errors an effect must be to be found (Bloom 1995, Evaluation Review 19:547).

    t(1 - alpha/2) + t(power), both with `df` degrees of freedom; NaN without any.
    """
    if not df > 0:
        return float("nan")
    return float(stats.t.ppf(1 - alpha / 2, df) + stats.t.ppf(power, df))


def smallest_detectable(
    design: PowerDesign,
    sd: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    family: int = 1,
    take_up: float = 1.0,
) -> float:
    """Smallest effect that a two-sided test finds with the power asked for.

    Parameters
    ----------
    design : PowerDesign
    sd : float
        Standard deviation of the outcome within strata; `share_sd(p)` for a share.
    alpha, power : float
    family : int
        Outcomes tested together: each at alpha / family (Bonferroni).
    take_up : float
        Difference between the arms in the share reached: the effect on those reached that goes with
        the smallest effect of assignment is 1 / take_up times as large (Bloom 1984).

    Returns
    -------
    float
        NaN where the design leaves no degrees of freedom.
    """
    if not 0 < take_up <= 1 or family < 1:
        raise DesignError(
            "A number of the design is out of its range.",
            expected="take_up above 0 and at most 1, family of 1 or more",
            found=f"take_up = {take_up}, family = {family}",
            where="smallest_detectable",
        )
    needed = multiplier(design.df, alpha=alpha / family, power=power)
    return needed * design.std_error(sd) / take_up


def power_at(
    design: PowerDesign, sd: float, effect: float, *, alpha: float = 0.05, family: int = 1
) -> float:
    """Power of the two-sided test at `effect`, by the noncentral t distribution.

    At `smallest_detectable` it is the power asked for within some tenths of a point: the multiplier
    takes the t distribution as if the effect only moved it.
    """
    if design.df < 1:
        return float("nan")
    noncentral = abs(effect) / design.std_error(sd)
    critical = stats.t.ppf(1 - alpha / family / 2, design.df)
    above = stats.nct.sf(critical, design.df, noncentral)
    return float(above + stats.nct.cdf(-critical, design.df, noncentral))


def clusters_needed(
    design: PowerDesign,
    sd: float,
    effect: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    family: int = 1,
) -> int:
    """Smallest number of clusters whose smallest detectable effect is `effect` or less.

    The number of strata, households a cluster and all else stay as in `design`; its `clusters` is not used.

    Raises
    ------
    DesignError
        When no number within reach is enough.
    """

    def enough(clusters: int) -> bool:
        tried = replace(design, clusters=clusters)
        found = smallest_detectable(tried, sd, alpha=alpha, power=power, family=family)
        return found <= effect

    return _smallest(enough, design.strata + 2, "clusters", effect)


def households_needed(
    design: PowerDesign,
    sd: float,
    effect: float,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    family: int = 1,
) -> int:
    """Smallest number of households a cluster whose smallest detectable effect is `effect` or less.

    Raises
    ------
    DesignError
        When no number is enough: what clusters share is not averaged out by more of their households.
    """

    def enough(households: int) -> bool:
        tried = replace(design, per_cluster=households)
        found = smallest_detectable(tried, sd, alpha=alpha, power=power, family=family)
        return found <= effect

    return _smallest(enough, 1, "households a cluster", effect)


def _smallest(enough: Callable[[int], bool], least: int, what: str, effect: float) -> int:
    """Smallest number from `least` on that is enough, by doubling and halving."""
    high = least
    while not enough(high):
        high *= 2
        if high > _MOST:
            raise DesignError(
                "No sample size can detect this effect.",
                expected="an effect that more of them can bring within reach",
                found=f"not with {_MOST:,} {what} for an effect of {effect:g}",
                where="power",
                next_step="a larger effect, more clusters, or a baseline that explains more",
            )
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low

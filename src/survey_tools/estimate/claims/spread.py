"""Estimate which share of the variance of an answer lies between communes, and how it changed.

Numbers only. A share of the variance between communes in a district tells nothing of other districts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.icc import variance_components

Sample = tuple[Floats, Codes, Codes]
"""Values, teams and communes of the same rows."""

LEAST_COMMUNES = 10
"""Communes below which no interval is given: a jackknife of fewer is worth little."""


@dataclass(frozen=True)
class Spread:
    """A share of the variance, or a change of one, with its interval; NaN where there is none."""

    estimate: float
    conf_low: float
    conf_high: float


def between_share(values: Floats, teams: Codes, communes: Codes) -> float:
    """Estimate the share of the variance that lies between communes, teams nested in them.

    Parameters
    ----------
    values : array of float, shape (n,)
        Missing values are left out.
    teams, communes : array of int, shape (n,)
        A team lies in one commune.

    Returns
    -------
    float
        Below 0 where communes are more alike than chance; NaN when it cannot be estimated.

    Notes
    -----
    Moment estimates of the unbalanced nested analysis of variance (Searle, Casella and McCulloch 1992,
    Variance Components, section 3.6 and appendix F), none of them cut at 0: cutting would bias the mean.
    """
    there = ~np.isnan(values)
    y, team, commune = values[there], _renumbered(teams[there]), _renumbered(communes[there])
    of_team, within = variance_components(y, team, commune)
    size, in_team = np.bincount(commune).astype(float), np.bincount(team).astype(float)
    home = np.zeros(len(in_team), dtype=int)
    home[team] = commune
    n, df = len(y), len(size) - 1
    if df < 1 or np.isnan(of_team + within):
        return float("nan")
    means = np.bincount(commune, y) / size
    mean_square = (size * (means - y.mean()) ** 2).sum() / df
    of_one_team = ((in_team**2 / size[home]).sum() - (in_team**2).sum() / n) / df
    of_one_commune = (n - (size**2).sum() / n) / df
    between = (mean_square - within - of_one_team * of_team) / of_one_commune
    total = between + of_team + within
    return float(between / total) if total > 0 else float("nan")


def spread(values: Floats, teams: Codes, communes: Codes, level: float) -> Spread:
    """Estimate the share with an interval; `level` its coverage. Both end at 0 and 1, as a share does.

    Notes
    -----
    The jackknife that leaves out one commune at a time, t with communes less one (Arvesen 1969, Annals
    of Mathematical Statistics 40:2076), of the logarithm of 1 + k·s/(1 - s), whose distribution is close to
    normal (Arvesen and Schmitz 1970, Biometrics 26:677; k = answers a commune), turned back. Where the
    logarithm does not exist, of the share itself. With 27 communes, 154 teams and shares from 0.01 to 0.1 it
    held the truth in 94 to 98 of 100 simulated districts.
    """
    sample = (values, teams, communes)
    k = max(float((~np.isnan(values)).sum()) / max(len(np.unique(communes)), 1), 1.0)
    share = between_share(*sample)
    found = _jackknife([sample], lambda shares: _stretched(shares[0], k), level)
    low, high = _shrunk(found.conf_low, k), _shrunk(found.conf_high, k)
    if np.isnan(low):
        plain = _jackknife([sample], lambda shares: shares[0], level)
        low, high = plain.conf_low, plain.conf_high
    cut = float(np.clip(share, 0, 1))
    low, high = (float(np.clip(end, 0, 1)) for end in (low, high))
    return Spread(cut, min(low, cut), max(high, cut))


def spread_change(first: Sample, last: Sample, level: float) -> Spread:
    """Estimate the share of `last` less that of `first`, each (values, teams, communes).

    The same jackknife of the plain difference: a commune is left out of both at once, so that what the
    two waves have in common does not widen the interval.
    """
    return _jackknife([first, last], lambda shares: shares[1] - shares[0], level)


def _jackknife(
    samples: Sequence[Sample], made_of: Callable[[list[float]], float], level: float
) -> Spread:
    names = np.unique(np.concatenate([communes for _, _, communes in samples]))
    whole = made_of([between_share(*sample) for sample in samples])
    gap = float("nan")
    if len(names) < LEAST_COMMUNES or np.isnan(whole):
        return Spread(whole, gap, gap)
    parts = [
        made_of([between_share(*(one[c != left] for one in (y, t, c))) for y, t, c in samples])
        for left in names
    ]
    pseudo = len(names) * whole - (len(names) - 1) * np.array(parts)
    error = pseudo.std(ddof=1) / np.sqrt(len(names))
    half = stats.t.ppf((1 + level) / 2, len(names) - 1) * error
    return Spread(whole, float(whole - half), float(whole + half))


def _stretched(share: float, k: float) -> float:
    inside = 1 + k * share / (1 - share)
    return float(np.log(inside)) if inside > 0 else float("nan")


def _shrunk(value: float, k: float) -> float:
    ratio = (np.exp(value) - 1) / k
    return float(ratio / (1 + ratio))


def _renumbered(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)

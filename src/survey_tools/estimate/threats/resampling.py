"""Draw clusters again within stratum and arm; estimates nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Codes, Design, Floats, codes_of, numeric


def team_factors(frame: pd.DataFrame, design: Design, draws: int, seed: int) -> Floats:
    """Weights of the clusters in each bootstrap replicate.

    Of m clusters of a stratum and arm m - 1 are drawn with replacement and count m / (m - 1), which gives
    the right variance also where m is 2 (Rao, Wu and Yue 1992, Survey Methodology 18:209). Single
    clusters of a stratum and arm are drawn together with the other single ones of the arm, which is
    cautious: it counts the differences between strata too.

    Parameters
    ----------
    frame : DataFrame
        Each arm has two clusters or more.
    design : Design
    draws, seed : int

    Returns
    -------
    array of float, shape (draws, G)
        Clusters in sorted order of their names. The mean over draws tends to 1.
    """
    rng = np.random.default_rng(seed)
    clusters = codes_of(frame, design.cluster)[0]
    factors = np.ones((draws, int(clusters.max()) + 1))
    for members in _groups(frame, design):
        m = len(members)
        picked = rng.integers(m, size=(draws, m - 1))
        counts = (picked[:, :, None] == np.arange(m)).sum(axis=1)
        factors[:, members] = counts * m / (m - 1)
    return factors


def _groups(frame: pd.DataFrame, design: Design) -> Iterator[Codes]:
    """Clusters to draw from together: by stratum and arm, single ones of an arm pooled."""
    teams = pd.DataFrame(
        {
            "cluster": codes_of(frame, design.cluster)[0],
            "stratum": codes_of(frame, design.stratum)[0],
            "arm": numeric(frame, design.treatment),
        }
    ).drop_duplicates("cluster")
    teams = teams.sort_values("cluster")
    for _, arm in teams.groupby("arm"):
        groups = [group.to_numpy(np.int64) for _, group in arm.groupby("stratum")["cluster"]]
        several = [group for group in groups if len(group) > 1]
        single = [group for group in groups if len(group) == 1]
        if len(single) == 1 and several:
            single.append(several.pop())
        if single:
            several.append(np.sort(np.concatenate(single)))
        yield from several

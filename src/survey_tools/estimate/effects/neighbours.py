"""Say how many intensive neighbours each team has, and how many the draw would give it on average."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats
from survey_tools.estimate.design.assignment import drawn_of


def neighbour_exposure(teams: pd.DataFrame, design: Design, *, share: float = 0.5) -> pd.DataFrame:
    """Give each team the share of intensive teams among its commune's others, and what chance made of it.

    Parameters
    ----------
    teams : DataFrame
        Cluster, stratum and treatment of the design; rows may repeat.
    design : Design
    share : float
        Share of each stratum drawn.

    Returns
    -------
    DataFrame
        One row a cluster in sorted order: `cluster`, `stratum`, `arm`, `share`, `expected` (mean of
        `share` over the draw given the arm), `recentred` (`share` - `expected`), `chance` (that one more
        of the commune is drawn; 0 where its number is certain), `one_more` (whether it was), `others`
        (number of other teams). NaN in a commune of one team.

    Raises
    ------
    DesignError
        When a commune has another number of intensive teams than the draw can give.
    """
    design.check_ids(teams)
    columns = [design.cluster, design.stratum, design.treatment]
    one = teams[columns].drop_duplicates().set_axis(["cluster", "stratum", "arm"], axis=1)
    one = one.astype({"cluster": str, "stratum": str, "arm": float})
    one = one.sort_values(["stratum", "cluster"], ignore_index=True)
    by_stratum = one.groupby("stratum")["arm"]
    size, drawn = by_stratum.transform("size"), by_stratum.transform("sum")
    sure, chance = (
        np.array(each, dtype=float)
        for each in zip(*(drawn_of(n, share) for n in size), strict=True)
    )
    one_more = drawn.to_numpy() - sure
    impossible = (one_more < 0) | (one_more > (chance > 0))
    if impossible.any():
        wrong = sorted(set(one.loc[impossible, "stratum"]))
        raise DesignError(
            "The number of treated clusters is not one that the draw can give.",
            expected=f"a share of {share:g} in each {design.stratum}, or the next whole number",
            found=f"another in {len(wrong)}: {', '.join(wrong[:5])}",
            next_step="give all teams that were drawn over, and the share of the draw",
        )
    others = np.where(size > 1, size - 1.0, np.nan)
    arm = one["arm"].to_numpy()
    expected = (sure - arm + _chance_given_arm(size.to_numpy(), sure, chance, arm)) / others
    actual = (drawn.to_numpy() - arm) / others
    return one.assign(
        share=actual,
        expected=expected,
        recentred=actual - expected,
        chance=chance,
        one_more=one_more,
        others=others,
    )


def _chance_given_arm(size: Floats, sure: Floats, chance: Floats, arm: Floats) -> Floats:
    """Probability that one more was drawn, given the arm of one team (Bayes)."""
    drawn = sure + chance
    if_drawn = np.divide(chance * (sure + 1), drawn, out=np.zeros_like(chance), where=drawn > 0)
    left = size - sure - chance
    if_not = np.divide(chance * (size - sure - 1), left, out=np.zeros_like(chance), where=left > 0)
    return np.where(arm == 1, if_drawn, if_not)

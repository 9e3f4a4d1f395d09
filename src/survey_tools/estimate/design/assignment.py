"""Draw which teams give intensive outreach, and record how; does not read or write files.

The same record that drew the assignment says how it could have come out, so randomisation inference can
follow it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design.columns import Codes, numeric, require_columns
from survey_tools.estimate.design.rerandomisation import Rerandomisation
from survey_tools.params import Study

_WHOLE = 1e-9  # a share of a stratum this close to a whole number of clusters is one


def draw_assignment(
    teams: pd.DataFrame,
    *,
    cluster: str,
    stratum: str,
    rng: np.random.Generator,
    share: float = 0.5,
) -> pd.Series:
    """Draw half of the clusters of each stratum, or another share.

    Strata and clusters are taken in sorted order, so the draw does not depend on the order of rows. A
    stratum with an odd number of clusters gives the extra one to either arm with probability 1/2.

    Parameters
    ----------
    teams : DataFrame
        One row a cluster, with columns `cluster` and `stratum`.
    cluster, stratum : str
        Column names.
    rng : numpy.random.Generator
    share : float
        Share of a stratum that is drawn, between 0 and 1. Where it is no whole number of clusters, one
        more is drawn with the probability that gives each cluster the chance `share`.

    Returns
    -------
    Series
        1 for the drawn clusters, 0 for the others; index as `teams`.
    """
    drawn: set[str] = set()
    for _, members in teams.sort_values([stratum, cluster]).groupby(stratum, sort=True)[cluster]:
        names = list(members)
        number, chance = drawn_of(len(names), share)
        if chance == 0.5:
            number += int(rng.integers(2))
        elif chance > 0:
            number += int(rng.random() < chance)
        drawn.update(rng.permutation(names)[:number])
    return teams[cluster].isin(drawn).astype("int64").rename("intensive")


def drawn_of(size: int, share: float) -> tuple[int, float]:
    """Give the number surely drawn of a stratum of `size`, and the chance that one more is."""
    wanted = share * size
    if abs(wanted - round(wanted)) < _WHOLE:
        return round(wanted), 0.0
    return int(wanted), wanted - int(wanted)


@dataclass(frozen=True)
class Drawn:
    """One assignment and how it came about.

    Attributes
    ----------
    assignment : Series of int
        1 for the drawn clusters, 0 for the others; index as the table of teams.
    attempts : int
        Draws made until one was kept; 1 without re-randomisation.
    imbalance : float
        What re-randomisation measured of the draw that was kept; NaN without.
    """

    assignment: pd.Series
    attempts: int
    imbalance: float


@dataclass(frozen=True)
class Draw:
    """How the assignment was drawn: the only thing that randomisation inference may rest on.

    Attributes
    ----------
    cluster, stratum : str
        Columns of the table of teams: the unit drawn, and what it was drawn within.
    seed : int
        Seed of the draw that was carried out.
    share : float
        Share of each stratum drawn; an odd stratum gives the extra one to either arm with probability
        1/2 (`draw_assignment`).
    rerandomisation : Rerandomisation, optional
        Draws that were too unbalanced were thrown away, by this rule.
    """

    cluster: str
    stratum: str
    seed: int
    share: float = 0.5
    rerandomisation: Rerandomisation | None = None

    def __post_init__(self) -> None:
        """Refuse a share that leaves an arm empty."""
        if not 0 < self.share < 1:
            raise DesignError(
                "The share of clusters to draw leaves an arm empty.",
                expected="a number between 0 and 1",
                found=str(self.share),
            )

    @classmethod
    def from_study(cls, study: Study) -> Draw:
        """Take the draw that the study file states."""
        settings = study.design
        return cls(settings.cluster, settings.stratum, settings.assignment_seed)

    def draw(self, teams: pd.DataFrame) -> Drawn:
        """Draw the assignment, again and again where re-randomisation throws it away.

        Parameters
        ----------
        teams : DataFrame
            One row a cluster, with columns `cluster`, `stratum` and any covariates of the
            re-randomisation.

        Raises
        ------
        DesignError
            As `ordered`; or no draw was kept in as many attempts as the rule allows.
        """
        ordered, strata = self.ordered(teams)
        rng = np.random.default_rng(self.seed)
        columns = {"cluster": self.cluster, "stratum": self.stratum}
        if self.rerandomisation is None:
            drawn = draw_assignment(teams, **columns, rng=rng, share=self.share)
            return Drawn(drawn, 1, np.nan)
        imbalance = self.rerandomisation.imbalance(ordered, strata, self.share)
        for attempt in range(1, self.rerandomisation.attempts + 1):
            drawn = draw_assignment(ordered, **columns, rng=rng, share=self.share)
            found = imbalance(drawn.to_numpy()[:, None])
            if self.rerandomisation.keeps(found)[0]:
                by_name = dict(zip(ordered[self.cluster], drawn, strict=True))
                assignment = teams[self.cluster].map(by_name).rename("intensive")
                return Drawn(assignment, attempt, float(found[0]))
        raise self.rerandomisation.exhausted()

    def ordered(self, teams: pd.DataFrame) -> tuple[pd.DataFrame, Codes]:
        """Sort the teams by stratum and cluster, and number the strata from 0.

        Raises
        ------
        DesignError
            A column is absent or has gaps, or a cluster has several rows.
        """
        columns = [self.stratum, self.cluster]
        require_columns(teams, columns)
        gaps = int(teams[columns].isna().any(axis=1).sum())
        twice = sorted(set(teams.loc[teams[self.cluster].duplicated(), self.cluster].astype(str)))
        if gaps or twice or not len(teams):
            raise DesignError(
                "The table of teams cannot be drawn from.",
                expected=f"one row a {self.cluster}, each with its {self.stratum}",
                found=f"{len(teams)} row(s), {gaps} with gaps, {len(twice)} repeated {self.cluster}"
                + (f": {', '.join(twice[:5])}" if twice else ""),
                where=f"columns {self.cluster}, {self.stratum}",
                next_step="give the table of teams as it was when the assignment was drawn",
            )
        by_name = teams.iloc[np.lexsort([teams[name].astype(str) for name in columns[::-1]])]
        strata = pd.factorize(by_name[self.stratum].astype(str))[0]
        return by_name, strata.astype(np.int64)

    def check(self, teams: pd.DataFrame, treatment: str) -> None:
        """Refuse an assignment that this draw could not have given.

        Raises
        ------
        DesignError
            As `ordered`; or the column `treatment` is not 0 or 1 for each team, a stratum has another
            number of clusters drawn, or re-randomisation would have thrown the assignment away.
        """
        ordered, strata = self.ordered(teams)
        arms = numeric(ordered, treatment)
        wrong = "" if np.isin(arms, (0, 1)).all() else f"{treatment} other than 0 and 1"
        for code, size in enumerate(np.bincount(strata)):
            number, chance = drawn_of(int(size), self.share)
            found = arms[strata == code].sum()
            if not wrong and found not in (number, number + (chance > 0)):
                name = ordered[self.stratum].to_numpy()[strata == code][0]
                wrong = f"{found:.0f} of {size} drawn in {self.stratum} {name}"
        if not wrong and self.rerandomisation is not None:
            imbalance = self.rerandomisation.imbalance(ordered, strata, self.share)(arms[:, None])
            if not self.rerandomisation.keeps(imbalance)[0]:
                wrong = f"an imbalance of {imbalance[0]:.3g}"
        if wrong:
            raise DesignError(
                "The assignment in the table of teams is none that the draw could have given.",
                expected=f"{self.share:.0%} of each {self.stratum}, drawn as recorded",
                found=wrong,
                where=f"column {treatment}",
                next_step="check strata, share and re-randomisation against how the draw was done",
            )

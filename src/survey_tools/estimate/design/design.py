"""Name what was randomised over whom and how its effect is measured, and hold data against it.

Estimates nothing, and chooses no outcome and no control.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design.columns import Floats, numeric, require_columns
from survey_tools.params import Study

HOUSEHOLD = "hhid"
"""Column that tells households apart."""

Kind = Literal[
    "stratified_cluster_randomised", "difference_in_differences", "staggered", "observational"
]


@dataclass(frozen=True)
class Design:
    """A comparison of two arms of clusters between two waves.

    Parameters
    ----------
    treatment, cluster, stratum : str
        Columns: 1 for the clusters drawn and 0 for the others; the unit drawn; what it was drawn within.
    controls : tuple of str
        Columns measured before treatment.
    baseline, endline : str
        Waves; an outcome `y` stands in the columns `y__<wave>`.
    reached : str
        Whether the household got what the treatment offers, as `<reached>__<wave>`.
    estimator : {"ancova", "difference"}
        `ancova` adjusts the endline for the baseline outcome and the controls; `difference` compares
        endline means within strata and adjusts for nothing else.
    interval : float
        Coverage of the intervals, between 0 and 1.
    weights : str, optional
        Column of probability weights, all above 0; None counts households alike.
    survey_weights : str, optional
        Variable of the weights, as `<survey_weights>__<wave>`, for estimates shown beside the main one.
    kind : {"stratified_cluster_randomised", "difference_in_differences", "staggered", "observational"}
        Only the first has an assignment that can be drawn again. `observational` lets the treatment
        vary within a cluster.
    seed, draws : int
        Of everything that is drawn again: randomisation inference, bootstrap, folds.
    """

    treatment: str
    cluster: str
    stratum: str
    controls: tuple[str, ...]
    baseline: str
    endline: str
    reached: str
    estimator: Literal["ancova", "difference"] = "ancova"
    interval: float = 0.95
    weights: str | None = None
    survey_weights: str | None = None
    kind: Kind = "stratified_cluster_randomised"
    seed: int = 0
    draws: int = 9999

    @classmethod
    def from_study(cls, study: Study) -> Design:
        """Take the design that the study file states."""
        settings = study.design
        return cls(
            treatment=settings.treatment,
            cluster=settings.cluster,
            stratum=settings.stratum,
            controls=settings.controls,
            baseline=study.waves.baseline,
            endline=study.waves.endline,
            reached=settings.reached,
            estimator=settings.estimator,
            interval=settings.interval,
            survey_weights=settings.weights,
            kind=settings.kind,
            seed=settings.seed,
            draws=settings.draws,
        )

    @property
    def is_randomised(self) -> bool:
        """Whether the treatment was drawn, so that it can be drawn again."""
        return self.kind == "stratified_cluster_randomised"

    def weighted(self) -> Design:
        """Return the same design with the survey weights of the endline.

        Raises
        ------
        DesignError
            When the design names no survey weights.
        """
        if self.survey_weights is None:
            raise DesignError(
                "The design has no survey weights.",
                expected="a variable of weights by wave",
                where="design.weights of the study file",
            )
        return replace(self, weights=self.at_endline(self.survey_weights))

    @property
    def tail(self) -> float:
        """Probability left of the lower end of an interval."""
        return (1 - self.interval) / 2

    def at_endline(self, variable: str) -> str:
        """Column of `variable` at the endline."""
        return f"{variable}__{self.endline}"

    def at_baseline(self, variable: str) -> str:
        """Column of `variable` at the baseline."""
        return f"{variable}__{self.baseline}"

    def weights_of(self, frame: pd.DataFrame) -> Floats | None:
        """Weights of the rows, or None where households count alike.

        Raises
        ------
        DesignError
            When a weight is missing, zero or below.
        """
        if self.weights is None:
            return None
        values = numeric(frame, self.weights)
        wrong = int((~(values > 0)).sum())
        if wrong:
            raise DesignError(
                "Some weights are not above zero.",
                expected="a weight above 0 in every row",
                found=f"{wrong} of {len(frame)} rows with zero, less or nothing",
                where=f"column {self.weights}",
                next_step="make the weights again in construct, or leave such rows out with a reason",
            )
        return values

    def check_places(self, frame: pd.DataFrame) -> None:
        """Refuse a frame whose rows do not all belong to one cluster and one stratum.

        Raises
        ------
        DesignError
            A column is absent or has gaps, or a cluster lies in two strata.
        """
        columns = [self.cluster, self.stratum]
        require_columns(frame, columns)
        for column in columns:
            refuse_gaps(frame, column)
        refuse_several(
            frame, self.cluster, self.stratum, "A cluster lies in more than one stratum."
        )

    def check_ids(self, frame: pd.DataFrame) -> None:
        """Refuse a frame whose rows do not all belong to one cluster, one stratum and one arm.

        Raises
        ------
        DesignError
            As `check_places`; or the treatment is absent, has gaps or is not 0 or 1, or the rows of a
            cluster differ in it.
        """
        self.check_places(frame)
        require_columns(frame, [self.treatment])
        refuse_gaps(frame, self.treatment)
        if not frame[self.treatment].isin([0, 1]).all():
            raise DesignError(
                "The treatment is neither 0 nor 1 in some rows.",
                expected="0 (regular) or 1 (intensive)",
                found=f"{(~frame[self.treatment].isin([0, 1])).sum()} row(s) with something else",
                where=f"column {self.treatment}",
            )
        if self.kind != "observational":
            refuse_several(
                frame, self.cluster, self.treatment, "The treatment varies within a cluster."
            )

    def check(self, frame: pd.DataFrame) -> None:
        """Refuse a frame of households that cannot carry a comparison of the two arms.

        A stratum with one arm only is kept: it tells about the covariates, not about the effect.

        Raises
        ------
        DesignError
            As `check_ids` and `refuse_repeated`, or an arm has fewer than two clusters.
        """
        self.check_ids(frame)
        refuse_repeated(frame)
        few = {arm: n for arm, n in self.clusters_by_arm(frame).items() if n < 2}
        if few:
            arms = ", ".join(f"{n} with {self.treatment} = {arm}" for arm, n in few.items())
            empty = " in every stratum" if 0 in few.values() else ""
            raise DesignError(
                "An arm is empty." if empty else "An arm has too few clusters to compare.",
                expected=f"at least 2 clusters ({self.cluster}) in each arm",
                found=arms + empty,
                where=f"columns {self.cluster}, {self.treatment}",
                next_step="check the assignment in the table of teams, and which rows were dropped",
            )

    def clusters_by_arm(self, frame: pd.DataFrame) -> dict[int, int]:
        """Count the clusters of `frame` in arm 0 and in arm 1."""
        arms = numeric(frame, self.treatment)
        return {arm: int(frame.loc[arms == arm, self.cluster].nunique()) for arm in (0, 1)}

    def one_armed_strata(self, frame: pd.DataFrame) -> tuple[str, ...]:
        """Name the strata of `frame` in which only one arm is found, in order."""
        arms = frame.groupby(frame[self.stratum].astype(str))[self.treatment].nunique()
        return tuple(sorted(str(stratum) for stratum in arms.index[arms < 2]))


def refuse_repeated(frame: pd.DataFrame) -> None:
    """Refuse a frame in which a household, told by `hhid` where there is one, stands in several rows."""
    if HOUSEHOLD not in frame:
        return
    names = frame[HOUSEHOLD].dropna()
    twice = names[names.duplicated()].nunique()
    if twice:
        raise DesignError(
            "A household stands in several rows and would count several times.",
            expected=f"one row a {HOUSEHOLD}",
            found=f"{twice} repeated",  # a code of a household is personal data
            where=f"column {HOUSEHOLD}",
            next_step="give one row a household, with the waves side by side, as construct makes it",
        )


def refuse_gaps(frame: pd.DataFrame, column: str) -> None:
    """Refuse rows without a value in `column`, which says where they belong."""
    missing = int(frame[column].isna().sum())
    if missing:
        raise DesignError(
            "Some rows do not say where they belong.",
            expected="a value in every row",
            found=f"{missing} of {len(frame)} rows without one",
            where=f"column {column}",
            next_step="link these rows to the list of teams in clean, or drop them there with a reason",
        )


def refuse_several(frame: pd.DataFrame, cluster: str, column: str, what: str) -> None:
    """Refuse clusters with more than one value of `column`; `what` says what is wrong with that."""
    distinct = frame.groupby(cluster, observed=True)[column].nunique()
    wrong = sorted(str(name) for name in distinct.index[distinct > 1])
    if wrong:
        raise DesignError(
            what,
            expected=f"one {column} for each {cluster}",
            found=f"{len(wrong)} with several: {', '.join(wrong[:5])}",
            where=f"columns {cluster}, {column}",
            next_step="a code used in two places needs the stratum in it",
        )

"""Hold what a page may show: disclosed result tables with the labels of their codes.

Reads and hides nothing itself; `disclosure.open_results` fills it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from survey_tools.areas import Area, AreaKey
from survey_tools.params import AnalysisPlan, Study
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.wording import Wording


@dataclass(frozen=True)
class Results:
    """Disclosed results for one page.

    `levels`, `choices` and `communes` have `shown` (the figure to show, NaN where hidden) and `status`
    (`shown`, `few` or `hidden`). `area` is the commune of the page, None on the district page, which
    has also the levels by further lists of areas (`by_list`), the units of these lists, which share
    of each unit's people lives within the study (None where not known), and the `evidence`.
    """

    study: Study
    plan: AnalysisPlan
    lang: Lang
    area: Area | None
    units: dict[str, Area]
    outcomes: pd.DataFrame
    teams: pd.DataFrame
    effects: pd.DataFrame
    levels: pd.DataFrame
    choices: pd.DataFrame
    communes: pd.DataFrame
    balance: pd.DataFrame
    balance_joint: pd.DataFrame
    attrition: pd.DataFrame
    flow: pd.DataFrame
    labels: dict[tuple[str, str], str]
    questions: dict[str, str]
    by_list: pd.DataFrame = field(default_factory=pd.DataFrame)
    lists: dict[str, tuple[Area, ...]] = field(default_factory=dict)
    shares_inside: dict[AreaKey, float | None] = field(default_factory=dict)
    evidence: dict[str, pd.DataFrame] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> Wording:
        """Sentences in the language of the page."""
        return Wording(self.lang)

    @property
    def numbers(self) -> Numbers:
        """Number formats in the language of the page."""
        return Numbers(self.lang)

    @property
    def code(self) -> str:
        """Code of the page's commune, or `district`."""
        return "district" if self.area is None else self.area.code

    @property
    def place(self) -> str:
        """Name of the page's commune, or of the district."""
        return self.words("district") if self.area is None else self.area.name(self.lang)

    @property
    def place_within(self) -> str:
        """Name of the place inside a sentence: Vietnamese writes «xã», «thị trấn» small there."""
        return within(self.place, self.lang)

    @property
    def confidence(self) -> str:
        """Coverage of the intervals, as a percentage."""
        return self.numbers.percent(self.study.design.interval)

    def outcome(self, name: str) -> str:
        """Label of an outcome, an exposure or a covariate; the name itself where there is none.

        An outcome in one wave (`qr_shop_30d__w1`) has the label of the outcome: the table says which wave.
        """
        name = name.split("__")[0]
        if name in self.outcomes.index:
            return str(self.outcomes.loc[name, f"label_{self.lang}"])
        key = f"variable_{name}"
        return self.words(key) if key in self.words else name

    def flow_term(self, kind: str, text: str) -> str:
        """Word for a stage or reason of the sample flow; `text` itself where there is none."""
        key = f"{kind}_" + re.sub(r"[^a-z]+", "_", text.lower()).strip("_")
        return self.words(key) if key in self.words else text

    def scale(self, name: str) -> str:
        """Scale of an outcome; what is no outcome of the study is an exposure, yes or no."""
        return str(self.outcomes.loc[name, "scale"]) if name in self.outcomes.index else "binary"

    def wave(self, name: str) -> str:
        """Name of a wave: baseline, endline, or one between."""
        waves = self.study.waves
        if name == waves.baseline:
            return self.words("wave_baseline")
        if name == waves.endline:
            return self.words("wave_endline")
        between = [w for w in waves.all if w not in (waves.baseline, waves.endline)]
        if between == [name]:
            return self.words("wave_midline")
        return self.words("wave_other", name=name)

    def choice(self, variable: str, code: str) -> str:
        """Label of a choice of a question."""
        return self.labels.get((variable, code), code)

    def question(self, variable: str) -> str:
        """Text of a question as it was asked."""
        return self.questions.get(variable, variable)

    def level(self, outcome: str, wave: str, *, area: str, group: str = "all") -> pd.Series | None:
        """Row of `levels`, or None where the results have none."""
        rows = self.levels.query(
            "area == @area and wave == @wave and group == @group and outcome == @outcome"
        )
        return None if rows.empty else rows.iloc[0]

    def effect(
        self, outcome: str, estimand: str = "itt", wave: str | None = None
    ) -> pd.Series | None:
        """Row of `effects` at the endline or another wave, or None where the results have none."""
        rows = self.effects.loc[
            self.effects["outcome"].eq(outcome)
            & self.effects["estimand"].eq(estimand)
            & self.effects["wave"].eq(wave or self.study.waves.endline)
        ]
        return None if rows.empty else rows.iloc[0]


def within(name: str, lang: Lang) -> str:
    """Write the name of a place as it stands inside a sentence: Vietnamese writes «xã» small there."""
    return name[0].lower() + name[1:] if lang == "vi" else name


def rows_of(frame: pd.DataFrame) -> Iterable[Any]:
    """Yield named rows; the contract of the table vouches for their columns, not types."""
    return frame.itertuples(index=False)

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
from survey_tools.params import AnalysisPlan, NextSteps, Study
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.pick import rows_where
from survey_tools.report.traced import Traced, counted, summed, trace
from survey_tools.report.wording import Wording


@dataclass(frozen=True)
class Results:
    """Disclosed results for one page.

    `levels`, `choices` and `communes` have `shown` (the figure to show, NaN where hidden) and `status`
    (`shown`, `few` or `hidden`). `levels` and `choices` are those of the page's area and the district,
    `teams` those of the area. `area` is the commune of the page, None on the district page, which
    has also the levels by further lists of areas (`by_list`), the units of these lists, which share
    of each unit's people lives within the study (None where not known), and the `evidence`. A commune's
    page has `outreach`, `changes`, `gaps` and `fieldwork`, and the rules of its `next_steps`.
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
    outreach: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)
    gaps: pd.DataFrame = field(default_factory=pd.DataFrame)
    fieldwork: pd.DataFrame = field(default_factory=pd.DataFrame)
    next_steps: NextSteps | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    traces: bool = False
    """Whether numbers know which cell of which table they are, so that the page can say it."""

    @property
    def words(self) -> Wording:
        """Sentences in the language of the page."""
        return Wording(self.lang)

    @property
    def numbers(self) -> Numbers:
        """Number formats in the language of the page."""
        return Numbers(self.lang)

    @property
    def by_lot(self) -> bool:
        """Whether the teams were drawn, so that their comparison rests on nothing else."""
        return self.study.design.kind == "stratified_cluster_randomised"

    @property
    def by_start(self) -> bool:
        """Whether the main estimand is of a staggered start, whose rows are interviews of all waves."""
        return self.plan.main_estimand.startswith("att_")

    def of_design(self, key: str, **values: Any) -> str:
        """Return the sentence `key` as the study's design has it.

        That is `<key>_<kind>` where there is one, `<key>_assumed` where nothing was drawn and there is
        one, or else `key`. `controls`, what is adjusted for, need not be given.
        """
        kind = self.study.design.kind
        choices = [key] if self.by_lot else [f"{key}_{kind}", f"{key}_assumed", key]
        chosen = next((one for one in choices if one in self.words), key)
        names = [lowered(self.outcome(name)) for name in self.study.design.controls]
        return self.words(chosen, **({"controls": ", ".join(names)} | values))

    def planned(self, table: str, analysis: str | None = None) -> bool:
        """Whether the plan names an analysis, or any of a table of results."""
        named = [one.analysis for one in self.plan.analyses if one.table == table]
        return bool(named) if analysis is None else analysis in named

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
        rows = rows_where(self.levels, area=area, wave=wave, group=group, outcome=outcome)
        return None if rows.empty else self.row("levels", rows)

    def effect(
        self, outcome: str, estimand: str | None = None, wave: str | None = None
    ) -> pd.Series | None:
        """Row of `effects`, or None where the results have none.

        Without an estimand it is the main one of the plan; without a wave that of the endline, or of the
        last wave, which the mean effect of a staggered start goes up to.
        """
        wanted = estimand or self.plan.main_estimand
        rows = rows_where(self.effects, outcome=outcome, estimand=wanted)
        waves = [wave] if wave else [self.study.waves.endline, self.study.waves.all[-1]]
        found = (rows[rows["wave"].eq(one)] for one in waves)
        return next((self.row("effects", one) for one in found if len(one)), None)

    def row(self, table: str, rows: pd.DataFrame) -> pd.Series:
        """Return the first of some rows of a table of results, with traced numbers."""
        return trace(rows.iloc[0], table) if self.traces else rows.iloc[0]

    def rows(self, table: str, rows: pd.DataFrame) -> pd.DataFrame:
        """Return some rows of a table of results with traced numbers, which are of type object."""
        return trace(rows, table) if self.traces and len(rows) else rows

    def summed(self, number: float, table: str, how: str, **where: str) -> Traced | float:
        """Return what many rows of a table give together, no finer than a page shows it.

        Which row it is from is not told: an estimate without one commune, known to four decimals, would
        tell much of that commune.
        """
        return summed(round(number, 3), table, how, **where) if self.traces else number

    def counted(self, number: int, table: str, **where: str) -> Traced | int:
        """Return how many rows of a table have these values, as a number that says so."""
        return counted(number, table, **where) if self.traces else number


def within(name: str, lang: Lang) -> str:
    """Write the name of a place as it stands inside a sentence: Vietnamese writes «xã» small there."""
    return lowered(name) if lang == "vi" else name


def lowered(text: str) -> str:
    """Write a label as it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def rows_of(frame: pd.DataFrame) -> Iterable[Any]:
    """Yield named rows; the contract of the table vouches for their columns, not types."""
    return frame.itertuples(index=False)

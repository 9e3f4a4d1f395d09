"""Estimate statements from the answers of households: levels, ratios, changes, gaps and spread.

Levels are those of `estimate.levels`. Differences take teams as sampling units within strata, so that the
same teams in two waves, or on both sides of a gap, are not counted as independent. Households count alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.claims.rows import Row, row_of, smallest_count
from survey_tools.estimate.claims.spread import Sample, Spread, spread, spread_change
from survey_tools.estimate.design import Design, Floats, codes_of, numeric
from survey_tools.estimate.levels.means import (
    DISTRICT,
    GROUPS,
    cell_sums,
    estimate_cells,
    in_group,
    team_sums,
)
from survey_tools.estimate.levels.proportions import proportion_interval
from survey_tools.estimate.levels.survey import (
    SurveyEstimate,
    SurveySample,
    survey_ratio,
    survey_regression,
)
from survey_tools.params import Reading

NO_ANSWERS, ONE_SIDE = "no answers", "answers on one side only"
SPREAD_METHOD = "nested analysis of variance, jackknife over communes"
DIFFERENCE_METHOD = "difference of means, Taylor linearisation, t"
RATIO_METHOD = "ratio, Taylor linearisation, Wilson with effective n"


class Answers:
    """The interviews of all waves, of which each reading takes its rows.

    Parameters
    ----------
    frame : DataFrame
        The panel with the further variables beside it, one row a household and wave.
    design : Design
    """

    def __init__(self, frame: pd.DataFrame, design: Design) -> None:
        design.check_ids(frame)
        self._frame, self._design = frame, design
        self._waves = frame["wave"].astype(str).to_numpy()
        self._strata, _ = codes_of(frame, design.stratum)
        self._teams, _ = codes_of(frame, design.cluster)

    def row(self, reading: Reading) -> Row:
        """Estimate one reading; without answers the row has a note and no numbers."""
        if reading.population not in GROUPS:
            raise DesignError(
                "A reading of a statement names no group of households.",
                expected=", ".join(GROUPS),
                found=reading.population,
                where=f"params/claim_readings.csv, {reading.claim}{reading.reading}",
            )
        estimate: dict[str, Callable[[Reading], Row]] = {
            "level": self._level,
            "ratio": self._ratio,
            "change": self._change,
            "gap": self._gap,
            "between": self._between,
            "between_change": self._between,
        }
        return estimate[reading.statistic](reading)

    def _level(self, reading: Reading) -> Row:
        design, name, group = self._design, reading.variable, reading.population
        scales: dict[str, str] = {name: reading.scale}
        columns = [
            design.stratum,
            design.cluster,
            design.treatment,
            "wave",
            "women",
            "age60",
            "poor",
        ]
        wanted = list(dict.fromkeys([*columns, "sellers", name]))
        panel = self._frame[[column for column in wanted if column in self._frame]]
        teams = team_sums(panel, design, scales, [group], area=design.stratum)
        sums = cell_sums(teams.assign(area=DISTRICT), [DISTRICT], panel, [group], [name])
        cells = estimate_cells(sums, panel, design, scales)
        mine = cells[cells["wave"].eq(self._wave(reading))]
        if mine.empty or not mine["n"].iloc[0]:
            return row_of(reading, wave=self._wave(reading), n=0, note=NO_ANSWERS)
        found = mine.iloc[0]
        numbers = {key: float(found[key]) for key in ("estimate", "conf_low", "conf_high")}
        numerator = None if pd.isna(found["numerator"]) else int(found["numerator"])
        return row_of(
            reading,
            **numbers,
            wave=self._wave(reading),
            n=int(found["n"]),
            numerator=numerator,
            n_teams=int(found["n_teams"]),
            smallest=smallest_count(self._told(reading, self._rows(reading))),
            method=str(found["method"]),
        )

    def _ratio(self, reading: Reading) -> Row:
        part, whole = (numeric(self._frame, name) for name in reading.variable.split("/"))
        inside = self._rows(reading) & ~np.isnan(part) & ~np.isnan(whole)
        base = float(whole[inside].sum())
        if not base > 0:
            return row_of(reading, wave=self._wave(reading), n=0, note=NO_ANSWERS)
        found = survey_ratio(self._sample(), part, whole, domain=inside)
        low, high = proportion_interval(found, level=self._design.interval, n_at_ends=base)
        hits = float(part[inside].sum())
        return row_of(
            reading,
            estimate=float(found.value[0]),
            conf_low=low,
            conf_high=high,
            wave=self._wave(reading),
            n=int(base),
            numerator=int(hits),
            n_teams=len(np.unique(self._teams[inside])),
            smallest=smallest_count((base, hits, base - hits, inside.sum())),
            method=RATIO_METHOD,
        )

    def _change(self, reading: Reading) -> Row:
        """Endline less baseline, over all who answered in either."""
        group = in_group(self._frame, self._design, reading.population)
        last, first = (group & (self._waves == wave) for wave in self._ends)
        return self._difference(reading, last, first, *self._ends)

    def _gap(self, reading: Reading) -> Row:
        """In the group less outside it, in one wave."""
        rows, side = self._rows(reading), numeric(self._frame, reading.group)
        return self._difference(
            reading, rows & (side == 1), rows & (side == 0), self._wave(reading)
        )

    def _difference(
        self, reading: Reading, one: np.ndarray, other: np.ndarray, wave: str, wave_from: str = ""
    ) -> Row:
        y = numeric(self._frame, reading.variable)
        one, other = one & ~np.isnan(y), other & ~np.isnan(y)
        sides = {"n": int(one.sum()), "n_other": int(other.sum())}
        about = {"wave": wave, "wave_from": wave_from, **sides}
        if not (one.any() and other.any()):
            return row_of(
                reading, **about, note=ONE_SIDE if one.any() or other.any() else NO_ANSWERS
            )
        x = np.column_stack([np.ones(len(y)), one.astype(float)])
        found = survey_regression(self._sample(), y, x, domain=one | other)
        told = [*self._told(reading, one), *self._told(reading, other)]
        return row_of(
            reading,
            **about,
            **_numbers(found, self._design.interval),
            n_teams=len(np.unique(self._teams[one | other])),
            smallest=smallest_count(told),
            method=DIFFERENCE_METHOD,
        )

    def _between(self, reading: Reading) -> Row:
        level, changes = self._design.interval, reading.statistic == "between_change"
        group = in_group(self._frame, self._design, reading.population)
        waves = self._ends if changes else (self._wave(reading),)
        last, *first = (self._of(reading, group & (self._waves == wave)) for wave in waves)
        sides = dict(zip(("n", "n_other"), (len(one[0]) for one in (last, *first)), strict=False))
        about = dict(zip(("wave", "wave_from"), waves, strict=False)) | sides
        if not min(sides.values()):
            return row_of(reading, **about, note=NO_ANSWERS)
        found = spread_change(first[0], last, level) if changes else spread(*last, level)
        return row_of(
            reading,
            **about,
            **_spread_numbers(found),
            n_teams=len(np.unique(last[1])),
            smallest=smallest_count(sides.values()),
            method=SPREAD_METHOD,
        )

    def _of(self, reading: Reading, rows: np.ndarray) -> Sample:
        y = numeric(self._frame, reading.variable)
        rows = rows & ~np.isnan(y)
        return y[rows], self._teams[rows], self._strata[rows]

    @property
    def _ends(self) -> tuple[str, str]:
        return self._design.endline, self._design.baseline

    def _wave(self, reading: Reading) -> str:
        return self._design.baseline if reading.wave == "baseline" else self._design.endline

    def _rows(self, reading: Reading) -> np.ndarray:
        group = in_group(self._frame, self._design, reading.population)
        return np.asarray(group & (self._waves == self._wave(reading)), dtype=bool)

    def _sample(self) -> SurveySample:
        ones: Floats = np.ones(len(self._frame))
        return SurveySample(ones, self._strata, self._teams, lonely="centred")

    def _told(self, reading: Reading, rows: np.ndarray) -> list[float]:
        """Count what the answers of some rows tell, and those outside of the population in the same waves.

        A page that shows everybody and the population tells the latter.
        """
        y = numeric(self._frame, reading.variable)
        same = np.isin(self._waves, np.unique(self._waves[rows]))
        group = in_group(self._frame, self._design, reading.population)
        counts: list[float] = []
        for part in (rows, same & ~group):
            answers = y[part & ~np.isnan(y)]
            counts.append(len(answers))
            if reading.scale == "binary":
                counts += [float((answers == 1).sum()), float((answers == 0).sum())]
        return counts


def _numbers(found: SurveyEstimate, level: float) -> dict[str, float]:
    low, high = found.interval(level)
    return {
        "estimate": float(found.value[1]),
        "conf_low": float(low[1]),
        "conf_high": float(high[1]),
    }


def _spread_numbers(found: Spread) -> dict[str, float]:
    return {
        "estimate": found.estimate,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
    }

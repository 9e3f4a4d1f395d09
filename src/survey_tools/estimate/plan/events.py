"""Follow effects over time as the plan asks: by wave, by recalled dates, and what drift they would bear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects.adoption import Adoption, adoption
from survey_tools.estimate.effects.event_study import COLUMNS
from survey_tools.estimate.effects.staggered import ESTIMATORS, staggered
from survey_tools.estimate.plan.run import START, AnalysisTables
from survey_tools.estimate.threats.honest import honest

NEVER = "never"
"""Period of the table of recalled dates for who has not begun."""

DRIFTS = (0.5, 1.0, 2.0)
"""Largest drift after the start that is allowed for, in units of the largest drift before it."""

_HONEST = ["outcome", "kind", "m", "conf_low", "conf_high", "note"]
_COUNTS = ("event_time", "n", "n_teams")
_TEXTS = ("outcome", "estimator", "kind", "note")


@dataclass(frozen=True)
class Recalled:
    """Dates that households recall.

    Attributes
    ----------
    dates : DataFrame
        Contract `adoption`.
    periods : sequence of str
        All periods, in order.
    began : str
        Period in which intensive outreach began.
    """

    dates: pd.DataFrame
    periods: Sequence[str]
    began: str

    def study(self, design: Design, event: str) -> Adoption:
        """Estimate the event study of one event; see `adoption` for errors."""
        rows = self.dates[self.dates["event"].eq(event)]
        rows = rows.assign(period=rows["period"].where(rows["period"].ne(NEVER)))
        return adoption(
            rows, design, event, period="period", periods=self.periods, began=self.began
        )


def planned_events(
    tables: AnalysisTables, recalled: Recalled, design: Design, wanted: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate the event studies that the plan names, and what drift they would bear.

    Parameters
    ----------
    tables : AnalysisTables
    recalled : Recalled
    design : Design
    wanted : DataFrame
        As `planned` gives it: rows of `event_study` and `honest`.

    Returns
    -------
    tuple of DataFrame
        Contracts `event_study` and `honest`. What cannot be estimated is one row whose `note` says why.
    """
    rows = wanted[wanted["table"].eq("event_study")]
    panel = tables.with_start(design)
    parts = [
        _study(tables, recalled, design, panel, (analysis, outcome))
        for analysis, outcome in zip(rows["analysis"], rows["outcome"], strict=True)
    ]
    drifts = wanted.loc[wanted["table"].eq("honest"), "outcome"]
    sensitive = [_honest(recalled, design, str(event)) for event in drifts]
    return _together(parts, list(COLUMNS)), _together(sensitive, _HONEST)


def _study(
    tables: AnalysisTables,
    recalled: Recalled,
    design: Design,
    panel: pd.DataFrame,
    what: tuple[str, str],
) -> pd.DataFrame:
    analysis, outcome = what
    named = [one for one in ESTIMATORS if one == analysis]
    if not named and analysis != "adoption":
        raise DesignError(
            "The analysis plan names an event study that there is no estimator of.",
            expected=", ".join(("adoption", *ESTIMATORS)),
            found=analysis,
        )
    try:
        if analysis == "adoption":
            return recalled.study(design, outcome).event_study
        found = staggered(panel, design, outcome, start=START, waves=tables.waves, estimators=named)
    except DesignError as error:
        return _nothing(analysis, outcome, error.what)
    if found.event_study.empty:
        return _nothing(analysis, outcome, str(found.effects["note"].iloc[0]))
    return found.event_study


def _nothing(analysis: str, outcome: str, note: str) -> pd.DataFrame:
    row = dict.fromkeys(COLUMNS, np.nan) | {"outcome": outcome, "estimator": analysis}
    return pd.DataFrame([row | {"event_time": 0, "n": 0, "n_teams": 0, "note": note}])


def _honest(recalled: Recalled, design: Design, event: str) -> pd.DataFrame:
    kind, note = "relative_magnitude", ""
    try:
        found = recalled.study(design, event)
        study = found.event_study[found.event_study["std_error"] > 0]
        before = int((study["event_time"] < 0).sum())
        after = len(study) - before
        rows = honest(
            study["estimate"].to_numpy(float), found.covariance, before, after,
            kind="relative_magnitude", bounds=DRIFTS, tail=design.tail,
        )  # fmt: skip
    except DesignError as error:
        rows, note = pd.DataFrame({"kind": kind, "m": DRIFTS}), error.what
    return rows.assign(outcome=event, note=note).reindex(columns=_HONEST)


def _together(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if parts:
        return pd.concat(parts, ignore_index=True)
    numbers = dict.fromkeys(columns, "float64")
    numbers |= dict.fromkeys(_COUNTS, "int64") | dict.fromkeys(_TEXTS, "str")
    return pd.DataFrame(columns=columns).astype({name: numbers[name] for name in columns})

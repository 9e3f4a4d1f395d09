"""Pick the disclosed figures that a commune's page is made of; writes none."""

from __future__ import annotations

from typing import TypeGuard

import pandas as pd

from survey_tools.report.numbers import is_missing
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results
from survey_tools.report.small_cells import HIDDEN

DISTRICT, EVERYBODY = "district", "all"
GROUPS = ("age60", "women", "poor", "sellers")
"""Groups that are looked at for who is left behind."""


def level(
    results: Results,
    name: str,
    *,
    group: str = EVERYBODY,
    wave: str | None = None,
    area: str | None = None,
) -> pd.Series | None:
    """Return a level of an outcome or an outreach measure, at the endline in the page's place unless said."""
    where = {"wave": wave or results.study.waves.endline, "area": area or results.code}
    if name in results.study.report.outreach:
        return _first(results, "outreach", outcome=name, group=group, **where)
    return results.level(name, where["wave"], area=where["area"], group=group)


def change(results: Results, outcome: str, group: str = EVERYBODY) -> pd.Series | None:
    """Return the change of an outcome from baseline to endline in the page's place."""
    wave = results.study.waves.endline
    return _first(results, "changes", area=results.code, wave=wave, group=group, outcome=outcome)


def gap(results: Results, outcome: str, group: str, area: str | None = None) -> pd.Series | None:
    """Return how far a group is from everybody at the endline, in the page's place unless said."""
    where = {"area": area or results.code, "wave": results.study.waves.endline}
    return _first(results, "gaps", group=group, outcome=outcome, **where)


def own_effect(results: Results, outcome: str) -> pd.Series | None:
    """Return the partially pooled effect of the page's place."""
    return _first(results, "communes", commune_code=results.code, outcome=outcome)


def fieldwork(results: Results, wave: str) -> pd.Series | None:
    """Return when and how many households of the page's place were interviewed in a wave."""
    return _first(results, "fieldwork", area=results.code, wave=wave)


def choices(results: Results, variable: str) -> pd.DataFrame:
    """Return the choices at the endline that somebody made and that may be shown, most often made first."""
    wave = results.study.waves.endline
    found = rows_where(results.choices, area=results.code, variable=variable, wave=wave)
    found = found[found["status"].ne(HIDDEN) & found["shown"].gt(0)]
    return found.sort_values(["shown", "choice"], ascending=[False, True])


def scale(results: Results, name: str) -> str:
    """Return the scale of an outcome or a measure of outreach."""
    return results.study.report.outreach.get(name) or results.scale(name)


def is_shown(row: pd.Series | None) -> TypeGuard[pd.Series]:
    """Whether there is a figure that may be shown, as it is or rounded."""
    return row is not None and row["status"] != HIDDEN and not is_missing(row["shown"])


def is_estimated(row: pd.Series | None) -> TypeGuard[pd.Series]:
    """Whether a place has a pooled effect that may be shown and in which its own data count."""
    return row is not None and not is_missing(row["shown"]) and row["status"] != "too_few"


def is_clear(row: pd.Series | None) -> TypeGuard[pd.Series]:
    """Whether there is a difference whose interval leaves out zero."""
    return is_shown(row) and not row["conf_low"] <= 0 <= row["conf_high"]


def _first(results: Results, table: str, **where: str) -> pd.Series | None:
    frame: pd.DataFrame = getattr(results, table)
    if frame.empty:
        return None
    rows = rows_where(frame, **where)
    return None if rows.empty else results.row(table, rows)

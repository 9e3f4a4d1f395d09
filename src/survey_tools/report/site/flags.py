"""Say in words what to mind about a page: figures not shown, low response, departures from the plan.

Decides nothing about what may be shown, and estimates nothing: it counts what is already disclosed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import pandas as pd

from survey_tools import contracts
from survey_tools.params import Workspace
from survey_tools.report.disclosure_evidence import disclose_evidence
from survey_tools.report.pick import rows_where
from survey_tools.report.results import rows_of
from survey_tools.report.site.reading import Shown
from survey_tools.report.small_cells import FEW, HIDDEN
from survey_tools.report.traced import Traced, counted, trace
from survey_tools.report.wording import Wording

DISTRICT = "district"
_NO_LEVELS = pd.DataFrame(columns=["area", "status"])


class Flags:
    """Flags of all pages of a run, in one language."""

    def __init__(self, ws: Workspace, words: Wording, shown: Shown) -> None:
        """Count once what all rows need.

        Parameters
        ----------
        ws : Workspace
        words : Wording
        shown : mapping of str to DataFrame
            From `reading.read_shown`.
        """
        self.words = words
        levels = shown.get("levels", _NO_LEVELS)
        self.figures = _count(levels)
        self.hidden = _count(rows_where(levels, status=HIDDEN))
        self.few = _count(rows_where(levels, status=FEW))
        self.low = _low_response(shown.get("fieldwork"), ws.study.report.low_response)
        self.departures = _departures(ws)

    def of(self, code: str) -> list[str]:
        """Return the flags of the page of a commune or of the district."""
        flags = []
        if low := self.low.get(code):
            n, drawn = (self.words.numbers.count(one) for one in low)
            flags.append(self.words("site_flag_response", n=n, drawn=drawn))
        if code == DISTRICT:
            if self.departures:
                flags.append(self.words("site_flag_departures", count=self.departures))
            return flags
        hidden, few = self.hidden.get(code, 0), self.few.get(code, 0)
        key = {(True, True): "both", (True, False): "hidden", (False, True): "few"}
        if kind := key.get((hidden > 0, few > 0)):
            values = {"hidden": hidden, "few": few, "figures": self.figures[code]}
            flags.append(self.words(f"site_flag_{kind}", **values))
        return flags


def _count(levels: pd.DataFrame) -> Mapping[str, int]:
    return {str(area): int(n) for area, n in levels["area"].value_counts().items()}


def _low_response(fieldwork: pd.DataFrame | None, least: float) -> Mapping[str, tuple[Any, Any]]:
    """Return interviews and households drawn of the areas where fewer than the share `least` answered.

    Areas whose interviews may not be shown are left out: their figures are flagged as not shown.
    """
    if fieldwork is None:
        return {}
    rows = fieldwork.dropna(subset=["interviews", "drawn"])
    rows = trace(rows[rows["interviews"].lt(least * rows["drawn"])], "fieldwork")
    return {str(row.area): (row.interviews, row.drawn) for row in rows_of(rows)}


def _departures(ws: Workspace) -> Traced | int:
    """Count the analyses that were planned and not done, or done and not planned."""
    if not (ws.results / "plan.parquet").is_file():
        return 0
    plan = contracts.read_table(ws.results, "plan")
    states = disclose_evidence(plan, "plan", ws.study.disclosure)["state"].value_counts()
    departing = states[states.index != "as_planned"].sort_index()
    counts = [counted(int(n), "plan", state=str(state)) for state, n in departing.items()]
    return reduce(Traced.__add__, counts) if counts else 0

"""Build the typed frame of one table from the answers that were collected.

Not here: collecting them, or the form's labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.kobo.tables import columns
from survey_tools.kobo.tables.catalogue import Variable
from survey_tools.kobo.tables.collect import NOTHING, Collector
from survey_tools.kobo.tables.naming import suffixes


class FrameBuilder:
    """Builds one table's frame; what does not fit goes to the collector's misfits.

    Parameters
    ----------
    collector : Collector
        With all rows taken in.
    table : str
        Path of the repeat; empty for the main table.

    Attributes
    ----------
    data : dict
        Column to its values.
    meaning : list of (str, str, str)
        Column, variable, and choice or part of a place; the last two are empty for keys.
    """

    def __init__(self, collector: Collector, table: str) -> None:
        self._collector, self._table = collector, table
        self._keys = collector.keys(table)
        self.data: dict[str, Any] = self._meta_columns() if not table else self._key_columns()
        self.meaning: list[tuple[str, str, str]] = [(name, "", "") for name in self.data]
        variables = collector.catalogue.of_table(table)
        self._known = {f"{one.name}{suffix}" for one in variables for suffix in suffixes(one)}
        for variable in variables:
            self._add(variable)

    def frame(self) -> pd.DataFrame:
        """Return the frame."""
        return pd.DataFrame(self.data)

    def _add(self, variable: Variable) -> None:
        answers = self._collector.answers(self._table, variable.path)
        built, misfits = _builder(variable)(answers)
        for suffix, column in built.items():
            name = f"{variable.name}{suffix}"
            if suffix not in suffixes(variable):
                while name in self._known or name in self.data:
                    name += "_"
            self.data[name] = column
            self.meaning.append((name, variable.name, suffix.removeprefix("_").removeprefix("_")))
        if misfits.any():
            self._keep_misfits(variable, answers, misfits)

    def _keep_misfits(
        self, variable: Variable, answers: columns.Answers, misfits: np.ndarray
    ) -> None:
        kind = "choice" if variable.kind in ("one", "many") else "type"
        rows = np.flatnonzero(np.concatenate([[False], misfits])[answers.codes])
        self._collector.note(kind, variable.path, self._keys[rows, 0])
        for row in rows:
            text = answers.texts[answers.codes[row] - 1]
            self._collector.misfit(self._table, self._keys[row], variable.path, text, kind)

    def _meta_columns(self) -> dict[str, Any]:
        meta = self._collector.meta
        times = [None if t in NOTHING else str(t) for t in meta["_submission_time"]]
        sent = columns.read_utc(times)
        said = np.array([time is not None for time in times], dtype=bool)
        for row in np.flatnonzero(sent.isna().to_numpy() & said):
            self._collector.note("type", "_submission_time", self._keys[row, :1])
            self._collector.misfit("", self._keys[row], "_submission_time", times[row], "type")
        states = [s.get("uid") if isinstance(s, Mapping) else s for s in meta["_validation_status"]]
        return {
            "_id": pd.Series(self._keys[:, 0]),
            "_uuid": pd.Series(meta["_uuid"], dtype="str"),
            "_submission_time": sent,
            "__version__": pd.Series(meta["__version__"], dtype="str"),
            "_validation_status": pd.Series([s or None for s in states], dtype="str"),
            "_submitted_by": pd.Series(meta["_submitted_by"], dtype="str"),
        }

    def _key_columns(self) -> dict[str, Any]:
        names = self._collector.catalogue.keys(self._table)
        return {name: pd.Series(self._keys[:, place]) for place, name in enumerate(names)}


def _builder(variable: Variable) -> Callable[[columns.Answers], columns.Built]:
    if variable.kind == "one":
        return partial(columns.build_one_choice, choices=list(variable.choices))
    if variable.kind == "many":
        return partial(columns.build_many_choices, choices=list(variable.choices))
    return {
        "integer": columns.build_integer,
        "decimal": columns.build_decimal,
        "number": columns.build_number,
        "date": columns.build_date,
        "moment": columns.build_moment,
        "time": columns.build_time,
        "point": columns.build_point,
    }.get(variable.kind, columns.build_text)

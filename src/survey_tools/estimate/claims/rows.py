"""Write one row of the table of statements; estimates nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from survey_tools.params import Reading

GAP = float("nan")
COUNTS = ("n", "n_other", "numerator", "n_teams", "n_reports", "smallest")
NUMBERS = ("estimate", "conf_low", "conf_high")
TEXTS = ("wave", "wave_from", "period", "method", "note")
Row = dict[str, Any]


def row_of(reading: Reading, **found: Any) -> Row:
    """Set what was found beside what the reading says; numbers not given are missing, texts empty."""
    said = {
        name: getattr(reading, name) for name in ("source", "statistic", "scale", "unit", "test")
    }
    figure = GAP if reading.figure is None else reading.figure
    blank: Row = {
        **dict.fromkeys(NUMBERS, GAP),
        **dict.fromkeys(COUNTS),
        **dict.fromkeys(TEXTS, ""),
    }
    return (
        {"claim": reading.claim, "reading": reading.reading, **said, "figure": figure}
        | blank
        | found
    )


def smallest_count(counts: Iterable[float | None]) -> int | None:
    """Return the smallest count above 0, None where there is none."""
    there = [int(one) for one in counts if one is not None and math.isfinite(one) and one > 0]
    return min(there, default=None)


def table_of(rows: list[Row]) -> pd.DataFrame:
    """Make the table of rows, counts as whole numbers that may be missing."""
    names = ["claim", "reading", "source", "statistic", "scale", "unit", "test", "figure"]
    order = [*names, *NUMBERS, *COUNTS, *TEXTS]
    frame = pd.DataFrame(rows, columns=order)
    floats = dict.fromkeys((*NUMBERS, "figure"), "float64")
    texts = dict.fromkeys((*names[:-1], *TEXTS), "str")
    return frame.astype(dict.fromkeys(COUNTS, "Int64") | floats | texts)

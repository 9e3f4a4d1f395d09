"""Hold the units of a list of areas as a table of texts, read faster than all lists; checks nothing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

import pandas as pd

from survey_tools.areas import Area


def units_table(units: tuple[Area, ...]) -> pd.DataFrame:
    """Write units as rows, every column a text; empty where a unit says nothing."""
    return pd.DataFrame([_row(unit) for unit in units], dtype="str")


def units_of(table: pd.DataFrame) -> dict[str, Area]:
    """Read what `units_table` wrote: units by code."""
    columns = [table[name].to_numpy(dtype=object).tolist() for name in table]
    rows = (dict(zip(table.columns, values, strict=True)) for values in zip(*columns, strict=True))
    return {row["code"]: _unit(row) for row in rows}


def _row(unit: Area) -> dict[str, str]:
    said: dict[str, Any] = asdict(unit) | {"codes_2024": " ".join(unit.codes_2024)}
    return {name: "" if value is None else str(value) for name, value in said.items()}


def _unit(row: dict[Any, str]) -> Area:
    return Area(
        list=row["list"],
        code=row["code"],
        name_vi=row["name_vi"],
        name_en=row["name_en"],
        codes_2024=tuple(row["codes_2024"].split()),
        valid_from=_date(row["valid_from"]),
        valid_to=_date(row["valid_to"]),
        people=int(row["people"]) if row["people"] else None,
        outside_vi=row["outside_vi"],
        outside_en=row["outside_en"],
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None

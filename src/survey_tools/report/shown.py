"""Decide once for all communes what may be shown, keep it beside the results, and hand out rows of it.

What is kept has passed the rules like everything else, and saves time only: where it is missing, or where
results, lists, thresholds or rules are no longer those that it was made from, all is decided anew. Deleting
`data/processed/results/.shown/` loses nothing.

Not here: the rules (survey_tools.report.disclosure_cells), or what a page makes of its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.files import replacing
from survey_tools.params import Workspace
from survey_tools.report import disclosure_cells as rules
from survey_tools.report.shown_key import (
    AS_THEY_ARE,
    FOLDER,
    REQUIRED,
    current_key,
    key_file,
    make_key,
    mark,
    path_of,
)
from survey_tools.report.units import units_table

BY_AREA = {"levels": "area", "choices": "area", "teams": "commune_code"}
"""Tables of which a commune's page reads its own rows -> the column that says whose they are."""

_RULES = {
    "choices": rules.disclose_choices,
    "communes": rules.disclose_communes,
    "effects": rules.disclose_effects,
}
_ROWS = 20_000
"""Rows that are read together: those of some 60 communes."""

_MARK = b"survey_tools.shown"
Tables = dict[str, pd.DataFrame]


def share_results(ws: Workspace) -> None:
    """Decide what may be shown of all communes and keep it, unless what is kept is of these results.

    Call it once before many pages are made: each then reads its own rows, which takes milliseconds,
    where it would otherwise decide on all communes again.

    Raises
    ------
    ContractError
        When a table of results is broken.
    AreaError
        When the results were made for another list of areas than the study's.
    RunError
        When the disk is full or the folder cannot be written.
    """
    if current_key(ws) is not None or not ws.results.is_dir():
        return
    folder, key = ws.results / FOLDER, make_key(ws)
    tables = _decide(ws)
    key_file(ws).unlink(missing_ok=True)
    for name, table in tables.items():
        _write(table, folder / f"{name}.parquet", key)
    with replacing(key_file(ws)) as temporary:
        temporary.write_text(key, encoding="utf-8")


def shown_tables(ws: Workspace, area: str | None = None) -> Tables:
    """Return what may be shown, by name of table; a table that there is no result of is left out.

    Parameters
    ----------
    ws : Workspace
    area : str, optional
        Code of a commune, or `district`: the tables of `BY_AREA` then have its rows and the district's
        only. All rows by default, those of each area together.

    Raises
    ------
    ContractError
        When a table of results is broken.
    AreaError
        When the results were made for another list of areas than the study's.
    """
    tables = _kept(ws, area)
    if tables is None:
        tables = _decide(ws)
    return tables if area is None else rows_of_area(tables, area)


def shown_levels(ws: Workspace, **only: str) -> pd.DataFrame:
    """Return the levels that may be shown, of those rows that have the given values; all by default."""
    filters = [(column, "==", value) for column, value in only.items()]
    key = current_key(ws)
    levels = None if key is None else _read(ws, "levels", key, filters)
    if levels is None:
        levels = rules.disclose_levels(_checked(ws, "levels"), ws.study.disclosure, _scales(ws))
        for column, value in only.items():
            levels = levels[levels[column].eq(value)]
        levels = _in_order(levels, "levels")
    return levels


def kept_parts(ws: Workspace, name: str) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table that is kept, those of some 60 communes at a time; none of one that is not.

    After `share_results` that is what `shown_tables` returns, in less memory.
    """
    key = current_key(ws)
    path = ws.results / FOLDER / f"{name}.parquet"
    if key is None or not path.is_file():
        return
    with parquet.ParquetFile(path) as file:
        if (file.schema_arrow.metadata or {}).get(_MARK) == mark(key):
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, use_threads=False).to_pandas()


def rows_of_area(tables: Mapping[str, pd.DataFrame], area: str) -> Tables:
    """Leave of the tables by area only what the page of one area reads; a district's page, all teams."""
    found = dict(tables)
    for name, column in BY_AREA.items():
        if name in found and not (name == "teams" and area == rules.DISTRICT):
            table = found[name]
            mine = [table[table[column].eq(code)] for code in _codes(area)]
            found[name] = pd.concat(mine, ignore_index=True)
    return found


def _codes(area: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((rules.DISTRICT, area)))


def _decide(ws: Workspace) -> Tables:
    """Read the results and let what may be shown of each table through."""
    there = [name for name in REQUIRED if path_of(ws, name).is_file()]
    tables = {name: _checked(ws, name) for name in there}
    settings = ws.study.disclosure
    if "levels" in tables:
        tables["levels"] = rules.disclose_levels(tables["levels"], settings, _scales(ws))
    for name in tables.keys() & _RULES.keys():
        tables[name] = _RULES[name](tables[name], settings)
    for name in AS_THEY_ARE:
        if path_of(ws, name).is_file():
            tables[name] = pd.read_parquet(path_of(ws, name))
    if path_of(ws, "labels").is_file():
        tables["labels"] = contracts.read_table(ws.clean, "labels")
    tables["teams"] = ws.table("teams")
    tables["units"] = units_table(read_areas(ws.file("areas")).of(ws.study.areas.list_))
    return {name: _in_order(table, name) for name, table in tables.items()}


def _checked(ws: Workspace, name: str) -> pd.DataFrame:
    table = contracts.read_table(ws.results, name)
    contracts.same_list(ws.study.areas.list_, **{name: table})
    return table


def _in_order(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Put the rows of each area together, so that few have to be read for one."""
    if name in BY_AREA:
        table = table.sort_values(BY_AREA[name], kind="stable")
    return table.reset_index(drop=True)


def _scales(ws: Workspace) -> dict[str, str]:
    outcomes = ws.table("outcomes")
    return dict(zip(outcomes["outcome"], outcomes["scale"], strict=True))


def _kept(ws: Workspace, area: str | None) -> Tables | None:
    """Read what is kept; None where there is none of these results."""
    key = current_key(ws)
    if key is None:
        return None
    tables: Tables = {}
    for name, said in json.loads(key)["inputs"].items():
        if said is None or name == "outcomes":
            continue
        by_area = area is not None and name in BY_AREA
        whole = not by_area or (name == "teams" and area == rules.DISTRICT)
        filters = [] if whole else [(BY_AREA[name], "in", _codes(str(area)))]
        table = _read(ws, name, key, filters)
        if table is None:
            return None
        tables[name] = table
    return tables


def _read(ws: Workspace, name: str, key: str, filters: list[Any]) -> pd.DataFrame | None:
    """Read the rows of a table that is kept; None where it is missing, broken, or of another key."""
    path = ws.results / FOLDER / f"{name}.parquet"
    try:
        table = parquet.read_table(
            path, filters=filters or None, use_threads=False, pre_buffer=False
        )
    except (OSError, pa.ArrowException):
        return None
    said = (table.schema.metadata or {}).get(_MARK)
    return table.to_pandas() if said == mark(key) else None


def _write(table: pd.DataFrame, path: Path, key: str) -> None:
    content = pa.Table.from_pandas(table, preserve_index=False)
    marked = {**(content.schema.metadata or {}), _MARK: mark(key)}
    with replacing(path, "What pages may show could not be kept") as temporary:
        parquet.write_table(
            content.replace_schema_metadata(marked), temporary, row_group_size=_ROWS
        )

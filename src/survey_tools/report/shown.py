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
from survey_tools.report import disclosure_bases, disclosure_commune
from survey_tools.report import disclosure_cells as rules
from survey_tools.report.disclosure_between import families_of, hide_told_arms, tells_an_answer
from survey_tools.report.shown_key import (
    AS_THEY_ARE,
    FOLDER,
    OF_COMMUNES,
    REQUIRED,
    current_key,
    key_file,
    make_key,
    mark,
    path_of,
)
from survey_tools.report.units import units_table

BY_AREA = {
    "levels": "area", "choices": "area", "teams": "commune_code", **dict.fromkeys(OF_COMMUNES, "area"),
}  # fmt: skip
"""Tables of which a commune's page reads its own rows -> the column that says whose they are."""

_RULES = {
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
        raw = _checked(ws, "levels")
        fieldwork = _checked(ws, "fieldwork") if path_of(ws, "fieldwork").is_file() else None
        levels = _levels(ws, raw, disclosure_bases.households(raw, fieldwork))
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


def differing_kept(ws: Workspace) -> tuple[str, ...]:
    """Name the tables that are kept and are not what the rules make of the results; decides all anew.

    What is kept is taken for true by every page as long as results and rules are those that it was made
    from. Somebody could have changed a figure in it by hand.
    """
    key = current_key(ws)
    if key is None:
        return ()
    decided = _decide(ws)
    kept = {name: _read(ws, name, key, []) for name in decided}
    return tuple(
        name
        for name, table in sorted(kept.items())
        if table is not None and not table.equals(_as_kept(decided[name]))
    )


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
    there = [name for name in (*REQUIRED, *OF_COMMUNES) if path_of(ws, name).is_file()]
    tables = {name: _checked(ws, name) for name in there}
    settings = ws.study.disclosure
    raw = tables.get("levels")
    asked = None
    if raw is not None:
        asked = disclosure_bases.households(raw, tables.get("fieldwork"))
        tables["levels"] = _levels(ws, raw, asked)
    _decide_of_communes(tables, ws)
    if "choices" in tables:
        choices = tables["choices"].reset_index(drop=True)
        telling = None if raw is None else tells_an_answer(choices, raw, tables["levels"])
        shown = rules.disclose_choices(choices, settings, telling)
        if asked is not None:
            partly = disclosure_bases.partly_asked(choices, asked, "variable", settings)
            shown = disclosure_bases.coarsen(shown, choices, asked, "variable", partly, settings)
        tables["choices"] = shown
    for name in tables.keys() & _RULES.keys():
        tables[name] = _RULES[name](tables[name], settings)
    if raw is not None and "communes" in tables:
        tables["communes"] = hide_told_arms(
            tables["communes"], tables["levels"], ws.study.waves.endline, area="commune_code",
            groups=rules.PAIRS[0], but=families_of(ws.table("outcomes")),
        )  # fmt: skip
    for name in AS_THEY_ARE:
        if path_of(ws, name).is_file():
            tables[name] = pd.read_parquet(path_of(ws, name))
    if path_of(ws, "labels").is_file():
        tables["labels"] = contracts.read_table(ws.clean, "labels")
    tables["teams"] = ws.table("teams")
    tables["units"] = units_table(read_areas(ws.file("areas")).of(ws.study.areas.list_))
    return {name: _in_order(table, name) for name, table in tables.items()}


def _decide_of_communes(tables: Tables, ws: Workspace) -> None:
    """Let through what only a commune's page shows; the levels have been decided on."""
    settings, levels = ws.study.disclosure, tables.get("levels")
    if "outreach" in tables:
        scales: dict[str, str] = {**ws.study.report.outreach}
        tables["outreach"] = rules.disclose_levels(tables["outreach"], settings, scales)
    if "fieldwork" in tables:
        tables["fieldwork"] = disclosure_commune.disclose_fieldwork(tables["fieldwork"], settings)
    if levels is None:  # nothing is shown of levels that are not there
        tables.pop("changes", None)
        tables.pop("gaps", None)
        return
    if "changes" in tables:
        baseline = ws.study.waves.baseline
        tables["changes"] = disclosure_commune.disclose_changes(tables["changes"], levels, baseline)
    if "gaps" in tables:
        tables["gaps"] = disclosure_commune.disclose_gaps(tables["gaps"], levels)


def _levels(ws: Workspace, levels: pd.DataFrame, asked: pd.Series) -> pd.DataFrame:
    families, settings, scales = families_of(ws.table("outcomes")), ws.study.disclosure, _scales(ws)
    shown = rules.disclose_levels(levels, settings, scales, families)
    partly = disclosure_bases.partly_asked(levels, asked, "outcome", settings)
    return disclosure_bases.coarsen(shown, levels, asked, "outcome", partly, settings, scales)


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


def _as_kept(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it comes back from a file."""
    return pa.Table.from_pandas(table, preserve_index=False).to_pandas()


def _write(table: pd.DataFrame, path: Path, key: str) -> None:
    content = pa.Table.from_pandas(table, preserve_index=False)
    marked = {**(content.schema.metadata or {}), _MARK: mark(key)}
    with replacing(path, "What pages may show could not be kept") as temporary:
        parquet.write_table(
            content.replace_schema_metadata(marked), temporary, row_group_size=_ROWS
        )

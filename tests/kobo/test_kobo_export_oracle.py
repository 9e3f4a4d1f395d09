"""The server's own flat export of the pilot, cell by cell, against the tables made from its rows."""

import openpyxl
import pandas as pd
import pytest
from kobo_fakes import RECORDED, VERSIONS, recorded

from survey_tools.kobo import Form, flatten

SHEETS = {"Phu Xuyen pilot": "main", "member": "member", "device": "device"}
ABOVE = {"member": "main", "device": "member"}

# How the export and the tables differ on purpose: columns of the export, why, and the rule that makes
# the export's cell from the tables. Any column that is not named here is equal text for text.
DIFFERENCES = {
    ("start", "end", "_submission_time", "_submission__submission_time"): (
        "moments: here in UTC, there as the device or the server wrote them",
        "moment",
    ),
    ("today", "visit_date"): ("days: here dates, there text", "day"),
    ("hh_size", "age", "m_age", "trust", "_id", "_submission__id"): (
        "whole numbers: here Int64, there text or numbers",
        "whole",
    ),
    ("income", "cashless_spend"): ("numbers: here Float64, there text", "number"),
    ("_gps_latitude", "_gps_longitude", "_gps_altitude", "_gps_precision"): (
        "parts of a place: here gps_lat, gps_lon, gps_alt, gps_acc as Float64",
        "part",
    ),
    ("gps",): ("a place: here its four parts alone", "place"),
    ("pay_methods", "ecom", "m_apps"): (
        "select_multiple as text: here only a column a choice, so the order of ticking is not kept",
        "ticked",
    ),
    ("pay_methods/*", "ecom/*", "m_apps/*"): (
        "choices of a select_multiple: here name__choice as boolean, there name/choice as 0 and 1",
        "choice",
    ),
    ("thanks",): ("notes: here no column, there an empty one", "empty"),
    ("_index",): ("number of the row in its sheet: here the frame's own index", "index"),
    ("_parent_table_name",): ("sheet of the row above: here the positions in the repeats", "above"),
    ("_parent_index",): ("row above: here the positions in the repeats", "parent"),
    ("_notes", "_tags", "_submission__notes", "_submission__tags"): (
        "keys that this server no longer sends: there empty columns",
        "empty",
    ),
    ("_status", "meta/rootUuid", "_submission__status", "_submission_meta/rootUuid"): (
        "keys of the server that are not kept here: they stand in the report",
        "raw",
    ),
    (
        "_submission__uuid",
        "_submission__submitted_by",
        "_submission___version__",
        "_submission__validation_status",
    ): ("columns of the submission: here only in main, joined by _id", "joined"),
}
PARTS = {"latitude": "lat", "longitude": "lon", "altitude": "alt", "precision": "acc"}


@pytest.fixture(scope="module")
def rows():
    return recorded("pilot/18_data_mixed_versions.json")["results"]


@pytest.fixture(scope="module")
def tables(rows):
    forms = {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }
    return flatten(rows, forms)


@pytest.fixture(scope="module")
def export():
    book = openpyxl.load_workbook(RECORDED / "pilot_export" / "sync_data.xlsx", read_only=True)
    sheets = {}
    for sheet in book.worksheets:
        header, *cells = sheet.iter_rows(values_only=True)
        sheets[sheet.title] = {
            name: [row[place] for row in cells] for place, name in enumerate(header)
        }
    return sheets


def rule_of(column):
    for columns, (_, rule) in DIFFERENCES.items():
        for name in columns:
            if column == name or (name.endswith("/*") and column.startswith(name[:-1])):
                return rule
    return "same"


def plain(series):
    return series.astype(object).where(series.notna(), None).tolist()


def place_of(frame, row):
    parts = [frame[f"gps_{part}"].iloc[row] for part in PARTS.values()]
    return None if pd.isna(parts[0]) else tuple(float(part) for part in parts)


def ticked(frame, question, row):
    ticks = {
        name.split("__")[1]: frame[name].iloc[row] for name in frame if f"{question}__" in name
    }
    if pd.isna(ticks["none"]):
        return None
    return {name for name, tick in ticks.items() if tick}


def ours(tables, rows, table, column):
    """What the export's column says, from the tables (or, for keys not kept, from the rows)."""
    frame, main = tables.frames[table], tables.frames["main"].set_index("_id")
    own = column.removeprefix("_submission_") if table != "main" else column
    rule = rule_of(column)
    if rule == "empty":
        return [None] * len(frame)
    if rule == "index":
        return [row + 1 for row in range(len(frame))]
    if rule == "above":
        title = {name: sheet for sheet, name in SHEETS.items()}[ABOVE[table]]
        return [title] * len(frame)
    if rule == "parent":
        above = tables.frames[ABOVE[table]]
        keys = [name for name in above if name == "_id" or name.endswith("_no")]
        numbers = {key: row + 1 for row, key in enumerate(above[keys].itertuples(index=False))}
        return [numbers[key] for key in frame[keys].itertuples(index=False)]
    if rule == "raw":
        said = {row["_id"]: row for row in rows}
        return [said[row_id][own] for row_id in frame["_id"]]
    if rule == "place":
        return [place_of(frame, row) for row in range(len(frame))]
    if rule == "ticked":
        return [ticked(frame, column, row) for row in range(len(frame))]
    if rule == "choice":
        return plain(frame[column.replace("/", "__")])
    if rule == "part":
        return plain(frame[f"gps_{PARTS[column.removeprefix('_gps_')]}"])
    if own not in frame:
        return plain(main[own].reindex(frame["_id"]))
    return plain(frame[own])


READ = {
    "whole": int,
    "number": float,
    "part": float,
    "day": pd.Timestamp,
    "place": lambda text: tuple(float(part) for part in text.split()),
    "ticked": lambda text: set(text.split()),
    "choice": lambda text: {"1": True, "0": False}[text],
}


def read_moment(text):
    moment = pd.Timestamp(text)
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")


def theirs(column, cells):
    rule = rule_of(column)
    read = read_moment if rule == "moment" else READ.get(rule, lambda value: value)
    return [None if cell is None else read(cell) for cell in cells]


def unequal_cells(tables, rows, export):
    found = []
    for sheet, columns in export.items():
        for column, cells in columns.items():
            expected = ours(tables, rows, SHEETS[sheet], column)
            try:
                given = theirs(column, cells)
            except (KeyError, ValueError):
                given = [object()] * len(cells)
            assert len(expected) == len(given), (sheet, column)
            pairs = zip(expected, given, strict=True)
            found += [(sheet, column, row) for row, (a, b) in enumerate(pairs) if a != b]
    return found


def test_flatten__every_cell_of_the_servers_export(tables, rows, export):
    assert {sheet: len(columns["_index"]) for sheet, columns in export.items()} == {
        "Phu Xuyen pilot": 55,
        "member": 135,
        "device": 137,
    }
    assert unequal_cells(tables, rows, export) == []


def test_flatten__every_column_has_its_like_in_the_servers_export(tables, export):
    for sheet, table in SHEETS.items():
        there = {column.replace("/", "__") for column in export[sheet]}
        there |= {f"gps_{part}" for part in PARTS.values()} | {"_id", "member_no", "device_no"}
        assert set(tables.frames[table]) <= there


def test_flatten__keys_that_are_not_kept_stand_in_the_report(tables):
    kept_out = set(tables.report.loc[tables.report["kind"] == "system", "path"])
    assert {"_status", "meta/rootUuid"} <= kept_out


@pytest.mark.parametrize("sheet", SHEETS)
def test_export__a_change_of_any_column_is_seen(tables, rows, export, sheet):
    for column, cells in export[sheet].items():
        row = next((place for place, cell in enumerate(cells) if cell is not None), 0)
        changed = [*cells]
        changed[row] = _other(cells[row])
        mutated = {sheet: {column: changed}}
        assert unequal_cells(tables, rows, mutated) == [(sheet, column, row)], column


def _other(cell):
    if isinstance(cell, int):
        return cell + 1
    if cell in ("0", "1"):
        return {"0": "1", "1": "0"}[cell]
    if cell and cell[:4].isdigit() and cell[4:5] == "-":
        return str(int(cell[:4]) + 1) + cell[4:]
    return f"{cell or ''}9"

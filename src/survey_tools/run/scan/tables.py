"""Read the values of Parquet and SQLite files as text, column by column; keeps no order of rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

CHUNK = 5_000
"""Values that are read at a time."""

POSITIONS = ((8.0, 24.0), (102.0, 118.0))
"""Latitudes and longitudes of Viet Nam: other decimal numbers are no position."""

PHONES = (10**7, 10**12)
"""Whole numbers that may be a phone: without its 0, or with the code of the country."""


def parquet_pieces(content: bytes) -> Iterator[tuple[str, str, bool]]:
    """Yield place, text and whether it was text in the file, of each column and of what is written beside.

    Raises
    ------
    ValueError
        When it is no Parquet file that can be read.
    """
    try:
        file = parquet.ParquetFile(BytesIO(content))
        metadata = file.schema_arrow.metadata or {}
        for key, value in metadata.items():
            if key != b"ARROW:schema":
                yield (
                    f"metadata {key.decode('utf-8', 'replace')}",
                    value.decode("utf-8", "replace"),
                    True,
                )
        for number, name in enumerate(file.schema_arrow.names):
            yield f"name of column {number + 1}", name, True
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            for name, column in zip(table.column_names, table.columns, strict=True):
                yield from _column(f"column {name}", column)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(str(error)) from error


def sqlite_pieces(content: bytes) -> Iterator[tuple[str, str | bytes]]:
    """Yield place and value of each column of each table: text in chunks, binary values one by one.

    Raises
    ------
    ValueError
        When it is no SQLite file that can be read.
    """
    # a file with a write-ahead log cannot be opened from memory, unless it says that it has none
    plain = content[:18] + b"\x01\x01" + content[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(plain)
            for (statement,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
                yield "schema", statement
            tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                yield from _rows(db, table)
    except sqlite3.Error as error:
        raise ValueError(str(error)) from error


def _column(place: str, column: pa.ChunkedArray) -> Iterator[tuple[str, str, bool]]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            inner = pc.struct_field(column, [number])
            yield from _column(f"{place}.{kind.field(number).name}", inner)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _column(place, pa.chunked_array([pc.list_flatten(column)]))
    elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        yield from _floats(place, column)
    elif pa.types.is_integer(kind):
        yield from _integers(place, column)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = [v.decode("utf-8", "replace") for v in pc.unique(column).to_pylist() if v]
        yield from ((place, "\n".join(part), True) for part in _parts(values))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = [value for value in pc.unique(column).to_pylist() if value]
        yield from ((place, "\n".join(part), True) for part in _parts(values))


def _floats(place: str, column: pa.ChunkedArray) -> Iterator[tuple[str, str, bool]]:
    values = pc.unique(column.cast(pa.float64())).drop_null()
    for low, high in POSITIONS:
        mask = pc.and_(pc.greater_equal(values, low), pc.less_equal(values, high))
        found = [repr(value) for value in values.filter(mask).to_pylist()]
        yield from ((place, "\n".join(part), False) for part in _parts(found))
    fits = pc.and_(pc.greater_equal(values, PHONES[0]), pc.less(values, PHONES[1]))
    whole = pc.and_(fits, pc.equal(pc.floor(values), values))
    yield from _integers(place, values.filter(whole).cast(pa.int64()))


def _integers(place: str, column: pa.ChunkedArray | pa.Array) -> Iterator[tuple[str, str, bool]]:
    values = pc.unique(column).drop_null()
    mask = pc.and_(pc.greater_equal(values, PHONES[0]), pc.less(values, PHONES[1]))
    found = [str(value) for value in values.filter(mask).to_pylist()]
    yield from ((place, "\n".join(part), False) for part in _parts(found))


def _parts(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def _rows(db: sqlite3.Connection, table: str) -> Iterator[tuple[str, str | bytes]]:
    quoted = '"' + table.replace('"', '""') + '"'
    cursor = db.execute(f"SELECT * FROM {quoted}")  # noqa: S608 - the name is from the file, and quoted
    names = [about[0] for about in cursor.description]
    while rows := cursor.fetchmany(CHUNK):
        for name, values in zip(names, zip(*rows, strict=True), strict=True):
            place = f"table {table}, column {name}"
            texts = [str(value) for value in values if isinstance(value, str | int | float)]
            yield place, "\n".join(dict.fromkeys(texts))
            yield from ((place, value) for value in values if isinstance(value, bytes))

"""Say which rows and columns of which results the numbers of a page came from, grouped for a reader.

How a number names its source, and gets it: `report.traced`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape, unescape

from survey_tools.report.traced import cell_of, parts_of
from survey_tools.report.wording import Wording

_ATTRIBUTE = re.compile(r'\bdata-source="([^"]*)"')
_FIRST = ("estimate", "conf_low", "conf_high")

Keys = dict[str, frozenset[str]]
"""Values of each key column that rows have; all combinations of them are meant."""


@dataclass(frozen=True)
class Rows:
    """Rows of a table of results, and the columns of them that were used."""

    table: str
    keys: Keys
    columns: tuple[str, ...]

    @property
    def written(self) -> str:
        """Write the keys: «area = 10291; wave = w1, w3»."""
        pairs = (f"{name} = {', '.join(sorted(values))}" for name, values in self.keys.items())
        return "; ".join(pairs)


def sources_in(piece: str) -> list[str]:
    """Return the sources that a piece of HTML names, each once, in its order."""
    return list(dict.fromkeys(unescape(found) for found in _ATTRIBUTE.findall(piece)))


def grouped(sources: Iterable[str]) -> list[Rows]:
    """Gather sources into as few groups as name exactly their rows and columns.

    >>> one, = grouped([f"levels?area=a&wave={w}#{c}" for w in ("w1", "w3") for c in ("estimate", "n")])
    >>> one.table, one.written, one.columns
    ('levels', 'area = a; wave = w1, w3', ('estimate', 'n'))
    """
    columns: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, None]] = {}
    parts = (part for whole in sources for part in parts_of(whole)[0] if "#" in part)
    for source in dict.fromkeys(parts):
        table, keys, column = cell_of(source)
        columns.setdefault((table, tuple(keys.items())), {})[column] = None
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[Keys]] = {}
    for (table, pairs), named in columns.items():
        kind = (table, tuple(name for name, _ in pairs), tuple(sorted(named, key=_order)))
        alike.setdefault(kind, []).append({name: frozenset([value]) for name, value in pairs})
    return [
        Rows(table, keys, named)
        for (table, _, named), rows in alike.items()
        for keys in _merged(rows)
    ]


def sources_list(sources: Iterable[str], words: Wording) -> str:
    """Make the list of sources for a page; empty where there are none."""
    lines = [
        words(
            "downloads_source" if rows.keys else "downloads_source_whole",
            table=rows.table,
            rows=rows.written,
            columns=", ".join(rows.columns),
        )
        for rows in grouped(sources)
    ]
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<p>{escape(words("downloads_sources"))}</p><ul class="sources">{items}</ul>'


def _order(column: str) -> tuple[int, str]:
    """Put an estimate and its interval first."""
    return (_FIRST.index(column) if column in _FIRST else len(_FIRST), column)


def _merged(rows: list[Keys]) -> list[Keys]:
    """Join rows that differ in one key alone; what is joined names no row that was not there."""
    for name in rows[0] if rows else ():
        found: dict[tuple[tuple[str, frozenset[str]], ...], Keys] = {}
        for row in rows:
            others = tuple((key, values) for key, values in row.items() if key != name)
            before = found.get(others)
            joined = row[name] | before[name] if before else row[name]
            found[others] = {**row, name: joined}
        rows = list(found.values())
    return rows

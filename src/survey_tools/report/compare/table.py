"""Write all that differs between two runs as one CSV file, a row a difference.

Not here: the page, which names what a reader looks at first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from survey_tools.files import PUBLIC, replacing
from survey_tools.report.compare.difference import Comparison, NumberChange
from survey_tools.report.shell import Gate

COLUMNS = ("part", "kind", "pages", "section", "what", "lang", "old", "new", "old_value", "new_value",
           "difference", "relative")  # fmt: skip
"""`what` is the source of a number, the caption of a table or figure, or what a fault is about."""

Row = dict[str, object]


def write_table(comparison: Comparison, path: Path, gate: Gate | None = None) -> Path:
    """Write the list.

    Parameters
    ----------
    comparison : Comparison
    path : Path
    gate : callable, optional
        See `shell.write_page`.

    Raises
    ------
    RunError
        When it cannot be written.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(comparison))
    if gate is not None:
        gate(path.name, lines.getvalue().encode("utf-8"))
    with replacing(path, "The list of differences could not be written", mode=PUBLIC) as temporary:
        temporary.write_text(lines.getvalue(), encoding="utf-8-sig", newline="")
    return path


def _rows(comparison: Comparison) -> Iterator[Row]:
    for fault in comparison.faults:
        yield {"part": "fault", "kind": f"{fault.kind} in {fault.run}", "what": fault.what,
               "pages": " ".join(fault.pages)}  # fmt: skip
    for page in comparison.only:
        yield {"part": "page", "kind": f"only in {page.only_in}", "what": page.status,
               "lang": page.lang, "pages": page.code}  # fmt: skip
    yield from (_number(one) for one in comparison.numbers)
    for exhibit in comparison.exhibits:
        kinds = "; ".join(f"{name} {count}" for name, count in exhibit.what.items())
        yield {"part": exhibit.exhibit, "kind": kinds, "section": exhibit.section,
               "what": exhibit.caption, "lang": exhibit.lang, "pages": " ".join(exhibit.pages)}  # fmt: skip
    for sentence in comparison.wording:
        kind = "with its numbers" if sentence.with_numbers else "words alone"
        yield {"part": "sentence", "kind": kind, "section": sentence.section, "lang": sentence.lang,
               "old": sentence.old, "new": sentence.new, "pages": " ".join(sentence.pages)}  # fmt: skip


def _number(one: NumberChange) -> Row:
    lang, (old, new) = next(iter(one.texts.items()), ("", ("", "")))
    return {
        "part": "number",
        "kind": one.kind,
        "pages": " ".join(one.pages),
        "what": one.source,
        "lang": lang,
        "old": old,
        "new": new,
        "old_value": one.old,
        "new_value": one.new,
        "difference": "" if one.difference is None else f"{one.difference:.{one.digits}f}",
        "relative": "" if one.relative is None else f"{one.relative:.4f}",
    }

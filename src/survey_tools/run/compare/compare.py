"""Compare the pages of two runs, one page at a time, and write the answer.

Not here: how it looks (survey_tools.report.compare).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from survey_tools.params import Workspace
from survey_tools.report.compare.difference import Comparison, Fault, PageChange
from survey_tools.report.compare.page import write_comparison
from survey_tools.run.batch.record import RECORD
from survey_tools.run.compare.exhibits import Exhibits
from survey_tools.run.compare.match import Checks, Numbers, Page, states_of
from survey_tools.run.compare.sides import Side, open_side
from survey_tools.run.compare.why import reasons_for
from survey_tools.run.gate import Gate, open_gate
from survey_tools.run.scan import Scanner


@dataclass(frozen=True)
class Compared:
    """What came of a comparison: the differences, and the files that tell them."""

    comparison: Comparison
    pages: tuple[Path, ...]
    table: Path


def compare_runs(ws: Workspace | None, run_a: str, run_b: str, out: Path | None = None) -> Compared:
    """Compare two runs and write `compare-<A>.vi.html`, `compare-<A>.en.html` and `compare-<A>.csv`.

    Parameters
    ----------
    ws : Workspace or None
        Where runs are looked for by name; its parameters name outcomes and communes.
    run_a, run_b : str
        Names of runs, folders with pages, or lists of numbers; see `open_side`.
    out : Path, optional
        Folder that is written to: by default that of run B, or the current one where B is given by a path.

    Raises
    ------
    RunError
        When a run is missing or a page is broken, or a file cannot be written.
    DisclosureError
        When personal data were about to be written.
    """
    a, b = open_side(ws, run_a), open_side(ws, run_b)
    comparison = compare_sides(a, b)
    folder = out or (b.folder if b.named and b.folder else Path.cwd())
    # without a workspace only what looks personal is found
    gate = open_gate(ws, folder) if ws else Gate(Scanner(), folder.name)
    pages, table = write_comparison(ws, comparison, folder, gate)
    return Compared(comparison, pages, table)


def compare_sides(a: Side, b: Side) -> Comparison:
    """Compare two runs that were found; see `compare_runs`."""
    numbers, exhibits, only = Numbers(), Exhibits(), list[PageChange]()
    checks = {"a": _Checked("a", a), "b": _Checked("b", b)}
    whole = a.listed is None and b.listed is None
    for code in sorted(a.codes | b.codes, key=lambda code: (code != "district", code)):
        old, new = a.read(code), b.read(code)
        only += _only(code, a, b, old, new, whole)
        before, after = states_of(old), states_of(new)
        checks["a"].add(code, old, before)
        checks["b"].add(code, new, after)
        if not old or not new:
            continue
        differing = numbers.add(code, before, after)
        for lang in sorted(old.keys() & new.keys()) if whole else ():
            exhibits.add(code, old[lang], new[lang], differing)
    return Comparison(
        name_a=a.name,
        name_b=b.name,
        label_a=a.label,
        label_b=b.label,
        pages=len(a.codes | b.codes),
        total=numbers.total,
        synthetic=any((side.record or {}).get("synthetic") for side in (a, b)),
        whole=whole,
        numbers=numbers.changes(),
        exhibits=exhibits.exhibits(),
        wording=exhibits.wording(),
        only=tuple(only),
        faults=(*checks["a"].faults(), *checks["b"].faults()),
        reasons=reasons_for(a.record, b.record),
    )


class _Checked:
    """What is wrong within one run: contradictions, pages that were altered, no record or one not whole."""

    def __init__(self, run: Literal["a", "b"], side: Side) -> None:
        self.run, self.side, self.checks = run, side, Checks(run)
        self.written = _digests(side.record)
        self.altered: list[str] = []

    def add(self, code: str, page: Page, states: Any) -> None:
        """Look at one page."""
        self.checks.add(code, page, states)
        for lang, name in self.side.names(code).items():
            digest = self.written.get(name)
            if digest and lang in page and page[lang].digest not in ("", digest):
                self.altered.append(name)

    def faults(self) -> tuple[Fault, ...]:
        """Return what was found."""
        return (*self._of_record(), *self.checks.faults())

    def _of_record(self) -> Iterator[Fault]:
        if self.side.named and self.side.record is None and not self.side.damaged:
            yield Fault("no_record", self.run, RECORD, ())
        if self.side.damaged:
            yield Fault("damaged", self.run, RECORD, ())
        if self.side.record is not None and not self.side.record.get("finished"):
            yield Fault("unfinished", self.run, RECORD, ())
        for name in self.altered:
            yield Fault("altered", self.run, name, (name.partition(".")[0],))


def _only(code: str, a: Side, b: Side, old: Page, new: Page, whole: bool) -> Iterator[PageChange]:
    """Yield what of a page is only in one run; a list of numbers does not tell of pages without any."""
    for lang in sorted(old.keys() ^ new.keys()):
        page = old.get(lang) or new[lang]
        if whole or page.numbers:
            other = b if lang in old else a
            yield PageChange(code, lang, "a" if lang in old else "b", _status(other, code, lang))


def _status(side: Side, code: str, lang: str) -> str:
    """Say how the making of a page went, by the record; empty where it is not told."""
    for page in (side.record or {}).get("pages") or []:
        if (page["code"], page["lang"]) == (code, lang):
            return str(page["status"])
    return ""


def _digests(record: dict[str, Any] | None) -> dict[str, str]:
    """Return the digests of pages as they were written, by file."""
    pages = (record or {}).get("pages") or []
    return {name: digest for page in pages for name, digest in (page.get("files") or {}).items()}

"""Lay out flags as HTML: a block a check, and a table of its flags that a phone shows as cards.

Chooses no flag and no words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from survey_tools.params import Waves
from survey_tools.report import markup
from survey_tools.report.sheets.flags import Flag
from survey_tools.report.sheets.words import SheetWords

Link = Callable[[str, str], str]
"""Makes the address of the sheet of a team or an enumerator from its kind and code."""


@dataclass(frozen=True)
class Cell:
    """One cell: text, a smaller line below it, an address, and the class that styles it."""

    text: str
    small: str = ""
    address: str = ""
    kind: str = "text"

    @property
    def source(self) -> str:
        """The cell's content as HTML."""
        text = escape(self.text)
        if self.address:
            text = f'<a href="{escape(self.address)}">{text}</a>'
        if self.kind == "flag-key":
            text = f"<code>{text}</code>"
        if self.kind.startswith("state"):
            text = f"<b>{text}</b>"
        return f"{text}<small>{escape(self.small)}</small>" if self.small else text


class FlagTables:
    """Blocks of flags in one language.

    Parameters
    ----------
    words : SheetWords
    waves : Waves
    link : callable
        See `Link`.
    own : str
        Whose page it is: `team` or `enumerator`, which needs no column, or empty.
    """

    def __init__(self, words: SheetWords, waves: Waves, link: Link, own: str = "") -> None:
        self.words, self.waves, self.link, self.own = words, waves, link, own

    def blocks(self, flags: Sequence[Flag], *, level: int = 3) -> str:
        """Make one block a check: what it is, what it means, what to do, and its flags."""
        parts = []
        for title, group in _by_check(flags):
            words, first = self.words, group[0]
            sure = words(
                "sure_title" if first.certain else "unsure_title", title=title, count=len(group)
            )
            kind = "certain" if first.certain else "look"
            parts.append(
                f'<section class="block {kind}"><h{level}>{escape(sure)}</h{level}>'
                f"<p>{escape(first.means)}</p>"
                f'<p class="do">{escape(words("to_do", text=first.do))}</p>'
                f"{self.table(words('flags_of', title=title, count=len(group)), group)}</section>"
            )
        return "\n".join(parts)

    def table(self, caption: str, flags: Sequence[Flag], *, titles: bool = False) -> str:
        """Make a table of flags; columns without any text are left out.

        `titles` adds the name of each flag's check and leaves out the space to write on paper.
        """
        cells = [self._cells(flag, titles) for flag in flags]
        columns = [
            key
            for key in cells[0]
            if key != self.own and (key == "pen" or any(row[key].text for row in cells))
        ]  # fmt: skip
        names = {key: self.words(f"col_{key}") for key in columns}
        head = "".join(
            f'<th scope="col" role="columnheader" class="{_class(key)}">{escape(names[key])}</th>'
            for key in columns
        )
        body = "\n".join(_row(row, names) for row in cells)
        return (
            f'<div class="table flags"><table role="table">\n<caption>{escape(caption)}</caption>\n'
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
            f'<tbody role="rowgroup">\n{body}\n</tbody></table></div>'
        )

    def _cells(self, flag: Flag, titles: bool) -> dict[str, Cell]:
        state = self.words(f"state_{flag.state}")
        cells = {
            "row": Cell(self.words.about(flag)),
            "check": Cell(flag.title if titles else ""),
            "team": self._linked("team", flag.team),
            "enumerator": self._linked("enumerator", flag.enumerator),
            "wave": Cell(self.words.wave(self.waves, flag.wave)),
            "found": Cell(flag.found),
            "question": Cell(flag.question),
            "state": Cell(state, self.words.since(flag), kind=f"state {flag.state}"),
            "key": Cell(flag.key, kind="flag-key"),
        }
        return cells if titles else {**cells, "pen": Cell("", kind="pen")}

    def _linked(self, kind: str, code: str) -> Cell:
        return Cell(code, address=self.link(kind, code) if code else "")


def _by_check(flags: Iterable[Flag]) -> list[tuple[str, list[Flag]]]:
    """Group flags that are sorted by urgency, each check once, in the order of its most urgent flag."""
    order = {flag.check: place for place, flag in reversed(list(enumerate(flags)))}
    together = sorted(flags, key=lambda flag: order[flag.check])
    return [(group[0].title, group) for _, part in groupby(together, lambda f: f.check)
            for group in [list(part)]]  # fmt: skip


def _row(cells: dict[str, Cell], names: dict[str, str]) -> str:
    parts = []
    for place, (key, name) in enumerate(names.items()):
        cell = cells[key]
        tag, role = ("th", ' scope="row" role="rowheader"') if not place else ("td", ' role="cell"')
        kind = f"{_class(key)} {cell.kind}" if cell.kind != _class(key) else cell.kind
        empty = " none" if not cell.text and key != "pen" else ""
        parts.append(
            f'<{tag}{role} class="{kind}{empty}" data-label="{escape(name)}">{cell.source}</{tag}>'
        )
    return f'<tr role="row">{"".join(parts)}</tr>'


def _class(key: str) -> str:
    return {"pen": "pen", "key": "flag-key", "found": "wide", "question": "wide"}.get(key, "text")


def count_list(words: SheetWords, counts: Sequence[int], states: Sequence[str]) -> str:
    """Make the line of counts by state."""
    items = "".join(
        f'<div class="{state}{"" if count else " zero"}"><dt>{escape(words(f"state_{state}"))}</dt>'
        f"<dd>{escape(words.numbers.count(count))}</dd></div>"
        for state, count in zip(states, counts, strict=True)
    )
    return f'<dl class="states" aria-label="{escape(words("states"))}">{items}</dl>'


def folded(words: SheetWords, table: str, count: int) -> str:
    """Fold a table away under a line that says how many it holds."""
    if not count:
        return markup.paragraphs([words("no_done")]).source
    summary = words("done_summary", count=count)
    return f"<details><summary>{escape(summary)}</summary>{table}</details>"

"""Write the page that gathers what failed in a run: by notebook, cell and kind of error.

For the team that runs the batch; no other page links to it. Not here: making pages, or judging errors.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from survey_tools.files import PRIVATE
from survey_tools.params import DEFAULT_STUDY, Workspace
from survey_tools.report import markup
from survey_tools.report.numbers import MISSING, Lang, Numbers
from survey_tools.report.shell import (
    TEMPLATE,
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    write_page,
)
from survey_tools.report.wording import Wording

TRIAGE = {"vi": "triage.html", "en": "triage.en.html"}
"""File of the page in each language."""

LISTED = 200
"""Pages that one group names."""

NAMED = 40
"""Communes that one command names; beyond them it names none."""

_HINTS = {
    "TimeLimitError": "triage_hint_time",
    "MemoryLimitError": "triage_hint_memory",
    "MemoryError": "triage_hint_memory",
    "DisclosureError": "triage_hint_personal",
}


@dataclass(frozen=True)
class Group:
    """Pages that failed alike: in one cell of one notebook, by one kind of error."""

    notebook: str
    cell: str
    kind: str
    pages: tuple[Mapping[str, Any], ...]

    @property
    def errors(self) -> tuple[str, ...]:
        """Error texts, the most frequent first."""
        texts = [_error(page) for page in self.pages]
        return tuple(sorted(dict.fromkeys(texts), key=texts.count, reverse=True))


def write_triage(
    ws: Workspace, run: str, record: Mapping[str, Any], gate: Gate | None = None
) -> tuple[Path, ...]:
    """Write `reports/<run>/triage.html` (Vietnamese) and `triage.en.html`, where pages failed.

    Those of an earlier batch are removed first, also where nothing failed. Mode 0600: the page quotes
    errors, and is for the team.

    Parameters
    ----------
    ws : Workspace
    run : str
    record : mapping
        Content of `run.json`; texts of errors have been blotted before.
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    tuple of Path
        One file a language of the study; none where no page failed.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written.
    """
    folder = ws.reports(run)
    for name in TRIAGE.values():
        (folder / name).unlink(missing_ok=True)
    groups = group_failures(record)
    if not groups:
        return ()
    return tuple(
        write_page(
            folder / TRIAGE[lang], _Triage(ws, run, record, lang, groups).page(), gate, mode=PRIVATE
        )
        for lang in ws.study.report.languages
    )


def group_failures(record: Mapping[str, Any]) -> tuple[Group, ...]:
    """Gather the failed pages of a record that failed alike, the largest group first."""
    failed = [page for page in record.get("pages", []) if page["status"] == "failed"]
    failed.sort(key=lambda page: (*_alike(page), str(page["code"]), str(page["lang"])))
    groups = [Group(*key, tuple(pages)) for key, pages in groupby(failed, key=_alike)]
    return tuple(sorted(groups, key=lambda group: -len(group.pages)))


class _Triage:
    """The page in one language."""

    def __init__(
        self,
        ws: Workspace,
        run: str,
        record: Mapping[str, Any],
        lang: Lang,
        groups: tuple[Group, ...],
    ) -> None:
        self.ws, self.run, self.record, self.lang, self.groups = ws, run, record, lang, groups
        self.words, self.numbers = Wording(lang), Numbers(lang)
        self.folder = ws.reports(run)
        communes = ws.table("communes")
        self.names = dict(zip(communes["code"], communes[f"name_{lang}"], strict=True))
        self.names["district"] = self.words("index_district")
        self.failed = [page for group in groups for page in group.pages]

    def page(self) -> str:
        title = self.words("triage_title", run=self.run)
        links = other_languages(self.lang, self.ws.study.report.languages, TRIAGE)
        css = (TEMPLATE / "triage.css").read_text("utf-8")
        parts = [
            head(self.words, title, links, extra_css=css),
            markup.banner(self.words("triage_for_the_team")).source,
            synthetic_banner(self.words) if self.ws.study.study.synthetic else "",
            markup.title(title).source,
            markup.paragraphs(self._summary()).source,
            markup.heading("again", self.words("triage_again")).source,
            *self._again(),
            *(
                part
                for place, group in enumerate(self.groups, 1)
                for part in self._group(place, group)
            ),
            foot(),
        ]
        return "\n".join(parts)

    def _summary(self) -> Iterable[str]:
        pages = self.record.get("pages", [])
        moments = {k: self.numbers.moment(self.record.get(k)) for k in ("started", "finished")}
        yield self.words("index_run", run=self.run, **moments)
        yield self.words("triage_count", count=len(self.failed), pages=len(pages))
        yield self.words("triage_groups", count=len(self.groups))
        if stopped := sum(page["status"] == "stopped" for page in pages):
            yield self.words("triage_stopped", count=stopped)

    def _again(self) -> list[str]:
        codes = list(dict.fromkeys(str(page["code"]) for page in self.failed))
        langs = list(dict.fromkeys(str(page["lang"]) for page in self.failed))
        few = len(codes) <= NAMED
        said = "triage_again_all" if few else "triage_again_every"
        return [
            markup.paragraphs([self.words(said)]).source,
            f"<pre>{_code(self._command(codes if few else [], sorted(langs)))}</pre>",
            markup.paragraphs([self.words("triage_again_limits")]).source,
        ]

    def _command(self, codes: list[str], langs: list[str]) -> str:
        """Return the command that makes pages again, with what the batch was given beside them."""
        parts = ["survey-tools", "report", "--run", self.run]
        study = self.ws.study_name
        parts += ["--study", study] if study != DEFAULT_STUDY else []
        parts += ["--communes", ",".join(codes)] if codes else []
        parts += ["--lang", ",".join(langs)]
        extra = self.record.get("parameters", {}).get("extra") or {}
        given = {name: value for values in extra.values() for name, value in values.items()}
        for name, value in given.items():
            parts += ["-p", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
        return shlex.join(parts)

    def _group(self, place: int, group: Group) -> list[str]:
        count = self.words("triage_pages", count=len(group.pages))
        title = f"{group.kind} · {Path(group.notebook).stem} · {count}"
        parts = [markup.heading(f"group-{place}", title).source, self._cell(group)]
        label = self.words("triage_errors", count=len(group.errors))
        errors = "".join(f"<li><code>{escape(text)}</code></li>" for text in group.errors[:3])
        more = self._more(len(group.errors) - 3)
        parts.append(f"<p>{escape(label)}</p>\n<ul>{errors}</ul>{more}")
        if hint := _hint(group):
            parts.append(markup.paragraphs([self.words(hint)]).source)
        return [*parts, self._table(group)]

    def _cell(self, group: Group) -> str:
        """Show the cell: its identifier and first line, or where else it happened."""
        name, sign, line = group.cell.partition(": ")
        if sign:
            label = escape(self.words("triage_cell", cell=name))
            return f"<p>{label}</p>\n<pre><code>{escape(line)}</code></pre>"
        key = f"triage_place_{name.replace(' ', '_')}"
        where = self.words(key) if key in self.words else name or MISSING
        return markup.paragraphs([self.words("triage_place", place=where)]).source

    def _table(self, group: Group) -> str:
        caption = self.words("triage_caption", kind=group.kind)
        columns = [self.words(f"triage_col_{name}") for name in _COLUMNS]
        heads = "".join(
            f'<th scope="col"{_text(name)}>{escape(column)}</th>'
            for name, column in zip(_COLUMNS, columns, strict=True)
        )
        rows = "\n".join(self._row(page, columns) for page in group.pages[:LISTED])
        return (
            f'<div class="table failures" role="region" tabindex="0" aria-label="{escape(caption)}">'
            f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
            f"<tbody>\n{rows}\n</tbody></table></div>{self._more(len(group.pages) - LISTED)}"
        )

    def _row(self, page: Mapping[str, Any], columns: list[str]) -> str:
        code, lang = str(page["code"]), str(page["lang"])
        name = self.names.get(code, code)
        total, peak = (page.get("seconds") or {}).get("total"), page.get("peak_mb")
        cells = {
            "page": f"<span>{escape(name)} <small>{escape(f'{code}.{lang}')}</small></span>",
            "seconds": escape(self.numbers.number(total, 1)),
            "attempts": escape(self.numbers.count(page.get("attempts") or None)),
            "memory": escape(self.numbers.number(peak, 0)),
            "files": self._files(page, f"{code}.{lang}"),
            "command": _code(self._command([code], [lang])),
        }
        parts = []
        for key, label in zip(_COLUMNS, columns, strict=True):
            tag, scope = ("th", ' scope="row"') if key == "page" else ("td", _text(key))
            parts.append(f'<{tag}{scope} data-label="{escape(label)}">{cells[key]}</{tag}>')
        return f"<tr>{''.join(parts)}</tr>"

    def _files(self, page: Mapping[str, Any], stem: str) -> str:
        """Link to the log and the half-run notebook, as far as they are there."""
        files = {
            "triage_log": str(page.get("log") or f"logs/{stem}.log"),
            "triage_notebook": f"notebooks/{stem}.failed.ipynb",
        }
        found = [
            f'<a href="{escape(file)}">{escape(self.words(key))}'
            f'<span class="unseen"> {escape(stem)}</span></a>'
            for key, file in files.items()
            if (self.folder / file).is_file()
        ]
        return f"<span>{', '.join(found) or MISSING}</span>"

    def _more(self, count: int) -> str:
        if count <= 0:
            return ""
        return f'<p class="note">{escape(self.words("triage_more", count=count))}</p>'


_COLUMNS = ("page", "seconds", "attempts", "memory", "files", "command")


def _text(column: str) -> str:
    kinds = {"page": "text", "files": "text", "command": "text command"}
    return f' class="{kinds[column]}"' if column in kinds else ""


def _code(command: str) -> str:
    """Show a command whose options are not broken at their hyphens."""
    text = re.sub(r"(?<= )--[a-z]+", r'<span class="option">\g<0></span>', escape(command))
    return f"<code>{text}</code>"


def _alike(page: Mapping[str, Any]) -> tuple[str, str, str]:
    kind = _error(page).partition(":")[0]
    return str(page.get("notebook") or ""), str(page.get("cell") or ""), kind


def _error(page: Mapping[str, Any]) -> str:
    lines = [line.strip() for line in str(page.get("error") or "").splitlines() if line.strip()]
    text = lines[0] if lines else MISSING
    return text if len(text) <= 300 else f"{text[:299]}…"


def _hint(group: Group) -> str | None:
    """Key of what may help; a kernel that the system killed often had no memory left."""
    if group.kind == "DeadKernelError":
        killed = all("SIGKILL" in str(page.get("error")) for page in group.pages)
        return "triage_hint_memory" if killed else None
    return _HINTS.get(group.kind)

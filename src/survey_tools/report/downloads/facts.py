"""Say in words what a page says of itself for programs: its code, run, study, and the day of its data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape

from survey_tools.report.downloads.blocks import Content
from survey_tools.report.downloads.content import FACTS
from survey_tools.report.wording import Wording


def meta(facts: Mapping[str, str]) -> str:
    """Make the `<meta>` of a page from what is known: `run`, `page`, `lang`, `study`, `data` (ISO 8601)."""
    return "".join(
        f'<meta name="{FACTS}{escape(name)}" content="{escape(value)}">\n'
        for name, value in facts.items()
        if value
    )


def footer(content: Content, words: Wording) -> str:
    """Write the line at the foot of a page: «10291 · lần chạy main · số liệu đến 26/11/2026»."""
    page, run = content.facts.get("page", content.title), content.facts.get("run", "")
    if day := day_of(content, words):
        return words("downloads_footer", page=page, run=run, day=day)
    return words("downloads_footer_no_day", page=page, run=run)


def about(content: Content, words: Wording) -> list[str]:
    """Say which page, run and study a file is of, and up to when its data go."""
    facts = content.facts
    lines = [words(f"downloads_{name}", **{name: facts[name]}) for name in ("page", "run", "study")
             if facts.get(name)]  # fmt: skip
    if day := day_of(content, words):
        lines.append(words("downloads_day", day=day))
    return [*lines, words("downloads_same")]


def day_of(content: Content, words: Wording) -> str:
    """Write the day in UTC up to which the data go; empty where the page does not say."""
    try:
        moment = datetime.fromisoformat(content.facts.get("data", ""))
    except ValueError:
        return ""
    return words.numbers.day((moment.astimezone(UTC) if moment.tzinfo else moment).date())

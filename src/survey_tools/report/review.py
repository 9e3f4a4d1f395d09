"""Write the page of a review: every item of the checklist, its state, who signed it and when.

For the team; no page that is handed out links to it. Not here: finding the states
(`survey_tools.run.review`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from survey_tools.files import PRIVATE
from survey_tools.params import Checklist, ReviewItem, SignOff, Workspace
from survey_tools.report import markup
from survey_tools.report.numbers import Lang
from survey_tools.report.shell import (
    INDEX,
    Gate,
    foot,
    head,
    other_languages,
    synthetic_banner,
    write_page,
)
from survey_tools.report.wording import Wording

REVIEW = {"vi": "review.html", "en": "review.en.html"}
"""File of the page in each language."""

OK, NOT_OK, NOT_APPLICABLE, OPEN, OUTDATED = "ok", "not_ok", "not_applicable", "open", "outdated"
STATES = (NOT_OK, OUTDATED, OPEN, OK, NOT_APPLICABLE)
SETTLED = (OK, NOT_APPLICABLE)


@dataclass(frozen=True)
class Reviewed:
    """One item with its state; `found` is the key of a sentence, `signed` the sign-off that counts."""

    item: ReviewItem
    state: str
    found: str
    signed: SignOff | None = None


def write_review_pages(
    ws: Workspace,
    run: str,
    checklist: Checklist,
    items: Sequence[Reviewed],
    content: str,
    gate: Gate | None = None,
) -> tuple[Path, ...]:
    """Write `review.html` (Vietnamese) and `review.en.html` beside the pages of a run; mode 0600.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written.
    DisclosureError
        When the gate holds a page back, of a remark with personal data for example.
    """
    folder = ws.reports(run)
    return tuple(
        write_page(
            folder / REVIEW[lang],
            _page(ws, run, checklist, items, content, lang),
            gate,
            mode=PRIVATE,
        )
        for lang in ws.study.report.languages
    )


def _page(
    ws: Workspace,
    run: str,
    checklist: Checklist,
    items: Sequence[Reviewed],
    content: str,
    lang: Lang,
) -> str:
    words = Wording(lang)
    others = other_languages(lang, ws.study.report.languages, REVIEW)
    links = [(words("to_index"), INDEX[lang], lang), *others]
    title = words("review_title", run=run)
    counts = Counter(one.state for one in items)
    said = [
        words(f"review_count_{state}", count=counts[state]) for state in STATES if counts[state]
    ]
    columns = ("item", "state", "who", "when", "remark")
    table = markup.Table(
        words("review_caption"),
        tuple(words(f"review_col_{name}") for name in columns),
        tuple(_row(words, checklist, one) for one in items),
        text_columns=len(columns),
    )
    parts = [
        head(words, title, links),
        markup.banner(words("review_for_the_team")).source,
        synthetic_banner(words) if ws.study.study.synthetic else "",
        markup.title(title).source,
        markup.paragraphs([words("review_what"), words("review_content", content=content)]).source,
        markup.bullets(said).source,
        table._repr_html_(),
        foot(),
    ]
    return "\n".join(part for part in parts if part)


def _row(words: Wording, checklist: Checklist, one: Reviewed) -> tuple[markup.Cell, ...]:
    text = one.item.vi if words.lang == "vi" else one.item.en
    found = words(one.found) if one.found else ""
    state = (words(f"review_state_{one.state}"), found)
    if one.signed is None:
        who = words("review_machine") if one.item.check else ""
        return ((text, one.item.id), state, who, "", "")
    role = checklist.roles[one.signed.role]
    name = role.vi if words.lang == "vi" else role.en
    who = f"{name} ({one.signed.initials})" if one.signed.initials else name
    when = words.numbers.day(one.signed.date)
    return ((text, one.item.id), state, who, when, one.signed.remark)

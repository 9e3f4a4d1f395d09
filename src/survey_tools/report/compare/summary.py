"""Say in sentences whether two runs differ, in what, and because of what.

Not here: what differs one by one (survey_tools.report.compare.page).
"""

from __future__ import annotations

from typing import get_args

from survey_tools.report.compare.difference import (
    Cause,
    Comparison,
    NumberKind,
    count,
)
from survey_tools.report.numbers import Lang
from survey_tools.report.wording import Wording


def summary(comparison: Comparison, lang: Lang) -> tuple[str, ...]:
    """Say in sentences whether the runs differ, in what, and because of what."""
    words = Wording(lang)
    totals = {"total": comparison.total, "pages": comparison.pages}
    if not comparison.differs:
        return (words("compare_equal", **totals),)
    if not comparison.pages_differ:
        return (words("compare_faults_only", count=len(comparison.faults), **totals),)
    touched = words(
        "compare_summary", count=comparison.differing, touched=comparison.touched, **totals
    )
    return (f"{touched}.", _because(comparison, words), _parts(comparison, words))


def _because(comparison: Comparison, words: Wording) -> str:
    causes = comparison.reasons.causes
    if not causes:
        return words("compare_because_unknown")
    told = [
        f"{words(f'compare_kind_{kind}')} ({', '.join(_short(c, words) for c in causes if c.kind == kind)})"
        for kind in comparison.reasons.kinds
    ]
    return words("compare_because", causes="; ".join(told))


def _short(cause: Cause, words: Wording) -> str:
    return words(f"compare_short_{cause.key}", **cause.values)


def _parts(comparison: Comparison, words: Wording) -> str:
    return words(
        "compare_parts",
        **{kind: len(comparison.of(kind)) for kind in get_args(NumberKind)},
        tables=comparison.tables(words.lang),
        figures=comparison.figures(words.lang),
        sentences=count(words.lang, comparison.wording),
        only=len(comparison.only),
    )

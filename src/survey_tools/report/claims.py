"""Tables of the statements of the news item: as printed, what we found, and how it stands to what is claimed.

Made from disclosed results; estimates nothing, and decides no verdict (survey_tools.report.claim_verdicts).
"""

from __future__ import annotations

import math

import pandas as pd

from survey_tools.report.claim_verdicts import verdict
from survey_tools.report.claims_markup import CardTable
from survey_tools.report.disclosure_claims import TABLE
from survey_tools.report.markup import Cell, Table
from survey_tools.report.numbers import MISSING, SHARES, is_missing
from survey_tools.report.results import Results, lowered
from survey_tools.report.small_cells import FEW, HIDDEN
from survey_tools.report.tables import mark
from survey_tools.report.traced import Traced

GROUPS = {
    "figures": ("indicator", "component", "target"),
    "models": ("model",),
    "trade": ("outcome", "group", "barrier", "response"),
    "channels": ("strategy", "channel", "campaign"),
    "aims": ("goal", "problem", "claim"),
    "setting": ("fact", "actor", "setting"),
}
"""Tables of the page, in order -> kinds of statements in each; an unknown kind goes to the last one."""

_NAMES = ("statement", "verdict", "found", "base", "figure")
_DIFFERENCES = ("change", "gap", "between_change")


def claims_tables(results: Results) -> list[Table]:
    """Tabulate all statements, one table a group of kinds; none where the results have none of them."""
    if TABLE not in results.evidence:
        return []
    frame = results.rows(TABLE, results.evidence[TABLE])
    group = frame["kind"].map({kind: name for name, kinds in GROUPS.items() for kind in kinds})
    group = group.fillna(list(GROUPS)[-1])
    return [_table(results, name, frame[group.eq(name)]) for name in GROUPS if group.eq(name).any()]


def claims_intro(results: Results) -> list[str]:
    """Say what the tables are, and what a verdict means."""
    if TABLE not in results.evidence:
        return [results.words("claims_none")]
    words, confidence = results.words, results.confidence
    return [
        words("claims_intro"),
        words("claims_rule", confidence=confidence),
        words("claims_time"),
    ]


def _table(results: Results, name: str, frame: pd.DataFrame) -> Table:
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    for claim, readings in frame.groupby("claim", sort=False):
        why = readings["why"].iloc[0]
        told = readings["status"].iloc[0] != "none"
        for place, (_, row) in enumerate(readings.iterrows()):
            rows.append(_row(results, row, first=place == 0))
        if why and told:
            notes.append(results.words("claims_why", claim=str(claim), why=str(why)))
    if frame["status"].eq(FEW).any():
        notes.append(results.words("note_few", show=results.study.disclosure.show_from))
    if frame["status"].eq(HIDDEN).any():
        notes.append(results.words("note_hidden"))
    columns = tuple(results.words(f"claims_col_{one}") for one in _NAMES)
    caption = results.words(f"claims_caption_{name}")
    return CardTable(caption, columns, tuple(rows), tuple(notes), text_columns=2)


def _row(results: Results, row: pd.Series, *, first: bool) -> tuple[Cell, ...]:
    quoted = results.words("claims_statement", claim=row["claim"], statement=row["statement"])
    head = quoted if first else f"{row['claim']}{row['reading']}"
    said = results.words(f"claims_verdict_{verdict(row)}")
    if row["status"] == "none":
        return head, (said, row["why"]), MISSING, MISSING, MISSING
    return (
        (head, row["label"]),
        said,
        _found(results, row),
        _base(results, row),
        _figure(results, row),
    )


def _found(results: Results, row: pd.Series) -> Cell:
    """Write the estimate with its interval below; of units out of all, how many of how many."""
    numbers = results.numbers
    if row["status"] in (HIDDEN, "missing"):
        return numbers.number(row["shown"])
    if row["scale"] == "units":
        part, whole = (numbers.count(row[name]) for name in ("numerator", "n"))
        return results.words("claims_of", part=part, whole=whole)
    if row["statistic"] == "total":
        return numbers.count(row["shown"])
    scale = "amount" if row["scale"] == "number" else row["scale"]
    if row["source"] != "households":
        share = row["scale"] == "share"
        return (
            numbers.percent(row["shown"], 1) if share else numbers.bare_value(row["shown"], scale)
        )
    write = numbers.bare_difference if _is_difference(row) else numbers.bare_value
    return mark(write(row["shown"], scale), row["status"]), _interval(results, row, scale)


def _interval(results: Results, row: pd.Series, scale: str) -> str:
    """Write the interval; that of a difference of shares with its unit, other units stand in the label."""
    numbers, ends = results.numbers, (row["conf_low"], row["conf_high"])
    if any(map(is_missing, ends)):
        return ""
    if not _is_difference(row):
        return numbers.interval(*ends, scale)
    between = numbers.difference_interval(*ends, scale)
    return numbers.unit(scale).format(between) if scale in SHARES else between


def _is_difference(row: pd.Series) -> bool:
    return row["statistic"] in _DIFFERENCES


def _base(results: Results, row: pd.Series) -> Cell:
    """Write what was counted: answers and teams with the wave, or reports with their months."""
    numbers, words = results.numbers, results.words
    if row["status"] in (HIDDEN, "missing"):
        return numbers.number(row["n"])
    if row["source"] == "households":
        answers = words(f"claims_unit_{row['unit']}", n=_answers(results, row))
        teams = words(
            "claims_teams", teams=numbers.count(row["n_teams"]), waves=_waves(results, row)
        )
        return answers, teams
    if row["scale"] == "share":
        counted = words(f"claims_unit_{row['unit']}", n=numbers.count(row["n"]))
    else:
        reports = row["n_reports"]
        counted = words(
            "claims_reports", count=reports if isinstance(reports, Traced) else int(reports)
        )
    return counted, _months(row["period"])


def _figure(results: Results, row: pd.Series) -> str:
    """Write the figure that the source gives."""
    figure, numbers = row["figure"], results.numbers
    if row["status"] == "missing" or is_missing(figure):
        return MISSING
    if row["scale"] == "units":
        return numbers.count(figure)
    whole = math.isclose(100 * float(figure), round(100 * float(figure)), abs_tol=1e-9)
    text = numbers.percent(figure, 0 if whole else 1)
    return results.words("claims_over", figure=text) if row["test"] == "over" else text


def _answers(results: Results, row: pd.Series) -> str:
    """Write how many answered; of a difference, on each side of it, the earlier wave first."""
    write = results.numbers.count
    if not _is_difference(row):
        return write(row["n"])
    sides = ("n_other", "n") if row["wave_from"] else ("n", "n_other")
    one, other = (write(row[side]) for side in sides)
    return results.words("claims_sides", one=one, other=other)


def _waves(results: Results, row: pd.Series) -> str:
    last = lowered(results.wave(row["wave"]))
    if not row["wave_from"]:
        return last
    return results.words("claims_waves", first=lowered(results.wave(row["wave_from"])), last=last)


def _months(period: str) -> str:
    """Write the months of reports: «02/2026 – 10/2026»."""
    months = [month.split("-") for month in str(period).split("/") if month]
    return " – ".join(f"{month}/{year}" for year, month in months)

"""Count answers by wave and pass on only what anybody may know: a second door from rows to a page.

Rows go in, nothing of them comes out but shares, counts and rounded quantiles of enough answers. The limits
are those of `disclosure`; what identifies a person, and free text, is never counted at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, log10
from typing import Literal

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings
from survey_tools.report.disclosure import disclose_choices
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN

Kind = Literal["codes", "many", "yes_no", "number", "date", "none"]

UNCOUNTED = ("pseudonym", "staff_code", "free_text", "direct_identifier", "location")
"""Classes of personal data of which no distribution is made."""

QUARTILES = (0.25, 0.5, 0.75)
TAILS = (0.1, 0.9)
COUNT_STEP = 5
"""To what counts of a question are rounded that only some were asked."""

COARSE = 0.05
EXACT_FROM = 1000
"""Rows from which a whole percentage does not tell whether one answer more or fewer is missing."""

YES = "1"


@dataclass(frozen=True)
class Spread:
    """What may be known of one variable in one wave.

    Attributes
    ----------
    rows, answered, missing : int or None
        Rows of the table, with and without an answer; None where hidden.
    few : {'', 'answered', 'missing'}
        Which of the two hidden counts is 1 to the limit of the study.
    shares : tuple of (code, share, status)
        Share of those who answered, None where hidden; status as in `disclosure`.
    quantiles : tuple of (probability, value)
        Rounded: numbers to two digits, dates (as ``2026-01``) to the month.
    rounded : bool
        Whether the counts are rounded.
    """

    rows: int | None
    answered: int | None
    missing: int | None
    few: str = ""
    shares: tuple[tuple[str, float | None, str], ...] = ()
    quantiles: tuple[tuple[float, float | str], ...] = ()
    rounded: bool = False


@dataclass(frozen=True)
class Answers:
    """Answers of one variable in one wave, on their way to a `Spread`.

    Attributes
    ----------
    columns : DataFrame
        One column; for `many` one a choice, called by the code.
    kind : str
        How to count it.
    codes : sequence of str
        For `codes`: all that may be answered, so that one nobody gave is seen to be 0.
    personal_data : str
        Class; see `UNCOUNTED`. Sensitive numbers have no tails.
    conditional : bool
        Whether only some were asked, so that a count tells what they answered elsewhere.
    """

    columns: pd.DataFrame
    kind: Kind
    codes: Sequence[str] = ()
    personal_data: str = "none"
    conditional: bool = False


def spreads(many: Sequence[Answers], rules: DisclosureSettings) -> list[Spread]:
    """Count the answers and hide what rests on too few.

    A share needs `round_from` answers, and is rounded to 5 points under `show_from`; one that stands for
    1 to `hide_counts_to` rows, or for all but so many, is hidden, and where the codes exclude each other
    the next smallest with it, so that it is not told by subtraction. Where the count of those without an
    answer is hidden and rows are under `EXACT_FROM`, shares are rounded to 5 points, so that they do not
    tell it. A quartile needs `show_from` answers;
    the first and last tenth so many that more than `hide_counts_to` lie beyond.

    Parameters
    ----------
    many : sequence of Answers
        Of any number of variables and waves.
    rules : DisclosureSettings

    Returns
    -------
    list of Spread
        In the same order.
    """
    counted = [_counted(answers, rules) for answers in many]
    numerators = [
        _numerators(answers) if one.counts else {}
        for answers, one in zip(many, counted, strict=True)
    ]
    sizes = [int(_there(answers).sum()) for answers in many]
    shown = _disclosed(numerators, sizes, rules)
    return [
        replace(one.spread, shares=_shares(cells, numbers, answers.kind, rules, one.coarse))
        for one, cells, numbers, answers in zip(counted, shown, numerators, many, strict=True)
    ]


@dataclass(frozen=True)
class _Counted:
    """A spread without its shares, and whether shares may be made."""

    spread: Spread
    counts: bool

    @property
    def coarse(self) -> bool:
        """Whether exact shares would tell a count that is hidden."""
        return bool(self.spread.few) and (self.spread.rows or 0) < EXACT_FROM


def _there(answers: Answers) -> pd.Series:
    return answers.columns.notna().any(axis="columns")


def _counted(answers: Answers, rules: DisclosureSettings) -> _Counted:
    there = _there(answers)
    rows, answered = len(there), int(there.sum())
    if rows < rules.round_from:
        return _Counted(Spread(None, None, None), counts=False)
    counts = _counts(rows, answered, rules, rounded=answers.conditional)
    if answers.personal_data in UNCOUNTED or answers.kind == "none" or not answered:
        return _Counted(counts, counts=False)
    if answers.kind in ("number", "date"):
        quantiles = _quantiles(answers.columns.loc[there].iloc[:, 0], answers, rules)
        return _Counted(replace(counts, quantiles=quantiles), counts=False)
    return _Counted(counts, counts=True)


def _counts(rows: int, answered: int, rules: DisclosureSettings, *, rounded: bool) -> Spread:
    missing = rows - answered
    for few, count in (("missing", missing), ("answered", answered)):
        if 0 < count <= rules.hide_counts_to:
            return Spread(rows, None, None, few)
    if rounded and missing and answered:
        answered = COUNT_STEP * round(answered / COUNT_STEP)
        return Spread(rows, answered, COUNT_STEP * round(missing / COUNT_STEP), rounded=True)
    return Spread(rows, answered, missing)


def _numerators(answers: Answers) -> Mapping[str, int]:
    given = answers.columns.loc[_there(answers)]
    if answers.kind == "many":
        return {str(code): int(given[code].fillna(False).astype(bool).sum()) for code in given}
    if answers.kind == "yes_no":
        return {YES: int(given.iloc[:, 0].astype("float64").eq(1).sum())}
    counted = given.iloc[:, 0].astype("str").value_counts()
    return {code: int(counted.get(code, 0)) for code in answers.codes}


def _disclosed(
    numerators: Sequence[Mapping[str, int]], sizes: Sequence[int], rules: DisclosureSettings
) -> list[pd.DataFrame]:
    """Pass all cells through `disclose_choices` at once; return those of each variable and wave."""
    rows = [
        (place, code, count, size)
        for place, (counts, size) in enumerate(zip(numerators, sizes, strict=True))
        for code, count in counts.items()
    ]
    cells = pd.DataFrame(rows, columns=["variable", "choice", "numerator", "n"])
    shown = disclose_choices(cells.assign(area="district", wave=""), rules)
    by_place = dict(list(shown.groupby("variable")))
    return [by_place.get(place, shown.iloc[:0]) for place in range(len(numerators))]


def _shares(
    cells: pd.DataFrame,
    counts: Mapping[str, int],
    kind: Kind,
    rules: DisclosureSettings,
    coarse: bool,
) -> tuple[tuple[str, float | None, str], ...]:
    status = [str(state) for state in cells["status"]]
    if kind == "codes":
        status = _protected(list(counts.values()), status, rules)
    given = cells["shown"].astype("float64")
    if coarse:
        given = (given / COARSE).round() * COARSE
        status = [FEW if state == SHOWN else state for state in status]
    return tuple(
        (code, None if state == HIDDEN else float(share), state)
        for code, share, state in zip(counts, given, status, strict=True)
    )


def _protected(counts: list[int], status: list[str], rules: DisclosureSettings) -> list[str]:
    """Hide the smallest shown codes until what is hidden cannot be told from what is shown."""
    status = list(status)
    while True:
        hidden = [count for count, state in zip(counts, status, strict=True) if state == HIDDEN]
        telling = len([c for c in hidden if c]) == 1 or 0 < sum(hidden) <= rules.hide_counts_to
        rest = [
            (count, place)
            for place, (count, state) in enumerate(zip(counts, status, strict=True))
            if state != HIDDEN and count
        ]
        if not telling or not rest:
            return status
        status[min(rest)[1]] = HIDDEN


def _quantiles(
    values: pd.Series, answers: Answers, rules: DisclosureSettings
) -> tuple[tuple[float, float | str], ...]:
    n = len(values)
    if n < rules.show_from:
        return ()
    wanted = list(QUARTILES)
    if answers.personal_data == "none" and TAILS[0] * n > rules.hide_counts_to:
        wanted = sorted((*QUARTILES, *TAILS))
    if answers.kind == "date":
        days = pd.to_datetime(values).sort_values()
        places = [round(p * (n - 1)) for p in wanted]
        return tuple((p, f"{days.iloc[at]:%Y-%m}") for p, at in zip(wanted, places, strict=True))
    numbers = values.astype("float64").quantile(wanted)
    return tuple((p, two_digits(x)) for p, x in zip(wanted, numbers, strict=True))


def two_digits(value: float) -> float:
    """Round to two significant digits; whole numbers up to 100 stay.

    >>> two_digits(1234.0), two_digits(0.0456), two_digits(97.0)
    (1200.0, 0.046, 97.0)
    """
    if not np.isfinite(value) or value == 0:
        return float(value)
    return round(float(value), 1 - floor(log10(abs(value))))

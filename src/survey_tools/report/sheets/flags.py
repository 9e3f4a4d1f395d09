"""Say a flag of a field check in the words of the field team; finds no flag and lays out no page.

Of a flag only codes, numbers and what the registers and the wording files say are passed on. Its English
sentence is never shown, only looked up, so that nothing a respondent typed can come with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

import pandas as pd

from survey_tools.errors import ParamsError
from survey_tools.params import CheckSettings, Study
from survey_tools.register import Question, Register
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.wording import entries

STATES = ("new", "open", "answered", "resolved")
"""States of a flag, the most urgent first."""
TO_DO = STATES[:2]

CERTAIN = frozenset({
    "dropped", "duplicate", "household_code", "same_visit", "answer_unreadable", "choice_unknown",
    "question_unknown", "required", "constraint", "logic", "other_listed", "personal_text",
    "audit_missing", "overlap", "form_version", "consent", "progress", "missing_month",
    "answer_outside_limits", "answer_malformed",
})  # fmt: skip
"""Checks whose flags are as they say; those of all others may have their reasons."""

NO_QUESTION = frozenset({
    "dropped", "duplicate", "household_code", "same_visit", "head_changed", "straight_lining",
    "short_interview", "active_time", "audit_missing", "odd_hour", "overlap", "form_version", "gps_far",
    "missing_month",
})  # fmt: skip
"""Checks whose flags are about a whole submission or report: to name the question adds nothing."""

CHECKS = tuple(name for name in CheckSettings.model_fields if name != "zone")
"""Every check, in the order of the study file."""

NONE = "–"
"""What a check writes where it has no figure."""

_FIGURE = re.compile(r"([+-]?)(\d{1,6})(?:\.(\d{1,4}))?(?: (%|min|s|h|d|km|SD|pp))?")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_PARTS = re.compile(r" / |, ")
_ROW = re.compile(r"[1-9]\d{0,14}")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})(?:\[(\d{1,3})(?:/\d{1,3})*\])?")
_LINE = re.compile(r"\[(\d{1,3})\]")
_LONG_NUMBER = re.compile(r"\d{7}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_/.-]{0,99}")


@dataclass(frozen=True)
class Flag:
    """One flag as a page shows it.

    Attributes
    ----------
    check, title, means, do : str
        Name of the check, and in words: what it is called, what it means, what to do.
    found, question : str
        What was found in this case, and the question it was found in; empty where the title says it all.
    certain : bool
        Whether it is as the flag says, so that it needs no judgement.
    state, key, first_seen, last_seen, since : str
        As in the contract `flags`.
    wave, form, team, enumerator : str
        Codes; empty where the flag has none.
    row : int or None
        Number of the submission on the server.
    """

    check: str
    title: str
    means: str
    do: str
    found: str
    question: str
    certain: bool
    state: str
    key: str
    first_seen: str
    last_seen: str
    since: str
    wave: str
    form: str
    team: str
    enumerator: str
    row: int | None


def ordered(flags: pd.DataFrame) -> pd.DataFrame:
    """Sort flags by urgency: by state, what is certain first, then by check, newest wave, and row."""
    rank = pd.DataFrame(
        {
            "state": flags["state"].map(STATES.index),
            "sign": ~flags["check"].isin(CERTAIN),
            "check": flags["check"].map({name: place for place, name in enumerate(CHECKS)}),
            "wave": flags["wave"].astype("str").fillna("").rank(ascending=False),
            "row": flags["row_id"].astype("float64"),
            "key": flags["key"],
        },
        index=flags.index,
    )
    by = ["state", "sign", "check", "wave", "row", "key"]
    return flags.loc[rank.sort_values(by, kind="stable").index]


class FlagWords:
    """What is said of flags in one language.

    Parameters
    ----------
    study : Study
        For the rules of the check on contradictions.
    registers : mapping of str to Register
        By form; labels of questions are looked for in the flag's form, then in this order.
    choices : DataFrame, optional
        Contract `labels`.
    lang : {'vi', 'en'}
    """

    def __init__(
        self,
        study: Study,
        registers: Mapping[str, Register],
        choices: pd.DataFrame | None,
        lang: Lang,
    ) -> None:
        self.lang, self.registers, self.numbers = lang, registers, Numbers(lang)
        self.words = entries(f"checks_{lang}")
        rules = study.checks.logic.rules
        self.rules = {rule.name: rule.vi if lang == "vi" else rule.en for rule in rules}
        self.choices: dict[tuple[str, str], str] = {}
        if choices is not None:
            mine = choices.loc[choices["lang"].eq(lang)].dropna(subset="label")
            rows = mine[["variable", "code", "label"]].itertuples(index=False, name=None)
            self.choices = {(variable, code): label for variable, code, label in rows}

    def tell(self, flags: pd.DataFrame) -> Iterator[Flag]:
        """Say each flag of a frame, in its order.

        Raises
        ------
        ParamsError
            When a check has no words.
        """
        for row in flags.to_dict("records"):
            yield self._flag({str(k): None if pd.isna(v) else v for k, v in row.items()})

    def of_check(self, check: str) -> dict[str, Any]:
        """Return `title`, `means`, `do` and, where there are any, `found`, `plain`, `cases`, `messages`."""
        if check not in self.words["checks"]:
            raise ParamsError(
                "A field check has no words for the supervisor's sheets.",
                found=check,
                where=f"report/wording/checks_{self.lang}.yml",
                next_step="say there what it is called, what it means and what to do",
            )
        said: dict[str, Any] = self.words["checks"][check]
        return said

    def _flag(self, row: dict[str, Any]) -> Flag:
        said = self.of_check(row["check"])
        return Flag(
            **{name: str(said[name]) for name in ("title", "means", "do")},
            **{name: row[name] for name in ("check", "state", "key", "first_seen", "last_seen")},
            since=row.get("since") or row["first_seen"],
            found=self._found(said, row),
            question=self._question(row),
            certain=row["check"] in CERTAIN,
            wave=row["wave"] or "",
            form=row.get("form") or "",
            team=row["team_id"] or "",
            enumerator=row["enumerator_id"] or "",
            row=None if row["row_id"] is None else int(row["row_id"]),
        )

    def _found(self, said: dict[str, Any], row: dict[str, Any]) -> str:
        if row["check"] == "logic":
            rule = self.rules.get(row.get("item") or "", "")
            return f"{rule}." if rule else ""
        if "messages" in said:
            return str(said["messages"].get(row["message"], ""))
        values, pattern = self._values(said, row), str(said.get("found", ""))
        if pattern and _holes(pattern) <= set(values):
            return pattern.format(**values)
        return str(said.get("plain", "")) if (row.get("detail") or NONE) == NONE else ""

    def _values(self, said: dict[str, Any], row: dict[str, Any]) -> dict[str, str]:
        detail, item = row.get("detail") or "", row.get("item") or ""
        question = self._register_question(detail, "")
        cases = [said.get("cases", {}).get(part, "") for part in _PARTS.split(detail)]
        kind = (item if item.startswith("type ") else detail).removeprefix("type ")
        found = {
            **dict(zip("ab", map(self._figure, _PARTS.split(detail)), strict=False)),
            "item": item if _ROW.fullmatch(item) else "",
            "choice": self._choice(row.get("variable") or "", detail),
            "gate": self._label(question) if question else "",
            "case": ", ".join(cases) if all(cases) else "",
            "type": self.words["types"].get(kind, ""),
        }
        return {name: text for name, text in found.items() if text}

    def _figure(self, text: str) -> str:
        if month := _MONTH.fullmatch(text):
            return str(self.words["month"]).format(year=month[1], month=month[2])
        figure = _FIGURE.fullmatch(text)
        if not figure:
            return ""
        sign, whole, decimals, unit = figure.groups()
        value = float(f"{sign}{whole}.{decimals or 0}")
        number = self.numbers.number(value, len(decimals or ""), sign=sign == "+")
        return str(self.words["units"][unit]).format(number) if unit else number

    def _choice(self, variable: str, code: str) -> str:
        if (variable, code) in self.choices:
            return self.choices[variable, code]
        question = self._register_question(variable, "")
        return code if question and code in question.codes else ""

    def _question(self, row: dict[str, Any]) -> str:
        """Name the question by its label, with the line of the roster where it has one."""
        if row["check"] in NO_QUESTION:
            return ""
        variable, item = row.get("variable") or "", row.get("item") or ""
        plain = _VARIABLE.fullmatch(variable)
        if not plain:
            harmless = _PATH.fullmatch(variable) and not _LONG_NUMBER.search(variable)
            return variable if harmless else ""
        question = self._register_question(plain[1], row.get("form") or "")
        lines = [plain[2]] if plain[2] else _LINE.findall(item)
        label = self._label(question) if question else ""
        if not label and _LONG_NUMBER.search(plain[1]):
            return ""
        name = f"{label} ({plain[1]})" if label else plain[1]
        return str(self.words["line"]).format(name=name, line=lines[-1]) if lines else name

    def _register_question(self, name: str, form: str) -> Question | None:
        first = [self.registers[form]] if form in self.registers else []
        known = [
            register[name] for register in [*first, *self.registers.values()] if name in register
        ]
        return next((one for one in known if self._label(one)), known[0] if known else None)

    def _label(self, question: Question) -> str:
        return question.label_vi if self.lang == "vi" else question.label_en


def _holes(pattern: str) -> set[str]:
    return {hole for _, hole, _, _ in Formatter().parse(pattern) if hole}

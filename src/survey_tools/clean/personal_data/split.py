"""Split personal data off the row tables by the register's class; stores nothing.

A phone or a position without the consent that it needs is not kept anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from survey_tools.register import SPLIT_OFF, Question, Register

_IS = re.compile(r"\$\{\s*([^}\s]+)\s*\}\s*=\s*'([^']*)'")
"""A condition of the form that an answer is a code."""


@dataclass(frozen=True)
class Split:
    """Rows without personal data, and the personal data by kind, keyed by `_id`."""

    rows: pd.DataFrame
    contacts: pd.DataFrame
    locations: pd.DataFrame
    free_text: pd.DataFrame


def split_personal(frame: pd.DataFrame, register: Register) -> Split:
    """Take free text, direct identifiers and positions out of `frame`.

    Parameters
    ----------
    frame : DataFrame
        Typed rows with `_id`; `hhid` and `wave` where the form has them.
    register : Register
        Register of the form; its classes `free_text`, `direct_identifier`, `location` leave.

    Returns
    -------
    Split
        `contacts` (_id, hhid, wave, variable, value), `locations` (_id, hhid, wave, <question>_lat …),
        `free_text` (_id, variable, text). Of contacts and positions only those are kept that were asked
        under a question of role `consent`, and where each such question has the answer that it was asked
        under.
    """
    by_class = {name: _columns(frame, register, name) for name in SPLIT_OFF}
    gone = [column for columns in by_class.values() for column in columns]
    given = _with_consent(frame, register, by_class["direct_identifier"] + by_class["location"])
    return Split(
        rows=frame.drop(columns=gone),
        contacts=_contacts(given, by_class["direct_identifier"]),
        locations=_locations(given, by_class["location"]),
        free_text=_free_text(frame, by_class["free_text"]),
    )


def _columns(frame: pd.DataFrame, register: Register, personal_data: str) -> list[str]:
    asked = {column: register.of_column(column) for column in frame.columns}
    return [
        c for c, question in asked.items() if question and question.personal_data == personal_data
    ]


def _with_consent(frame: pd.DataFrame, register: Register, columns: list[str]) -> pd.DataFrame:
    """Blank out what was given without consent."""
    kept = {column: frame[column].where(_agreed(frame, register, column)) for column in columns}
    return frame.assign(**kept)


def _agreed(frame: pd.DataFrame, register: Register, column: str) -> pd.Series:
    question = register.of_column(column)
    consents = _consents(question, register) if question else {}
    agreed = pd.Series(bool(consents), index=frame.index)
    for name, code in consents.items():
        agreed &= frame[name].eq(code).fillna(False).astype(bool) if name in frame else False
    return agreed


def _consents(question: Question, register: Register) -> dict[str, str]:
    """Return the questions of role `consent` that it was asked under, and the answers to them."""
    found = (_IS.fullmatch(condition) for condition in question.conditions)
    said = {match[1]: match[2] for match in found if match}
    return {n: code for n, code in said.items() if n in register and register[n].role == "consent"}


def _contacts(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    keys = [c for c in ("_id", "hhid", "wave") if c in frame]
    rows = frame[[*keys, *columns]].astype(dict.fromkeys(columns, "str"))
    long = rows.melt(id_vars=keys, var_name="variable", value_name="value").dropna(subset="value")
    return long.astype({"variable": "str", "value": "str"}).reset_index(drop=True)


def _locations(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    keys = [c for c in ("_id", "hhid", "wave") if c in frame]
    rows = frame[[*keys, *columns]]
    return rows.dropna(subset=columns, how="all").reset_index(drop=True)


def _free_text(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    rows = frame[["_id", *columns]].astype(dict.fromkeys(columns, "str"))
    long = rows.melt(id_vars="_id", var_name="variable", value_name="text").dropna(subset="text")
    long = long.astype({"variable": "str", "text": "str"})
    return long.loc[long["text"].str.strip() != ""].reset_index(drop=True)

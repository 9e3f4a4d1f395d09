"""Split personal data off the row tables by the register's class; stores nothing.

A phone or a position without the consent that it needs is not kept anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools.clean.columns import question_of
from survey_tools.register import SPLIT_OFF, Register

CONSENT_FOR = {"direct_identifier": "consent_recontact", "location": "consent_gps"}
"""Class of personal data -> question by which the respondent agreed to give it."""


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
        `free_text` (_id, variable, text).
    """
    by_class = {name: _columns(frame, register, name) for name in SPLIT_OFF}
    gone = [column for columns in by_class.values() for column in columns]
    return Split(
        rows=frame.drop(columns=gone),
        contacts=_contacts(frame, by_class["direct_identifier"]),
        locations=_locations(frame, by_class["location"]),
        free_text=_free_text(frame, by_class["free_text"]),
    )


def _columns(frame: pd.DataFrame, register: Register, personal_data: str) -> list[str]:
    names = set(register.of_class(personal_data))
    return [c for c in frame.columns if c in names or question_of(c) in names]


def _agreed(frame: pd.DataFrame, personal_data: str) -> pd.DataFrame:
    consent = CONSENT_FOR[personal_data]
    if consent not in frame:
        return frame.iloc[:0]
    return frame.loc[frame[consent].eq("yes").fillna(False)]


def _contacts(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    keys = [c for c in ("_id", "hhid", "wave") if c in frame]
    rows = _agreed(frame, "direct_identifier")[[*keys, *columns]].astype(
        dict.fromkeys(columns, "str")
    )
    long = rows.melt(id_vars=keys, var_name="variable", value_name="value").dropna(subset="value")
    return long.astype({"variable": "str", "value": "str"}).reset_index(drop=True)


def _locations(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    keys = [c for c in ("_id", "hhid", "wave") if c in frame]
    rows = _agreed(frame, "location")[[*keys, *columns]]
    return rows.dropna(subset=columns, how="all").reset_index(drop=True)


def _free_text(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    rows = frame[["_id", *columns]].astype(dict.fromkeys(columns, "str"))
    long = rows.melt(id_vars="_id", var_name="variable", value_name="text").dropna(subset="text")
    long = long.astype({"variable": "str", "text": "str"})
    return long.loc[long["text"].str.strip() != ""].reset_index(drop=True)

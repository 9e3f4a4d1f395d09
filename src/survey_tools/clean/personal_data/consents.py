"""Keep the ledger of consents: who was asked for what, by which text, when, and what they said.

Drops no refusal and judges no answer; answers given without their consent are found by the check `consent`.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.clean.answers.spelling import read_times
from survey_tools.register import Register

MISSING = "missing"
COLUMNS = ("_id", "hhid", "wave", "visit_type", "purpose", "given", "at", "at_from", "version",
           "form_version", "how")  # fmt: skip

INTERVIEW, PREFIX = "interview", "consent_"
TIME, VERSION, FORM_VERSION = "consent_at", "consent_version", "__version__"
TIMES = (TIME, "end", "start")
"""Where the time of the answer is taken from: the first that is there."""


def consent_ledger(main: pd.DataFrame, register: Register) -> pd.DataFrame:
    """List each consent that was asked for: one row a submission and purpose.

    Taken from every submission in which somebody was met, also refusals, back-checks and those that
    cleaning leaves out; not from training forms. The proof of consent has to be as whole as what was
    received.

    Parameters
    ----------
    main : DataFrame
        Typed submissions, before any is left out: `_id`; `hhid`, `wave`, `visit_type`, `visit_result`,
        `start`, `end`, `__version__` where the form has them; the questions of role `consent`.
    register : Register
        Its questions of role `consent` that are answered by yes or no are the purposes: `consent` is
        `interview`, `consent_gps` is `gps`.

    Returns
    -------
    DataFrame
        Contract `consents`. `given` is `yes`, `no`, or `missing` where there is no such answer, as for
        the further purposes after a refusal. `at` (UTC) is when the interviewer took down the answer to
        the first question (`consent_at`), else the end or the start of the form; `at_from` says which.
        `version` is the text that was read out (`consent_version`), `form_version` the version of the
        form that held it. `how` is the question.
    """
    questions = [name for name in _questions(register) if name in main]
    needed = {*COLUMNS, "visit_result", *TIMES, VERSION, FORM_VERSION, *questions}
    met = _met(main[[name for name in main if name in needed]], questions)
    at, at_from = _moments(met)
    head = met.reindex(columns=["_id", "hhid", "wave", "visit_type"]).assign(
        at=at, at_from=at_from, version=_text(met, VERSION), form_version=_text(met, FORM_VERSION)
    )
    rows = [
        head.assign(purpose=_purpose(name), given=_said(_text(met, name)), how=name)
        for name in questions
    ]
    ledger = pd.concat(rows or [head.iloc[:0]]).reindex(columns=list(COLUMNS))
    text = dict.fromkeys([c for c in COLUMNS if c not in ("_id", "at")], "str")
    ledger = ledger.astype({**text, "_id": "int64"}).sort_values(["_id", "purpose"])
    return contracts.validate(ledger.reset_index(drop=True), "consents")


def _questions(register: Register) -> list[str]:
    asked = register.of_role("consent")
    return [name for name in asked if {"yes", "no"} <= set(register[name].codes)]


def _purpose(question: str) -> str:
    return INTERVIEW if question == PREFIX.strip("_") else question.removeprefix(PREFIX)


def _said(answers: pd.Series) -> pd.Series:
    return answers.where(answers.isin(["yes", "no"]), MISSING)


def _met(main: pd.DataFrame, questions: list[str]) -> pd.DataFrame:
    rows = main.loc[~_text(main, "visit_type").eq("training").fillna(False)]
    said = rows[questions].notna().any(axis=1)
    return rows.loc[said | _text(rows, "visit_result").eq("contact").fillna(False)]


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series(None, index=frame.index, dtype="str")
    return frame[name].astype("str")


def _moments(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Time of the answer in UTC, and the question that it comes from."""
    at = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    source = pd.Series(None, index=frame.index, dtype="str")
    for name in TIMES:
        if name not in frame:
            continue
        times = frame[name]
        if not pd.api.types.is_datetime64_any_dtype(times.dtype):
            times, _ = read_times(times)
        here = at.isna() & times.notna()
        at = at.where(~here, times.astype("datetime64[us, UTC]"))
        source = source.mask(here, name)
    return at, source

"""Check what was typed: «other» that is on the list, what names a person; passes on no text."""

from __future__ import annotations

import re

import pandas as pd

from survey_tools.areas import plain
from survey_tools.clean.checks.base import HOUSEHOLD, TEAM_LOG, WHO, Fieldwork, flags

OTHER = "other"
NOT_LISTED = frozenset({"other", "none", "dk", "ref"})
SHORTEST_LABEL = 4
_NOTE = re.compile(r"(?:^|[\n;])\s*([a-z][a-z0-9_]*)\s*:\s*([^\n;]+)")


def other_listed(work: Fieldwork) -> pd.DataFrame:
    """Flag texts behind «other» that name a choice which is on the list.

    Looked at are text questions named `<question>_other`, and notes that say «question: text». Compared
    are letters without tone marks, so that old and new spelling agree. The text is not passed on.
    """
    said = _specified(work.given("free_text"), work.rules.other_listed.notes)
    listed = _listed(work.given("labels"))
    codes = [_match(text, listed.get(name, [])) for name, text in said[["question", "text"]].values]
    rows = work.of_rows(
        said[["_id", "question"]].assign(code=pd.Series(codes, index=said.index, dtype="str"))
    ).dropna(subset="code")
    rows = rows.loc[rows["_id"].isin(work.household["_id"])]
    message = "The text behind «other» is the listed choice «" + rows["code"].astype("str") + "»."
    return flags("other_listed", rows, message, detail=rows["code"], variable=rows["question"],
                 item=rows["code"])  # fmt: skip


def personal_text(work: Fieldwork) -> pd.DataFrame:
    """Flag texts that seem to name or locate a person, and are set apart.

    The flag says of what kind it seems to be (`clean.personal_data.text`), and where: the remedy is
    to take it out on the server.
    """
    texts = work.given("free_text")
    rows = texts.loc[texts["quarantined"].fillna(False).astype(bool)]
    rows = _with_who(work, rows.assign(form=rows.get("form", HOUSEHOLD)))
    kinds = rows["kinds"].astype("str")
    message = "The text seems to hold personal data (" + kinds + "): take it out on the server."
    return flags("personal_text", rows, message, detail=kinds, variable=rows["variable"],
                 form=rows["form"])  # fmt: skip


def _with_who(work: Fieldwork, rows: pd.DataFrame) -> pd.DataFrame:
    """Add wave, team and enumerator, as far as the form has them."""
    household = work.of_rows(rows.loc[rows["form"] == HOUSEHOLD])
    log = work.team_log if work.team_log is not None else pd.DataFrame(columns=["_id", "team_id"])
    team = dict(zip(log["_id"], log["team_id"], strict=True))
    others = rows.loc[rows["form"] != HOUSEHOLD].reindex(columns=[*rows.columns, *WHO])
    of_log = others["form"] == TEAM_LOG
    others = others.assign(team_id=others["_id"].map(team).where(of_log))
    return pd.concat([part for part in (household, others) if len(part)] or [others])


def _specified(free_text: pd.DataFrame, notes: tuple[str, ...]) -> pd.DataFrame:
    texts = free_text if "form" not in free_text else free_text.query("form == 'household'")
    own = texts.loc[texts["variable"].str.endswith(f"_{OTHER}")]
    rows = [(i, v.removesuffix(f"_{OTHER}"), t) for i, v, t in _triples(own)]
    for row_id, _, text in _triples(texts.loc[texts["variable"].isin(notes)]):
        rows += [(row_id, name, said) for name, said in _NOTE.findall(text)]
    frame = pd.DataFrame(rows, columns=["_id", "question", "text"])
    return frame.astype({"_id": "int64", "question": "str", "text": "str"})


def _triples(texts: pd.DataFrame) -> list[tuple[int, str, str]]:
    return list(texts[["_id", "variable", "text"]].itertuples(index=False, name=None))


def _listed(labels: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Choices of each question as (plain label, code), longest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, code, label in labels[["variable", "code", "label"]].itertuples(index=False):
        if code in NOT_LISTED or pd.isna(label):
            continue
        parts = {_plain(part) for part in (label, *re.split(r"[,/(]", label))}
        long_enough = [(part, code) for part in parts if len(part) >= SHORTEST_LABEL]
        found.setdefault(name, []).extend(long_enough)
    return {name: sorted(pairs, key=lambda pair: -len(pair[0])) for name, pairs in found.items()}


def _match(text: str, listed: list[tuple[str, str]]) -> str | None:
    said = f" {_plain(text)} "
    return next((code for label, code in listed if f" {label} " in said), None)


def _plain(text: str) -> str:
    """Take tone marks, capitals and punctuation off.

    >>> _plain("Tạp hoá, đồ khô")
    'tap hoa do kho'
    """
    return " ".join(re.findall(r"[a-z0-9]+", plain(text)))

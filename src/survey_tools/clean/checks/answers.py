"""Check the answers of an interview: missing, out of range, contradictory, «other»; no enumerators."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import (
    Fieldwork,
    distances,
    flags,
    joined,
    nothing,
    percent,
    present,
    times,
)
from survey_tools.clean.duplicates import heads
from survey_tools.errors import ParamsError

SCHOOL_AGES = (3, 19)
OTHER = "other"
KEYS = frozenset({"wave", "team_id", "enumerator_id", "commune_code", "hhid", "visit_type"})
NOT_LISTED = frozenset({"other", "none", "dk", "ref"})
SHORTEST_LABEL = 4
_NOTE = re.compile(r"(?:^|[\n;])\s*([a-z][a-z0-9_]*)\s*:\s*([^\n;]+)")


def required(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews without an answer to a question that everybody is asked."""
    found = []
    for name in present(work.household, work.rules.required.variables):
        rows = work.household.loc[work.household[name].isna()]
        message = "A question that everybody is asked has no answer."
        found.append(flags("required", rows, message, variable=name))
    return joined("required", found)


def missing(work: Fieldwork) -> pd.DataFrame:
    """Flag questions that many do not know or refuse, by wave."""
    rule = work.rules.missing
    found = []
    for name in _selects(work.household):
        answers = work.household.loc[work.household[name].notna(), ["wave", name]]
        if not answers[name].isin(rule.codes).any():
            continue
        table = answers[name].isin(rule.codes).groupby(answers["wave"]).agg(["size", "mean"])
        high = table.loc[(table["size"] >= rule.least) & (table["mean"] > rule.share)].reset_index()
        found.append(_share_flags("missing", high, name, "do not know or refuse"))
    return joined("missing", found)


def outlier(work: Fieldwork) -> pd.DataFrame:
    """Flag numbers far from the median of their wave.

    The distance is the modified z-score (Iglewicz and Hoaglin 1993): from the median, in median absolute
    deviations times 1.4826; where more than half are equal, in mean absolute deviations times 1.2533.
    Amounts are looked at by log(1 + x). The flag holds the distance, not the answer.
    """
    rule = work.rules.outlier
    found = []
    for name in present(work.household, rule.variables):
        rows = work.household.loc[work.household[name].notna()]
        amount = rows[name].astype("float64")
        value = amount.clip(lower=0).map(np.log1p) if name in rule.logs else amount
        distance = value.groupby(rows["wave"]).transform(lambda v: distances(v, rule.least))
        far = distance.abs() > rule.z
        detail = times(distance[far], "SD", 1)
        message = "A number lies far from those of the others (" + detail + ")."
        found.append(flags("outlier", rows.loc[far], message, detail=detail, variable=name))
    return joined("outlier", found)


def constraint(work: Fieldwork) -> pd.DataFrame:
    """Flag what the form itself would not have let through, as found when the rows were read."""
    rows = work.of_rows(work.given("findings"))
    variable = rows["path"].str.rsplit("/", n=1).str[-1]
    message = "The form does not allow this answer (" + rows["kind"] + ")."
    return flags(
        "constraint", rows, message, detail=rows["kind"], variable=variable, item=rows["path"]
    )


def logic(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews whose answers contradict each other, by the rules of the study file.

    Raises
    ------
    ParamsError
        When a rule names a column that is not there, or is no expression.
    """
    if not work.rules.logic.rules:
        return nothing("logic")
    frame = _with_roster(work)
    found = []
    for rule in work.rules.logic.rules:
        rows = frame.loc[_true(frame, rule.name, rule.when)]
        found.append(flags("logic", rows, rule.en + ".", variable=rule.variable, item=rule.name))
    return joined("logic", found)


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
    return flags("other_listed", rows, message, detail=rows["code"], variable=rows["question"])


def other_share(work: Fieldwork) -> pd.DataFrame:
    """Flag questions that many answer by «other», by wave: the list lacks a choice."""
    rule = work.rules.other_share
    found = []
    for name, chosen in _others(work.household).items():
        table = chosen.groupby(work.household["wave"]).agg(["count", "mean"])
        table = table.rename(columns={"count": "size"})
        high = table.loc[(table["size"] >= rule.least) & (table["mean"] > rule.share)].reset_index()
        found.append(_share_flags("other_share", high, name, "answer «other»"))
    return joined("other_share", found)


def _share_flags(check: str, table: pd.DataFrame, name: str, text: str) -> pd.DataFrame:
    detail = percent(table["mean"]) + " / " + table["size"].astype("str")
    message = percent(table["mean"]) + f" of those asked {text}."
    return flags(check, table, message, detail=detail, variable=name)


def _selects(frame: pd.DataFrame) -> list[str]:
    text = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c].dtype)]
    return [c for c in text if not c.startswith("_") and c not in KEYS]


def _with_roster(work: Fieldwork) -> pd.DataFrame:
    """Add to each interview what the rules may ask of its roster."""
    members = work.roster
    low, high = SCHOOL_AGES
    marks = pd.DataFrame(
        {
            "n_members": 1,
            "n_heads": members["m_rel"].eq("head").fillna(False).astype("int64"),
            "n_spouses": members["m_rel"].eq("spouse").fillna(False).astype("int64"),
            "n_school_age": members["m_age"].between(low, high).fillna(False).astype("int64"),
        }
    )
    counts = marks.groupby(members["_id"]).sum()
    ages = heads(work.household, members).set_index("_id")["head_age"].astype("float64")
    return work.household.join(counts, on="_id").join(ages, on="_id")


def _true(frame: pd.DataFrame, name: str, expression: str) -> pd.Series:
    try:
        result = pd.Series(frame.eval(expression, engine="python"), index=frame.index)
        return result.astype("boolean").fillna(False).astype(bool)
    except Exception as error:
        raise ParamsError(
            "A rule of the check on contradictions cannot be read.",
            expected="an expression over columns of an interview, true where answers contradict",
            found=f"{name}: {expression} ({type(error).__name__}: {error})",
            where="study file, checks.logic.rules",
        ) from error


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
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    kept = "".join(c for c in letters if not unicodedata.combining(c)).casefold()
    return " ".join(re.findall(r"[a-z0-9]+", kept))


def _others(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Of each question with «other»: 1 where chosen, 0 where something else, missing where not asked."""
    found = {}
    for column in frame.columns:
        if column.endswith(f"__{OTHER}"):
            found[column.removesuffix(f"__{OTHER}")] = frame[column].astype("Float64")
    for column in _selects(frame):
        if frame[column].eq(OTHER).any():
            chosen = frame[column].eq(OTHER).astype("Float64")
            found[column] = chosen.mask(frame[column].isna())
    return found

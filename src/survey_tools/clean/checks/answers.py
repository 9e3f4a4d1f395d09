"""Check the answers of an interview: missing, out of range, contradictory; no enumerators, no texts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import (
    Fieldwork,
    columns_of,
    distances,
    flags,
    joined,
    nothing,
    percent,
    present,
    times,
    wilson,
)
from survey_tools.clean.household_ids.duplicates import heads
from survey_tools.errors import ParamsError
from survey_tools.params import ShareCheck

SCHOOL_AGES = (3, 19)
OTHER = "other"
KEYS = frozenset({"wave", "team_id", "enumerator_id", "commune_code", "hhid", "visit_type"})
UNANSWERED, NOT_ASKED, NOT_JUDGED = "missing_required", "irrelevant_answered", "unknown"


def required(work: Fieldwork) -> pd.DataFrame:
    """Flag interviews without an answer to a question that the form, or the study file, requires.

    What the form requires depends on the answers before, and is known where the findings are given.
    """
    found = []
    message = "A question that has to be answered has no answer."
    for name in work.rules.required.variables:
        columns = columns_of(work.household, name)
        rows = work.household.loc[work.household[columns].isna().all(axis=1) & bool(columns)]
        found.append(flags("required", rows, message, variable=name))
    if work.findings is not None:
        rows = _found_by_form(work).query("kind == @UNANSWERED")
        found.append(flags("required", rows, message, variable=rows["variable"]))
    return joined("required", found).drop_duplicates(["row_id", "variable"])


def missing(work: Fieldwork) -> pd.DataFrame:
    """Flag questions that surely many do not know or refuse, by wave.

    Surely: the lower end of the 95 % interval of the share (Wilson 1927) is above the threshold.
    """
    rule = work.rules.missing
    found = []
    for name in _selects(work.household):
        unknown = work.household[name].isin(rule.codes)
        if unknown.any():
            said = unknown.astype("Float64").mask(work.household[name].isna())
            found.append(_high(work, "missing", said, rule, name, "do not know or refuse"))
    return joined("missing", found)


def outlier(work: Fieldwork) -> pd.DataFrame:
    """Flag numbers far from the median of their wave.

    The distance is the modified z-score (Iglewicz and Hoaglin 1993): from the median, in median absolute
    deviations times 1.4826; where more than half are equal, in mean absolute deviations times 1.2533.
    Amounts are looked at by log(1 + x). The flag holds the distance, not the answer.
    """
    rule = work.rules.outlier
    found = []
    for name in present(work.household.select_dtypes("number"), rule.variables):
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
    """Flag answers that the form would not have let through: they were changed on the server or a device.

    Unanswered questions are those of `required`; what cleaning has flagged is not flagged again here.
    """
    rows = _found_by_form(work)
    rows = rows.loc[rows["kind"] != UNANSWERED]
    if work.problems is not None:
        told = work.own(work.problems)
        known = pd.MultiIndex.from_arrays([told["row_id"].astype("int64"), told["variable"]])
        again = pd.MultiIndex.from_frame(rows[["_id", "variable"]]).isin(known)
        rows = rows.loc[~(again & (rows["kind"] != NOT_ASKED))]
    message = "The form does not allow this answer (" + rows["kind"] + ")."
    return flags("constraint", rows, message, detail=rows["kind"], variable=rows["variable"],
                 item=rows["kind"])  # fmt: skip


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


def other_share(work: Fieldwork) -> pd.DataFrame:
    """Flag questions that surely many answer by «other», by wave: the list lacks a choice.

    Surely: as of `missing`.
    """
    rule = work.rules.other_share
    found = [
        _high(work, "other_share", chosen, rule, name, "answer «other»")
        for name, chosen in _others(work.household).items()
    ]
    return joined("other_share", found)


def _found_by_form(work: Fieldwork) -> pd.DataFrame:
    """Return the findings of rows that are still there, without what could not be judged."""
    findings = work.given("findings")
    here = pd.concat([work.household["_id"], work.visits["_id"]])
    kept = findings["_id"].isin(here) & (findings["kind"] != NOT_JUDGED)
    return work.of_rows(findings.loc[kept])


def _high(
    work: Fieldwork, check: str, said: pd.Series, rule: ShareCheck, name: str, text: str
) -> pd.DataFrame:
    """Flag the waves in which the share of 1 among 0 and 1 is surely high."""
    table = said.groupby(work.household["wave"]).agg(asked="count", times="sum").reset_index()
    table = table.loc[table["asked"] >= rule.least].astype({"times": "float64"})
    low, _ = wilson(table["times"], table["asked"])
    high = table.loc[low > rule.share]
    share = percent(high["times"] / high["asked"])
    detail = share + " / " + high["asked"].astype("str")
    return flags(check, high, share + f" of those asked {text}.", detail=detail, variable=name)


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
    counts = marks.groupby(members["_id"]).sum().reindex(work.household["_id"], fill_value=0)
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

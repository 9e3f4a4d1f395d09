"""Compare back-checks with the first interview: which answers differ, at which rates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import (
    Fieldwork,
    columns_of,
    flags,
    joined,
    nothing,
    percent,
    wilson,
)

TYPES = {
    1: "should never differ",
    2: "asks skill of the enumerator",
    3: "may change with time",
}
"""Types of back-check questions (Innovations for Poverty Action, back-check guide)."""
AGAIN = "__again"
RATE_COLUMNS = ["by", "name", "type", "compared", "differing", "rate", "low", "high",
                "mean_difference", "p_value", "stable"]  # fmt: skip


def backcheck(work: Fieldwork) -> pd.DataFrame:
    """Flag every answer that differs in the back-check, and back-checks without a first interview.

    The flag bears the row, team and enumerator of the first interview.
    """
    compared = compare(work)
    rows = compared.loc[compared["differs"]]
    kind = rows["type"].astype("str")
    message = "The back-check has another answer (type " + kind + ": " + rows["type"].map(TYPES)
    found = flags("backcheck", rows, message + ").", detail="type " + kind,
                  variable=rows["variable"])  # fmt: skip
    return joined("backcheck", [found, _unmatched(work)])


def backcheck_rate(work: Fieldwork) -> pd.DataFrame:
    """Flag enumerators and questions whose error rate is above the limit of its type beyond doubt.

    Beyond doubt: the lower end of the 95 % interval (Wilson 1927) is above it.
    """
    table = backcheck_rates(work)
    if table.empty:
        return nothing("backcheck_rate")
    rule = work.rules.backcheck_rate
    high = (table["low"] > table["type"].map(rule.limits)) & (table["by"] != "type")
    rows = table.loc[high & (table["compared"] >= rule.least)]
    detail = percent(rows["rate"]) + " / " + rows["compared"].astype("str")
    kind = rows["type"].astype("str")
    message = "Back-checks differ in " + percent(rows["rate"]) + " of type " + kind + "."
    own = rows["name"].where(rows["by"] == "enumerator")
    variable = rows["name"].where(rows["by"] == "variable")
    return flags("backcheck_rate", rows.assign(enumerator_id=own), message, detail=detail,
                 variable=variable, item="type " + kind)  # fmt: skip


def backcheck_rates(work: Fieldwork) -> pd.DataFrame:
    """Count differing answers by type of question, by enumerator and by question.

    Returns
    -------
    DataFrame
        `by` (type, enumerator, variable), `name` (of a type: what it means), `type`, `compared`,
        `differing`, `rate` with its 95 % interval `low`, `high` (Wilson 1927); of numeric questions
        `mean_difference` (back-check less first) and the `p_value` of a paired t test; `stable`: the
        interval does not lie above the limit of the type, and the mean does not differ at the 1 % level.
    """
    compared = compare(work)
    if compared.empty:
        return pd.DataFrame(columns=RATE_COLUMNS)
    parts = [
        _rates(compared.assign(meaning=compared["type"].map(TYPES)), "type", ["meaning", "type"]),
        _rates(compared, "enumerator", ["enumerator_id", "type"]),
        _rates(compared, "variable", ["variable", "type"]),
    ]
    table = pd.concat(parts, ignore_index=True)
    limit = table["type"].map(work.rules.backcheck_rate.limits)
    moved = (table["p_value"] < 0.01).fillna(False)
    return table.assign(stable=(table["low"] <= limit) & ~moved)[RATE_COLUMNS]


def compare(work: Fieldwork) -> pd.DataFrame:
    """Lay out both answers of every question that was asked twice.

    Returns
    -------
    DataFrame
        `_id, wave, team_id, enumerator_id` of the first interview, `variable`, `type`, `differs`, and
        `change` (back-check less first) of numeric questions; holds no answer.
    """
    rule = work.rules.backcheck
    key = ["hhid", "wave"]
    again = work.given("backchecks").sort_values("_id").drop_duplicates(key, keep="last")
    both = work.household.merge(again, on=key, suffixes=("", AGAIN), validate="1:1")
    parts = [
        _compared(both, name, columns, kind, rule.ranges.get(name, 0.0))
        for kind, names in rule.types.items()
        for name in names
        if (columns := [c for c in columns_of(work.household, name) if f"{c}{AGAIN}" in both])
    ]
    columns = ["_id", "wave", "team_id", "enumerator_id", "variable", "type", "differs", "change"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _compared(
    both: pd.DataFrame, name: str, columns: list[str], kind: int, near: float
) -> pd.DataFrame:
    """Compare one question; one with several choices differs where any choice does."""
    repeated = [f"{column}{AGAIN}" for column in columns]
    rows = both.loc[both[columns].notna().any(axis=1) & both[repeated].notna().any(axis=1)]
    first, again = rows[columns[0]], rows[repeated[0]]
    change = pd.Series(np.nan, index=rows.index)
    if pd.api.types.is_numeric_dtype(first.dtype) and not pd.api.types.is_bool_dtype(first.dtype):
        change = (again - first).astype("float64")
        differs = change.abs() > near
    else:
        said, repeat = rows[columns].astype("str"), rows[repeated].astype("str")
        differs = pd.Series((said.to_numpy() != repeat.to_numpy()).any(axis=1), index=rows.index)
    keys = rows[["_id", "wave", "team_id", "enumerator_id"]]
    return keys.assign(variable=name, type=kind, differs=differs, change=change)


def _rates(compared: pd.DataFrame, by: str, keys: list[str]) -> pd.DataFrame:
    grouped = compared.groupby(keys)
    table = grouped["differs"].agg(compared="size", differing="sum", rate="mean").reset_index()
    low, high = wilson(table["differing"], table["compared"])
    table = table.rename(columns={keys[0]: "name"}).assign(by=by, low=low, high=high)
    if by != "variable":
        return table.assign(mean_difference=np.nan, p_value=np.nan)
    tests = grouped["change"].apply(_paired).tolist()
    return table.assign(mean_difference=[mean for mean, _ in tests], p_value=[p for _, p in tests])


def _paired(change: pd.Series) -> tuple[float, float]:
    from scipy import special  # takes a fifth of a second

    values = change.dropna().to_numpy(dtype=float)
    if len(values) < 2 or np.ptp(values) == 0:
        return (float(values.mean()) if len(values) else np.nan), np.nan
    # Student (1908); scipy.stats has it too, and takes half a second to load.
    t = values.mean() / (values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()), float(2 * special.stdtr(len(values) - 1, -abs(t)))


def _unmatched(work: Fieldwork) -> pd.DataFrame:
    key = ["hhid", "wave"]
    again = work.given("backchecks")
    known = pd.MultiIndex.from_frame(work.household[key])
    rows = again.loc[~pd.MultiIndex.from_frame(again[key]).isin(known)]
    message = "The back-check has no first interview under this code."
    return flags("backcheck", rows, message, variable="hhid")

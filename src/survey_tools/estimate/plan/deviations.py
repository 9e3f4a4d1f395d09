"""Hold what was run against what was planned; runs nothing and changes no estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.params.plan import AnalysisPlan, PlannedAnalysis

EXPLORATORY = "exploratory"
"""Role of whatever the plan does not foresee."""

_KEY = ["table", "analysis", "outcome"]


class ResultTable(NamedTuple):
    """How a table of results tells its analyses apart, and which of its columns is the result.

    Attributes
    ----------
    analysis : str or None
        Column that names the analysis; None where the table is one analysis, named as the table.
    value : str
        Column that is missing where nothing could be estimated.
    """

    analysis: str | None
    value: str


TABLES = {
    "effects": ResultTable("estimand", "estimate"),
    "inference": ResultTable("method", "p_value"),
    "families": ResultTable(None, "p_value"),
    "heterogeneity": ResultTable("group", "interaction"),
    "event_study": ResultTable("estimator", "estimate"),
    "lee_bounds": ResultTable(None, "lower"),
    "sensitivity": ResultTable(None, "robustness_value"),
    "honest": ResultTable(None, "conf_low"),
    "leave_out": ResultTable(None, "estimate"),
    "communes": ResultTable(None, "estimate"),
    "overlap": ResultTable(None, "mean_score"),
}
"""Tables of results that the plan speaks of."""


def planned(plan: AnalysisPlan, outcomes: Iterable[str], main: Iterable[str]) -> pd.DataFrame:
    """Spell the plan out, one row an analysis and outcome.

    Parameters
    ----------
    plan : AnalysisPlan
    outcomes : iterable of str
        What the plan calls `all`: the outcomes and indices of the study.
    main : iterable of str
        What it calls `main`.

    Returns
    -------
    DataFrame
        `table, analysis, outcome, role`.

    Raises
    ------
    DesignError
        When the plan names a table that no result has, or plans one analysis twice.
    """
    sets = {"all": tuple(outcomes), "main": tuple(main), "none": ("",)}
    rows = [
        (one.table, one.analysis, outcome, one.role)
        for one in plan.analyses
        for outcome in _outcomes(one, sets)
    ]
    unknown = sorted({one.table for one in plan.analyses} - set(TABLES))
    if unknown:
        raise DesignError(
            "The analysis plan names a table that no result has.",
            expected=", ".join(TABLES),
            found=", ".join(unknown),
            where="the plan, analyses: table",
        )
    frame = pd.DataFrame(rows, columns=[*_KEY, "role"])
    twice = frame[frame.duplicated(_KEY)]
    if len(twice):
        raise DesignError(
            "The analysis plan has an analysis twice.",
            found=", ".join(sorted({f"{row.table}: {row.analysis}" for row in twice.itertuples()})),
            where="the plan, analyses",
        )
    return frame


def deviations(
    plan: AnalysisPlan,
    outcomes: Iterable[str],
    main: Iterable[str],
    tables: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """List for each analysis whether it was planned, run, and gave an estimate.

    Parameters
    ----------
    plan, outcomes, main
        As for `planned`.
    tables : mapping of str to DataFrame
        Tables of results by name, those of `TABLES` among them.

    Returns
    -------
    DataFrame
        Contract `plan`: `table, analysis, outcome, role, state`; state is `as_planned`, `no_estimate`
        (planned and run, but nothing could be estimated), `not_run` (planned only) or `not_planned`.
    """
    wanted = planned(plan, outcomes, main)
    done = _run(tables)
    both = wanted.merge(done, on=_KEY, how="outer", indicator=True, validate="1:1")
    states = {"left_only": "not_run", "right_only": "not_planned", "both": "as_planned"}
    state = both["_merge"].astype(str).map(states)
    state = state.mask(both["_merge"].eq("both") & ~both["estimated"].eq(True), "no_estimate")
    found = both.assign(state=state, role=both["role"].fillna(EXPLORATORY))
    return found.sort_values(_KEY, ignore_index=True)[[*_KEY, "role", "state"]].astype("str")


def with_role(
    table: pd.DataFrame,
    name: str,
    plan: AnalysisPlan,
    outcomes: Iterable[str],
    main: Iterable[str],
) -> pd.DataFrame:
    """Return a table of results with the column `role`: that of the plan, or `exploratory`."""
    roles = planned(plan, outcomes, main).set_index(_KEY)["role"].to_dict()
    keys = _keys(table, name)
    role = [roles.get(key, EXPLORATORY) for key in keys.itertuples(index=False, name=None)]
    return table.assign(role=pd.Series(role, index=table.index, dtype="str"))


def _outcomes(one: PlannedAnalysis, sets: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return sets[one.outcomes] if isinstance(one.outcomes, str) else one.outcomes


def _keys(table: pd.DataFrame, name: str) -> pd.DataFrame:
    column = TABLES[name].analysis
    analysis = table[column].astype(str) if column else name
    return pd.DataFrame(
        {"table": name, "analysis": analysis, "outcome": table["outcome"].astype(str)},
        index=table.index,
    )


def _run(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [
        _keys(table, name).assign(estimated=table[TABLES[name].value].notna().to_numpy())
        for name, table in tables.items()
        if name in TABLES and len(table)
    ]
    if not parts:
        return pd.DataFrame(columns=[*_KEY, "estimated"])
    return pd.concat(parts).groupby(_KEY)["estimated"].any().reset_index()

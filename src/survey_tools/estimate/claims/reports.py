"""Add up what officers and team leaders report; no sample, so no interval.

A report is a count by the office that answers for it. Nothing here says that it is right.
"""

from __future__ import annotations

import pandas as pd

from survey_tools.estimate.claims.rows import Row, row_of, smallest_count
from survey_tools.estimate.design import numeric
from survey_tools.params import Reading

METHOD = "sum of reports, no sample"
NO_REPORTS = "no reports"


def site_row(sites: pd.DataFrame, reading: Reading) -> Row:
    """Add up the latest reports of one type of site.

    `units` counts sites where the column is 1, of those that report it; `share` is the sum of the part
    over that of the whole, where a report has both; `total` is the sum.
    """
    kind = sites[sites["site_type"].eq(reading.population)]
    latest = kind[kind["ref_month"].eq(kind["ref_month"].max())]
    period = _months(latest["ref_month"])
    if reading.statistic == "total":
        return _total(latest, reading, period)
    if reading.statistic == "units":
        part = numeric(latest, reading.variable)
        whole = pd.Series(1.0, index=latest.index).to_numpy()
    else:
        part, whole = (numeric(latest, name) for name in reading.variable.split("/"))
    both = pd.DataFrame({"part": part, "whole": whole}).dropna()
    both = both[(both["part"] <= both["whole"]) & both["whole"].gt(0)]
    n, hits = int(both["whole"].sum()), int(both["part"].sum())
    if not n:
        return row_of(reading, period=period, n=0, n_reports=0, note=NO_REPORTS)
    return row_of(
        reading,
        estimate=hits / n,
        n=n,
        numerator=hits,
        n_reports=len(both),
        smallest=smallest_count((n, hits, n - hits)),
        period=period,
        method=METHOD,
    )


def log_row(months: pd.DataFrame, reading: Reading) -> Row:
    """Add up the teams' monthly logs, or take their mean a report; months without a log are not filled."""
    given = months[months[reading.variable].notna()]
    period = _months(given["month"])
    if reading.statistic == "total":
        row = _total(given, reading, period)
    elif given.empty:
        row = row_of(reading, n_reports=0, note=NO_REPORTS)
    else:
        mean = float(numeric(given, reading.variable).mean())
        row = row_of(reading, estimate=mean, n_reports=len(given), period=period, method=METHOD)
    return row | {"n_teams": int(given["team_id"].nunique())}


def _total(rows: pd.DataFrame, reading: Reading, period: str) -> Row:
    values = pd.Series(numeric(rows, reading.variable)).dropna()
    if values.empty:
        return row_of(reading, period=period, n_reports=0, note=NO_REPORTS)
    return row_of(
        reading,
        estimate=float(values.sum()),
        numerator=int(values.sum()),
        n_reports=len(values),
        smallest=smallest_count((float(values.sum()),)),
        period=period,
        method=METHOD,
    )


def _months(dates: pd.Series) -> str:
    """Write the first and last month, `2026-02/2026-10`; one month alone, none as an empty text."""
    if dates.dropna().empty:
        return ""
    ends = [f"{day:%Y-%m}" for day in (dates.min(), dates.max())]
    return "/".join(dict.fromkeys(ends))

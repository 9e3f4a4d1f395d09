"""State what the tables of `processed/results` must look like; reads none."""

from __future__ import annotations

import pandera.pandas as pa

from survey_tools.contracts import columns as c
from survey_tools.contracts.claims import CLAIMS
from survey_tools.contracts.lists import AREA_LIST

_ESTIMATE = {
    "wave": c.wave,
    "group": pa.Column(str),
    "outcome": pa.Column(str),
    "estimate": c.number,
    "conf_low": c.number,
    "conf_high": c.number,
    "n": c.count,
}
"""Columns of an estimate for a wave, a group and an outcome."""

_LEVEL = {
    **_ESTIMATE,
    "numerator": pa.Column("Int64", nullable=True),
    "n_teams": c.count,
    "method": pa.Column(str),
}
"""Columns of a level, wherever its area stands."""

_DIFFERENCE = {
    "area": pa.Column(str),
    **_ESTIMATE,
}
"""Columns of a difference between two levels."""

RESULTS: dict[str, pa.DataFrameSchema] = {
    "effects": pa.DataFrameSchema(
        {
            "outcome": pa.Column(str),
            "estimand": pa.Column(str),
            "wave": c.wave,
            "estimate": c.number,
            "std_error": pa.Column("float64", pa.Check.ge(0), nullable=True),
            "df": c.number,
            "p_value": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "conf_low": c.number,
            "conf_high": c.number,
            "n": c.count,
            "n_teams": c.count,
            "mean_regular": c.number,
            "method": pa.Column(str),
            "note": pa.Column(str),
        },
        checks=c.interval,
        unique=["outcome", "estimand", "wave"],
    ),
    "levels": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            **_LEVEL,
        },
        checks=c.interval,
        unique=["area", "wave", "group", "outcome"],
    ),
    "levels_by_area": pa.DataFrameSchema(
        {
            AREA_LIST: pa.Column(str),
            "area_code": c.commune,
            **_LEVEL,
        },
        checks=c.interval,
        unique=[AREA_LIST, "area_code", "wave", "group", "outcome"],
    ),
    "outreach": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            **_LEVEL,
        },
        checks=c.interval,
        unique=["area", "wave", "group", "outcome"],
    ),
    "changes": pa.DataFrameSchema(
        {**_DIFFERENCE, "n_baseline": c.count},
        checks=c.interval,
        unique=["area", "wave", "group", "outcome"],
    ),
    "gaps": pa.DataFrameSchema(
        _DIFFERENCE,
        checks=c.interval,
        unique=["area", "wave", "group", "outcome"],
    ),
    "fieldwork": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            "wave": c.wave,
            "interviews": c.count,
            "drawn": pa.Column("Int64", pa.Check.ge(0), nullable=True),
            "first_day": pa.Column(str, pa.Check.str_matches(c.DAY), nullable=True),
            "last_day": pa.Column(str, pa.Check.str_matches(c.DAY), nullable=True),
            "on_first": c.count,
            "on_last": c.count,
        },
        unique=["area", "wave"],
    ),
    "choices": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            "wave": c.wave,
            "variable": pa.Column(str),
            "choice": pa.Column(str),
            "numerator": c.count,
            "n": c.count,
            "conf_low": pa.Column("float64", nullable=True, required=False),
            "conf_high": pa.Column("float64", nullable=True, required=False),
        },
        unique=["area", "wave", "variable", "choice"],
    ),
    "claims": CLAIMS,
    "communes": pa.DataFrameSchema(
        {
            "commune_code": c.commune,
            "outcome": pa.Column(str),
            "raw": c.number,
            "raw_se": c.number,
            "estimate": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "weight_own": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "n": c.count,
            "n_teams": c.count,
            "n_teams_intensive": c.count,
            "status": pa.Column(str, pa.Check.isin(["ok", "too_few"])),
        },
        checks=c.interval,
        unique=["commune_code", "outcome"],
    ),
    "balance": pa.DataFrameSchema(
        {
            "variable": pa.Column(str),
            "mean_regular": c.number,
            "mean_intensive": c.number,
            "estimate": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "p_value": c.number,
            "normalised_difference": c.number,
            "n": c.count,
            "n_teams": c.count,
        },
        unique=["variable"],
    ),
    "attrition": pa.DataFrameSchema(
        {
            "wave": c.wave,
            "arm": pa.Column(str, pa.Check.isin(["regular", "intensive"])),
            "drawn": c.count,
            "interviewed": c.count,
        },
        unique=["wave", "arm"],
    ),
}
"""Contract of each table by name; further columns are allowed."""

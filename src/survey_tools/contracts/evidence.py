"""State what the tables of `processed/results` behind the effects must look like; reads none."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from survey_tools.contracts import columns as c

_share = pa.Column("float64", pa.Check.in_range(0, 1), nullable=True)
_name = pa.Column(str)
ROLE = pa.Column(
    str,
    pa.Check.isin(["main", "secondary", "robustness", "threat", "warning", "exploratory"]),
    required=False,
)
"""Role of a row in the analysis plan."""


def ordered(frame: pd.DataFrame) -> pd.Series:
    """Whether the interval of each row is in order; an open end is."""
    return ~(frame["conf_low"] > frame["conf_high"])


_IN_ORDER = pa.Check(ordered, name="conf_low <= conf_high")

EVIDENCE: dict[str, pa.DataFrameSchema] = {
    "inference": pa.DataFrameSchema(
        {
            "outcome": _name,
            "estimand": _name,
            "method": pa.Column(str, pa.Check.isin(["randomisation", "cr2", "cr1", "hc2", "wild"])),
            "estimate": c.number,
            "p_value": _share,
            "conf_low": c.number,
            "conf_high": c.number,
            "n": c.count,
            "n_teams": c.count,
            "draws": pa.Column("Int64", pa.Check.ge(0), nullable=True),
            "teams_effective": c.number,
            "note": _name,
            "role": ROLE,
        },
        checks=_IN_ORDER,
        unique=["outcome", "estimand", "method"],
    ),
    "families": pa.DataFrameSchema(
        {
            "outcome": _name,
            "family": _name,
            "n_tests": c.count,
            "p_value": _share,
            "p_romano_wolf": _share,
            "p_holm": _share,
            "q_sharpened": _share,
            "note": _name,
            "role": ROLE,
        },
        unique=["outcome"],
    ),
    "heterogeneity": pa.DataFrameSchema(
        {
            "outcome": _name,
            "group": _name,
            "estimate_in": c.number,
            "conf_low_in": c.number,
            "conf_high_in": c.number,
            "estimate_out": c.number,
            "conf_low_out": c.number,
            "conf_high_out": c.number,
            "n_in": c.count,
            "n_out": c.count,
            "n_teams_in": c.count,
            "interaction": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "p_value": _share,
            "p_adjusted": _share,
            "note": _name,
            "role": ROLE,
        },
        checks=_IN_ORDER,
        unique=["outcome", "group"],
    ),
    "event_study": pa.DataFrameSchema(
        {
            "outcome": _name,
            "estimator": _name,
            "event_time": pa.Column("int64"),
            "estimate": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "n": c.count,
            "n_teams": c.count,
            "note": _name,
            "role": ROLE,
        },
        checks=_IN_ORDER,
        unique=["outcome", "estimator", "event_time"],
    ),
    "honest": pa.DataFrameSchema(
        {
            "outcome": _name,
            "kind": _name,
            "m": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "role": ROLE,
        },
        checks=_IN_ORDER,
    ),
    "lee_bounds": pa.DataFrameSchema(
        {
            "outcome": _name,
            "lower": c.number,
            "upper": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "share_trimmed": _share,
            "n": c.count,
            "n_teams": c.count,
            "note": _name,
            "role": ROLE,
        },
        checks=_IN_ORDER,
        unique=["outcome"],
    ),
    "sensitivity": pa.DataFrameSchema(
        {"outcome": _name, "robustness_value": _share, "n": c.count, "role": ROLE},
        unique=["outcome"],
    ),
    "leave_out": pa.DataFrameSchema(
        {
            "outcome": _name,
            "left_out": c.commune,
            "estimate": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "n": c.count,
            "n_teams": c.count,
            "role": ROLE,
        },
        checks=_IN_ORDER,
        unique=["outcome", "left_out"],
    ),
    "attrition_test": pa.DataFrameSchema(
        {
            "wave": c.wave,
            "estimate": c.number,
            "conf_low": c.number,
            "conf_high": c.number,
            "p_value": _share,
            "n": c.count,
        },
        checks=_IN_ORDER,
        unique=["wave"],
    ),
    "detectable": pa.DataFrameSchema(
        {
            "outcome": _name,
            "icc": c.number,
            "teams": c.count,
            "mde": c.number,
            "mde_family": c.number,
            "mde_takeup": c.number,
            "note": _name,
        },
        unique=["outcome"],
    ),
    "overlap": pa.DataFrameSchema(
        {
            "outcome": _name,
            "arm": pa.Column(str, pa.Check.isin(["untreated", "treated"])),
            "n": c.count,
            "n_teams": c.count,
            "mean_score": _share,
            "share_below": _share,
            "share_above": _share,
            "effective_n": c.number,
            "note": _name,
            "role": ROLE,
        },
        unique=["outcome", "arm"],
    ),
    "plan": pa.DataFrameSchema(
        {
            "table": _name,
            "analysis": _name,
            "outcome": _name,
            "role": _name,
            "state": pa.Column(
                str, pa.Check.isin(["as_planned", "no_estimate", "not_run", "not_planned"])
            ),
        },
        unique=["table", "analysis", "outcome"],
    ),
}
"""Contract of each table by name; further columns are allowed."""

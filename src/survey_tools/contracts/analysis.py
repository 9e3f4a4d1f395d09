"""State what the tables of `processed/analysis` must look like; reads none."""

from __future__ import annotations

import pandera.pandas as pa

from survey_tools.contracts import columns as c
from survey_tools.contracts.claims import CLAIM_ANSWERS, TEAM_MONTHS
from survey_tools.contracts.lists import AREA_LIST

ANALYSIS: dict[str, pa.DataFrameSchema] = {
    "panel": pa.DataFrameSchema(
        {
            "hhid": c.household,
            "wave": c.wave,
            "commune_code": c.commune,
            "team_id": c.team,
            "intensive": c.arm,
            "weight": pa.Column("float64", pa.Check.gt(0), required=False),
            AREA_LIST: c.area_list,
        },
        unique=["hhid", "wave"],
    ),
    "households": pa.DataFrameSchema(
        {
            "hhid": c.household,
            "commune_code": c.commune,
            "team_id": c.team,
            "intensive": c.arm,
            AREA_LIST: c.area_list,
        },
        unique=["hhid"],
    ),
    "teams": pa.DataFrameSchema(
        {"team_id": c.team, "commune_code": c.commune, "intensive": c.arm, "households": c.count},
        unique=["team_id"],
    ),
    "answers": pa.DataFrameSchema(
        {
            "hhid": c.household,
            "wave": c.wave,
            "commune_code": c.commune,
            "team_id": c.team,
            "variable": pa.Column(str),
            "choice": pa.Column(str),
            "chosen": pa.Column("int64", pa.Check.isin([0, 1])),
        },
        unique=["hhid", "wave", "variable", "choice"],
    ),
    "claim_answers": CLAIM_ANSWERS,
    "team_months": TEAM_MONTHS,
    "sites": pa.DataFrameSchema({"site_type": pa.Column(str)}),
    "weights": pa.DataFrameSchema(
        {
            "wave": c.wave,
            "commune_code": c.commune,
            "households": pa.Column("float64", pa.Check.ge(0)),
            "n": c.count,
            "n_teams": c.count,
            "trimmed": c.count,
            "n_eff": pa.Column("float64", pa.Check.ge(0)),
            "deff": pa.Column("float64", pa.Check.ge(1 - 1e-9), nullable=True),
            "note": pa.Column(str),
        },
        unique=["wave", "commune_code"],
    ),
    "exposure": pa.DataFrameSchema(
        {
            "team_id": c.team,
            "commune_code": c.commune,
            "answers": c.count,
            "reached_share_6m": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "contacts_per_100_answers_6m": c.number,
            "months_reported": c.count,
            "visits_per_100_log_6m": c.number,
            "teams_active_share_site": c.number,
        },
        unique=["team_id"],
    ),
    "agreement": pa.DataFrameSchema(
        {
            "left": pa.Column(str),
            "right": pa.Column(str),
            "unit": pa.Column(str, pa.Check.isin(["team", "commune"])),
            "n": c.count,
            "pearson": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "spearman": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "kappa": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "note": pa.Column(str),
        },
        unique=["left", "right", "unit"],
    ),
    "adoption": pa.DataFrameSchema(
        {
            "hhid": c.household,
            "team_id": c.team,
            "commune_code": c.commune,
            "intensive": c.arm,
            "event": pa.Column(str, pa.Check.isin(["account", "online_selling"])),
            "period": pa.Column(str),
        },
        unique=["hhid", "event"],
    ),
    "index_weights": pa.DataFrameSchema(
        {
            "index": pa.Column(str),
            "outcome": pa.Column(str),
            "n": c.count,
            "mean": c.number,
            "sd": pa.Column("float64", pa.Check.ge(0), nullable=True),
            "weight": c.number,
            "note": pa.Column(str),
        },
        unique=["index", "outcome"],
    ),
    "response": pa.DataFrameSchema(
        {
            "hhid": c.household,
            "team_id": c.team,
            "commune_code": c.commune,
            "intensive": c.arm,
            "pattern": pa.Column(str, pa.Check.str_matches("^[01]+$")),
            "attrited": pa.Column("Int64", pa.Check.isin([0, 1]), nullable=True),
        },
        unique=["hhid"],
    ),
}
"""Contract of each table by name; further columns are allowed."""

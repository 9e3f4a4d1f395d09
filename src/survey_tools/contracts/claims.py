"""State what the tables behind the statements of the news item must look like; reads none."""

from __future__ import annotations

import pandera.pandas as pa

from survey_tools.contracts import columns as c

_name = pa.Column(str)
_counted = pa.Column("Int64", pa.Check.ge(0), nullable=True)


CLAIM_ANSWERS = pa.DataFrameSchema(
    {
        "hhid": c.household,
        "wave": c.wave,
        "commune_code": c.commune,
        "team_id": c.team,
        "upper_secondary": c.number,
        "persons_10": c.number,
        "smartphones_10": c.number,
    },
    checks=pa.Check(
        lambda frame: ~(frame["smartphones_10"] > frame["persons_10"]),
        name="smartphones_10 <= persons_10",
    ),
    unique=["hhid", "wave"],
)

TEAM_MONTHS = pa.DataFrameSchema(
    {"team_id": c.team, "commune_code": c.commune, "month": pa.Column("datetime64[ns]")},
    unique=["team_id", "month"],
)

CLAIMS = pa.DataFrameSchema(
    {
        "claim": _name,
        "reading": _name,
        "source": pa.Column(str, pa.Check.isin(["households", "sites", "logs"])),
        "statistic": _name,
        "wave": _name,
        "wave_from": _name,
        "period": _name,
        "scale": _name,
        "unit": _name,
        "estimate": c.number,
        "conf_low": c.number,
        "conf_high": c.number,
        "n": _counted,
        "n_other": _counted,
        "numerator": _counted,
        "n_teams": _counted,
        "n_reports": _counted,
        "smallest": _counted,
        "figure": c.number,
        "test": _name,
        "method": _name,
        "note": _name,
    },
    checks=c.interval,
    unique=["claim", "reading"],
)
"""One row a statement and reading. `n_other` counts the other side of a difference, `smallest` is the
smallest count above 0 that can be told from the row."""

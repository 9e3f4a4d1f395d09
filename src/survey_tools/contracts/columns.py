"""Columns that many tables share, and the check of an interval; knows no table."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

HOUSEHOLD_CODE = r"^[0-9]{5}-T[0-9]{2}-H[0-9]{3}-[0-6]$"
TEAM = r"^[0-9]{5}-T[0-9]{2}$"
COMMUNE = r"^[0-9]{5}$"
WAVE = r"^w[0-9]$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

household = pa.Column(str, pa.Check.str_matches(HOUSEHOLD_CODE))
team = pa.Column(str, pa.Check.str_matches(TEAM))
commune = pa.Column(str, pa.Check.str_matches(COMMUNE))
wave = pa.Column(str, pa.Check.str_matches(WAVE))
arm = pa.Column("int64", pa.Check.isin([0, 1]))
count = pa.Column("int64", pa.Check.ge(0))
number = pa.Column("float64", nullable=True)
text = pa.Column(str, nullable=True)
area_list = pa.Column(str, pa.Check(lambda column: column.nunique() <= 1), required=False)


def _interval_in_order(frame: pd.DataFrame) -> pd.Series:
    inside = (frame["conf_low"] <= frame["estimate"]) & (frame["estimate"] <= frame["conf_high"])
    return inside | frame["conf_low"].isna() | frame["estimate"].isna()


interval = pa.Check(_interval_in_order, name="conf_low <= estimate <= conf_high")

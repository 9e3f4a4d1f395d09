"""State what the tables of `processed/clean` must look like, flags and problems among them; reads none."""

from __future__ import annotations

import pandera.pandas as pa

from survey_tools.contracts import columns as c
from survey_tools.contracts.lists import AREA_LIST

CLEAN: dict[str, pa.DataFrameSchema] = {
    "household": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "hhid": c.household,
            "wave": c.wave,
            "team_id": c.team,
            "commune_code": c.commune,
            AREA_LIST: c.area_list,
        },
        unique=["hhid", "wave"],
    ),
    "roster": pa.DataFrameSchema(
        {"_id": pa.Column("int64"), "roster_no": pa.Column("int64", pa.Check.ge(1))},
        unique=["_id", "roster_no"],
    ),
    "visits": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "hhid": c.text,
            "wave": c.text,
            "visit_result": c.text,
        }
    ),
    "team_log": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "team_id": c.team,
            "commune_code": c.commune,
            "month": pa.Column("datetime64[ns]", coerce=True),
        },
        unique=["team_id", "month"],
    ),
    "site": pa.DataFrameSchema({"_id": pa.Column("int64", unique=True), "site_type": c.text}),
    "labels": pa.DataFrameSchema(
        {
            "variable": pa.Column(str),
            "code": pa.Column(str),
            "lang": pa.Column(str),
            "label": c.text,
        },
        unique=["variable", "code", "lang"],
    ),
    "flow": pa.DataFrameSchema(
        {
            "step": pa.Column("int64", pa.Check.ge(0)),
            "stage": pa.Column(str),
            "wave": pa.Column(str),
            "reason": pa.Column(str),
            "dropped": c.count,
            "remaining": c.count,
        }
    ),
    "flags": pa.DataFrameSchema(
        {
            "check": pa.Column(str),
            "wave": c.text,
            "team_id": c.text,
            "enumerator_id": c.text,
            "row_id": pa.Column("Int64", nullable=True),
            "variable": c.text,
            "message": pa.Column(str),
            "form": pa.Column(
                str, pa.Check.isin(["household", "team_log", "site"]), required=False
            ),
            "item": pa.Column(str, nullable=True, required=False),
            "detail": pa.Column(str, nullable=True, required=False),
            # once `run.check_fieldwork` has followed them from run to run
            "key": pa.Column(str, unique=True, required=False),
            "state": pa.Column(
                str, pa.Check.isin(["new", "open", "answered", "resolved"]), required=False
            ),
            "first_seen": pa.Column(str, pa.Check.str_matches(c.DAY), required=False),
            "last_seen": pa.Column(str, pa.Check.str_matches(c.DAY), required=False),
            # the day from which on it has been there without a break, and the server of its rows
            "since": pa.Column(str, pa.Check.str_matches(c.DAY), required=False),
            "source": pa.Column(str, required=False),
        }
    ),
    "problems": pa.DataFrameSchema(
        {
            "check": pa.Column(str),
            "wave": c.text,
            "team_id": c.text,
            "enumerator_id": c.text,
            "row_id": pa.Column("Int64"),
            "variable": pa.Column(str),
            "message": pa.Column(str),
        }
    ),
    "corrections_log": pa.DataFrameSchema(
        {
            "file": pa.Column(str),
            "line": pa.Column("int64", pa.Check.ge(2)),
            "form": pa.Column(str),
            "row_id": pa.Column("int64"),
            "wave": c.text,
            "variable": c.text,
            "action": pa.Column(str, pa.Check.isin(["okay", "replace", "drop"])),
            "old_value": c.text,
            "new_value": c.text,
            "decided_on": pa.Column(str),
            "status": pa.Column(str),
        },
        unique=["file", "line"],
    ),
    "duplicates": pa.DataFrameSchema(
        {
            "group": pa.Column(str),
            "kind": pa.Column(str),
            "row_id": pa.Column("int64"),
            "rule": pa.Column(str, pa.Check.isin(["keep", "drop"])),
            "settled": pa.Column(str, pa.Check.isin(["keep", "drop"])),
            "settled_by": pa.Column(str, pa.Check.isin(["decision", "rule"])),
        },
        unique=["kind", "row_id"],
    ),
    "identity": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "hhid": c.household,
            "wave": c.wave,
            "wave_before": c.wave,
            "status": pa.Column(
                str,
                pa.Check.isin(["same", "head_changed", "another_household", "cannot_tell"]),
            ),
        }
    ),
    "unmatched": pa.DataFrameSchema(
        {
            "kind": pa.Column(
                str, pa.Check.isin(["drawn_not_visited", "drawn_never_met", "met_not_drawn"])
            ),
            "wave": c.text,
            "hhid": c.text,
            "row_id": pa.Column("Int64", nullable=True),
            "team_id": c.text,
        }
    ),
    "consents": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64"),
            "hhid": c.text,
            "wave": c.text,
            "visit_type": c.text,
            "purpose": pa.Column(str),
            "given": pa.Column(str, pa.Check.isin(["yes", "no", "missing"])),
            "at": pa.Column("datetime64[us, UTC]", nullable=True),
            "at_from": c.text,
            "version": c.text,
            "form_version": c.text,
            "how": pa.Column(str),
        },
        unique=["_id", "purpose"],
    ),
}
"""Contract of each table by name; further columns are allowed."""

"""State what each table that crosses a stage must look like, and write and read it by that contract.

Repairs nothing: a table that breaks its contract is refused with the column and the rows.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from survey_tools.errors import AreaError, ContractError
from survey_tools.files import replacing
from survey_tools.register import Register
from survey_tools.register.question import MAIN
from survey_tools.register.schema import NO_TABLE_COLUMN, answers_schema

HOUSEHOLD_CODE = r"^[0-9]{5}-T[0-9]{2}-H[0-9]{3}-[0-6]$"
TEAM = r"^[0-9]{5}-T[0-9]{2}$"
COMMUNE = r"^[0-9]{5}$"
WAVE = r"^w[0-9]$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
AREA_LIST = "area_list"
"""Column that says of which dated list the codes of a table are; a code alone names no place."""

CODES = ("hhid", "team_id", "commune_code")
"""Columns that hold or begin with the code of a commune."""

_household = pa.Column(str, pa.Check.str_matches(HOUSEHOLD_CODE))
_team = pa.Column(str, pa.Check.str_matches(TEAM))
_commune = pa.Column(str, pa.Check.str_matches(COMMUNE))
_wave = pa.Column(str, pa.Check.str_matches(WAVE))
_arm = pa.Column("int64", pa.Check.isin([0, 1]))
_count = pa.Column("int64", pa.Check.ge(0))
_number = pa.Column("float64", nullable=True)
_text = pa.Column(str, nullable=True)
_area_list = pa.Column(str, pa.Check(lambda column: column.nunique() <= 1), required=False)


def _interval_in_order(frame: pd.DataFrame) -> pd.Series:
    inside = (frame["conf_low"] <= frame["estimate"]) & (frame["estimate"] <= frame["conf_high"])
    return inside | frame["conf_low"].isna() | frame["estimate"].isna()


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    # clean/
    "household": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "hhid": _household,
            "wave": _wave,
            "team_id": _team,
            "commune_code": _commune,
            AREA_LIST: _area_list,
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
            "hhid": _text,
            "wave": _text,
            "visit_result": _text,
        }
    ),
    "team_log": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64", unique=True),
            "team_id": _team,
            "commune_code": _commune,
            "month": pa.Column("datetime64[ns]", coerce=True),
        },
        unique=["team_id", "month"],
    ),
    "site": pa.DataFrameSchema({"_id": pa.Column("int64", unique=True), "site_type": _text}),
    "labels": pa.DataFrameSchema(
        {
            "variable": pa.Column(str),
            "code": pa.Column(str),
            "lang": pa.Column(str),
            "label": _text,
        },
        unique=["variable", "code", "lang"],
    ),
    "flow": pa.DataFrameSchema(
        {
            "step": pa.Column("int64", pa.Check.ge(0)),
            "stage": pa.Column(str),
            "wave": pa.Column(str),
            "reason": pa.Column(str),
            "dropped": _count,
            "remaining": _count,
        }
    ),
    # check
    "flags": pa.DataFrameSchema(
        {
            "check": pa.Column(str),
            "wave": _text,
            "team_id": _text,
            "enumerator_id": _text,
            "row_id": pa.Column("Int64", nullable=True),
            "variable": _text,
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
            "first_seen": pa.Column(str, pa.Check.str_matches(DAY), required=False),
            "last_seen": pa.Column(str, pa.Check.str_matches(DAY), required=False),
            # the day from which on it has been there without a break, and the server of its rows
            "since": pa.Column(str, pa.Check.str_matches(DAY), required=False),
            "source": pa.Column(str, required=False),
        }
    ),
    "problems": pa.DataFrameSchema(
        {
            "check": pa.Column(str),
            "wave": _text,
            "team_id": _text,
            "enumerator_id": _text,
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
            "wave": _text,
            "variable": _text,
            "action": pa.Column(str, pa.Check.isin(["okay", "replace", "drop"])),
            "old_value": _text,
            "new_value": _text,
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
            "hhid": _household,
            "wave": _wave,
            "wave_before": _wave,
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
            "wave": _text,
            "hhid": _text,
            "row_id": pa.Column("Int64", nullable=True),
            "team_id": _text,
        }
    ),
    "consents": pa.DataFrameSchema(
        {
            "_id": pa.Column("int64"),
            "hhid": _text,
            "wave": _text,
            "visit_type": _text,
            "purpose": pa.Column(str),
            "given": pa.Column(str, pa.Check.isin(["yes", "no", "missing"])),
            "at": pa.Column("datetime64[us, UTC]", nullable=True),
            "at_from": _text,
            "version": _text,
            "form_version": _text,
            "how": pa.Column(str),
        },
        unique=["_id", "purpose"],
    ),
    # analysis/
    "panel": pa.DataFrameSchema(
        {
            "hhid": _household,
            "wave": _wave,
            "commune_code": _commune,
            "team_id": _team,
            "intensive": _arm,
            "weight": pa.Column("float64", pa.Check.gt(0), required=False),
            AREA_LIST: _area_list,
        },
        unique=["hhid", "wave"],
    ),
    "households": pa.DataFrameSchema(
        {
            "hhid": _household,
            "commune_code": _commune,
            "team_id": _team,
            "intensive": _arm,
            AREA_LIST: _area_list,
        },
        unique=["hhid"],
    ),
    "teams": pa.DataFrameSchema(
        {"team_id": _team, "commune_code": _commune, "intensive": _arm, "households": _count},
        unique=["team_id"],
    ),
    "answers": pa.DataFrameSchema(
        {
            "hhid": _household,
            "wave": _wave,
            "commune_code": _commune,
            "team_id": _team,
            "variable": pa.Column(str),
            "choice": pa.Column(str),
            "chosen": pa.Column("int64", pa.Check.isin([0, 1])),
        },
        unique=["hhid", "wave", "variable", "choice"],
    ),
    "sites": pa.DataFrameSchema({"site_type": pa.Column(str)}),
    "weights": pa.DataFrameSchema(
        {
            "wave": _wave,
            "commune_code": _commune,
            "households": pa.Column("float64", pa.Check.ge(0)),
            "n": _count,
            "n_teams": _count,
            "trimmed": _count,
            "n_eff": pa.Column("float64", pa.Check.ge(0)),
            "deff": pa.Column("float64", pa.Check.ge(1 - 1e-9), nullable=True),
            "note": pa.Column(str),
        },
        unique=["wave", "commune_code"],
    ),
    "exposure": pa.DataFrameSchema(
        {
            "team_id": _team,
            "commune_code": _commune,
            "answers": _count,
            "reached_share_6m": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "contacts_per_100_answers_6m": _number,
            "months_reported": _count,
            "visits_per_100_log_6m": _number,
            "teams_active_share_site": _number,
        },
        unique=["team_id"],
    ),
    "agreement": pa.DataFrameSchema(
        {
            "left": pa.Column(str),
            "right": pa.Column(str),
            "unit": pa.Column(str, pa.Check.isin(["team", "commune"])),
            "n": _count,
            "pearson": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "spearman": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "kappa": pa.Column("float64", pa.Check.in_range(-1, 1), nullable=True),
            "note": pa.Column(str),
        },
        unique=["left", "right", "unit"],
    ),
    "index_weights": pa.DataFrameSchema(
        {
            "index": pa.Column(str),
            "outcome": pa.Column(str),
            "n": _count,
            "mean": _number,
            "sd": pa.Column("float64", pa.Check.ge(0), nullable=True),
            "weight": _number,
            "note": pa.Column(str),
        },
        unique=["index", "outcome"],
    ),
    "response": pa.DataFrameSchema(
        {
            "hhid": _household,
            "team_id": _team,
            "commune_code": _commune,
            "intensive": _arm,
            "pattern": pa.Column(str, pa.Check.str_matches("^[01]+$")),
            "attrited": pa.Column("Int64", pa.Check.isin([0, 1]), nullable=True),
        },
        unique=["hhid"],
    ),
    # results/
    "effects": pa.DataFrameSchema(
        {
            "outcome": pa.Column(str),
            "estimand": pa.Column(str),
            "wave": _wave,
            "estimate": _number,
            "std_error": pa.Column("float64", pa.Check.ge(0), nullable=True),
            "df": _number,
            "p_value": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "conf_low": _number,
            "conf_high": _number,
            "n": _count,
            "n_teams": _count,
            "mean_regular": _number,
            "method": pa.Column(str),
            "note": pa.Column(str),
        },
        checks=pa.Check(_interval_in_order, name="conf_low <= estimate <= conf_high"),
        unique=["outcome", "estimand", "wave"],
    ),
    "levels": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            "wave": _wave,
            "group": pa.Column(str),
            "outcome": pa.Column(str),
            "estimate": _number,
            "conf_low": _number,
            "conf_high": _number,
            "n": _count,
            "numerator": pa.Column("Int64", nullable=True),
            "n_teams": _count,
            "method": pa.Column(str),
        },
        checks=pa.Check(_interval_in_order, name="conf_low <= estimate <= conf_high"),
        unique=["area", "wave", "group", "outcome"],
    ),
    "levels_by_area": pa.DataFrameSchema(
        {
            AREA_LIST: pa.Column(str),
            "area_code": _commune,
            "wave": _wave,
            "group": pa.Column(str),
            "outcome": pa.Column(str),
            "estimate": _number,
            "conf_low": _number,
            "conf_high": _number,
            "n": _count,
            "numerator": pa.Column("Int64", nullable=True),
            "n_teams": _count,
            "method": pa.Column(str),
        },
        checks=pa.Check(_interval_in_order, name="conf_low <= estimate <= conf_high"),
        unique=[AREA_LIST, "area_code", "wave", "group", "outcome"],
    ),
    "choices": pa.DataFrameSchema(
        {
            "area": pa.Column(str),
            "wave": _wave,
            "variable": pa.Column(str),
            "choice": pa.Column(str),
            "numerator": _count,
            "n": _count,
        },
        unique=["area", "wave", "variable", "choice"],
    ),
    "communes": pa.DataFrameSchema(
        {
            "commune_code": _commune,
            "outcome": pa.Column(str),
            "raw": _number,
            "raw_se": _number,
            "estimate": _number,
            "conf_low": _number,
            "conf_high": _number,
            "weight_own": pa.Column("float64", pa.Check.in_range(0, 1), nullable=True),
            "n": _count,
            "n_teams": _count,
            "n_teams_intensive": _count,
            "status": pa.Column(str, pa.Check.isin(["ok", "too_few"])),
        },
        checks=pa.Check(_interval_in_order, name="conf_low <= estimate <= conf_high"),
        unique=["commune_code", "outcome"],
    ),
    "balance": pa.DataFrameSchema(
        {
            "variable": pa.Column(str),
            "mean_regular": _number,
            "mean_intensive": _number,
            "estimate": _number,
            "conf_low": _number,
            "conf_high": _number,
            "p_value": _number,
            "normalised_difference": _number,
            "n": _count,
            "n_teams": _count,
        },
        unique=["variable"],
    ),
    "attrition": pa.DataFrameSchema(
        {
            "wave": _wave,
            "arm": pa.Column(str, pa.Check.isin(["regular", "intensive"])),
            "drawn": _count,
            "interviewed": _count,
        },
        unique=["wave", "arm"],
    ),
}
"""Contract of each table by name; further columns are allowed."""


def validate(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Hold `frame` against the contract `name` and return it unchanged.

    Raises
    ------
    ContractError
        Names the columns and checks that failed and how many rows; never a value of a row.
    """
    try:
        # pandera cannot report failures of a frame whose index has duplicates
        SCHEMAS[name].validate(frame.reset_index(drop=True), lazy=True)
    except SchemaErrors as error:
        raise _contract_error(error, name) from None
    return frame


def validate_answers(
    frame: pd.DataFrame,
    name: str,
    register: Register,
    table: str = MAIN,
    *,
    given: Collection[str] | None = (),
    extra: Collection[str] = (),
    complete: bool = True,
) -> pd.DataFrame:
    """Hold the answers of `frame` against the register of their form and return it unchanged.

    Parameters
    ----------
    frame : DataFrame
        A cleaned table; `name` is what an error calls it.
    register, table, given, extra, complete
        See `survey_tools.register.schema.answers_schema`.

    Raises
    ------
    ContractError
        When a column is unknown to the register, missing or of another type, or an answer is outside of
        what the register allows. Names columns, checks and how many rows; never a value.
    """
    known = (*extra, AREA_LIST)
    schema = answers_schema(register, table, given=given, extra=known, complete=complete)
    try:
        schema.validate(frame.reset_index(drop=True), lazy=True)
    except SchemaErrors as error:
        raise _contract_error(error, name, "params/register/") from None
    return frame


def same_list(assumed: str | None = None, **tables: pd.DataFrame | None) -> str | None:
    """Assert that the codes of all tables are of one dated list of areas, and name it.

    Parameters
    ----------
    assumed : str, optional
        The list that the study names. Tables that say another are refused.
    tables : DataFrame or None
        By the name that an error calls them. A table without the column `area_list` is taken to be of the
        same list as the others: the workspace puts the column into every table with codes that it reads
        or writes.

    Raises
    ------
    AreaError
        When a table holds codes of two lists, or two tables codes of different ones.
    """
    said = {} if assumed is None else {"the study (areas.list)": {assumed}}
    for name, table in tables.items():
        if table is not None and AREA_LIST in table and len(table):
            said[name] = {str(value) for value in table[AREA_LIST].fillna("?").unique()}
    lists = sorted(set().union(*said.values()))
    if len(lists) > 1:
        found = "; ".join(f"{name}: {' and '.join(sorted(s))}" for name, s in said.items())
        raise AreaError(
            "Codes of different lists of areas cannot be joined: the same code may be another place.",
            expected="one list, the same in every table",
            found=found,
            where=f"column {AREA_LIST}",
            next_step="make the older tables again, or put the codes into one list by estimate.in_list",
        )
    return lists[0] if lists else None


def stamp_list(frame: pd.DataFrame, area_list: str) -> pd.DataFrame:
    """Return a table that has codes with the column `area_list`; one that has none as it is.

    Raises
    ------
    AreaError
        When the table says that its codes are of another list.
    """
    if not set(CODES) & set(frame.columns):
        return frame
    same_list(area_list, table=frame)
    return carry_list(pd.DataFrame({AREA_LIST: [area_list]}), frame)


def carry_list(source: pd.DataFrame, result: pd.DataFrame) -> pd.DataFrame:
    """Return a table made from `source` with the list that the codes of `source` are of, if it says one."""
    area_list = same_list(source=source)
    if area_list is None:
        return result
    return result.assign(**{AREA_LIST: pd.Series(area_list, index=result.index, dtype="str")})


def join_on_codes(
    left: pd.DataFrame,
    right: pd.DataFrame,
    on: str,
    *,
    how: Literal["left", "inner", "outer"] = "left",
    validate: str = "m:1",
) -> pd.DataFrame:
    """Join two tables on a household, team or commune code together with the list that it is of.

    Parameters
    ----------
    left, right : DataFrame
        With the columns `area_list` and `on`.
    on : str
        `hhid`, `team_id`, `commune_code`, or another column of codes.
    how, validate : str
        As `DataFrame.merge`; `m:1` unless said otherwise.

    Raises
    ------
    AreaError
        When a table does not say of which list its codes are, or the two say different ones.
    """
    for name, table in (("left", left), ("right", right)):
        if AREA_LIST not in table:
            raise AreaError(
                "A table does not say of which list its codes are.",
                expected=f"a column {AREA_LIST}",
                where=f"the {name} table of a join on {on}",
                next_step=f'add it, e.g. table.assign({AREA_LIST}="2024")',
            )
    same_list(left=left, right=right)
    return left.merge(right, on=[AREA_LIST, on], how=how, validate=validate)  # type: ignore[arg-type]


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> Path:
    """Validate `frame` and write `<folder>/<name>.parquet`, mode 0600, whole or not at all."""
    validate(frame, name)
    path = folder / f"{name}.parquet"
    write_parquet(frame, path)
    return path


def read_table(folder: Path, name: str, **options: object) -> pd.DataFrame:
    """Read `<folder>/<name>.parquet` and validate it; `options` go to `pandas.read_parquet`.

    Raises
    ------
    ContractError
        When there is no such table yet (says which stage makes it), or it breaks its contract.
    """
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise ContractError(
            f"The table «{name}» is not there yet.",
            expected=f"{path.name} in {folder.parent.name}/{folder.name}",
            next_step="run the earlier notebooks first: survey-tools status says which",
        )
    frame = pd.read_parquet(path, **options)  # type: ignore[call-overload]
    return frame if "columns" in options else validate(frame, name)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write any frame by a temporary name in the same folder, then rename; mode 0600.

    Raises
    ------
    ContractError
        When the disk is full or the folder cannot be written; the old file stays as it was.
    """
    with replacing(path, "The table could not be written", error=ContractError) as temporary:
        frame.to_parquet(temporary, index=False)


def _contract_error(error: SchemaErrors, name: str, stated: str = "") -> ContractError:
    cases = error.failure_cases
    whole = cases["check"].isin(NO_TABLE_COLUMN)
    cases = cases.assign(column=cases["column"].where(~whole, cases["failure_case"]))
    problems = []
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        where = "" if pd.isna(column) else f"{column}: "
        problems.append(f"{where}{check} ({len(group)} row(s))")
    return ContractError(
        f"The table «{name}» breaks its contract.",
        expected="; ".join(dict.fromkeys(problems)),
        where=f"contract «{name}» in {stated or 'survey_tools.contracts'}",
        next_step="look at those columns in the stage that makes the table",
    )

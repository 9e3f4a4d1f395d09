"""Hold tables against their contracts, write and read them; repairs nothing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from survey_tools.contracts.analysis import ANALYSIS
from survey_tools.contracts.clean import CLEAN
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.contracts.lists import AREA_LIST
from survey_tools.contracts.results import RESULTS
from survey_tools.errors import ContractError
from survey_tools.files import replacing
from survey_tools.register import Register
from survey_tools.register.question import MAIN
from survey_tools.register.schema import NO_TABLE_COLUMN, answers_schema

SCHEMAS: dict[str, pa.DataFrameSchema] = {**CLEAN, **ANALYSIS, **RESULTS, **EVIDENCE}
"""Contract of each table by name."""


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


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> Path:
    """Validate `frame` and write `<folder>/<name>.parquet`, mode 0600, whole or not at all."""
    validate(frame, name)
    path = folder / f"{name}.parquet"
    write_parquet(frame, path)
    return path


def empty_table(name: str) -> pd.DataFrame:
    """Return the table `name` without rows, its columns of the types that the contract states."""
    columns = SCHEMAS[name].columns
    return pd.DataFrame({key: pd.Series(dtype=str(columns[key].dtype)) for key in columns})


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

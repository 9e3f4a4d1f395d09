"""Lay out what breaks a contract row by row, so that a test can say which answer it is."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from survey_tools.register.schema import NO_TABLE_COLUMN


def answer_findings(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, key: str = "_id"
) -> pd.DataFrame:
    """List the answers that break a contract of `answers_schema`; none of them is told.

    Parameters
    ----------
    frame : DataFrame
        With the column `key`.
    schema : DataFrameSchema
    key : str
        Says which row an answer is of.

    Returns
    -------
    DataFrame
        ``<key>, variable, problem``: one line an answer; without a row (missing) where a whole column
        is too many, too few or of another type.
    """
    plain = frame.reset_index(drop=True)
    try:
        schema.validate(plain, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        whole = cases["check"].isin(NO_TABLE_COLUMN)
        variable = cases["column"].where(~whole, cases["failure_case"])
        rows = pd.to_numeric(cases["index"], errors="coerce").astype("Int64")
        keys = plain[key].reindex(rows.fillna(-1).astype("int64")).array
        found = {key: keys, "variable": variable.array, "problem": cases["check"].array}
        return pd.DataFrame(found).astype({"variable": "str", "problem": "str"})
    return pd.DataFrame(
        {
            key: plain[key].iloc[:0],
            "variable": pd.Series(dtype="str"),
            "problem": pd.Series(dtype="str"),
        }
    )

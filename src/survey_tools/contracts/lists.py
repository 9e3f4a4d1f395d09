"""Keep codes of different dated lists of areas apart: a code alone names no place.

Changes no code. Which unit of another list a code belongs to is known in `survey_tools.areas`.
"""

from __future__ import annotations

from typing import Literal

import pandas as pd

from survey_tools.errors import AreaError

AREA_LIST = "area_list"
"""Column that says of which dated list the codes of a table are; a code alone names no place."""

CODES = ("hhid", "team_id", "commune_code")
"""Columns that hold or begin with the code of a commune."""


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

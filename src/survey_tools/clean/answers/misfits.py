"""Place answers that a pull could not type where cleaning can read them; guesses nothing.

A pull keeps such an answer as text beside its tables, and leaves its cell empty. Here `1.234` in a question
for a whole number is read as 1234; what may mean two things stays a misfit.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from survey_tools.clean.answers.columns import READ_NUMBER, TYPED, flag_rows, join_flags, read_text
from survey_tools.register import Register
from survey_tools.register.question import MAIN, NUMBERS

READ_TIME = "A day or a time was written otherwise than the form writes it; it was read."


@dataclass(frozen=True)
class Placed:
    """A pulled frame with the answers that could be read, a flag for each, and the misfits left."""

    frame: pd.DataFrame
    problems: pd.DataFrame
    misfits: pd.DataFrame | None


def place_misfits(
    frame: pd.DataFrame,
    misfits: pd.DataFrame | None,
    register: Register,
    *,
    table: str = MAIN,
    keys: tuple[str, ...] = (),
) -> Placed:
    """Read numbers, days and times of one table that did not fit, and put them where they belong.

    Parameters
    ----------
    frame : DataFrame
        As the pull gives it, with `_id` and `keys`; not changed.
    misfits : DataFrame or None
        `Tables.misfits`: `table, _id, positions, variable, value, kind`.
    register : Register
    table : str
        Name of the frame.
    keys : tuple of str
        In the table of a repeat, its columns of positions, outermost first.
    """
    if misfits is None:
        return Placed(frame, join_flags([]), misfits)
    here = misfits.loc[(misfits["table"] == table) & (misfits["kind"] == "type")]
    if here.empty:
        return Placed(frame, join_flags([]), misfits)
    here = here.assign(row=_rows(frame, here, keys))
    columns, flags, read = {}, [], pd.Series(False, index=misfits.index)
    for variable, found in here.loc[here["row"] >= 0].groupby("variable"):
        name = str(variable)
        question = register.questions.get(name)
        if question is None or question.base_type not in TYPED or name not in frame:
            continue
        values = read_text(found["value"], question.base_type).values.dropna()
        rows = found.loc[values.index, "row"].to_list()
        columns[name] = frame[name].copy()
        columns[name].iloc[rows] = values.astype(frame[name].dtype).array
        message = READ_NUMBER if question.base_type in NUMBERS else READ_TIME
        where = pd.Series(frame.index.isin(frame.index[rows]), index=frame.index)
        flags.append(flag_rows(frame, name, where, message, keys=keys))
        read[values.index] = True
    return Placed(frame.assign(**columns), join_flags(flags), misfits.loc[~read])


def _rows(frame: pd.DataFrame, found: pd.DataFrame, keys: tuple[str, ...]) -> list[int]:
    """Return the places of the rows that misfits are of, -1 where there is none."""
    places = frame["_id"].astype("str")
    for key in keys:
        places = places + "/" + frame[key].astype("str")
    wanted = found["_id"].astype("str")
    if keys:
        wanted = wanted + "/" + found["positions"].astype("str")
    return [int(row) for row in pd.Index(places).get_indexer(pd.Index(wanted))]

"""Flag the answers that a pull could not place, and sort flags; changes no answer and shows none.

A flag names row, variable and what is wrong. The answer itself may name a person: it stays in the store.
Choices that are not known are flagged where answers are held against the register (`answers`).
"""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.answers.columns import FLAG_COLUMNS, UNREADABLE, join_flags

MESSAGES = {
    "type": "The answer does not fit the type of its question; it counts as missing.",
    "unknown_key": "No version of the form has this question: another form's row, or an old version?",
    "note": "A note has an answer; it is left out.",
}
CHECKS = {"unknown_key": "question_unknown"}
WHO = ("wave", "team_id", "enumerator_id")


def misfit_flags(misfits: pd.DataFrame | None) -> pd.DataFrame:
    """Turn the misfits of a pull into flags, one an answer.

    Parameters
    ----------
    misfits : DataFrame or None
        `Tables.misfits`: `_id, positions, variable, path, kind`; its `value` is not looked at.

    Returns
    -------
    DataFrame
        Contract `flags`; the variable of a member is named with its line, `m_age[2]`.
    """
    if misfits is None or misfits.empty:
        return join_flags([])
    rows = misfits.loc[misfits["kind"] != "choice"]
    said = rows["variable"].astype("str").fillna("")
    name = said.mask(said.eq(""), rows["path"].astype("str"))
    place = rows["positions"].astype("str").fillna("")
    kind = rows["kind"].astype("str")
    flags = rows.assign(
        check=kind.map(CHECKS).fillna(UNREADABLE),
        row_id=rows["_id"],
        variable=name.where(place.eq(""), name + "[" + place + "]"),
        message=kind.map(MESSAGES).fillna("The answer could not be placed."),
    )
    return join_flags([flags.reindex(columns=FLAG_COLUMNS)])


def unanswered(flags: pd.DataFrame, log: pd.DataFrame) -> pd.DataFrame:
    """Leave out the flags about answers that a correction has replaced or confirmed since.

    Parameters
    ----------
    flags : DataFrame
        Of the answers as they came.
    log : DataFrame
        `Corrected.log`.
    """
    done = log.loc[log["action"] != "drop", ["row_id", "variable"]]
    cells = pd.MultiIndex.from_frame(flags[["row_id", "variable"]])
    return flags.loc[~cells.isin(pd.MultiIndex.from_frame(done.astype({"row_id": "Int64"})))]


def located(flags: pd.DataFrame, main: pd.DataFrame) -> pd.DataFrame:
    """Say of each flag the wave, the team and the enumerator of its submission.

    Parameters
    ----------
    flags : DataFrame
    main : DataFrame
        Rows of the form: `_id` and, where it has them, `wave, team_id, enumerator_id`.
    """
    who = main.set_index("_id").reindex(columns=list(WHO))
    return join_flags([flags.drop(columns=list(WHO)).join(who, on="row_id")])


def sort_flags(*flags: pd.DataFrame) -> pd.DataFrame:
    """Join flags of one form, by row and variable, each once."""
    joined = join_flags(list(flags)).drop_duplicates()
    return joined.sort_values(["row_id", "variable", "check"], ignore_index=True)

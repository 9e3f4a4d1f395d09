"""Flag the answers that a pull could not place; changes none and shows none.

A flag names row, variable and what is wrong. The answer itself may name a person: it stays in the store.
"""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.columns import FLAG_COLUMNS, UNREADABLE, join_flags

MESSAGES = {
    "choice": "The answer is a choice that no version of the form offers.",
    "type": "The answer does not fit the type of its question; it counts as missing.",
    "unknown_key": "No version of the form has this question: another form's row, or an old version?",
    "note": "A note has an answer; it is left out.",
}
CHECKS = {"choice": "choice_unknown", "unknown_key": "question_unknown"}


def misfit_flags(misfits: pd.DataFrame | None, main: pd.DataFrame) -> pd.DataFrame:
    """Turn the misfits of a pull into flags, one an answer.

    Parameters
    ----------
    misfits : DataFrame or None
        `Tables.misfits`: `_id, positions, variable, kind`; its `value` is not looked at.
    main : DataFrame
        Rows of the form: `_id` and, where it has them, `wave, team_id, enumerator_id`.

    Returns
    -------
    DataFrame
        Contract `flags`; the variable of a member is named with its line, `m_age[2]`.
    """
    if misfits is None or misfits.empty:
        return join_flags([])
    where = [c for c in ("wave", "team_id", "enumerator_id") if c in main]
    rows = misfits[["_id", "positions", "variable", "path", "kind"]].merge(
        main[["_id", *where]], on="_id", how="left", validate="m:1"
    )
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


def sort_flags(*flags: pd.DataFrame) -> pd.DataFrame:
    """Join flags of one form, by row and variable, each once."""
    joined = join_flags(list(flags)).drop_duplicates()
    return joined.sort_values(["row_id", "variable", "check"], ignore_index=True)

"""Lines of corrections as a file holds them, and a household form that they are applied to."""

from __future__ import annotations

import pandas as pd
import pytest
from clean_frames import TEAMS, main_frame, roster_frame, submission

from survey_tools.clean import clean_household
from survey_tools.clean.corrections.read import COLUMNS
from survey_tools.errors import ContractError

OKAY = ("household", "1", "hh_size", "2", "okay", "")


def lines(*rows, file=None, **given):
    """Each row: form, row_id, variable, old_value, action, new_value."""
    full = [(f, i, given.get("wave", "w1" if f == "household" else ""), v, old, action, new,
             given.get("reason", "checked on the card"), given.get("decided_by", "TL"),
             given.get("decided_on", "2026-02-01")) for f, i, v, old, action, new in rows]  # fmt: skip
    table = pd.DataFrame(full, columns=list(COLUMNS), dtype="str")
    return table if file is None else table.assign(file=file, line=range(2, len(table) + 2))


def clean(register, corrections, *rows):
    rows = rows or (submission(1), submission(2, 2))
    roster = roster_frame({row["_id"]: ("male", 50) for row in rows})
    return clean_household(
        main_frame(*rows), roster, register=register, teams=TEAMS, corrections=corrections
    )


def refused(register, *rows, **given):
    with pytest.raises(ContractError) as error:
        clean(register, lines(*rows, **given))
    return str(error.value)

"""Say which household codes are well formed and which commune a team is in; knows no sample."""

from __future__ import annotations

import pandas as pd

from survey_tools.contracts import HOUSEHOLD_CODE
from survey_tools.errors import ContractError


def household_code_ok(codes: pd.Series) -> pd.Series:
    """Hold household codes against their pattern and check digit.

    A code is `<commune>-T<team>-H<number>-<check>`; the check digit is the three-digit household
    number modulo 7, the constraint of the form.

    Parameters
    ----------
    codes : Series of str
        Missing codes are not well formed.

    Returns
    -------
    Series of bool
        Index as `codes`.

    Examples
    --------
    >>> household_code_ok(pd.Series(["10291-T03-H017-3", "10291-T03-H017-4"])).tolist()
    [True, False]
    """
    text = codes.astype("str")
    well_formed = text.str.match(HOUSEHOLD_CODE, na=False)
    number = pd.to_numeric(text.str.slice(11, 14).where(well_formed), errors="coerce")
    digit = pd.to_numeric(text.str.slice(15, 16).where(well_formed), errors="coerce")
    return (well_formed & (number % 7 == digit)).astype(bool)


def commune_of(team_ids: pd.Series, teams: pd.DataFrame) -> pd.Series:
    """Return the commune code that the list gives for each team, missing for teams outside it.

    Raises
    ------
    ContractError
        When a team stands twice in the list.
    """
    if teams["team_id"].duplicated().any():
        raise ContractError(
            "A team stands twice in the list of teams.",
            expected="one row a team",
            found=f"{int(teams['team_id'].duplicated().sum())} row(s) too many",
            where="params/teams.csv",
            next_step="take the surplus rows out of the list",
        )
    return team_ids.map(teams.set_index("team_id")["commune_code"])

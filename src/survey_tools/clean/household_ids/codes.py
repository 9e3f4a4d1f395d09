"""Say which household codes are well formed and which commune a team is in; knows no sample."""

from __future__ import annotations

import pandas as pd

from survey_tools.contracts import HOUSEHOLD_CODE
from survey_tools.errors import ContractError


def household_code_ok(codes: pd.Series) -> pd.Series:
    """Hold household codes against their pattern and check digit.

    A code is `<commune>-T<team>-H<number>-<check>`; the check digit is the three-digit household
    number modulo 7, the constraint of the form. Of the errors in number and check digit it finds every
    wrong digit and every swap of neighbours, but for those of two digits that differ by 7 (0 and 7, 1 and
    8, 2 and 9). Commune and team are held against the answers to their own questions, and the whole code
    against the list of drawn households.

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
    well_formed = text.str.fullmatch(HOUSEHOLD_CODE, na=False)
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


def among(codes: pd.Series, listed: pd.Series) -> pd.Series:
    """Tell which codes are in a list; `Series.isin` takes ten times as long on many texts.

    >>> among(pd.Series(["a", "b", None], dtype="str"), pd.Series(["b"], dtype="str")).tolist()
    [False, True, False]
    """
    known = pd.Index(listed.dropna().unique())
    return pd.Series(known.get_indexer(pd.Index(codes)) >= 0, index=codes.index)

"""Say which household codes are well formed; knows nothing of who was drawn."""

from __future__ import annotations

import pandas as pd

from survey_tools.contracts import HOUSEHOLD_CODE


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

"""Lay an estimate out as one row of the table `effects`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.regression.coefficient import Coefficient


def effect_row(
    frame: pd.DataFrame,
    design: Design,
    outcome: str,
    estimand: str,
    found: Coefficient,
    *,
    method: str,
    notes: Iterable[str] = (),
    wave: str | None = None,
) -> pd.DataFrame:
    """Return a frame of one row, contract `effects`: the estimate and the rows it rests on.

    Parameters
    ----------
    frame : DataFrame
        The rows used, one a household (or team, where the estimate is of teams).
    design : Design
    outcome, estimand : str
    found : Coefficient
        NaN throughout where there is no estimate; then `notes` say why.
    method : str
        Estimator, adjustment and error, in words.
    notes : iterable of str
        Empty ones are left out.
    wave : str, optional
        The endline by default.
    """
    wave = wave or design.endline
    column = f"{outcome}__{wave}"
    regular = (
        numeric(frame, column)[numeric(frame, design.treatment) == 0] if column in frame else []
    )
    row = {
        "outcome": outcome,
        "estimand": estimand,
        "wave": wave,
        "estimate": found.estimate,
        "std_error": found.std_error,
        "df": float(found.df),
        "p_value": found.p_value,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "n": len(frame),
        "n_teams": int(frame[design.cluster].nunique()),
        "n_communes": int(frame[design.stratum].nunique()),
        "mean_regular": float(np.nanmean(regular)) if len(regular) else np.nan,
        "method": method,
        "note": "; ".join(note for note in notes if note),
    }
    return pd.DataFrame([row])

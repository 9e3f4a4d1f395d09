"""Lay an estimate out as one row of the table `effects`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.regression.coefficient import Coefficient

FEW_DF = 4.0
"""Degrees of freedom below which Satterthwaite's t does not keep its size (Tipton 2015, Psychological
Methods 20:375)."""


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
        Its weights, if `frame` has them, count in `mean_regular` as they do in the estimate.
    outcome, estimand : str
    found : Coefficient
        NaN throughout where there is no estimate; then `notes` say why.
    method : str
        Estimator, adjustment and error, in words.
    notes : iterable of str
        Empty ones are left out. One is added where the degrees of freedom are too few (`few_df`).
    wave : str, optional
        The endline by default.
    """
    wave = wave or design.endline
    column = f"{outcome}__{wave}"
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
        "mean_regular": _mean_regular(frame, design, column),
        "method": method,
        "note": joined(*notes, few_df(found.df)),
    }
    return pd.DataFrame([row])


def joined(*notes: str) -> str:
    """Write notes as one, empty ones left out."""
    return "; ".join(note for note in notes if note)


def few_df(df: float) -> str:
    """Warn of degrees of freedom too few for p-value and interval to hold; empty where they are enough."""
    if not 0 < df < FEW_DF:
        return ""
    return f"{df:.1f} degrees of freedom: too few to trust p-value and interval"


def _mean_regular(frame: pd.DataFrame, design: Design, column: str) -> float:
    if column not in frame:
        return float("nan")
    values = numeric(frame, column)
    rows = (numeric(frame, design.treatment) == 0) & ~np.isnan(values)
    if not rows.any():
        return float("nan")
    own = design.weights_of(frame) if design.weights in frame else None
    return float(np.average(values[rows], weights=None if own is None else own[rows]))

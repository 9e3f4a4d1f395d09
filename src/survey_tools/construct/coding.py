"""Turn codes of single- and multiple-choice answers into numbers; knows no question."""

from __future__ import annotations

import numpy as np
import pandas as pd


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or missing values where no submission had the question."""
    if name in frame:
        return frame[name]
    return pd.Series(np.nan, index=frame.index, dtype="float64", name=name)


def coded(
    frame: pd.DataFrame, name: str, *, one: tuple[str, ...], zero: tuple[str, ...]
) -> pd.Series:
    """Return 1 for the codes in `one`, 0 for those in `zero`, missing for all other answers."""
    answer = column(frame, name)
    value = pd.Series(np.nan, index=frame.index, dtype="float64")
    value = value.mask(answer.isin(zero), 0.0).mask(answer.isin(one), 1.0)
    return value.rename(name)


def number(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a numeric column as float64."""
    return pd.to_numeric(column(frame, name), errors="coerce").astype("float64")


def ticked(frame: pd.DataFrame, variable: str, choice: str) -> pd.Series:
    """Return 1 where a choice of a select-multiple is ticked, 0 where not, missing if unanswered."""
    return number(frame, f"{variable}__{choice}")


def choices_of(frame: pd.DataFrame, variable: str) -> dict[str, str]:
    """Map the choices of a select-multiple to their columns, in the order of the frame."""
    prefix = f"{variable}__"
    return {c.removeprefix(prefix): c for c in frame.columns if c.startswith(prefix)}


def either(left: pd.Series, right: pd.Series) -> pd.Series:
    """Return 1 where one of two 0/1 columns is 1, 0 where both are 0, else missing."""
    both = left.notna() & right.notna()
    return (left.eq(1) | right.eq(1)).astype("float64").where(both | left.eq(1) | right.eq(1))

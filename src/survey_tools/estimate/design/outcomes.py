"""Read which outcomes are asked for and on which scale each is; picks none by itself."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError

SCALES = ("binary", "share", "amount", "index")


def outcome_names(outcomes: pd.DataFrame | Iterable[str]) -> list[str]:
    """Names from a table with a column `outcome`, or from any sequence of names."""
    if isinstance(outcomes, pd.DataFrame):
        return [str(name) for name in outcomes["outcome"]]
    return [outcomes] if isinstance(outcomes, str) else [str(name) for name in outcomes]


def outcome_scales(outcomes: pd.DataFrame | Iterable[str], panel: pd.DataFrame) -> dict[str, str]:
    """Scale of each outcome, in order.

    Taken from the columns `outcome` and `scale` if `outcomes` is a table. Names alone are `binary` where
    `panel` holds nothing but 0 and 1, otherwise `amount`.
    """
    names = outcome_names(outcomes)
    if isinstance(outcomes, pd.DataFrame) and "scale" in outcomes:
        scales = dict(zip(names, map(str, outcomes["scale"]), strict=True))
    else:
        scales = {name: "binary" if _zero_one(panel[name]) else "amount" for name in names}
    wrong = sorted(name for name, scale in scales.items() if scale not in SCALES)
    if wrong:
        raise DesignError(
            "An outcome has an unknown scale.",
            expected=" or ".join(SCALES),
            found=", ".join(f"{name}: {scales[name]}" for name in wrong),
            where="column scale of the table of outcomes",
        )
    _refuse_other_than_zero_one(scales, panel)
    return scales


def _zero_one(values: pd.Series) -> bool:
    return bool(np.isin(values.dropna().astype(float).unique(), (0.0, 1.0)).all())


def _refuse_other_than_zero_one(scales: dict[str, str], panel: pd.DataFrame) -> None:
    wrong = [
        name for name, scale in scales.items() if scale == "binary" and not _zero_one(panel[name])
    ]
    if wrong:
        raise DesignError(
            "A binary outcome holds other values than 0 and 1.",
            found=", ".join(wrong),
            where="panel",
        )

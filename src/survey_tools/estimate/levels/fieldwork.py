"""Say when and how many households were interviewed, by area and wave; hides nothing."""

from __future__ import annotations

import pandas as pd

from survey_tools.contracts import carry_list, same_list
from survey_tools.estimate.design import Design, require_columns
from survey_tools.estimate.levels.means import DISTRICT

DAY = "interview_date"


def fieldwork(
    panel: pd.DataFrame,
    design: Design,
    waves: tuple[str, ...],
    sample: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count interviews and find the first and the last day of them, in every area and wave.

    Parameters
    ----------
    panel : DataFrame
        One row a household and wave: `wave`, `interview_date` and the stratum of the design.
    design : Design
    waves : tuple of str
        Waves of the study; one without interviews has rows with 0.
    sample : DataFrame, optional
        One row a household drawn, with the stratum.

    Returns
    -------
    DataFrame
        Contract `fieldwork`: `area, wave, interviews, drawn` (missing without a sample), `first_day` and
        `last_day` (year-month-day, missing where no interview has a date), and how many interviews were
        held on these days, `on_first` and `on_last`. Areas are `district` and the strata of panel and sample.
    """
    require_columns(panel, ["wave", DAY, design.stratum])
    same_list(panel=panel, sample=sample)
    held = pd.DataFrame({"wave": panel["wave"].astype(str), "day": panel[DAY].dt.normalize()})
    held["area"] = panel[design.stratum].astype(str)
    drawn = None if sample is None else sample[design.stratum].astype(str)
    places = sorted({*held["area"], *(() if drawn is None else drawn)})
    rows = [_row(held, drawn, area, wave) for area in (DISTRICT, *places) for wave in waves]
    found = pd.DataFrame(rows).astype({"drawn": "Int64", "first_day": "str", "last_day": "str"})
    return carry_list(panel, found)


def _row(held: pd.DataFrame, drawn: pd.Series | None, area: str, wave: str) -> dict[str, object]:
    here = held[held["wave"].eq(wave)]
    if area != DISTRICT:
        here = here[here["area"].eq(area)]
        drawn = None if drawn is None else drawn[drawn.eq(area)]
    days = here["day"].dropna()
    first, last = days.min(), days.max()
    return {
        "area": area,
        "wave": wave,
        "interviews": len(here),
        "drawn": pd.NA if drawn is None else len(drawn),
        "first_day": _text(first),
        "last_day": _text(last),
        "on_first": int(days.eq(first).sum()),
        "on_last": int(days.eq(last).sum()),
    }


def _text(day: pd.Timestamp) -> str | None:
    return None if pd.isna(day) else f"{day:%Y-%m-%d}"

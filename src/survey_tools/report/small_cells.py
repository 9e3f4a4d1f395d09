"""Say which cells are too small to be known, and hide, round and mark them; looks at one cell at a time.

What several cells together would tell is for `disclosure` and `disclosure_lists`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.params import DisclosureSettings

SHOWN, FEW, HIDDEN = "shown", "few", "hidden"

STEPS = {"binary": 0.05, "share": 0.05, "amount": 0.5, "count": 0.5, "index": 0.1}
"""What a figure from few answers is rounded to, by the outcome's scale."""


def unsafe(n: pd.Series, numerator: pd.Series, rules: DisclosureSettings) -> pd.Series:
    """Tell which cells must not be known; an empty cell has nothing to hide."""
    top = rules.hide_counts_to
    small = numerator.between(1, top) | (n - numerator).between(1, top)
    return (n.between(1, rules.round_from - 1) | small).astype(bool)


def is_unsafe(n: float, numerator: float, rules: DisclosureSettings) -> bool:
    """Tell of one cell what `unsafe` tells of many."""
    top = rules.hide_counts_to
    return 1 <= n < rules.round_from or 1 <= numerator <= top or 1 <= n - numerator <= top


def steps_of(outcomes: pd.Series, scales: dict[str, str] | None) -> pd.Series:
    """Return what each row is rounded to where it rests on few answers; as a share where not said."""
    steps = outcomes.map({name: STEPS[scale] for name, scale in (scales or {}).items()})
    return steps.astype(float).fillna(STEPS["binary"])


def apply_rules(
    frame: pd.DataFrame, hidden: pd.Series, rules: DisclosureSettings, steps: pd.Series
) -> pd.DataFrame:
    """Blank hidden rows, round those from few answers outwards, and add `shown` and `status`."""
    few = ~hidden & frame["n"].lt(rules.show_from)
    result = round_few(frame, few, steps)
    result.loc[few, "numerator"] = np.nan
    result = blank(result, hidden | result["estimate"].isna())
    result["shown"] = result["estimate"]
    result["status"] = np.select([result["shown"].isna(), few], [HIDDEN, FEW], SHOWN)
    return result


def round_few(frame: pd.DataFrame, few: pd.Series, steps: pd.Series) -> pd.DataFrame:
    """Round the estimates of some rows, and their intervals outwards."""
    result = frame.copy()
    result.loc[few, "estimate"] = (result["estimate"] / steps).round() * steps
    if "conf_low" in result:
        result.loc[few, "conf_low"] = np.floor(result["conf_low"] / steps + 1e-9) * steps
        result.loc[few, "conf_high"] = np.ceil(result["conf_high"] / steps - 1e-9) * steps
    return result


def blank(frame: pd.DataFrame, hidden: pd.Series) -> pd.DataFrame:
    """Take every number out of hidden rows."""
    result = frame.copy()
    result["n"] = result["n"].astype("Int64")
    names = [c for c in ("estimate", "conf_low", "conf_high", "numerator") if c in result]
    result.loc[hidden, names] = np.nan
    result.loc[hidden, "n"] = pd.NA
    return result

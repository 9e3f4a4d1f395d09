"""Say how an estimate stands to a statement of the news item, never more than its interval says.

Looks at numbers that may be shown, as they are shown: where they were rounded, the rounded ones decide.
Writes no sentence.
"""

from __future__ import annotations

import math
from typing import Any

from survey_tools.report.small_cells import HIDDEN

WIDEST = 0.2
"""Width of the interval of a share above which «in keeping» would say nothing: a fifth of all answers."""

VERDICTS = (
    "not_measured", "source_card", "elsewhere", "missing", "hidden", "no_interval",
    "level", "other_base", "in_keeping", "higher", "lower", "too_wide", "over_seen", "over_unclear",
    "up_seen", "up_contrary", "down_seen", "down_contrary", "differs", "unclear",
    "reported", "reported_reached", "reported_equal", "reported_short", "reported_more",
    "reported_incomplete",
)  # fmt: skip
"""All that can be said; `claims_verdict_<one>` are the words."""


def verdict(row: Any) -> str:
    """Return which of `VERDICTS` a row of `open_claims` deserves.

    Parameters
    ----------
    row : Series or mapping
        `state, status, source, test, estimate, conf_low, conf_high, figure, n, numerator`.

    Notes
    -----
    Answers of a sample: `in_keeping` only where the interval holds the figure and is no wider than
    `WIDEST`; `higher` and `lower` only where the whole interval lies beyond. Where «over» the figure is
    claimed, that is seen only where the whole interval lies above it, and cannot be told where the interval
    holds it. A change or difference is seen only where its interval leaves out 0. Reports have no
    interval: their count is set beside the figure.
    """
    if row["status"] == "none":
        return str(row["state"])
    if row["status"] in ("missing", HIDDEN):
        return str(row["status"])
    if row["test"] == "other_base":
        return "other_base"
    if row["source"] != "households":
        return _of_reports(row)
    return "level" if row["test"] == "none" else _of_sample(row)


def _of_sample(row: Any) -> str:
    low, high, test = float(row["conf_low"]), float(row["conf_high"]), row["test"]
    if math.isnan(low) or math.isnan(high):
        return "no_interval"
    if test in ("up", "down", "differ"):
        return _of_difference(low, high, test)
    figure = float(row["figure"])
    if high < figure:
        return "lower"
    if test == "over":
        return "over_seen" if low > figure else "over_unclear"
    if low > figure:
        return "higher"
    return "too_wide" if high - low > WIDEST else "in_keeping"


def _of_difference(low: float, high: float, test: str) -> str:
    if low <= 0 <= high:
        return "unclear"
    if test == "differ":
        return "differs"
    as_said = low > 0 if test == "up" else high < 0
    return f"{test}_{'seen' if as_said else 'contrary'}"


def _of_reports(row: Any) -> str:
    test = row["test"]
    if test == "none":
        return "reported"
    figure = float(row["figure"])
    if test == "all":
        n, numerator = int(row["n"]), int(row["numerator"])
        if n < figure:
            return "reported_incomplete"
        return "reported_reached" if numerator == n else "reported_short"
    said = float(row["numerator"] if row["scale"] == "units" else row["estimate"])
    if test == "over":
        return "reported_reached" if said > figure else "reported_short"
    if math.isclose(said, figure, abs_tol=0.0 if row["scale"] == "units" else 0.005):
        return "reported_equal"
    return "reported_more" if said > figure else "reported_short"

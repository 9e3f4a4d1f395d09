"""Set the district's levels with survey weights beside those in which households count alike.

Compares no arms. Unweighted levels describe the households interviewed; weighted ones the households
that the interviews stand for. Where the two differ by more than their intervals, who was interviewed
matters, and a page should say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, Floats, codes_of, numeric, outcome_scales
from survey_tools.estimate.levels.means import DISTRICT, in_group, levels
from survey_tools.estimate.levels.proportions import proportion_interval
from survey_tools.estimate.levels.survey import SurveyEstimate, SurveySample, survey_mean

COLUMNS = ("weighted", "weighted_low", "weighted_high", "weighted_deff", "weighted_df",
           "weighted_method", "note")  # fmt: skip

_METHODS = {
    True: "weighted, Taylor linearisation, Wilson with effective n",
    False: "weighted, Taylor linearisation, t",
}


def levels_weighted(
    panel: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    groups: Sequence[str] = ("all",),
    *,
    weight: str | None = None,
) -> pd.DataFrame:
    """Estimate the mean of each outcome in the district, weighted, by wave and group.

    Parameters
    ----------
    panel : DataFrame
        As for `levels`, with a column of weights.
    design : Design
    outcomes : DataFrame with columns `outcome` and `scale`, or names
    groups : sequence of str
        As for `levels`.
    weight : str, optional
        Column of weights: households that an interview stands for, above 0 in every row. The survey
        weights of the design by default, or else `weight`.

    Returns
    -------
    DataFrame
        The rows of `levels` for the district, with `deff`, and beside them `weighted`, `weighted_low`,
        `weighted_high`, `weighted_deff`, `weighted_df` (teams less strata), `weighted_method` and `note`.

    Raises
    ------
    DesignError
        When a weight is missing, zero or below.

    Notes
    -----
    Taylor linearisation with teams as sampling units within strata, drawn with replacement: the interval
    is for teams and households like these. Raking is not taken into account, which makes errors too
    large rather than too small. A group is a domain of its wave. Shares have Wilson's interval with the
    effective number of answers (Korn and Graubard 1998); where all say the same, that number is Kish's
    for the weights over the design effect of `levels`. A stratum with one team is centred at the mean of all.
    """
    column = weight or design.survey_weights or "weight"
    weights = replace(design, weights=column).weights_of(panel)
    scales = outcome_scales(outcomes, panel)
    plain = levels(panel, design, outcomes, groups)
    plain = plain[plain["area"] == DISTRICT].reset_index(drop=True)
    samples = {wave: _Wave(panel, design, wave, weights) for wave in sorted(set(plain["wave"]))}
    cells = zip(*(plain[name] for name in ("wave", "outcome", "group", "deff")), strict=True)
    rows = [
        samples[wave].row(outcome, scales[outcome], group, deff)
        for wave, outcome, group, deff in cells
    ]
    return pd.concat([plain, pd.DataFrame(rows, columns=list(COLUMNS))], axis=1)


class _Wave:
    """The sample of one wave."""

    def __init__(
        self, panel: pd.DataFrame, design: Design, wave: str, weights: Floats | None
    ) -> None:
        rows = (panel["wave"].astype(str) == wave).to_numpy()
        self._frame, self._design = panel.loc[rows], design
        strata, names = codes_of(self._frame, design.stratum)
        units, _ = codes_of(self._frame, design.cluster)
        self._sample = SurveySample(np.asarray(weights)[rows], strata, units, lonely="centred")
        teams = self._frame.groupby(strata)[design.cluster].nunique()
        self._lone = [names[code] for code in teams.index[teams == 1]]

    def row(self, outcome: str, scale: str, group: str, deff: float) -> dict[str, object]:
        """Weighted estimate of one cell; `deff` is that of `levels`."""
        y = numeric(self._frame, outcome)
        domain = ~np.isnan(y) & in_group(self._frame, self._design, group)
        row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
        if not domain.any():
            return row | {"weighted_method": "", "note": "no answers"}
        found = survey_mean(self._sample, y, domain=domain)
        weights = self._sample.weights[domain]
        effective = float(weights.sum() ** 2 / (weights**2).sum() / max(deff, 1.0))
        low, high, why = _interval(found, scale, self._design.interval, effective)
        lone = f"{self._design.stratum} with one team: {', '.join(self._lone)}"
        return {
            "weighted": float(found.value[0]),
            "weighted_low": low,
            "weighted_high": high,
            "weighted_deff": float(found.deff[0]),
            "weighted_df": float(found.df),
            "weighted_method": _METHODS[scale == "binary"],
            "note": "; ".join(note for note in (why, lone if self._lone else "") if note),
        }


def _interval(
    found: SurveyEstimate, scale: str, level: float, effective: float
) -> tuple[float, float, str]:
    """Return the ends of the interval, and why there is none."""
    gap = float("nan")
    if found.df < 1:
        return gap, gap, "too few teams for an interval"
    if scale == "binary":
        return *proportion_interval(found, level=level, n_at_ends=effective), ""
    if not found.std_error[0] > 1e-12 * abs(found.value[0]):
        return gap, gap, "all answers are the same: no interval"
    low, high = (float(end[0]) for end in found.interval(level))
    return (max(low, 0.0), min(high, 1.0), "") if scale == "share" else (low, high, "")

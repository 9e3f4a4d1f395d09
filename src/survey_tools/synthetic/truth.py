"""State the true effects of the synthetic district, and what a naive comparison would say instead.

Simulates nothing: every figure follows from the parameters and the assignment in closed form.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array
from survey_tools.synthetic.parameters import DistrictParameters
from survey_tools.synthetic.responses import BAND_MIDDLES, OUTCOMES

HARMS = ("scam_seen_12m", "scam_loss_12m")
"""Outcomes that outreach leaves alone, and that neither arm nor engagement tells: all effects are zero."""

_ENGAGEMENT_VARIANCE = 1.0 / 3.0
"""Of a uniform variable on -1..1."""


def truth(parameters: DistrictParameters, teams: pd.DataFrame) -> pd.DataFrame:
    """Give the true effects at the last wave.

    Being reached adds `reach_effect` for every household alike, and intensive outreach raises the
    probability of being reached by r1 - r0 for every household alike, so

    itt = reach_effect * (r1 - r0) - spillover * (mean over communes of 1 / (teams - 1)),

    because a household of an intensive team has one intensive neighbour fewer than one of a regular
    team of the same commune. Communes are weighted as a regression with commune dummies weights them:
    teams * share intensive * share regular. `late` is itt / (r1 - r0), what the instrument recovers; it
    differs from `reach_effect` by the spillover alone.

    The naive comparison of reached with unreached households is too high in expectation: the engaged
    are reached more and would have had the better outcome anyway. With slope b of the outcome and s of
    reach, naive - reach_effect = b * (E[x | reached] - E[x | not]), plus a small part through the
    neighbours' share.

    Parameters
    ----------
    parameters : DistrictParameters
    teams : DataFrame
        team_id, commune_code, intensive.

    Returns
    -------
    DataFrame
        One row an outcome (the two indices are left out: they are standardised by the data): outcome,
        reach_effect, itt, late, naive_expected, note. Units are those of `params/outcomes.csv`.
    """
    chosen = parameters.select(teams)
    first_stage = parameters.reach_intensive[-1] - parameters.reach_regular[-1]
    rows = []
    for name in OUTCOMES:
        effect, slope, spillover = _reduced_form(parameters, name)
        spillover *= parameters.spillover_phase[-1]
        itt = effect * first_stage - spillover * _lost_neighbour(chosen)
        gap_x, gap_share = _selection(parameters, chosen, name)
        rows.append(
            {
                "outcome": name,
                "reach_effect": effect,
                "itt": itt,
                "late": itt / first_stage,
                "naive_expected": effect + slope * gap_x + spillover * gap_share,
                "note": _note(parameters, name, spillover),
            }
        )
    nothing = {"reach_effect": 0.0, "itt": 0.0, "late": 0.0, "naive_expected": 0.0}
    rows += [{"outcome": name, **nothing, "note": "a true zero"} for name in HARMS]
    return pd.DataFrame(rows)


def _reduced_form(parameters: DistrictParameters, name: str) -> tuple[float, float, float]:
    """Effect of being reached, slope on engagement and spillover of one outcome, all paths together."""
    if name == "online_income_1m":
        weights = np.array(parameters.income_bands) / sum(parameters.income_bands)
        middle = float(weights @ np.array(list(BAND_MIDDLES.values())))
        sold = parameters.outcome("sold_online_12m")
        return sold.effect * middle, sold.slope * middle, sold.spillover * middle
    own = parameters.outcome(name)
    if name != "cashless_share_last10":
        return own.effect, own.slope, own.spillover
    qr, through = parameters.outcome("qr_shop_30d"), parameters.share_through_qr
    return (
        own.effect + through * qr.effect,
        own.slope + through * qr.slope,
        own.spillover + through * qr.spillover,
    )


def _lost_neighbour(teams: pd.DataFrame) -> float:
    by_commune = teams.groupby("commune_code")["intensive"].agg(["size", "mean"])
    weight = by_commune["size"] * by_commune["mean"] * (1 - by_commune["mean"])
    return float((weight / (by_commune["size"] - 1).clip(lower=1)).sum() / weight.sum())


def _selection(
    parameters: DistrictParameters, teams: pd.DataFrame, name: str
) -> tuple[float, float]:
    """Differences between reached and unreached households: mean engagement, neighbours' share."""
    mean, square = _engagement_moments(parameters, name)
    treated = teams["intensive"].to_numpy() == 1
    arm = np.where(treated, parameters.reach_intensive[-1], parameters.reach_regular[-1])
    chance = arm + parameters.reach_slope * mean
    x_and_reached = arm * mean + parameters.reach_slope * square
    share = teams["share_intensive"].to_numpy()
    gap_x = _gap(chance, x_and_reached, np.full(len(teams), mean))
    return gap_x, _gap(chance, chance * share, share)


def _gap(chance: Array, reached_part: Array, whole: Array) -> float:
    """E[v | reached] - E[v | not reached] from P(reached), E[v * reached] and E[v] of each team."""
    p = chance.mean()
    return float(reached_part.mean() / p - (whole - reached_part).mean() / (1 - p))


def _engagement_moments(parameters: DistrictParameters, name: str) -> tuple[float, float]:
    """First two moments of engagement in the outcome's base: recipients of transfers are selected."""
    if name != "welfare_account_last":
        return 0.0, _ENGAGEMENT_VARIANCE
    tilt = parameters.recipient_slope / parameters.recipient_share
    return tilt * _ENGAGEMENT_VARIANCE, _ENGAGEMENT_VARIANCE


def _note(parameters: DistrictParameters, name: str, spillover: float) -> str:
    parts = []
    if name == "cashless_share_last10":
        parts.append("partly through paying shops by QR")
    if name == "online_income_1m":
        lost = parameters.no_answer
        parts.append(
            f"through selling online alone; {lost:.0%} of sellers do not name their income, so an "
            "estimate from the answers is nearer to zero by about that part"
        )
    if spillover:
        parts.append(
            f"a spillover of {spillover:.3f} a full share of intensive neighbours is in itt"
        )
    if _reduced_form(parameters, name)[0] == 0:
        parts.append("a true zero: whatever a naive comparison finds is selection")
    return "; ".join(parts)

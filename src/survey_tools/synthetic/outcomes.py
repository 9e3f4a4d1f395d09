"""State level, effect and spread of each outcome of the synthetic district, and where a level is from.

Draws nothing. "Assumed" means that no published figure exists.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OutcomeParameters:
    """One binary outcome: P(yes) is a sum, so that its effect is exact.

    P = level + effect * (reached - reach_regular) + slope * engagement + commune + team + enumerator
    + spillover * share of the commune's other teams that are intensive.

    Attributes
    ----------
    name : str
        Outcome of `params/outcomes.csv`; `cashless_share_last10` holds the part of the share that does
        not go through paying shops by QR.
    levels : tuple of float
        Share of yes in the regular arm without spillover, a wave.
    effect : float
        Change of the probability when the household was reached in the last 6 months.
    slope : float
        Change of the probability for one unit of engagement (uniform on -1..1).
    commune_sd, team_sd : float
        Standard deviation between communes, and between teams of a commune (uniform effects).
    spillover : float
        Change of the probability when all other teams of the commune are intensive.
    enumerator_sd : float
        Standard deviation between enumerators (uniform effects).
    source : str
        Where the level comes from.
    """

    name: str
    levels: tuple[float, ...]
    effect: float
    slope: float
    commune_sd: float
    team_sd: float
    spillover: float = 0.0
    enumerator_sd: float = 0.0
    source: str = "assumed"


DEFAULT_OUTCOMES = (
    OutcomeParameters(
        name="elec_cashless_last",
        levels=(0.86, 0.87, 0.88),
        effect=0.03,
        slope=0.03,
        commune_sd=0.012,
        team_sd=0.018,
        source="87.58 % of customers, northern provinces, 2024-05: a ceiling, so its ICC is small",
    ),
    OutcomeParameters(
        name="water_cashless_last",
        levels=(0.46, 0.48, 0.50),
        effect=0.16,
        slope=0.10,
        commune_sd=0.05,
        team_sd=0.09,
        spillover=0.02,
        source="assumed: the district says that it rises but gives no figure",
    ),
    OutcomeParameters(
        name="school_fee_cashless_last",
        levels=(0.54, 0.57, 0.60),
        effect=0.16,
        slope=0.05,
        commune_sd=0.03,
        team_sd=0.08,
        source="«reaching 70 %» in 58 schools, 2024-06, base unclear: households report less",
    ),
    OutcomeParameters(
        name="welfare_account_last",
        levels=(0.74, 0.76, 0.78),
        effect=0.0,
        slope=0.08,
        commune_sd=0.03,
        team_sd=0.04,
        source="27 of 27 communes pay into accounts, 2024-06: coverage, not the share of recipients",
    ),
    OutcomeParameters(
        name="qr_shop_30d",
        levels=(0.40, 0.42, 0.44),
        effect=0.22,
        slope=0.12,
        commune_sd=0.04,
        team_sd=0.08,
        spillover=0.03,
        enumerator_sd=0.004,
        source="87 % of adults have an account (2025, supply side): fewer pay shops with it",
    ),
    OutcomeParameters(
        name="cashless_share_last10",
        levels=(0.10, 0.11, 0.12),
        effect=0.0276,
        slope=0.03,
        commune_sd=0.01,
        team_sd=0.01,
        source="assumed; with the part through QR about 30 % of purchases",
    ),
    OutcomeParameters(
        name="bought_online_12m",
        levels=(0.46, 0.48, 0.50),
        effect=0.12,
        slope=0.16,
        commune_sd=0.04,
        team_sd=0.075,
        enumerator_sd=0.004,
        source="74.8 % of internet users, 2022: all rural adults of any age are well below",
    ),
    OutcomeParameters(
        name="sold_online_12m",
        levels=(0.12, 0.13, 0.14),
        effect=0.05,
        slope=0.04,
        commune_sd=0.01,
        team_sd=0.02,
        source="assumed: craft villages sell, most households do not",
    ),
    OutcomeParameters(
        name="district_platform_12m",
        levels=(0.05, 0.055, 0.06),
        effect=0.04,
        slope=0.02,
        commune_sd=0.006,
        team_sd=0.006,
        source="assumed: the first class had about 12 people (2023-06), then classes grew",
    ),
)

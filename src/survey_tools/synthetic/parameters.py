"""State every number of the synthetic district with its unit and where it comes from.

Draws nothing. Published figures stand in the table of baselines that came with the study's design; a
number marked "assumed" has no published source and is chosen to be plausible for a rural district.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
import pandas as pd

from survey_tools.errors import ParamsError
from survey_tools.synthetic.outcomes import DEFAULT_OUTCOMES, OutcomeParameters


@dataclass(frozen=True)
class WaveParameters:
    """A survey wave: its name, and the first and last day of field work."""

    name: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class PlantedParameters:
    """How many problems of each kind are planted (rows of the whole survey, unless said).

    Attributes
    ----------
    duplicates : int
        Interviews sent twice.
    foreign_codes : int
        Interviews under a valid code of the same team that is not in the sample.
    shared_codes : int
        Interviews under the code of another sampled household of the team.
    edits : int
        Rows corrected on the server after they were sent.
    short : int
        Interviews of 6 to 11 minutes.
    texts : int
        Invented names or phone numbers in a free text, for each of `comment` and `enum_note`.
    log_texts : int
        The same in `problem` of the team logs.
    far : int
        Positions some 30 km away from the team's village.
    straight_lining, heaping : int
        Enumerators who give the same answer to every scale question, or round adult ages to fives.
    missing_logs : float
        Share of monthly team logs that never came.
    outliers, contradictions : int
        Interviews with an amount hundreds of times too large; with two answers that exclude each other.
    other_texts : int
        Answers «other» whose text is a choice of the list, written into `enum_note`.
    old_versions : int
        Interviews of the last wave with the first form version.
    near_identical : int
        Interviews that repeat an earlier one of the same enumerator and wave.
    leading : int
        Enumerators who lead people to one answer.
    rushed, idle : int
        Interviews with one group of questions answered in less than a second each; whose form lay open
        for most of the time.
    audit_share : float
        Share of interviews whose audit log came; no problem by itself.
    """

    duplicates: int = 14
    foreign_codes: int = 7
    shared_codes: int = 6
    edits: int = 18
    short: int = 16
    texts: int = 8
    log_texts: int = 6
    far: int = 10
    straight_lining: int = 1
    heaping: int = 1
    missing_logs: float = 0.03
    outliers: int = 8
    contradictions: int = 10
    other_texts: int = 9
    old_versions: int = 9
    near_identical: int = 8
    leading: int = 1
    rushed: int = 8
    idle: int = 6
    audit_share: float = 0.12

    @classmethod
    def none(cls) -> PlantedParameters:
        """Give a district without planted problems, to count false alarms; some audit logs still come."""
        zero = {field.name: 0 for field in fields(cls) if field.name != "audit_share"}
        return cls(**zero)


_WAVES = (
    WaveParameters("w1", date(2026, 1, 12), date(2026, 2, 10)),
    WaveParameters("w2", date(2026, 5, 11), date(2026, 6, 12)),
    WaveParameters("w3", date(2026, 9, 15), date(2026, 10, 24)),
)


@dataclass(frozen=True)
class DistrictParameters:
    """Everything the synthetic district is made of; `default()` and `small()` are ready.

    Attributes
    ----------
    communes : tuple of str or None
        Codes that are simulated; None takes all that `params/teams.csv` has.
    households_per_team : int
        Households drawn in a team (design of the study: 12).
    waves : tuple of WaveParameters
        Waves, oldest first (design of the study: baseline, midline, endline of 2026).
    outcomes : tuple of OutcomeParameters
        The outcomes that are drawn; the share of purchases and the income follow from them.
    share_through_qr : float
        Rise of the cashless share of purchases when a person pays shops by QR (assumed).
    income_bands : tuple of float
        Weights of the bands b0..b5 among households that sell online (assumed).
    sells_share : float
        Share of households that make or sell something (assumed; must exceed those that sell online).
    reach_regular, reach_intensive : tuple of float
        Probability of being reached in the last 6 months, a wave (assumed: equal at baseline; a
        difference of 40 points at the endline, as the design's power reckons with 50 at most).
    reach_slope : float
        Change of that probability for one unit of engagement: the selection that misleads a naive
        comparison.
    reach_team_sd : float
        Standard deviation of that probability between teams of one arm.
    spillover_phase : tuple of float
        Part of the spillover at work, a wave: none at baseline, half, full.
    own_persistence, household_persistence, reach_persistence : float
        Share of the variance of the latent draw that is the household's own in one outcome over waves,
        its own in all outcomes and waves; the first for being reached (assumed; together .5).
    piped_share, piped_commune_sd : float
        Share of households that pay for piped water, and its spread between communes (assumed).
    recipient_share, recipient_slope : float
        Share of households with a government transfer in 12 months, and its change with engagement.
    not_found, moved, dissolved, absent, refusal : tuple of float
        Share of the households still in the panel that are lost so, a wave (about 90 % of the baseline
        is interviewed at the endline). Absence and only it is for one wave.
    refusal_slope : float
        Change of refusal with engagement.
    attempts : tuple of float
        Weights of a contact at the first, second and third visit.
    dont_know, no_bill : float
        Share of "don't know" and "no bill" among the last electricity bills (and of "don't know"
        elsewhere where the form allows it).
    no_answer : float
        Share that does not name the band of its income.
    sensitive, gps, recontact : float
        Share of respondents who agree to the sensitive questions, the position, the next call.
    respondent_change : float
        Share of later interviews with another adult than before.
    enumerators : int
        People in the field, at most 99.
    backcheck_share, backcheck_error : float
        Share of interviews that are visited again, and the chance that an answer then differs.
    log_months : tuple of str
        First and last month of the team logs.
    outreach_from : str
        First month of more intensive outreach.
    log_rate_regular, log_rate_intensive : float
        Households visited a month, as a share of the team's households.
    schools, markets, streets : int
        Sites in 27 communes (58 schools: news item of 2024-06-14; the others assumed); fewer communes
        get their part.
    planted : PlantedParameters
        The problems put into the rows on purpose.
    """

    communes: tuple[str, ...] | None = None
    households_per_team: int = 12
    waves: tuple[WaveParameters, ...] = _WAVES
    outcomes: tuple[OutcomeParameters, ...] = DEFAULT_OUTCOMES
    share_through_qr: float = 0.42
    income_bands: tuple[float, ...] = (0.05, 0.22, 0.38, 0.20, 0.12, 0.03)
    sells_share: float = 0.62
    reach_regular: tuple[float, ...] = (0.20, 0.22, 0.22)
    reach_intensive: tuple[float, ...] = (0.20, 0.46, 0.62)
    reach_slope: float = 0.165
    reach_team_sd: float = 0.015
    spillover_phase: tuple[float, ...] = (0.0, 0.5, 1.0)
    own_persistence: float = 0.35
    household_persistence: float = 0.15
    reach_persistence: float = 0.30
    piped_share: float = 0.70
    piped_commune_sd: float = 0.10
    recipient_share: float = 0.34
    recipient_slope: float = -0.12
    not_found: tuple[float, ...] = (0.010, 0.0, 0.0)
    moved: tuple[float, ...] = (0.006, 0.012, 0.012)
    dissolved: tuple[float, ...] = (0.002, 0.004, 0.004)
    absent: tuple[float, ...] = (0.015, 0.020, 0.020)
    refusal: tuple[float, ...] = (0.025, 0.015, 0.015)
    refusal_slope: float = -0.010
    attempts: tuple[float, ...] = (0.74, 0.19, 0.07)
    dont_know: float = 0.012
    no_bill: float = 0.006
    no_answer: float = 0.03
    sensitive: float = 0.94
    gps: float = 0.82
    recontact: float = 0.90
    respondent_change: float = 0.03
    enumerators: int = 24
    backcheck_share: float = 0.05
    backcheck_error: float = 0.04
    log_months: tuple[str, str] = ("2025-10", "2026-10")
    outreach_from: str = "2026-03"
    log_rate_regular: float = 0.045
    log_rate_intensive: float = 0.140
    schools: int = 58
    markets: int = 4
    streets: int = 3
    planted: PlantedParameters = PlantedParameters()

    @classmethod
    def default(cls) -> DistrictParameters:
        """Give the whole district: 154 teams, 1,848 households, three waves."""
        return cls()

    @classmethod
    def small(cls) -> DistrictParameters:
        """Give three communes and 8 households a team, with every kind of planted problem."""
        planted = PlantedParameters(
            duplicates=3,
            foreign_codes=2,
            shared_codes=2,
            edits=4,
            short=3,
            texts=2,
            log_texts=2,
            far=2,
            outliers=2,
            contradictions=3,
            other_texts=3,
            old_versions=2,
            near_identical=2,
            rushed=2,
            idle=2,
            audit_share=0.4,
        )
        few = ("10270", "10288", "10291")
        return replace(cls(), communes=few, households_per_team=8, enumerators=5, planted=planted)

    def __post_init__(self) -> None:
        for outcome in self.outcomes:
            low, high = bounds(self, outcome)
            if low < 0 or high > 1:
                raise ParamsError(
                    "The probability of an outcome could leave 0..1, and its effect would not be exact.",
                    expected="level, effect, slope and spreads that sum to 0..1 in the worst case",
                    found=f"{outcome.name}: {low:.3f} to {high:.3f}",
                    where="DistrictParameters.outcomes",
                )
        for name, low, high in self._reach_bounds():
            if low < 0 or high > 1:
                raise ParamsError(
                    "The probability of being reached could leave 0..1.",
                    found=f"{low:.3f} to {high:.3f}",
                    where=f"DistrictParameters.{name}",
                )

    def outcome(self, name: str) -> OutcomeParameters:
        """Find the parameters of one outcome."""
        return next(outcome for outcome in self.outcomes if outcome.name == name)

    def select(self, teams: pd.DataFrame) -> pd.DataFrame:
        """Teams that are simulated, by code, with `share_intensive`: of the commune's other teams."""
        chosen = (
            teams if self.communes is None else teams[teams["commune_code"].isin(self.communes)]
        )
        if chosen.empty:
            raise ParamsError("No team belongs to the chosen communes.", where="DistrictParameters")
        chosen = chosen.sort_values("team_id", ignore_index=True)
        arm = chosen["intensive"].astype("int64")
        grouped = arm.groupby(chosen["commune_code"])
        others = (grouped.transform("size") - 1).clip(lower=1)
        return chosen.assign(
            intensive=arm, share_intensive=(grouped.transform("sum") - arm) / others
        )

    def _reach_bounds(self) -> list[tuple[str, float, float]]:
        spread = self.reach_slope + _half(self.reach_team_sd)
        arms = {"reach_regular": self.reach_regular, "reach_intensive": self.reach_intensive}
        return [(name, min(r) - spread, max(r) + spread) for name, r in arms.items()]


def bounds(parameters: DistrictParameters, outcome: OutcomeParameters) -> tuple[float, float]:
    """Give the lowest and highest value that the probability (or mean share) can take.

    >>> low, high = bounds(DistrictParameters.default(), DEFAULT_OUTCOMES[0])
    >>> 0 < low < high < 1
    True
    """
    spread = abs(outcome.slope) + sum(
        _half(sd) for sd in (outcome.commune_sd, outcome.team_sd, outcome.enumerator_sd)
    )
    reach = [
        outcome.effect * (reached - regular)
        for reached in (0, 1)
        for regular in parameters.reach_regular
    ]
    low = min(outcome.levels) + min(reach) - spread + min(0.0, outcome.spillover)
    high = max(outcome.levels) + max(reach) + spread + max(0.0, outcome.spillover)
    if outcome.name == "cashless_share_last10":
        high += parameters.share_through_qr
    return low, high


def _half(sd: float) -> float:
    """Half of the width of a uniform distribution with this standard deviation."""
    return float(sd * np.sqrt(3.0))

"""Draw who was reached and every outcome, household by wave, with both potential outcomes.

Writes no answers of a form: those follow in `answers_household` and `answers_person`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from survey_tools.synthetic.draws import Array, bounded, pick
from survey_tools.synthetic.outcomes import OutcomeParameters
from survey_tools.synthetic.parameters import DistrictParameters

BAND_MIDDLES = {"b0": 0.0, "b1": 0.5, "b2": 3.0, "b3": 7.5, "b4": 20.0, "b5": 40.0}
"""Income from online selling last month (million VND) that stands for each band."""

OUTCOMES = (
    "elec_cashless_last",
    "water_cashless_last",
    "school_fee_cashless_last",
    "welfare_account_last",
    "qr_shop_30d",
    "cashless_share_last10",
    "bought_online_12m",
    "sold_online_12m",
    "district_platform_12m",
    "online_income_1m",
)

_SHARE = "cashless_share_last10"
_THRESHOLD_OF = {"district_platform_12m": "bought_online_12m"}
"""Buying on the district platform is a rarer case of buying online: one draw, two thresholds."""


def draw_responses(
    households: pd.DataFrame,
    pupils: Array,
    enumerator: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw reach and outcomes of every sampled household in every wave, interviewed or not.

    P(reached) = reach of the arm and wave + team + slope * engagement. The outcomes are those of
    `OutcomeParameters`; a Gaussian copula makes a household's draws of one outcome correlate over waves
    (0.5) and those of different outcomes a little (0.15).

    Parameters
    ----------
    households : DataFrame
        Of `draw_households`.
    pupils : array of bool, shape (households, waves)
        Whether somebody goes to school.
    enumerator : array of int, shape (households, waves)
        Who interviews.

    Returns
    -------
    DataFrame
        One row a household and wave, sorted by household, then wave: hhid, wave, team_id,
        commune_code, intensive, share_intensive, engagement; `reached`, `reached__if_regular`,
        `reached__if_intensive`; for each outcome `<o>`, `<o>__if_unreached`, `<o>__if_reached`
        (floats; NaN where the household is not in the outcome's base); `sells_any`, `income_band`.
    """
    waves = [wave.name for wave in parameters.waves]
    shape = (len(households), len(waves))
    reach = _draw_reach(households, parameters, rng)
    columns = {name: values.reshape(-1) for name, values in reach.items()}
    potential = _draw_outcomes(households, enumerator, parameters, rng)
    base = {
        "water_cashless_last": np.repeat(households["piped"].to_numpy()[:, None], shape[1], axis=1),
        "school_fee_cashless_last": pupils,
        "welfare_account_last": np.repeat(
            households["recipient"].to_numpy()[:, None], shape[1], axis=1
        ),
    }
    for name in OUTCOMES:
        asked = base.get(name, np.ones(shape, dtype=bool)).reshape(-1)
        unreached, reached = (np.where(asked, y.reshape(-1), np.nan) for y in potential[name])
        columns[name] = np.where(columns["reached"] == 1, reached, unreached)
        columns[f"{name}__if_unreached"], columns[f"{name}__if_reached"] = unreached, reached
    columns["sells_any"] = potential["sells_any"][0].reshape(-1)
    keys = ["hhid", "team_id", "commune_code", "intensive", "share_intensive", "engagement"]
    frame = households.loc[np.repeat(np.arange(shape[0]), shape[1]), keys].reset_index(drop=True)
    frame.insert(1, "wave", waves * shape[0])
    bands = potential["bands"].reshape(-1)  # type: ignore[union-attr]
    return pd.concat([frame, pd.DataFrame(columns)], axis=1).assign(income_band=bands)


def _draw_reach(
    households: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> dict[str, Array]:
    n, waves = len(households), len(parameters.waves)
    tendency = (
        parameters.reach_slope * households["engagement"].to_numpy()
        + _by(households["team_id"], parameters.reach_team_sd, rng)
    )[:, None]
    draw = _copula(rng, n, waves, ((parameters.reach_persistence, rng.standard_normal(n)),))
    regular = draw < np.array(parameters.reach_regular) + tendency
    intensive = draw < np.array(parameters.reach_intensive) + tendency
    treated = households["intensive"].to_numpy()[:, None] == 1
    return {
        "reached": np.where(treated, intensive, regular).astype(float),
        "reached__if_regular": regular.astype(float),
        "reached__if_intensive": intensive.astype(float),
    }


def _draw_outcomes(
    households: pd.DataFrame,
    enumerator: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> dict[str, tuple[Array, Array] | Array]:
    """Potential outcomes (unreached, reached) of all outcomes, each of shape (households, waves)."""
    n, waves = enumerator.shape
    everywhere = (parameters.household_persistence, rng.standard_normal(n))
    draws: dict[str, Array] = {}
    chances: dict[str, tuple[Array, Array]] = {}
    for outcome in parameters.outcomes:
        own = (parameters.own_persistence, rng.standard_normal(n))
        draws[outcome.name] = _copula(rng, n, waves, (everywhere, own))
        chances[outcome.name] = _chances(outcome, households, enumerator, parameters, rng)
    _refuse_disorder(chances)
    found: dict[str, tuple[Array, Array] | Array] = {}
    for name, (low, high) in chances.items():
        if name != _SHARE:
            draw = draws[_THRESHOLD_OF.get(name, name)]
            found[name] = ((draw < low).astype(float), (draw < high).astype(float))
    found[_SHARE] = _shares(chances[_SHARE], found["qr_shop_30d"], draws[_SHARE], parameters, rng)
    sells = draws["sold_online_12m"] < parameters.sells_share
    found["sells_any"] = (sells, sells)
    found["bands"], found["online_income_1m"] = _income(found["sold_online_12m"], parameters, rng)
    return found


def _chances(
    outcome: OutcomeParameters,
    households: pd.DataFrame,
    enumerator: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    fixed = (
        outcome.slope * households["engagement"].to_numpy()
        + _by(households["commune_code"], outcome.commune_sd, rng)
        + _by(households["team_id"], outcome.team_sd, rng)
    )[:, None]
    share = households["share_intensive"].to_numpy()[:, None]
    people = bounded(rng, outcome.enumerator_sd, parameters.enumerators)
    unreached = (
        np.array(outcome.levels)
        - outcome.effect * np.array(parameters.reach_regular)
        + fixed
        + outcome.spillover * share * np.array(parameters.spillover_phase)
        + people[enumerator]
    )
    return unreached, unreached + outcome.effect


def _shares(
    chances: tuple[Array, Array],
    qr: tuple[Array, Array] | Array,
    draw: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Tenths of the last ten purchases, with the exact mean: symmetric spread, then random rounding."""
    rounding = rng.random(draw.shape)
    found = []
    for chance, uses in zip(chances, qr, strict=True):
        mean = chance + parameters.share_through_qr * uses
        spread = 0.9 * np.minimum(mean, 1 - mean) * (2 * draw - 1)
        found.append(np.floor(10 * (mean - spread) + rounding) / 10)
    return found[0], found[1]


def _income(
    sold: tuple[Array, Array] | Array, parameters: DistrictParameters, rng: np.random.Generator
) -> tuple[Array, tuple[Array, Array]]:
    weights = dict(zip(BAND_MIDDLES, parameters.income_bands, strict=True))
    bands = pick(rng.random(sold[0].size), weights).reshape(sold[0].shape)
    middles = np.vectorize(BAND_MIDDLES.__getitem__, otypes=[float])(bands)
    return bands, (sold[0] * middles, sold[1] * middles)


def _refuse_disorder(chances: dict[str, tuple[Array, Array]]) -> None:
    """Stop when a rarer case is the likelier one for some household, or a probability would be clipped."""
    for rare, wide in _THRESHOLD_OF.items():
        if any((a > b).any() for a, b in zip(chances[rare], chances[wide], strict=True)):
            raise ValueError(f"{rare} is more likely than {wide} for some household")
    for name, pair in chances.items():
        if min(p.min() for p in pair) < 0 or max(p.max() for p in pair) > 1:
            raise ValueError(f"a probability of {name} leaves 0..1")


def _copula(
    rng: np.random.Generator, n: int, waves: int, factors: tuple[tuple[float, Array], ...]
) -> Array:
    """Uniforms of shape (n, waves) that share the given factors (variance share, standard normals)."""
    rest = 1.0 - sum(share for share, _ in factors)
    latent = np.sqrt(rest) * rng.standard_normal((n, waves))
    for share, factor in factors:
        latent = latent + np.sqrt(share) * factor[:, None]
    return np.asarray(ndtr(latent))


def _by(codes: pd.Series, sd: float, rng: np.random.Generator) -> Array:
    names, place = np.unique(codes.to_numpy(dtype=str), return_inverse=True)
    return bounded(rng, sd, len(names))[place]

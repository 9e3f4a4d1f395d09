"""Draw the sampled households of each team and the people who live in them; no answers yet.

Household sizes follow the census of the commune. A household's engagement is uniform on -1..1 with mean
0 in every team; ages, schooling and phones lean on it, never the other way round.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from survey_tools.synthetic.draws import Array, bounded, pick
from survey_tools.synthetic.parameters import DistrictParameters

EDUCATION = ("none", "primary", "lowsec", "upsec", "vocational", "higher")


def household_code(team_id: str, number: int) -> str:
    """Write the code on the sample card; the last digit is the number modulo 7.

    >>> household_code("10291-T03", 17)
    '10291-T03-H017-3'
    """
    return f"{team_id}-H{number:03d}-{number % 7}"


def draw_households(
    teams: pd.DataFrame,
    communes: pd.DataFrame,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw the sample: `households_per_team` codes in each team, with what never changes.

    Parameters
    ----------
    teams : DataFrame
        Of `DistrictParameters.select`.
    communes : DataFrame
        `code`, `hh_size_1` … `hh_size_7plus`, `tile_row`, `tile_col`.

    Returns
    -------
    DataFrame
        One row a household: hhid, team_id, commune_code, intensive, share_intensive, hh_size,
        engagement, piped, recipient, lat, lon (degrees).
    """
    count = parameters.households_per_team
    numbers = [
        rng.choice(np.arange(1, min(int(size), 999) + 1), count, replace=False)
        for size in teams["households"]
    ]
    codes = [
        household_code(team, int(number))
        for team, drawn in zip(teams["team_id"], numbers, strict=True)
        for number in np.sort(drawn)
    ]
    keys = ["team_id", "commune_code", "intensive", "share_intensive"]
    frame = teams.loc[np.repeat(np.arange(len(teams)), count), keys].reset_index(drop=True)
    frame.insert(0, "hhid", codes)
    frame["hh_size"] = _sizes(frame["commune_code"], communes, rng)
    frame["engagement"] = rng.uniform(-1, 1, len(frame))
    frame["piped"] = rng.random(len(frame)) < _piped_chance(frame["commune_code"], parameters, rng)
    chance = parameters.recipient_share + parameters.recipient_slope * frame["engagement"]
    frame["recipient"] = rng.random(len(frame)) < chance
    return frame.assign(**_positions(frame, communes, rng))


def draw_members(households: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Draw who lives in each household; the head is the first line.

    Children's number and ages depend on the size of the household alone, so whether somebody goes to
    school tells nothing of its engagement.

    Returns
    -------
    DataFrame
        One row a person: hhid, household (position in `households`), m_no, m_rel, m_sex, age
        (exact years on the first day of the first wave), m_edu, and the persistent draws phone_draw,
        net_draw, acct_draw, wallet_draw (uniform; phones of a household go together).
    """
    size = households["hh_size"].to_numpy()
    household = np.repeat(np.arange(len(size)), size)
    line = np.arange(len(household)) - np.repeat(np.cumsum(size) - size, size)
    minors = rng.binomial(np.maximum(size - 2, 0), 0.62) + (
        (size == 2) & (rng.random(len(size)) < 0.08)
    )
    x = households["engagement"].to_numpy()
    head_age = np.clip(51 - 8 * x + 10 * (size == 1) + rng.normal(0, 11, len(size)), 24, 86)
    minor = line >= (size - minors)[household]
    frame = pd.DataFrame({"household": household, "m_no": line + 1})
    frame.insert(0, "hhid", households["hhid"].to_numpy()[household])
    relation, sex, age = _people(household, line, minor, head_age, rng)
    frame["m_rel"], frame["m_sex"], frame["age"] = relation, sex, age
    frame["m_edu"] = _education(age, x[household], rng)
    for name in ("net_draw", "acct_draw", "wallet_draw"):
        frame[name] = rng.random(len(frame))
    shared = rng.standard_normal(len(size))[household]
    frame["phone_draw"] = ndtr(
        np.sqrt(0.6) * shared + np.sqrt(0.4) * rng.standard_normal(len(frame))
    )
    return frame


def _sizes(codes: pd.Series, communes: pd.DataFrame, rng: np.random.Generator) -> Array:
    """Draw sizes from the commune's census counts; seven and more is split into 7, 8 and 9."""
    columns = [name for name in communes.columns if name.startswith("hh_size_")]
    counts = communes.set_index("code").loc[codes, columns].to_numpy(dtype=float)
    weights = {str(k + 1): counts[:, k] for k in range(6)}
    weights |= {str(7 + k): counts[:, 6] * part for k, part in enumerate((0.6, 0.28, 0.12))}
    return pick(rng.random(len(codes)), weights).astype(np.int64)


def _piped_chance(
    codes: pd.Series, parameters: DistrictParameters, rng: np.random.Generator
) -> Array:
    names, place = np.unique(codes.to_numpy(dtype=str), return_inverse=True)
    spread = bounded(rng, parameters.piped_commune_sd, len(names))
    return np.clip(parameters.piped_share + spread[place], 0, 1)


def _positions(
    households: pd.DataFrame, communes: pd.DataFrame, rng: np.random.Generator
) -> dict[str, Array]:
    """Place communes by their tile of the map, teams some 600 m around, homes some 200 m around."""
    tiles = communes.set_index("code").loc[households["commune_code"]]
    teams, place = np.unique(households["team_id"].to_numpy(dtype=str), return_inverse=True)
    n = len(households)
    around = rng.uniform(-0.006, 0.006, (2, len(teams)))[:, place]
    home = rng.uniform(-0.002, 0.002, (2, n))
    lat = 20.795 - 0.018 * tiles["tile_row"].to_numpy(dtype=float) + around[0] + home[0]
    lon = 105.845 + 0.020 * tiles["tile_col"].to_numpy(dtype=float) + around[1] + home[1]
    return {"lat": lat.round(6), "lon": lon.round(6)}


def _people(
    household: Array, line: Array, minor: Array, head_age: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Relation, sex and exact age of every line: head, spouse, other adults, then minors."""
    n = len(household)
    head = head_age[household]
    head_male = (rng.random(len(head_age)) < 0.70)[household]
    child = ~minor & (line >= 2) & (head >= 42)
    spouse = ~minor & (line == 1) & (rng.random(n) < 0.88)
    relation = np.select(
        [line == 0, spouse, child, minor], ["head", "spouse", "child", "child"], "parent"
    ).astype(object)
    age = np.select(
        [line == 0, spouse, child, minor],
        [
            head,
            np.clip(head - 3 + rng.normal(0, 3, n), 20, 88),
            rng.uniform(18.05, np.maximum(head - 20, 19)),
            rng.uniform(0, 17.2, n),
        ],
        np.clip(head + rng.uniform(20, 30, n), 50, 96),
    )
    far = minor & ((head - age > 46) | (head - age < 18))
    relation[far] = "grandchild"
    too_old = (relation == "parent") & (head > 66)
    relation[too_old] = "otherrel"
    sex = np.where(rng.random(n) < 0.5, "male", "female").astype(object)
    sex = np.where(line == 0, np.where(head_male, "male", "female"), sex)
    return relation, np.where(spouse, np.where(head_male, "female", "male"), sex), age


def _education(age: Array, engagement: Array, rng: np.random.Generator) -> Array:
    old = np.clip((age - 30) / 50, 0, 1)
    level = rng.normal(3.1 - 1.9 * old + 0.45 * engagement, 0.95, len(age))
    ceiling = np.select([age < 18, age < 22], [2, 3], 5)
    codes = np.clip(np.round(level), 0, ceiling).astype(np.int64)
    return np.array(EDUCATION, dtype=object)[codes]

"""Send enumerators to the sampled households: who comes when, who is met, who agrees; asks nothing.

Every attempt is a row of its own, as the phone sends it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array, only, pick, yes_no
from survey_tools.synthetic.parameters import DistrictParameters
from survey_tools.synthetic.population import household_code

LOST = ("moved", "dissolved", "notfound", "refused")
"""Results after which a household is not visited again in later waves."""

_REFUSALS = {"busy": 0.38, "privacy": 0.2, "nointerest": 0.22, "distrust": 0.14, "other": 0.06}
_FIRST_MINUTE, _SLOT, _WORKING_DAY = 450, 68, 780  # from 7:30, one visit in 68 minutes, 13 hours


def enumerator_code(number: int) -> str:
    """Write the code of an enumerator, counted from 0.

    >>> enumerator_code(6)
    'E07'
    """
    return f"E{number + 1:02d}"


def draw_enumerators(
    teams: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> Array:
    """Share out the teams among the enumerators anew in each wave; shape (teams, waves), from 0."""
    order = np.stack([rng.permutation(len(teams)) for _ in parameters.waves], axis=1)
    return order % parameters.enumerators


def draw_status(
    households: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> Array:
    """Draw how each household ends in each wave; shape (households, waves).

    Returns
    -------
    array of object
        interviewed, absent, refused, moved, dissolved, notfound, or out: not visited any more.
    """
    n = len(households)
    reluctance = parameters.refusal_slope * households["engagement"].to_numpy()
    inside = np.ones(n, dtype=bool)
    found = []
    for wave in range(len(parameters.waves)):
        weights: dict[str, Any] = {
            "notfound": parameters.not_found[wave],
            "moved": parameters.moved[wave],
            "dissolved": parameters.dissolved[wave],
            "absent": parameters.absent[wave],
            "refused": parameters.refusal[wave] + reluctance,
        }
        weights["interviewed"] = 1.0 - sum(weights.values())
        status = np.where(inside, pick(rng.random(n), weights), "out")
        inside = inside & ~np.isin(status, LOST)
        found.append(status)
    return np.stack(found, axis=1)


def draw_visits(
    households: pd.DataFrame,
    status: Array,
    enumerator: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Lay out every attempt of the main interviews, with consents, day and minutes.

    Parameters
    ----------
    status : array of object, shape (households, waves)
        Of `draw_status`.
    enumerator : array of int, shape (households, waves)

    Returns
    -------
    DataFrame
        One row an attempt: household, wave_no, wave, visit_type, enumerator (number), enumerator_id,
        commune_code, team_id, hhid, visit_no, visit_result, consent, refuse_reason, consent_sensitive,
        consent_gps, consent_recontact, start (local time), minutes, interview (number, or -1).
    """
    ends = _last_attempts(status, parameters, rng)
    count = ends["attempts"].to_numpy()
    visits = ends.loc[np.repeat(np.arange(len(ends)), count)].reset_index(drop=True)
    visits["visit_no"] = np.arange(len(visits)) - np.repeat(np.cumsum(count) - count, count) + 1
    last = (visits["visit_no"] == visits["attempts"]).to_numpy()
    final = visits["status"].replace({"interviewed": "contact", "refused": "contact"})
    before = np.where(visits["status"] == "notfound", "notfound", "absent")
    visits["visit_result"] = np.where(last, final, before)
    visits = _with_consent(visits, last, parameters, rng)
    keys = households[["hhid", "team_id", "commune_code"]]
    visits = visits.join(keys, on="household")
    visits["enumerator"] = enumerator[visits["household"], visits["wave_no"]]
    visits["wave"] = np.array([w.name for w in parameters.waves], dtype=object)[visits["wave_no"]]
    visits["visit_type"] = "main"
    return _with_times(visits, parameters, rng).drop(columns=["attempts", "status"])


def draw_backchecks(
    visits: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    """Visit some interviewed households again, by another enumerator, within five days, for a short time.

    `interview` still names the first interview; the caller gives the back-check its own answers.
    """
    wanted = round(parameters.backcheck_share * (visits["interview"] >= 0).sum())
    chosen = _sample(visits, max(1, wanted), rng)
    n = len(chosen)
    other = (
        chosen["enumerator"] + rng.integers(1, parameters.enumerators, n)
    ) % parameters.enumerators
    start = chosen["start"].dt.normalize() + pd.to_timedelta(rng.integers(1, 6, n), unit="D")
    start += pd.to_timedelta(rng.integers(480, 1080, n) * 60, unit="s")
    return chosen.assign(
        visit_type="backcheck",
        visit_no=chosen["visit_no"] + 1,
        enumerator=other,
        enumerator_id=[enumerator_code(k) for k in other],
        start=start,
        minutes=rng.integers(12, 21, n),
    )


def draw_training(
    visits: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    """Let every enumerator fill in one practice form, under a code of no household, before each wave."""
    parts = []
    for number, wave in enumerate(parameters.waves):
        model = _sample(visits[visits["wave_no"] == number], parameters.enumerators, rng)
        day = pd.Timestamp(wave.first_day - timedelta(days=3))
        minute = rng.integers(510, 960, len(model))
        parts.append(
            model.assign(
                visit_type="training",
                visit_no=1,
                hhid=[household_code(team, 999) for team in model["team_id"]],
                enumerator=np.arange(len(model)),
                enumerator_id=[enumerator_code(k) for k in range(len(model))],
                start=day + pd.to_timedelta(minute * 60, unit="s"),
                minutes=rng.integers(15, 35, len(model)),
            )
        )
    return pd.concat(parts, ignore_index=True)


def _last_attempts(
    status: Array, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    """One row a household and wave that is visited: how it ends, and after how many attempts."""
    household, wave_no = np.nonzero(status != "out")
    ends = pd.DataFrame({"household": household, "wave_no": wave_no})
    ends["status"] = status[household, wave_no]
    weights = {str(k + 1): weight for k, weight in enumerate(parameters.attempts)}
    met = pick(rng.random(len(ends)), weights).astype(np.int64)
    ends["attempts"] = np.select(
        [ends["status"] == "absent", ends["status"] == "notfound"], [3, 2], met
    )
    return ends


def _with_consent(
    visits: pd.DataFrame, last: Array, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    n = len(visits)
    interviewed = last & (visits["status"] == "interviewed").to_numpy()
    refused = last & (visits["status"] == "refused").to_numpy()
    agreed = {
        "consent_sensitive": parameters.sensitive,
        "consent_gps": parameters.gps,
        "consent_recontact": parameters.recontact,
    }
    answers = {
        name: only(interviewed, yes_no(rng.random(n) < share)) for name, share in agreed.items()
    }
    consent = np.select([interviewed, refused], ["yes", "no"], "")
    return visits.assign(
        consent=pd.Series(consent, dtype=object).replace("", None),
        refuse_reason=only(refused, pick(rng.random(n), _REFUSALS)),
        **answers,
        interview=np.where(interviewed, np.cumsum(interviewed) - 1, -1),
        minutes=_minutes(interviewed, refused, rng),
    )


def _minutes(interviewed: Array, refused: Array, rng: np.random.Generator) -> Array:
    n = len(interviewed)
    long = np.clip(rng.normal(41, 6, n), 27, 62).round()
    return np.select(
        [interviewed, refused], [long, rng.integers(3, 7, n)], rng.integers(2, 5, n)
    ).astype(np.int64)


def _with_times(
    visits: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> pd.DataFrame:
    """Teams one after the other, a day to three between attempts, one visit at a time an enumerator."""
    day = _days(visits, parameters, rng)
    frame = visits.assign(day=day, enumerator_id=[enumerator_code(k) for k in visits["enumerator"]])
    frame["mix"] = rng.random(len(frame))
    ordered = frame.sort_values(["wave_no", "enumerator", "day", "mix"])
    grouped = ordered.groupby(["wave_no", "enumerator", "day"])
    slot = (_WORKING_DAY / grouped["mix"].transform("size")).clip(upper=_SLOT)
    minute = _FIRST_MINUTE + grouped.cumcount() * slot + rng.integers(0, 6, len(ordered))
    second = (minute * 60 + rng.integers(0, 60, len(ordered))).astype("int64")
    first = np.array([w.first_day for w in parameters.waves], dtype="datetime64[s]")
    start = first[ordered["wave_no"]] + ordered["day"].to_numpy().astype("timedelta64[D]")
    start = start + second.to_numpy().astype("timedelta64[s]")
    return ordered.assign(start=start).drop(columns=["day", "mix"]).sort_index()


def _days(visits: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator) -> Array:
    length = np.array([(w.last_day - w.first_day).days for w in parameters.waves])
    pairs = visits[["wave_no", "enumerator", "team_id"]].drop_duplicates()
    pairs = pairs.sort_values(["wave_no", "enumerator", "team_id"])
    grouped = pairs.groupby(["wave_no", "enumerator"])["team_id"]
    pairs = pairs.assign(place=grouped.cumcount(), of=grouped.transform("size"))
    place = visits.merge(pairs, on=["wave_no", "enumerator", "team_id"], validate="m:1")
    span = (length[place["wave_no"]] - 5) / place["of"].to_numpy()
    units = pd.factorize(visits["household"] * len(length) + visits["wave_no"])
    within = rng.random(len(units[1]))[units[0]]
    first = (place["place"].to_numpy() + within) * span
    later = (visits["visit_no"].to_numpy() - 1) * 1.6 + rng.random(len(visits)) * 0.5
    return np.minimum(np.floor(first + later), length[place["wave_no"]]).astype(np.int64)


def _sample(visits: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    interviews = visits[visits["interview"] >= 0]
    return interviews.iloc[rng.choice(len(interviews), n, replace=False)].reset_index(drop=True)

"""Record who lives in the household as the form does in each interview, and choose the respondent.

Changes no outcome. Ages grow with the waves; a heaping enumerator rounds those of adults.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array, join, only, pick
from survey_tools.synthetic.parameters import DistrictParameters

SCHOOLS = ("preschool", "primary", "lowsec", "upsec")
_SCHOOL_AGES = ((3, 5, 0.92), (6, 10, 1.0), (11, 14, 1.0), (15, 17, 0.85))


def wave_ages(members: pd.DataFrame, parameters: DistrictParameters) -> Array:
    """Completed years of every person at the start of each wave; shape (persons, waves)."""
    first = parameters.waves[0].first_day
    passed = np.array([(wave.first_day - first).days / 365.25 for wave in parameters.waves])
    return np.floor(members["age"].to_numpy()[:, None] + passed).astype(np.int64)


def school_levels(members: pd.DataFrame, ages: Array, households: int) -> Array:
    """Which school levels each household attends; bool, shape (households, waves, levels)."""
    found = np.zeros((households, ages.shape[1], len(SCHOOLS)), dtype=bool)
    stays = members["net_draw"].to_numpy()[:, None]
    for level, (low, high, share) in enumerate(_SCHOOL_AGES):
        attends = (ages >= low) & (ages <= high) & (stays < share)
        person, wave = np.nonzero(attends)
        found[members["household"].to_numpy()[person], wave, level] = True
    return found


def school_answers(levels: Array) -> Array:
    """Write attended levels as the form's select_multiple; `none` where nobody goes to school."""
    return join(levels, list(SCHOOLS), "none")


def record_rosters(
    interviews: pd.DataFrame,
    members: pd.DataFrame,
    ages: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write the roster of every interview and choose the respondent as the form does.

    The respondent is the kish_k-th adult in the order of the lines; the same one in later waves, but for
    a share `respondent_change`.

    Parameters
    ----------
    interviews : DataFrame
        One row an interview: household, wave_no, engagement, heaped (bool), pays_qr (bool: pays shops by
        QR), online (bool: buys online).

    Returns
    -------
    roster : DataFrame
        One row an interview and person: interview, household, m_no, m_rel, m_sex, m_age, m_edu, m_phone,
        m_net, m_acct, m_wallet, respondent (bool); None where not asked.
    respondents : DataFrame
        One row an interview: resp_line, resp_age, resp_sex, n_adults, n_smart, kish_rand, kish_k, acct,
        wallet (yes/no), m_edu.
    """
    roster = _lines(interviews, members, ages)
    chosen = _choose(interviews, roster, parameters, rng)
    roster["respondent"] = (
        roster["adult_no"] == chosen["kish_k"].to_numpy()[roster["interview"]]
    ) & (roster["m_age"] >= 18)
    roster = _with_means(roster, interviews, parameters, rng)
    smart = (roster["m_phone"] == "smart").groupby(roster["interview"]).sum()
    own = roster[roster["respondent"]].set_index("interview")
    respondents = chosen.assign(
        resp_line=own["m_no"], resp_age=own["m_age"], resp_sex=own["m_sex"], m_edu=own["education"],
        acct=own["m_acct"], wallet=own["m_wallet"], n_smart=smart,
    )  # fmt: skip
    return roster.drop(columns=["adult_no", "education"]), respondents


def _lines(interviews: pd.DataFrame, members: pd.DataFrame, ages: Array) -> pd.DataFrame:
    """Repeat the household's persons for each of its interviews."""
    size = np.bincount(members["household"])
    first = np.cumsum(size) - size
    count = size[interviews["household"]]
    interview = np.repeat(np.arange(len(interviews)), count)
    line = np.arange(len(interview)) - np.repeat(np.cumsum(count) - count, count)
    person = first[interviews["household"].to_numpy()[interview]] + line
    lines = members.iloc[person].reset_index(drop=True)
    age = ages[person, interviews["wave_no"].to_numpy()[interview]]
    heaped = interviews["heaped"].to_numpy()[interview] & (age >= 20)
    age = np.where(heaped, np.round(age / 5) * 5, age).astype(np.int64)
    lines = lines.assign(interview=interview, m_age=age, education=lines["m_edu"]).drop(
        columns="age"
    )
    lines["adult_no"] = (lines["m_age"] >= 18).groupby(lines["interview"]).cumsum()
    lines["m_edu"] = lines["m_edu"].where(lines["m_age"] >= 15, None)
    return lines


def _choose(
    interviews: pd.DataFrame,
    roster: pd.DataFrame,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    adults = roster.groupby("interview")["adult_no"].max().to_numpy()
    n = len(interviews)
    own = rng.random(int(interviews["household"].max()) + 1)[interviews["household"]]
    other = (interviews["wave_no"] > 0) & (rng.random(n) < parameters.respondent_change)
    k = np.floor(np.where(other, rng.random(n), own) * adults).astype(np.int64)
    share = (k + rng.uniform(0.02, 0.98, n)) / adults
    return pd.DataFrame({"kish_k": k + 1, "kish_rand": share.round(9), "n_adults": adults})


def _with_means(
    roster: pd.DataFrame,
    interviews: pd.DataFrame,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Phones, internet, accounts and wallets; a respondent who pays by QR has a phone and an account."""
    per_line = interviews.loc[roster["interview"]].reset_index(drop=True)
    age, x = roster["m_age"].to_numpy(), per_line["engagement"].to_numpy()
    respondent = roster["respondent"].to_numpy()
    needs = respondent & (per_line["pays_qr"] | per_line["online"]).to_numpy()
    older = np.maximum(age - 45, 0)
    smart = np.select(
        [age < 15, age < 18],
        [0.2, 0.75],
        0.90 + 0.08 * x - 0.013 * older + 0.01 * per_line["wave_no"].to_numpy(),
    )
    weights = {
        "smart": np.clip(smart, 0.02, 1.0),
        "basic": np.where(age < 15, 0.1, 0.1 + 0.006 * older),
    }
    weights["none"] = 1.0 - np.minimum(weights["smart"] + weights["basic"], 1.0)
    phone = np.where(needs, "smart", pick(roster["phone_draw"].to_numpy(), weights))
    online = np.where(phone == "smart", roster["net_draw"] < 0.96, roster["net_draw"] < 0.12)
    has_account = roster["acct_draw"] < np.where(age < 18, 0.15, 0.86 + 0.07 * x - 0.008 * older)
    has_account |= respondent & per_line["pays_qr"].to_numpy()
    has_wallet = roster["wallet_draw"] < np.where(phone == "smart", 0.30 + 0.10 * x, 0.01)
    unknown = (rng.random((2, len(roster))) < parameters.dont_know) & ~respondent
    asked = {"m_phone": age >= 10, "m_net": age >= 10, "m_acct": age >= 15, "m_wallet": age >= 15}
    values = {
        "m_phone": phone,
        "m_net": np.where(online, "yes", "no"),
        "m_acct": np.where(unknown[0], "dk", np.where(has_account, "yes", "no")),
        "m_wallet": np.where(unknown[1], "dk", np.where(has_wallet, "yes", "no")),
    }
    recorded = {name: only(asked[name], value) for name, value in values.items()}
    return roster.drop(columns=["phone_draw", "net_draw", "acct_draw", "wallet_draw"]).assign(
        **recorded
    )

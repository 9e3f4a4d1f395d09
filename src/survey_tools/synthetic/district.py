"""Simulate the whole district from one seed: people, outcomes, field work, answers, planted problems.

Writes no file and no API row; `submissions` turns a district into those.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.synthetic import answers_household as household_part
from survey_tools.synthetic import answers_person as person_part
from survey_tools.synthetic import fieldwork, planting, planting_answers
from survey_tools.synthetic.draws import Array
from survey_tools.synthetic.interviews import Interviews
from survey_tools.synthetic.logs import draw_sites, draw_team_months
from survey_tools.synthetic.parameters import DistrictParameters
from survey_tools.synthetic.population import draw_households, draw_members
from survey_tools.synthetic.responses import draw_responses
from survey_tools.synthetic.roster import (
    record_rosters,
    school_answers,
    school_levels,
    wave_ages,
)
from survey_tools.synthetic.sending import send_forms, send_visits

_SECTIONS = (
    household_part.answer_access,
    household_part.answer_bills,
    person_part.answer_payments,
    person_part.answer_buying,
    household_part.answer_selling,
    person_part.answer_exposure,
    person_part.answer_skills,
    person_part.answer_trust,
    household_part.answer_business,
    person_part.answer_elders,
    household_part.answer_status,
    person_part.answer_opinion,
    person_part.answer_closing,
)
_UNREPEATED: dict[str, Any] = dict.fromkeys(("comment", "enum_note", "phone_recontact", "gps"))
"""What a back-check or a practice form leaves out."""


@dataclass(frozen=True)
class District:
    """A simulated district: the truth, and what was sent from it.

    Attributes
    ----------
    parameters : DistrictParameters
    seed : int
    households : DataFrame
        One row a sampled household; see `draw_households`.
    members : DataFrame
        One row a person; see `draw_members`.
    responses : DataFrame
        One row a sampled household and wave, interviewed or not, with both potential outcomes; see
        `draw_responses`; `status` says how the household ended in the wave.
    visits : DataFrame
        One row a submission of the household form, by `_id`; `interview` names its answers, `true_hhid`
        the household that was really met, `old_form` a form version that had been replaced, `audit` the
        kind of its audit log.
    answers, roster : DataFrame
        What was answered, by `interview` number: one row each; one row a person.
    team_months, sites : DataFrame
        One row a team and month; a site and wave.
    enumerators : DataFrame
        enumerator_id, interviews, straight_lining, age_heaping, leading.
    sample : DataFrame
        hhid, team_id, commune_code of the drawn households.
    planted : DataFrame
        Every planted problem; see `planting.planted_frame`.
    """

    parameters: DistrictParameters
    seed: int
    households: pd.DataFrame
    members: pd.DataFrame
    responses: pd.DataFrame
    visits: pd.DataFrame
    answers: pd.DataFrame
    roster: pd.DataFrame
    team_months: pd.DataFrame
    sites: pd.DataFrame
    enumerators: pd.DataFrame
    sample: pd.DataFrame
    planted: pd.DataFrame


@dataclass(frozen=True)
class _Truth:
    """The district before anybody visits it."""

    teams: pd.DataFrame
    households: pd.DataFrame
    members: pd.DataFrame
    ages: Array
    schools: Array
    enumerator: Array
    responses: pd.DataFrame


@dataclass(frozen=True)
class _Habits:
    """Numbers of the enumerators who straight-line, who heap ages, and who lead people."""

    straight: Array
    heaping: Array
    leading: Array


def simulate(
    parameters: DistrictParameters, teams: pd.DataFrame, communes: pd.DataFrame, seed: int
) -> District:
    """Simulate the district; the same arguments give the same district to the last byte.

    The true effects are those of `truth(parameters, teams)`. A comparison of reached with unreached
    households overstates them: engagement raises both the chance of being reached and the outcomes.

    Parameters
    ----------
    parameters : DistrictParameters
    teams : DataFrame
        `params/teams.csv`: team_id, commune_code, households, intensive.
    communes : DataFrame
        `params/communes.csv`: code, households_2019, hh_size_*, tile_row, tile_col.
    seed : int

    Returns
    -------
    District
    """
    truth = _draw_truth(parameters, teams, communes, seed)
    habits = _draw_habits(parameters, _stream(seed, "habits"))
    rng = _stream(seed, "fieldwork")
    status = fieldwork.draw_status(truth.households, parameters, rng)
    visits = fieldwork.draw_visits(truth.households, status, truth.enumerator, parameters, rng)
    answers, roster = _answer(truth, visits, habits, parameters, _stream(seed, "answers"))
    visits, answers, roster, records = _plant(
        truth, visits, answers, roster, habits, parameters, seed
    )
    visits = send_visits(visits, _stream(seed, "sending"))
    months = draw_team_months(truth.teams, parameters, _stream(seed, "logs"))
    months, log_records = planting.plant_logs(months, parameters, _stream(seed, "log texts"))
    months = send_forms(months, months["sent"].to_numpy(), _stream(seed, "log ids"))
    sites = draw_sites(truth.teams, communes, parameters, _stream(seed, "sites"))
    sites = send_forms(sites, np.ones(len(sites), dtype=bool), _stream(seed, "site ids"))
    records += log_records + planting.enumerator_records(habits.straight, habits.heaping)
    return District(
        parameters=parameters,
        seed=seed,
        households=truth.households,
        members=truth.members,
        responses=truth.responses.assign(status=status.reshape(-1)),
        visits=visits.sort_values("_id", ignore_index=True),
        answers=answers,
        roster=roster,
        team_months=months,
        sites=sites,
        enumerators=_enumerators(visits, habits, parameters),
        sample=truth.households[["hhid", "team_id", "commune_code"]].copy(),
        planted=planting.planted_frame(records, visits, months),
    )


def simulate_responses(
    parameters: DistrictParameters, teams: pd.DataFrame, communes: pd.DataFrame, seed: int
) -> pd.DataFrame:
    """Draw `District.responses` alone (without `status`): the same figures in a fraction of the time."""
    return _draw_truth(parameters, teams, communes, seed).responses


def _stream(seed: int, name: str) -> np.random.Generator:
    """Give each part a generator of its own, so that a change in one part leaves the others alone."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _draw_truth(
    parameters: DistrictParameters, teams: pd.DataFrame, communes: pd.DataFrame, seed: int
) -> _Truth:
    chosen = parameters.select(teams)
    households = draw_households(chosen, communes, parameters, _stream(seed, "households"))
    members = draw_members(households, _stream(seed, "members"))
    ages = wave_ages(members, parameters)
    levels = school_levels(members, ages, len(households))
    by_team = fieldwork.draw_enumerators(chosen, parameters, _stream(seed, "enumerators"))
    enumerator = np.repeat(by_team, parameters.households_per_team, axis=0)
    responses = draw_responses(
        households,
        np.asarray(levels.any(axis=2)),
        enumerator,
        parameters,
        _stream(seed, "responses"),
    )
    return _Truth(chosen, households, members, ages, levels, enumerator, responses)


def _draw_habits(parameters: DistrictParameters, rng: np.random.Generator) -> _Habits:
    planted = parameters.planted
    mixed = rng.permutation(parameters.enumerators)
    first = planted.straight_lining
    second = first + planted.heaping
    third = second + planted.leading
    return _Habits(mixed[:first], mixed[first:second], mixed[second:third])


def _answer(
    truth: _Truth,
    visits: pd.DataFrame,
    habits: _Habits,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answers and rosters of all main interviews, in the order of their numbers."""
    met = visits[visits["interview"] >= 0].sort_values("interview", ignore_index=True)
    place = met["household"].to_numpy() * len(parameters.waves) + met["wave_no"].to_numpy()
    facts = truth.responses.drop(columns=["hhid", "wave", "team_id", "commune_code"])
    frame = pd.concat([met, facts.iloc[place].reset_index(drop=True)], axis=1).assign(
        straight=met["enumerator"].isin(habits.straight),
        heaped=met["enumerator"].isin(habits.heaping),
        lat=truth.households["lat"].to_numpy()[met["household"]],
        lon=truth.households["lon"].to_numpy()[met["household"]],
    )
    frame = frame.assign(pays_qr=frame["qr_shop_30d"] == 1, online=frame["bought_online_12m"] == 1)
    roster, respondents = record_rosters(frame, truth.members, truth.ages, parameters, rng)
    levels = truth.schools[met["household"].to_numpy(), met["wave_no"].to_numpy()]
    interviews = Interviews(frame, respondents, school_answers(levels), parameters, rng)
    columns = _roster_answers(roster, respondents)
    for section in _SECTIONS:
        columns |= section(interviews)
    return pd.DataFrame(columns), roster


def _roster_answers(roster: pd.DataFrame, respondents: pd.DataFrame) -> dict[str, Array]:
    """Section C without the repeat: size, calculates, respondent."""
    size = np.bincount(roster["interview"])
    names = ("n_adults", "n_smart", "kish_k", "resp_line", "resp_age", "resp_sex")
    found = {name: respondents[name].astype("str").to_numpy(dtype=object) for name in names}
    share = [f"{value:.9f}" for value in respondents["kish_rand"]]
    return {
        "hh_size": size.astype(str).astype(object),
        "kish_rand": np.array(share, dtype=object),
        **found,
    }


def _plant(
    truth: _Truth,
    visits: pd.DataFrame,
    answers: pd.DataFrame,
    roster: pd.DataFrame,
    habits: _Habits,
    parameters: DistrictParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[planting.Record]]:
    """Problems first, then back-checks and practice forms, which copy interviews as they were sent."""
    rng = _stream(seed, "planting")
    rows = planting.pick_rows(visits, answers, parameters, rng)
    visits = visits.assign(true_hhid=visits["hhid"])
    checks = fieldwork.draw_backchecks(visits, parameters, rng)
    training = fieldwork.draw_training(visits, parameters, rng)
    visits, records = planting.plant_codes(visits, truth.households, rows, rng)
    visits, answers, more = planting.plant_answers(visits, answers, rows, rng)
    visits, answers, compared = _compare(visits, answers, rows, checks, habits, parameters, seed)
    visits, copies = planting.plant_duplicates(visits, rows["duplicate_submission"], rng)
    checked, differing = planting.answer_backchecks(
        answers.loc[checks["interview"]], parameters.backcheck_error, rng
    )
    first = len(visits)
    for position, name in differing:
        records.append(planting.record("backcheck_difference", first + position, name))
    checked = checked.assign(**_UNREPEATED)
    practice = answers.loc[training["interview"]].assign(team_last=None, **_UNREPEATED)
    answers, roster, extra = planting.append_forms(
        answers, roster, [(checks, checked), (training, practice)]
    )
    extra = extra.assign(edited=False, resent=0, copy_of=-1, old_form=False, audit="")
    return (
        pd.concat([visits, extra], ignore_index=True), answers, roster,
        records + more + compared + copies,
    )  # fmt: skip


def _compare(
    visits: pd.DataFrame,
    answers: pd.DataFrame,
    rows: dict[str, Array],
    checks: pd.DataFrame,
    habits: _Habits,
    parameters: DistrictParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, list[planting.Record]]:
    """Plant what shows by comparison only, in interviews without another problem or a back-check."""
    rng = _stream(seed, "comparisons")
    checked = visits.index[visits["interview"].isin(checks["interview"])].to_numpy()
    taken = np.unique(np.concatenate([*rows.values(), checked]))
    answers, led = planting_answers.lead_answers(visits, answers, habits.leading, rng)
    visits, answers, records = planting_answers.plant_comparisons(
        visits, answers, taken, parameters, rng
    )
    short = rows["short_interview"]
    visits, odd = planting_answers.choose_audits(visits, taken, short, parameters, rng)
    return visits, answers, records + led + odd


def _enumerators(
    visits: pd.DataFrame, habits: _Habits, parameters: DistrictParameters
) -> pd.DataFrame:
    numbers = np.arange(parameters.enumerators)
    main = visits[(visits["interview"] >= 0) & (visits["visit_type"] == "main")]
    return pd.DataFrame(
        {
            "enumerator_id": [fieldwork.enumerator_code(int(k)) for k in numbers],
            "interviews": np.bincount(main["enumerator"], minlength=len(numbers)),
            "straight_lining": np.isin(numbers, habits.straight),
            "age_heaping": np.isin(numbers, habits.heaping),
            "leading": np.isin(numbers, habits.leading),
        }
    )

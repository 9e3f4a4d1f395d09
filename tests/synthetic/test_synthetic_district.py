"""What was sent: order, identities, gates of consent, skips, and every planted problem."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools.errors import ContractError
from survey_tools.synthetic import DistrictParameters, PlantedParameters, simulate, submissions
from survey_tools.synthetic.population import household_code

KINDS = {
    "age_heaping", "backcheck_difference", "code_not_in_sample", "contradiction", "duplicate_submission",
    "edited", "gps_far", "idle", "leading", "missing_log", "near_identical", "old_version",
    "other_listed", "outlier", "personal_text", "rushed", "short_interview", "straight_lining",
    "two_households_one_code",
}  # fmt: skip
PHONE = re.compile(r"(?:\+84|0)[ .]?3\d[\d .]{6,}")


@pytest.fixture(scope="module")
def household(rows) -> dict[int, dict]:
    return {row["_id"]: row for row in rows["household"]}


def planted(district, kind: str) -> pd.DataFrame:
    found = district.planted[district.planted["kind"] == kind]
    assert not found.empty
    return found


def minutes(row: dict) -> float:
    return (pd.Timestamp(row["end"]) - pd.Timestamp(row["start"])).total_seconds() / 60


def test_simulate__same_seed_same_bytes(district, rows, teams, communes, contents):
    shuffled = teams.sample(frac=1, random_state=1)
    again = submissions(simulate(district.parameters, shuffled, communes, district.seed), contents)
    assert json.dumps(again) == json.dumps(rows)


def test_simulate__another_seed_another_district(district, teams, communes):
    other = simulate(district.parameters, teams, communes, district.seed + 1)
    assert set(other.sample["hhid"]) != set(district.sample["hhid"])


def test_simulate__leaves_the_callers_tables_alone(teams, communes):
    before = teams.copy(), communes.copy()
    simulate(DistrictParameters.small(), teams, communes, 1)
    pd.testing.assert_frame_equal(teams, before[0])
    pd.testing.assert_frame_equal(communes, before[1])


def test_simulate__sample_has_the_stated_number_in_every_team(district, teams):
    drawn = district.sample.groupby("team_id").size()
    assert (drawn == 8).all()
    assert set(drawn.index) == set(
        teams.loc[teams["commune_code"].isin(district.parameters.communes), "team_id"]
    )


def test_household_code__check_digit_is_the_number_modulo_seven():
    assert household_code("10270-T01", 145) == "10270-T01-H145-5"


def test_submissions__ids_rise_with_the_time_of_sending(rows):
    for form in rows.values():
        ids = [row["_id"] for row in form]
        times = [row["_submission_time"] for row in form]
        assert ids == sorted(set(ids))
        assert times == sorted(times)


def test_submissions__uuids_are_unique_and_root_stays(rows):
    every = [row for form in rows.values() for row in form]
    assert len({row["_uuid"] for row in every}) == len(every)
    for row in every:
        assert row["meta/instanceID"] == f"uuid:{row['_uuid']}"
        kept = "meta/deprecatedID" not in row
        assert kept == (row["meta/rootUuid"] == row["meta/instanceID"])


def test_submissions__nothing_is_dated_after_the_study(rows):
    for form in rows.values():
        assert max(row["_submission_time"] for row in form) < "2026-11-01"
        assert all(pd.Timestamp(row["start"]) < pd.Timestamp(row["end"]) for row in form)
        assert all(
            pd.Timestamp(row["end"]) <= pd.Timestamp(row["_submission_time"], tz="UTC")
            for row in form
        )


def test_submissions__answers_are_text_and_never_empty(household):
    for row in household.values():
        answers = {k: v for k, v in row.items() if "/" in k and not k.startswith("meta/")}
        people = answers.pop("main/c_roster/roster", [])
        for given in (answers, *people):
            assert all(isinstance(value, str) and value for value in given.values())


def test_submissions__first_wave_and_late_old_forms_use_the_older_question(district, household):
    late = set(planted(district, "old_version")["_id"])
    for row in household.values():
        if row.get("b_consent/consent") == "yes":
            older = row["a_id/wave"] == "w1" or row["_id"] in late
            assert ("main/f_person/pay_qr" in row) == older
            assert ("main/f_person/qr30" in row) != older
            assert row["__version__"] == ("v1" if older else "v2")


def test_submissions__one_version_serves_all_waves(district, contents):
    newest = {"household": {"v2": contents["household"]["v2"]}}
    rows = submissions(district, newest)["household"]
    assert {row["__version__"] for row in rows} == {"v2"}


def test_submissions__form_without_a_question_is_refused(district, contents):
    content = contents["household"]["v2"]
    shorter = content | {"survey": [r for r in content["survey"] if r.get("name") != "wish"]}
    with pytest.raises(ContractError, match="wish"):
        submissions(district, {"household": {"v2": shorter}})


def test_submissions__asset_uid_is_written_where_given(district, contents):
    rows = submissions(district, {"site": contents["site"]}, {"site": "aSite"})["site"]
    assert {row["_xform_id_string"] for row in rows} == {"aSite"}


def test_submissions__no_consent_no_personal_data(household):
    for row in household.values():
        given = {
            name: row.get(f"b_consent/consent_{name}") for name in ("gps", "recontact", "sensitive")
        }
        if given["gps"] != "yes":
            assert "main/p_close/gps" not in row
            assert row["_geolocation"] == [None, None]
        if given["recontact"] != "yes":
            assert "main/p_close/phone_recontact" not in row
        if given["sensitive"] != "yes":
            assert not {"main/k_trust/scam_seen", "main/n_status/income_band"} & set(row)
        if row.get("b_consent/consent") != "yes":
            assert not [key for key in row if key.startswith("main/")]
    assert any("main/p_close/gps" in row for row in household.values())


def test_submissions__skips_follow_the_answers(household):
    interviews = [row for row in household.values() if row.get("b_consent/consent") == "yes"]
    for row in interviews:
        assert ("main/m_elder/eld_how" in row) == (int(row["main/c_roster/resp_age"]) >= 60)
        assert ("main/i_exposure/team_n" in row) == (row["main/i_exposure/team_visit"] == "yes")
        assert ("main/h_sell/sell_online" in row) == (row["main/h_sell/sells"] != "none")
        assert ("main/e_bills/tuition_method" in row) == (
            row["main/e_bills/school_level"] != "none"
        )


def test_submissions__respondent_is_the_drawn_adult(household):
    for row in household.values():
        if row.get("b_consent/consent") != "yes":
            continue
        path = "main/c_roster/"
        people = row[path + "roster"]
        adults = [p for p in people if int(p[path + "roster/m_age"]) >= 18]
        k = int(row[path + "kish_k"])
        assert k == int(float(row[path + "kish_rand"]) * len(adults)) + 1
        assert adults[k - 1][path + "roster/m_no"] == row[path + "resp_line"]
        assert adults[k - 1][path + "roster/m_age"] == row[path + "resp_age"]
        assert len(people) == int(row[path + "hh_size"])


def test_submissions__answers_agree_with_the_outcomes(district, household):
    shared = district.visits["visit_type"].eq("main") & district.visits["interview"].ge(0)
    copied = district.visits["_id"].isin(planted(district, "near_identical")["_id"])
    visits = district.visits[shared & ~district.visits["edited"] & ~copied]
    truth = district.responses.set_index(["hhid", "wave"])
    for visit in visits.to_dict("records"):
        row, said = household[visit["_id"]], truth.loc[(visit["true_hhid"], visit["wave"])]
        qr = row.get("main/f_person/qr30", row.get("main/f_person/pay_qr"))
        assert (qr == "yes") == (said["qr_shop_30d"] == 1)
        assert int(row["main/f_person/cashless10"]) == round(10 * said["cashless_share_last10"])
        assert (row["main/g_buy/buy_when"] in ("m3", "m12")) == (said["bought_online_12m"] == 1)
        assert (row["main/i_exposure/team_visit"] == "yes") == (said["reached"] == 1)
        assert ("main/e_bills/water_method" in row) == (not np.isnan(said["water_cashless_last"]))


def test_simulate__head_keeps_sex_and_age_over_waves(district):
    main = district.visits[
        district.visits["visit_type"].eq("main") & district.visits["interview"].ge(0)
    ]
    heads = district.roster[district.roster["m_no"] == 1].merge(
        main, on="interview", validate="m:m"
    )
    heads = heads[heads["enumerator_id"] != planted(district, "age_heaping")["detail"].iloc[0]]
    spread = heads.groupby("true_hhid").agg(sexes=("m_sex", "nunique"), ages=("m_age", np.ptp))
    assert (spread["sexes"] == 1).all()
    assert spread["ages"].max() <= 1


def test_simulate__an_enumerator_is_at_one_place_at_a_time(district):
    visits = district.visits[
        district.visits["visit_type"].eq("main") & district.visits["copy_of"].lt(0)
    ]
    ordered = visits.sort_values(["enumerator_id", "start"])
    previous = ordered.groupby("enumerator_id")["end"].shift()
    assert not (ordered["start"] < previous).any()


def test_planted__every_kind_is_there(district):
    assert set(district.planted["kind"]) == KINDS


def test_planted__duplicate_has_the_same_answers(district, household):
    own = {"_id", "_uuid", "meta/instanceID", "meta/rootUuid", "_submission_time"}
    for item in planted(district, "duplicate_submission").itertuples():
        copy, first = household[item._3], household[int(item.detail)]
        assert {k: v for k, v in copy.items() if k not in own} == {
            k: v for k, v in first.items() if k not in own
        }
        assert copy["_submission_time"] > first["_submission_time"]


def test_planted__wrong_codes_are_valid_codes_of_the_team(district, household):
    drawn = set(district.sample["hhid"])
    for kind in ("code_not_in_sample", "two_households_one_code"):
        for item in planted(district, kind).itertuples():
            code = household[item._3]["a_id/hhid"]
            assert code == item.hhid != item.detail
            assert code[:9] == item.detail[:9]
            assert int(code[11:14]) % 7 == int(code[15])
            assert (code in drawn) == (kind == "two_households_one_code")


def test_planted__shared_code_has_two_interviews(district, household):
    for item in planted(district, "two_households_one_code").itertuples():
        same = [
            row["_id"]
            for row in household.values()
            if (row["a_id/hhid"], row["a_id/wave"]) == (item.hhid, item.wave)
            and row["a_id/visit_type"] == "main"
            and row.get("b_consent/consent") == "yes"
        ]
        assert len(same) >= 2


def test_planted__edits_have_a_former_uuid(district, household):
    edited = {row["_id"] for row in household.values() if "meta/deprecatedID" in row}
    assert edited == set(planted(district, "edited")["_id"])


def test_planted__short_interviews_and_no_others(district, household):
    short = {
        row["_id"]
        for row in household.values()
        if row.get("b_consent/consent") == "yes"
        and row["a_id/visit_type"] == "main"
        and minutes(row) < 20
    }
    assert short == set(planted(district, "short_interview")["_id"])


def test_planted__far_positions_are_far(district, household):
    homes = district.households.set_index("hhid")
    for item in planted(district, "gps_far").itertuples():
        lat, lon = household[item._3]["_geolocation"]
        assert abs(lat - homes.at[item.hhid, "lat"]) > 0.2
        assert abs(lon - homes.at[item.hhid, "lon"]) > 0.1


def test_planted__personal_texts_are_listed(district, rows):
    listed = planted(district, "personal_text")
    for form, name in (
        ("household", "comment"),
        ("household", "enum_note"),
        ("team_log", "problem"),
    ):
        marked = set(listed.loc[(listed["form"] == form) & (listed["detail"] == name), "_id"])
        texts = {r["_id"]: v for r in rows[form] for k, v in r.items() if k.endswith("/" + name)}
        assert marked <= set(texts)
        assert {number for number, text in texts.items() if PHONE.search(text)} <= marked


def test_planted__straight_liner_says_the_same_to_all(district):
    code = planted(district, "straight_lining")["detail"].iloc[0]
    by = district.visits[
        district.visits["interview"].ge(0) & district.visits["visit_type"].eq("main")
    ]
    said = district.answers.loc[by.loc[by["enumerator_id"] == code, "interview"]]
    others = district.answers.loc[by.loc[by["enumerator_id"] != code, "interview"]]
    assert said["sk_app"].nunique() == 1 < others["sk_app"].nunique()


def test_planted__heaper_rounds_adult_ages(district):
    code = planted(district, "age_heaping")["detail"].iloc[0]
    by = district.visits[
        district.visits["visit_type"].eq("main") & district.visits["copy_of"].lt(0)
    ]
    adults = district.roster[district.roster["m_age"] >= 23].merge(by, on="interview")
    heaped = (adults["m_age"] % 5 == 0).groupby(adults["enumerator_id"] == code).mean()
    assert heaped[True] == 1
    assert heaped[False] < 0.35


def test_team_log__missing_logs_are_the_planted_ones(district, rows):
    sent = {(row["a_key/team_id"], row["a_key/month"][:7]) for row in rows["team_log"]}
    missing = {tuple(text.split()) for text in planted(district, "missing_log")["detail"]}
    assert not sent & missing
    assert len(sent) + len(missing) == 12 * 13


def test_team_log__intensive_teams_visit_more_once_outreach_starts(district):
    months = district.team_months
    later = months["month"] >= "2026-03-01"
    share = (months["hh_visited"] / months["hh_total"]).groupby([later, months["intensive"]]).mean()
    assert share[True, 1] > 2 * share[True, 0]
    assert abs(share[False, 1] - share[False, 0]) < 0.02


def test_sites__every_kind_in_every_wave(district):
    kinds = district.sites.groupby("site_type")["ref_month"].nunique()
    assert kinds.to_dict() == dict.fromkeys(
        ["commune", "market", "platform", "school", "street"], 3
    )


def test_planted__copied_interview_repeats_all_but_two_answers(district, household):
    own = ("main/c_roster/", "main/p_close/", "main/o_sat/comment")
    for item in planted(district, "near_identical").itertuples():
        copy, first = (
            {
                k.replace("pay_qr", "qr30"): v
                for k, v in household[number].items()
                if k.startswith("main/") and not k.startswith(own)
            }
            for number in (item._3, int(item.detail))
        )
        differing = {k for k in copy.keys() | first.keys() if copy.get(k) != first.get(k)}
        assert differing == {"main/d_access/mobile_signal", "main/i_exposure/zalo_group"}


def test_planted__contradictions_outliers_and_listed_others_are_in_the_rows(district, household):
    for item in planted(district, "contradiction").itertuples():
        row = household[item._3]
        assert row["main/i_exposure/team_visit"] == "yes"
        assert row["main/i_exposure/team_know"] == "no"
    for item in planted(district, "outlier").itertuples():
        assert int(household[item._3]["main/g_buy/buy_amount"]) >= 380_000
    for item in planted(district, "other_listed").itertuples():
        row = household[item._3]
        assert row["main/l_biz/biz_type"] == "other"
        assert row["main/p_close/enum_note"].startswith("biz_type: ")


def test_planted__the_leading_enumerator_hears_yes(district):
    code = planted(district, "leading")["detail"].iloc[0]
    by = district.visits[
        district.visits["interview"].ge(0) & district.visits["visit_type"].eq("main")
    ]
    said = district.answers["kn_otp"].eq("yes").loc[by["interview"]].to_numpy()
    share = pd.Series(said).groupby((by["enumerator_id"] == code).to_numpy()).mean()
    assert share[True] > 0.5
    assert share[False] < 0.25


def test_planted_parameters__none_plants_nothing(teams, communes):
    quiet = replace(
        DistrictParameters.small(), planted=PlantedParameters.none(), backcheck_error=0.0
    )
    assert simulate(quiet, teams, communes, 3).planted.empty


def test_simulate__no_problem_sits_on_another_or_on_a_back_check(district):
    single = district.planted.dropna(subset="_id")
    single = single[~single["kind"].isin(["backcheck_difference", "rushed", "idle"])]
    own = single[single["form"] == "household"]
    assert not own["_id"].duplicated().any()

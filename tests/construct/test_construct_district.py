"""The small synthetic district, flattened, cleaned and constructed: what was planted is found."""

from types import SimpleNamespace

import numpy as np
import pytest
from construct_frames import ROOT

from survey_tools import clean, construct, params, synthetic
from survey_tools.kobo import flatten
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.register import read_register


@pytest.fixture(scope="module")
def district():
    ws = params.open_workspace(ROOT / "params" / "study.yml")
    teams = ws.table("teams")
    drawn = synthetic.simulate(
        synthetic.DistrictParameters.small(), teams, ws.table("communes"), seed=5
    )
    forms = {f: read_xlsform(ws.root / s.xlsform) for f, s in ws.study.forms.items()}
    contents = {form: {"v2": content} for form, content in forms.items()}
    old = rename_question(forms["household"], "qr30", "pay_qr")
    contents["household"] = {"v1": old, "v2": forms["household"]}
    rows = synthetic.submissions(drawn, contents)
    frames = {
        form: flatten(rows[form], contents[form], renames=ws.study.renames(form)).frames
        for form in forms
    }
    registers = {f: read_register(ws.root / s.register_) for f, s in ws.study.forms.items()}
    household = clean.clean_household(
        frames["household"]["main"], frames["household"]["roster"],
        register=registers["household"], teams=teams, sample=drawn.sample,
    )  # fmt: skip
    team_log = clean.clean_team_log(
        frames["team_log"]["main"], register=registers["team_log"], teams=teams
    )
    panel = construct.build_panel(household.household, household.roster, teams, ws.study)
    return SimpleNamespace(
        ws=ws,
        drawn=drawn,
        household=household,
        team_log=team_log,
        panel=panel,
        teams=teams,
        study=ws.study,
    )


def planted(district, kind):
    rows = district.drawn.planted
    return set(rows.loc[rows["kind"] == kind, "_id"])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("duplicate_submission", "the same form sent twice"),
        ("code_not_in_sample", "household code not in the sample"),
        ("two_households_one_code", "two interviews under one code"),
    ],
)
def test_clean_household__takes_out_exactly_what_was_planted(district, kind, reason):
    dropped = district.household.dropped
    assert set(dropped.loc[dropped["reason"] == reason, "_id"]) == planted(district, kind)
    assert planted(district, kind)


def test_field_checks__find_the_planted_short_interviews_and_missing_months(district):
    found = district.household
    sampled = district.teams["team_id"].isin(district.drawn.sample["team_id"])
    flags = clean.field_checks(
        found.household, found.visits, found.roster, district.team_log.table,
        district.teams.loc[sampled], district.drawn.sample, dropped=found.dropped,
    )  # fmt: skip
    short = set(flags.loc[flags["check"] == "short_interview", "row_id"])
    assert short == planted(district, "short_interview") & set(found.household["_id"])
    missing = (flags["check"] == "missing_month").sum()
    assert missing == (district.drawn.planted["kind"] == "missing_log").sum()


def test_build_flow__adds_up_to_the_panel_of_every_wave(district):
    found = district.household
    flow = construct.build_flow(
        found.flow, district.drawn.sample, district.panel, district.study, found.visits
    )
    last = flow.sort_values("step").groupby("wave")["remaining"].last()
    assert last.to_dict() == district.panel.groupby("wave").size().to_dict()


def test_build_panel__the_renamed_question_is_answered_in_every_wave(district):
    answered = district.panel.groupby("wave")["qr_shop_30d"].agg(lambda s: s.notna().mean())
    assert (answered > 0.95).all()


def test_broad__is_one_wherever_the_strict_outcome_is(district):
    alternatives = district.ws.table("outcomes_alternative")
    binary = alternatives.loc[alternatives["scale"] == "binary"]
    for row in binary.itertuples():
        strict, broad = district.panel[row.alternative_to], district.panel[row.outcome]
        assert broad[strict == 1].eq(1).all(), row.outcome
        assert strict.eq(1).any()
        assert broad[strict == 0].notna().all(), row.outcome
    paid_by_others = district.panel["water_cashless_last__broad"].gt(
        district.panel["water_cashless_last"]
    )
    assert paid_by_others.any()


def test_indices__both_kinds_rank_households_alike(district):
    for name in construct.FAMILIES:
        both = district.panel[[name, f"{name}__icw"]]
        assert both.notna().all(axis=1).mean() > 0.5
        assert both.corr().iloc[0, 1] > 0.8


def test_survey_weights__stand_for_the_households_of_the_communes(district):
    communes = district.ws.table("communes")
    found = construct.survey_weights(district.panel, district.teams, communes)
    panel = construct.add_weights(district.panel, found)
    sums = panel.groupby(["wave", "commune_code"])["weight"].sum()
    of_commune = district.teams.groupby("commune_code")["households"].sum()
    expected = sums.index.get_level_values("commune_code").map(of_commune)
    np.testing.assert_allclose(sums, expected, rtol=1e-9)
    assert found.summary.groupby("wave").size().eq(len(of_commune)).all()
    assert found.summary["note"].eq("no interview").any()


def test_submissions__received_are_dropped_or_analysed(district):
    found = district.household
    flow = construct.build_flow(
        found.flow, district.drawn.sample, district.panel, district.study, found.visits
    )
    counts = construct.submissions(flow)
    assert (counts["received"] == counts["dropped"] + counts["analysed"]).all()
    assert counts["analysed"].sum() == len(district.panel)
    assert counts["received"].sum() == len(district.household.dropped) + len(district.panel)


def test_build_response__says_the_same_as_the_flow(district):
    found = district.household
    response = construct.build_response(
        district.panel, found.visits, district.drawn.sample, district.teams, district.study
    )
    flow = construct.build_flow(
        found.flow, district.drawn.sample, district.panel, district.study, found.visits
    )
    chain = flow.loc[flow["stage"] == "construct"].set_index(["wave", "reason"])["dropped"]
    for wave in district.study.waves.all:
        for reason in ("no accepted visit", "visited but never met", "met but no consent"):
            assert response[f"reason__{wave}"].eq(reason).sum() == chain[wave, reason]


def test_exposure_sources__answers_and_logs_tell_of_the_same_teams(district):
    table = construct.exposure_sources(
        district.panel, district.team_log.table, None, district.teams, district.study
    )
    both = construct.agreement(table).iloc[0]
    assert both["n"] >= 5
    assert both["pearson"] > 0


def test_build_panel__outcomes_stay_within_their_scale(district):
    binary = [o for o in construct.OUTCOMES if o != "online_income_1m"]
    values = district.panel[binary].to_numpy()
    assert np.nanmin(values) == 0
    assert np.nanmax(values) == 1
    assert district.panel["online_income_1m"].dropna().between(0, 40).all()


def test_team_exposure__intensive_teams_visit_more(district):
    months = construct.dose_months(district.panel, district.study)
    table = construct.team_exposure(district.team_log.table, district.teams, months)
    dose = table.groupby("intensive")["contacts_per_100"].mean()
    assert dose[1] > 1.5 * dose[0]

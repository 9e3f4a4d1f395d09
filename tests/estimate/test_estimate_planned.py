"""What the plan names is estimated by the calls that it names, and by no others."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.estimate.effects import (
    aipw,
    first_stage,
    spillover,
)
from survey_tools.estimate.effects.adoption import adoption
from survey_tools.estimate.effects.staggered import staggered
from survey_tools.estimate.plan import AnalysisTables, Recalled, planned_effects, planned_events
from survey_tools.estimate.plan.run import ESTIMATORS, OTHERS, STAGGERED, START
from survey_tools.estimate.threats.honest import honest

WAVES = ("w1", "w2", "w3")
PERIODS = ("y2023", "y2024", "y2025", "y2026")


def wanted(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["table", "analysis", "outcome"])


@pytest.fixture(scope="module")
def design():
    from survey_tools.estimate import Design

    return Design(
        treatment="intensive", cluster="team_id", stratum="commune_code", controls=("resp_age",),
        baseline="w1", endline="w3", reached="reached", survey_weights="weight", seed=3, draws=99,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tables(simulate, panel_of) -> AnalysisTables:
    """Odd communes, so that chance decides something for neighbours."""
    households = simulate(11, communes=9, teams_per_commune=5, per_team=8, answered=0.95)
    rng = np.random.default_rng(5)
    households["weight__w3"] = rng.uniform(10, 40, len(households))
    teams = households.drop_duplicates("team_id")[["team_id", "commune_code", "intensive"]]
    dose = dict(
        zip(teams["team_id"], rng.uniform(0, 1, len(teams)) + teams["intensive"], strict=True)
    )
    households["dose"] = households["team_id"].map(dose)
    total = teams.groupby("commune_code")["intensive"].transform("sum")
    size = teams.groupby("commune_code")["intensive"].transform("size")
    share = (total - teams["intensive"]) / (size - 1)
    households["share_intensive_neighbours"] = households["team_id"].map(
        dict(zip(teams["team_id"], share, strict=True))
    )
    teams = teams.reset_index(drop=True)
    return AnalysisTables(households, panel_of(households), teams, WAVES, "w2")


def same(found: pd.DataFrame, direct: pd.DataFrame) -> None:
    columns = list(direct.columns)
    pd.testing.assert_frame_equal(
        found[columns].reset_index(drop=True), direct.reset_index(drop=True), check_dtype=False
    )


@pytest.mark.parametrize("estimand", ESTIMATORS)
def test_planned_effects__equals_the_call_of_the_estimand(tables, design, estimand):
    found = planned_effects(tables, design, wanted(("effects", estimand, "y")))
    same(found, ESTIMATORS[estimand](tables.households, design, "y"))
    assert found["estimand"].tolist() == [estimand]
    assert found["estimate"].notna().all()


def test_planned_effects__first_stage_is_of_being_reached(tables, design):
    found = planned_effects(tables, design, wanted(("effects", "first_stage", "reached")))
    same(found, first_stage(tables.households, design))
    assert found["outcome"].tolist() == ["reached"]


def test_planned_effects__spillover_is_drawn_over_all_teams(tables, design):
    found = planned_effects(tables, design, wanted(("effects", "spillover", "y")))
    options = {"teams": tables.teams, "draws": design.draws, "seed": design.seed}
    same(found, spillover(tables.households, design, "y", **options))
    assert found["p_randomisation"].notna().all()


@pytest.mark.parametrize("target", ["att", "ate"])
def test_planned_effects__doubly_robust_is_of_being_reached_where_there_was_a_draw(
    tables, design, target
):
    found = planned_effects(tables, design, wanted(("effects", f"aipw_{target}", "y")))
    options = {"treatment": "reached__w3", "target": target, "seed": design.seed}
    same(found, aipw(tables.households, design, "y", **options))


def test_planned_effects__doubly_robust_is_of_the_treatment_where_there_was_none(tables, design):
    chosen = replace(design, kind="observational")
    found = planned_effects(tables, chosen, wanted(("effects", "aipw_att", "y")))
    same(found, aipw(tables.households, chosen, "y", target="att", seed=design.seed))


@pytest.mark.parametrize("estimand", STAGGERED)
def test_planned_effects__of_a_staggered_start_come_from_the_panel(tables, design, estimand):
    found = planned_effects(tables, design, wanted(("effects", estimand, "y")))
    made = staggered(tables.with_start(design), design, "y", start=START, waves=WAVES).effects
    same(found, made[made["estimand"].eq(estimand)])
    assert found["estimate"].notna().all()


def test_planned_effects__every_estimand_is_tested_here():
    assert set(OTHERS) == {"first_stage", "aipw_att", "aipw_ate", "spillover"}


def test_planned_effects__keeps_the_order_asked_for_and_leaves_other_tables_aside(tables, design):
    rows = [("effects", "naive", "z"), ("families", "families", "y"), ("effects", "twfe", "y")]
    found = planned_effects(tables, design, wanted(*rows, ("effects", "itt", "z")))
    names = found[["estimand", "outcome"]].apply(tuple, axis=1).tolist()
    assert names == [("naive", "z"), ("twfe", "y"), ("itt", "z")]


def test_planned_effects__an_unknown_estimand_is_named_beside_the_known(tables, design):
    with pytest.raises(DesignError) as error:
        planned_effects(tables, design, wanted(("effects", "magic", "y"), ("effects", "itt", "y")))
    assert error.value.found == "magic"
    assert all(name in str(error.value.expected) for name in (*ESTIMATORS, *STAGGERED, *OTHERS))


def test_planned_effects__an_outcome_without_answers_is_a_row_with_a_note(tables, design):
    none = {f"y__{wave}": np.nan for wave in WAVES}
    silent = replace(
        tables, households=tables.households.assign(**none), panel=tables.panel.assign(y=np.nan)
    )
    every = [name for name in (*ESTIMATORS, *STAGGERED, *OTHERS) if name != "first_stage"]
    found = planned_effects(silent, design, wanted(*(("effects", name, "y") for name in every)))
    assert found["estimand"].tolist() == every
    assert found["estimate"].isna().all()
    assert found["note"].str.len().gt(0).all()


@pytest.mark.parametrize("seed", range(3))
def test_planned_effects__of_one_household_a_team_end_without_a_warning(tables, design, seed):
    picked = tables.households.sample(frac=1, random_state=seed).drop_duplicates("team_id")
    few = replace(
        tables, households=picked, panel=tables.panel[tables.panel["hhid"].isin(picked["hhid"])]
    )
    every = [("effects", name, "y") for name in (*ESTIMATORS, *STAGGERED, *OTHERS)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = planned_effects(few, design, wanted(*every))
    assert found.loc[found["estimate"].isna(), "note"].str.len().gt(0).all()


def test_with_start__is_the_wave_of_the_study_for_treated_teams_and_none_for_others(tables, design):
    panel = tables.with_start(design)
    assert set(panel.loc[panel["intensive"].eq(1), START]) == {"w2"}
    assert panel.loc[panel["intensive"].eq(0), START].isna().all()


def test_with_start__is_that_of_the_teams_where_they_have_one(tables, design):
    treated = tables.teams["intensive"].eq(1)
    start = pd.Series("w3", index=tables.teams.index, dtype="str").where(treated)
    panel = replace(tables, teams=tables.teams.assign(**{START: start})).with_start(design)
    assert set(panel[START].dropna()) == {"w3"}


@pytest.fixture(scope="module")
def recalled(tables) -> Recalled:
    rng = np.random.default_rng(8)
    own = tables.households[["hhid", "team_id", "commune_code", "intensive"]]
    late = 0.1 * own["intensive"].to_numpy()
    draw = rng.random(len(own))
    cuts = np.column_stack([np.full(len(own), x) for x in (0.2, 0.35, 0.5)] + [0.65 + late])
    place = (draw[:, None] > cuts).sum(axis=1)
    period = np.array([*PERIODS, "never"], dtype=object)[place]
    return Recalled(own.assign(event="account", period=period), PERIODS, "y2026")


def test_planned_events__by_wave_equals_the_estimator_named(tables, recalled, design):
    rows = wanted(("event_study", "callaway_santanna", "y"))
    found, none = planned_events(tables, recalled, design, rows)
    panel = tables.with_start(design)
    direct = staggered(
        panel, design, "y", start=START, waves=WAVES, estimators=["callaway_santanna"]
    )
    same(found, direct.event_study)
    assert none.empty
    assert list(none.columns) == ["outcome", "kind", "m", "conf_low", "conf_high", "note"]


def dates_of(recalled: Recalled) -> pd.DataFrame:
    return recalled.dates.assign(period=recalled.dates["period"].replace("never", None))


def test_planned_events__by_dates_equals_the_study_of_adoption(tables, recalled, design):
    found, _ = planned_events(
        tables, recalled, design, wanted(("event_study", "adoption", "account"))
    )
    direct = adoption(
        dates_of(recalled), design, "account", period="period", periods=PERIODS, began="y2026"
    )
    same(found, direct.event_study)
    assert found["event_time"].tolist() == [-3, -2, -1, 0]


def test_planned_events__drift_equals_honest_on_that_study(tables, recalled, design):
    _, found = planned_events(tables, recalled, design, wanted(("honest", "honest", "account")))
    study = adoption(
        dates_of(recalled), design, "account", period="period", periods=PERIODS, began="y2026"
    )
    estimates = study.event_study.query("event_time != -1")["estimate"].to_numpy()
    direct = honest(
        estimates, study.covariance, 2, 1, kind="relative_magnitude", bounds=(0.5, 1.0, 2.0)
    )
    same(found, direct.assign(outcome="account", note="")[list(found.columns)])
    width = found["conf_high"] - found["conf_low"]
    assert width.is_monotonic_increasing


@pytest.mark.parametrize(
    ("dates", "note"),
    [
        (lambda d: d.iloc[:0], "An arm"),
        (lambda d: d.assign(event="other"), "An arm"),
        (lambda d: d.assign(period="y1999"), "A period of adoption is not among those named."),
        (lambda d: d[d["intensive"].eq(1)], "An arm is empty."),
    ],
)
def test_planned_events__what_cannot_be_estimated_is_a_row_with_a_note(
    tables, recalled, design, dates, note
):
    broken = replace(recalled, dates=dates(recalled.dates))
    rows = wanted(("event_study", "adoption", "account"), ("honest", "honest", "account"))
    studies, drifts = planned_events(tables, broken, design, rows)
    assert len(studies) == 1
    assert studies["estimate"].isna().all()
    assert studies["note"].str.startswith(note).all()
    assert studies[["event_time", "n", "n_teams"]].dtypes.eq("int64").all()
    assert drifts["m"].tolist() == [0.5, 1.0, 2.0]
    assert drifts[["conf_low", "conf_high"]].isna().all(axis=None)
    assert drifts["note"].str.startswith(note).all()


def test_planned_events__dates_of_nobody_who_began_have_no_drift_to_bear(tables, recalled, design):
    idle = replace(recalled, dates=recalled.dates.assign(period="never"))
    rows = wanted(("event_study", "adoption", "account"), ("honest", "honest", "account"))
    studies, drifts = planned_events(tables, idle, design, rows)
    assert studies["conf_low"].isna().all()
    assert drifts["conf_low"].isna().all()
    assert drifts["note"].str.len().gt(0).all()


@pytest.mark.parametrize("panel", [lambda p: p[p["wave"].eq("w1")], lambda p: p.assign(y=np.nan)])
def test_planned_events__waves_that_tell_nothing_are_a_row_with_a_note(
    tables, recalled, design, panel
):
    few = replace(tables, panel=panel(tables.panel))
    found, _ = planned_events(
        few, recalled, design, wanted(("event_study", "callaway_santanna", "y"))
    )
    assert len(found) == 1
    assert found["estimate"].isna().all()
    assert found["note"].str.len().gt(0).all()
    assert found[["event_time", "n", "n_teams"]].dtypes.eq("int64").all()
    assert found[["estimate", "conf_low", "conf_high"]].dtypes.eq("float64").all()


def test_planned_events__an_unknown_estimator_is_named_beside_the_known(tables, recalled, design):
    with pytest.raises(DesignError) as error:
        planned_events(tables, recalled, design, wanted(("event_study", "magic", "y")))
    assert error.value.found == "magic"
    assert "adoption, callaway_santanna" in str(error.value.expected)


def test_planned_events__without_any_in_the_plan_are_empty_tables(tables, recalled, design):
    studies, drifts = planned_events(tables, recalled, design, wanted(("effects", "itt", "y")))
    assert studies.empty
    assert drifts.empty
    contracts.validate(studies, "event_study")
    contracts.validate(drifts, "honest")

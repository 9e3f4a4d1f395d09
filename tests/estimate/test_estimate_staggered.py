"""Effects of a staggered start against means by hand, regressions and a simulated district."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from estimate.staggered_district import WAVES, draw_district
from survey_tools import contracts
from survey_tools.errors import DesignError
from survey_tools.estimate.effects.event_study import COLUMNS, sup_t
from survey_tools.estimate.effects.staggered import staggered


@pytest.fixture(scope="module")
def district():
    return draw_district(7, teams=60, communes=10)


def run(panel, design, **options):
    settings = {"start": "first_treated", "waves": WAVES, **options}
    return staggered(panel, design, "y", **settings)


def mean_change(panel, start, wave, base, controls):
    """Mean change of the starters less that of the comparison, both over households."""
    wide = panel.pivot(index="hhid", columns="wave", values="y")
    first = panel.drop_duplicates("hhid").set_index("hhid").first_treated.reindex(wide.index)
    change = wide[wave] - wide[base]
    return change[(first == start).to_numpy()].mean() - change[controls(first)].mean()


def by_hand(panel, comparison):
    """ATT(g, t) of every start and later wave, by means."""
    effects = {}
    for start in WAVES[1:]:
        base = WAVES[WAVES.index(start) - 1]
        for wave in WAVES[WAVES.index(start) :]:

            def later(first, wave=wave):
                yet = first.isna() | (first.map(str) > wave)
                return (yet if comparison == "not_yet_treated" else first.isna()).to_numpy()

            effects[start, wave] = mean_change(panel, start, wave, base, later)
    return effects


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
def test_callaway_santanna__aggregates_of_means_by_hand(district, design, comparison):
    found = run(district.panel, design, comparison=comparison, estimators=["callaway_santanna"])
    effects = by_hand(district.panel, comparison)
    sizes = district.panel.groupby("first_treated").hhid.nunique()
    weights = np.array([sizes[start] for start, _ in effects])
    simple = np.average(list(effects.values()), weights=weights)
    assert found.effects.estimate[0] == pytest.approx(simple, abs=1e-12)
    study = found.event_study.set_index("event_time").estimate
    for e in range(3):
        cells = [(s, w) for s, w in effects if WAVES.index(w) - WAVES.index(s) == e]
        mine = np.average([effects[c] for c in cells], weights=[sizes[c[0]] for c in cells])
        assert study[e] == pytest.approx(mine, abs=1e-12)
    assert found.effects.estimate[1] == pytest.approx(study[[0, 1, 2]].mean(), abs=1e-12)
    for start, estimate in zip(found.cohorts.start, found.cohorts.estimate, strict=True):
        mine = np.mean([v for (s, _), v in effects.items() if s == start])
        assert estimate == pytest.approx(mine, abs=1e-12)


def test_callaway_santanna__repeated_cross_sections_by_means(design):
    panel = draw_district(3, teams=40, communes=5, fresh=True).panel
    found = run(panel, design, unit=None, estimators=["callaway_santanna"])
    mean = panel.groupby([panel.first_treated.fillna("never"), "wave"]).y.mean()
    last = mean["w4", "w4"] - mean["w4", "w3"] - mean["never", "w4"] + mean["never", "w3"]
    cohort = found.cohorts.set_index("start").estimate["w4"]
    assert cohort == pytest.approx(last, abs=1e-12)


def test_error_of_one_start__cluster_sums_of_influence(design):
    # two waves, one start: influence of a team is its mean change less that of its arm, over its share
    panel = draw_district(5, teams=40, communes=5).panel
    panel = panel[panel.wave.isin(["w1", "w2"])]
    panel = panel.assign(first_treated=panel.first_treated.where(panel.first_treated == "w2"))
    found = run(panel, design, waves=("w1", "w2"), estimators=["callaway_santanna"]).effects
    teams = panel.pivot_table(index="team_id", columns="wave", values="y")
    change = teams.w2 - teams.w1
    arm = panel.drop_duplicates("team_id").set_index("team_id").first_treated.notna()
    variance = sum(
        ((change[arm == a] - change[arm == a].mean()) ** 2).sum() / (arm == a).sum() ** 2
        for a in (True, False)
    )
    g = len(teams)
    assert found.std_error[0] == pytest.approx(np.sqrt(g / (g - 1) * variance), rel=1e-12)
    assert found.df[0] == g - 1


def test_team_means_give_the_same_as_their_households(design):
    options = {"estimators": ["callaway_santanna"]}
    full = run(draw_district(11).panel, design, **options)
    means = run(draw_district(11, means=True).panel, design, **options)
    for column in ("estimate", "std_error", "conf_low", "p_value"):
        assert means.effects[column].to_numpy() == pytest.approx(full.effects[column].to_numpy())
    assert means.covariance == pytest.approx(full.covariance, rel=1e-9)


def test_two_way_fixed_effects__dummies(district, design):
    panel = district.panel
    started = panel.first_treated.map(lambda s: s if isinstance(s, str) else "w9")
    teams = panel.assign(d=(panel.wave >= started).astype(float))
    # households of a team share their treatment, so team dummies give the same coefficient
    fit = smf.ols("y ~ d + C(wave) + C(team_id)", teams).fit()
    found = run(panel, design, estimators=["twfe"]).effects.iloc[0]
    assert found.estimate == pytest.approx(fit.params["d"], abs=1e-10)
    assert "to warn, not to use" in found.note
    assert "of its weight compares later with earlier starts" in found.note


def test_growing_effects__two_way_is_biased_the_others_are_not(design):
    errors = []
    for seed in range(25):
        district = draw_district(seed, means=True)
        found = run(district.panel, design).effects.set_index("estimand").estimate
        errors.append(found - district.effect)
    errors = pd.DataFrame(errors).drop(columns="att_dynamic")
    mcse = errors.std() / np.sqrt(len(errors))
    t = errors.mean() / mcse
    assert t.drop("twfe").abs().max() < 3
    assert t["twfe"] < -5


def test_interval_covers_the_truth(design):
    covers = []
    for seed in range(100):
        district = draw_district(1000 + seed, means=True)
        row = run(district.panel, design, estimators=["callaway_santanna"]).effects.iloc[0]
        covers.append(row.conf_low <= district.effect <= row.conf_high)
    assert 0.88 <= np.mean(covers) <= 1.0


def test_event_study__rows_and_bands(district, design):
    found = run(district.panel, design)
    study = found.event_study
    assert tuple(study.columns) == COLUMNS
    cs = study[study.estimator == "callaway_santanna"].set_index("event_time")
    assert cs.index.tolist() == [-3, -2, -1, 0, 1, 2]
    assert cs.note[-1] == "reference"
    assert cs.estimate[-1] == 0
    rest = cs.drop(-1)
    assert (rest.band_low < rest.conf_low).all()
    assert (rest.band_high > rest.conf_high).all()
    assert rest.std_error.to_numpy() == pytest.approx(np.sqrt(np.diag(found.covariance)))
    treated = district.panel[district.panel.first_treated.notna()]
    at_start = treated[treated.wave == treated.first_treated]
    assert cs.n[0] == len(at_start)
    assert cs.n_teams[0] == at_start.team_id.nunique()


def test_sun_abraham_and_callaway_santanna_agree_long_after_the_start(district, design):
    # only never-treated teams are left to compare with
    study = run(district.panel, design).event_study.set_index(["estimator", "event_time"])
    last = study.estimate.xs(2, level="event_time")
    assert last["sun_abraham"] == pytest.approx(last["callaway_santanna"], abs=1e-12)


def test_tables_hold_their_contract(district, design):
    found = run(district.panel, design)
    contracts.validate(found.effects, "effects")
    names = ["att_staggered", "att_dynamic", "att_imputation", "att_sunab", "twfe"]
    assert found.effects.estimand.tolist() == names
    never = district.panel[district.panel.first_treated.isna() & (district.panel.wave == "w4")]
    assert found.effects.mean_regular[0] == pytest.approx(never.y.mean())


def test_order_of_rows_does_not_matter(design):
    panel = draw_district(2, teams=40, communes=5, keep=0.9).panel
    one, two = run(panel, design), run(panel.sample(frac=1, random_state=1), design)
    numbers = ["estimate", "std_error", "n", "n_teams"]
    expected = one.effects[numbers].to_numpy()
    assert two.effects[numbers].to_numpy() == pytest.approx(expected, rel=1e-8)
    expected = one.event_study.estimate.to_numpy()
    assert two.event_study.estimate.to_numpy() == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_missing_interviews__changes_of_households_seen_twice(design):
    panel = draw_district(4, teams=40, communes=5, keep=0.8).panel
    found = run(panel, design, estimators=["callaway_santanna"])
    effects = by_hand(panel, "not_yet_treated")
    assert found.cohorts.estimate.iloc[-1] == pytest.approx(effects["w4", "w4"], abs=1e-12)


def test_imputation_leaves_out_households_never_seen_before_the_start(design):
    panel = draw_district(4, teams=40, communes=5, keep=0.7).panel
    row = run(panel, design, estimators=["imputation"]).effects.iloc[0]
    seen = panel[panel.first_treated.isna() | (panel.wave < panel.first_treated.fillna("w9"))]
    lost = panel.hhid.nunique() - seen.hhid.nunique()
    assert f"left out, seen only after the start: {lost} (household)" in row.note
    assert np.isfinite(row.estimate)


def test_nobody_never_treated__the_last_start_is_compared_with(district, design):
    panel = district.panel[district.panel.first_treated.notna()]
    found = run(panel, design)
    assert found.cohorts.start.tolist() == ["w2", "w3"]
    assert found.effects.estimate.notna().all()
    assert "against the last start, waves before w4 only" in found.effects.note[3]
    study = found.event_study.set_index(["estimator", "event_time"]).estimate
    last = mean_change(panel, "w2", "w3", "w1", lambda first: (first == "w4").to_numpy())
    assert study["sun_abraham", 1] == pytest.approx(last, abs=1e-12)
    with pytest.raises(DesignError, match="nobody to compare with"):
        run(panel, design, comparison="never_treated")


def test_what_was_dropped_is_noted(district, design):
    panel = district.panel.copy()
    teams = panel.team_id.unique()
    panel.loc[panel.team_id.isin(teams[:3]), "first_treated"] = "w1"
    w4 = panel.loc[panel.first_treated == "w4", "team_id"].unique()
    panel.loc[panel.team_id.isin(w4[3:]), "first_treated"] = None
    w3 = panel.loc[panel.first_treated == "w3", "team_id"].unique()
    panel.loc[panel.team_id.isin(w3[1:]), "first_treated"] = None
    panel.loc[panel.index[-5:], "y"] = np.nan
    row = run(panel, design, estimators=["callaway_santanna"]).effects.iloc[0]
    assert "5 interviews without an answer left out" in row.note
    assert "3 team_id treated in every wave left out" in row.note
    assert "start at w3 left out: of one team_id only" in row.note
    assert "fewer than 5 team_id, error too small: w4 (" in row.note


def test_waves_without_interviews__starts_count_from_the_next_one(district, design):
    # the last wave is not made yet: its starters are not treated yet
    early = district.panel[district.panel.wave != "w4"]
    found = run(early, design)
    yet = early.assign(first_treated=early.first_treated.where(early.first_treated != "w4"))
    expected = run(yet, design, waves=WAVES[:3])
    columns = ["estimate", "std_error"]
    assert found.effects[columns].to_numpy() == pytest.approx(expected.effects[columns].to_numpy())
    assert found.effects.wave[0] == "w3"
    assert "no answers at w4" in found.effects.note[0]
    # a wave in between was skipped: its starters are first seen treated at the next one
    gap = district.panel[district.panel.wave != "w3"]
    later = gap.assign(first_treated=gap.first_treated.replace({"w3": "w4"}))
    expected = run(later, design, waves=("w1", "w2", "w4"))
    assert run(gap, design).effects[columns].to_numpy() == pytest.approx(
        expected.effects[columns].to_numpy()
    )


def test_weights_of_the_design_are_named_as_not_used(district, design):
    weighted = replace(design, weights="weight")
    note = run(district.panel, weighted, estimators=["twfe"]).effects.note[0]
    assert "weight not used" in note


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"y": 1.0}, "the outcome does not vary"),
        ({"y": np.nan}, "no answers"),
        ({"first_treated": None}, "no team_id starts between two waves"),
        ({"first_treated": "w2"}, "all team_id start at once"),
    ],
)
def test_nothing_to_estimate__rows_that_say_why(district, design, change, note):
    found = run(district.panel.assign(**change), design)
    assert found.effects.estimate.isna().all()
    assert all(note in text for text in found.effects.note)
    assert found.event_study.empty
    assert found.covariance.shape == (0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wave": "w9"}, "not among those named"),
        ({"first_treated": "2025"}, "not among those named"),
        ({"hhid": 1}, "one row a household and wave"),
        ({"team_id": None}, "do not say where they belong"),
        ({"team_id": 1}, "several starts"),
        ({"y": "yes"}, "not numeric"),
    ],
)
def test_bad_input_is_refused(district, design, change, message):
    with pytest.raises(DesignError, match=message):
        run(district.panel.assign(**change), design)


def test_an_unknown_estimator_is_refused(district, design):
    with pytest.raises(DesignError, match="no such estimator"):
        run(district.panel, design, estimators=["ols"])


def test_interval_follows_the_design(district, design):
    wide = run(district.panel, replace(design, interval=0.99), estimators=["callaway_santanna"])
    row = wide.effects.iloc[0]
    half = stats.t.ppf(0.995, row.df) * row.std_error
    assert row.conf_high == pytest.approx(row.estimate + half)


def test_sup_t__one_effect_two_independent_and_two_identical():
    assert sup_t(np.eye(1), df=np.inf, tail=0.025) == pytest.approx(1.95996, abs=2e-3)
    assert sup_t(np.eye(1) * 4, df=10, tail=0.025) == pytest.approx(
        stats.t.ppf(0.975, 10), abs=5e-3
    )
    sidak = stats.norm.ppf((1 + np.sqrt(0.95)) / 2)
    assert sup_t(np.eye(2), df=np.inf, tail=0.025) == pytest.approx(sidak, abs=4e-3)
    assert sup_t(np.ones((2, 2)), df=np.inf, tail=0.025) == pytest.approx(1.95996, abs=2e-3)

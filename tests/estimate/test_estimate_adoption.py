"""Adoption by recalled dates against regressions and a simulated district."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.effects.adoption import adoption
from survey_tools.estimate.effects.did import did
from survey_tools.estimate.effects.event_study import COLUMNS

PERIODS = ("pre2023", "y2023", "h1_2024", "h2_2024", "h1_2025", "h2_2025", "y2026")


def draw_recalled(seed, *, communes=10, teams=6, per_team=12, lift=0.0, drift=0.0):
    """Households with the period of their first account; `lift` in 2026, `drift` a period before."""
    rng = np.random.default_rng(seed)
    team = np.repeat(np.arange(communes * teams), per_team)
    arm = np.concatenate([rng.permutation([0, 1] * (teams // 2)) for _ in range(communes)])[team]
    chance = np.array([0.2, 0.1, 0.05, 0.05, 0.05, 0.05, 0.1])
    base = rng.uniform(-0.1, 0.1, communes * teams)[team]
    chances = np.tile(chance, (len(team), 1))
    chances[:, 0] += base
    chances[:, 1:6] += drift * arm[:, None]
    chances[:, 6] += lift * arm
    at = (rng.random(len(team))[:, None] > chances.cumsum(axis=1)).sum(axis=1)
    names = np.array([*PERIODS, None], dtype=object)
    return pd.DataFrame(
        {
            "hhid": np.arange(len(team)),
            "team_id": team.astype(str),
            "commune_code": (team // teams).astype(str),
            "intensive": arm,
            "acct_when": names[at],
        }
    )


def run(households, design, **options):
    settings = {"period": "acct_when", "periods": PERIODS, "began": "y2026", **options}
    return adoption(households, design, "account", **settings)


def test_each_period_is_the_two_wave_difference_in_differences(design):
    households = draw_recalled(1, lift=0.1)
    study = run(households, design).event_study.set_index("event_time")
    number = households.acct_when.map({name: k for k, name in enumerate(PERIODS)}).fillna(99)
    for time, last in ((0, 6), (-2, 4), (-6, 0)):
        wide = households.assign(a__w1=(number <= 5) * 1.0, a__w3=(number <= last) * 1.0)
        row = did(wide, design, "a").iloc[0]
        assert study.estimate[time] == pytest.approx(row.estimate, abs=1e-12)
        assert study.std_error[time] == pytest.approx(row.std_error, rel=1e-9)
        assert study.conf_low[time] == pytest.approx(row.conf_low, rel=1e-9)


def test_covariances_are_those_of_sums_and_differences(design):
    households = draw_recalled(2)
    found = run(households, design)
    number = households.acct_when.map({name: k for k, name in enumerate(PERIODS)}).fillna(99)
    states = [(number <= k) * 1.0 for k in range(7)]
    both = households.assign(a__w1=0.0, a__w3=states[1] + states[6] - 2 * states[5])
    variance = did(both, design, "a").std_error[0] ** 2
    pair = found.covariance[np.ix_([1, 5], [1, 5])]
    assert pair.sum() == pytest.approx(variance, rel=1e-9)


def test_stocks_count_adopters(design):
    households = draw_recalled(3)
    stocks = run(households, design).stocks
    row = stocks[(stocks.period == "y2023") & (stocks.arm == "intensive")].iloc[0]
    mine = households[households.intensive == 1]
    assert row.adopters == mine.acct_when.isin(["pre2023", "y2023"]).sum()
    assert row.n == len(mine)
    assert row.share == pytest.approx(row.adopters / row.n)


def test_event_study_has_its_reference_before_the_start(design):
    study = run(draw_recalled(4), design).event_study
    assert tuple(study.columns) == COLUMNS
    assert study.event_time.tolist() == [-6, -5, -4, -3, -2, -1, 0]
    reference = study[study.event_time == -1].iloc[0]
    assert reference.estimate == 0
    assert np.isnan(reference.std_error)
    assert reference.note.startswith("reference; dates are recalled")
    assert not study[study.event_time == 0].note.iloc[0].startswith("reference")
    rest = study[study.event_time != -1]
    assert (rest.band_high > rest.conf_high).all()
    # an earlier reference
    early = run(draw_recalled(4), design, reference="h1_2025").event_study
    assert early[early.estimate == 0].event_time.tolist() == [-2]


def test_no_effect_and_no_drift__the_joint_test_has_its_size(design):
    p = [run(draw_recalled(seed), design).pretrend.p_value[0] for seed in range(100)]
    # 100 draws of a test of size .05: at most 11 with probability .996
    assert np.mean(np.array(p) < 0.05) <= 0.11
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_drift_before_the_start_is_found(design):
    pretrend = run(draw_recalled(5, drift=0.03), design).pretrend.iloc[0]
    assert pretrend.p_value < 0.01
    assert pretrend.df_num == 5


def test_lift_after_the_start_is_found_and_covered(design):
    inside = []
    for seed in range(40):
        row = run(draw_recalled(seed, lift=0.1), design).event_study.iloc[-1]
        inside.append(row.conf_low <= 0.1 <= row.conf_high)
    assert np.mean(inside) >= 0.85
    assert row.estimate == pytest.approx(0.1, abs=0.06)


def test_dates_not_remembered_are_left_out_and_counted_by_arm(design):
    households = draw_recalled(6)
    households.loc[households.index[:10], "acct_when"] = "dk"
    found = run(households, design)
    regular = int((households.intensive[:10] == 0).sum())
    text = f"date not remembered: 10 ({regular} regular, {10 - regular} intensive)"
    assert text in found.event_study.note[0]
    assert (found.event_study.n == len(households) - 10).all()


def test_not_asked_is_not_never(design):
    households = draw_recalled(13)
    said = households.assign(acct_when=households.acct_when.fillna("never"))
    said.loc[said.index[:9], "acct_when"] = None
    found = run(said, design, never="never")
    alone = run(households.iloc[9:], design)
    columns = ["estimate", "std_error", "conf_low", "n"]
    pd.testing.assert_frame_equal(found.event_study[columns], alone.event_study[columns])
    regular = int((households.intensive[:9] == 0).sum())
    assert f"left out, not asked: 9 ({regular} regular" in found.event_study.note[0]


def test_a_period_without_adoption_has_no_error(design):
    households = draw_recalled(7)
    households.loc[households.acct_when == "y2026", "acct_when"] = None
    found = run(households, design)
    last = found.event_study.iloc[-1]
    assert last.estimate == 0
    assert np.isnan(last.std_error)
    assert last.note.startswith("no error")
    assert found.covariance.shape == (5, 5)


def test_no_period_before_the_reference__no_joint_test(design):
    found = run(draw_recalled(8), design, began="y2023")
    assert np.isnan(found.pretrend.p_value[0])
    assert "no period before the reference" in found.pretrend.note[0]


def test_too_few_clusters_for_the_joint_test(design):
    few = draw_recalled(9, communes=1, teams=6)
    found = run(few, design)
    assert np.isnan(found.pretrend.p_value[0])
    assert "too few clusters" in found.pretrend.note[0]


def test_one_arm_in_every_commune__nothing_to_compare(design):
    households = draw_recalled(10)
    households["intensive"] = (households.commune_code.astype(int) % 2).to_numpy()
    study = run(households, design).event_study
    assert study.estimate.isna().all()
    assert "nothing to compare within the strata" in study.note[0]


def test_order_of_rows_does_not_matter(design):
    households = draw_recalled(11)
    one = run(households, design).event_study
    two = run(households.sample(frac=1, random_state=1), design).event_study
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"began": "h1_2030"}, "not among those named"),
        ({"began": "pre2023"}, "not a period before outreach"),
        ({"reference": "y2026"}, "not a period before outreach"),
        ({"periods": PERIODS[1:]}, "period of adoption is not among"),
        ({"period": "sell_since"}, "not in the table"),
    ],
)
def test_bad_input_is_refused(design, options, message):
    with pytest.raises(DesignError, match=message):
        run(draw_recalled(12), design, **options)

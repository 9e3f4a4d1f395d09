from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey_tools.contracts import validate
from survey_tools.errors import DesignError
from survey_tools.estimate.threats import lee_bounds
from survey_tools.estimate.threats.resampling import team_factors
from survey_tools.estimate.threats.trimming import imbens_manski, trimmed_mean


def lose(households, seed, *, regular=0.3, intensive=0.1, outcome="y"):
    """Take endline answers away at random, more in one arm."""
    rng = np.random.default_rng(seed)
    chance = np.where(households.intensive == 1, intensive, regular)
    gone = rng.random(len(households)) < chance
    return households.assign(**{f"{outcome}__w3": households[f"{outcome}__w3"].mask(gone)})


def weight_of_arms(frame):
    """Weights that give each arm the strata in the same proportions, row by row."""
    size = frame.groupby("commune_code").hhid.transform("size")
    own = frame.groupby(["commune_code", "intensive"]).hhid.transform("size")
    return (size / own).to_numpy()


def by_hand(y, weight, arm):
    """Lee's bounds by splitting every answer in a thousand parts, then cutting whole parts."""
    there = ~np.isnan(y)
    share = [weight[there & (arm == a)].sum() / weight[arm == a].sum() for a in (0, 1)]
    more = int(share[1] > share[0])
    cut = (share[more] - share[1 - more]) / share[more]
    order = np.argsort(y[there & (arm == more)], kind="stable")
    values = y[there & (arm == more)][order]
    mass = weight[there & (arm == more)][order]
    lines = []
    for v, m in ((values, mass), (values[::-1], mass[::-1])):
        keep, total = (1 - cut) * m.sum(), 0.0
        for value, one in zip(v, m, strict=True):
            part = min(one, keep)
            total, keep = total + part * value, keep - part
        lines.append(total / ((1 - cut) * m.sum()))
    other = np.average(y[there & (arm != more)], weights=weight[there & (arm != more)])
    return tuple(sorted((line - other) * (1 if more else -1) for line in lines)), cut


@pytest.mark.parametrize("outcome", ["y", "z"])
@pytest.mark.parametrize(("regular", "intensive"), [(0.3, 0.1), (0.1, 0.3)])
def test_lee__equals_trimming_by_hand(households, design, outcome, regular, intensive):
    lost = lose(households, 1, regular=regular, intensive=intensive, outcome=outcome)
    row = lee_bounds(lost, design, outcome, draws=0).iloc[0]
    (lower, upper), cut = by_hand(
        lost[f"{outcome}__w3"].to_numpy(), weight_of_arms(lost), lost.intensive.to_numpy()
    )
    assert (row.lower, row.upper) == pytest.approx((lower, upper), abs=1e-12)
    assert row.share_trimmed == pytest.approx(cut)
    assert row.arm_trimmed == ("intensive" if intensive < regular else "regular")
    assert row.n == lost[f"{outcome}__w3"].notna().sum()
    assert np.isnan(row.conf_low)


def test_lee__tightened_bounds_average_those_of_the_values(households, design):
    lost = lose(households, 2, outcome="z")
    row = lee_bounds(lost, design, "z", tighten="resp_female", draws=0).iloc[0]
    weight, arm = weight_of_arms(lost), lost.intensive.to_numpy()
    parts, masses = [], []
    for value in (0.0, 1.0):
        rows = (lost.resp_female == value).to_numpy()
        y = lost.z__w3.to_numpy()[rows]
        w, a = weight[rows], arm[rows]
        share = min(w[(a == k) & ~np.isnan(y)].sum() / w[a == k].sum() for k in (0, 1))
        parts.append(by_hand(y, w, a)[0])
        masses.append(share * w.sum())
    expected = np.average(parts, axis=0, weights=masses)
    assert (row.lower, row.upper) == pytest.approx(tuple(expected), abs=1e-12)


def test_lee__tightening_by_what_foretells_answers_narrows(simulate, design):
    district = simulate(5, communes=10, answered=1.0, per_team=40)
    kind = (np.arange(len(district)) % 2).astype(float)
    rng = np.random.default_rng(0)
    gone = (district.intensive == 0) & (kind == 1) & (rng.random(len(district)) < 0.5)
    district = district.assign(kind=kind, z__w3=(district.z__w3 + 5 * kind).mask(gone))
    wide = lee_bounds(district, design, "z", draws=0).iloc[0]
    tight = lee_bounds(district, design, "z", tighten="kind", draws=0).iloc[0]
    assert tight.upper - tight.lower < wide.upper - wide.lower
    assert wide.lower <= tight.lower + 1e-9
    assert tight.upper <= wide.upper + 1e-9


def test_lee__bounds_of_a_binary_outcome_have_a_closed_form(simulate, design):
    """With shares a = mean of the arm trimmed and cut p: from (a - p) / (1 - p) to a / (1 - p)."""
    district = lose(simulate(8, communes=6, answered=1.0), 3)
    row = lee_bounds(district, design, "y", draws=0).iloc[0]
    there = district.y__w3.notna()
    weight = weight_of_arms(district)
    mean = [
        np.average(district.y__w3[rows], weights=weight[rows])
        for rows in (there & (district.intensive == a) for a in (0, 1))
    ]
    p = row.share_trimmed
    low, high = max(mean[1] - p, 0) / (1 - p), min(mean[1] / (1 - p), 1)
    assert (row.lower, row.upper) == pytest.approx((low - mean[0], high - mean[0]))


def test_lee__without_a_gap_the_bounds_collapse(simulate, design):
    district = simulate(3, answered=1.0)
    row = lee_bounds(district, design, "y", draws=99).iloc[0]
    arms = [district.intensive == a for a in (1, 0)]
    weight = weight_of_arms(district)
    difference = np.subtract(*[np.average(district.y__w3[a], weights=weight[a]) for a in arms])
    assert (row.lower, row.upper) == pytest.approx((difference, difference))
    assert (row.share_trimmed, row.arm_trimmed) == (0, "none")
    assert row.conf_low < row.lower < row.conf_high


def test_lee__holds_the_difference_among_those_who_answer_in_either_arm(simulate, design):
    """Of the users before treatment a third answers only if drawn; in life nobody knows which."""
    district = simulate(11, communes=30, per_team=30, answered=1.0, effect=0.1)
    shy = (district.y__w1 == 1) & (np.arange(len(district)) % 3 == 0)
    lost = district.assign(y__w3=district.y__w3.mask(shy & (district.intensive == 0)))
    row = lee_bounds(lost, design, "y", draws=0).iloc[0]
    among_them = district[~shy].groupby("intensive").y__w3.mean().diff().iloc[1]
    assert row.lower < among_them < row.upper
    assert row.arm_trimmed == "intensive"


def test_lee__interval_agrees_with_the_closed_form_of_two_means(simulate, design):
    """Without a gap or strata the bound is a difference of means of teams of equal size."""
    district = simulate(4, communes=4, teams_per_commune=20, answered=1.0).assign(one="1")
    row = lee_bounds(district, replace(design, stratum="one"), "z", draws=4000).iloc[0]
    means = district.groupby(["intensive", "team_id"]).z__w3.mean()
    error = np.sqrt(sum(means[a].var() / len(means[a]) for a in (0, 1)))
    half = (row.conf_high - row.conf_low) / 2
    assert half == pytest.approx(stats.norm.ppf(0.975) * error, rel=0.04)


def test_lee__interval_depends_on_the_seed_alone(households, design):
    lost = lose(households, 1)
    shuffled = lost.sample(frac=1, random_state=1)
    first = lee_bounds(lost, design, "y", draws=199, seed=5).iloc[0]
    again = lee_bounds(shuffled, design, "y", draws=199, seed=5).iloc[0]
    other = lee_bounds(lost, design, "y", draws=199, seed=6).iloc[0]
    for name in ("lower", "upper", "conf_low", "conf_high"):
        assert again[name] == pytest.approx(first[name], abs=1e-12)
    assert other.conf_low != first.conf_low


def test_lee__weights_count_like_copies_of_rows(households, design):
    lost = lose(households, 1, outcome="z")
    weight = 1.0 + (np.arange(len(lost)) % 2)
    copied = lost.loc[lost.index.repeat(weight.astype(int))].drop(columns="hhid")
    weighted = replace(design, weights="w")
    one = lee_bounds(lost.assign(w=weight), weighted, "z", draws=0).iloc[0]
    many = lee_bounds(copied, design, "z", draws=0).iloc[0]
    assert (one.lower, one.upper) == pytest.approx((many.lower, many.upper))


@pytest.mark.parametrize("errors", [(1.0, 1.0), (0.5, 2.0)])
def test_imbens_manski__between_one_and_two_sided(errors):
    wide = imbens_manski(-100.0, 100.0, errors, 0.95)
    one_sided = stats.norm.ppf(0.95)
    assert wide == pytest.approx((-100 - one_sided * errors[0], 100 + one_sided * errors[1]))
    point = imbens_manski(1.0, 1.0, errors, 0.95)
    two_sided = stats.norm.ppf(0.975)
    assert point == pytest.approx((1 - two_sided * errors[0], 1 + two_sided * errors[1]))


def test_trimmed_mean__counts_the_marginal_value_in_part():
    values, weights = np.array([1.0, 2.0, 3.0, 4.0]), np.ones((2, 4))
    found = trimmed_mean(values, weights, np.array([0.125, 0.25]))
    assert found == pytest.approx([(1 + 2 + 3 + 0.5 * 4) / 3.5, 2.0])


def test_lee__refuses_and_says_why(households, design):
    nobody = households.assign(interviewed__w1=0)
    assert lee_bounds(nobody, design, "y").note[0] == "no interview at the baseline"
    one_left = households.assign(
        y__w3=households.y__w3.where((households.intensive == 0) | (households.team_id == "x"))
    )
    row = lee_bounds(one_left, design, "y").iloc[0]
    assert np.isnan(row.lower)
    assert row.note == "fewer than 2 team_id with answers in an arm"
    with pytest.raises(DesignError, match="column"):
        lee_bounds(households, design, "nothing")


def test_lee__names_what_tells_nothing(households, design, recwarn):
    first = households.commune_code.iloc[0]
    one_arm = households[(households.commune_code != first) | (households.intensive == 1)]
    row = lee_bounds(one_arm, design, "y", draws=50).iloc[0]
    assert row.note == f"commune_code with one arm only, left out: {first}"
    assert row.n_drawn == (households.commune_code != first).sum()
    silent = households.assign(
        group=pd.Series(["a", "b"] * len(households))[: len(households)].to_numpy()
    )
    silent["y__w3"] = silent.y__w3.where((silent.group == "a") | (silent.intensive == 0))
    row = lee_bounds(silent, design, "y", tighten="group", draws=50).iloc[0]
    assert "in one arm only, left out: 1" in row.note
    assert not recwarn.list


def test_lee__single_teams_of_an_arm_still_give_an_interval(simulate, design):
    district = lose(simulate(9, communes=12, teams_per_commune=3), 4)
    found = lee_bounds(district, design, "y", draws=300)
    validate(found, "lee_bounds")
    row = found.iloc[0]
    assert row.conf_low < row.lower < row.upper < row.conf_high


def test_team_factors__give_the_variance_of_a_stratified_mean(simulate, design):
    """With values x of the clusters, the total varies by m s^2 in each stratum and arm."""
    district = simulate(1, communes=6, teams_per_commune=4, per_team=2)
    teams = district.drop_duplicates("team_id").sort_values("team_id").reset_index(drop=True)
    x = np.random.default_rng(0).normal(size=len(teams))
    factors = team_factors(district, design, 20_000, seed=1)
    groups = teams.assign(x=x).groupby(["commune_code", "intensive"]).x
    assert factors.mean(axis=0) == pytest.approx(np.ones(len(teams)), abs=0.05)
    assert (factors @ x).var() == pytest.approx((groups.var() * groups.size()).sum(), rel=0.03)


def test_team_factors__pool_the_single_teams_of_an_arm(simulate, design):
    district = simulate(9, communes=12, teams_per_commune=3, per_team=2)
    teams = district.drop_duplicates("team_id").sort_values("team_id")
    size = teams.groupby(["commune_code", "intensive"]).team_id.transform("size")
    factors = team_factors(district, design, 500, seed=1)
    assert (factors.std(axis=0) > 0).all()
    for arm in (0, 1):
        alone = ((size == 1) & (teams.intensive == arm)).to_numpy()
        assert factors[:, alone].sum(axis=1) == pytest.approx(np.full(500, alone.sum()))


def test_lee__over_the_list_drawn_counts_those_never_met_as_lost(households, design):
    """Never met at all is the same as an answer lost after the baseline."""
    lost = lose(households, 4)
    never = lost.y__w3.isna() & (lost.index % 2 == 0)
    sample = lost[["hhid", "team_id", "commune_code"]].sample(frac=1, random_state=1)
    teams = lost.drop_duplicates("team_id")[["team_id", "commune_code", "intensive"]]
    whole = lee_bounds(lost, design, "y", draws=49).iloc[0]
    found = lee_bounds(lost[~never], design, "y", draws=49, sample=sample, teams=teams).iloc[0]
    for name in ("lower", "upper", "conf_low", "conf_high", "share_trimmed", "n", "n_drawn"):
        assert found[name] == pytest.approx(whole[name], abs=1e-12)
    met = lee_bounds(lost[~never], design, "y", draws=0).iloc[0]
    assert met.n_drawn == (~never).sum() < found.n_drawn


def test_lee__counts_those_met_without_an_answer(households, design):
    unasked = households.assign(y__w3=households.y__w3.mask(households.index % 4 == 0))
    number = int((unasked.y__w3.isna() & (unasked.interviewed__w3 == 1)).sum())
    note = lee_bounds(unasked, design, "y", draws=0).note[0]
    assert note == f"{number} interviewed without an answer count as lost"
    assert lee_bounds(households, design, "y", draws=0).note[0] == ""


def test_lee__says_why_there_is_no_interval(households, design):
    note = lee_bounds(households.assign(y__w3=1.0), design, "y", draws=9).note[0]
    assert "no interval: the outcome does not vary in an arm" in note

"""Comparing enumerators: the one who differs is flagged, true differences between areas are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from check_frames import fieldwork, found, household, roster, visits
from clean_frames import code

from survey_tools.clean import effects_table
from survey_tools.clean.checks.enumerators import (
    benjamini_hochberg,
    enumerator_effects,
    unusual_shares,
)


def by_four(number=120, **answers):
    """Interviews of four enumerators in turn."""
    rows = ({"_id": i, "enumerator_id": f"E0{i % 4}"} | answers for i in range(1, number + 1))
    return household(*rows)


def test_refusals__the_enumerator_to_whom_many_refuse():
    frame = by_four()
    mine = frame["enumerator_id"] == "E03"
    some = visits(frame)
    refused = some.assign(consent=np.where(mine & (frame["_id"] % 3 > 0), "no", "yes"))
    assert found(fieldwork(frame, visits=refused), "refusals")["enumerator_id"].tolist() == ["E03"]
    assert found(fieldwork(frame, visits=some), "refusals").empty


def test_dont_know__the_unit_is_the_interview():
    rng = np.random.default_rng(2)
    frame = by_four(200)
    unknown = rng.random((200, 20)) < 0.05
    mine = (frame["enumerator_id"] == "E02").to_numpy()

    def said(marks):
        return frame.assign(
            **{f"q{k}": np.where(marks[:, k], "dk", "yes") for k in range(20)}
        ).astype({f"q{k}": "str" for k in range(20)})

    assert found(fieldwork(said(unknown)), "dont_know").empty
    one_respondent = unknown.copy()
    one_respondent[np.flatnonzero(mine)[0]] = True
    assert found(fieldwork(said(one_respondent)), "dont_know").empty
    unknown[mine] |= rng.random((mine.sum(), 20)) < 0.25
    assert found(fieldwork(said(unknown)), "dont_know")["enumerator_id"].tolist() == ["E02"]


def test_straight_lining__the_enumerator_who_answers_for_people():
    frame = by_four()
    assert found(fieldwork(frame), "straight_lining").empty
    same = frame["enumerator_id"] == "E03"
    frame.loc[same, [c for c in frame if c.startswith("sk_")]] = "alone"
    frame.loc[same, ["trust_pay", "gap_view", "life_view"]] = "3"
    flags = found(fieldwork(frame), "straight_lining")
    assert flags["enumerator_id"].tolist() == ["E03"]
    assert flags["detail"].tolist() == ["100 % / 0 %"]


def test_age_heaping__the_enumerator_who_rounds():
    frame = by_four(200)
    ages = {f"i{i}": 50 if i % 4 == 2 else 30 + i % 17 for i in frame["_id"]}
    flags = found(fieldwork(frame, roster=roster(frame, **ages)), "age_heaping")
    assert flags["enumerator_id"].tolist() == ["E02"]
    true = {f"i{i}": 30 + i % 17 for i in frame["_id"]}
    assert found(fieldwork(frame, roster=roster(frame, **true)), "age_heaping").empty


def led(chance, seed=3):
    """Six enumerators in eight teams each, five households a team; E01 hears «yes» with another chance."""
    rng = np.random.default_rng(seed)
    rows = [
        (e, f"102{91 + t // 99}-T{1 + (8 * e + t) % 99:02d}", h)
        for e in range(6) for t in range(8) for h in range(5)
    ]  # fmt: skip
    frame = household(*(
        {"_id": i + 1, "number": i + 1, "team": team, "enumerator_id": f"E0{e}",
         "kn_otp": "yes" if rng.random() < (chance if e == 1 else 0.3) else "no"}
        for i, (e, team, _) in enumerate(rows)
    ))  # fmt: skip
    return fieldwork(frame, rules={"enumerator_effect": {"outcomes": {"kn_otp": ("yes",)}}})


def test_enumerator_effect__the_one_who_leads_people_and_no_other():
    assert found(led(0.95), "enumerator_effect")["enumerator_id"].tolist() == ["E01"]
    assert found(led(0.30), "enumerator_effect").empty


def test_effects_table__difference_is_that_from_the_others():
    table = effects_table(led(0.95)).set_index("enumerator_id")
    shares = led(0.95).household
    yes = (shares["kn_otp"] == "yes").groupby(shares["enumerator_id"] == "E01").mean()
    assert table.loc["E01", "difference"] == pytest.approx(yes[True] - yes[False])
    assert table.loc["E01", ["teams", "n"]].tolist() == [8, 40]


def test_enumerator_effects__p_value_is_the_t_test_of_team_means_for_two_enumerators():
    """With two enumerators and teams of one size it is the two-sample t test with equal variances."""
    from scipy import stats

    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        [
            ("w1", code(t)[:6] + str(t), f"E{t % 2}", "x", rng.random())
            for t in range(20)
            for _ in range(4)
        ],
        columns=["wave", "team_id", "enumerator_id", "variable", "y"],
    )
    table = enumerator_effects(rows, least=2)
    means = rows.groupby(["enumerator_id", "team_id"])["y"].mean()
    test = stats.ttest_ind(means["E0"], means["E1"])
    assert table["p_value"].to_numpy() == pytest.approx([test.pvalue] * 2)
    assert table["f_p_value"].iloc[0] == pytest.approx(stats.f.sf(test.statistic**2, 1, 18))


def test_enumerator_effects__no_answer_no_row():
    empty = pd.DataFrame(columns=["wave", "team_id", "enumerator_id", "variable", "y"])
    assert enumerator_effects(empty, least=4).empty


def test_benjamini_hochberg__missing_values_do_not_count():
    q = benjamini_hochberg(pd.Series([0.01, np.nan, 0.02]))
    assert q.iloc[[0, 2]].tolist() == pytest.approx([0.02, 0.02])
    assert np.isnan(q.iloc[1])


def test_unusual_shares__true_differences_between_areas_are_not_flagged():
    rng = np.random.default_rng(1)
    rows = pd.concat(
        pd.DataFrame({"wave": "w1", "enumerator_id": f"E{i:02d}", "value": rng.random(200) < p})
        for i, p in enumerate(np.linspace(0.1, 0.5, 12))
    ).astype({"value": "float64"})
    assert unusual_shares(rows, least=20, z=4, gap=0.15).empty


def test_unusual_shares__few_rows_are_not_compared():
    others = ["E02"] * 50 + ["E03"] * 50 + ["E04"] * 50
    rows = pd.DataFrame(
        {"wave": "w1", "enumerator_id": ["E01"] * 19 + others, "value": [1.0] * 19 + [0.0] * 150}
    )
    assert unusual_shares(rows, least=20, z=4, gap=0.15).empty
    found = unusual_shares(rows, least=19, z=4, gap=0.15)
    assert found[["enumerator_id", "n", "share"]].to_numpy().tolist() == [["E01", 19, 1.0]]

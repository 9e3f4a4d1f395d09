"""Three accounts of outreach side by side, and how far they agree."""

import numpy as np
import pandas as pd
import pytest
from construct_frames import STUDY, TEAMS, code
from hypothesis import given
from hypothesis import strategies as st

from survey_tools.construct import agreement, exposure_sources
from survey_tools.construct.agreement import PAIRS, SOURCES, kappa

T1, T2 = "10291-T01", "10291-T02"


def panel(*rows):
    columns = ["hhid", "wave", "team_id", "interview_date", "reached", "contacts"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["interview_date"] = pd.to_datetime(frame["interview_date"])
    return frame.astype({"reached": float, "contacts": float})


ENDLINE = panel(
    (code(1), "w3", T1, "2026-09-20", 1, 3), (code(2), "w3", T1, "2026-09-03", 0, 0),
    (code(3), "w3", T1, "2026-10-01", None, None), (code(4), "w3", T1, "2026-09-30", 1, None),
    (code(1), "w1", T1, "2026-01-20", 1, 9), (code(5, T2), "w3", T2, "2026-10-02", 0, 0),
)  # fmt: skip


def log(*rows):
    frame = pd.DataFrame(rows, columns=["team_id", "month", "hh_visited"])
    return frame.assign(month=pd.to_datetime(frame["month"])).astype({"hh_visited": "Int64"})


def sites(*rows):
    columns = ["site_type", "commune_code", "ref_month", "share_teams_active"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(ref_month=pd.to_datetime(frame["ref_month"]))


def sources(team_log=None, site=None, answers=ENDLINE):
    return exposure_sources(answers, team_log, site, TEAMS, STUDY).set_index("team_id")


def test_exposure_sources__answers_are_those_of_the_endline():
    row = sources().loc[T1]
    assert row["answers"] == 3
    assert row["reached_share_6m"] == pytest.approx(2 / 3)
    assert row["contacts_per_100_answers_6m"] == pytest.approx(100 * 3 / 2)


def test_exposure_sources__log_counts_six_months_before_the_first_endline_interview():
    team_log = log((T1, "2026-02-01", 900), (T1, "2026-03-01", 20), (T1, "2026-08-01", 40),
                   (T1, "2026-09-01", 900), (T2, "2026-09-01", 7), (T2, "2026-05-01", None))  # fmt: skip
    found = sources(team_log)
    assert found.loc[T1, "months_reported"] == 2
    assert found.loc[T1, "visits_per_100_log_6m"] == pytest.approx(100 * 6 * 30 / 200)
    assert found.loc[T2, "visits_per_100_log_6m"] == pytest.approx(100 * 6 * 7 / 100)


def test_exposure_sources__site_form_counts_its_last_month_before_the_end():
    found = sources(site=sites(
        ("commune", "10291", "2026-02-01", 0.5), ("commune", "10291", "2026-09-01", 0.75),
        ("commune", "10291", "2026-12-01", 1.0), ("school", "10291", "2026-09-01", 0.1),
    ))  # fmt: skip
    assert found.loc[[T1, T2], "teams_active_share_site"].tolist() == [0.75, 0.75]
    assert np.isnan(found.loc["10270-T01", "teams_active_share_site"])


def test_exposure_sources__a_silent_account_is_missing_and_not_zero():
    found = sources()
    assert found.loc["10270-T01", ["answers", "months_reported"]].tolist() == [0, 0]
    assert found.loc["10270-T01", list(SOURCES)].isna().all()


def test_exposure_sources__no_endline_leaves_every_account_silent():
    found = sources(log((T1, "2026-03-01", 5)), sites(), ENDLINE.query("wave == 'w1'"))
    assert len(found) == len(TEAMS)
    assert found[list(SOURCES)].isna().all(axis=None)


def made_up(teams=12, **columns):
    rng = np.random.default_rng(3)
    values = {name: rng.random(teams) for name in SOURCES}
    frame = pd.DataFrame({"team_id": [f"10291-T{k:02d}" for k in range(teams)], **values})
    communes = [f"{10270 + k}" for k in range(teams)]
    return frame.assign(commune_code=communes, **columns)


def test_agreement__one_row_a_pair_with_every_measure():
    found = agreement(made_up())
    assert list(found[["left", "right", "unit"]].itertuples(index=False, name=None)) == list(PAIRS)
    assert found["n"].eq(12).all()
    assert found[["pearson", "spearman", "kappa"]].notna().all(axis=None)


def test_agreement__accounts_that_say_the_same_agree_fully():
    frame = made_up()
    frame["visits_per_100_log_6m"] = 3 * frame["reached_share_6m"] + 1
    row = agreement(frame).iloc[0]
    assert row[["pearson", "spearman", "kappa"]].tolist() == pytest.approx([1, 1, 1])


def test_agreement__spearman_looks_at_the_order_alone():
    frame = made_up()
    frame["visits_per_100_log_6m"] = frame["reached_share_6m"] ** 9
    row = agreement(frame).iloc[0]
    assert row["spearman"] == pytest.approx(1)
    assert row["pearson"] < 0.99


@pytest.mark.parametrize(
    ("columns", "note"),
    [({"reached_share_6m": 1.0}, "says the same of all"),
     ({"reached_share_6m": np.nan}, "too few units")],
)  # fmt: skip
def test_agreement__nothing_to_compare_is_missing_with_a_note(columns, note, recwarn):
    row = agreement(made_up(**columns)).iloc[0]
    assert note in row["note"]
    assert row[["pearson", "spearman", "kappa"]].isna().all()
    assert len(recwarn) == 0


def test_agreement__where_one_account_knows_no_teams_communes_are_the_units():
    frame = made_up()
    frame["commune_code"] = [f"{10270 + k // 2}" for k in range(12)]
    found = agreement(frame).set_index(["left", "right"])
    assert found.loc[("reached_share_6m", "teams_active_share_site"), "n"] == 6
    mean = frame.groupby("commune_code")[list(SOURCES)].mean()
    by_hand = np.corrcoef(mean["reached_share_6m"], mean["teams_active_share_site"])[0, 1]
    found = found.loc[("reached_share_6m", "teams_active_share_site"), "pearson"]
    assert found == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ((20, 5, 10, 15), 0.4),  # observed 0.7, chance 0.5: the example of every textbook
        ((25, 0, 0, 25), 1.0),
        ((0, 25, 25, 0), -1.0),
        ((10, 10, 10, 10), 0.0),
        ((45, 15, 25, 15), (0.6 - 0.54) / 0.46),
    ],
)
def test_kappa__equals_a_computation_by_hand(table, expected):
    both, left_only, right_only, neither = table
    left = [1] * (both + left_only) + [0] * (right_only + neither)
    right = [1] * both + [0] * left_only + [1] * right_only + [0] * neither
    assert kappa(pd.Series(left), pd.Series(right)) == pytest.approx(expected, abs=1e-12)


def test_kappa__both_the_same_of_all_is_missing():
    assert np.isnan(kappa(pd.Series([1, 1, 1]), pd.Series([1, 1, 1])))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=30))
def test_kappa__is_symmetric_and_at_most_one(pairs):
    left, right = (pd.Series(x) for x in zip(*pairs, strict=True))
    found, turned = kappa(left, right), kappa(right, left)
    assert found == pytest.approx(turned, nan_ok=True)
    assert not found > 1

"""Flags from run to run: when each state comes, what an answer does, and that nothing changes by itself."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.clean import STATES, corrected_flags, follow_flags, with_keys

MONDAY, TUESDAY, FRIDAY = date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 6)
RAN = ("short_interview", "refusals", "outlier")


def flag(check="short_interview", row=1, **cells):
    made = {"check": check, "form": "household", "wave": "w1", "team_id": "10291-T01",
            "enumerator_id": "E01", "row_id": row, "variable": "duration_min", "message": "Short.",
            "detail": "9.0 min"} | cells  # fmt: skip
    return pd.DataFrame([made]).astype({"row_id": "Int64"})


NOTHING = flag().iloc[:0]


def run(found, before=None, day=MONDAY, **options):
    return follow_flags(found, before, day=day, **({"ran": RAN} | options))


def states(flags):
    return dict(zip(flags["row_id"].fillna(0), flags["state"], strict=True))


def answer(flags, day="2026-02-03"):
    return pd.DataFrame({"key": flags["key"], "decided_on": day})


def test_follow_flags__new_then_open_then_resolved():
    first = run(flag())
    second = run(flag(), first, TUESDAY)
    third = run(NOTHING, second, FRIDAY)
    assert [f["state"].item() for f in (first, second, third)] == ["new", "open", "resolved"]
    assert third[["first_seen", "last_seen"]].to_numpy().tolist() == [["2026-02-02", "2026-02-03"]]
    assert run(NOTHING, third, FRIDAY)["state"].item() == "resolved"


def test_follow_flags__the_same_data_on_the_same_day_change_nothing():
    first = run(pd.concat([flag(), flag(row=2)]))
    pd.testing.assert_frame_equal(run(pd.concat([flag(), flag(row=2)]), first), first)
    later = run(flag(), first, TUESDAY)
    pd.testing.assert_frame_equal(run(flag(), later, TUESDAY), later)


def test_follow_flags__keeps_its_contract_and_its_states():
    flags = run(pd.concat([flag(), flag("refusals", row=None, variable=None)]))
    contracts.validate(flags, "flags")
    assert set(flags["state"]) <= set(STATES)
    assert flags["key"].str.fullmatch("[a-kmnp-r]{16}").all()


def test_follow_flags__a_check_that_did_not_run_resolves_nothing():
    first = run(flag())
    kept = run(NOTHING, first, TUESDAY, ran=("refusals",))
    assert kept["state"].item() == "open"
    assert kept["last_seen"].item() == "2026-02-02"
    assert run(NOTHING, first, TUESDAY)["state"].item() == "resolved"


def test_follow_flags__a_resolved_flag_of_a_check_that_is_off_stays_resolved():
    gone = run(NOTHING, run(flag()), TUESDAY)
    assert run(NOTHING, gone, FRIDAY, ran=())["state"].item() == "resolved"


def test_follow_flags__one_that_comes_back_is_open_again():
    gone = run(NOTHING, run(flag()), TUESDAY)
    back = run(flag(), gone, FRIDAY)
    assert back["state"].item() == "open"
    assert back[["first_seen", "since", "last_seen"]].to_numpy().tolist() == [
        ["2026-02-02", "2026-02-06", "2026-02-06"]
    ]


def test_follow_flags__an_answer_counts_while_the_flag_is_there():
    first = run(flag())
    answered = run(flag(), first, TUESDAY, answers=answer(first))
    assert answered["state"].item() == "answered"
    assert run(NOTHING, answered, FRIDAY, answers=answer(first))["state"].item() == "resolved"


def test_follow_flags__an_answer_from_before_it_went_away_counts_no_longer():
    first = run(flag())
    gone = run(NOTHING, first, TUESDAY)
    old, fresh = answer(first, "2026-02-02"), answer(first, "2026-02-06")
    assert run(flag(), gone, FRIDAY, answers=old)["state"].item() == "open"
    assert run(flag(), gone, FRIDAY, answers=fresh)["state"].item() == "answered"


def test_follow_flags__an_answer_to_a_check_that_is_off_still_counts():
    first = run(flag())
    assert run(NOTHING, first, TUESDAY, ran=(), answers=answer(first))["state"].item() == "answered"


def test_follow_flags__corrected_rows_are_answered():
    first = run(flag())
    assert run(flag(), first, corrected=set(first["key"]))["state"].item() == "answered"


def test_follow_flags__a_figure_that_moves_makes_no_new_flag():
    first = run(flag("refusals", row=None, detail="40 % / 3 %", message="40 %"))
    second = run(flag("refusals", row=None, detail="41 % / 3 %", message="41 %"), first, TUESDAY)
    assert second["state"].tolist() == ["open"]
    assert second["detail"].tolist() == ["41 % / 3 %"]


def test_follow_flags__a_row_whose_team_is_corrected_keeps_its_flag():
    first = run(flag())
    moved = run(flag(team_id="10291-T02", enumerator_id="E09"), first, TUESDAY)
    assert moved[["state", "team_id"]].to_numpy().tolist() == [["open", "10291-T02"]]


@pytest.mark.parametrize("change", [
    {"check": "outlier"}, {"row": 2}, {"variable": "hh_size"}, {"item": "other"}, {"form": "team_log"},
])  # fmt: skip
def test_with_keys__what_a_flag_is_about_makes_its_key(change):
    both = with_keys(pd.concat([flag(), flag(**change)]))
    assert both["key"].nunique() == 2


@pytest.mark.parametrize(
    "change", [{"wave": "w2"}, {"team_id": "10291-T02"}, {"enumerator_id": "E02"}]
)
def test_with_keys__without_a_row_wave_team_and_enumerator_count(change):
    both = with_keys(pd.concat([flag("refusals", row=None), flag("refusals", row=None, **change)]))
    assert both["key"].nunique() == 2


def test_with_keys__the_same_flag_twice_is_one():
    assert len(with_keys(pd.concat([flag(), flag(message="Other words.")]))) == 1


def test_with_keys__is_the_same_on_every_machine():
    assert with_keys(flag())["key"].tolist() == ["fiacghrnjnenipeq"]


def test_follow_flags__a_table_from_before_flags_were_followed_is_forgotten():
    old = flag().drop(columns=["form", "detail"])
    assert run(flag(), old)["state"].tolist() == ["new"]


def test_follow_flags__changes_no_callers_frame():
    first = run(flag())
    before, now = first.copy(), flag()
    run(now, first, TUESDAY, answers=answer(first))
    pd.testing.assert_frame_equal(first, before)
    pd.testing.assert_frame_equal(now, flag())


def log(variable, row=1, form="household"):
    return pd.DataFrame({"form": [form], "row_id": [row], "variable": [variable]})


@pytest.mark.parametrize(
    ("variable", "line", "answered"),
    [
        ("hh_size", "hh_size", True),
        ("hh_size", "resp_age", False),
        ("m_age[2]", "m_age[2]", True),
        ("m_age[2]", "m_age[1]", False),
        ("m_age", "m_age[1]", True),
        ("channels", "channels__tv", True),
        ("hh_size", None, False),
    ],
)
def test_corrected_flags__row_and_question_of_a_correction(variable, line, answered):
    flags = with_keys(flag(variable=variable))
    assert bool(corrected_flags(flags, log(line))) == answered
    assert not corrected_flags(flags, log(line, row=2))
    assert not corrected_flags(flags, log(line, form="site"))
    assert not corrected_flags(flags, None)

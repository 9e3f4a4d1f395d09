"""What of the answers the codebook may show: small cells, complements, waves, classes never counted."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_tools.params import DisclosureSettings
from survey_tools.report.codebook.distributions import UNCOUNTED, Answers, spreads, two_digits

RULES = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)


def answers(values, kind="codes", codes=("a", "b", "c", "d"), **options):
    columns = values if isinstance(values, pd.DataFrame) else pd.DataFrame({"x": values})
    return Answers(columns, kind, codes, **options)


def spread(values, kind="codes", **options):
    return spreads([answers(values, kind, **options)], RULES)[0]


def text(**counts):
    """Column of text answers; `none` are rows without one."""
    values = [code for code, number in counts.items() for _ in range(number)]
    return pd.Series([None if v == "none" else v for v in values], dtype="str")


def shares(found):
    return {code: (None if x is None else round(x, 6), status) for code, x, status in found.shares}


def test_spreads__shares_of_those_who_answered():
    found = spread(text(a=40, b=60, none=20))
    assert (found.rows, found.answered, found.missing) == (120, 100, 20)
    assert shares(found) == {
        "a": (0.4, "shown"), "b": (0.6, "shown"), "c": (0.0, "shown"), "d": (0.0, "shown"),
    }  # fmt: skip


@pytest.mark.parametrize("small", [1, 2, 3, 4])
def test_spreads__a_small_code_is_hidden_and_the_next_smallest_with_it(small):
    found = shares(spread(text(a=60, b=30, c=small)))
    assert found["c"] == (None, "hidden")
    assert found["b"] == (None, "hidden")
    assert found["a"][1] == "shown"


def test_spreads__five_are_enough():
    assert shares(spread(text(a=60, b=5)))["b"][1] == "shown"


def test_spreads__all_but_a_few_is_hidden_too():
    assert shares(spread(text(a=97, b=3))) == {
        "a": (None, "hidden"), "b": (None, "hidden"), "c": (0.0, "shown"), "d": (0.0, "shown"),
    }  # fmt: skip


def test_spreads__two_small_codes_that_make_a_small_sum_take_a_third_with_them():
    found = shares(spread(text(a=60, b=30, c=2, d=2)))
    assert [found[code][1] for code in "abcd"] == ["shown", "hidden", "hidden", "hidden"]


def test_spreads__from_few_answers_shares_are_rounded_and_under_ten_hidden():
    few = shares(spread(text(a=14, b=8)))
    assert few["a"] == (0.65, "few")
    none = spread(text(a=5, b=4, none=50))
    assert {status for _, status in shares(none).values()} == {"hidden"}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_spreads__what_is_hidden_is_not_told_by_what_is_shown(counts):
    """Even if shares were exact: hidden ones are several, and more in all than a small cell."""
    codes = [f"c{k}" for k in range(len(counts))]
    column = text(**dict(zip(codes, counts, strict=True)))
    found = shares(spread(column, codes=codes)) if len(column) else {}
    if not found:
        return
    hidden = [n for n, code in zip(counts, codes, strict=True) if found[code][1] == "hidden" and n]
    shown = [n for n, code in zip(counts, codes, strict=True) if found[code][1] != "hidden" and n]
    assert all(n > RULES.hide_counts_to for n in shown)
    assert all(sum(counts) - n > RULES.hide_counts_to or n == sum(counts) for n in shown)
    if hidden and shown:
        assert len(hidden) >= 2
        assert sum(hidden) > RULES.hide_counts_to


def test_spreads__yes_and_no_hide_each_other():
    few_yes = spread(pd.Series([1.0] * 3 + [0.0] * 60), "yes_no")
    few_no = spread(pd.Series([1.0] * 60 + [0.0] * 3), "yes_no")
    assert few_yes.shares == few_no.shares == (("1", None, "hidden"),)
    assert spread(pd.Series([1.0] * 20 + [0.0] * 20), "yes_no").shares == (("1", 0.5, "shown"),)


def test_spreads__ticks_hide_each_by_itself():
    ticks = pd.DataFrame(
        {"p": [True] * 3 + [False] * 47, "q": [True] * 25 + [False] * 25, "r": [True] * 48 + [False] * 2},
        dtype="boolean",
    )  # fmt: skip
    ticks.loc[49] = pd.NA
    found = spread(ticks, "many")
    assert (found.rows, found.missing, found.few) == (50, None, "missing")
    assert {code: status for code, _, status in found.shares} == {
        "p": "hidden", "q": "few", "r": "hidden",
    }  # fmt: skip


@pytest.mark.parametrize(("missing", "few"), [(0, ""), (1, "missing"), (4, "missing"), (5, "")])
def test_spreads__few_missing_are_few_and_so_is_the_rest(missing, few):
    found = spread(text(a=40, b=40, none=missing))
    assert found.few == few
    assert (found.answered is None) == (found.missing is None) == bool(few)


def test_spreads__a_share_does_not_tell_how_few_are_missing():
    """69 of 84, 85, 86 or 87: whole percentages would tell which, a step of five does not."""
    told = {
        spread(
            pd.Series([1.0] * 69 + [0.0] * (84 - 69 + more) + [None] * (4 - more)), "yes_no"
        ).shares
        for more in range(4)
    }
    assert len(told) == 1
    ((code, share, status),) = told.pop()
    assert (code, status) == ("1", "few")
    assert share == pytest.approx(0.8)


def test_spreads__in_a_large_table_shares_stay_whole_percentages():
    found = spread(pd.Series([1.0] * 421 + [0.0] * 579 + [None] * 3), "yes_no")
    assert found.few == "missing"
    assert found.shares == (("1", 0.421, "shown"),)


def test_spreads__few_answers_are_not_counted():
    found = spread(text(a=3, none=60))
    assert (found.rows, found.answered, found.missing, found.few) == (63, None, None, "answered")
    assert {status for _, status in shares(found).values()} == {"hidden"}


def test_spreads__counts_of_what_only_some_were_asked_are_rounded():
    found = spread(text(a=20, b=13, none=29), conditional=True)
    assert (found.rows, found.answered, found.missing, found.rounded) == (62, 35, 30, True)


def test_spreads__a_table_of_few_rows_tells_nothing():
    found = spread(text(a=5, b=4))
    assert (found.rows, found.answered, found.missing, found.shares) == (None, None, None, ())


@pytest.mark.parametrize("personal_data", UNCOUNTED)
@pytest.mark.parametrize(
    ("values", "kind"),
    [(text(a=40, b=40), "codes"), (pd.Series(range(80)), "number"),
     (pd.Series(pd.date_range("2026-01-01", periods=80)), "date"),
     (pd.Series([1.0, 0.0] * 40), "yes_no")],
)  # fmt: skip
def test_spreads__classes_that_identify_never_show(personal_data, values, kind):
    found = spread(values, kind, personal_data=personal_data)
    assert (found.shares, found.quantiles) == ((), ())
    assert found.rows == 80


def test_spreads__quantiles_need_answers_and_are_rounded():
    values = pd.Series(np.arange(1000.0, 1100.0))
    assert dict(spread(values, "number").quantiles) == {
        0.1: 1000.0, 0.25: 1000.0, 0.5: 1000.0, 0.75: 1100.0, 0.9: 1100.0,
    }  # fmt: skip
    assert spread(values.head(29), "number").quantiles == ()
    assert [p for p, _ in spread(values.head(40), "number").quantiles] == [0.25, 0.5, 0.75]
    sensitive = spread(values, "number", personal_data="sensitive")
    assert [p for p, _ in sensitive.quantiles] == [0.25, 0.5, 0.75]


def test_spreads__dates_are_told_by_the_month():
    days = pd.Series(pd.date_range("2026-01-01", "2026-03-31"))
    assert dict(spread(days, "date").quantiles)[0.5] == "2026-02"


def test_spreads__waves_do_not_touch_each_other():
    waves = [answers(text(a=60, b=3)), answers(text(a=30, b=33))]
    both = spreads(waves, RULES)
    assert both == [spreads([one], RULES)[0] for one in waves]


def test_spreads__nothing_gives_nothing():
    assert spreads([], RULES) == []
    assert spread(text()).rows is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0.0), (97.0, 97.0), (1234.0, 1200.0), (0.0456, 0.046), (-155, -160)],
)
def test_two_digits__keeps_two(value, expected):
    assert two_digits(value) == pytest.approx(expected)

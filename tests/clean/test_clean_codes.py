"""What the check digit of a household code finds, tried on every code and every slip."""

from __future__ import annotations

import pandas as pd
import pytest
from clean_frames import code

from survey_tools.clean import household_code_ok

CODES = [code(number) for number in range(1000)]
NUMBER = (11, 12, 13)
CHECK = 15


def _passes(slips: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Slips (code, wrong code) that are not found."""
    wrong = pd.Series([slip for _, slip in slips], dtype="str")
    return {pair for pair, ok in zip(slips, household_code_ok(wrong), strict=True) if ok}


def test_household_code_ok__every_right_code_passes():
    assert household_code_ok(pd.Series(CODES, dtype="str")).all()


def test_household_code_ok__one_wrong_digit_is_found_unless_it_is_off_by_seven():
    slips = [
        (right, f"{right[:place]}{digit}{right[place + 1 :]}")
        for right in CODES
        for place in (*NUMBER, CHECK)
        for digit in "0123456789"
        if digit != right[place]
    ]
    missed = _passes(slips)
    for right, wrong in slips:
        (place,) = [p for p in (*NUMBER, CHECK) if right[p] != wrong[p]]
        off = abs(int(right[place]) - int(wrong[place]))
        assert ((right, wrong) in missed) == (off == 7 and place != CHECK)
    assert len(missed) / len(slips) < 0.06


def test_household_code_ok__two_neighbours_swapped_are_found_unless_they_differ_by_seven():
    slips = []
    for right in CODES:
        for one, other in ((11, 12), (12, 13), (13, 15)):
            letters = list(right)
            letters[one], letters[other] = letters[other], letters[one]
            if (wrong := "".join(letters)) != right:
                slips.append((right, wrong))
    missed = _passes(slips)
    for right, wrong in slips:
        one, other = [p for p in (*NUMBER, CHECK) if right[p] != wrong[p]]
        off = abs(int(right[one]) - int(right[other]))
        assert ((right, wrong) in missed) == (off == 7 and other != CHECK)


@pytest.mark.parametrize("wrong", ["{}\n", " {}", "{} ", "{}0", "x{}"])
def test_household_code_ok__nothing_may_stand_around_it(wrong):
    assert not household_code_ok(pd.Series([wrong.format(code(17))], dtype="str")).any()


def test_household_code_ok__digits_of_other_scripts_are_none():
    assert not household_code_ok(pd.Series(["10291-T01-H٠17-3"], dtype="str")).any()

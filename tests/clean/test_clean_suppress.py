"""Coarsening and suppression: what is shared by too few is hidden, and no more than the rule says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_tools.clean.personal_data.anonymity import k_anonymity
from survey_tools.clean.personal_data.suppress import (
    EVERYWHERE,
    labels_of,
    recode,
    suppress,
    told_places,
)
from survey_tools.errors import DisclosureError
from survey_tools.params import Recoding

BANDS = Recoding(**{"from": (1, 2, 5)})


def _classes(frame: pd.DataFrame, columns: list[str]) -> Counter:
    """Count rows by combination, without pandas' ways of grouping."""
    rows = frame[columns].astype("object").where(frame[columns].notna(), "—").to_numpy()
    return Counter(map(tuple, rows))


def test_recode__bands_top_and_join():
    numbers = pd.Series([0, 1, 2, 4.0, 5, 99, None])
    assert recode(numbers, BANDS).fillna("—").tolist() == ["—", "1", "2-4", "2-4", "5+", "5+", "—"]
    assert labels_of(BANDS) == ["1", "2-4", "5+"]
    top = recode(numbers, Recoding(top=4)).fillna("—").tolist()
    assert top == ["0", "1", "2", "4+", "4+", "4+", "—"]
    assert labels_of(Recoding(top=4)) is None
    join = Recoding(join={"low": ("none", "primary"), "high": ("higher",)})
    codes = pd.Series(["none", "higher", "strange", None])
    assert recode(codes, join).fillna("—").tolist() == ["low", "high", "—", "—"]
    assert recode(pd.Series([1.0, 0.25, None]), None).fillna("—").tolist() == ["1", "0.25", "—"]
    assert recode(pd.Series(["a", None]), None).fillna("—").tolist() == ["a", "—"]


def test_suppress__hides_the_last_variable_first():
    frame = pd.DataFrame({"arm": "1", "a": ["x"] * 6 + ["y"] * 6, "b": [*"uuuuuv", *"uuuvvv"]})
    found = suppress(frame, ["arm"], ["a", "b"], 3)
    assert found.cells == {"a": 0, "b": 6}
    assert found.frame["a"].tolist() == frame["a"].tolist()
    assert found.frame["b"].fillna("—").tolist() == [*"——————", *"uuuvvv"]


def test_suppress__a_missing_answer_is_a_value_that_needs_company():
    frame = pd.DataFrame({"arm": "1", "a": ["x"] * 5 + [None] + ["y"] * 3})
    found = suppress(frame, ["arm"], ["a"], 3)
    assert found.frame["a"].fillna("—").tolist() == ["x"] * 5 + ["—"] * 4
    assert found.cells == {"a": 3}


def test_suppress__leaves_alone_what_enough_share_and_never_changes_its_frame():
    frame = pd.DataFrame({"arm": "1", "a": ["x"] * 3 + ["y"] * 3}, index=[5, 3, 1, 9, 8, 7])
    before = frame.copy()
    found = suppress(frame, ["arm"], ["a"], 3)
    pd.testing.assert_frame_equal(frame, before)
    assert found.frame["a"].tolist() == ["x"] * 3 + ["y"] * 3
    assert found.frame.index.tolist() == frame.index.tolist()
    assert suppress(frame, ["arm"], [], 3).cells == {}


def test_suppress__refuses_a_place_with_too_few():
    frame = pd.DataFrame({"arm": ["0", "0", "1"], "a": ["x"] * 3})
    with pytest.raises(DisclosureError, match="Too few households") as caught:
        suppress(frame, ["arm"], ["a"], 2)
    assert "1 place" in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(20, 120))
def test_suppress__any_table_has_k_in_every_class_by_brute_force(seed, k, rows):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "arm": rng.choice(["0", "1"], rows),
            "a": rng.choice(["x", "y", "z", None], rows, p=[0.6, 0.2, 0.1, 0.1]),
            "b": rng.choice(list("stuvw"), rows),
            "c": rng.choice(["p", "q"], rows),
        }
    )
    if min(Counter(frame["arm"]).values()) < k:
        return
    found = suppress(frame, ["arm"], ["a", "b", "c"], k)
    columns = ["arm", "a", "b", "c"]
    assert min(_classes(found.frame, columns).values()) >= k
    assert k_anonymity(found.frame, columns).smallest >= k
    for name in ("a", "b", "c"):
        told = found.frame[name].notna()
        assert (found.frame.loc[told, name] == frame.loc[told, name]).all()
        assert found.cells[name] == int(frame[name].notna().sum() - told.sum())


def test_told_places__joins_small_places_until_enough_share_them():
    units = pd.DataFrame({"place": [*"aaaabbbbccdd"], "arm": [0, 0, 1, 1] * 2 + [0, 1] * 2})
    told = told_places(units, "place", "arm", 2)
    assert told.tolist() == [*"aaaabbbb", *[EVERYWHERE] * 4]
    alone = units.iloc[:10]
    told = told_places(alone, "place", "arm", 2)
    assert Counter(told) == {EVERYWHERE: 6, "b": 4} or Counter(told) == {EVERYWHERE: 6, "a": 4}
    with pytest.raises(DisclosureError, match="too few teams"):
        told_places(units, "place", "arm", 7)

"""A sieve gives the same rows whether they are asked for after every filter or at the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_tools.clean.sieve import Sieve


def frame(rng: np.random.Generator, n: int) -> pd.DataFrame:
    made = pd.DataFrame(
        {"_id": np.arange(n) + 100, "wave": rng.choice(["w1", "w2", None], n),
         "team_id": rng.choice(["a", "b"], n), "enumerator_id": "E01", "x": rng.random(n)}
    )  # fmt: skip
    return made.astype({"wave": "str"}).set_axis(rng.permutation(n) * 2)


@pytest.mark.parametrize("ask", ["frame", "nothing"])
def test_sieve__filters_as_plain_pandas(ask):
    rng = np.random.default_rng(8)
    for _ in range(15):
        left = whole = frame(rng, 30)
        sieve = Sieve(whole, stage="s", received="received")
        for turn in range(5):
            mask = left["x"] > (0.1 if turn != 2 else -1)
            given = mask.sample(frac=0.9, random_state=turn)  # a row without a word leaves
            mask = given.reindex(left.index, fill_value=False)
            gone = sieve.keep(given, f"turn {turn}")
            pd.testing.assert_frame_equal(gone, left.loc[~mask])
            left = left.loc[mask].assign(x=lambda f: f["x"])
            if ask == "frame":
                pd.testing.assert_frame_equal(sieve.frame, left)
            pd.testing.assert_series_equal(sieve["team_id"], left["team_id"])
            pd.testing.assert_frame_equal(sieve.rows(["x", "nothing"]), left[["x"]])
            pd.testing.assert_frame_equal(sieve.where(left["x"] > 0.5), left.loc[left["x"] > 0.5])
        pd.testing.assert_frame_equal(sieve.frame, left)
        assert sorted([*sieve.left()["_id"], *sieve.frame["_id"]]) == sorted(whole["_id"])
        flow = sieve.flow()
        last = flow.loc[flow["step"] == 5].set_index("wave")["remaining"]
        assert last.to_dict() == left["wave"].fillna("?").value_counts().reindex(
            last.index, fill_value=0
        ).to_dict()  # fmt: skip
        assert "x" in sieve
        assert "nothing" not in sieve


def test_sieve__a_frame_put_in_its_place_is_filtered_from_then_on():
    sieve = Sieve(frame(np.random.default_rng(1), 6), stage="s", received="received")
    sieve.keep(sieve["x"] > 0.3, "small")
    sieve.frame = sieve.frame.assign(y=1)
    sieve.keep(sieve["y"] == 0, "all")
    assert sieve.frame.empty
    assert list(sieve.frame) == ["_id", "wave", "team_id", "enumerator_id", "x", "y"]

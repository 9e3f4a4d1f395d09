"""Classes of people that are alike: against a count by hand and a brute force of its own."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pandas as pd
import pytest

from survey_tools.clean.personal_data.anonymity import anonymity_report, k_anonymity, quasi_sets
from survey_tools.errors import ContractError

PEOPLE = pd.DataFrame(
    {
        "commune": ["A", "A", "A", "A", "A", "B", "B", "B", "B", "B"],
        "age": [40, 40, 40, 71, 71, 40, 40, None, None, 85],
        "income": ["low", "low", "high", "low", "low", None, None, "high", "low", "high"],
    }
).astype({"age": "Int64"})
"""By hand: classes A40 (3), A71 (2), B40 (2), B-missing (2), B85 (1)."""


def alike(frame, quasi):
    """Rows of the class of each row, by comparing every row with every other; missing is like missing."""
    plain = frame[list(quasi)].astype("object").where(frame[list(quasi)].notna(), "(missing)")
    rows = [tuple(row) for row in plain.itertuples(index=False)]
    return [[place for place, other in enumerate(rows) if one == other] for one in rows]


def test_k_anonymity__counted_by_hand():
    found = k_anonymity(PEOPLE, ["commune", "age"], ["income"])
    assert (found.rows, len(found.classes), found.smallest) == (10, 5, 1)
    assert [found.share_below(k) for k in (1, 2, 3, 4)] == [0.0, 0.1, 0.7, 1.0]
    classes = found.classes.astype({"age": "object"}).where(found.classes.notna(), None)
    got = {
        (row.commune, row.age): (row.class_size, row.income__distinct, row.income__entropy)
        for row in classes.itertuples(index=False)
    }
    two_to_one = exp(-(2 / 3) * log(2 / 3) - (1 / 3) * log(1 / 3))
    assert got[("A", 40)] == (3, 2, pytest.approx(two_to_one))
    assert got[("A", 71)] == (2, 1, pytest.approx(1))
    assert got[("B", 40)][:2] == (2, 0)
    assert got[("B", None)] == (2, 2, pytest.approx(2))
    assert got[("B", 85)] == (1, 1, pytest.approx(1))


def test_diversity__a_class_of_one_answer_gives_it_away():
    diversity = k_anonymity(PEOPLE, ["commune", "age"], ["income"]).diversity()
    assert diversity.to_dict("records") == [
        {"variable": "income", "smallest_distinct": 1, "smallest_entropy": 1.0,
         "share_one_answer": 0.3}
    ]  # fmt: skip


def test_diversity__nobody_answered():
    people = PEOPLE.assign(income=pd.Series([None] * 10, dtype="str"))
    row = k_anonymity(people, ["age"], ["income"]).diversity().loc[0]
    assert pd.isna(row["smallest_distinct"])
    assert np.isnan(row["smallest_entropy"])
    assert row["share_one_answer"] == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_k_anonymity__agrees_with_every_pair_compared(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "sex": pd.Categorical(rng.choice(["male", "female"], 120)),
            "age": pd.Series(rng.integers(18, 24, 120), dtype="Int64").mask(rng.random(120) < 0.1),
            "poor": pd.Series(rng.random(120) < 0.3, dtype="boolean").mask(rng.random(120) < 0.2),
            "born": pd.to_datetime(rng.choice(["2000-01-01", "2001-01-01"], 120)),
            "scam": rng.choice(["yes", "no"], 120),
        },
        index=rng.permutation(120),
    )
    quasi = ["sex", "age", "poor", "born"]
    classes = alike(frame, quasi)
    found = k_anonymity(frame, quasi, ["scam"])
    assert found.smallest == min(map(len, classes))
    assert len(found.classes) == len({tuple(rows) for rows in classes})
    for k in (2, 3, 5, 10):
        assert found.share_below(k) == pytest.approx(np.mean([len(rows) < k for rows in classes]))
    one = [frame["scam"].iloc[rows].nunique() == 1 for rows in classes]
    (diversity,) = found.diversity().to_dict("records")
    assert diversity["share_one_answer"] == pytest.approx(np.mean(one))


def test_k_anonymity__no_rows_and_no_quasi_identifiers():
    empty = k_anonymity(PEOPLE.iloc[:0], ["age"], ["income"])
    assert (empty.smallest, empty.rows, empty.share_below(5)) == (0, 0, 0.0)
    assert k_anonymity(PEOPLE, []).smallest == 10


def test_k_anonymity__does_not_change_what_it_is_given():
    before = PEOPLE.copy(deep=True)
    k_anonymity(PEOPLE, ["age"], ["income"])
    pd.testing.assert_frame_equal(PEOPLE, before)


@pytest.mark.parametrize(("quasi", "told"), [(["height"], "no height"), (["age", "age"], "twice")])
def test_k_anonymity__columns_that_cannot_be_measured_are_named(quasi, told):
    with pytest.raises(ContractError, match="cannot be measured") as error:
        k_anonymity(PEOPLE, quasi)
    assert told in str(error.value)


def test_anonymity_report__fewer_quasi_identifiers_hide_better():
    sets = {"all": ["commune", "age"], "commune": ["commune"]}
    report = anonymity_report(PEOPLE, sets, ["income"]).set_index("set")
    assert report["smallest"].to_dict() == {"all": 1, "commune": 5}
    assert report["below_3"].to_dict() == {"all": 0.7, "commune": 0.0}
    assert report.loc["all", ["least_diverse", "one_answer"]].tolist() == ["income", 0.3]


def test_quasi_sets__come_from_the_register(register):
    several = {"sells__rice", "sells__none"}
    frame = pd.DataFrame(columns=["commune_code", "team_id", "resp_age", "net_fibre", *several])
    sets = quasi_sets(register, frame)
    names = {"commune_code", "team_id", "resp_age"}
    assert set(sets["all"]) == names | several
    assert set(sets) == {"all", "sells", "without sells", *names, *(f"without {n}" for n in names)}
    assert set(sets["without team_id"]) == (names | several) - {"team_id"}
    assert set(sets["sells"]) == several
    assert set(sets["without sells"]) == names

"""Anderson's index: against exact fractions, and in the cases that have no index."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from survey_tools.construct import BROAD, FAMILIES, anderson_indices, anderson_weights
from survey_tools.construct.anderson import INDICES

FAMILY = {"index": ("a", "b", "c")}
A = [0, 1, 1, 0, 1, 0, 1, 1, 0, 1]
B = [1, 1, 2, 0, 3, 1, 2, 4, 0, 1]
C = [5, 3, 4, 4, 1, 2, 5, 3, 2, 2]


def panel(n=10, **columns):
    frame = pd.DataFrame({"wave": "w1", "intensive": 0, "a": A, "b": B, "c": C}, dtype=object)
    return frame.assign(**columns).astype(dict.fromkeys("abc", "float64")).head(n)


def weigh(frame, **options):
    return anderson_weights(frame, "w1", FAMILY, **{"least_answers": 5, **options})


def exact_weights(*columns):
    """Row sums of the inverse correlation matrix times the products of deviations, without rounding.

    With S the sums of products and D = diag(S), the correlation matrix is D^-1/2 S D^-1/2; its inverse's row
    sums are r_j = d_j^1/2 * sum_k (S^-1)_jk * d_k^1/2. Squares of the roots are exact.
    """
    n = len(columns[0])
    means = [Fraction(sum(x), n) for x in columns]
    s = [
        [sum((Fraction(x) - mx) * (Fraction(y) - my) for x, y in zip(left, right, strict=True))
         for right, my in zip(columns, means, strict=True)]
        for left, mx in zip(columns, means, strict=True)
    ]  # fmt: skip
    inverse = _inverse(s)
    roots = [float(s[k][k]) ** 0.5 for k in range(len(s))]
    return [
        roots[j] * sum(float(inverse[j][k]) * roots[k] for k in range(len(s)))
        for j in range(len(s))
    ]


def _inverse(matrix):
    size = len(matrix)
    rows = [
        list(row) + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(matrix)
    ]
    for k in range(size):
        pivot = next(i for i in range(k, size) if rows[i][k] != 0)
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(size):
            if i != k:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[size:] for row in rows]


def test_anderson_weights__equal_an_inverse_in_exact_fractions():
    found = weigh(panel())["weight"]
    np.testing.assert_allclose(found, exact_weights(A, B, C), rtol=1e-12)


def test_anderson_weights__outcomes_that_repeat_each_other_share_their_weight():
    """Unrelated: 1 each. Two with correlation r: 1 / (1 + r) each."""
    r = np.corrcoef(A, B)[0, 1]
    two = anderson_weights(panel(), "w1", {"index": ("a", "b")}, least_answers=5)["weight"]
    np.testing.assert_allclose(two, [1 / (1 + r)] * 2, rtol=1e-12)
    assert 0.1 < r < 0.9


def test_anderson_indices__weighted_mean_of_standardised_outcomes_over_those_that_are_there():
    frame = panel()
    weights = weigh(frame)
    frame.loc[0, "b"] = np.nan
    found = anderson_indices(frame, weights)["index__icw"]
    w = weights.set_index("outcome")
    z = (frame.loc[0, ["a", "c"]] - w.loc[["a", "c"], "mean"]) / w.loc[["a", "c"], "sd"]
    by_hand = (z * w.loc[["a", "c"], "weight"]).sum() / w.loc[["a", "c"], "weight"].sum()
    assert found[0] == pytest.approx(by_hand, rel=1e-12)
    assert found[1:].mean() != pytest.approx(found[0])


def test_anderson_indices__mean_of_the_reference_group_is_zero():
    frame = panel()
    assert anderson_indices(frame, weigh(frame))["index__icw"].mean() == pytest.approx(0, abs=1e-12)


def test_anderson_weights__answers_of_the_other_arm_and_of_later_waves_move_nothing():
    frame = panel()
    others = pd.concat(
        [panel(intensive=1, a=7.0), panel(wave="w3", b=9.0)], ignore_index=True
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        weigh(pd.concat([others, frame], ignore_index=True)), weigh(frame)
    )


def test_anderson_weights__lower_is_better_is_turned_round():
    straight, turned = weigh(panel()), weigh(panel(c=[-x for x in C]), reversed_=frozenset("c"))
    pd.testing.assert_frame_equal(straight, turned)
    left = anderson_indices(panel(), straight)
    right = anderson_indices(panel(c=[-x for x in C]), turned, reversed_=frozenset("c"))
    pd.testing.assert_frame_equal(left, right)


def test_anderson_weights__scale_of_an_outcome_does_not_matter():
    rescaled = panel(c=[1000 * x - 7 for x in C])
    np.testing.assert_allclose(weigh(rescaled)["weight"], weigh(panel())["weight"])
    np.testing.assert_allclose(
        anderson_indices(rescaled, weigh(rescaled)), anderson_indices(panel(), weigh(panel()))
    )


def test_anderson_weights__an_outcome_with_few_answers_or_without_variation_has_none_and_a_note():
    few = weigh(panel(c=[1, 2, 3, *[np.nan] * 7]))
    same = weigh(panel(c=4.0))
    for found in (few, same):
        assert found["weight"].tolist()[2] == 0
        assert found["note"].tolist()[:2] == ["", ""]
        assert "too few answers" in found["note"][2]
    np.testing.assert_allclose(few["weight"][:2], same["weight"][:2])


def test_anderson_weights__equal_outcomes_have_no_inverse_and_the_index_is_missing(recwarn):
    frame = panel(c=A)
    found = weigh(frame)
    assert found["weight"].isna().all()
    assert found["note"].str.contains("no inverse").all()
    assert anderson_indices(frame, found)["index__icw"].isna().all()
    assert len(recwarn) == 0


def test_anderson_weights__baseline_not_collected_gives_no_index_and_no_warning(recwarn):
    frame = panel(wave="w3")
    found = weigh(frame)
    assert (found["weight"] == 0).all()
    assert anderson_indices(frame, found)["index__icw"].isna().all()
    assert len(recwarn) == 0


def test_anderson_indices__one_outcome_is_no_index_nor_is_one_with_hardly_any_weight():
    frame = panel()
    weights = weigh(frame)
    frame.loc[0, ["a", "b"]] = np.nan
    assert np.isnan(anderson_indices(frame, weights)["index__icw"][0])
    light = weights.assign(weight=[0.05, 0.01, 1.0])
    frame.loc[1, "c"] = np.nan
    assert np.isnan(anderson_indices(frame, light)["index__icw"][1])


def test_indices__have_names_of_their_own():
    assert tuple(f"{name}__icw" for name in FAMILIES) == INDICES
    assert not set(INDICES) & set(BROAD)

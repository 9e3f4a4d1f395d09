import numpy as np
import pandas as pd
import pytest

from survey_tools.construct import add_indices, indices

FAMILY = {"index": ("a", "b", "c")}


def panel():
    rng = np.random.default_rng(3)
    n = 40
    return pd.DataFrame(
        {
            "wave": np.repeat(["w1", "w2"], n // 2),
            "intensive": np.tile([0, 1], n // 2),
            "a": rng.normal(size=n),
            "b": rng.integers(0, 2, n).astype(float),
            "c": rng.normal(10, 5, n),
        }
    )


def test_indices__equals_a_hand_calculation():
    table = panel()
    table.loc[3, "c"] = np.nan
    found = indices(table, FAMILY)["index"]
    row = table.loc[3]
    regular = table[(table["wave"] == row["wave"]) & (table["intensive"] == 0)]
    z = [(row[o] - regular[o].mean()) / regular[o].std() for o in ("a", "b")]
    assert found[3] == pytest.approx(np.mean(z), abs=1e-12)


def test_indices__regular_group_has_mean_zero_in_every_wave():
    table = add_indices(panel(), families=FAMILY)
    means = table[table["intensive"] == 0].groupby("wave")["index"].mean()
    np.testing.assert_allclose(means, 0, atol=1e-12)


def test_indices__one_outcome_is_no_index():
    table = panel()
    table.loc[0, ["a", "b"]] = np.nan
    table.loc[1, ["a"]] = np.nan
    found = indices(table, FAMILY)["index"]
    assert np.isnan(found[0])
    assert not np.isnan(found[1])


def test_indices__outcome_without_variation_is_left_out():
    table = panel()
    table.loc[table["wave"] == "w1", "b"] = 1.0
    without = indices(table.assign(b=np.nan), FAMILY)["index"]
    found = indices(table, FAMILY)["index"]
    first = table["wave"] == "w1"
    np.testing.assert_allclose(found[first], without[first])
    assert not np.allclose(found[~first], without[~first])


def test_indices__no_regular_group_gives_missing_without_a_warning(recwarn):
    table = panel().assign(intensive=1)
    assert indices(table, FAMILY)["index"].isna().all()
    assert len(recwarn) == 0


def test_indices__scale_of_an_outcome_does_not_matter():
    table = panel()
    rescaled = table.assign(c=1000 * table["c"] - 7)
    np.testing.assert_allclose(indices(table, FAMILY), indices(rescaled, FAMILY))

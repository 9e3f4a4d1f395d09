"""What the simulations of known truth found, held against bounds, and made again in part.

`docs/calibration/results.csv` is written by `scripts/calibrate`; docs/calibration/README.md says how.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "calibration"

CR2, CR1, HC1 = "CR2, Satterthwaite t", "CR1, t(G-1)", "HC1, t(n-k)"
WILD, DRAWN = "wild cluster bootstrap", "randomisation inference"
CALLAWAY = tuple(
    f"Callaway-Sant'Anna, {mean}"
    for mean in ("all interviews after the start", "waves since the start")
)
TWFE, NAIVE = "two-way fixed effects", "reached against not reached"
SYNTHETIC = tuple(f"ITT on {o}" for o in ("qr_shop_30d", "bought_online_12m", "sold_online_12m"))

DISTRICTS = {
    "effect": 4000,
    "no_effect": 4000,
    "larger_teams": 4000,
    "communes_00": 2000,
    "communes_03": 2000,
    "communes_06": 2000,
    "family": 4000,
    "family_some_effects": 4000,
    "staggered": 4000,
    "synthetic_district": 1000,
}
RESAMPLED = {"effect": 999, "no_effect": 999, "family": 999, "family_some_effects": 999}


def read(name: str, folder: Path = FOLDER) -> pd.DataFrame:
    return pd.read_csv(folder / name)


@pytest.fixture(scope="module")
def results() -> pd.DataFrame:
    return read("results.csv").set_index(["scenario", "method", "quantity"])


def test_results__are_of_as_many_districts_and_draws_as_claimed(results):
    by_scenario = results.reset_index().groupby("scenario", sort=False)
    assert by_scenario["districts"].unique().map(list).to_dict() == {
        name: [number] for name, number in DISTRICTS.items()
    }
    assert by_scenario["draws"].unique().map(list).to_dict() == {
        name: [RESAMPLED.get(name, 0)] for name in DISTRICTS
    }
    assert set(results["seed"]) == {20261125}


def test_results__every_figure_lies_within_the_bounds_beside_it(results):
    asked = results[results["target_low"].notna()]
    assert len(asked) >= 40
    inside = asked["value"].between(asked["target_low"], asked["target_high"])
    assert asked[~inside].index.tolist() == []
    assert asked["within"].astype(str).eq("True").all()


@pytest.mark.parametrize("scenario", ["effect", "no_effect"])
@pytest.mark.parametrize("method", [CR2, WILD, DRAWN])
def test_coverage__of_sound_intervals_is_near_ninety_five_percent(results, scenario, method):
    assert 0.93 <= results.at[(scenario, method, "coverage"), "value"] <= 0.97


@pytest.mark.parametrize("method", [CR2, WILD, DRAWN])
def test_size__of_sound_tests_is_near_five_percent(results, method):
    assert 0.035 <= results.at[("no_effect", method, "size"), "value"] <= 0.065


@pytest.mark.parametrize("scenario", ["effect", "no_effect", "larger_teams"])
def test_standard_error__is_the_spread_of_the_estimates(results, scenario):
    assert 0.93 <= results.at[(scenario, CR2, "mean_se_over_sd"), "value"] <= 1.07


@pytest.mark.parametrize(
    ("scenario", "method"),
    [
        *((scenario, "ITT") for scenario in ("effect", "no_effect", "larger_teams")),
        *(("staggered", method) for method in CALLAWAY),
        *(("synthetic_district", method) for method in SYNTHETIC),
    ],
)
def test_bias__cannot_be_told_from_zero(results, scenario, method):
    row = results.loc[(scenario, method, "bias")]
    assert abs(row["value"]) < 3 * row["mc_error"]
    assert row["mc_error"] < 0.001


@pytest.mark.parametrize(
    ("scenario", "method"),
    [
        *(("staggered", method) for method in CALLAWAY),
        *(("synthetic_district", method) for method in SYNTHETIC),
    ],
)
def test_coverage__holds_with_staggered_starts_and_on_the_synthetic_district(
    results, scenario, method
):
    assert 0.93 <= results.at[(scenario, method, "coverage"), "value"] <= 0.97


@pytest.mark.parametrize("spread", ["00", "03", "06"])
def test_pooled_communes__are_covered_and_nearer_the_truth_than_alone(results, spread):
    scenario = f"communes_{spread}"
    assert results.at[(scenario, "partially pooled", "coverage"), "value"] >= 0.93
    pooled, alone = (
        results.at[(scenario, method, "mean_squared_error"), "value"]
        for method in ("partially pooled", "alone")
    )
    assert pooled < alone / 3


@pytest.mark.parametrize("scenario", ["family", "family_some_effects"])
def test_stepdown__keeps_the_chance_of_one_false_finding(results, scenario):
    assert 0.03 <= results.at[(scenario, "Romano-Wolf", "fwer"), "value"] <= 0.07
    assert results.at[(scenario, "each alone, CR2", "fwer"), "value"] > 0.15


def test_negative_control__errors_by_household_cover_too_little(results):
    assert results.at[("larger_teams", HC1, "coverage"), "value"] < 0.85
    for scenario in ("effect", "no_effect"):
        assert results.at[(scenario, HC1, "coverage"), "value"] < 0.93


@pytest.mark.parametrize("scenario", ["effect", "no_effect", "larger_teams"])
def test_negative_control__cr1_covers_less_than_cr2_in_the_same_districts(results, scenario):
    gap = results.loc[(scenario, "CR2 less CR1", "coverage_difference")]
    assert gap["value"] >= 0.015
    assert gap["value"] > 3 * gap["mc_error"]
    covered = [results.at[(scenario, method, "coverage"), "value"] for method in (CR2, CR1)]
    assert gap["value"] == pytest.approx(covered[0] - covered[1], abs=1e-12)


def test_negative_control__two_way_fixed_effects_are_biased(results):
    row = results.loc[("staggered", TWFE, "bias")]
    assert row["value"] < -3 * row["mc_error"]
    assert results.at[("staggered", TWFE, "coverage"), "value"] < 0.85


@pytest.mark.parametrize("scenario", ["no_effect", "synthetic_district"])
def test_negative_control__the_naive_comparison_is_biased_upwards(results, scenario):
    row = results.loc[(scenario, NAIVE, "bias")]
    assert row["value"] > 3 * row["mc_error"]
    assert row["value"] > 0.02


@pytest.mark.parametrize("spread", ["03", "06"])
def test_negative_control__plugging_in_the_spread_of_effects_covers_too_little(results, spread):
    method = "spread of effects plugged in"
    assert results.at[(f"communes_{spread}", method, "coverage"), "value"] < 0.93


def calibrate(code: str) -> str:
    """Run `code` with the modules of scripts/calibrate at hand."""
    path = f"import sys; sys.path.insert(0, {str(ROOT / 'scripts' / 'calibrate')!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", path + code], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_districts__have_the_study_s_communes_the_stated_icc_and_fair_draws():
    code = """
import numpy as np
from districts import SIZES, draw_arms, draw_households, draw_teams, icc
rng = np.random.default_rng(1)
print(len(SIZES), sum(SIZES), min(SIZES), max(SIZES), round(icc(), 3))
chances = np.concatenate([draw_households(draw_teams(rng), rng).chance for _ in range(50)])
print(chances.min() >= 0, chances.max() + 0.08 + 3**0.5 * 0.06 <= 1)
commune = np.array([0, 0, 0, 1, 1])
drawn = [tuple(draw_arms(commune, rng).astype(int)) for _ in range(6000)]
seen, counts = np.unique(drawn, axis=0, return_counts=True)
print(len(seen), counts.min() > 400, counts.max() < 600)
"""
    # three teams: one or two of them, six ways; two teams: two ways; all twelve alike
    assert calibrate(code).split("\n")[:3] == [
        "27 154 3 11 0.05",
        "True True",
        "12 True True",
    ]


def test_summary__sees_a_bias_and_a_wrong_coverage():
    code = """
import numpy as np
from summary import bias, coverage, error_ratio, large_bias
rng = np.random.default_rng(2)
estimates = rng.standard_normal(4000)
print(bias("m", estimates, 0).within, bias("m", estimates, 0.1).within)
print(large_bias("m", estimates, 0, sign=1).within, large_bias("m", estimates, -0.1, sign=1).within)
for half in (1.96, 1.5):
    print(coverage("m", estimates - half, estimates + half, 0).within)
print(round(error_ratio("m", np.full(4000, 2.0), estimates).value, 1))
"""
    assert calibrate(code).split() == ["True", "False", "False", "True", "True", "False", "2.0"]


def assert_made_again(scenarios: list[str], folder: Path, processes: int) -> None:
    """Run the first districts of `scenarios` from nothing and hold them against the stored ones."""
    command = [sys.executable, ROOT / "scripts" / "calibrate", "--districts", "40"]
    command += ["--processes", str(processes), "--only", *scenarios]
    command += ["--chunks", folder / "chunks", "--out", folder / "out"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    keys = ["scenario", "district", "name"]
    made = read("first.csv", folder / "out").set_index(keys)["value"]
    stored = read("first.csv").set_index(keys)["value"]
    stored = stored[stored.index.get_level_values("scenario").isin(scenarios)]
    assert stored.index.get_level_values("district").nunique() == 40
    assert made.index.tolist() == stored.index.tolist()
    # exactly, but for the last digits that another processor adds up otherwise
    np.testing.assert_allclose(made, stored, rtol=1e-8, atol=1e-10)


def test_first_districts__come_out_again_whatever_the_number_of_processes(tmp_path):
    assert_made_again(["effect", "no_effect"], tmp_path, processes=1)


@pytest.mark.slow
def test_first_districts__of_the_other_scenarios_come_out_again(tmp_path):
    others = [name for name in DISTRICTS if name not in ("effect", "no_effect")]
    assert_made_again(others, tmp_path, processes=2)

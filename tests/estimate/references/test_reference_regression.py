"""Least squares with cluster-robust errors against R: fixest, clubSandwich, sandwich, estimatr."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reference_support import table
from survey_tools.estimate.design import codes_of
from survey_tools.estimate.effects.lin import interacted
from survey_tools.estimate.regression import Problem, ols


def problem(frame, outcome, focal, others=(), *, cluster=None, stratum=None):
    """Regression on a table, with a constant or a dummy for each stratum; each row a cluster if no name."""
    rows = frame.reset_index(drop=True)
    clusters, names = codes_of(rows.assign(row=rows.index.astype(str)), cluster or "row")
    strata = codes_of(rows, stratum)[0] if stratum else np.zeros(len(rows), dtype=np.int64)
    wide = np.column_stack([np.empty((len(rows), 0)), rows[list(others)]])
    y, x = rows[outcome].to_numpy(float), rows[focal].to_numpy(float)
    return Problem(y, x, wide.astype(float), strata, clusters, names)


def printed(name: str) -> pd.DataFrame:
    """The table as R had it: from text, where the package stores single precision."""
    rows = table(name)
    single = rows.select_dtypes("float32").columns
    return rows.assign(**{column: rows[column].astype(str).astype(float) for column in single})


def thornton() -> pd.DataFrame:
    return printed("thornton_hiv").dropna(subset=["got", "any", "tinc", "villnum"])


def test_a01_cr1_thornton():
    """R fixest 0.14.2; `got ~ any` by 119 villages. Published: Thornton 2008, .431 (.023) with controls."""
    found = ols(problem(thornton(), "got", "any", cluster="villnum"), errors="CR1")
    assert found.estimate == pytest.approx(0.451982274406329, rel=1e-12)
    assert found.std_error == pytest.approx(0.0226860143588556, rel=1e-12)
    assert found.df == 118
    assert found.p_value == pytest.approx(1.47181334924976e-39, rel=1e-8)


@pytest.mark.parametrize(
    ("focal", "other", "estimate", "error"),
    [
        ("any", "tinc", 0.345203883582955, 0.0261198376550477),
        ("tinc", "any", 0.0827689576133923, 0.0122359180702977),
    ],
)
def test_a02_cr1_thornton_amount(focal, other, estimate, error):
    """R fixest 0.14.2; `got ~ any + tinc` by village."""
    found = ols(problem(thornton(), "got", focal, [other], cluster="villnum"), errors="CR1")
    assert found.estimate == pytest.approx(estimate, rel=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)


@pytest.mark.parametrize(
    ("focal", "estimate", "error"),
    [
        ("any", 0.449027127210973, 0.0219584022940166),
        ("age", 0.00174751349614944, 0.000591714203215677),
        ("hiv2004", -0.0506156953895563, 0.0309592775578712),
        ("distvct", -0.0309020499127586, 0.0074496283673265),
    ],
)
def test_a03_cr1_thornton_controls(focal, estimate, error):
    """R fixest 0.14.2; 2,812 rows with a result and an age, as in Thornton's table 4."""
    rows = thornton().query("hiv2004 >= 0").dropna(subset=["age"])
    assert len(rows) == 2812
    others = [name for name in ("any", "age", "hiv2004", "distvct") if name != focal]
    found = ols(problem(rows, "got", focal, others, cluster="villnum"), errors="CR1")
    assert found.estimate == pytest.approx(estimate, rel=1e-9)
    assert found.std_error == pytest.approx(error, rel=1e-9)


def test_a04_cr2_satterthwaite_thornton():
    """R clubSandwich 0.5.8 and estimatr 1.0.0."""
    found = ols(problem(thornton(), "got", "any", cluster="villnum"))
    assert found.std_error == pytest.approx(0.022790321861049, rel=1e-12)
    assert found.df == pytest.approx(62.8758649123406, rel=1e-11)
    assert found.p_value == pytest.approx(9.43235139230278e-29, rel=1e-8)


def test_a04_cr3_and_jackknife_thornton():
    """R clubSandwich 0.5.8 (CR3) and summclust 0.7 (jackknife, with its factor (G-1)/G)."""
    found = ols(problem(thornton(), "got", "any", cluster="villnum"), errors="CR3").std_error
    assert found == pytest.approx(0.0229979619409617, rel=1e-11)
    assert found * np.sqrt(118 / 119) == pytest.approx(0.0229011279869044, rel=1e-11)


def test_a05_cr1_thornton_with_a_dummy_a_village():
    """R fixest 0.14.2; `got ~ any | villnum`, the dummies nested in the clusters are not charged."""
    rows = problem(thornton(), "got", "any", cluster="villnum", stratum="villnum")
    found = ols(rows, errors="CR1")
    assert found.estimate == pytest.approx(0.433911440056233, rel=1e-11)
    assert found.std_error == pytest.approx(0.0227254711398941, rel=1e-11)


@pytest.mark.parametrize(
    ("errors", "error"),
    [
        ("classical", 632.853393623624),
        ("HC1", 670.82449267937),
        ("HC2", 670.996546381518),
        ("HC3", 672.682149001409),
        ("CR2", 670.996546381518),  # each row a cluster
    ],
)
def test_a09_robust_errors_lalonde(errors, error):
    """R lm and sandwich; published: Dehejia and Wahba 1999, $1,794 (633)."""
    found = ols(problem(printed("nsw"), "re78", "treat"), errors=errors)
    assert found.estimate == pytest.approx(1794.34240427025, rel=1e-12)
    assert found.std_error == pytest.approx(error, rel=1e-12)


def test_a10_lin_lalonde():
    """R estimatr 1.0.0, `lm_lin` with 8 covariates and HC2."""
    covariates = ["age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"]
    adjusted, dropped = interacted(problem(printed("nsw"), "re78", "treat", covariates))
    found = ols(adjusted, errors="HC2")
    assert dropped == 0
    assert found.estimate == pytest.approx(1621.58310144476, rel=1e-10)
    assert found.std_error == pytest.approx(694.721573786807, rel=1e-10)
    assert found.df == 427


def test_a17_ols_card():
    """R lm; published: Wooldridge, example 15.4, .075 (.003)."""
    others = ["exper", "expersq", "black", "smsa", "south", "smsa66"]
    regions = [f"reg66{number}" for number in range(2, 10)]
    rows = problem(table("card").round({"lwage": 6}), "lwage", "educ", [*others, *regions])
    found = ols(rows, errors="classical")
    assert rows.n == 3010
    assert found.estimate == pytest.approx(0.0746932507736796, rel=1e-9)
    assert found.std_error == pytest.approx(0.00349834563410106, rel=1e-9)


def petersen(errors: str, cluster: str | None = None):
    return ols(problem(table("petersen"), "y", "x", cluster=cluster), errors=errors)


@pytest.mark.parametrize(
    ("errors", "cluster", "error"),
    [
        ("classical", None, 0.0285832877912833),
        ("HC1", None, 0.0283951614679422),
        ("CR1", "firm", 0.0505957258840296),
        ("CR1", "year", 0.0333889134119265),
    ],
)
def test_a19_petersen(errors, cluster, error):
    """R sandwich; published: Petersen's page, .0286 .0284 .0506 .0334."""
    found = petersen(errors, cluster)
    assert found.estimate == pytest.approx(1.0348334394617, rel=1e-12)
    assert found.std_error == pytest.approx(error, rel=1e-10)


def test_a19_petersen_two_way_conventional():
    """R sandwich; by firm, plus by year, less by both (Cameron, Gelbach and Miller 2011). Published .0536."""
    firm, year = petersen("CR1", "firm").std_error, petersen("CR1", "year").std_error
    both = petersen("HC1").std_error
    assert np.sqrt(firm**2 + year**2 - both**2) == pytest.approx(0.0535580229449379, rel=1e-10)


def test_a19_petersen_two_way_fixest():
    """R fixest 0.14.2: the same, all three with G/(G-1) of the 10 years."""
    parts = {"firm": 500, "year": 10}
    bare = {
        name: petersen("CR1", name).std_error ** 2 * (size - 1) / size
        for name, size in parts.items()
    }
    rows = len(table("petersen"))
    both = petersen("HC1").std_error ** 2 * (rows - 1) / rows
    variance = (bare["firm"] + bare["year"] - both) * 10 / 9
    assert np.sqrt(variance) == pytest.approx(0.0552973906353539, rel=1e-10)


@pytest.mark.parametrize(
    ("focal", "other", "estimate", "error", "df", "p_value", "plain"),
    [
        (
            *("legal", "beertaxa", 7.58770762349004, 2.51308216557842),
            *(24.578518939204, 0.00583135833920019, 2.44127598544249),
        ),
        (
            *("beertaxa", "legal", 3.81867072133318, 5.26501612282504),
            *(5.76841458755409, 0.496628324523239, 5.14241414632051),
        ),
    ],
)
def test_a20_cr2_of_a_panel_of_states(focal, other, estimate, error, df, p_value, plain):
    """R clubSandwich 0.5.8, state and year dummies; published in its vignette: 7.59, 2.51, 24.58, .00583."""
    rows = table("mortality_rates").query("cause == 'Motor Vehicle' and year <= 1983")
    rows = rows.dropna(subset=["mrate", "legal", "beertaxa"]).reset_index(drop=True)
    assert len(rows) == 700
    years = pd.get_dummies(rows.year, prefix="in", drop_first=True, dtype=float)
    rows = pd.concat([rows, years], axis=1)
    by_state = problem(
        rows, "mrate", focal, [other, *years.columns], cluster="state", stratum="state"
    )
    found = ols(by_state)
    assert found.estimate == pytest.approx(estimate, rel=1e-10)
    assert found.std_error == pytest.approx(error, rel=1e-10)
    assert found.df == pytest.approx(df, rel=1e-10)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    # its CR1 has G/(G-1) alone; 16 coefficients and a constant are charged here
    alone = ols(by_state, errors="CR1").std_error / np.sqrt(699 / (700 - 16))
    assert alone == pytest.approx(plain, rel=1e-10)


def test_a20_cr2_is_the_same_with_states_or_years_swept_out():
    """Sweeping out years, which cut across the clusters, gives what sweeping out states gives."""
    rows = table("mortality_rates").query("cause == 'Motor Vehicle' and year <= 1983")
    rows = rows.dropna(subset=["mrate", "legal", "beertaxa"]).reset_index(drop=True)
    states = pd.get_dummies(rows.state, prefix="in", drop_first=True, dtype=float)
    rows = pd.concat([rows, states], axis=1)
    by_year = problem(
        rows, "mrate", "legal", ["beertaxa", *states.columns], cluster="state", stratum="year"
    )
    found = ols(by_year)
    assert found.std_error == pytest.approx(2.51308216557842, rel=1e-9)
    assert found.df == pytest.approx(24.578518939204, rel=1e-8)


def test_a26_cr1_with_strata_colombia():
    """R fixest 0.14.2; published in the README of ritest: -.180738 (.078174), p .0241."""
    rows = table("colombia_ritest").dropna()
    others = ["b_dayscorab", "miss_b_dayscorab", "round2", "round3"]
    found = ols(
        problem(rows, "dayscorab", "b_treat", others, cluster="b_block", stratum="b_pair"),
        errors="CR1",
    )
    assert found.estimate == pytest.approx(-0.180738041630565, rel=1e-9)
    assert found.std_error == pytest.approx(0.0781736723915286, rel=1e-9)
    assert found.p_value == pytest.approx(0.0241129110990919, rel=1e-8)

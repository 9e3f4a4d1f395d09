"""Variance components, random effects and partial pooling against lme4, metafor and a textbook."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from reference_support import table
from survey_tools.estimate import icc, pool, variance_components
from survey_tools.estimate.communes import random_effects

SCHOOLS = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]


@pytest.fixture(scope="module")
def thornton():
    return table("thornton_hiv").dropna(subset=["got", "any", "tinc", "villnum"])


def test_a06_icc_by_anova(thornton):
    # R 4.2.2, one-way analysis of variance of got by village
    found = icc(thornton.got, thornton.villnum)
    assert found == pytest.approx(0.0656732112237881, rel=1e-12)
    between, within = variance_components(thornton.got, thornton.villnum)
    sizes = thornton.groupby("villnum").size().to_numpy(dtype=float)
    typical = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    assert typical == pytest.approx(23.6118105048811, rel=1e-12)
    assert found == pytest.approx(between / (between + within))


BOUNDARY = "ignore:The MLE may be on the boundary"


def mixed(frame, formula):
    return MixedLM.from_formula(formula, frame, groups="villnum").fit(reml=True)


def test_a06_icc_by_reml(thornton):
    # R lme4: lmer(got ~ 1 + (1 | villnum))
    found = mixed(thornton, "got ~ 1")
    between = float(found.cov_re.iloc[0, 0])
    assert between / (between + found.scale) == pytest.approx(0.0759778269879698, rel=1e-4)


@pytest.mark.filterwarnings(BOUNDARY)
def test_a07_mixed_model(thornton):
    # R lme4: lmer(got ~ any + (1 | villnum))
    found = mixed(thornton, "got ~ any")
    assert found.fe_params.to_numpy() == pytest.approx(
        [0.360329676287489, 0.443792852584779], rel=1e-4
    )
    variances = (found.cov_re.iloc[0, 0], found.scale)
    assert variances == pytest.approx((0.00987809911332354, 0.170646638298483), rel=1e-4)
    # the errors of lme4 are those of generalised least squares at these variances; statsmodels gives
    # the inverse Hessian, 1 % larger for the constant
    errors = np.sqrt(np.diag(np.linalg.inv(information(thornton, *variances))))
    assert errors == pytest.approx([0.0197960728476436, 0.0194906796586323], rel=1e-4)


def information(frame, between, within):
    total = np.zeros((2, 2))
    for _, village in frame.groupby("villnum"):
        x = np.column_stack([np.ones(len(village)), village["any"]])
        total += x.T @ np.linalg.solve(between + within * np.eye(len(village)), x)
    return total


def test_a08_partial_pooling_of_68_villages():
    # R metafor 3.8-1: rma(y, v2, method = "REML"), blup()
    frame = table("thornton_village_effects").dropna(subset=["y", "v2"])
    found = random_effects(frame.y, np.sqrt(frame.v2))
    assert len(frame) == 68
    # metafor stops iterating the spread at about five digits
    assert found.centre == pytest.approx(0.444480571596932, rel=1e-5)
    assert found.std_error == pytest.approx(0.0349278742159967, rel=1e-4)
    assert found.spread**2 == pytest.approx(0.0463251634270848, rel=1e-4)
    assert found.q == pytest.approx(302.129859138194, rel=1e-9)
    effects = [
        0.394442944442326,
        0.506799829380414,
        0.327755378659769,
        0.521028896141334,
        0.666214685685767,
    ]
    errors = [
        0.175507114348795,
        0.118461057367041,
        0.185213008051368,
        0.116579201551827,
        0.105080483789707,
    ]
    assert found.effects[:5] == pytest.approx(effects, rel=1e-4)
    assert found.effect_errors[:5] == pytest.approx(errors, rel=1e-4)


def test_a08_the_pooled_model_agrees_where_the_data_settle_the_spread():
    frame = table("thornton_village_effects").dropna(subset=["y", "v2"])
    plain = random_effects(frame.y, np.sqrt(frame.v2))
    pooled = pool(frame.y, np.sqrt(frame.v2), tau_scale=1.0)
    assert pooled.centre == pytest.approx(plain.centre, abs=0.002)
    assert pooled.spread == pytest.approx(plain.spread, rel=0.03)
    assert np.abs(pooled.estimate - plain.effects).max() < 0.01


def test_a23_vaccine_trials_reml():
    # R metafor: dat.bcg, log risk ratios; Viechtbauer's pages: -0.7145 (0.1798), tau2 0.3132
    frame = table("bcg")
    found = random_effects(frame.yi, np.sqrt(frame.vi))
    assert found.centre == pytest.approx(-0.714532348365101, rel=1e-6)
    assert found.std_error == pytest.approx(0.179781531780361, rel=1e-4)
    assert found.spread**2 == pytest.approx(0.313243325980895, rel=1e-4)
    effects = [-0.800233574593967, -1.25170602725994, -0.986903130526215, -1.39789770575491]
    errors = [0.409930468631639, 0.353227315076077, 0.434831601645061, 0.137568416459907]
    assert found.effects[:4] == pytest.approx(effects, rel=1e-4)
    assert found.effect_errors[:4] == pytest.approx(errors, rel=1e-4)
    # I² of metafor: tau² over tau² and the typical variance of an estimate
    weights = 1 / frame.vi
    typical = (len(frame) - 1) * weights.sum() / (weights.sum() ** 2 - (weights**2).sum())
    share = 100 * found.spread**2 / (found.spread**2 + typical)
    assert share == pytest.approx(92.2213860749656, rel=1e-4)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("DL", [-0.714117222073227, 0.178742089535403, 0.308760262862376]),
        ("PM", [-0.714970405632446, 0.180897984125838, 0.318093711863015]),
    ],
)
def test_a23_vaccine_trials_by_moments(method, expected):
    frame = table("bcg")
    found = random_effects(frame.yi, np.sqrt(frame.vi), method=method)
    # metafor stops Paule and Mandel's iteration at about five digits
    assert (found.centre, found.std_error, found.spread**2) == pytest.approx(expected, rel=1e-4)


def test_a23_vaccine_trials_knapp_hartung():
    # R metafor: rma(yi, vi, test = "knha"): error and p-value
    frame = table("bcg")
    found = random_effects(frame.yi, np.sqrt(frame.vi))
    assert found.knapp_hartung == pytest.approx(0.1807917455191, rel=1e-4)
    p_value = 2 * stats.t.sf(abs(found.centre) / found.knapp_hartung, len(frame) - 1)
    assert p_value == pytest.approx(0.00192001508513394, rel=1e-3)


def test_a24_eight_schools():
    # R metafor: the spread is estimated as 0, and Q has p = .696
    for method in ("REML", "DL", "PM"):
        found = random_effects(*SCHOOLS, method=method)
        assert found.centre == pytest.approx(7.68561672495604, rel=1e-9)
        assert found.std_error == pytest.approx(4.0719191584023, rel=1e-9)
        assert found.spread == 0
        assert found.q == pytest.approx(4.70707886440016, rel=1e-9)
        assert stats.chi2.sf(found.q, 7) == pytest.approx(0.695659166635196, rel=1e-9)


def test_a24_eight_schools_with_the_spread_integrated_out():
    # Bayesian Data Analysis (3rd ed.), section 5.5, uniform prior on the spread; own quadrature to tau < 60
    found = pool(*SCHOOLS, tau_scale=None)
    expected = [11.40, 7.89, 6.13, 7.64, 5.13, 6.14, 10.67, 8.46]
    assert found.estimate == pytest.approx(expected, abs=0.03)
    assert found.spread == pytest.approx(6.57, abs=0.05)


def test_a24_is_the_grid_of_the_book():
    # the posterior by brute force over tau, as the book's figures 5.5 and 5.6 draw it
    y, error = (np.array(column, dtype=float) for column in SCHOOLS)
    tau = np.linspace(0.005, 300, 60_000)[:, None]
    weight = 1 / (error**2 + tau**2)
    centre = (weight * y).sum(axis=1) / weight.sum(axis=1)
    density = np.sqrt(weight.prod(axis=1) / weight.sum(axis=1)) * np.exp(
        -0.5 * (weight * (y - centre[:, None]) ** 2).sum(axis=1)
    )
    own = tau**2 / (tau**2 + error**2)
    mean = own * y + (1 - own) * centre[:, None]
    expected = (density[:, None] * mean).sum(axis=0) / density.sum()
    assert pool(*SCHOOLS, tau_scale=None).estimate == pytest.approx(expected, abs=0.002)


def test_statsmodels_combines_effects_alike():
    from statsmodels.stats.meta_analysis import combine_effects

    frame = pd.DataFrame({"y": SCHOOLS[0], "v": np.array(SCHOOLS[1], dtype=float) ** 2 / 9})
    for method, name in (("DL", "chi2"), ("PM", "iterated")):
        library = combine_effects(
            frame.y.to_numpy(float), frame.v.to_numpy(), method_re=name, use_t=True
        )
        found = random_effects(frame.y, np.sqrt(frame.v), method=method)
        assert found.spread**2 == pytest.approx(library.tau2, rel=1e-3)
        assert found.centre == pytest.approx(library.mean_effect_re, rel=1e-3)
        assert found.knapp_hartung == pytest.approx(library.sd_eff_w_re_hksj, rel=1e-3)

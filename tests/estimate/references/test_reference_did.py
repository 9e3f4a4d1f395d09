"""Staggered starts against R's did and fixest; sensitivity to trends against HonestDiD."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reference_support import table
from survey_tools.estimate import Design
from survey_tools.estimate.effects.staggered import staggered
from survey_tools.estimate.threats.honest import honest

MPDTA_WAVES = ("2003", "2004", "2005", "2006", "2007")
G = 500
"""Counties. Errors by county here are R's times sqrt(G / (G - 1))."""


def _panel(frame: pd.DataFrame, unit: str, time: str, first: str, never: int) -> pd.DataFrame:
    starts = frame[first].astype(int)
    return frame.assign(
        wave=frame[time].astype(int).astype(str),
        first_treated=starts.astype(str).where(starts != never),
        all="1",
        hhid=frame[unit],
    )


def _callaway_santanna(**options):
    panel = _panel(table("mpdta"), "countyreal", "year", "first.treat", 0)
    design = Design("treat", "countyreal", "all", (), "2003", "2007", "treat")
    return staggered(
        panel, design, "lemp", start="first_treated", waves=MPDTA_WAVES,
        estimators=["callaway_santanna"], base="varying", **options,
    )  # fmt: skip


# R did 2.5.1: att_gt(lemp ~ first.treat, DR), aggte simple, dynamic, group by cohort and by event time;
# the did vignette prints -0.0400 (0.0120) and -0.0772 (0.0200)
NEVER = {
    "simple": (-0.039951275155177, 0.0120340127701854),
    "dynamic": (-0.0772398214573161, 0.0199649890618492),
    "times": {
        -3: (0.0305066555832921, 0.0150335602801301),
        -2: (-0.000563084626385229, 0.01329164473655),
        -1: (-0.024458744971169, 0.0142364022105193),
        0: (-0.0199318167892598, 0.0118263640580582),
        1: (-0.050957367065195, 0.0168934762686781),
        2: (-0.137258738889404, 0.0364356642876861),
        3: (-0.100811363085405, 0.034359225834673),
    },
}
NOT_YET = {
    "simple": (-0.0397636256230444, 0.0120524247873419),
    "dynamic": (-0.0773993139705857, 0.0195601769463942),
    "times": {
        -3: (0.0297593647610305, 0.0145335416386515),
        -2: (-0.00244615388606487, 0.0131203504342708),
        -1: (-0.024268903414507, 0.0144636816758019),
        0: (-0.0189221990834254, 0.0120445686892691),
        1: (-0.0535893473848329, 0.0169463855391251),
        2: (-0.136274346328679, 0.0354033849689097),
        3: (-0.100811363085405, 0.034359225834673),
    },
}
LPOP = {
    "simple": (-0.0417517720610815, 0.0115028381509289),
    "dynamic": (-0.0803539497500553, 0.0189575572424329),
    "times": {
        -3: (0.0267277962037011, 0.0140656607643964),
        -2: (-0.00361647142433509, 0.012928331113004),
        -1: (-0.023243987170013, 0.0144851302317264),
        0: (-0.0210603597514513, 0.0114942116624654),
        1: (-0.053003204306803, 0.0163464516159764),
        2: (-0.140448336820238, 0.0353781547042286),
        3: (-0.106903898121729, 0.0328864930009506),
    },
}


@pytest.mark.parametrize(
    ("options", "expected", "digits"),
    [
        ({"comparison": "never_treated"}, NEVER, 1e-10),
        ({"comparison": "not_yet_treated"}, NOT_YET, 1e-10),
        # the propensity score stops after other steps than R's
        ({"comparison": "never_treated", "covariates": ["lpop"]}, LPOP, 2e-5),
    ],
    ids=["never treated", "not yet treated", "log population"],
)
def test_a16_callaway_santanna_mpdta(options, expected, digits):
    found = _callaway_santanna(**options)
    factor = np.sqrt(G / (G - 1))
    for row, name in ((0, "simple"), (1, "dynamic")):
        estimate, error = expected[name]
        assert found.effects.estimate[row] == pytest.approx(estimate, rel=digits)
        assert found.effects.std_error[row] == pytest.approx(error * factor, rel=max(digits, 1e-6))
    study = found.event_study.set_index("event_time")
    for time, (estimate, error) in expected["times"].items():
        assert study.estimate[time] == pytest.approx(estimate, rel=digits, abs=digits / 5)
        assert study.std_error[time] == pytest.approx(error * factor, rel=max(digits, 1e-6))


def test_a16_cohorts_of_mpdta():
    # R did 2.5.1: means over time of ATT(g, t), and the error of the single cell of 2007
    cohorts = _callaway_santanna(comparison="never_treated").cohorts.set_index("start")
    cells = [-0.0105032462209635, -0.0704231581031491, -0.137258738889404, -0.100811363085405]
    assert cohorts.estimate["2004"] == pytest.approx(np.mean(cells), rel=1e-10)
    cells = [-0.00459460695286272, -0.0412244715462179]
    assert cohorts.estimate["2006"] == pytest.approx(np.mean(cells), rel=1e-10)
    assert cohorts.estimate["2007"] == pytest.approx(-0.0260544107191972, rel=1e-10)
    error = 0.0166554353492522 * np.sqrt(G / (G - 1))
    assert cohorts.std_error["2007"] == pytest.approx(error, rel=1e-6)
    assert cohorts.n_teams.tolist() == [20, 40, 131]


def test_a22_sun_abraham_base_stagg():
    # R fixest 0.14.2: y ~ sunab(year_treated, year) | id + year, by id; event study likewise
    panel = _panel(table("base_stagg"), "id", "year", "year_treated", 10000)
    design = Design("treated", "id", "all", (), "1", "10", "treated")
    waves = tuple(str(year) for year in range(1, 11))
    found = staggered(
        panel, design, "y", start="first_treated", waves=waves, estimators=["sun_abraham", "twfe"]
    )
    assert found.effects.estimate[0] == pytest.approx(-0.755190119610329, rel=1e-9)
    assert found.effects.std_error[0] == pytest.approx(0.421122404251889, rel=1e-9)
    study = found.event_study.set_index("event_time")
    assert study.estimate[-9] == pytest.approx(2.34329651894493, rel=1e-9)
    assert study.std_error[-9] == pytest.approx(1.12248202291053, rel=1e-9)
    assert study.estimate[0] == pytest.approx(-5.04151532537543, rel=1e-9)
    assert study.std_error[0] == pytest.approx(0.415459572875489, rel=1e-9)
    assert study.estimate[8] == pytest.approx(7.95288583513162, rel=1e-9)
    assert study.std_error[8] == pytest.approx(0.980729063316618, rel=1e-9)
    # R 4.2.2, lm with dummies: two-way fixed effects; its error is CR1, here CR2
    assert found.effects.estimate[1] == pytest.approx(-3.46761292292119, rel=1e-10)
    assert found.effects.std_error[1] == pytest.approx(0.476719705777868, rel=0.02)


def test_a22_sun_abraham_with_a_covariate_by_the_library_behind_it():
    # R fixest 0.14.2: y ~ x1 + sunab(year_treated, year) | id + year; published in its vignette: -1.133749.
    # `staggered` gives covariates to Callaway and Sant'Anna only, so the library is held by itself.
    from diff_diff import SunAbraham

    rows = table("base_stagg")
    rows["start"] = rows["year_treated"].where(rows["year_treated"] <= rows["year"].max(), 0)
    found = SunAbraham().fit(rows, "y", "id", "year", "start", covariates=["x1"])
    assert found.overall_att == pytest.approx(-1.13374944877203, rel=1e-9)
    assert found.overall_se == pytest.approx(0.20507049376152, rel=1e-9)


def _medicaid():
    """Event study of dins on expansion by year, states and years absorbed, CR1 by state as fixest's."""
    frame = table("ehec_ns")
    years = [year for year in sorted(frame.year.unique()) if year != 2013]
    own = np.column_stack([(frame.year == year) * frame.D for year in years]).astype(float)
    dummies = pd.get_dummies(frame[["stfips", "year"]].astype(str)).to_numpy(dtype=float)
    columns = np.column_stack([own, frame.dins])
    columns = columns - dummies @ np.linalg.lstsq(dummies, columns, rcond=None)[0]
    own, y = columns[:, :-1], columns[:, -1]
    inverse = np.linalg.inv(own.T @ own)
    beta = inverse @ own.T @ y
    rows = pd.DataFrame(own * (y - own @ beta)[:, None]).groupby(frame.stfips.to_numpy()).sum()
    n, g, k = len(y), len(rows), own.shape[1] + frame.year.nunique()
    scale = g / (g - 1) * (n - 1) / (n - k)
    return beta, scale * inverse @ (rows.T @ rows).to_numpy() @ inverse


def test_a30_event_study_of_medicaid():
    # R fixest 0.14.2: dins ~ i(year, D, ref = 2013) | stfips + year, by stfips
    beta, sigma = _medicaid()
    assert beta[-2:] == pytest.approx([0.04644685416, 0.069206175479], rel=1e-9)
    errors = np.sqrt(np.diag(sigma))[-2:]
    assert errors == pytest.approx([0.00915186802, 0.010350049422], rel=1e-8)


# printed in the README of R's HonestDiD: relative magnitudes (C-LF, a grid), smoothness (FLCI)
MAGNITUDE = {
    0.5: (0.0241, 0.0673),
    1: (0.0171, 0.0720),
    1.5: (0.00859, 0.0796),
    2: (-0.00107, 0.0883),
}
SMOOTHNESS = {
    0: (0.0259, 0.0607), 0.01: (0.0132, 0.0787), 0.02: (0.00286, 0.0907), 0.03: (-0.00714, 0.101),
    0.04: (-0.0171, 0.111), 0.05: (-0.0271, 0.121),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected", "digits"),
    [("relative_magnitude", MAGNITUDE, 5e-4), ("smoothness", SMOOTHNESS, 3e-4)],
)
def test_a30_honest_did_of_medicaid(kind, expected, digits):
    beta, sigma = _medicaid()
    found = honest(beta, sigma, 5, 2, kind=kind, bounds=list(expected))
    ends = found[["conf_low", "conf_high"]].to_numpy()
    assert ends == pytest.approx(np.array(list(expected.values())), abs=digits)

"""What each library does in the comparisons of estimators: one side a process, one line of JSON.

Not here: which sides run, and how often. Imports, reading in and compilation come before the clock
starts, on every side; so does the fit of the other libraries, while ours is inside.

    estimate_sides.py SIDE '{"size": "small", "draws": 9999}'
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from estimate_rows import COMMUNES, OUTCOMES, district
from kobo_measure import peak_memory

Given = dict[str, Any]
Result = dict[str, Any]
SEED = 7


def timed(work: Callable[[], Any]) -> tuple[Any, Result]:
    """Run `work`; return what it gives, its seconds by clock and processor, and the peak memory in bytes."""
    started, cpu = time.perf_counter(), time.process_time()
    found = work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return found, {"seconds": seconds, "cpu": cpu, "peak": peak_memory()}


def ours_wild(given: Given) -> Result:
    """Fit one outcome, test it and invert the test into an interval."""
    from survey_tools.estimate.inference import wild_bootstrap

    (problem,) = _problems(given["size"], 1)
    found, figures = timed(lambda: wild_bootstrap(problem, draws=given["draws"], seed=SEED))
    interval = [found.conf_low, found.conf_high]
    return figures | {"t": found.statistic, "p": found.p_value, "interval": interval}


def pyfixest_wild(given: Given) -> Result:
    """Test one outcome; no interval."""
    (fit,) = _pyfixest_fits(given["size"], 1)
    (small,) = _pyfixest_fits("small", 1)
    small.wildboottest(param="intensive", reps=99, seed=SEED)
    found, figures = timed(
        lambda: fit.wildboottest(param="intensive", reps=given["draws"], seed=SEED)
    )
    return figures | {"t": float(found["t value"]), "p": float(found["Pr(>|t|)"])}


def wildboottest_wild(given: Given) -> Result:
    """Test one outcome; no interval."""
    from wildboottest.wildboottest import wildboottest

    def test(size: str, draws: int) -> Callable[[], Any]:
        import statsmodels.api as sm

        frame = district(size)
        model = sm.OLS(frame["y1"], _regressors(frame, "y1"))
        options = {"param": "intensive", "seed": SEED, "show": False}
        return lambda: wildboottest(model, B=draws, cluster=frame["team"], **options)

    test("small", 99)()
    found, figures = timed(test(given["size"], given["draws"]))
    return figures | {"t": _number(found["statistic"]), "p": _number(found["p-value"])}


def diff_diff_wild(given: Given) -> Result:
    """Test one outcome and invert the test into an interval."""
    from diff_diff.utils import wild_bootstrap_se

    frame = district(given["size"])
    x, y = _regressors(frame, "y1").to_numpy(float), frame["y1"].to_numpy()
    options = {"n_bootstrap": given["draws"], "seed": SEED}
    found, figures = timed(
        lambda: wild_bootstrap_se(x, y, np.zeros(len(y)), frame["team"].to_numpy(), 0, **options)
    )
    interval = [found.ci_lower, found.ci_upper]
    return figures | {"t": found.t_stat_original, "p": found.p_value, "interval": interval}


def ours_romano_wolf(given: Given) -> Result:
    """Fit all outcomes and adjust their p-values."""
    from survey_tools.estimate.inference import romano_wolf

    problems = _problems(given["size"], OUTCOMES)
    found, figures = timed(lambda: romano_wolf(problems, draws=given["draws"], seed=SEED))
    return figures | {"p": found.tolist()}


def pyfixest_romano_wolf(given: Given) -> Result:
    """Adjust the p-values of all outcomes."""
    import pyfixest

    fits = _pyfixest_fits(given["size"], OUTCOMES)
    small = _pyfixest_fits("small", 2)
    pyfixest.rwolf(small, "intensive", reps=99, seed=SEED)
    found, figures = timed(
        lambda: pyfixest.rwolf(fits, "intensive", reps=given["draws"], seed=SEED)
    )
    return figures | {"p": found.loc["RW Pr(>|t|)"].astype(float).tolist()}


def _problems(size: str, outcomes: int) -> list[Any]:
    from survey_tools.estimate.design import codes_of
    from survey_tools.estimate.regression import Problem

    frame = district(size)
    clusters, names = codes_of(frame, "team")
    strata, _ = codes_of(frame, "commune")
    focal = frame["intensive"].to_numpy()
    return [
        Problem(
            frame[y].to_numpy(), focal, frame[[f"{y}_before"]].to_numpy(), strata, clusters, names
        )
        for y in (f"y{number}" for number in range(1, outcomes + 1))
    ]


def _pyfixest_fits(size: str, outcomes: int) -> list[Any]:
    import pyfixest

    frame = district(size)
    return [
        pyfixest.feols(f"{y} ~ intensive + {y}_before | commune", frame, vcov={"CRV1": "team"})
        for y in (f"y{number}" for number in range(1, outcomes + 1))
    ]


def _regressors(frame: Any, outcome: str) -> Any:
    """Treatment, baseline outcome, and a dummy a commune."""
    columns = {name: frame[name] for name in ("intensive", f"{outcome}_before")}
    dummies = {f"commune{c}": (frame["commune"] == c).astype(float) for c in range(COMMUNES)}
    return type(frame)(columns | dummies)


def _number(column: Any) -> float:
    return float(np.ravel(column.iloc[0])[0])


SIDES = {
    side.__name__: side
    for side in (
        ours_wild, pyfixest_wild, wildboottest_wild, diff_diff_wild, ours_romano_wolf, pyfixest_romano_wolf,
    )
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(SIDES[sys.argv[1]](json.loads(sys.argv[2]))))

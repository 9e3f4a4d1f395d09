"""Measure randomisation inference against refitting, pyfixest and the bare products of matrices.

Not here: whether the numbers are right (tests/estimate). All sides see the same simulated households. Ours is
timed with what it computes beyond a p-value: residuals, covariances of strata, exact intervals. A side
that would take hours runs fewer draws; its seconds are scaled linearly and the table says so.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from estimate_measure import ENVIRONMENT, install
from kobo_measure import peak_memory, print_table, whole

from survey_tools.estimate.design import Design, Draw
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference.randomisation import randomisation_test
from survey_tools.estimate.inference.redraw import Assignments, redraw
from survey_tools.estimate.regression import Problem

DRAWS, OUTCOMES = 9_999, 10
CONTROLS = ("age", "female", "size", "phone", "poor")
DRAW = Draw("team", "commune", seed=1)
DESIGN = Design("intensive", "team", "commune", CONTROLS, "w1", "w3", "reached")
PYFIXEST = """
import sys, time
import numpy as np, pandas as pd, pyfixest as pf
frame, reps, algorithm = pd.read_csv(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
fit = pf.feols(sys.argv[4], frame)
rng = lambda: np.random.default_rng(1)
give = dict(cluster="team", choose_algorithm=algorithm)
fit.ritest("intensive", reps=20, rng=rng(), **give)
started = time.perf_counter()
fit.ritest("intensive", reps=reps, rng=rng(), **give)
print(time.perf_counter() - started)
"""


def run(quick: bool) -> None:
    """Print ours against bare products, one outcome against others and, unless quick, the large case."""
    households, teams = simulate(5_000, 154, 27)
    problems = problems_of(households)
    assignments = redraw(teams, DRAW, draws=DRAWS, seed=2)
    rounds = 5 if quick else 15
    ours = _ours_and_floor(problems, assignments, teams, rounds)
    shape = "5,000 households, 154 teams, 27 communes, ANCOVA"
    whole_test = next(iter(ours.values()))
    rows = [
        [name, f"{1e3 * seconds:,.1f}", f"{whole_test / seconds:,.2f}"]
        for name, seconds in ours.items()
    ]
    title = f"Randomisation inference, {whole(DRAWS)} draws x {OUTCOMES} outcomes, {shape}"
    print_table(f"{title}, median of {rounds} rounds", ["side", "ms", "ours by this"], rows)
    one = _one_outcome(problems[0], teams, rounds)
    others = [("survey_tools, interval too", one, "measured")]
    others += _others(problems[0], households, teams, quick)
    rows = [
        [name, f"{seconds:,.3f}", f"{seconds / one:,.0f}", how] if seconds == seconds
        else [name, "–", "–", how]
        for name, seconds, how in others
    ]  # fmt: skip
    title = f"One outcome, {whole(DRAWS)} draws, drawing included, {shape}"
    print_table(title, ["side", "s", "by ours", "how"], rows)
    if not quick:
        _print_large()


def simulate(n: int, n_teams: int, n_communes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make households and the table of teams: binary outcomes, a twentieth of the answers missing."""
    rng = np.random.default_rng(20240614)
    commune = np.sort(np.arange(n_teams) % n_communes)
    teams = pd.DataFrame({"team": [f"T{t:05}" for t in range(n_teams)]})
    teams["commune"] = [f"C{c:04}" for c in commune]
    teams["intensive"] = DRAW.draw(teams).assignment.astype(float)
    h = teams.loc[np.sort(np.arange(n) % n_teams)].reset_index(drop=True)
    level = (0.35 + rng.uniform(-0.1, 0.1, n_teams))[np.sort(np.arange(n) % n_teams)]
    h["age"], h["size"] = rng.integers(18, 90, n) * 1.0, rng.integers(1, 8, n) * 1.0
    for name, share in (("female", 0.5), ("phone", 0.7), ("poor", 0.1)):
        h[name] = (rng.random(n) < share).astype(float)
    for number in range(OUTCOMES):
        for wave, effect in (("w1", 0.0), ("w3", 0.05)):
            y = (rng.random(n) < level + effect * h["intensive"]).astype(float)
            h[f"y{number}__{wave}"] = np.where(rng.random(n) < 0.05, np.nan, y)
    return h, teams


def problems_of(households: pd.DataFrame) -> list[Problem]:
    """Prepare the regression of each outcome."""
    samples = [prepare(households, DESIGN, f"y{k}", baseline=f"y{k}") for k in range(OUTCOMES)]
    return [sample.problem for sample in samples if sample.problem is not None]


def _fresh(problems: list[Problem]) -> list[Problem]:
    """Copies that have residualised nothing yet."""
    return [replace(problem) for problem in problems]


def _ours_and_floor(
    problems: list[Problem], assignments: Assignments, teams: pd.DataFrame, rounds: int
) -> dict[str, float]:
    given = assignments.matrix.astype(float)
    clusters = len(assignments.cluster_names)
    rng = np.random.default_rng(1)
    covariates = [rng.normal(size=(1 + p.others.shape[1], clusters)) for p in problems]
    regressors = [rng.normal(size=(1 + p.others.shape[1] + p.n_strata, clusters)) for p in problems]
    sides: dict[str, Callable[[], object]] = {
        "test and interval, draws given": lambda: randomisation_test(_fresh(problems), assignments),
        "drawing": lambda: redraw(teams, DRAW, draws=DRAWS, seed=2),
        "bare products s'D, X'D, X with strata": lambda: [m @ given for m in regressors],
        "bare products s'D, X'D, X without strata": lambda: [m @ given for m in covariates],
        "t statistic, draws given": lambda: randomisation_test(
            _fresh(problems), assignments, statistic="t"
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name].append(_seconds(side))
    return {name: statistics.median(values) for name, values in seconds.items()}


def _one_outcome(problem: Problem, teams: pd.DataFrame, rounds: int) -> float:
    def work() -> None:
        randomisation_test(_fresh([problem]), redraw(teams, DRAW, draws=DRAWS, seed=2))

    return statistics.median(_seconds(work) for _ in range(rounds))


def _seconds(side: Callable[[], object]) -> float:
    started = time.perf_counter()
    side()
    return time.perf_counter() - started


def _others(
    problem: Problem, households: pd.DataFrame, teams: pd.DataFrame, quick: bool
) -> list[tuple[str, float, str]]:
    reps = 20 if quick else 100
    refit = _refitted(problem, teams, reps) * DRAWS / reps
    name = "statsmodels OLS refitted, drawing not counted, no interval"
    rows = [(name, refit, f"{reps} draws, scaled")]
    not_installed = install()
    for algorithm, reps in (("fast", 200 if quick else DRAWS), ("slow", 20 if quick else 200)):
        name = f"pyfixest 0.60 ritest, {algorithm}, no strata, no interval"
        try:
            if not_installed:
                raise RuntimeError(f"not installed: {not_installed}")
            seconds = _pyfixest(households, reps, algorithm) * DRAWS / reps
            rows.append(
                (name, seconds, "measured" if reps == DRAWS else f"{whole(reps)} draws, scaled")
            )
        except RuntimeError as error:
            rows.append((name, float("nan"), str(error)))
    return rows


def _refitted(problem: Problem, teams: pd.DataFrame, reps: int) -> float:
    import statsmodels.api as sm

    arms = redraw(teams, DRAW, draws=reps, seed=3)
    focal = arms.matrix[arms.rows(problem.cluster_names)][problem.clusters].astype(float)
    dummies = np.eye(problem.n_strata)[problem.strata]
    exog = np.column_stack([problem.focal, dummies, problem.others])
    started = time.perf_counter()
    for draw in range(reps):
        exog[:, 0] = focal[:, draw]
        _ = sm.OLS(problem.y, exog).fit().params[0]
    return time.perf_counter() - started


def _pyfixest(households: pd.DataFrame, reps: int, algorithm: str) -> float:
    columns = ["y0__w3", "intensive", "y0__w1", *CONTROLS]
    frame = households.dropna(subset=columns)
    frame = frame.assign(team=pd.factorize(frame["team"])[0])
    formula = f"y0__w3 ~ {' + '.join(columns[1:])} | commune"
    with tempfile.TemporaryDirectory(prefix="ritest-") as folder:
        table = Path(folder) / "households.csv"
        frame[[*columns, "commune", "team"]].to_csv(table, index=False)
        python = str(ENVIRONMENT / "bin" / "python")
        command = [python, "-c", PYFIXEST, str(table), str(reps), algorithm, formula]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise RuntimeError(f"fails: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout.splitlines()[-1])


def _print_large() -> None:
    command = [sys.executable, __file__]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    title = (
        f"200,000 households, 4,000 teams, 600 communes, {whole(DRAWS)} draws x {OUTCOMES} outcomes"
    )
    rows = [[name, f"{value:,.2f}"] for name, value in found.items()]
    print_table(title, ["", "s, GB"], rows)


def _large() -> dict[str, float]:
    """Run the large case in this process; return its seconds and peak memory."""
    households, teams = simulate(200_000, 4_000, 600)
    problems = problems_of(households)
    before = peak_memory() / 1e9
    started = time.perf_counter()
    assignments = redraw(teams, DRAW, draws=DRAWS, seed=2)
    drawn = time.perf_counter()
    randomisation_test(problems, assignments)
    return {
        "drawing, s": drawn - started,
        "tests and intervals, s": time.perf_counter() - drawn,
        "peak memory with the data, GB": peak_memory() / 1e9,
        "peak memory before, GB": before,
    }


if __name__ == "__main__":
    print(json.dumps(_large()))

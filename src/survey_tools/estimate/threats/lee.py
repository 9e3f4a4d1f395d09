"""Bound the effect on households that would answer in either arm, whatever kept the others away."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Codes, Design, Floats, codes_of, numeric
from survey_tools.estimate.threats.attrition import with_answers
from survey_tools.estimate.threats.balance import INTERVIEWED, at_baseline
from survey_tools.estimate.threats.resampling import team_factors
from survey_tools.estimate.threats.trimming import Arm, Bounds, bounds_over, interval_around

COLUMNS = [
    "outcome", "wave", "lower", "upper", "conf_low", "conf_high", "share_trimmed", "arm_trimmed",
    "n", "n_drawn", "n_teams", "note",
]  # fmt: skip


def lee_bounds(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    tighten: str | None = None,
    wave: str | None = None,
    draws: int = 999,
    seed: int | None = None,
    sample: pd.DataFrame | None = None,
    teams: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Bound the effect of assignment on households that answer whatever their arm (Lee 2009).

    If outreach moves answering in one direction only, the arm that answers more holds households that
    would not have answered in the other. Taking them all from the top, then all from the bottom, gives
    the worst cases; the marginal household counts in part, so ties do not matter. Each arm is weighted
    to the same mix of strata. Means are not adjusted for the baseline. Whoever has no answer counts as lost:
    not met, did not say, or not concerned by the question (no pupil, no piped water). The bounds are of
    those who would answer and be concerned in either arm; `note` counts those met without an answer.

    The interval covers the effect, not the bounds (Imbens and Manski 2004), with errors from a cluster
    bootstrap (`team_factors`). Each replicate decides anew which arm is trimmed, so that an arm that
    answers more by chance widens the interval.

    Parameters
    ----------
    households : DataFrame
        One row a household; without `sample` those interviewed at the baseline count as drawn.
    design : Design
    outcome : str
        Name without wave.
    tighten : str, optional
        Column known before treatment with few values, or the stratum: bounds are averaged over its
        values by the number that answer in either arm, and each value may be trimmed in another arm
        (Lee 2009, section 3.3; Semenova 2025). A gap is a value of its own. With few households a
        value, chance gaps widen the bounds instead.
    wave : str, optional
        The endline by default.
    draws : int
        Bootstrap replicates; 0 leaves the interval out.
    seed : int, optional
        That of the design by default.
    sample, teams : DataFrame, optional
        All households drawn, as for `attrition`: then those never met count as lost too. `itt` keeps answers
        without a baseline interview, so these are the bounds of its comparison; without `sample` a gap
        between the arms that was there at the baseline already is left out.

    Returns
    -------
    DataFrame
        One row: `outcome`, `wave`, `lower`, `upper`, `conf_low`, `conf_high`, `share_trimmed` (of the
        answers of the arm that is trimmed; over values the mean), `arm_trimmed` (regular, intensive,
        both or none), `n` (answers), `n_drawn`, `n_teams`, `note`.

    Raises
    ------
    DesignError
        When the frame cannot carry the design.
    """
    design.check(households)
    wave = wave or design.endline
    drawn = _drawn(households, design, f"{outcome}__{wave}", tighten, wave, sample, teams)
    frame, lone = _in_two_armed_strata(drawn, design)
    y = numeric(frame, f"{outcome}__{wave}")
    there = ~np.isnan(y)
    row: dict[str, object] = dict.fromkeys(COLUMNS, np.nan)
    row |= {"outcome": outcome, "wave": wave, "arm_trimmed": "none", "n": int(there.sum())}
    row |= {"n_drawn": len(frame), "n_teams": int(frame.loc[there, design.cluster].nunique())}
    notes = [f"{design.stratum} with one arm only, left out: {', '.join(lone)}"] if lone else []
    notes += _met_without_answer(frame, y, f"{INTERVIEWED}__{wave}")
    arms = numeric(frame, design.treatment)
    if drawn.empty:
        refusal = "no interview at the baseline"
    elif min(_teams(frame, design, there & (arms == arm)) for arm in (0, 1)) < 2:
        refusal = f"fewer than 2 {design.cluster} with answers in an arm"
    else:
        refusal = ""
    if refusal:
        return pd.DataFrame([row | {"note": refusal}])[COLUMNS]
    cells, one_sided = _cells(frame, design, y, tighten)
    if one_sided:
        notes.append(f"values of {tighten} with answers in one arm only, left out: {one_sided}")
    n_clusters = int(frame[design.cluster].nunique())
    found = bounds_over(cells, np.ones((1, n_clusters)))
    row |= {"lower": found.lower[0], "upper": found.upper[0]} | _trimming(found)
    if draws:
        factors = team_factors(frame, design, draws, design.seed if seed is None else seed)
        low, high = interval_around(cells, found, factors, design.interval)
        row |= {"conf_low": low, "conf_high": high}
        notes += ["no interval: the outcome does not vary in an arm"] if np.isnan(low) else []
    return pd.DataFrame([row | {"note": "; ".join(notes)}])[COLUMNS]


def _trimming(found: Bounds) -> dict[str, object]:
    shares = {"regular": float(found.regular[0]), "intensive": float(found.intensive[0])}
    trimmed = [arm for arm, share in shares.items() if share > 0]
    name = "both" if len(trimmed) == 2 else (*trimmed, "none")[0]
    return {"share_trimmed": sum(shares.values()), "arm_trimmed": name}


def _drawn(
    households: pd.DataFrame,
    design: Design,
    column: str,
    tighten: str | None,
    wave: str,
    sample: pd.DataFrame | None,
    teams: pd.DataFrame | None,
) -> pd.DataFrame:
    """Rows of the households drawn, with all that the bounds need of them."""
    if sample is None:
        return at_baseline(households, design)
    met = f"{INTERVIEWED}__{wave}"
    wanted = [column, design.weights, tighten, met if met in households else None]
    own = (design.cluster, design.stratum, design.treatment)
    columns = [name for name in dict.fromkeys(wanted) if name is not None and name not in own]
    return with_answers(sample, households, design, teams, columns)


def _met_without_answer(frame: pd.DataFrame, y: Floats, met: str) -> list[str]:
    """Count the households interviewed that have no answer."""
    if met not in frame:
        return []
    number = int((np.isnan(y) & (numeric(frame, met) == 1)).sum())
    return [f"{number} interviewed without an answer count as lost"] if number else []


def _in_two_armed_strata(
    frame: pd.DataFrame, design: Design
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    lone = design.one_armed_strata(frame)
    return frame.loc[~frame[design.stratum].astype(str).isin(lone)], lone


def _teams(frame: pd.DataFrame, design: Design, rows: np.ndarray) -> int:
    return int(frame.loc[rows, design.cluster].nunique())


def _cells(
    frame: pd.DataFrame, design: Design, y: Floats, tighten: str | None
) -> tuple[list[tuple[Arm, Arm]], int]:
    """Return both arms of each cell, and how many cells have answers in one arm only."""
    clusters = codes_of(frame, design.cluster)[0]
    arms = numeric(frame, design.treatment)
    weights = _to_the_same_mix(frame, design)
    values = codes_of(frame, tighten)[0] if tighten else np.zeros(len(frame), np.int64)
    cells = []
    for value in range(int(values.max()) + 1):
        pair = [_arm(y, weights, clusters, (values == value) & (arms == arm)) for arm in (0, 1)]
        if all(len(arm.values) for arm in pair):
            cells.append((pair[0], pair[1]))
    return cells, int(values.max()) + 1 - len(cells)


def _arm(y: Floats, weights: Floats, clusters: Codes, rows: np.ndarray) -> Arm:
    drawn = np.bincount(clusters[rows], weights[rows], int(clusters.max()) + 1).astype(float)
    answered = np.flatnonzero(rows & ~np.isnan(y))
    order = answered[np.argsort(y[answered], kind="stable")]
    return Arm(y[order], weights[order], clusters[order], drawn)


def _to_the_same_mix(frame: pd.DataFrame, design: Design) -> Floats:
    """Weights under which each stratum has the same share of the drawn of either arm."""
    own = design.weights_of(frame)
    weights = np.ones(len(frame)) if own is None else own
    strata = codes_of(frame, design.stratum)[0]
    cells = 2 * strata + numeric(frame, design.treatment).astype(np.int64)
    return np.asarray(
        weights * (np.bincount(strata, weights)[strata] / np.bincount(cells, weights)[cells])
    )

"""Ask whether intensive neighbours change the outcome, by the share of them that chance alone decided.

Within a commune the share follows from a team's own arm and the number drawn. Chance decides one
thing only: in a commune whose teams cannot be split as the draw wants, whether one more is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, numeric, require_columns
from survey_tools.estimate.effects.neighbours import neighbour_exposure
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.regressors import Columns

NEIGHBOURS = "share_intensive_neighbours"
FEW = 6
"""Communes with a coin below which no outcome of the coins has p below 0.05: 2 of 2^5 is 0.0625."""
_LISTED = 12
_ARMS = {None: "spillover", 0: "spillover_regular", 1: "spillover_intensive"}


def spillover(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    teams: pd.DataFrame | None = None,
    arm: int | None = None,
    share: float = 0.5,
    draws: int = 9_999,
    seed: int = 20090117,
) -> pd.DataFrame:
    """Estimate the effect of the share of intensive teams among the commune's others, from none to all.

    The regressor is the share less its expectation over the draw, given the size of the commune and the
    team's own arm (Borusyak and Hull 2023, Econometrica 91:2155); what is left is chance. Own arm,
    expectation, baseline outcome and controls are adjusted for; stratum dummies are not, for they would
    take all of it. CR2 by commune, the level at which chance moved. `p_randomisation` is that of
    `spillover_p_value`.

    It can tell little: only communes with an odd number of teams count, each with one coin and a shift of
    1/(teams - 1). It says nothing of neighbours across a commune's border. No evidence of spillovers is
    not evidence of none; read the interval.

    Parameters
    ----------
    households : DataFrame
        One row a household.
    design : Design
    outcome : str
    teams : DataFrame, optional
        All teams drawn over with cluster, stratum and treatment of the design; those of `households` by
        default, which is right if each has a row there.
    arm : {None, 0, 1}
        Households of regular (0) or intensive (1) teams only.
    share : float
        Share of each stratum drawn. Draws that were re-randomised are not provided for.
    draws, seed : int
        For `p_randomisation`.

    Returns
    -------
    DataFrame
        Contract `effects` and `p_randomisation`, one row, estimand `spillover`, `spillover_regular`
        or `spillover_intensive`.

    Raises
    ------
    DesignError
        The frame cannot carry the design, the teams do not give the shares in the column
        `share_intensive_neighbours`, or the numbers drawn are not those of `share`.
    """
    design.check_ids(households)
    exposure = neighbour_exposure(households if teams is None else teams, design, share=share)
    frame, at = _joined(households, design, exposure)
    if arm is not None:
        inside = frame[design.treatment] == arm
        frame, at = frame.loc[inside], at.loc[inside]
    sample = _regression(frame, at, design, outcome, arm)
    found, p_value, notes = Coefficient(), np.nan, [sample.refusal, *sample.notes]
    if sample.problem is not None:
        found = ols(sample.problem, tail=design.tail)
        used = at.loc[sample.frame.index]
        coins = int(used.loc[used["chance"] > 0, "stratum"].nunique())
        p_value = spillover_p_value(sample.problem, used, exposure, draws=draws, seed=seed)
        notes = [f"rests on the extra team of {coins} {design.stratum}", *sample.notes]
        if coins < FEW:
            notes.append("too few to say")
    method = (
        f"OLS on recentred {NEIGHBOURS}, own arm and expected share, "
        f"CR2 by {design.stratum}, Satterthwaite t"
    )
    row = effect_row(sample.frame, design, outcome, _ARMS[arm], found, method=method, notes=notes)
    return row.assign(p_randomisation=p_value)


def spillover_p_value(
    problem: Problem,
    rows: pd.DataFrame,
    exposure: pd.DataFrame,
    *,
    draws: int = 9_999,
    seed: int = 20090117,
) -> float:
    """Test that no household is affected by the arm of another team, whatever its own arm did to it.

    A conditional randomisation test (Athey, Eckles and Imbens 2018; Basse, Feller and Toulis 2019). In each
    commune with a coin one team is set aside: at random from the drawn ones if one more was drawn, else
    from the others. Given the arms of the teams that are left, which are the same either way, the one set
    aside was drawn with the probability of the coin, and it alone moves the share of its neighbours. So
    only coins are thrown again, and the households left would answer the same under the hypothesis: the
    test is exact and needs no model of the direct effect. Redrawing whole assignments would test that
    nothing has any effect.

    Parameters
    ----------
    problem : Problem
        The regression; its focal regressor is not used.
    rows : DataFrame
        Rows of `exposure`, one a row of the problem.
    exposure : DataFrame
        As `neighbour_exposure` returns it: all teams.
    draws : int
        Throws, where there are more than 2^12 = 4,096 outcomes to list.
    seed : int
        Of the teams set aside, and of the throws.

    Returns
    -------
    float
        Two-sided p-value; NaN without a coin.
    """
    rng = np.random.default_rng(seed)
    aside = _set_aside(exposure, rng)
    kept = ~rows["cluster"].isin(aside["cluster"]).to_numpy()
    flipped = rows["stratum"].to_numpy()[:, None] == aside["stratum"].to_numpy()
    shift = (flipped & kept[:, None]) / rows["others"].to_numpy()[:, None]
    present = shift.any(axis=0)
    aside, shift = aside.loc[present], shift[:, present]
    if len(aside) == 0:
        return float("nan")
    weights = np.ones(problem.n) if problem.weights is None else problem.weights
    weights = weights * kept
    y, moved = _residuals(problem, weights, kept, problem.y, shift)
    cross, products = moved.T @ (weights * y), moved.T @ (weights[:, None] * moved)
    chance = aside["chance"].to_numpy()
    coins, likely = _throws(chance, draws, rng)
    observed = _slopes(aside["one_more"].to_numpy()[None] - chance, cross, products)
    extreme = np.abs(_slopes(coins - chance, cross, products)) >= abs(observed[0]) * (1 - 1e-9)
    if likely is not None:
        return float(min(likely @ extreme, 1.0))
    return float((1 + extreme.sum()) / (1 + draws))


def _joined(
    households: pd.DataFrame, design: Design, exposure: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return households and the exposure of each, on one new index."""
    frame = households.reset_index(drop=True)
    at = exposure.set_index("cluster", drop=False)
    names = frame[design.cluster].astype(str)
    unknown = sorted(set(names) - set(at.index))
    if unknown:
        raise DesignError(
            "Some clusters of the households are not in the table of teams.",
            found=f"{len(unknown)}: {', '.join(unknown[:5])}",
            where=f"column {design.cluster}",
        )
    rows = at.reindex(names).set_axis(frame.index, axis=0)
    if NEIGHBOURS in frame:
        given = numeric(frame, NEIGHBOURS)
        wrong = ~np.isnan(given) & ~(np.abs(given - rows["share"].to_numpy()) < 1e-9)
        if wrong.any():
            raise DesignError(
                "The teams given do not yield the shares of intensive neighbours in the households.",
                found=f"{int(wrong.sum())} of {len(frame)} rows differ",
                where=f"column {NEIGHBOURS}",
                next_step="give all teams that were drawn over, those without households too",
            )
    return frame, rows


def _regression(
    frame: pd.DataFrame, at: pd.DataFrame, design: Design, outcome: str, arm: int | None
) -> Sample:
    require_columns(frame, [design.at_endline(outcome)])
    names = ("expected share",) if arm is not None else ("own arm", "expected share")
    matrix = at[["arm", "expected"][-len(names) :]].to_numpy(dtype=float)
    by_commune = replace(design, cluster=design.stratum)
    sample = prepare(
        frame.assign(_recentred=at["recentred"]),
        by_commune,
        outcome,
        focal="_recentred",
        baseline=outcome,
        strata=False,
        two_arms=False,
        extra=Columns(matrix, names),
    )
    still = sample.problem is None and sample.refusal == "nothing to compare within the strata"
    return replace(sample, refusal="chance did not move the share") if still else sample


def _set_aside(exposure: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Choose the team of each commune with a coin whose arm the coin is taken to have decided."""
    tossed = exposure.loc[(exposure["chance"] > 0) & (exposure["arm"] == exposure["one_more"])]
    tossed = tossed.loc[tossed["others"] > 0]
    return (
        tossed.iloc[rng.permutation(len(tossed))].drop_duplicates("stratum").sort_values("stratum")
    )


def _residuals(
    problem: Problem, weights: Floats, kept: np.ndarray, y: Floats, shift: Floats
) -> tuple[Floats, Floats]:
    """Take from outcome and shares what the other regressors explain of them, on the rows kept."""
    exog = np.column_stack([np.ones(problem.n), problem.others])
    both = np.column_stack([y, shift])
    root = np.sqrt(weights)[:, None]
    fitted = exog @ np.linalg.lstsq(exog * root, both * root, rcond=None)[0]
    rest = (both - fitted) * kept[:, None]
    return rest[:, 0], rest[:, 1:]


def _throws(chance: Floats, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats | None]:
    """All outcomes of the coins with their probabilities, or many at random and None."""
    if len(chance) <= _LISTED:
        coins = np.array(list(product((0.0, 1.0), repeat=len(chance))))
        return coins, np.where(coins == 1, chance, 1 - chance).prod(axis=1)
    return (rng.random((draws, len(chance))) < chance).astype(float), None


def _slopes(coins: Floats, cross: Floats, products: Floats) -> Floats:
    square = np.einsum("ij,jk,ik->i", coins, products, coins)
    return np.divide(coins @ cross, square, out=np.zeros(len(coins)), where=square > 1e-12)

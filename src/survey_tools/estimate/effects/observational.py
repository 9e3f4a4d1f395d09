"""Compare households treated and untreated that nobody drew, adjusted for what was measured of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Design, Floats
from survey_tools.estimate.effects.comparison import Comparison, compare
from survey_tools.estimate.effects.propensity import (
    Predictions,
    SeparationError,
    cross_fit,
    logit_scores,
)
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.weighting import (
    TARGETS,
    Target,
    aipw_coefficient,
    balancing_weights,
    effective_number,
    within_bounds,
)
from survey_tools.estimate.regression.coefficient import Coefficient

ASSUMPTION = "not randomised: holds if no unmeasured cause moves both treatment and outcome"


def aipw(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    treatment: str | None = None,
    further: Iterable[str] = (),
    strata: bool = True,
    target: Target = "ate",
    trim: float = 0.1,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 20090117,
) -> pd.DataFrame:
    """Estimate the effect of a treatment that was not drawn, by doubly robust weighting.

    Logit propensity and linear outcomes by arm, cross-fitted by cluster (see `cross_fit`), in the estimator
    of `aipw_coefficient`. Adjusted for the baseline outcome, the controls of the design and `further`.
    It can be right only if these hold all causes of treatment that also move the outcome; compare with
    `threats.sensitivity`. A variable that the treatment may have changed must not be among them, nor one
    that moves the treatment only, such as the draw.

    Parameters
    ----------
    households : DataFrame
        One row a household, outcomes as `<outcome>__<wave>`.
    design : Design
        Its `estimator` is not heeded: without adjustment there is no such comparison.
    outcome : str
    treatment : str, optional
        Column of 0 and 1, of households or teams, e.g. `reached__w3`; that of the design by default.
    further : iterable of str
        More columns measured before treatment, e.g. `reached__w1`.
    strata : bool
        Adjust for the stratum by its means of treatment and covariates (Mundlak 1978; Arkhangelsky
        and Imbens 2024), taken over all its rows, the household's own cluster among them: given the share
        treated, strata differ no more in who was treated. Dummies cannot be: a fold may lack a stratum.
    target : {"ate", "att", "ato"}
        See `balancing_weights`.
    trim : float
        Scores beyond are left out, see `within_bounds`; 0 leaves none out. Below 0.5.
    folds, repeats, seed : int
        See `cross_fit`.

    Returns
    -------
    DataFrame
        Contract `effects`, one row, estimand `aipw_<target>`; `n` counts the rows left after trimming. No
        estimate where covariates separate the arms or too few clusters are left; `note` says so.

    Raises
    ------
    DesignError
        A column is absent or no number, a row lacks its cluster or stratum, a household stands twice, the
        treatment is not 0 or 1, `trim` or `target` is unknown.
    """
    _refuse_settings(target, trim)
    found = compare(
        households, design, outcome, treatment=treatment, further=further, strata=strata
    )
    estimand, method = f"aipw_{target}", _method(design, target, trim, folds, repeats)
    notes = [ASSUMPTION, f"effect on {TARGETS[target]}"]
    refusal = _refusal(found)
    if not refusal:
        try:
            predictions = _predictions(found, folds, repeats, seed)
        except SeparationError as error:
            refusal = f"{error.what} {error.found or ''}".strip()
    if refusal:
        return effect_row(
            found.frame, design, outcome, estimand, Coefficient(), method=method, notes=[refusal]
        )
    kept = within_bounds(predictions.score, target, trim)
    frame = found.frame.loc[kept]
    coefficient, more = _on_kept(found, predictions, kept, target, design.tail)
    notes += [*more, *found.adjusted.notes]
    return effect_row(frame, design, outcome, estimand, coefficient, method=method, notes=notes)


def overlap(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    treatment: str | None = None,
    further: Iterable[str] = (),
    strata: bool = True,
    folds: int = 5,
    repeats: int = 5,
    seed: int = 20090117,
) -> tuple[Comparison, Floats]:
    """Return the comparison that `aipw` makes of the same arguments, and its propensity scores.

    Raises
    ------
    SeparationError
        As `logit_scores`.
    """
    found = compare(
        households, design, outcome, treatment=treatment, further=further, strata=strata
    )
    refusal = _refusal(found)
    if refusal:
        raise SeparationError(f"There is no propensity to speak of: {refusal}.")
    return found, _predictions(found, folds, repeats, seed).score


def _refusal(found: Comparison) -> str:
    """Say why these rows carry no estimate; empty when they do."""
    if len(found.frame) == 0:
        return "no answers"
    if np.ptp(found.y) == 0:
        return "the outcome does not vary"
    few = _too_few_clusters(found.treated, found.clusters)
    smaller = min(int((found.treated == arm).sum()) for arm in (0, 1))
    if not few and smaller < 2 * (1 + len(found.adjusted.names)):
        return (
            f"too few rows ({smaller} in an arm) to adjust for {len(found.adjusted.names)} columns"
        )
    return few


def _too_few_clusters(treated: Floats, clusters: Codes) -> str:
    numbers = [len(np.unique(clusters[treated == arm])) for arm in (0, 1)]
    return "fewer than 2 clusters with treated or with untreated rows" if min(numbers) < 2 else ""


def _predictions(found: Comparison, folds: int, repeats: int, seed: int) -> Predictions:
    logit_scores(found.treated, found.adjusted, weights=found.weights)
    return cross_fit(
        found.y,
        found.treated,
        found.adjusted,
        found.clusters,
        weights=found.weights,
        folds=folds,
        repeats=repeats,
        seed=seed,
    )


def _on_kept(
    found: Comparison, predictions: Predictions, kept: np.ndarray, target: Target, tail: float
) -> tuple[Coefficient, list[str]]:
    """Estimate on the rows within bounds, and say what was left out and how many rows it is worth."""
    dropped = int((~kept).sum())
    notes = [f"{dropped} of {len(kept)} rows left out for want of overlap"] if dropped else []
    treated = found.treated[kept]
    few = _too_few_clusters(treated, found.clusters[kept])
    if few:
        return Coefficient(), [*notes, f"no overlap: {few}"]
    clusters = np.unique(found.clusters[kept], return_inverse=True)[1]
    inside = Predictions(
        predictions.score[kept], predictions.if_treated[kept], predictions.if_untreated[kept]
    )
    each = None if found.weights is None else found.weights[kept]
    weights = balancing_weights(treated, inside.score, target, each)
    coefficient = aipw_coefficient(found.y[kept], treated, inside, weights, clusters, tail=tail)
    worth = [effective_number(arm) for arm in (weights.treated, weights.untreated)]
    notes.append(f"worth {worth[0]:.0f} treated and {worth[1]:.0f} untreated rows after weighting")
    return coefficient, notes


def _method(design: Design, target: Target, trim: float, folds: int, repeats: int) -> str:
    low = "" if target == "att" else f"below {trim:g} or "
    bounds = f", scores {low}above {1 - trim:g} left out" if target != "ato" and trim > 0 else ""
    fits = f"{folds}-fold by {design.cluster} × {repeats}"
    return (
        f"AIPW, logit and linear models cross-fitted {fits}{bounds}, "
        f"CR2 of the influence values by {design.cluster}, Welch t"
    )


def _refuse_settings(target: str, trim: float) -> None:
    if target not in TARGETS:
        raise DesignError(
            "The target of an observational comparison is unknown.",
            expected=", ".join(TARGETS),
            found=target,
        )
    if not 0 <= trim < 0.5:
        raise DesignError(
            "The trimming bound is no share below one half.", expected="0 to 0.5", found=str(trim)
        )

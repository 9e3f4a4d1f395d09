"""Effect of being reached on the households that the draw got reached."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, numeric
from survey_tools.estimate.effects.assignment import adjustment, errors
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.sample import Sample, prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.instrument import ConfidenceSet, InstrumentFit, two_stage
from survey_tools.estimate.regression.problem import is_explained

WEAK_INSTRUMENT = 10.0
"""First-stage F below which 2SLS is read with care (Staiger and Stock 1997)."""


def late(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of being reached on those whom assignment got reached.

    Two-stage least squares with assignment as instrument (Imbens and Angrist 1994), regressors as in
    `itt`. It holds if assignment works through being reached only; intensive teams also hold classes,
    so it may overstate.

    Returns
    -------
    DataFrame
        One row, contract `effects`, and

        - `first_stage_f`: effective F of the first stage (Montiel Olea and Pflueger 2013);
        - `ar_low`, `ar_high`: ends of the smallest interval around the Anderson-Rubin set, which stays
          right when the instrument is weak. Infinite where the set is; `note` says what it looks like.
    """
    design.check(households)
    reached = design.at_endline(design.reached)
    sample = prepare(households, design, outcome, baseline=outcome, answered=(reached,))
    found = fit_through_draw(sample, design, reached)
    effect = Coefficient() if found is None else found.effect
    notes = (sample.refusal, *sample.notes)
    if found is not None:
        notes = (*first_stage_notes(found), *sample.notes)
    elif not sample.refusal:
        notes = (f"{design.reached} does not vary", *sample.notes)
    adjusted = adjustment(design, design.estimator == "ancova")
    method = f"2SLS, instrument {design.treatment}, {adjusted}, {errors(design)}"
    row = effect_row(sample.frame, design, outcome, "late", effect, method=method, notes=notes)
    robust = ConfidenceSet("none", ()) if found is None else found.anderson_rubin
    strength = np.nan if found is None else found.effective_f
    return row.assign(first_stage_f=strength, ar_low=robust.low, ar_high=robust.high)


def fit_through_draw(sample: Sample, design: Design, treatment: str) -> InstrumentFit | None:
    """Fit with assignment as instrument for `treatment`; None without a problem or where nothing moves it."""
    if sample.problem is None:
        return None
    values = numeric(sample.frame, treatment)
    if is_explained(values, sample.problem.residual(values)):
        return None
    return two_stage(sample.problem, values, tail=design.tail)


def first_stage_notes(found: InstrumentFit) -> tuple[str, ...]:
    """Say how strong the instrument is and what the Anderson-Rubin set looks like."""
    strength = found.effective_f
    if np.isnan(strength):
        return ("no first-stage F",)
    weak = f" (weak: below {WEAK_INSTRUMENT:.0f})" if strength < WEAK_INSTRUMENT else ""
    return (f"first-stage F {strength:.1f}{weak}", _in_words(found.anderson_rubin))


def _in_words(found: ConfidenceSet) -> str:
    if found.kind == "whole line":
        return "Anderson-Rubin set: the whole line, no effect is ruled out"
    if found.kind == "two half-lines":
        (_, below), (above, _) = found.pieces
        return f"Anderson-Rubin set: two half-lines, up to {below:.3f} and from {above:.3f} on"
    return f"Anderson-Rubin set: {found.kind}"

"""Build the regressors of one outcome from a frame; fits nothing.

Neither outcome nor controls are chosen here: the `Design` names them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Codes, Design, Floats, numeric

_DEPENDENT = 1e-10  # of the squared length of a column


@dataclass(frozen=True)
class Columns:
    """Regressors with their names, and what a reader must know about them."""

    matrix: Floats
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()


def covariates(
    frame: pd.DataFrame, design: Design, outcome: str | None, *, controls: bool = True
) -> Columns:
    """Baseline outcome and controls, without gaps.

    A gap is filled (baseline outcome: 0; control: its mean) and marked by a dummy. In a randomised
    comparison this loses no row and does not bias the effect (Groenwold et al. 2012, CMAJ 184:1265;
    Zhao and Ding 2024, JASA 119:1050). Controls are centred. `outcome` None leaves the baseline out,
    `controls` False the controls.
    """
    if design.estimator == "difference":
        return Columns(np.empty((len(frame), 0)), ())
    parts, names, notes = [], [], []
    if outcome is not None:
        column = design.at_baseline(outcome)
        if column in frame:
            baseline = _filled(column, numeric(frame, column), centre=False)
            parts, names, notes = [baseline.matrix], list(baseline.names), list(baseline.notes)
        else:
            notes.append("no baseline measure")
    for control in design.controls if controls else ():
        filled = _filled(control, numeric(frame, control), centre=True)
        parts.append(filled.matrix)
        names.extend(filled.names)
        notes.extend(filled.notes)
    matrix = np.column_stack(parts) if parts else np.empty((len(frame), 0))
    return Columns(matrix, tuple(names), tuple(notes))


def independent(fixed: Floats, extra: Columns) -> Columns:
    """Keep of `extra`, in order, what is no linear combination of `fixed` and the columns before it."""
    new = _is_new(np.column_stack([fixed, extra.matrix]))[fixed.shape[1] :]
    names = np.array(extra.names, dtype=object)
    dropped = ", ".join(names[~new])
    notes = (*extra.notes, f"dropped as collinear: {dropped}") if dropped else extra.notes
    return Columns(extra.matrix[:, new], tuple(names[new]), notes)


def independent_within(
    strata: Codes, focal: Floats, extra: Columns, weights: Floats | None = None
) -> Columns:
    """Keep of `extra`, in order, what stratum dummies, `focal` and the columns before it do not give.

    Parameters
    ----------
    strata : array of int, shape (n,)
        Numbers from 0.
    focal : array of float, shape (n,)
    extra : Columns, shape (n, k)
    weights : array of float, shape (n,), optional

    Returns
    -------
    Columns
        The columns as they were given, fewer of them; a note names those dropped.
    """
    matrix = np.column_stack([focal, extra.matrix])
    weight = np.ones(len(focal)) if weights is None else weights
    total = np.bincount(strata, weight)
    length = np.sqrt(((matrix - matrix.mean(axis=0)) ** 2).sum(axis=0))
    inner = np.empty(matrix.shape)
    for j, column in enumerate(matrix.T):
        inner[:, j] = column - (np.bincount(strata, weight * column) / total)[strata]
    scaled = inner / np.where(length > 0, length, 1.0)
    new = _sweep(scaled.T @ scaled)[1:]
    names = np.array(extra.names, dtype=object)
    dropped = ", ".join(names[~new])
    notes = (*extra.notes, f"dropped as collinear: {dropped}") if dropped else extra.notes
    return Columns(extra.matrix[:, new], tuple(names[new]), notes)


def _filled(name: str, values: Floats, *, centre: bool) -> Columns:
    missing = np.isnan(values)
    if missing.all():
        return Columns(np.empty((len(values), 0)), (), (f"{name} missing in every row",))
    shift = values[~missing].mean() if centre else 0.0
    filled = np.where(missing, 0.0, values - shift)[:, None]
    if not missing.any():
        return Columns(filled, (name,))
    marked = np.column_stack([filled, missing.astype(float)])
    return Columns(marked, (name, f"{name} missing"), (f"{name} missing in {missing.sum()} rows",))


def _is_new(matrix: Floats) -> np.ndarray:
    """Whether each column adds to those before it, by sweeping the cross products of unit columns."""
    length = np.sqrt((matrix**2).sum(axis=0))
    unit = matrix / np.where(length > 0, length, 1.0)
    return _sweep(unit.T @ unit)


def _sweep(products: Floats) -> np.ndarray:
    rest = products
    new = np.zeros(len(products), dtype=bool)
    for position in range(len(new)):
        left = rest[position, position]
        new[position] = left > _DEPENDENT
        if new[position]:
            rest = rest - np.outer(rest[:, position], rest[position]) / left
    return new

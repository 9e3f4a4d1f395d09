"""Take the rows and columns of a comparison that nobody drew from the table of households."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Design, Floats, codes_of, numeric
from survey_tools.estimate.design.design import refuse_repeated
from survey_tools.estimate.regression.regressors import Columns, covariates, independent

LEAST_MARKED = 10
"""Rows of each arm that a mark of a missing covariate needs, to be adjusted for."""


@dataclass(frozen=True)
class Comparison:
    """Rows of an observational comparison as numbers.

    Attributes
    ----------
    frame : DataFrame
        Rows with a known treatment and outcome, in the order of the table.
    y, treated : array of float, shape (n,)
    adjusted : Columns, shape (n, k)
        What the comparison adjusts for, without gaps.
    clusters : array of int, shape (n,)
    weights : array of float, shape (n,), or None
    """

    frame: pd.DataFrame
    y: Floats
    treated: Floats
    adjusted: Columns
    clusters: Codes
    weights: Floats | None


def compare(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    treatment: str | None = None,
    further: Iterable[str] = (),
    strata: bool = True,
) -> Comparison:
    """Take the rows and columns of an observational comparison from the table; see `aipw`."""
    design.check_places(households)
    refuse_repeated(households)
    column = treatment or design.treatment
    y, treated = numeric(households, design.at_endline(outcome)), numeric(households, column)
    there = ~np.isnan(y) & ~np.isnan(treated)
    if not np.isin(treated[there], (0.0, 1.0)).all():
        raise DesignError(
            "The treatment is neither 0 nor 1 in some rows.",
            expected="0 (untreated) or 1 (treated)",
            where=f"column {column}",
        )
    frame = households.loc[there]
    adjusting = replace(
        design, estimator="ancova", controls=tuple(dict.fromkeys((*design.controls, *further)))
    )
    columns = _without_rare_marks(covariates(frame, adjusting, outcome), treated[there])
    if strata and len(frame):
        columns = _with_stratum_means(frame, design, columns, treated[there])
    if len(frame):
        columns = independent(np.ones((len(frame), 1)), columns)
    clusters = codes_of(frame, design.cluster)[0]
    return Comparison(frame, y[there], treated[there], columns, clusters, design.weights_of(frame))


def _without_rare_marks(columns: Columns, treated: Floats) -> Columns:
    """Leave out marks of missing values that too few rows of an arm carry: they would separate the arms.

    Those few rows stay, with the mean filled in.
    """
    kept, rare = [], []
    for position, name in enumerate(columns.names):
        marked = columns.matrix[:, position]
        counts = [int(marked[treated == arm].sum()) for arm in (0, 1)]
        if name.endswith(" missing") and min(counts) < LEAST_MARKED:
            rare.append(f"{name} ({sum(counts)} rows)")
        else:
            kept.append(position)
    notes = (f"mark left out as rare: {', '.join(rare)}",) if rare else ()
    names = tuple(columns.names[position] for position in kept)
    return Columns(columns.matrix[:, kept], names, (*columns.notes, *notes))


def _with_stratum_means(
    frame: pd.DataFrame, design: Design, columns: Columns, treated: Floats
) -> Columns:
    codes = codes_of(frame, design.stratum)[0]
    wide = np.column_stack([treated, columns.matrix])
    total = np.bincount(codes)
    means = np.column_stack([np.bincount(codes, column) / total for column in wide.T])[codes]
    names = [f"{design.stratum} mean of {name}" for name in ("treatment", *columns.names)]
    return Columns(
        np.column_stack([columns.matrix, means]), (*columns.names, *names), columns.notes
    )

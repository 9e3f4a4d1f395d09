"""CR2 of any linear combination of coefficients, the level among them, by matrices of rows.

`Problem` sweeps the constant out, so it has no error for a mean. This has, for regressions with few columns.
"""

from __future__ import annotations

import numpy as np

from survey_tools.estimate.design import Codes, Floats
from survey_tools.estimate.regression.coefficient import Coefficient

_SINGULAR = 1e-10


def combination(
    x: Floats,
    y: Floats,
    clusters: Codes,
    contrast: Floats,
    *,
    weights: Floats | None = None,
    tail: float = 0.025,
) -> Coefficient:
    """Estimate `contrast` times the coefficients of `y` on `x`, with CR2 and Satterthwaite t.

    Formulas of Bell and McCaffrey (2002) and Pustejovsky and Tipton (2018), identity working model,
    as in `cr2`.

    Parameters
    ----------
    x : array of float, shape (n, k)
        All regressors, the constant or what spans it among them; may be collinear.
    y : array of float, shape (n,)
    clusters : array of int, shape (n,)
        Numbers from 0 to G-1.
    contrast : array of float, shape (k,)
    weights : array of float, shape (n,), optional
        Above 0.
    tail : float

    Returns
    -------
    Coefficient
        NaN throughout when the columns of `x` do not determine the combination.
    """
    w = np.ones(len(y)) if weights is None else weights / weights.mean()
    weighted = x * w[:, None]
    inverse = np.linalg.pinv(x.T @ weighted, rcond=_SINGULAR, hermitian=True)
    direction = inverse @ contrast
    if np.abs(x.T @ (weighted @ direction) - contrast).max() > 1e-6 * np.abs(contrast).max():
        return Coefficient()
    estimate = float(weighted @ direction @ y)
    errors = y - x @ (inverse @ (weighted.T @ y))
    second = inverse @ (weighted.T @ weighted) @ inverse
    g = int(clusters.max()) + 1
    scores, squares = np.zeros(g), np.zeros(g)
    left, right = np.zeros((g, x.shape[1])), np.zeros((g, x.shape[1]))
    for cluster in range(g):
        rows = clusters == cluster
        inside, own = x[rows], weighted[rows]
        hat = inside @ inverse @ own.T
        rest = np.eye(len(inside)) - hat - hat.T + inside @ second @ inside.T
        adjusted = _inverse_root(rest) @ (own @ direction)
        scores[cluster] = adjusted @ errors[rows]
        squares[cluster] = adjusted @ adjusted
        left[cluster], right[cluster] = adjusted @ inside, adjusted @ own
    crossed = left @ inverse @ right.T
    covariances = np.diag(squares) - crossed - crossed.T + left @ second @ left.T
    trace = np.trace(covariances)
    df = float(trace**2 / (covariances**2).sum()) if trace > _SINGULAR**2 else np.nan
    return Coefficient.from_error(estimate, float(np.sqrt(scores @ scores)), df, tail)


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    kept = values > _SINGULAR
    factor = np.where(kept, 1 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray((vectors * factor) @ vectors.T)

"""Draw answers from probabilities, column by column; knows no question and no district.

Draws take uniforms or a generator that the caller passes in; nothing is seeded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Weights = Mapping[str, Any]


def pick(uniform: Array, weights: Weights) -> Array:
    """Choose one name a row by inverting the cumulated weights.

    Parameters
    ----------
    uniform : array of float, shape (n,)
        Uniform draws; the same draw gives the same answer again, so answers can persist over waves.
    weights : mapping of name to weight
        Weights that need not sum to 1; a number, or one a row. Negative ones count as 0.

    Returns
    -------
    array of object, shape (n,)

    >>> pick(np.array([0.1, 0.9]), {"yes": 0.5, "no": 0.5}).tolist()
    ['yes', 'no']
    """
    table = _table(weights, len(uniform))
    edges = np.cumsum(table, axis=1)
    position = (uniform[:, None] * edges[:, -1:] >= edges).sum(axis=1)
    names = np.array(list(weights), dtype=object)
    return names[np.minimum(position, len(names) - 1)]


def tick(rng: np.random.Generator, n: int, chances: Weights, fallback: str) -> Array:
    """Tick each name with its own probability, names joined by a space.

    A row in which nothing is ticked gets `fallback` (often `none`, which then stands alone).

    Returns
    -------
    array of object, shape (n,)
    """
    table = _table(chances, n)
    ticked = rng.random(table.shape) < table
    return join(ticked, list(chances), fallback)


def join(ticked: Array, names: list[str], fallback: str) -> Array:
    """Join the names of the ticked columns of each row; an empty row gets `fallback`."""
    codes = ticked.astype(np.int64) @ (1 << np.arange(len(names), dtype=np.int64))
    patterns, inverse = np.unique(codes, return_inverse=True)
    texts = [
        " ".join(name for k, name in enumerate(names) if pattern >> k & 1) or fallback
        for pattern in patterns.tolist()
    ]
    return np.array(texts, dtype=object)[inverse]


def only(asked: Array, values: Array) -> Array:
    """Keep `values` where the question was asked; None elsewhere."""
    kept = np.asarray(values).astype(object)
    kept[~np.asarray(asked, dtype=bool)] = None
    return kept


def yes_no(yes: Array) -> Array:
    """Write booleans as the codes `yes` and `no`."""
    return np.where(yes, "yes", "no").astype(object)


def text(numbers: Array) -> Array:
    """Write whole numbers as the form does."""
    return np.asarray(numbers).astype(np.int64).astype(str).astype(object)


def bounded(rng: np.random.Generator, sd: float, n: int) -> Array:
    """Draw uniform effects with mean 0 and standard deviation `sd`: bounded, so no clipping is needed."""
    half = sd * np.sqrt(3.0)
    return rng.uniform(-half, half, n)


def _table(weights: Weights, n: int) -> Array:
    columns = [
        np.broadcast_to(np.asarray(weight, dtype=float), (n,)) for weight in weights.values()
    ]
    return np.maximum(np.stack(columns, axis=1), 0.0)

"""The comparison of interviews in one go is held against a loop over pairs and questions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_tools.clean.checks import pairs
from survey_tools.clean.checks.pairs import alike


def one_by_one(
    codes: np.ndarray, blocks: list[np.ndarray], share: float, least: int
) -> list[tuple[int, int, float, int]]:
    found = set()
    for block in blocks:
        for place, i in enumerate(block):
            for j in block[place + 1 :]:
                both = [(a, b) for a, b in zip(codes[i], codes[j], strict=True) if min(a, b) >= 0]
                equal = sum(a == b for a, b in both)
                if len(both) >= least and equal >= share * len(both):
                    found.add((int(i), int(j), round(equal / len(both), 5), len(both)))
    return sorted(found)


def rows_of(found: pd.DataFrame) -> list[tuple[int, int, float, int]]:
    assert list(found.columns) == ["first", "second", "share", "asked"]
    rows = found.round({"share": 5}).itertuples(index=False, name=None)
    return [(int(i), int(j), share, int(asked)) for i, j, share, asked in rows]


@pytest.mark.parametrize("cells", [1, 50, 1 << 17])
def test_alike__finds_what_a_loop_over_pairs_finds(monkeypatch, cells):
    monkeypatch.setattr(pairs, "CELLS", cells)
    rng = np.random.default_rng(5)
    some = 0
    for _ in range(20):
        codes = rng.integers(-1, 3, (30, 12)).astype(np.int32)
        order = rng.permutation(30)
        blocks = [np.sort(part) for part in np.split(order, [1, 4, 11, 20])]
        blocks += [np.sort(rng.choice(30, 6, replace=False)) for _ in range(2)]
        wanted = one_by_one(codes, blocks, 0.6, 5)
        assert rows_of(alike(codes, blocks, 0.6, 5)) == wanted
        some += len(wanted)
    assert some > 50


def test_alike__nobody_was_asked_anything():
    codes = np.full((4, 3), -1, dtype=np.int32)
    assert alike(codes, [np.arange(4)], 0.5, 1).empty


def test_alike__no_block_has_two_rows():
    codes = np.zeros((2, 3), dtype=np.int32)
    found = alike(codes, [np.array([0]), np.array([1])], 0.5, 1)
    assert found.empty
    assert list(found.dtypes.astype(str)) == ["int64", "int64", "float64", "int64"]

"""Find pairs of interviews that are nearly the same; says nothing on which one is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from survey_tools.clean.checks.base import WHO, Fieldwork, flags, percent

NO_ANSWERS = frozenset({
    "start", "end", "today", "wave", "visit_type", "enumerator_id", "commune_code", "team_id", "hhid",
    "visit_no", "visit_result", "duration_min", "refuse_reason", "enum_quality", "resp_line",
})  # fmt: skip
"""Columns in which interviews of one enumerator agree by themselves."""
NO_ANSWERS_BEGIN = ("_", "consent", "kish_")


def near_identical(work: Fieldwork) -> pd.DataFrame:
    """Flag the later interview of a pair with nearly the same answers (Kuriakose and Robbins 2016).

    Compared are interviews of one enumerator in one wave, and of one team in one wave; a block of more
    than `block` rows is cut by team, then by time, so that the work grows with the rows. A question with
    several answers counts once, a question counts where both were asked it.
    """
    rule = work.rules.near_identical
    rows = work.household.sort_values(["start", "_id"]).reset_index(drop=True)
    codes = _codes(rows)
    found: dict[tuple[int, int], tuple[float, int]] = {}
    for block in _blocks(rows, rule.block):
        found |= _pairs(codes[block], block, rule.share, rule.least)
    pairs = pd.DataFrame(
        [(*pair, *match) for pair, match in sorted(found.items())],
        columns=["first", "second", "share", "asked"],
    )
    later = rows.loc[pairs["second"], ["_id", *WHO]].reset_index(drop=True)
    other = rows.loc[pairs["first"], "_id"].astype("str").reset_index(drop=True)
    share = percent(pairs["share"])
    detail = share + " / " + pairs["asked"].astype("str")
    message = share + " of the answers are those of row " + other + "."
    return flags("near_identical", later, message, detail=detail, item=other)


def _codes(rows: pd.DataFrame) -> np.ndarray:
    """Write answers as small numbers, shape (interviews, questions); -1 where there is none."""
    names = [c for c in rows.columns if c not in NO_ANSWERS and not c.startswith(NO_ANSWERS_BEGIN)]
    several: dict[str, list[str]] = {}
    for name in names:
        several.setdefault(name.split("__", 1)[0], []).append(name)
    columns = [
        _several(rows[parts]) if "__" in parts[0] else pd.factorize(rows[parts[0]])[0]
        for parts in several.values()
    ]
    if not columns:
        return np.empty((len(rows), 0), dtype=np.int32)
    return np.column_stack(columns).astype(np.int32)


def _several(parts: pd.DataFrame) -> np.ndarray:
    ticked = parts.fillna(False).to_numpy(dtype=bool)
    code = ticked @ (1 << np.arange(ticked.shape[1], dtype=np.int64))
    return np.where(parts.notna().any(axis=1), pd.factorize(code)[0], -1)


def _blocks(rows: pd.DataFrame, most: int) -> Iterator[np.ndarray]:
    for keys in (["wave", "enumerator_id"], ["wave", "team_id"]):
        for _, place in rows.groupby(keys).indices.items():
            if len(place) <= most:
                yield np.asarray(place)
            elif keys[1] == "team_id":
                yield from np.array_split(np.asarray(place), -(-len(place) // most))


def _pairs(
    codes: np.ndarray, place: np.ndarray, share: float, least: int
) -> dict[tuple[int, int], tuple[float, int]]:
    there = (codes >= 0).astype(np.float32)
    asked = there @ there.T
    equal = np.zeros_like(asked)
    for column in codes.T:
        equal += (column[:, None] == column[None, :]) & (column[:, None] >= 0)
    alike = np.triu((asked >= least) & (equal >= share * asked), k=1)
    return {
        (int(place[i]), int(place[j])): (float(equal[i, j] / asked[i, j]), int(asked[i, j]))
        for i, j in zip(*np.nonzero(alike), strict=True)
    }

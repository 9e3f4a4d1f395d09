"""Find pairs of interviews that are nearly the same; says nothing on which one is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.clean.checks.base import WHO, Fieldwork, flags, percent

NO_ANSWERS = frozenset({
    "start", "end", "today", "wave", "visit_type", "enumerator_id", "commune_code", "team_id", "hhid",
    "visit_no", "visit_result", "duration_min", "refuse_reason", "enum_quality", "resp_line",
    contracts.AREA_LIST,
})  # fmt: skip
"""Columns in which interviews of one enumerator agree by themselves."""
NO_ANSWERS_BEGIN = ("_", "consent", "kish_")
CELLS = 1 << 17
"""Pairs that are compared in one go."""
MOST_IN_A_BYTE = 255


def near_identical(work: Fieldwork) -> pd.DataFrame:
    """Flag the later interview of a pair with nearly the same answers (Kuriakose and Robbins 2016).

    Compared are interviews of one enumerator in one wave, and of one team in one wave; a block of more
    than `block` rows is cut by team, then by time, so that the work grows with the rows. A question with
    several answers counts once, a question counts where both were asked it.
    """
    rule = work.rules.near_identical
    rows = work.household.sort_values(["start", "_id"]).reset_index(drop=True)
    pairs = alike(_codes(rows), list(_blocks(rows, rule.block)), rule.share, rule.least)
    later = rows[["_id", *WHO]].loc[pairs["second"]].reset_index(drop=True)
    other = rows.loc[pairs["first"], "_id"].astype("str").reset_index(drop=True)
    share = percent(pairs["share"])
    detail = share + " / " + pairs["asked"].astype("str")
    message = share + " of the answers are those of row " + other + "."
    return flags("near_identical", later, message, detail=detail, item=other)


def alike(codes: np.ndarray, blocks: list[np.ndarray], share: float, least: int) -> pd.DataFrame:
    """Compare every row with every other one of its block.

    Parameters
    ----------
    codes : array of int, shape (rows, questions)
        Answers; -1 where there is none.
    blocks : list of array of int
        Rows that are compared with each other, in rising order; a row may stand in several blocks.
    share : float
        Least share of equal answers.
    least : int
        Questions that both must have answered.

    Returns
    -------
    DataFrame
        `first, second` (rows, first < second), `share, asked`; each pair once, sorted.
    """
    parts = [_of_batch(codes, batch, share, least) for batch in _batches(blocks)]
    columns = ["first", "second", "share", "asked"]
    found = pd.concat([pd.DataFrame(columns=columns), *(part for part in parts if len(part))])
    found = found.astype(
        {"first": "int64", "second": "int64", "share": "float64", "asked": "int64"}
    )
    return found.drop_duplicates(columns[:2]).sort_values(columns[:2], ignore_index=True)


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


def _batches(blocks: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Lay blocks of like size side by side, shape (blocks, most rows); -1 where a block has no more rows."""
    ordered = sorted((block for block in blocks if len(block) > 1), key=len)
    while ordered:
        most = len(ordered[-1])
        number = max(1, CELLS // most**2)
        batch = np.full((len(ordered[-number:]), most), -1)
        for line, block in zip(batch, ordered[-number:], strict=True):
            line[: len(block)] = block
        yield batch
        del ordered[-number:]


def _of_batch(codes: np.ndarray, batch: np.ndarray, share: float, least: int) -> pd.DataFrame:
    answers = np.where(batch[:, :, None] >= 0, codes[batch], -1)
    asked = _asked(answers >= 0).astype(np.float32)
    equal = _equal(np.ascontiguousarray(answers.transpose(2, 0, 1))).astype(np.float32)
    block, i, j = np.nonzero(np.triu((asked >= least) & (equal >= share * asked), k=1))
    both = asked[block, i, j]
    return pd.DataFrame(
        {"first": batch[block, i], "second": batch[block, j], "share": equal[block, i, j] / both,
         "asked": both}
    )  # fmt: skip


def _asked(there: np.ndarray) -> np.ndarray:
    """Count for every pair of rows of a block how many questions both have answered, 64 at a time."""
    blocks, rows, questions = there.shape
    padded = np.zeros((blocks, rows, -(-questions // 64) * 64), dtype=bool)
    padded[:, :, :questions] = there
    words = np.packbits(padded, axis=2).view(np.uint64).transpose(2, 0, 1)
    counted = np.zeros((blocks, rows, rows), dtype=np.uint16)
    for word in words:
        counted += np.bitwise_count(word[:, :, None] & word[:, None, :])
    return counted


def _equal(answers: np.ndarray) -> np.ndarray:
    """Count for every pair of rows of a block in how many questions they agree.

    Parameters
    ----------
    answers : array of int, shape (questions, blocks, rows)

    Returns
    -------
    array of int, shape (blocks, rows, rows)
    """
    _, blocks, rows = answers.shape
    counted = np.zeros((blocks, rows, rows), dtype=np.uint16)
    same = np.empty(counted.shape, dtype=bool)
    for first in range(0, len(answers), MOST_IN_A_BYTE):
        part = np.zeros(counted.shape, dtype=np.uint8)
        for answer in answers[first : first + MOST_IN_A_BYTE]:
            other = np.where(answer < 0, -2, answer)  # no answer equals no other
            np.equal(answer[:, :, None], other[:, None, :], out=same)
            part += same.view(np.uint8)
        counted += part
    return counted

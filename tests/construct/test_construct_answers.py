"""The long table of answers is held against a loop over interviews, questions and choices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.construct.answers import KEYS, build_answers


def one_by_one(household: pd.DataFrame, variables: list[str]) -> list[tuple[object, ...]]:
    return [
        (*(row[key] for key in KEYS), variable, column.removeprefix(f"{variable}__"), int(row[column]))
        for variable in variables
        for column in household.columns
        if column.startswith(f"{variable}__")
        for _, row in household.iterrows()
        if pd.notna(row[column])
    ]  # fmt: skip


def test_build_answers__as_a_loop_would():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({key: rng.choice(["a", "b", "c"], 40) for key in KEYS}).astype("str")
    for column in ("wish__one", "wish__two", "why__one", "why__none", "other__one"):
        ticks = rng.integers(-1, 2, 40)
        frame[column] = pd.Series(ticks, dtype="Int64").mask(ticks < 0).astype("boolean")
    frame.index = frame.index[::-1] * 3
    found = build_answers(frame, ["why", "wish", "missing"])
    assert list(found.itertuples(index=False, name=None)) == one_by_one(frame, ["why", "wish"])
    assert list(found.columns) == [*KEYS, "variable", "choice", "chosen"]
    assert found.index.equals(pd.RangeIndex(len(found)))
    assert found.dtypes.astype(str).tolist() == ["str"] * 6 + ["int64"]

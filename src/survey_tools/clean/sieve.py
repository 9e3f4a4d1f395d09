"""Pass rows through one filter after another and keep count of what left and why.

Decides nothing: each filter is given with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey_tools.errors import ContractError

UNKNOWN_WAVE = "?"
ALL = "all"
"""Stands for the wave in a form that is not collected by wave."""

FLOW_COLUMNS = ["step", "stage", "wave", "reason", "dropped", "remaining"]
LEFT_COLUMNS = ["_id", "wave", "team_id", "enumerator_id", "reason"]


class Sieve:
    """Rows of one form on their way through the filters.

    Parameters
    ----------
    frame : DataFrame
        One row a submission, under an index without duplicates; needs `_id`, and `wave` where the form
        has one. Never changed.
    stage : str
        Name of the stage in the flow.
    received : str
        What the rows are at the beginning, in the words of the flow.
    """

    def __init__(self, frame: pd.DataFrame, *, stage: str, received: str) -> None:
        self.frame = frame
        self._stage = stage
        self._waves = sorted(_waves(frame).unique()) or [ALL]
        self._flow: list[dict[str, object]] = []
        self._left: list[pd.DataFrame] = []
        self._record(_count(frame).iloc[:0], received)

    _whole: pd.DataFrame
    _here: np.ndarray | None

    @property
    def frame(self) -> pd.DataFrame:
        """The rows that are still there."""
        if self._here is not None:
            self._whole, self._here = self._whole.iloc[self._here], None
        return self._whole

    @frame.setter
    def frame(self, frame: pd.DataFrame) -> None:
        # A wide frame is copied when it is asked for, not at every filter.
        self._whole, self._here = frame, None

    def rows(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return some columns, those that there are, of the rows that are still there."""
        if columns is None:
            return self.frame
        some = self._whole[[name for name in columns if name in self._whole]]
        return some if self._here is None else some.iloc[self._here]

    def __getitem__(self, column: str) -> pd.Series:
        """Return one column of the rows that are still there."""
        values = self._whole[column]
        return values if self._here is None else values.iloc[self._here]

    def __contains__(self, column: str) -> bool:
        return column in self._whole

    def where(self, mask: pd.Series) -> pd.DataFrame:
        """Return those of the rows that are still there for which `mask` is true, and keep all."""
        return self._whole.iloc[self._places()[self._aligned(mask)]]

    def keep(self, mask: pd.Series, reason: str) -> pd.DataFrame:
        """Keep the rows where `mask` is true, record the others under `reason`, return the others."""
        stays, places = self._aligned(mask), self._places()
        others = self._whole.iloc[places[~stays]]
        self._here = self._here if stays.all() else places[stays]
        self._left.append(
            others.reindex(columns=LEFT_COLUMNS).assign(
                _id=others["_id"].astype("int64"), wave=_waves(others), reason=reason
            )
        )
        self._record(_count(others), reason)
        return others

    def note(self, remark: str) -> None:
        """Record a remark in the flow: a step that took no row away."""
        self._record(_count(self._whole.iloc[:0]), remark)

    def _places(self) -> np.ndarray:
        return np.arange(len(self._whole)) if self._here is None else self._here

    def _aligned(self, mask: pd.Series) -> np.ndarray:
        index = self._whole.index if self._here is None else self._whole.index[self._here]
        return mask.reindex(index).fillna(False).to_numpy(dtype=bool)

    def flow(self) -> pd.DataFrame:
        """Return the flow so far, one row a step and wave (contract `flow`)."""
        flow = pd.DataFrame(self._flow, columns=FLOW_COLUMNS)
        return flow.astype({"step": "int64", "dropped": "int64", "remaining": "int64"})

    def left(self) -> pd.DataFrame:
        """Return the rows that left: `_id`, `wave`, `team_id`, `enumerator_id`, `reason`."""
        text = dict.fromkeys(["wave", "team_id", "enumerator_id", "reason"], "str")
        if not self._left:
            return pd.DataFrame(columns=LEFT_COLUMNS).astype({"_id": "int64", **text})
        return pd.concat(self._left, ignore_index=True).astype({"_id": "int64", **text})

    def _record(self, dropped: pd.Series, reason: str) -> None:
        step = len(self._flow) // max(len(self._waves), 1)
        remaining = _count(self.rows(["_id", "wave"]))
        for wave in self._waves:
            self._flow.append(
                {
                    "step": step,
                    "stage": self._stage,
                    "wave": wave,
                    "reason": reason,
                    "dropped": int(dropped.get(wave, 0)),
                    "remaining": int(remaining.get(wave, 0)),
                }
            )


def require_rows(frame: pd.DataFrame, form: str) -> None:
    """Refuse an empty form.

    Raises
    ------
    ContractError
        When there is no row.
    """
    if frame.empty:
        raise ContractError(
            f"The form «{form}» has no submissions.",
            expected="at least one submission",
            where=f"pulled rows of «{form}»",
            next_step="pull again, and look on the server whether anything was sent",
        )


def check_ids(frame: pd.DataFrame, form: str) -> None:
    """Assert that `_id` identifies the submissions.

    Raises
    ------
    ContractError
        When it is missing or stands twice.
    """
    wrong = int(frame["_id"].isna().sum() + frame["_id"].duplicated().sum())
    if wrong:
        raise ContractError(
            f"«_id» does not identify the submissions of «{form}».",
            expected="one row an _id",
            found=f"{wrong} row(s) with a missing or repeated _id",
            where=f"pulled rows of «{form}»",
            next_step="pull again from the server",
        )


def check_all_rows(received: pd.Series, kept: pd.Series, dropped: pd.DataFrame) -> None:
    """Assert that every submission was either kept or left once, with a reason.

    Parameters
    ----------
    received, kept : Series
        `_id` of the submissions pulled and of the rows of the cleaned table.
    dropped : DataFrame
        `_id, reason` of those that left.

    Raises
    ------
    ContractError
        Says how many are in neither, in both, or without a reason.
    """
    left = dropped["_id"]
    neither = int((~received.isin(kept) & ~received.isin(left)).sum())
    both = int(left.duplicated().sum() + kept.isin(left).sum())
    foreign = int((~kept.isin(received)).sum() + (~left.isin(received)).sum())
    silent = int(dropped["reason"].fillna("").eq("").sum())
    if neither or both or foreign or silent:
        raise ContractError(
            "The submissions do not add up.",
            expected="each submission kept, or left once with a reason",
            found=f"{neither} in neither, {both} in both, {foreign} never received, {silent} no reason",
            where="clean tables and `dropped`",
            next_step="clean again from the same pull",
        )


def _waves(frame: pd.DataFrame) -> pd.Series:
    if "wave" not in frame:
        return pd.Series(ALL, index=frame.index, dtype="str")
    return frame["wave"].astype("str").fillna(UNKNOWN_WAVE)


def _count(frame: pd.DataFrame) -> pd.Series:
    return _waves(frame).value_counts()

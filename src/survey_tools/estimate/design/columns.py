"""Take columns of a frame as numbers; a column that is absent or not numeric is named."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from survey_tools.errors import DesignError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def codes_of(frame: pd.DataFrame, column: str) -> tuple[Codes, tuple[str, ...]]:
    """Return a number from 0 for each row, by sorted values of `column`, and the names by number."""
    require_columns(frame, [column])
    codes, names = pd.factorize(frame[column].astype(str), sort=True)
    return codes.astype(np.int64), tuple(str(name) for name in names)


def require_columns(frame: pd.DataFrame, columns: list[str]) -> None:
    """Refuse a frame without one of `columns`."""
    absent = [column for column in columns if column not in frame]
    if absent:
        raise DesignError(
            "A column that the design names is not in the table.",
            expected=", ".join(absent),
            where=f"a table of {len(frame)} rows and {len(frame.columns)} columns",
            next_step="correct design: or waves: in the study file, or make the column in construct",
        )


def numeric(frame: pd.DataFrame, column: str) -> Floats:
    """Take a column as floats, gaps as NaN; text, also of digits, and infinite values are refused."""
    require_columns(frame, [column])
    given = frame[column]
    if pd.api.types.is_string_dtype(given) and given.notna().any():
        raise _not_numeric(given, column)
    try:
        floats = given.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        values = np.asarray(floats, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _not_numeric(given, column) from error
    if np.isinf(values).any():
        raise DesignError(
            "A column holds infinite values.",
            found=f"{int(np.isinf(values).sum())} row(s)",
            where=f"column {column}",
        )
    return values


def _not_numeric(given: pd.Series, column: str) -> DesignError:
    return DesignError(
        "A column to compute with is not numeric.",
        expected="numbers, or 0 and 1; no text, not even of digits",
        found=str(given.dtype),
        where=f"column {column}",
    )

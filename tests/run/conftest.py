"""A small workspace for the tests of this room."""

from __future__ import annotations

import pytest
from run_workspace import make_workspace

from survey_tools.params import Workspace


@pytest.fixture
def ws(tmp_path) -> Workspace:
    """A workspace with results and two report notebooks, and nothing else."""
    return make_workspace(tmp_path / "workspace")

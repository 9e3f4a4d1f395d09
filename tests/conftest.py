"""A workspace with the small synthetic district, shared by the tests that need a whole run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests_support import copy_workspace, survey_tools


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    """A workspace after `survey-tools run`; each worker makes it once."""
    root = copy_workspace(tmp_path_factory.mktemp("district"))
    done = survey_tools("run", "--communes", "10270,10288", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return root

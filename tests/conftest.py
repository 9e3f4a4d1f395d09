"""A workspace with the small synthetic district, shared by the tests that need a whole run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from browser_support import chromium
from tests_support import copy_workspace, survey_tools


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium for the tests of one file."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Path:
    """A workspace after `survey-tools run`: the first worker makes it, each works on a copy of its own."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / "district-as-made"
    with FileLock(f"{made}.lock"):
        if not made.is_dir():
            root = copy_workspace(tmp_path_factory.mktemp("making") / "ws")
            done = survey_tools("run", "--communes", "10270,10288", cwd=root)
            assert done.returncode == 0, done.stdout + done.stderr
            root.rename(made)
    return shutil.copytree(made, tmp_path_factory.mktemp("district") / "ws")

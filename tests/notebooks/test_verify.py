"""Delivered notebooks hold when executed again, by nbval's strict comparison; an altered one does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from survey_tools.run.kernels.provisioner import CHOICE, NAME

pytestmark = [pytest.mark.slow]

PAGES = ("10288.vi", "district.en")


@pytest.fixture(scope="module")
def root(workspace, tmp_path_factory):
    copy = tmp_path_factory.mktemp("verify") / "ws"
    return shutil.copytree(workspace, copy)


def _verify(root: Path, *notebooks: Path) -> subprocess.CompletedProcess:
    config = root / "notebooks" / "nbval.cfg"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-sanitize-with", str(config), *map(str, notebooks)]
    env = os.environ | {"SURVEY_TOOLS_ROOT": str(root), CHOICE: NAME}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=300)


def test_nbval__executed_pages_hold_when_executed_again(root):
    notebooks = [root / "reports" / "main" / "notebooks" / f"{page}.ipynb" for page in PAGES]
    done = _verify(root, *notebooks)
    assert done.returncode == 0, done.stdout[-4000:]
    cells = sum(
        cell["cell_type"] == "code"
        for notebook in notebooks
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
    )
    assert f"{cells} passed" in done.stdout


def test_nbval__one_altered_figure_is_found(root):
    notebook = root / "reports" / "main" / "notebooks" / f"{PAGES[0]}.ipynb"
    content = json.loads(notebook.read_text("utf-8"))
    cell = next(c for c in content["cells"] if c.get("id") == "key-figures")
    told = [output["data"] for output in cell["outputs"] if "text/html" in output["data"]]
    sentences = told[-1]
    html = "".join(sentences["text/html"])
    assert "%</data>" in html
    sentences["text/html"] = html.replace("%</data>", "9%</data>", 1)
    altered = notebook.with_name("altered.ipynb")
    altered.write_text(json.dumps(content), "utf-8")
    done = _verify(root, altered)
    assert done.returncode == 1, done.stdout[-4000:]
    assert "1 failed" in done.stdout

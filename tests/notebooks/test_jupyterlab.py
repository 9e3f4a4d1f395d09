"""Every notebook runs from top to bottom in JupyterLab, as a researcher would run it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from survey_tools.params import ROOT_VARIABLE

NOTEBOOKS = sorted(path.name for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
TIMEOUT = 240_000

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Lab:
    """A JupyterLab server on loopback with its root in a workspace."""

    def __init__(self, root: Path, log: Path) -> None:
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.port={self.port}", f"--ServerApp.root_dir={root}"]
        command += ["--LabApp.expose_app_in_browser=True"]
        env = {k: v for k, v in os.environ.items() if k != ROOT_VARIABLE}
        env |= {"JUPYTER_TOKEN": self.token, "SURVEY_TOOLS_SANDBOX_PRESET": "small"}
        self.process = subprocess.Popen(command, cwd=root, env=env, stderr=log.open("wb"))
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.get("api/status")
                return
            except OSError:
                time.sleep(0.3)
        raise TimeoutError("JupyterLab did not start")

    def get(self, path: str) -> dict:
        address = f"http://127.0.0.1:{self.port}/{path}"
        request = urllib.request.Request(address, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def code_cells(self, notebook: str) -> list[dict]:
        content = self.get(f"api/contents/notebooks/{notebook}?content=1")["content"]
        return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def lab(workspace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    server = Lab(shutil.copytree(workspace, folder / "district"), folder / "lab.log")
    yield server
    server.process.terminate()
    server.process.wait(20)


def _errors(cells: list[dict]) -> list[str]:
    outputs = [output for cell in cells for output in cell["outputs"]]
    return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_run_all__ends_without_error(lab, browser, notebook):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(TIMEOUT)
    page.goto(f"http://127.0.0.1:{lab.port}/lab/tree/notebooks/{notebook}?token={lab.token}&reset")
    page.locator(".jp-Notebook").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    select = page.locator(".jp-Dialog .jp-mod-accept")
    if select.is_visible():
        select.click()
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    cells = lab.code_cells(notebook)
    page.close()
    assert _errors(cells) == []
    assert [cell["id"] for cell in cells if not cell["execution_count"]] == []

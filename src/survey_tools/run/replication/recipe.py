"""Write what a replicator runs: the Makefile of a pack, and for a real study the file of its simulation.

Not here: what is said about it (survey_tools.run.replication.readme).
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from survey_tools.errors import RunError
from survey_tools.params.read import read_study

DEMO_STUDY = "params/demo.yml"
"""Study file of a pack of a real study: the same study on the simulated district."""

PROJECT, NUMBERS = "survey_tools", "delivered/numbers.csv"

_URL = re.compile(r"^(\s+url:\s*)\S+", re.MULTILINE)
_SYNTHETIC = re.compile(r"^(\s+synthetic:\s*)\S+", re.MULTILINE)


def command_of(options: Sequence[str]) -> str:
    """Command by which the run is made again, into the run `demo`."""
    if not options:
        return "survey-tools demo"
    return shlex.join(["survey-tools", "run", "--run", "demo", *options])


def makefile(options: Sequence[str], *, synthetic: bool) -> str:
    """Write the Makefile that stands beside the README.

    Parameters
    ----------
    options : sequence of str
        Options of `survey-tools run` that make the delivered pages.
    synthetic : bool
        A real study's demo has other numbers than the delivered pages: there is nothing to compare.
    """
    command = command_of(options) if synthetic else f"survey-tools demo --study {DEMO_STUDY}"
    lines = [
        "# The three steps of the README. Needed: Python 3.11 or later, make, a package index.",
        "PYTHON ?= python3",
        ".PHONY: demo test compare" if synthetic else ".PHONY: demo test",
        "demo:",
        f'\t@$(MAKE) --no-print-directory -C {PROJECT} .venv/.ready PYTHON="$(PYTHON)"',
        f"\t@cd {PROJECT} && .venv/bin/{command}",
        "test:",
        f'\t@$(MAKE) --no-print-directory -C {PROJECT} test PYTHON="$(PYTHON)"',
    ]
    if synthetic:
        lines += [
            "compare:",
            f"\t@cd {PROJECT} && .venv/bin/survey-tools compare ../{NUMBERS} demo",
        ]
    return "\n".join(lines) + "\n"


def demo_study(content: str) -> str:
    """Turn a real study file into one for the built-in server with simulated answers; all else stays.

    Raises
    ------
    RunError
        When the file cannot be turned, because `server.url` or `study.synthetic` is written in another way.
    """
    text, urls = _URL.subn(r"\1sandbox", content)
    text, marks = _SYNTHETIC.subn(r"\1true", text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.yml"
        path.write_text(text, encoding="utf-8")
        study = read_study(path)
    if urls != 1 or marks != 1 or not study.server.is_sandbox or not study.study.synthetic:
        raise RunError(
            "No study file for the simulated district can be made from this one.",
            expected="one line `url: …` under server, and one line `synthetic: …` under study",
            found=f"{urls} and {marks}",
            where="the study file",
        )
    return text

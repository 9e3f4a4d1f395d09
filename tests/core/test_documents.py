"""What the documents promise is there."""

from __future__ import annotations

import re
from pathlib import Path

from survey_tools import contracts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme__every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_readme__every_exhibit_names_a_notebook_and_a_table():
    table = README.split("## What is shown where")[1].split("##")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][
        1:
    ]
    notebooks = {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    known = {*contracts.SCHEMAS, "balance_joint"}
    assert len(rows) >= 7
    for _, where, tables in rows:
        assert set(re.findall(r"\d\d", where)) <= notebooks
        assert set(re.findall(r"`(\w+)`", tables)) <= known


def test_makefile__every_program_that_it_runs_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for path in re.findall(r"(?:bench|scripts)/[\w-]+\.(?:py|sh)", makefile):
        assert (ROOT / path).is_file(), path

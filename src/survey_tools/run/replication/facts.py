"""Gather what the README says of a run, from its record, its executed notebooks and the study file.

Not here: the words (survey_tools.run.replication.readme).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from survey_tools.areas import read_areas
from survey_tools.params import DEFAULT_STUDY, Workspace
from survey_tools.run.batch.fingerprint import DISTRICT
from survey_tools.run.district import PRESETS
from survey_tools.run.fieldwork import DISTRICT_MARK
from survey_tools.run.files import read_json
from survey_tools.run.pipeline import STAGES
from survey_tools.run.replication.delivered import Delivered
from survey_tools.run.replication.exhibits import Made, exhibits_of

LANGUAGES = {"vi": "Vietnamese", "en": "English"}
_SECTION = re.compile(r"\*\*(Question|Writes)\*\* (.*?)(?=\\?\n\s*\*\*|\n\n|\Z)", re.DOTALL)


def preset_of(ws: Workspace) -> str:
    """Size of the synthetic district that the rows are of."""
    mark = ws.raw / DISTRICT_MARK
    name = mark.read_text("utf-8").split("-")[0] if mark.is_file() else ""
    return name if name in PRESETS else PRESETS[0]


def options_of(ws: Workspace, delivered: Delivered) -> list[str]:
    """Options of `survey-tools run` that make the same pages again; none where it made all of them.

    Every run has the page of the district, whatever communes it names.
    """
    codes = {page["code"] for page in delivered.record["pages"]} - {DISTRICT}
    langs = {page["lang"] for page in delivered.record["pages"]}
    known = {unit.code for unit in read_areas(ws.file("areas")).of(ws.study.areas.list_)}
    options = []
    if ws.study.server.is_sandbox and (preset := preset_of(ws)) != PRESETS[0]:
        options += ["--preset", preset]
    if codes != known:
        options += ["--communes", ",".join(sorted(codes)) or DISTRICT]
    if langs != set(ws.study.report.languages):
        options += ["--lang", ",".join(sorted(langs))]
    if ws.study_name != DEFAULT_STUDY:
        options += ["--study", ws.study_name]
    return options


def stage_seconds(folder: Path) -> dict[str, float]:
    """Seconds of each stage, from its executed notebook; a stage that the run did not keep is left out."""
    found: dict[str, float] = {}
    for stage in STAGES:
        content = read_json(folder / "notebooks" / f"{stage}.ipynb")
        about = (
            content.get("metadata", {}).get("papermill", {}) if isinstance(content, dict) else {}
        )
        if isinstance(about.get("duration"), int | float):
            found[stage] = float(about["duration"])
    return found


def page_seconds(delivered: Delivered) -> float:
    """Seconds that all pages took, one after the other."""
    return sum(float(page["seconds"].get("total") or 0) for page in delivered.pages)


def peak_mb(delivered: Delivered) -> float:
    """Memory of the largest page in MB; 0 where none was measured."""
    return max((float(page["peak_mb"] or 0) for page in delivered.pages), default=0.0)


def storage_mb(ws: Workspace, folder: Path) -> int:
    """Size of the workspace's data and of the run's folder, to ten MB upwards."""
    files = (
        path for top in (ws.root / "data", folder) for path in top.rglob("*") if path.is_file()
    )
    size = sum(path.stat().st_size for path in files if not path.is_symlink())
    return -(-size // 10_000_000) * 10


def programs(notebooks: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each notebook with its question and what it writes, from its first cell."""
    for path in sorted(notebooks.glob("*.ipynb")):
        content = read_json(path) or {}
        cells = content.get("cells") or [{}]
        said = dict(_SECTION.findall("".join(cells[0].get("source", ""))))
        yield path.name, _line(said.get("Question", "")), _line(said.get("Writes", ""))


def captions(delivered: Delivered) -> tuple[list[Made], str]:
    """List tables and figures of the district's page and of the first commune's, with that commune's code."""
    english = [page for page in delivered.pages if page["lang"] == "en"] or delivered.pages
    lang = english[0]["lang"]
    communes = sorted(page["code"] for page in english if page["code"] != DISTRICT)
    made: list[Made] = []
    for code in (*communes[:1], DISTRICT):
        notebook = next((Path(p["notebook"]).name for p in english if p["code"] == code), "")
        made += exhibits_of(delivered.folder / "notebooks" / f"{code}.{lang}.ipynb", notebook)
    return made, communes[0] if communes else DISTRICT


def versions(record: Mapping[str, Any]) -> str:
    """Write the versions that the record names."""
    known = dict(record["versions"])
    python = known.pop("python", "?")
    return f"Python {python}; " + ", ".join(f"{name} {found}" for name, found in known.items())


def exhibit_table(readme: str) -> str:
    """Take the table of exhibits out of the project's README; empty where it has none."""
    found = re.search(r"^\| exhibit \|.*?(?=\n\n|\Z)", readme, flags=re.MULTILINE | re.DOTALL)
    return found.group(0) if found else ""


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("|", "/")).strip(" \\")

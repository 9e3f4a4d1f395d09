"""Write the README of a pack, after the template of the Social Science Data Editors.

Texts stand in `text/`, a file for studies with simulated answers and one for real ones; every figure comes
from the run's record, its notebooks and the study file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from survey_tools import __version__
from survey_tools.params import Workspace
from survey_tools.run.replication import facts
from survey_tools.run.replication.delivered import Delivered
from survey_tools.run.replication.micro import MicroData
from survey_tools.run.replication.recipe import command_of

FOLDER = Path(__file__).parent / "text"
_PART = re.compile(r"^#: (\w+)\n(.*?)(?=^#: |\Z)", re.MULTILINE | re.DOTALL)
NOT_STATED = (
    "None is stated. Ask the owner of the study before you use it for anything but replication."
)


@dataclass(frozen=True)
class Contents:
    """What the pack holds besides the project: how many numbers, micro-data if any, and whom to ask."""

    numbers: int
    micro: MicroData | None
    contact: str
    project_readme: str
    license_files: tuple[str, ...]


def readme(ws: Workspace, delivered: Delivered, contents: Contents) -> str:
    """Write the README.

    Parameters
    ----------
    ws : Workspace
    delivered : Delivered
        The run.
    contents : Contents
    """
    values = _values(ws, delivered, contents)
    study = "synthetic" if ws.study.study.synthetic else "real"
    own = {name: text for name, text in _parts(study).items() if not name.startswith("micro_")}
    parts = {**_micro(contents.micro), **own}
    filled = dict(values)
    for name, text in parts.items():  # parts of the micro-data come first: others hold them
        filled[name] = Template(text).substitute(filled)
    whole = Template((FOLDER / "README.md").read_text("utf-8")).substitute(filled)
    return re.sub(r"\n{3,}", "\n\n", whole)


def _values(ws: Workspace, delivered: Delivered, contents: Contents) -> dict[str, str]:
    study, record = ws.study, delivered.record
    made, commune = facts.captions(delivered)
    licenses = ", ".join(f"`survey_tools/{name}`" for name in contents.license_files)
    return {
        "title": study.study.title_en,
        "title_vi": study.study.title_vi,
        "study": study.study.id,
        "run": record["run"],
        "pages": str(len(delivered.pages)),
        "languages": " and ".join(facts.LANGUAGES[lang] for lang in _langs(delivered)),
        "numbers": f"{contents.numbers:,}",
        "condition": _condition(delivered),
        "known": _known(delivered),
        "data_folder": "| `data/` | de-identified micro-data |\n" if contents.micro else "",
        "versions": facts.versions(record),
        "seed": str(study.design.seed),
        "assignment_seed": str(study.design.assignment_seed),
        "draws": f"{study.design.draws:,}",
        "preset": facts.preset_of(ws),
        "host": f"{record['host']['platform']} with {record['host']['cpus']} processors",
        "peak_mb": f"{facts.peak_mb(delivered):,.0f}",
        "storage_mb": f"{facts.storage_mb(ws, delivered.folder):,}",
        "command": command_of(facts.options_of(ws, delivered)),
        "programs": "\n".join(f"| `{n}` | {q} | {w} |" for n, q, w in facts.programs(ws.notebooks)),
        "exhibits": facts.exhibit_table(contents.project_readme),
        "commune": f"commune {commune}" if commune.isdigit() else "the district",
        "captions": "\n".join(
            f"| {one.kind} | {one.caption.replace('|', '/')} | `{one.notebook}` | {_code(one.calls)} |"
            for one in made
        ),
        "code_license": f"See {licenses}." if licenses else NOT_STATED,
        "data_license": study.release.terms or NOT_STATED,
        "contact": contents.contact,
        "waves": str(len(study.waves.all)),
        "show_from": str(study.disclosure.show_from),
        "round_from": str(study.disclosure.round_from),
        "area_list": study.release.area_list,
        "pulls": "\n".join(
            f"| {pull['form']} | {pull['server_count']:,} | {str(pull['finished'])[:16]} |"
            for pull in record["pulls"]
        ),
        **_times(delivered),
    }


def _times(delivered: Delivered) -> dict[str, str]:
    stages = facts.stage_seconds(delivered.folder)
    pages = facts.page_seconds(delivered)
    rows = [f"| `{name}.ipynb` | {seconds:.0f} |" for name, seconds in stages.items()]
    rows.append(f"| all pages, one after the other | {pages:.0f} |")
    whole = sum(stages.values()) + pages
    minutes = "one minute" if whole <= 60 else f"{-(-whole // 60):.0f} minutes"
    return {"runtimes": "\n".join(rows), "minutes_total": minutes}


def _condition(delivered: Delivered) -> str:
    """Say of which state of the code the run is."""
    record = delivered.record
    commit, dirty = record.get("commit"), record.get("dirty")
    at = f"commit `{commit}`" + (" with changes that were not committed" if dirty else "")
    made = f"The run ended on {str(record['finished'])[:10]} with survey_tools {__version__}"
    return f"{made}, at {at}." if commit else f"{made}, outside a git repository."


def _known(delivered: Delivered) -> str:
    """Say what is wrong with a run that was packed all the same."""
    told = []
    if delivered.failed:
        told.append(f"{len(delivered.failed)} page(s) failed: {', '.join(delivered.failed)}.")
    if delivered.outdated:
        told.append(
            f"{len(delivered.outdated)} page(s) are older than the code, parameters or results in this "
            f"package and may differ: {', '.join(delivered.outdated)}."
        )
    return "**Known differences.** " + " ".join(told) if told else ""


def _micro(micro: MicroData | None) -> dict[str, str]:
    """Choose the parts about the de-identified micro-data."""
    parts = _parts("real")
    if micro is None:
        without = parts["micro_without"]
        return {
            "micro_availability": without, "micro_details": "", "micro_dataset": "", "micro_instructions": "",
            "micro_reproduces": "no", "micro_vi": "Gói không kèm dữ liệu vi mô.",
        }  # fmt: skip
    counted = {"households": f"{micro.households:,}", "interviews": f"{micro.interviews:,}"}
    return {
        "micro_availability": parts["micro_with"],
        "micro_details": Template(parts["micro_details_with"]).safe_substitute(counted),
        "micro_dataset": parts["micro_dataset_with"] + "\n",
        "micro_instructions": parts["micro_instructions_with"],
        "micro_reproduces": "yes, from `data/`",
        "micro_vi": "Thư mục `data/` có dữ liệu vi mô đã khử định danh.",
    }


@cache
def _parts(study: str) -> Mapping[str, str]:
    text = (FOLDER / f"{study}.md").read_text("utf-8")
    return {name: body.strip("\n") for name, body in _PART.findall(text)}


def _langs(delivered: Delivered) -> list[str]:
    return sorted({page["lang"] for page in delivered.pages})


def _code(calls: tuple[str, ...]) -> str:
    return ", ".join(f"`{call}`" for call in calls) or "markup of the cell"

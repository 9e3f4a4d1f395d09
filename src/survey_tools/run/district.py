"""Make the folder of the synthetic district that the built-in server serves.

Not here: serving it (survey_tools.run.server), or how the district is simulated (survey_tools.synthetic).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from survey_tools import synthetic
from survey_tools.errors import ParamsError
from survey_tools.files import replacing
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.kobo.sandbox import write_sandbox
from survey_tools.params import Workspace
from survey_tools.run.fieldwork import DISTRICT_MARK
from survey_tools.run.progress import Step
from survey_tools.run.server import PRESET_VARIABLE

PRESETS = ("default", "small")
VERSIONS = {
    "household": (
        ("vPxHouseholdVersion001", "2026-01-05T02:00:00.000000Z"),
        ("vPxHouseholdVersion002", "2026-04-20T02:00:00.000000Z"),
    ),
    "team_log": (("vPxTeamMonthlyLogV0001", "2025-09-20T02:00:00.000000Z"),),
    "site": (("vPxSiteObservationV001", "2026-01-05T02:00:00.000000Z"),),
}


def make_sandbox(ws: Workspace, *, preset: str = "default", progress: Step | None = None) -> Path:
    """Make the folder that the sandbox serves, unless the same one is there already.

    The folder's name carries a digest of all that the district depends on: its parameters and code, the
    forms, the teams and the seed. Beside the forms it holds `truth.csv` (the true effects),
    `planted.csv` (the errors put in on purpose) and `sample.csv`; the last is also written as the study's
    list of drawn households.

    Returns
    -------
    Path
    """
    preset = os.environ.get(PRESET_VARIABLE, "") or preset
    parameters = _preset(preset)
    folder = ws.sandbox / f"{preset}-{_digest(ws, parameters)}"
    if not (folder / "sandbox.json").is_file():
        _build(ws, parameters, folder, progress or _quiet)
    _forget_other_district(ws, folder.name)
    _copy_sample(folder, ws.file("sample"))
    return folder


def _preset(name: str) -> Any:
    if name not in PRESETS:
        raise ParamsError(
            "There is no such preset of the synthetic district.",
            expected=" or ".join(PRESETS),
            found=repr(name),
            where=f"--preset or {PRESET_VARIABLE}",
        )
    return getattr(synthetic.DistrictParameters, name)()


def _digest(ws: Workspace, parameters: Any) -> str:
    digest = hashlib.sha256(repr(parameters).encode())
    digest.update(str(ws.study.design.seed).encode())
    files = [ws.root / form.xlsform for form in ws.study.forms.values()]
    files += [ws.file("teams"), ws.file("communes")]
    files += sorted(Path(synthetic.__file__).parent.rglob("*.py"))
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _build(ws: Workspace, parameters: Any, folder: Path, progress: Step) -> None:
    """Simulate, fill in the forms and write the folder; a broken-off build leaves nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".building-"))
    try:
        teams = ws.table("teams")
        progress(0, 4)
        district = synthetic.simulate(parameters, teams, ws.table("communes"), ws.study.design.seed)
        progress(1, 4)
        contents = {str(form): form_contents(ws, form) for form in ws.study.forms}
        rows = synthetic.submissions(district, contents)
        progress(2, 4)
        logs = synthetic.audit_logs(district, rows["household"], _newest(contents["household"]))
        files = {"household": [_audit_file(row_id, log) for row_id, log in logs.items()]}
        write_sandbox(
            building,
            [_asset(ws, f, contents[f], rows[f], files.get(f, [])) for f in contents],
        )
        progress(3, 4)
        _write_private(
            building / "sample.csv", district.sample.assign(area_list=ws.study.areas.list_)
        )
        _write_private(building / "planted.csv", district.planted)
        _write_private(building / "truth.csv", synthetic.truth(parameters, teams))
        preset = folder.name.split("-")[0]
        for outdated in folder.parent.glob(f"{preset}-*"):
            shutil.rmtree(outdated)
        building.replace(folder)
        progress(4, 4)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def form_contents(ws: Workspace, form: str) -> dict[str, dict[str, Any]]:
    """Return form content by version, oldest first; a first version has the older names of questions."""
    newest = read_xlsform(ws.root / ws.study.forms[form].xlsform)  # type: ignore[index]
    versions = [uid for uid, _ in VERSIONS[form]]
    older = newest
    for old, new in ws.study.renames(form).items():
        older = rename_question(older, new.rsplit("/", 1)[-1], old.rsplit("/", 1)[-1])
    return {uid: newest if uid == versions[-1] else older for uid in versions}


def _asset(
    ws: Workspace,
    form: str,
    contents: dict[str, dict[str, Any]],
    rows: list[dict[str, Any]],
    files: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "uid": ws.study.forms[form].uid,  # type: ignore[index]
        "name": f"{ws.study.study.title_en}: {form}",
        "form_id": form,
        "owner": "owner",
        "versions": [
            {"uid": uid, "date_deployed": date, "content": contents[uid]}
            for uid, date in VERSIONS[form]
        ],
        "submissions": rows,
        "files": files,
    }


def _newest(contents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return list(contents.values())[-1]


def _audit_file(row_id: int, log: bytes) -> dict[str, Any]:
    return {
        "row_id": row_id, "name": "audit.csv", "data": log, "question": "audit", "mimetype": "text/csv",
    }  # fmt: skip


def _forget_other_district(ws: Workspace, name: str) -> None:
    """Remove the stores and files of another synthetic district: they are those of another server."""
    mark = ws.raw / DISTRICT_MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") == name:
        return
    for store in ws.raw.glob("*.sqlite*"):
        store.unlink()
    for files in ws.raw.glob("*.files"):
        shutil.rmtree(files)
    ws.raw.mkdir(parents=True, exist_ok=True)
    mark.write_text(name, encoding="utf-8")


def _copy_sample(folder: Path, target: Path) -> None:
    content = (folder / "sample.csv").read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    with replacing(target, "The list of drawn households could not be written") as temporary:
        temporary.write_bytes(content)


def _write_private(path: Path, frame: pd.DataFrame) -> None:
    path.touch(mode=0o600)
    frame.to_csv(path, index=False)


def _quiet(*_: object) -> None:
    pass

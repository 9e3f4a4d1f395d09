"""A workspace with small stores made by hand, and a search of all files that knows nothing of the package."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pandas as pd

from survey_tools.kobo import PullReport, Store
from survey_tools.kobo.signature import signature_of
from survey_tools.params import Workspace, open_workspace

ROOT = Path(__file__).parents[1]
CODE, NEIGHBOUR, UNDRAWN = "10291-T03-H024-3", "10291-T03-H018-4", "10291-T03-H019-5"
PHONE = "0301234567"
SERVER = "https://kobo.example.org"


def submission(row_id: int, code: str, **answers: str) -> dict:
    """One row as the API gives it."""
    named = {f"main/p_close/{name}": value for name, value in answers.items()}
    return {
        "_id": row_id,
        "a_id/wave": "w1",
        "a_id/visit_type": "main",
        "a_id/hhid": code,
        **named,
        "meta/instanceID": f"uuid:instance-{row_id:08d}",
        "_uuid": f"instance-{row_id:08d}",
        "_attachments": [],
    }


def small_workspace(root: Path, rows: list[dict], *, server: str = SERVER) -> Workspace:
    """Parameters, a store of the household form, an empty one of the logs, and a sample of two households."""
    shutil.copytree(ROOT / "params", root / "params")
    study = root / "params" / "study.yml"
    study.write_text(study.read_text("utf-8").replace("url: sandbox", f"url: {server}"), "utf-8")
    ws = open_workspace(study)
    fill(ws, "household", rows)
    fill(ws, "team_log", [])
    sample = "".join(f"{code},10291-T03,10291\n" for code in (CODE, NEIGHBOUR))
    write(ws.file("sample"), "hhid,team_id,commune_code\n" + sample)
    return ws


def fill(ws: Workspace, form: str, rows: list[dict]) -> None:
    """Pull rows into a store, as far as a store can tell."""
    uid = ws.study.forms[form].uid
    with Store.open(ws.store(form), server=ws.study.server.url, asset=uid) as store:
        report = PullReport(form=uid, server=store.server, started="2026-10-01T00:00:00Z")
        pull = store.begin_pull(report)
        store.add_rows(pull, [(signature_of(row), row) for row in rows])


def write(path: Path, text: str) -> None:
    """Write a private file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def files_with(root: Path, *texts: str) -> dict[str, list[str]]:
    """Name the files that hold any of `texts`, in themselves or in what is packed in them."""
    found: dict[str, list[str]] = {}
    for path in root.rglob("*"):
        if path.is_file():
            content = readable(path)
            if hits := [text for text in texts if text.lower() in content]:
                found[path.relative_to(root).as_posix()] = hits
    return found


def readable(path: Path) -> str:
    """All that a file says, in lower case: its bytes, and its values where it is packed."""
    content = path.read_bytes()
    parts = [content.decode("latin-1"), content.decode("utf-8", "ignore")]
    if content[:4] == b"PAR1":
        frame = pd.read_parquet(path)
        parts += [frame.to_csv(index=False), json.dumps(frame.to_dict("list"), default=str)]
    if content[:6] == b"SQLite":
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as db:
            parts += list(db.iterdump())
        db.close()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts += [packed.read(name).decode("utf-8", "ignore") for name in packed.namelist()]
    return "\n".join(parts).lower()

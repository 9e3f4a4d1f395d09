"""A whole run on the small district: pages, numbers, privacy, and the notebooks by themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from survey_tools.kobo import Store
from survey_tools.kobo.sandbox import load_sandbox
from survey_tools.params import ROOT_VARIABLE, open_workspace
from survey_tools.report.shown import shown_levels, shown_tables
from survey_tools.report.small_cells import HIDDEN
from tests_support import SMALL, copy_workspace, survey_tools

pytestmark = [pytest.mark.slow]


def _plain_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != ROOT_VARIABLE} | SMALL


def test_run__makes_every_page_in_both_languages(workspace):
    pages = {path.name for path in (workspace / "reports" / "main").glob("*.html")}
    stems = ("10270", "10288", "district")
    assert pages == {f"{s}.{lang}.html" for s in stems for lang in ("vi", "en")} | {
        "index.html",
        "index.en.html",
        "codebook.html",
        "codebook.en.html",
        "suppression.vi.html",
        "suppression.en.html",
    }


def test_run__again_redoes_nothing_and_one_commune_redoes_only_its_page(workspace, tmp_path):
    root = shutil.copytree(workspace, tmp_path / "copy")
    command = ("run", "--only-reports", "--communes", "10270,10288")
    again = survey_tools(*command, cwd=root)
    assert "0 made, 6 unchanged, 0 failed" in again.stdout + again.stderr

    ws = open_workspace(root / "params" / "study.yml")
    shown = shown_levels(ws, area="10270", group="all")
    row = shown[shown["status"].ne(HIDDEN) & shown["shown"].between(0.3, 0.5)].iloc[0]
    path = ws.results / "levels.parquet"
    levels = pd.read_parquet(path)
    names = ["area", "group", "wave", "outcome"]
    mine = levels[names].eq(row[names]).all(axis="columns")
    assert mine.sum() == 1
    levels.loc[mine, "estimate"] += 0.2
    levels.to_parquet(path, index=False)
    changed = survey_tools(*command, cwd=root)
    assert "2 made, 4 unchanged, 0 failed" in changed.stdout + changed.stderr


def test_run__what_no_page_shows_redoes_no_page(workspace, tmp_path):
    root = shutil.copytree(workspace, tmp_path / "copy")
    ws = open_workspace(root / "params" / "study.yml")
    names = ["area", "wave", "variable", "choice"]
    shown = shown_tables(ws, "10270")["choices"]
    row = shown[shown["status"].eq(HIDDEN) & shown["area"].eq("10270")].iloc[0]
    path = ws.results / "choices.parquet"
    choices = pd.read_parquet(path)
    mine = choices[names].eq(row[names]).all(axis="columns")
    assert mine.sum() == 1
    choices.loc[mine, "numerator"] += 1
    choices.to_parquet(path, index=False)
    again = survey_tools("run", "--only-reports", "--communes", "10270,10288", cwd=root)
    assert "0 made, 6 unchanged, 0 failed" in again.stdout + again.stderr


def test_pull__holds_what_the_sandbox_serves(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    (folder,) = ws.sandbox.glob("small-*")
    assets = {asset.uid: asset for asset in load_sandbox(folder)}
    index = json.loads((folder / "sandbox.json").read_bytes())
    listed = {entry["uid"]: entry.get("files", []) for entry in index["assets"]}
    for form, settings in ws.study.forms.items():
        rows = assets[settings.uid].rows
        served = {row_id: json.loads(rows.line(row_id)) for row_id in rows.select({})}
        files = Counter(file["row_id"] for file in listed[settings.uid])
        with Store.read(ws.store(form)) as store:
            held = {row["_id"]: row for row in store.rows()}
        # their addresses are those of the server that served them
        carried = {i: len(row.pop("_attachments")) for i, row in held.items()}
        assert carried == {i: files[i] for i in held}
        assert held == {
            i: {k: v for k, v in row.items() if k != "_attachments"} for i, row in served.items()
        }


def test_run__files_with_rows_are_private(workspace):
    kinds = ("*.parquet", "*.sqlite", "*.jsonl", "sample.csv", "*.ipynb")
    files = [path for kind in kinds for path in (workspace / "data").rglob(kind)]
    files += list((workspace / "reports").rglob("*.ipynb"))
    assert len(files) > 20
    assert [str(p) for p in files if stat.S_IMODE(p.stat().st_mode) & 0o077] == []


def test_run__no_phone_position_or_remark_leaves_the_private_folder(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    with Store.read(ws.store("household")) as store:
        rows = list(store.rows())
    secrets = {row[key] for row in rows for key in row if key.endswith("/phone_recontact")}
    secrets |= {
        " ".join(row["main/p_close/gps"].split()[:2]) for row in rows if "main/p_close/gps" in row
    }
    secrets |= {row[key] for row in rows for key in row if key.endswith(("/comment", "/enum_note"))}
    assert len(secrets) > 100
    assert _found(secrets, workspace / "reports") == []
    assert _found(secrets, ws.clean.parent) == []


def test_run__no_household_code_on_a_page(workspace):
    code = re.compile(rb"[0-9]{5}-T[0-9]{2}-H[0-9]{3}-[0-6]")
    pages = list((workspace / "reports").rglob("*.html"))
    assert [p.name for p in pages if code.search(p.read_bytes())] == []


def _found(secrets: set[str], folder: Path) -> list[str]:
    hits = []
    for path in folder.rglob("*"):
        if path.is_file():
            text = _text(path)
            hits += [path.name for secret in secrets if secret in text]
    return hits


def _text(path: Path) -> str:
    """Text of a file; a table is compressed, so it is read and written out."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv(index=False)
    return path.read_bytes().decode("utf-8", "ignore")


def test_run__pages_name_no_other_address_and_no_folder_of_this_machine(workspace):
    outside = re.compile(r"""(?:src|href)\s*=\s*["'](?:https?:)?//|url\(\s*["']?https?:|@import""")
    for page in (workspace / "reports" / "main").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not outside.search(text), page.name
        assert str(workspace) not in text


def test_nbval__every_notebook_runs(workspace, tmp_path):
    root = shutil.copytree(workspace, tmp_path / "copy")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "-p",
            "no:cacheprovider",
            "-q",
            "notebooks",
        ],
        cwd=root,
        env=_plain_environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    cells = sum(
        cell["cell_type"] == "code"
        for path in (root / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    )
    assert f"{cells} passed" in done.stdout


@pytest.mark.parametrize(("commune", "code"), [("10288", 0), ("99999", 1)])
def test_papermill__takes_a_code_as_a_number_and_refuses_what_is_no_commune(
    workspace, tmp_path, commune, code
):
    output = tmp_path / "out.ipynb"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "notebooks/60_commune_report.ipynb",
            str(output),
            "-p",
            "commune",
            commune,
            "--no-progress-bar",
        ],
        cwd=workspace,
        env=_plain_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr[-2000:]
    if code:
        assert "There is no such commune" in done.stderr


def test_run__against_a_sandbox_started_by_hand(workspace, tmp_path):
    """As the README has it: another port, another token, its own store."""
    root = copy_workspace(tmp_path / "own")
    command = [sys.executable, "-m", "survey_tools.cli", "sandbox", "--port", "0"]
    server = subprocess.Popen(
        command, cwd=workspace, env=_plain_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        token = server.stdout.readline().split("KOBO_TOKEN=")[1].strip()
        assert address is not None
        study = root / "params" / "study.yml"
        text = study.read_text("utf-8").replace("url: sandbox", f"url: {address[0]}")
        study.write_text(text, encoding="utf-8")

        wrong = survey_tools("pull", cwd=root, KOBO_TOKEN="not-the-token")
        assert wrong.returncode == 2
        assert "token" in wrong.stderr.lower()

        done = survey_tools("pull", cwd=root, KOBO_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert token not in done.stdout + done.stderr
        (store,) = (root / "data" / "raw").glob("*/household.sqlite")
        assert store.parent.name == address[0].removeprefix("http://").replace(":", "-")
        assert token.encode() not in store.read_bytes()
    finally:
        server.terminate()
        server.wait(20)


def test_run__says_what_is_missing_when_the_server_is_down(tmp_path):
    root = copy_workspace(tmp_path / "own")
    study = root / "params" / "study.yml"
    text = study.read_text("utf-8").replace("url: sandbox", "url: http://127.0.0.1:9")
    study.write_text(text, encoding="utf-8")
    done = survey_tools("pull", cwd=root, KOBO_TOKEN="a" * 40)
    assert done.returncode == 2
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((root / "data").rglob("*.parquet"))

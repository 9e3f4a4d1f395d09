"""A whole replication pack of a run: what is in it, nothing private, and that a stranger can use it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from survey_tools.errors import DisclosureError
from survey_tools.kobo import Store
from survey_tools.params import ROOT_VARIABLE, open_workspace
from survey_tools.run.compare.numbers import numbers_of_run
from survey_tools.run.replication import make as making
from survey_tools.run.replication.make import make_replication
from tests_support import SMALL, survey_tools

pytestmark = [pytest.mark.slow]

COMMAND = re.compile(r"`make demo` runs `survey-tools (.+?)`")


@pytest.fixture(scope="module")
def made(workspace, tmp_path_factory):
    ws = open_workspace(workspace / "params" / "study.yml")
    return make_replication(ws, "main", tmp_path_factory.mktemp("pack") / "pack.zip")


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory) -> Path:
    """The pack as `unzip` lays it out, rights and all."""
    target = tmp_path_factory.mktemp("stranger")
    with zipfile.ZipFile(made.path) as packed:
        for about in packed.infolist():
            path = Path(packed.extract(about, target))
            path.chmod(about.external_attr >> 16)
    (top,) = target.iterdir()
    return top


@pytest.fixture
def quick(monkeypatch):
    """Leave out the search for personal data, where a test is about something else."""
    monkeypatch.setattr(making, "open_scanner", lambda ws: None)
    monkeypatch.setattr(making, "_search", lambda *_: None)


def test_replication__holds_what_the_readme_says(made, unpacked, workspace):
    tops = {path.name for path in unpacked.iterdir()}
    assert tops == {"README.md", "Makefile", "SHA256SUMS", "delivered", "survey_tools"}
    done = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=unpacked)
    assert done.returncode == 0
    project = unpacked / "survey_tools"
    for name in ("Makefile", "requirements.lock", "src/survey_tools/cli/replication.py", "docs", "bench",
                 "tests/notebooks/test_replication_pack.py", "notebooks/10_pull.ipynb"):  # fmt: skip
        assert (project / name).exists(), name
    assert os.access(project / "scripts" / "install-browser.sh", os.X_OK)
    record = workspace / "reports" / "main" / "run.json"
    assert (unpacked / "delivered" / "run.json").read_bytes() == record.read_bytes()
    listed = pd.read_csv(unpacked / "delivered" / "numbers.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(listed, numbers_of_run(record.parent), check_dtype=False)
    assert len(listed) == made.numbers > 1000
    assert made.size == made.path.stat().st_size < 6_000_000


def test_replication__readme_follows_the_template_and_takes_its_figures_from_the_record(
    made, unpacked
):
    text = (unpacked / "README.md").read_text("utf-8")
    for heading in (
        "## Overview", "## Data availability and provenance statements", "### Statement about rights",
        "## Dataset list", "## Computational requirements", "### Controlled randomness",
        "### Memory, runtime and storage requirements", "## Description of programs",
        "## Instructions to replicators", "## List of tables and figures", "## References", "# Tóm tắt",
    ):  # fmt: skip
        assert heading in text, heading
    record = json.loads((unpacked / "delivered" / "run.json").read_bytes())
    pages = [page for page in record["pages"] if page["status"] in ("ok", "skipped")]
    assert f"on the {len(pages)} pages" in text
    assert f"the {made.numbers:,} numbers" in text
    assert f"{max(page['peak_mb'] for page in pages):,.0f} MB" in text
    assert all(f"{name} {found}" in text.lower() for name, found in record["versions"].items())
    assert "answers are simulated" in text
    assert "Known differences" not in text
    assert not re.search(r"\$\w|\bNone\b(?! is stated)|\bnan\b", text)
    assert text.count("| Table |") > 5
    assert text.count("| Figure |") > 2


def test_replication__nothing_private(made, workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    with Store.read(ws.store("household")) as store:
        rows = list(store.rows())
    secrets = {row[key] for row in rows for key in row if key.endswith("/phone_recontact")}
    secrets |= {row["_uuid"] for row in rows}
    places = [row["main/p_close/gps"] for row in rows if "main/p_close/gps" in row]
    secrets |= {" ".join(place.split()[:2]) for place in places}
    assert len(secrets) > 100
    with zipfile.ZipFile(made.path) as packed:
        names = [name.split("/", 1)[1] for name in packed.namelist()]
        files = [
            name for name in packed.namelist() if "/tests/fixtures/" not in name
        ]  # simulated, too
        content = b"\n".join(packed.read(name) for name in files)
    inside = [name for name in names if re.search(r"(^|/)(data|reports)/", name)]
    outside = ("survey_tools/tests/", "survey_tools/src/")
    assert [n for n in inside if not n.startswith(outside)] == ["survey_tools/data/README.md"]
    endings = {Path(name).suffix for name in names}
    assert not endings & {".sqlite", ".parquet", ".zip"}
    text = content.decode("utf-8", "ignore")
    assert [secret for secret in secrets if secret in text] == []


def test_replication__same_run_same_bytes(made, workspace, tmp_path, quick):
    ws = open_workspace(workspace / "params" / "study.yml")
    again = make_replication(ws, "main", tmp_path / "again.zip")
    assert again.path.read_bytes() == made.path.read_bytes()


def test_replication__personal_data_in_the_parameters_are_found(workspace, tmp_path):
    root = shutil.copytree(workspace, tmp_path / "copy")
    ws = open_workspace(root / "params" / "study.yml")
    with Store.read(ws.store("household")) as store:
        phone = next(
            v for row in store.rows() for k, v in row.items() if k.endswith("phone_recontact")
        )
    (root / "params" / "notes.md").write_text(f"{phone}\n", "utf-8")
    with pytest.raises(DisclosureError, match="about to be handed on") as error:
        make_replication(ws, "main", tmp_path / "pack.zip")
    assert phone not in str(error.value)
    assert not (tmp_path / "pack.zip").exists()


def test_replication__a_page_that_the_run_did_not_make_gives_no_number(
    made, workspace, tmp_path, quick
):
    root = shutil.copytree(workspace, tmp_path / "copy")
    folder = root / "reports" / "main"
    page = next(folder.glob("1*.vi.html"))
    shutil.copy(page, folder / "10999.vi.html")
    shutil.copy(page, folder / "notes.html")
    ws = open_workspace(root / "params" / "study.yml")
    again = make_replication(ws, "main", tmp_path / "pack.zip")
    assert again.numbers == made.numbers
    assert _delivered(again) == _delivered(made)


def _delivered(made) -> bytes:
    with zipfile.ZipFile(made.path) as packed:
        (name,) = (n for n in packed.namelist() if n.endswith("/delivered/numbers.csv"))
        return packed.read(name)


def test_replication__a_real_study_says_what_cannot_be_reproduced(workspace, tmp_path, quick):
    root = shutil.copytree(workspace, tmp_path / "copy")
    path = root / "params" / "study.yml"
    text = path.read_text("utf-8").replace("synthetic: true", "synthetic: false")
    path.write_text(text.replace("url: sandbox", "url: https://kobo.example.org"), "utf-8")
    out = tmp_path / "pack.zip"
    made = make_replication(
        open_workspace(path), "main", out, contact="the office of the district", force=True
    )
    assert made.outdated
    with zipfile.ZipFile(out) as packed:
        files = {
            n.split("/", 1)[1]: packed.read(n).decode("utf-8", "ignore") for n in packed.namelist()
        }
    readme = files["README.md"]
    assert "Whom to ask for access:** the office of the district" in readme
    assert "No de-identified micro-data are included" in readme
    assert "Known differences" in readme
    assert not re.search(r"\$\w|\bnan\b", readme)
    assert "compare:" not in files["Makefile"]
    assert "url: sandbox" in files["survey_tools/params/demo.yml"]
    assert "url: https://kobo.example.org" in files["survey_tools/params/study.yml"]
    assert not [name for name in files if name.startswith("data/")]


def test_replication__a_stranger_reproduces_every_number(unpacked, tmp_path):
    """The command of the README in the unpacked folder, with its own code, then the comparison."""
    root = Path(shutil.copytree(unpacked, tmp_path / "pack")) / "survey_tools"
    command = COMMAND.search((unpacked / "README.md").read_text("utf-8"))
    assert command is not None
    assert f"survey-tools {command[1]}" in (unpacked / "Makefile").read_text("utf-8")
    env = {k: v for k, v in os.environ.items() if k not in {ROOT_VARIABLE, *SMALL}}
    env["PYTHONPATH"] = str(root / "src")

    def call(*arguments):
        line = [sys.executable, "-m", "survey_tools.cli", *arguments]
        return subprocess.run(line, cwd=root, env=env, capture_output=True, text=True, timeout=900)

    where = [sys.executable, "-c", "import survey_tools; print(survey_tools.__file__)"]
    told = subprocess.run(where, cwd=root, env=env, capture_output=True, text=True)
    assert told.stdout.startswith(str(root))
    done = call(*command[1].split())
    assert done.returncode == 0, done.stdout + done.stderr
    compared = call("compare", "../delivered/numbers.csv", "demo")
    assert compared.returncode == 0, compared.stdout + compared.stderr


def test_cli__says_the_size_and_what_was_forced(workspace, tmp_path, monkeypatch):
    root = shutil.copytree(workspace, tmp_path / "copy")
    record = root / "reports" / "main" / "run.json"
    content = json.loads(record.read_bytes())
    content["pages"][0]["status"] = "failed"
    record.write_text(json.dumps(content), "utf-8")
    refused = survey_tools("replication", "main", "pack.zip", cwd=root)
    assert refused.returncode == 2
    assert "Pages of the run failed" in refused.stderr
    forced = survey_tools("replication", "main", "pack.zip", "--force", cwd=root)
    assert forced.returncode == 0, forced.stderr
    assert "1 page(s) failed" in forced.stderr
    assert re.search(r"pack\.zip: \d\.\d MB, \d+ files, [\d,]+ delivered numbers", forced.stdout)

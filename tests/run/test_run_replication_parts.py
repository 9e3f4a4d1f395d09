"""What goes into a replication pack and what is refused, piece by piece; whole packs have their own file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml

from release_support import PHONE, release_workspace
from survey_tools.errors import DisclosureError, ParamsError, RunError
from survey_tools.params import open_workspace
from survey_tools.run.release.make import make_release
from survey_tools.run.replication import make as making
from survey_tools.run.replication.delivered import Delivered, find_delivered
from survey_tools.run.replication.exhibits import exhibits_of
from survey_tools.run.replication.make import make_replication
from survey_tools.run.replication.micro import take_micro_data
from survey_tools.run.replication.project import ProjectFile, project_files, project_root
from survey_tools.run.replication.recipe import command_of, demo_study, makefile
from survey_tools.run.replication.rules import ignored, read_rules
from survey_tools.run.scan import Scanner
from survey_tools.run.scan.known import Known

ROOT = Path(__file__).parents[2]
STUDY = (ROOT / "params" / "study.yml").read_text("utf-8")


# ---------------------------------------------------------------- files of the project


def test_project_files__are_those_of_git(ws):
    """Those in git and those about to be; what lies at the top beside them stays."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("no git here")
    wanted = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    own = replace(ws, root=ROOT)
    assert set(project_files(project_root(), own)) == wanted


def test_project_files__what_is_run_stays_a_program(ws):
    files = project_files(project_root(), ws)
    assert files["scripts/install-browser.sh"].executable
    assert not files["Makefile"].executable


@pytest.fixture
def project(tmp_path):
    """A small project with things that must stay at home."""
    root = tmp_path / "project"
    for name in (
        "Makefile", "README.md", "src/a.py", "src/__pycache__/a.pyc", "src/.env", "src/my-token-1.txt",
        "data/README.md", "data/raw/s.sqlite", "data/private/sample.csv", "reports/main/a.html", "notes.txt",
        "docs/old.zip", "bench/.cache/rows.csv", "bench/.venv-2/pyvenv.cfg", "bench/.venv-2/lib/b.py",
        "tests/test_a.py", "secret/a.txt",
    ):  # fmt: skip
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    shutil.copy(ROOT / ".gitignore", root)
    return root


def test_project_files__leave_data_tokens_caches_and_archives_at_home(ws, project):
    names = set(project_files(project, ws))
    own = {name for name in names if not name.startswith(("params/", "notebooks/"))}
    kept = {"Makefile", "README.md", ".gitignore", "src/a.py", "data/README.md", "tests/test_a.py"}
    assert own == kept
    assert {"params/study.yml", "notebooks/60_commune_report.ipynb"} <= names


LISTS = {
    ".gitignore": "/docs/drafts/\n*.bak\n",
    ".git/info/exclude": "mine.txt\n/src/own\nagain.md\n",
    "docs/.gitignore": "rows.csv\n/only-here.md\nsub/x?.md\n!again.md\n",
    "docs/sub/.gitignore": "*\n!kept.bak\n",
    "tests/cache/.gitignore": "# a cache\n*\n",
}


def test_project_files__lists_in_folders_and_of_the_copy_are_read_as_git_does(ws, tmp_path):
    root = tmp_path / "project"
    for name, text in LISTS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    names = (
        "README.md", "docs/a.md", "docs/rows.csv", "docs/only-here.md", "docs/deep/rows.csv", "docs/mine.txt",
        "docs/deep/only-here.md", "docs/sub/b.md", "docs/sub/kept.bak", "docs/deep/x.bak", "docs/again.md",
        "docs/drafts/a.md", "src/own/a.py", "src/a.py", "tests/cache/a.txt", "src/again.md", "LICENSE",
        "docs/deep/sub/x1.md", "tests/cache/deep/b.txt", "mine.txt",
    )  # fmt: skip
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, "utf-8")
    found = {n for n in project_files(root, ws) if not n.startswith(("params/", "notebooks/"))}
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".git" / "info" / "exclude").write_text(LISTS[".git/info/exclude"], "utf-8")
    told = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=root, capture_output=True, text=True
    )  # fmt: skip
    assert found == set(told.stdout.splitlines())
    assert "docs/sub/kept.bak" in found
    assert "docs/deep/rows.csv" not in found


def test_project_files__the_list_of_a_second_copy_is_that_of_the_first(ws, project):
    git = project.parent / "first" / ".git"
    (git / "info").mkdir(parents=True)
    (git / "info" / "exclude").write_text("a.py\n", "utf-8")
    second = git / "worktrees" / "second"
    second.mkdir(parents=True)
    (second / "commondir").write_text("../..\n", "utf-8")
    (project / ".git").write_text(f"gitdir: {second}\n", "utf-8")
    assert "src/a.py" not in project_files(project, ws)


def test_project_files__a_list_in_a_folder_that_is_not_understood_is_refused(ws, project):
    (project / "docs" / ".gitignore").write_text("**/rows.csv\n", "utf-8")
    with pytest.raises(RunError, match="not understood") as error:
        project_files(project, ws)
    assert "docs/.gitignore" in str(error.value)


KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\nAAAA\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/id_rsa", "x"), ("docs/id_ed25519", "x"), ("src/server.pem", "x"), ("src/a.KEY", "x"),
        ("tests/a.p12", "x"), ("docs/notes.md", f"see\n{KEY}"), ("docs/a.txt", KEY.replace("RSA ", "")),
        ("src/login.yml", "user: a\npassword: b-c\n"), ("docs/a.toml", 'db_password = "b"\n'),
        ("src/a.ini", "[x]\nPassword=b\n"),
    ],
)  # fmt: skip
def test_project_files__keys_and_passwords_are_refused(ws, project, name, text):
    (project / name).write_text(text, "utf-8")
    with pytest.raises(DisclosureError, match="key or password") as error:
        project_files(project, ws)
    assert name in str(error.value)
    assert "AAAA" not in str(error.value)
    assert "b-c" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/id_gt.json", "{}"), ("docs/id_rsa.md", "how to make one"),
        ("src/a.yml", "password:\nuser: a\n"), ("src/b.yml", 'password: ""\n'),
        ("src/key.py", "password = read()\n"), ("docs/c.md", "BEGIN … PRIVATE KEY"),
    ],
)  # fmt: skip
def test_project_files__what_only_speaks_of_keys_goes(ws, project, name, text):
    (project / name).write_text(text, "utf-8")
    assert name in project_files(project, ws)


@pytest.mark.parametrize("name", ["src/link.py", "docs/link", "data/README.md"])
def test_project_files__a_link_is_refused(ws, project, name):
    path = project / name
    path.unlink(missing_ok=True)
    path.symlink_to(project / "data" / ("private" if name == "docs/link" else "private/sample.csv"))
    with pytest.raises(RunError, match="A link") as error:
        project_files(project, ws)
    assert name in str(error.value)


def test_project_files__notebooks_lose_their_outputs_and_keep_their_cells(ws):
    path = ws.notebooks / "60_commune_report.ipynb"
    notebook = json.loads(path.read_bytes())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    cells[0] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": [PHONE]}]}
    path.write_text(json.dumps(notebook), "utf-8")
    content = project_files(project_root(), ws)["notebooks/60_commune_report.ipynb"].content
    assert PHONE.encode() not in content
    told = [cell["source"] for cell in json.loads(content)["cells"]]
    assert told == [cell["source"] for cell in notebook["cells"]]


@pytest.mark.parametrize(
    ("name", "folder", "wanted"),
    [
        ("a/__pycache__", True, True),
        ("a/__pycache__", False, False),
        ("data/x.csv", False, True),
        ("data/raw", True, True),
        ("data/README.md", False, False),
        ("src/data/x.csv", False, False),
        ("reports", True, True),
        ("src/reports", True, False),
        ("a/my-token.txt", False, True),
        ("a/.env", False, True),
        ("x.egg-info", True, True),
    ],
)
def test_ignored__as_git_reads_the_file(name, folder, wanted):
    assert ignored(name, read_rules(ROOT / ".gitignore"), folder=folder) == wanted


@pytest.mark.parametrize("line", ["a/**/b", r"a\#b", "[^a]b", " a", "[[:digit:]]"])
def test_read_rules__what_is_not_understood_is_refused(tmp_path, line):
    (tmp_path / ".gitignore").write_text(f"# a list\n{line}\n", "utf-8")
    with pytest.raises(RunError, match="not understood"):
        read_rules(tmp_path / ".gitignore")
    assert read_rules(tmp_path / "none") == ()


# ---------------------------------------------------------------- the run


@pytest.fixture
def run(ws):
    """A run of two pages that is up to date, by its record."""
    from survey_tools.run import run_reports

    run_reports(ws, "main", ["10291"], ["en"])
    return ws.reports("main")


def _change(folder, change):
    record = json.loads((folder / "run.json").read_bytes())
    change(record)
    (folder / "run.json").write_text(json.dumps(record), "utf-8")


def test_find_delivered__a_run_that_is_up_to_date(ws, run):
    found = find_delivered(ws, "main")
    assert (found.failed, found.outdated) == ((), ())
    assert {page["code"] for page in found.pages} == {"10291", "district"}


def test_find_delivered__refuses_failed_pages_unless_forced(ws, run):
    _change(run, lambda record: record["pages"][0].update(status="failed"))
    with pytest.raises(RunError, match="failed") as error:
        find_delivered(ws, "main")
    assert "10291.en" in str(error.value)
    assert find_delivered(ws, "main", force=True).failed == ("10291.en",)


@pytest.mark.parametrize("what", ["page", "notebook", "params"])
def test_find_delivered__refuses_what_is_not_from_the_present(ws, run, what):
    path = {
        "page": run / "10291.en.html",
        "notebook": ws.notebooks / "60_commune_report.ipynb",
        "params": ws.file("communes"),
    }[what]
    if what == "notebook":
        notebook = json.loads(path.read_bytes())
        notebook["cells"][-1]["source"] = ["1 + 1"]
        path.write_text(json.dumps(notebook), "utf-8")
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RunError, match="not those that its results"):
        find_delivered(ws, "main")
    outdated = find_delivered(ws, "main", force=True).outdated
    assert outdated[0].startswith("10291.en (")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record.update(finished=None), "at work, or was killed"),
        (lambda record: record.update(pages=[]), "no pages"),
    ],
)
def test_find_delivered__refuses_a_run_that_has_not_ended_or_is_empty(ws, run, change, words):
    _change(run, change)
    with pytest.raises(RunError, match=words):
        find_delivered(ws, "main", force=True)


def test_find_delivered__names_the_runs_that_there_are(ws, run):
    with pytest.raises(RunError, match="no such run") as error:
        find_delivered(ws, "mian")
    assert "main" in str(error.value)


# ---------------------------------------------------------------- what is typed


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], "survey-tools demo"),
        (["--communes", "10270"], "survey-tools run --run demo --communes 10270"),
    ],
)
def test_command_of__makes_the_same_pages(options, wanted):
    assert command_of(options) == wanted
    assert f".venv/bin/{wanted}\n" in makefile(options, synthetic=True)


def test_makefile__a_real_study_has_nothing_to_compare_with():
    assert "compare" not in makefile([], synthetic=False)
    assert "--study params/demo.yml" in makefile([], synthetic=False)
    assert "compare: " not in makefile([], synthetic=True)
    assert "compare:\n" in makefile([], synthetic=True)


def test_demo_study__is_the_study_on_the_built_in_server():
    real = STUDY.replace("url: sandbox", "url: https://kobo.example.org").replace(
        "synthetic: true", "synthetic: false"
    )
    turned = yaml.safe_load(demo_study(real))
    assert turned == yaml.safe_load(STUDY)
    with pytest.raises((RunError, ParamsError)):
        demo_study(
            real.replace("server:\n", "server: {url: https://kobo.example.org}\nother:\n", 1)
        )


# ---------------------------------------------------------------- micro-data, refusals


@pytest.fixture(scope="module")
def micro_ws(tmp_path_factory):
    ws = release_workspace(tmp_path_factory.mktemp("micro") / "ws")
    (ws.root / "params" / "scan_allow.csv").unlink()  # it allows codes of the simulated sample
    path = ws.study_path
    text = path.read_text("utf-8").replace("synthetic: true", "synthetic: false")
    path.write_text(text, "utf-8")
    return open_workspace(path)


def test_take_micro_data__only_what_passes_its_check(micro_ws, tmp_path):
    pack = make_release(micro_ws, tmp_path / "release.zip").path
    taken = take_micro_data(micro_ws, pack)
    assert taken.households > 1000
    assert {"households.csv", "panel.csv", "release.json"} <= set(taken.files)
    folder = tmp_path / "broken"
    shutil.unpack_archive(pack, folder)
    with (folder / "panel.csv").open("a", encoding="utf-8") as file:
        file.write("1,w1\n")
    with pytest.raises(DisclosureError, match="do not pass"):
        take_micro_data(micro_ws, folder)


def test_take_micro_data__simulated_answers_need_none(tmp_path):
    ws = release_workspace(tmp_path / "ws", communes=1)
    with pytest.raises(ParamsError, match="simulated"):
        take_micro_data(ws, tmp_path / "any.zip")


def test_make_replication__refuses_before_it_works(ws, micro_ws, tmp_path):
    with pytest.raises(ParamsError, match="one zip file"):
        make_replication(ws, "main", tmp_path / "folder")
    with pytest.raises(ParamsError, match="Whom to ask"):
        make_replication(micro_ws, "main", tmp_path / "a.zip")
    assert list(tmp_path.glob("*.zip")) == []


def test_search__refuses_personal_data_and_does_not_say_them():
    files = {"survey_tools/params/notes.csv": ProjectFile(f"call {PHONE}\n".encode())}
    with pytest.raises(DisclosureError) as error:
        making._search(Scanner(), files)
    assert PHONE not in str(error.value)
    assert "params/notes.csv" in str(error.value)


OFFICE = "Office of Statistics, {}"


@pytest.fixture
def pack_of(ws, tmp_path, monkeypatch):
    """Make a pack of two small files and a README that ends with a text given."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text("{}", "utf-8")
    numbers = pd.DataFrame({"page": ["10291"]})

    def make(contact, said="", document=""):
        files = {"README.md": "# Project", "docs/a.md": document}
        content = {name: ProjectFile(text.encode()) for name, text in files.items()}
        for name, value in {
            "_check": None, "find_delivered": Delivered(folder, {"pages": []}, (), ()), "_numbers": numbers,
            "options_of": [], "project_files": content,
        }.items():  # fmt: skip
            monkeypatch.setattr(making, name, lambda *_, value=value, **__: value)
        monkeypatch.setattr(
            making, "readme", lambda _, __, about: f"Ask {about.contact}.\n{said}\n"
        )
        return make_replication(ws, "main", tmp_path / "a.zip", contact=contact).path

    return make


@pytest.mark.parametrize("reach", [PHONE, "0302 345 678", f"data{chr(64)}office.example.org"])
def test_make_replication__the_office_to_ask_stands_in_the_readme_alone(pack_of, reach):
    """The rest of the pack, and of the README, is searched as ever."""
    contact = OFFICE.format(reach)
    with zipfile.ZipFile(pack_of(contact)) as packed:
        holding = [n for n in packed.namelist() if contact in packed.read(n).decode("utf-8")]
    assert [name.split("/", 1)[1] for name in holding] == ["README.md"]
    with pytest.raises(DisclosureError, match=re.escape("docs/a.md")):
        pack_of(contact, document=contact)
    with pytest.raises(DisclosureError, match=re.escape("README.md")):
        pack_of(contact, said=reach)


@pytest.mark.parametrize("value", [PHONE, "+84 301 234 567"])
def test_search__the_office_to_ask_is_no_known_person(value):
    scanner = Scanner(Known(phones=frozenset({PHONE})))
    with pytest.raises(DisclosureError, match="a known phone number") as error:
        making._search(scanner, {}, OFFICE.format(value))
    assert value not in str(error.value)
    making._search(scanner, {}, OFFICE.format("0302 345 678"))


def test_search__refuses_what_cannot_be_read():
    with pytest.raises(DisclosureError):
        making._search(Scanner(), {"survey_tools/docs/a.xlsx": ProjectFile(b"PK\x03\x04 broken")})


def test_write__nothing_is_left_when_it_fails(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    out = tmp_path / "a.zip"
    out.write_bytes(b"before")
    monkeypatch.setattr("zipfile.ZipFile.writestr", full)
    with pytest.raises(RunError, match="could not be written"):
        making._write({"a": ProjectFile(b"a")}, "top", out)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert out.read_bytes() == b"before"


# ---------------------------------------------------------------- exhibits


def test_exhibits_of__captions_and_the_functions_of_the_cell(tmp_path):
    table = (
        "<table><caption>Levels <data value='0.5' data-source='a#b'>50%</data></caption></table>"
    )
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": "# x"},
            {
                "cell_type": "code",
                "source": ["page.heading('a')\n", "page.show(tables.levels_table(page.results))"],
                "outputs": [
                    {"data": {"text/html": [table]}, "metadata": {}},
                    {
                        "data": {"image/png": ""},
                        "metadata": {
                            "image/png": {"caption": "\ue0000.5\ue001a#b\ue00150%\ue002 of all"}
                        },
                    },
                ],
            },
        ]
    }
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    table, figure = exhibits_of(path, "60.ipynb")
    assert (table.kind, table.caption, table.calls) == (
        "Table",
        "Levels 50%",
        ("tables.levels_table",),
    )
    assert (figure.kind, figure.caption) == ("Figure", "50% of all")
    assert exhibits_of(tmp_path / "none.ipynb", "60.ipynb") == []

"""A household is erased from stores, lists, notebooks and what is derived; killed halfway, it is finished."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest

from erase_support import (
    CODE,
    NEIGHBOUR,
    PHONE,
    UNDRAWN,
    files_with,
    fill,
    small_workspace,
    submission,
    write,
)
from survey_tools.errors import RunError, StoreError
from survey_tools.kobo import Store
from survey_tools.run import read_tables, run_reports, status
from survey_tools.run.erasing import derived as erase_derived
from survey_tools.run.erasing import erase as erasing
from survey_tools.run.erasing.erase import erase, finish_erasure, plan_erasure
from survey_tools.run.erasing.files import Household, count_lines, erase_lines
from survey_tools.run.erasing.find import find_in_stores
from survey_tools.run.erasing.journal import journal_path, read_journal, write_journal
from survey_tools.run.erasing.traces import find_traces
from survey_tools.run.files import read_json
from survey_tools.run.occupied import alone, at_work

CORRECTIONS = "form,row_id,wave,variable,old_value,action,new_value,reason,decided_by,decided_on\n"


@pytest.fixture
def ws(tmp_path):
    """Two submissions of one household, and three that are others'."""
    rows = [
        submission(11, CODE, phone_recontact=PHONE, comment="a remark of theirs"),
        submission(12, CODE),
        submission(21, NEIGHBOUR, phone_recontact="0309999999", enum_note=f"beside {CODE}"),
        submission(22, NEIGHBOUR),
        submission(31, UNDRAWN),
    ]
    return small_workspace(tmp_path / "ws", rows)


def _erase(ws, code=CODE, **options):
    return erase(ws, plan_erasure(ws, code, **options), rebuild=False)


def _texts(ws, form="household"):
    with Store.read(ws.store(form)) as store:
        return {row["_id"]: json.dumps(row) for row in store.rows()}


def _notebook(path: Path, source: str, shown: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    output = nbformat.v4.new_output("stream", text=shown)
    cell = nbformat.v4.new_code_cell(source, outputs=[output], execution_count=3)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


# ---------------------------------------------------------------- what is found


def test_plan__changes_nothing_and_counts(ws):
    before = {p: p.read_bytes() for p in ws.root.rglob("*") if p.is_file()}
    plan = plan_erasure(ws, CODE)
    after = {p: p.read_bytes() for p in ws.root.rglob("*") if p.is_file()}
    assert {p: b for p, b in after.items() if p in before and p.suffix != ".sqlite-shm"} == {
        p: b for p, b in before.items() if p.suffix != ".sqlite-shm"
    }
    lines = {(line["place"], line["what"]): (line["before"], line["gone"]) for line in plan.lines}
    store = ws.store("household").relative_to(ws.root).as_posix()
    assert lines[store, "submissions of «household»"] == (5, 2)
    assert lines["data/private/sample.csv", "lines"] == (2, 1)
    assert CODE not in repr(plan)
    assert PHONE not in repr(plan)


@pytest.mark.parametrize("typed", [" 10291-t03-h024-3 ", "10291–T03–H024–3"])
def test_plan__takes_a_code_as_people_type_it(ws, typed):
    assert plan_erasure(ws, typed).code == CODE


@pytest.mark.parametrize("code", ["10291-T03-H024-4", "10291-T03-H24-3", "", "everyone"])
def test_plan__refuses_what_is_no_code(ws, code):
    with pytest.raises(RunError, match="no household code") as caught:
        plan_erasure(ws, code)
    assert caught.value.exit_code == 2
    assert not code or code not in str(caught.value)


def test_plan__refuses_a_code_that_nobody_has(ws):
    with pytest.raises(RunError, match="Nobody") as caught:
        plan_erasure(ws, "10291-T03-H020-6")
    assert "H020" not in str(caught.value)


def test_plan__refuses_a_name_as_who_asked_and_an_unknown_basis(ws):
    with pytest.raises(RunError, match="staff code"):
        plan_erasure(ws, CODE, by="Nguyễn Thị Hạnh")
    with pytest.raises(RunError, match="no such basis"):
        plan_erasure(ws, CODE, basis="because")


def test_find__code_typed_loosely_older_versions_and_corrected_codes(ws):
    """Whose a row is, its newest version says, and a documented correction over it."""
    fill(ws, "household", [submission(13, f" {CODE.lower()} ")])
    edited = submission(22, NEIGHBOUR) | {"_uuid": "instance-22-edited"}
    fill(ws, "household", [submission(23, CODE)])
    fill(ws, "household", [submission(23, NEIGHBOUR) | {"_uuid": "instance-23-edited"}, edited])
    write(
        ws.private / "corrections.csv",
        CORRECTIONS
        + f"household,31,w1,hhid,{UNDRAWN},replace,{CODE},card compared,S04,2026-02-01\n"
        + f"household,12,w1,hhid,{CODE},replace,{NEIGHBOUR},card compared,S04,2026-02-01\n",
    )
    (found,) = [one for one in find_in_stores(ws, CODE) if one.form == "household"]
    assert found.erase == (11, 13, 31)
    assert found.edit == (12, 21, 23)


# ---------------------------------------------------------------- what goes and what stays


def test_erase__leaves_no_trace_and_keeps_the_others(ws):
    kept = _texts(ws)
    done = _erase(ws, by="S04")
    assert files_with(ws.root, CODE, PHONE, "instance-00000011", "a remark of theirs") == {}
    left = _texts(ws)
    assert sorted(left) == [21, 22, 31]
    assert (left[22], left[31]) == (kept[22], kept[31])
    assert left[21] == kept[21].replace(CODE, "[erased]")
    with Store.read(ws.store("household")) as store:
        assert store.check() == []
        assert store.erased() == {11, 12}
    assert ws.file("sample").read_text("utf-8").splitlines()[1:] == [f"{NEIGHBOUR},10291-T03,10291"]
    assert done.content["on_the_server"] == [
        {
            "server": SERVER_NAME,
            "form": ws.study.forms["household"].uid,
            "delete": [11, 12],
            "edit": [21],
        }
    ]


SERVER_NAME = "https://kobo.example.org"


def test_erase__receipt_says_who_why_and_how_many_and_nothing_of_the_household(ws):
    done = _erase(ws, by="S04", basis="requested")
    assert stat.S_IMODE(done.receipt.stat().st_mode) == 0o600
    assert done.receipt.parent == ws.private / "erasures"
    content = read_json(done.receipt)
    assert (content["by"], content["basis"]) == ("S04", "requested")
    assert content["program"].startswith("survey_tools ")
    places = {line["place"]: (line["before"], line["after"]) for line in content["removed"]}
    assert places["data/private/sample.csv"] == (2, 1)
    text = done.receipt.read_text("utf-8")
    for secret in (CODE, CODE[:9], PHONE, "instance-00000011", "a remark"):
        assert secret not in text
    import hashlib

    for name in ("md5", "sha1", "sha256"):
        assert hashlib.new(name, CODE.encode()).hexdigest()[:8] not in text


def test_erase__twice_says_that_nobody_has_the_code(ws):
    _erase(ws)
    with pytest.raises(RunError, match="Nobody") as caught:
        plan_erasure(ws, CODE)
    assert "erasures" in str(caught.value)


def test_erase__a_drawn_household_that_was_never_visited(ws):
    with ws.file("sample").open("a", encoding="utf-8") as file:
        file.write("10291-T03-H020-6,10291-T03,10291\n")
    _erase(ws, "10291-T03-H020-6")
    assert "H020" not in ws.file("sample").read_text("utf-8")
    assert len(_texts(ws)) == 5


def test_erase__private_lists_and_corrections_lose_their_lines_and_nothing_else(ws):
    duplicates = "\ufeffgroup,kind,row_id,hhid,decision,reason\n"
    stays = '21-22,k,21,x,keep,"two\r\nlines, quoted"\n'
    write(ws.private / "duplicates.csv", duplicates + f"11-12,k,11,{CODE},keep,r\n" + stays)
    write(
        ws.private / "corrections.csv",
        CORRECTIONS + f"household,22,w1,hhid,{CODE},replace,{NEIGHBOUR},r,S04,2026-02-01\n",
    )
    corrections = ws.file("corrections")
    other = "team_log,11,,visits,1,replace,2,r,S04,2026-02-01\n"
    corrections.write_text(
        CORRECTIONS + "household,11,w1,hh_size,4,replace,5,r,S04,2026-02-01\n" + other, "utf-8"
    )
    mode = stat.S_IMODE(corrections.stat().st_mode)
    (ws.root / ".git").mkdir()
    _erase(ws)
    assert (ws.private / "duplicates.csv").read_bytes() == (duplicates + stays).encode()
    assert corrections.read_text("utf-8") == CORRECTIONS + other
    assert stat.S_IMODE(corrections.stat().st_mode) == mode
    (receipt,) = (ws.private / "erasures").glob("*.json")
    told = "lines taken out of params/corrections.csv stay in the history of git"
    assert read_json(receipt)["remarks"] == [told]
    assert "hhid,[erased],replace," + NEIGHBOUR in (ws.private / "corrections.csv").read_text()


def test_erase__answers_to_flags_and_the_flags_themselves(ws):
    flags = pd.DataFrame(
        {
            "check": "outlier",
            "form": ["household", "household", "team_log", "household"],
            "row_id": pd.array([11, 21, 11, 22], dtype="Int64"),
            "item": [None, None, None, "12"],
            "key": ["k1", "k2", "k3", "k4"],
            "first_seen": "2026-01-01",
        }
    )
    ws.clean.mkdir(parents=True)
    flags.to_parquet(ws.clean / "flags.parquet", index=False)
    (ws.clean / "household.parquet").write_bytes(b"PAR1 whatever")
    answers = "key,answer,reason,decided_by,decided_on\n"
    rows = [f"{key},okay,asked,S04,2026-02-01\n" for key in ("k1", "k2", "k4")]
    write(ws.private / "flag_answers.csv", answers + "".join(rows))
    (ws.clean / "household.parquet").unlink()
    _erase(ws)
    left = pd.read_parquet(ws.clean / "flags.parquet")
    assert left["key"].tolist() == ["k2", "k3"]
    assert set(left["first_seen"]) == {"2026-01-01"}
    assert (ws.private / "flag_answers.csv").read_text("utf-8") == answers + rows[1]


def test_erase__notebooks_lose_outputs_and_checkpoints_and_keep_their_cells(ws):
    path = ws.root / "notebooks" / "exploration" / "look.ipynb"
    _notebook(path, "panel.head()", f"{CODE} {PHONE}")
    _notebook(path.parent / ".ipynb_checkpoints" / "look-checkpoint.ipynb", "x", CODE)
    _erase(ws)
    cell = nbformat.read(path, 4).cells[0]
    assert (cell.source, cell.outputs, cell.execution_count) == ("panel.head()", [], None)
    assert not list(ws.root.rglob(".ipynb_checkpoints"))


def test_erase__what_runs_made_goes_and_what_people_put_beside_it_stays(ws):
    folder = ws.reports("main")
    write(folder / "10291.vi.html", "a page")
    write(folder / "logs" / "error-1.log", CODE)
    write(folder / "notebooks" / ".20_clean.running.ipynb", "{}")
    write(folder / ".run.json-abcd1234", CODE)
    write(folder / ".run.journal.jsonl", CODE)
    write(folder / "run.json.damaged", CODE)
    write(folder / ".lock", "")
    write(ws.reports("killed") / ".lock", "")
    write(ws.private / ".contacts.parquet-abcd1234", PHONE)
    book = openpyxl.Workbook()
    book.active.append([CODE])
    (ws.root / "reports" / "main-field").mkdir()
    book.save(ws.root / "reports" / "main-field" / "team.xlsx")
    (folder / "minutes.docx").write_bytes(b"what people wrote")
    _erase(ws)
    assert [p.name for p in (ws.root / "reports").rglob("*") if p.is_file()] == ["minutes.docx"]
    assert not ws.reports("killed").exists()
    assert files_with(ws.root, CODE, PHONE) == {}


def test_plan__refuses_while_a_file_of_the_users_own_names_the_household(ws):
    note, cell = ws.root / "notes" / "calls.md", ws.root / "notebooks" / "own.ipynb"
    write(note, f"called {PHONE}")
    _notebook(cell, f"panel.query('hhid == \"{CODE}\"')", "nothing")
    with pytest.raises(RunError, match="no run makes") as caught:
        plan_erasure(ws, CODE)
    assert caught.value.found == "2: notebooks/own.ipynb, notes/calls.md"
    assert len(_texts(ws)) == 5
    note.unlink()
    cell.unlink()
    _erase(ws)
    assert files_with(ws.root, CODE, PHONE) == {}


def test_erase__a_file_that_came_meanwhile_keeps_it_open_until_it_is_dealt_with(ws):
    plan = plan_erasure(ws, CODE)
    note = ws.root / "notes" / "calls.md"
    write(note, f"called {PHONE}")
    with pytest.raises(RunError, match="no run makes") as caught:
        erase(ws, plan, rebuild=False)
    assert "notes/calls.md" in str(caught.value)
    assert PHONE not in str(caught.value)
    note.unlink()
    assert finish_erasure(ws, rebuild=False) is not None
    assert files_with(ws.root, CODE, PHONE) == {}


def test_erase__a_phone_that_another_household_gave_too_is_not_taken_for_a_trace(tmp_path):
    rows = [
        submission(11, CODE, phone_recontact=PHONE),
        submission(21, NEIGHBOUR, phone_recontact=PHONE),
    ]
    ws = small_workspace(tmp_path / "ws", rows)
    _erase(ws)
    assert PHONE in _texts(ws)[21]


def test_erase__stores_of_other_servers_and_forms(ws):
    other = ws.raw.parent / "sandbox" / "household.sqlite"
    with Store.open(other, server="sandbox", asset="aOther") as store:
        from survey_tools.kobo import PullReport

        pull = store.begin_pull(PullReport(form="aOther", server="sandbox", started="a"))
        store.add_rows(pull, [("s", submission(91, CODE)), ("s", submission(22, NEIGHBOUR))])
    fill(ws, "team_log", [{"_id": 5, "_uuid": "log-5", "problem": f"asked for {CODE}"}])
    done = _erase(ws)
    assert files_with(ws.root, CODE) == {}
    with Store.read(other) as store:
        assert [row["_id"] for row in store.rows()] == [22]
    assert (
        _texts(ws, "team_log")[5] == '{"_id": 5, "_uuid": "log-5", "problem": "asked for [erased]"}'
    )
    tasks = {task["form"]: (task["delete"], task["edit"]) for task in done.content["on_the_server"]}
    assert tasks[ws.study.forms["team_log"].uid] == ([], [5])
    assert "aOther" not in tasks  # the built-in server's folder is in the workspace itself


def test_erase__folders_and_lists_that_lie_elsewhere_behind_a_link(ws, tmp_path):
    elsewhere = tmp_path / "encrypted disk"
    elsewhere.mkdir()
    _notebook(ws.notebooks / "look.ipynb", "x", CODE)
    write(ws.reports("main") / "10291.vi.html", CODE)
    for name in ("data", "reports"):
        (ws.root / name).replace(elsewhere / name)
        (ws.root / name).symlink_to(elsewhere / name)
    for path in (ws.file("sample"), ws.notebooks / "look.ipynb"):
        moved = path.rename(elsewhere / path.name)
        path.symlink_to(moved)
    (ws.root / "notes").symlink_to(ws.root)  # a link to itself does not turn the search in circles
    _erase(ws)
    assert files_with(elsewhere, CODE, PHONE) == {}
    assert ws.file("sample").is_symlink()
    assert len(_texts(ws)) == 3


def test_erase__a_code_that_is_the_example_in_the_form_is_looked_for_by_its_rows_alone(tmp_path):
    example = "10291-T03-H017-3"
    ws = small_workspace(tmp_path / "ws", [submission(11, example, comment="a remark of theirs")])
    assert files_with(ws.root / "params" / "forms", example)
    _erase(ws, example)
    assert files_with(ws.root / "data", example, "instance-00000011", "a remark of theirs") == {}


# ---------------------------------------------------------------- what stands in the way


def test_erase__is_refused_while_somebody_reads_a_store(ws):
    plan = plan_erasure(ws, CODE)
    reader = sqlite3.connect(ws.store("household"))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM rows").fetchone()
    try:
        with pytest.raises(StoreError, match=r"in use|Another program") as caught:
            erase(ws, plan)
    finally:
        reader.close()
    assert caught.value.exit_code == 2
    assert not journal_path(ws).exists()
    assert len(_texts(ws)) == 5


def test_erase__is_refused_while_a_pull_writes(ws):
    uid = ws.study.forms["household"].uid
    with (
        Store.open(ws.store("household"), server=ws.study.server.url, asset=uid) as store,
        store.exclusive(),
        pytest.raises(StoreError, match="Another sync"),
    ):
        _erase(ws)
    assert not journal_path(ws).exists()


def test_erase__and_runs_keep_out_of_each_others_way(ws):
    plan = plan_erasure(ws, CODE)
    with at_work(ws), at_work(ws), pytest.raises(RunError, match="is at work"):
        erase(ws, plan)
    with alone(ws), pytest.raises(RunError, match="being erased"), at_work(ws):
        pass
    assert len(_texts(ws)) == 5
    erase(ws, plan, rebuild=False)


def test_erase__disk_too_full(ws, monkeypatch):
    usage = shutil.disk_usage(ws.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(RunError, match="too little room"):
        _erase(ws)
    assert len(_texts(ws)) == 5
    assert not journal_path(ws).exists()


def test_erase__disk_full_on_its_way_is_told_and_gone_on_with(ws, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "remove_attachments", full)
        with pytest.raises(RunError, match="could not go on") as caught:
            _erase(ws)
    assert caught.value.found == "No space left on device"
    assert journal_path(ws).is_file()
    finish_erasure(ws, rebuild=False)
    assert files_with(ws.root, CODE, PHONE) == {}


def test_erase__a_list_that_cannot_be_read_stops_it_before_anything_changes(ws):
    write(ws.private / "own.csv", 'a,b\n1,"never closed\n2,3\n')
    with pytest.raises(RunError, match="cannot be read line by line") as caught:
        _erase(ws)
    assert "own.csv, line 2" in str(caught.value)
    assert len(_texts(ws)) == 5


def test_journal__damaged_one_is_told(ws):
    write(journal_path(ws), "{")
    with pytest.raises(RunError, match="journal of an erasure is damaged"):
        finish_erasure(ws)


# ---------------------------------------------------------------- killed on its way

KILLED_AFTER = [
    "erase.write_journal",
    "erase_derived.delete_derived",
    "erase.remove_attachments",
    "upkeep.finish_erasing",
    "upkeep.erase_rows",
    "erase.erase_lines",
    "erase.refuse_traces",
    "erase.write_receipt",
]

SCRIPT = """
import os, signal, sys
from survey_tools.kobo.store import upkeep
from survey_tools.params import open_workspace
from survey_tools.run.erasing import derived as erase_derived
from survey_tools.run.erasing import erase

modules = {"erase": erase, "erase_derived": erase_derived, "upkeep": upkeep}
module, name = sys.argv[2].split(".")
real = getattr(modules[module], name)

def killing(*given, **more):
    if name != "finish_erasing":
        real(*given, **more)
    elif not given[0].execute("SELECT 1 FROM meta WHERE key = 'erasing'").fetchone():
        return  # else killed while traces of the rows are still in the file
    os.kill(os.getpid(), signal.SIGKILL)

ws = open_workspace(sys.argv[1])
plan = erase.plan_erasure(ws, sys.argv[3])
setattr(modules[module], name, killing)
erase.erase(ws, plan, rebuild=False)
"""


@pytest.mark.parametrize("step", KILLED_AFTER)
def test_erase__killed_after_a_step_is_finished_later(ws, step):
    write(ws.reports("main") / "run.json", "{}")
    ws.clean.mkdir(parents=True)
    pd.DataFrame({"hhid": [CODE, NEIGHBOUR]}).to_parquet(ws.clean / "visits.parquet")
    command = [sys.executable, "-c", SCRIPT, str(ws.study_path), step, CODE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr

    assert stat.S_IMODE(journal_path(ws).stat().st_mode) == 0o600
    first = status(ws)[0]
    assert (first.name, first.there) == ("erasure", False)
    assert "survey-tools erase" in first.next
    for refused in (lambda: read_tables(ws, "household"), lambda: run_reports(ws, "main"),
                    lambda: plan_erasure(ws, NEIGHBOUR)):  # fmt: skip
        with pytest.raises(RunError, match="has begun and is not finished"):
            refused()

    outcome = finish_erasure(ws, rebuild=False)
    assert outcome is not None
    assert files_with(ws.root, CODE, PHONE, "instance-00000011", "a remark of theirs") == {}
    assert sorted(_texts(ws)) == [21, 22, 31]
    assert [p.name for p in outcome.receipt.parent.iterdir()] == [outcome.receipt.name]
    assert status(ws)[0].name == "raw"
    assert finish_erasure(ws) is None


def test_journal__holds_the_code_only_while_it_is_needed(ws):
    plan = plan_erasure(ws, CODE)
    write_journal(ws, plan)
    assert read_journal(ws) == plan
    finish_erasure(ws, rebuild=False)
    assert not journal_path(ws).exists()


# ---------------------------------------------------------------- the parts


def test_erase_lines__of_a_file_in_another_encoding_with_semicolons(tmp_path):
    path = tmp_path / "mine.csv"
    content = f"hhid;note\n{CODE};à\n{NEIGHBOUR};xã\nother;see {CODE.lower()}\n".encode(
        "latin-1", "ignore"
    )
    path.write_bytes(content)
    household = Household(CODE, {})
    assert count_lines(path, household) == (3, 2)
    erase_lines(path, household)
    assert path.read_bytes() == f"hhid;note\n{NEIGHBOUR};xã\nother;see [erased]\n".encode(
        "latin-1", "ignore"
    )
    erase_lines(path, household)
    assert CODE not in path.read_text("latin-1")


def test_household__owns_by_group_only_whole_numbers(tmp_path):
    household = Household(CODE, {"household": [11]}, ["k1"])
    assert household.owns({"group": "11-12", "row_id": "12"})
    assert not household.owns({"group": "111-12", "row_id": "12"})
    assert household.owns({"key": "k1"})
    assert not household.owns({"form": "site", "row_id": "11"})
    assert not household.owns({"other": "11"})


def test_find_traces__in_every_kind_of_file_and_only_there(tmp_path):
    pd.DataFrame({"x": ["a" * 40 + CODE, "b"]}).to_parquet(
        tmp_path / "a.parquet", compression="gzip"
    )
    pd.DataFrame({"x": pd.Categorical([CODE.lower(), "b"])}).to_parquet(tmp_path / "b.parquet")
    book = openpyxl.Workbook()
    book.active.append([CODE])
    book.save(tmp_path / "c.xlsx")
    db = sqlite3.connect(tmp_path / "d.sqlite")
    db.execute("CREATE TABLE t (x TEXT)")
    db.execute("INSERT INTO t VALUES (?)", ("y" * 4060 + CODE + "y" * 9000,))
    db.commit()
    db.close()
    (tmp_path / "e.txt").write_text(f"…{CODE}…", encoding="utf-16")
    (tmp_path / ".hidden").write_text(CODE, encoding="utf-8")
    import gzip

    (tmp_path / "f.jsonl.gz").write_bytes(gzip.compress(CODE.encode()))
    for name in ("g.zip", "h.parquet", "i.sqlite"):
        (tmp_path / name).write_bytes(b"PK no zip, no table")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "example.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "empty").touch()
    found = {path.name for path in find_traces(tmp_path, [CODE])}
    assert found == {
        "a.parquet",
        "b.parquet",
        "c.xlsx",
        "d.sqlite",
        "e.txt",
        ".hidden",
        "f.jsonl.gz",
    }
    assert find_traces(tmp_path, [NEIGHBOUR]) == []
    assert find_traces(tmp_path, []) == []


def test_take_stock__of_an_empty_workspace(ws):
    derived = erase_derived.take_stock(ws)
    assert (derived.tables, derived.reports, derived.stages, derived.runs) == ((), (), (), {})

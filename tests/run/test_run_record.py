"""The record of a run: whole after any death of the process, small to write, and as its schema says."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from survey_tools.errors import RunError
from survey_tools.run.batch.record import DAMAGED, JOURNAL, RECORD, Record, read_record
from survey_tools.run.batch.reports import Choices
from survey_tools.run.files import write_json

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "run.schema.json").read_text(encoding="utf-8")
)
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def validate_record(record: dict[str, Any]) -> None:
    """Hold a record to the schema that the project publishes."""
    jsonschema.Draft202012Validator(SCHEMA).validate(record)


def _page(code="10291", lang="vi", status="ok", **more):
    return {
        "code": code,
        "lang": lang,
        "notebook": "notebooks/60_commune_report.ipynb",
        "status": status,
        "file": f"{code}.{lang}.html",
        "reason": "not made yet",
        "seconds": {"start": 0.1, "cells": 1.0, "render": 0.1, "release": 0.1, "total": 1.4},
        "peak_mb": 210.5,
        "attempts": 1,
        "warnings": ["a figure without alt text"],
        "files": {f"{code}.{lang}.html": "a" * 64},
        "parameters": {"commune": code, "lang": lang, "run": "main"},
        "hashes": {"results": "ab12"},
        **more,
    }


def _folder(ws):
    return ws.reports("main")


def _on_disk(ws):
    return json.loads((_folder(ws) / RECORD).read_text(encoding="utf-8"))


OPTIONS = {
    "communes": ["10291"],
    "langs": None,
    "first": None,
    "force": True,
    "explain": False,
    "jobs": 2,
    "limits": {"seconds": 900, "memory_mb": 4000, "output_mb": 50},
    "scheduler": None,
    "share": None,
    "extra": {"60_commune_report.ipynb": {"top": 5, "note": "00013", "maps": True}},
}


def test_record__is_as_its_schema_says(ws):
    record = Record(ws, "main", OPTIONS)
    record.set_page(_page())
    record.set_page(
        _page("10288", status="failed", error="ValueError: x", cell="c: x", log="l.log")
    )
    record.set_page({"code": "10270", "lang": "en", "status": "too_few"})
    validate_record(_on_disk(ws))
    content = record.finish()
    validate_record(content)
    assert _on_disk(ws) == content
    assert content["counts"] == {"failed": 1, "ok": 1, "too_few": 1}
    assert [page["code"] for page in content["pages"]] == ["10270", "10288", "10291"]
    assert content["pulls"][0]["proof"] == "ab"
    assert content["finished"] >= content["started"]
    assert stat.S_IMODE((_folder(ws) / RECORD).stat().st_mode) == 0o600


def test_record__options_of_a_batch_are_as_the_schema_says(ws):
    choices = Choices(jobs=2, extra={"60_commune_report.ipynb": {"top": 5}})
    for described in (
        choices.described(["10291", 10288], ("vi",)),
        Choices().described(None, None),
    ):
        validate_record(Record(ws, "main", described).finish())


def test_schema__describes_every_field_and_allows_no_other():
    def fields(part):
        for name, field in part.get("properties", {}).items():
            yield name, field
            yield from fields(field)
            yield from fields(field.get("items", {}))

    found = [*fields(SCHEMA), *fields(SCHEMA["$defs"]["page"])]
    assert len(found) > 40
    states = SCHEMA["$defs"]["page"]["properties"]["status"]["enum"]
    assert not [n for n, field in found if n not in states and not field.get("description")]
    record = {"run": "main"}
    with pytest.raises(jsonschema.ValidationError):
        validate_record(record)


@pytest.mark.parametrize("change", [{"row": 1}, {"status": "fine"}, {"files": {"a": "short"}}])
def test_schema__refuses_a_page_that_says_something_else(ws, change):
    record = Record(ws, "main")
    record.set_page(_page())
    content = record.finish()
    content["pages"][0] |= change
    with pytest.raises(jsonschema.ValidationError):
        validate_record(content)


def test_record__names_no_machine_and_no_user_and_holds_no_secret(ws, monkeypatch):
    monkeypatch.setenv("KOBO_TOKEN", TOKEN)
    options = {
        "scheduler": "tls://someone:pass@word@10.0.0.1:8786",
        "share": "s3://key:secret@bucket/folder?sig=abc",
        "extra": {"60_commune_report.ipynb": {"note": f"use {TOKEN}"}},
    }
    record = Record(ws, "main", options)
    content = record.finish()
    assert content["parameters"] == {
        "scheduler": "tls://10.0.0.1:8786",
        "share": "s3://bucket/folder",
        "extra": {"60_commune_report.ipynb": {"note": "use [token]"}},
    }
    assert set(content["host"]) == {"platform", "cpus"}
    assert os.uname().nodename not in json.dumps(content["host"])


def test_record__reading_changes_no_file(ws):
    write_json(_folder(ws) / RECORD, {"pages": [_page()]})
    (_folder(ws) / JOURNAL).write_text(json.dumps(_page("10288")) + "\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in _folder(ws).iterdir()}
    record = Record(ws, "main")
    assert record.page("10291", "vi")["status"] == record.page("10288", "vi")["status"] == "ok"
    assert record.page("10288", "en") is None
    assert [page["code"] for page in read_record(_folder(ws))["pages"]] == ["10288", "10291"]
    assert {path.name: path.read_bytes() for path in _folder(ws).iterdir()} == before


def test_record__a_journal_left_over_is_folded_in_and_a_torn_line_ignored(ws):
    write_json(_folder(ws) / RECORD, {"pages": [_page(status="failed")]})
    lines = json.dumps(_page()) + "\n" + json.dumps(_page("10288"))[:-9]
    (_folder(ws) / JOURNAL).write_text(lines, encoding="utf-8")
    record = Record(ws, "main")
    record.set_page(_page("10270"))
    assert {page["code"] for page in _on_disk(ws)["pages"]} == {"10291"}
    assert len((_folder(ws) / JOURNAL).read_bytes().splitlines()) == 1
    assert stat.S_IMODE((_folder(ws) / JOURNAL).stat().st_mode) == 0o600
    record.finish()
    assert not (_folder(ws) / JOURNAL).exists()
    assert [(page["code"], page["status"]) for page in _on_disk(ws)["pages"]] == [
        ("10270", "ok"),
        ("10291", "ok"),
    ]


def test_record__a_torn_letter_at_the_end_is_ignored(ws):
    line = json.dumps(_page(error="không đủ"), ensure_ascii=False).encode()
    _folder(ws).mkdir(parents=True)
    (_folder(ws) / JOURNAL).write_bytes(line + b"\n" + line[: line.index("ô".encode()) + 1])
    assert Record(ws, "main").page("10291", "vi")["error"] == "không đủ"


_WRITER = """
import sys
from survey_tools.params import open_workspace
from survey_tools.run.batch.record import Record
record = Record(open_workspace(sys.argv[1]), "main")
for number in range(10**6):
    record.set_page({"code": f"{number:05}", "lang": "vi", "status": "ok"})
    print(number, flush=True)
"""


def test_record__every_page_put_down_survives_kill_9(ws):
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(ws.study_path)], stdout=subprocess.PIPE, text=True
    )
    told = [process.stdout.readline() for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    told += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    last = max(int(line) for line in told if line.endswith("\n"))
    record = Record(ws, "main")
    assert all(record.page(f"{number:05}", "vi") for number in range(last + 1))
    content = record.finish()
    validate_record(content)
    assert not (_folder(ws) / JOURNAL).exists()
    assert len(_on_disk(ws)["pages"]) >= last + 1


def test_record__one_of_an_older_version_opens(ws):
    old = {"code": "10291", "lang": "vi", "status": "ok", "file": "10291.vi.html", "seconds": 2.34}
    write_json(_folder(ws) / RECORD, {"run": "main", "pages": [old, {"status": "ok"}, "x"]})
    record = Record(ws, "main")
    assert record.page("10291", "vi")["seconds"] == {"total": 2.34}
    assert record.page("10291", "vi")["hashes"] == {}
    validate_record(record.finish())


@pytest.mark.parametrize("text", ["{", "[]", '{"pages": 3}', ""])
def test_record__a_damaged_one_is_kept_aside(ws, text, capsys):
    _folder(ws).mkdir(parents=True)
    (_folder(ws) / RECORD).write_text(text, encoding="utf-8")
    record = Record(ws, "main")
    assert record.page("10291", "vi") is None
    assert read_record(_folder(ws)) is None
    record.set_page(_page())
    assert (_folder(ws) / DAMAGED).read_text(encoding="utf-8") == text
    assert DAMAGED in capsys.readouterr().err
    record.finish()
    assert len(_on_disk(ws)["pages"]) == 1


def test_read_record__there_is_none(ws):
    assert read_record(_folder(ws)) is None


def test_record__many_threads_lose_no_page(ws):
    record = Record(ws, "main")

    def put(start):
        for number in range(start, start + 100):
            record.set_page(_page(f"{number:05}"))

    threads = [threading.Thread(target=put, args=(100 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_record(_folder(ws))["pages"]) == 800
    assert record.finish()["counts"] == {"ok": 800}


def test_record__a_page_costs_the_same_however_many_there_are(ws):
    """At 3,321 communes in two languages the record was once written anew for each page."""
    record = Record(ws, "main")
    for number in range(6642):
        record.set_page(_page(f"{number:05}"))
    started = time.process_time()
    for number in range(100):
        record.set_page(_page(f"{number:05}", status="failed"))
    assert (time.process_time() - started) / 100 < 0.001
    assert record.finish()["counts"] == {"failed": 100, "ok": 6542}


def test_record__a_full_disk_is_told_and_leaves_no_torn_line(ws, monkeypatch):
    record = Record(ws, "main")
    record.set_page(_page())
    whole = record._journal.write
    monkeypatch.setattr(record, "_journal", _Full(record._journal))
    with pytest.raises(RunError, match="record of the run could not be written") as caught:
        record.set_page(_page("10288"))
    assert "free space" in caught.value.next_step
    assert whole.__self__ is record._journal.file
    lines = (_folder(ws) / JOURNAL).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["10291"]


class _Full:
    """A file that takes half of what is written."""

    def __init__(self, file):
        self.file = file

    def write(self, line):
        return self.file.write(line[: len(line) // 2])

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_record__commit_and_changes_of_the_workspace(ws):
    def git(*arguments):
        subprocess.run(["git", "-C", str(ws.root), *arguments], check=True, capture_output=True)

    assert Record(ws, "main").finish()["commit"] is None
    git("init", "-q")
    assert Record(ws, "main").finish()["dirty"] is None
    git("add", "params")
    (ws.root / ".gitignore").write_text("*\n", encoding="utf-8")
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "first")
    clean = Record(ws, "main").finish()
    assert (len(clean["commit"]), clean["dirty"]) == (40, False)
    validate_record(clean)
    with ws.study_path.open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert Record(ws, "main").finish()["dirty"] is True

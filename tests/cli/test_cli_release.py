"""The command that makes and checks packs: what it prints, and its exit codes."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from release_support import PHONE, release_workspace, rewrite, sign
from survey_tools.cli import app


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    return release_workspace(tmp_path_factory.mktemp("release") / "ws", communes=5)


@pytest.fixture
def call(ws, monkeypatch):
    monkeypatch.chdir(ws.root)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_release__makes_a_pack_then_checks_it(call, tmp_path):
    pack = tmp_path / "pack"
    made = call("release", str(pack))
    assert made.exit_code == 0, made.output
    assert "k of households: smallest class" in made.output
    assert "Headline means at the endline" in made.output
    assert "hh_size: " in made.output
    checked = call("release", str(pack), "--check")
    assert checked.exit_code == 0
    assert "FAILED" not in checked.output

    rewrite(pack, "households.csv", lambda row: row | {"resp_age": "47"})
    with (pack / "README.txt").open("a", encoding="utf-8") as file:
        file.write(PHONE)
    sign(pack)
    checked = call("release", "--check", str(pack))
    assert checked.exit_code == 1
    assert "FAILED  values: resp_age" in checked.output
    assert "a known phone number" in checked.output
    assert PHONE not in checked.output

    again = call("release", str(pack))
    assert again.exit_code == 2
    assert "something of that name" in again.output


def test_release__check_of_what_is_no_pack(call, tmp_path):
    done = call("release", "--check", str(tmp_path / "nowhere"))
    assert done.exit_code == 2
    assert "no release pack" in done.output

"""Study file and workspace."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from survey_tools.errors import ParamsError
from survey_tools.params import ROOT_VARIABLE, open_workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def _change(workspace: Path, old: str, new: str) -> Path:
    path = workspace / "params" / "study.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_open_workspace__is_found_from_a_folder_below(workspace, monkeypatch):
    monkeypatch.chdir(workspace / "notebooks")
    assert open_workspace().root == workspace


def test_open_workspace__root_variable_wins_over_the_current_folder(workspace, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(ROOT_VARIABLE, str(workspace))
    assert open_workspace().root == workspace


def test_open_workspace__missing_file_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError, match="no such study file") as caught:
        open_workspace()
    assert str(tmp_path) in str(caught.value)


def test_read_study__misspelt_key_names_file_key_and_the_near_one(workspace):
    path = _change(workspace, "show_from:", "show_frm:")
    with pytest.raises(ParamsError) as caught:
        open_workspace(path)
    message = str(caught.value)
    assert "«disclosure.show_frm» is unknown (did you mean «show_from»?)" in message
    assert "«disclosure.show_from» is missing" in message
    assert "params/study.yml" in message


def test_read_study__wrong_type_names_key_and_value(workspace):
    path = _change(workspace, "households_per_team: 12", "households_per_team: twelve")
    with pytest.raises(ParamsError, match=r"design\.households_per_team.*'twelve'"):
        open_workspace(path)


def test_read_study__endline_must_be_a_wave(workspace):
    path = _change(workspace, "endline: w3", "endline: w9")
    with pytest.raises(ParamsError, match="w9 is not among all"):
        open_workspace(path)


def test_read_study__broken_yaml_is_said_so(workspace):
    path = workspace / "params" / "study.yml"
    path.write_text("study: [", encoding="utf-8")
    with pytest.raises(ParamsError, match="not valid YAML"):
        open_workspace(path)


def test_server_slug__two_servers_never_share_a_store(workspace):
    first = open_workspace(workspace / "params" / "study.yml").store("household")
    path = _change(workspace, "url: sandbox", "url: http://127.0.0.1:8899")
    second = open_workspace(path).store("household")
    assert first.parent.name == "sandbox"
    assert second.parent.name == "127.0.0.1-8899"


def test_table__missing_file_names_the_key(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    (workspace / "params" / "teams.csv").unlink()
    with pytest.raises(ParamsError, match=r"files\.teams"):
        ws.table("teams")


def test_teams__are_154_in_27_communes_with_all_households():
    ws = open_workspace(ROOT / "params" / "study.yml")
    teams, communes = ws.table("teams"), ws.table("communes")
    assert len(teams) == 154
    assert teams["team_id"].is_unique
    by_commune = teams.groupby("commune_code")["households"].sum()
    assert by_commune.to_dict() == dict(
        zip(communes["code"], communes["households_2019"], strict=True)
    )


def test_open_workspace__files_spelled_in_another_unicode_form_say_the_same(workspace):
    before = open_workspace(workspace / "params" / "study.yml")
    tables = {name: before.table(name) for name in ("communes", "teams", "outcomes")}
    for path in (workspace / "params").glob("*.*"):
        text = path.read_text(encoding="utf-8")
        path.write_text(unicodedata.normalize("NFD", text), encoding="utf-8")
    after = open_workspace(workspace / "params" / "study.yml")
    assert after.study == before.study
    for name, table in tables.items():
        assert after.table(name).equals(table), name
    assert unicodedata.is_normalized("NFC", "".join(after.table("communes")["name_vi"]))


def test_open_workspace__the_share_of_other_households_is_stated(workspace):
    ws = open_workspace(workspace / "params" / "study.yml")
    assert ws.study.identity.max_other_households == 0.05
    path = _change(workspace, "max_other_households: 0.05", "max_other_households: 1.5")
    with pytest.raises(ParamsError, match="max_other_households"):
        open_workspace(path)


@pytest.mark.parametrize("run", ["", "../evil", "/tmp/x", "a/b", ".hidden", "main-field", "a b"])
def test_reports__a_run_has_a_plain_name(run):
    ws = open_workspace(ROOT / "params" / "study.yml")
    for folder in (ws.reports, ws.field_sheets):
        with pytest.raises(ParamsError, match="name of the run"):
            folder(run)


def test_field_sheets__lie_beside_the_pages_of_their_run():
    ws = open_workspace(ROOT / "params" / "study.yml")
    assert (
        ws.field_sheets("2026.đợt_2").parent
        == ws.reports("2026.đợt_2").parent
        == ws.root / "reports"
    )

"""The field checks of a whole workspace: what is gathered, what is found, followed, answered and written."""

from __future__ import annotations

import re
import shutil
import stat
from dataclasses import fields, replace
from datetime import date

import pandas as pd
import pytest

from survey_tools import clean, contracts
from survey_tools.clean.checks.base import Fieldwork
from survey_tools.errors import ContractError
from survey_tools.kobo import Store
from survey_tools.params import open_workspace
from survey_tools.run import (
    check_fieldwork,
    count_flags,
    gather_fieldwork,
    run_field_checks,
    run_stages,
    sheets_folder,
    write_flags,
)
from survey_tools.run.fieldwork import edited_rows, version_table
from survey_tools.run.server import PRESET_VARIABLE
from tests_support import copy_workspace

pytestmark = [pytest.mark.slow]
MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    """A workspace with the small district, pulled and cleaned by the notebooks."""
    root = copy_workspace(tmp_path_factory.mktemp("cleaned"))
    ws = open_workspace(root / "params" / "study.yml")
    patch = pytest.MonkeyPatch()
    patch.setenv(PRESET_VARIABLE, "small")
    run_stages(ws, "main", stages=["10_pull", "20_clean"], preset="small")
    patch.undo()
    return ws


@pytest.fixture(scope="module")
def work(cleaned):
    return gather_fieldwork(cleaned)


@pytest.fixture
def ws(cleaned, tmp_path):
    """A copy of the workspace that a test may write to."""
    shutil.copytree(cleaned.root, tmp_path / "copy")
    return open_workspace(tmp_path / "copy" / "params" / "study.yml")


def planted(ws):
    (folder,) = ws.sandbox.glob("small-*")
    return pd.read_csv(folder / "planted.csv", dtype={"detail": "str"})


def test_gather_fieldwork__brings_every_table(work):
    optional = [field.name for field in fields(Fieldwork) if field.default is None]
    assert len(optional) > 10
    assert [name for name in optional if getattr(work, name) is None] == []
    assert len(work.totals) > 50
    assert set(work.versions["version"]) == set(work.household["__version__"])


def test_gather_fieldwork__no_position_and_no_answer_of_an_audit_log(work):
    assert list(work.times) == ["_id", "path", "seconds"]
    assert list(work.totals) == ["_id", "seconds"]


def test_gather_fieldwork__without_clean_tables_says_what_to_run(tmp_path):
    root = copy_workspace(tmp_path)
    with pytest.raises(ContractError, match="not there yet"):
        gather_fieldwork(open_workspace(root / "params" / "study.yml"))


def test_gather_fieldwork__without_audit_logs_the_checks_on_them_do_not_run(ws):
    shutil.rmtree(ws.attachments("household"))
    skipped = check_fieldwork(ws, today=MONDAY).skipped
    assert skipped["active_time"] == "totals"
    assert skipped["group_time"] == "times"


def test_check_fieldwork__the_settings_name_no_question_in_vain(cleaned, work):
    checked = check_fieldwork(cleaned, work, today=MONDAY)
    assert checked.unknown == {}
    assert checked.skipped == {"audit_missing": "off"}


def test_check_fieldwork__twice_on_one_day_changes_nothing(ws, work):
    first = check_fieldwork(ws, work, today=MONDAY)
    write_flags(ws, first)
    again = check_fieldwork(ws, work, today=MONDAY)
    pd.testing.assert_frame_equal(again.flags, first.flags)
    assert set(first.flags["state"]) == {"new"}
    later = check_fieldwork(ws, work, today=TUESDAY)
    assert set(later.flags["state"]) == {"open"}


def test_check_fieldwork__flags_of_another_server_are_forgotten(ws, work):
    write_flags(ws, check_fieldwork(ws, work, today=MONDAY))
    mark = ws.raw / "district.txt"
    mark.write_text("small-another", encoding="utf-8")
    later = check_fieldwork(ws, work, today=TUESDAY).flags
    assert set(later["state"]) == {"new"}
    assert set(later["source"]) == {"sandbox/small-another"}


def test_check_fieldwork__flags_of_a_check_that_is_no_more_are_resolved(ws, work):
    checked = check_fieldwork(ws, work, today=MONDAY)
    logic = checked.flags["check"] == "logic"
    older = checked.flags.assign(
        check=checked.flags["check"].mask(logic, "an_older_name"),
        key=checked.flags["key"].mask(logic, "z" + checked.flags["key"].str[1:]),
    )
    write_flags(ws, replace(checked, flags=older))
    later = check_fieldwork(ws, work, today=TUESDAY).flags
    assert set(later.loc[later["check"] == "an_older_name", "state"]) == {"resolved"}


def test_check_fieldwork__a_check_that_is_switched_off_resolves_nothing(ws, work):
    write_flags(ws, check_fieldwork(ws, work, today=MONDAY))
    off = work.rules.model_copy(
        update={"logic": work.rules.logic.model_copy(update={"use": False})}
    )
    later = check_fieldwork(ws, replace(work, rules=off), today=TUESDAY).flags
    assert set(later.loc[later["check"] == "logic", "state"]) == {"open"}


def test_check_fieldwork__what_is_no_longer_found_is_resolved_and_stays(ws, work):
    first = check_fieldwork(ws, work, today=MONDAY)
    write_flags(ws, first)
    mended = work.household.assign(duration_min=40.0)
    later = check_fieldwork(ws, replace(work, household=mended), today=TUESDAY).flags
    short = later.loc[later["check"] == "short_interview"]
    assert len(short) == (first.flags["check"] == "short_interview").sum() > 0
    assert set(short["state"]) == {"resolved"}
    assert set(short["last_seen"]) == {"2026-11-02"}


def test_check_fieldwork__an_answer_in_the_file_and_one_in_the_corrections(ws, work):
    flags = check_fieldwork(ws, work, today=MONDAY).flags
    pair = flags.loc[flags["check"] == "near_identical"].iloc[0]
    rule = flags.loc[flags["check"] == "logic"].iloc[0]
    (ws.private / clean.ANSWERS).write_text(
        "key,answer,reason,decided_by,decided_on\n"
        f"{pair['key']},okay,two shops side by side,S04,2026-11-02\n"
        "aaaaaaaaaaaaaaaa,okay,of no flag,S04,2026-11-02\n",
        encoding="utf-8",
    )
    log = contracts.read_table(ws.clean, "corrections_log").iloc[:0]
    line = {"file": "params/corrections.csv", "line": 2, "form": "household",
            "row_id": int(rule["row_id"]), "wave": rule["wave"], "variable": rule["variable"],
            "action": "okay", "decided_on": "2026-11-01", "status": "confirmed"}  # fmt: skip
    log = pd.concat([log, pd.DataFrame([line])], ignore_index=True).astype(log.dtypes)
    contracts.write_table(log, ws.clean, "corrections_log")
    checked = check_fieldwork(ws, work, today=MONDAY)
    answered = checked.flags.loc[checked.flags["state"] == "answered", "key"]
    assert set(answered) == {pair["key"], rule["key"]}
    assert checked.unused == (3,)


def test_check_fieldwork__flags_survive_a_write_that_fails(ws, work, monkeypatch):
    write_flags(ws, check_fieldwork(ws, work, today=MONDAY))
    before = (ws.clean / "flags.parquet").read_bytes()

    def fails(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fails)
    with pytest.raises(ContractError, match="untouched"):
        write_flags(ws, check_fieldwork(ws, work, today=TUESDAY))
    assert (ws.clean / "flags.parquet").read_bytes() == before
    assert [p.name for p in ws.clean.glob(".flags*")] == []


def test_count_flags__a_check_a_line_a_state_a_column(cleaned, work):
    flags = check_fieldwork(cleaned, work, today=MONDAY).flags
    counts = count_flags(flags)
    assert list(counts) == list(clean.STATES)
    assert counts.to_numpy().sum() == len(flags)


def test_run_field_checks__writes_flags_and_sheets(ws):
    checked, sheets = run_field_checks(ws, "main", today=MONDAY)
    written = contracts.read_table(ws.clean, "flags")
    pd.testing.assert_frame_equal(written, checked.flags)
    assert stat.S_IMODE((ws.clean / "flags.parquet").stat().st_mode) == 0o600
    assert sheets.index.parent == sheets_folder(ws, "main")
    assert sheets.index.is_file()
    _, none = run_field_checks(ws, "other", sheets=False, today=MONDAY)
    assert none is None
    assert not sheets_folder(ws, "other").exists()


def test_check_fieldwork__no_flag_holds_a_person_a_phone_a_position_a_code_or_a_text(cleaned, work):
    flags = check_fieldwork(cleaned, work, today=MONDAY).flags
    told = flags.astype("str").to_csv(index=False)
    with Store.read(cleaned.store("household")) as store:
        rows = list(store.rows())
    with Store.read(cleaned.store("team_log")) as store:
        logs = list(store.rows())
    ends = ("/phone_recontact", "/comment", "/enum_note", "/hhid", "/problem", "/gps")
    secrets = {row[key] for row in rows + logs for key in row if key.endswith(ends)}
    secrets |= {part for s in secrets if s.count(" ") == 3 for part in s.split()[:2] if "." in part}
    secrets |= set(planted(cleaned)["hhid"].dropna())
    secrets |= {"Nguyễn", "Hạnh", "Trần Văn Bình", "Phạm Thu Trang", "Lê Đức Mạnh"}
    secrets |= {"0301234567", "0302 345 678", "303 456 789", "030.456.7890"}
    assert len(secrets) > 500
    assert [s for s in secrets if s in told] == []
    assert not re.search(r"-H[0-9]{3}", told)


def test_edited_rows__a_former_state_of_the_row_is_named():
    rows = [
        {"_id": 1, "meta/instanceID": "uuid:a", "meta/rootUuid": "uuid:a"},
        {"_id": 2, "meta/instanceID": "uuid:b", "meta/rootUuid": "uuid:c"},
        {"_id": 3, "meta/instanceID": "uuid:d", "meta/deprecatedID": "uuid:e"},
        {"_id": 4},
    ]
    assert edited_rows(rows)["_id"].tolist() == [2, 3]


def test_version_table__times_with_and_without_fractions():
    table = version_table({"v1": "2026-01-05T02:00:00.000000Z", "v2": "2026-04-20T02:00:00Z"})
    assert table["deployed"].tolist() == [
        pd.Timestamp("2026-01-05T02:00Z"), pd.Timestamp("2026-04-20T02:00Z"),
    ]  # fmt: skip

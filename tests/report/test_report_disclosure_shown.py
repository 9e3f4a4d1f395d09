"""What is kept of the disclosed results saves time only: it says what is decided anew, or nothing at all."""

import json
import os
import re
import shutil
import stat
import time
from dataclasses import fields

import pandas as pd
import pytest
from disclosure_support import open_statuses

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.errors import AreaError, ContractError
from survey_tools.params import DisclosureSettings, open_workspace
from survey_tools.report import shown, shown_key
from survey_tools.report.disclosure import open_levels, open_results
from survey_tools.report.shown import (
    rows_of_area,
    share_results,
    shown_levels,
    shown_tables,
)
from survey_tools.report.shown_key import FOLDER
from survey_tools.report.small_cells import is_unsafe, unsafe


@pytest.fixture
def copy(ws, tmp_path):
    """A copy of the workspace, without reports and without anything kept."""
    ignored = shutil.ignore_patterns("reports", FOLDER)
    shutil.copytree(ws.root, tmp_path / "ws", ignore=ignored)
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


@pytest.fixture
def decided(monkeypatch):
    """How often all communes were decided on."""
    count = []
    decide = shown._decide
    monkeypatch.setattr(shown, "_decide", lambda ws: count.append(1) or decide(ws))
    return count


def _assert_equal(one, other):
    """Assert that two pages have the same of everything, values and types."""
    for field in fields(one):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b, check_exact=True, obj=field.name)
        elif field.name == "evidence":
            assert a.keys() == b.keys()
            for name in a:
                pd.testing.assert_frame_equal(a[name], b[name], check_exact=True, obj=name)
        else:
            assert a == b, field.name


def _change_levels(ws):
    levels = pd.read_parquet(ws.results / "levels.parquet")
    rows = (
        levels["area"].eq("10291") & levels["group"].eq("all") & levels["outcome"].eq("qr_shop_30d")
    )
    levels.loc[rows, ["numerator", "estimate", "conf_low", "conf_high"]] = [3, 0.04, 0.01, 0.1]
    contracts.write_table(levels, ws.results, "levels")


def test_share_results__rows_of_every_area_are_the_same_as_without(copy, decided):
    before = shown_tables(copy)
    share_results(copy)
    decided.clear()
    for area in ("district", *(unit.code for unit in read_areas(copy.file("areas")).of("2024"))):
        wanted, kept = rows_of_area(before, area), shown_tables(copy, area)
        assert wanted.keys() == kept.keys()
        for name, table in wanted.items():
            pd.testing.assert_frame_equal(kept[name], table, check_exact=True, obj=name)
    assert not decided


@pytest.mark.parametrize("commune", [None, "10288", "Xã Đại Thắng"])
def test_open_results__a_page_is_the_same_as_without(copy, decided, commune):
    before = open_results(copy, "vi", commune)
    share_results(copy)
    decided.clear()
    _assert_equal(open_results(copy, "vi", commune), before)
    assert not decided


def test_share_results__levels_and_statuses_of_all_areas_are_the_same_as_without(copy, decided):
    main = {"group": "all", "wave": "w3", "outcome": "qr_shop_30d"}
    before = open_levels(copy), open_levels(copy, **main), open_statuses(copy)
    share_results(copy)
    decided.clear()
    after = open_levels(copy), open_levels(copy, **main), open_statuses(copy)
    for one, other in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert len(after[1]) == 28
    assert not decided


def test_share_results__keeps_no_number_of_a_hidden_cell(copy):
    share_results(copy)
    for name, numbers in {
        "levels": ["estimate", "conf_low", "conf_high", "n", "numerator", "shown"],
        "choices": ["estimate", "n", "numerator", "shown"],
    }.items():
        table = pd.read_parquet(copy.results / FOLDER / f"{name}.parquet")
        hidden = table[table["status"].eq("hidden")]
        assert len(hidden)
        assert hidden[numbers].isna().all(axis=None)
    communes = pd.read_parquet(copy.results / FOLDER / "communes.parquet")
    assert not {"raw", "raw_se"} & set(communes)


def test_share_results__only_its_owner_reads_what_is_kept(copy):
    share_results(copy)
    files = list((copy.results / FOLDER).iterdir())
    assert len(files) > 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_share_results__a_second_time_decides_nothing(copy, decided):
    share_results(copy)
    share_results(copy)
    assert len(decided) == 1


def test_share_results__before_there_are_results(copy):
    shutil.rmtree(copy.results)
    share_results(copy)
    assert not copy.results.exists()


def test_share_results__results_that_are_not_all_there_yet(copy):
    (copy.results / "choices.parquet").unlink()
    share_results(copy)
    assert "choices" not in shown_tables(copy, "10291")
    with pytest.raises(ContractError, match="«choices» is not there yet"):
        open_results(copy, "vi", "10291")


def test_share_results__results_of_another_list_are_refused(copy):
    levels = pd.read_parquet(copy.results / "levels.parquet").assign(area_list="2025-07")
    contracts.write_parquet(levels, copy.results / "levels.parquet")
    with pytest.raises(AreaError):
        share_results(copy)
    assert not (copy.results / FOLDER).exists()


def test_open_results__new_results_are_decided_anew(copy, decided):
    share_results(copy)
    _change_levels(copy)
    decided.clear()
    fresh = open_results(copy, "vi", "10291")
    assert decided
    assert fresh.level("qr_shop_30d", "w3", area="10291")["status"] == "hidden"
    share_results(copy)
    _assert_equal(open_results(copy, "vi", "10291"), fresh)


def test_open_results__other_thresholds_are_decided_anew(copy, decided):
    share_results(copy)
    text = copy.study_path.read_text("utf-8").replace("round_from: 10", "round_from: 20")
    copy.study_path.write_text(text, "utf-8")
    stricter = open_workspace(copy.study_path)
    decided.clear()
    before = open_results(copy, "vi", "10291").levels["status"].eq("hidden").sum()
    assert not decided
    assert open_results(stricter, "vi", "10291").levels["status"].eq("hidden").sum() > before
    assert decided


@pytest.mark.parametrize("name", ["outcomes", "teams"])
def test_open_results__another_list_of_the_study_is_decided_anew(copy, decided, name):
    share_results(copy)
    path = copy.file(name)
    path.write_bytes(path.read_bytes() + b"\n")
    decided.clear()
    open_results(copy, "vi", "10291")
    assert decided


def test_open_results__other_rules_are_decided_anew(copy, decided, monkeypatch):
    share_results(copy)
    monkeypatch.setattr(shown_key, "_code", lambda: "other")
    decided.clear()
    open_results(copy, "vi", "10291")
    assert decided


def test_open_results__a_change_that_time_and_size_do_not_tell(copy, decided):
    """Written within a tick of the clock after it was looked at, with the same size."""
    path = copy.file("outcomes")
    path.touch()
    share_results(copy)
    about = path.stat()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"binary", b"share\n", 1)[: len(content)])
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert path.stat().st_size == about.st_size
    assert shown_key.current_key(copy) is None


def test_open_results__a_copy_with_other_times_is_of_the_same_results(copy, decided):
    share_results(copy)
    for path in copy.results.glob("*.parquet"):
        os.utime(path, (time.time() + 60, time.time() + 60))
    decided.clear()
    open_results(copy, "vi", "10291")
    assert not decided


def test_open_results__files_that_did_not_change_are_not_read_again(copy, monkeypatch):
    for path in shown_key.inputs(copy).values():
        os.utime(path, (time.time() - 60, time.time() - 60))
    share_results(copy)
    monkeypatch.setattr(shown_key, "_describe", lambda path: pytest.fail(f"{path.name} was read"))
    assert shown_key.current_key(copy) is not None


def test_open_results__kept_tables_of_different_results_are_not_mixed(copy, decided):
    share_results(copy)
    older = (copy.results / FOLDER / "choices.parquet").read_bytes()
    _change_levels(copy)
    share_results(copy)
    (copy.results / FOLDER / "choices.parquet").write_bytes(older)
    decided.clear()
    open_results(copy, "vi", "10291")
    assert decided


@pytest.mark.parametrize("content", [b"", b"not a table", None])
def test_open_results__a_kept_table_that_is_broken_or_gone_is_decided_anew(copy, decided, content):
    share_results(copy)
    path = copy.results / FOLDER / "levels.parquet"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    decided.clear()
    open_results(copy, "vi", "10291")
    assert decided
    assert len(shown_levels(copy)) == len(pd.read_parquet(copy.results / "levels.parquet"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"settings": 1, "inputs": [], "looked": 0}'])
def test_open_results__a_broken_key_is_no_key(copy, content):
    share_results(copy)
    (shown_key.key_file(copy)).write_text(content, "utf-8")
    assert shown_key.current_key(copy) is None


def test_share_results__says_what_it_is_made_from(copy):
    share_results(copy)
    said = json.loads((shown_key.key_file(copy)).read_text("utf-8"))
    assert {"levels", "choices", "communes", "outcomes", "teams", "labels"} <= set(said["inputs"])


def test_share_results__a_page_reads_few_rows_of_a_long_table(copy, monkeypatch):
    monkeypatch.setattr(shown, "_ROWS", 500)
    share_results(copy)
    file = pd.read_parquet(copy.results / FOLDER / "levels.parquet")
    assert file["area"].is_monotonic_increasing
    rows = open_results(copy, "vi", "10291").levels
    assert set(rows["area"]) == {"10291", "district"}


def test_is_unsafe__of_one_cell_as_of_many():
    rules = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)
    cells = [(n, k) for n in range(50) for k in (*range(n + 1), float("nan"))]
    frame = pd.DataFrame(cells, columns=["n", "numerator"], dtype="float64")
    many = unsafe(frame["n"], frame["numerator"], rules).tolist()
    assert [is_unsafe(n, numerator, rules) for n, numerator in cells] == many
    assert {True, False} == set(many)


def test_share_results__the_key_holds_nothing_that_looks_like_a_phone_or_an_account(copy):
    share_results(copy)
    assert (
        re.findall(
            r"(?<![0-9a-fx])[0-9]{6,}(?![0-9a-f])", shown_key.key_file(copy).read_text("utf-8")
        )
        == []
    )

"""The folder of sheets: whole or not at all, nothing stale, nothing that somebody typed lost."""

import stat

import openpyxl
import pandas as pd
import pytest
from sheet_frames import ONE, OTHER_TEAM, TEAM, TWO, make_flags, make_interviews, write

from survey_tools.errors import RunError
from survey_tools.report.sheets import folder as sheet_folder
from survey_tools.report.sheets.folder import replacing_folder
from survey_tools.report.sheets.pages import SheetPages


def content(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "run" / "field")
    return tmp_path / "run" / "field"


def test_write_sheets__sheets_of_who_has_vanished_are_removed(folder):
    flags, interviews = make_flags(), make_interviews()
    found = write(
        folder,
        flags.loc[(flags["team_id"] == TEAM) & (flags["enumerator_id"] == ONE)],
        interviews=interviews.loc[interviews["enumerator_id"] == ONE],
        drawn=pd.DataFrame({"team_id": [TEAM], "drawn": [12]}),
    )
    gone = {f"{stem}.{lang}.{ending}" for stem in (f"team/{OTHER_TEAM}", f"enumerator/{TWO}")
            for lang in ("vi", "en") for ending in ("html", "xlsx")}  # fmt: skip
    assert set(found.removed) == gone
    assert not [name for name in content(folder) if TWO in name or OTHER_TEAM in name]
    assert found.kept == ()


def test_write_sheets__pages_may_be_read_by_all_and_written_by_the_owner(folder):
    assert {mode(path) for path in folder.rglob("*") if path.is_file()} == {0o644}
    assert {mode(path) for path in (folder, *folder.rglob("*")) if path.is_dir()} == {0o755}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("x")])
def test_write_sheets__failing_half_way_leaves_the_old_folder(folder, monkeypatch, error):
    before = content(folder)

    def fails(*_):
        raise error

    monkeypatch.setattr(SheetPages, "index", fails)
    with pytest.raises(RunError if isinstance(error, OSError) else RuntimeError) as caught:
        write(folder, make_flags([]))
    if isinstance(error, OSError):
        assert caught.value.found == "No space left on device"
        assert "untouched" in caught.value.what
    assert content(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["field"]


def test_write_sheets__failing_at_the_last_step_puts_the_old_folder_back(folder, monkeypatch):
    before = content(folder)
    rename = sheet_folder.Path.rename

    def fails(path, target):
        if path.name.startswith(".field-"):
            raise OSError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(sheet_folder.Path, "rename", fails)
    with pytest.raises(RunError, match="could not be written"):
        write(folder, make_flags([]))
    assert content(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["field"]


def test_write_sheets__a_swap_that_was_cut_short_is_mended(folder):
    before = content(folder)
    folder.rename(folder.with_name(".field.before"))
    with replacing_folder(folder) as place:
        assert content(folder) == before
        (place.new / "x.html").write_text("x")
    assert set(content(folder)) == {"x.html", sheet_folder.MANIFEST}
    assert [path.name for path in folder.parent.iterdir()] == ["field"]


def test_write_sheets__answers_typed_into_a_workbook_are_kept(folder):
    path = folder / "team" / f"{TEAM}.vi.xlsx"
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["M2"] = "okay"
    book.save(path)
    typed = path.read_bytes()
    first = write(folder)
    assert len(first.kept) == 1
    assert first.kept[0].startswith(f"kept/team/{TEAM}.vi.")
    assert first.kept[0].endswith(".xlsx")
    assert (folder / first.kept[0]).read_bytes() == typed
    assert mode(folder / first.kept[0]) == 0o600
    assert mode(folder / "kept") == 0o700
    assert path.read_bytes() != typed
    assert "1 file had been changed" in (folder / "index.en.html").read_text("utf-8")
    again = write(folder, make_flags([]))
    assert again.kept == first.kept
    assert (folder / again.kept[0]).read_bytes() == typed


def test_write_sheets__foreign_files_are_kept_and_traces_of_programs_are_not(folder):
    (folder / "notes.txt").write_text("a note")
    (folder / "team" / f"~${TEAM}.vi.xlsx").write_text("lock")
    found = write(folder)
    assert len(found.kept) == 1
    assert (folder / found.kept[0]).read_text() == "a note"
    assert "notes" in found.kept[0]


def test_write_sheets__what_nobody_touched_is_not_kept(folder):
    found = write(folder)
    assert (found.kept, found.removed) == ((), ())
    assert not (folder / "kept").exists()


def test_replacing_folder__a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "run").write_text("a file")
    with (
        pytest.raises(RunError, match="could not be written") as caught,
        replacing_folder(tmp_path / "run" / "field"),
    ):
        pass
    assert caught.value.where == "run/field"

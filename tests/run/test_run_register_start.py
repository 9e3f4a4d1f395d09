"""A study begins from its own form: a register is started, and cleaning types and splits by it."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from survey_tools.clean.answers.columns import typed
from survey_tools.clean.answers.held import hold_answers, validate_held
from survey_tools.clean.personal_data.split import split_personal
from survey_tools.errors import ParamsError
from survey_tools.kobo import Form, flatten
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.params import open_workspace
from survey_tools.register import SPLIT_OFF, read_lines, read_register
from survey_tools.run import start_register, write_new
from survey_tools.run.registers.check import compare, form_versions
from survey_tools.run.registers.draft import draft_questions, draft_register

ROOT = Path(__file__).parents[2]
KOBO = ROOT / "tests" / "fixtures" / "kobo"
PILOT = ("vMc34ehTDTZh8bw4Mhq9XE", "vAFEe9FuKXvEaeUPTnoKjg")
SURVEY = [
    ("type", "name", "label", "relevant", "constraint", "calculation"),
    ("start", "start", None, None, None, None),
    ("deviceid", "device", None, None, None, None),
    ("begin_group", "intro", "Intro", None, None, None),
    ("select_one yn", "agree", "Do you agree to take part?", None, None, None),
    ("select_one yn", "again", "Do you agree to be called again?", "${agree} = 'y'", None, None),
    ("end_group", None, None, None, None, None),
    ("begin_group", "farm", "Farm", "${agree} = 'y'", None, None),
    ("text", "phone", "Phone number", "${again} = 'y'", "regex(., '^0[0-9]{9}$')", None),
    ("geopoint", "house", "Position of the house", None, None, None),
    ("select_multiple crops", "crops", "Which crops?", None, None, None),
    ("decimal", "area", "Hectares", None, ". >= 0 and . <= 50", None),
    ("begin_repeat", "plots", "Plots", None, None, None),
    ("integer", "trees", "Trees", None, ". >= 0 and . <= 5000", None),
    ("text", "seen", "What did you see on the plot?", None, None, None),
    ("end_repeat", None, None, None, None, None),
    ("calculate", "double", None, None, None, "${area} * 2"),
    ("text", "more", "Anything else?", None, None, None),
    ("date", "sown", "Day of sowing", None, None, None),
    ("end_group", None, None, None, None, None),
]
CHOICES = [("list_name", "name", "label"), ("yn", "y", "Yes"), ("yn", "n", "No"),
           ("crops", "rice", "Rice"), ("crops", "tea", "Tea")]  # fmt: skip


def _row(row_id: int, again: str, **farm: object) -> dict[str, object]:
    said = {"intro/agree": "y", "intro/again": again, "start": "2026-01-01T07:00:00+07:00"}
    meta = {"_id": row_id, "_uuid": f"u{row_id}", "_submission_time": "2026-01-01T01:00:00",
            "__version__": "v1", "device": "tablet 7"}  # fmt: skip
    return {**meta, **said, **{f"farm/{name}": value for name, value in farm.items()}}


ROWS = [
    _row(1, "y", phone="0300000001", house="20.7 105.9 0 5", crops="rice tea", area="1.5", double="3",
         more="Ông Bình ở cuối làng", sown="2026-01-02",
         plots=[{"farm/plots/trees": "10", "farm/plots/seen": "khô"}, {"farm/plots/trees": "5"}]),
    _row(2, "n", phone="0300000002", crops="coffee", area="99",
         plots=[{"farm/plots/trees": "-1"}]),
]  # fmt: skip


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    """A register started from a workbook of another study, and its form."""
    folder = tmp_path_factory.mktemp("farm")
    book = openpyxl.Workbook()
    book.active.title = "survey"
    for sheet, rows in ((book.active, SURVEY), (book.create_sheet("choices"), CHOICES)):
        for row in rows:
            sheet.append(row)
    book.save(folder / "farm.xlsx")
    register = write_new(start_register(str(folder / "farm.xlsx")), folder / "farm.csv")
    return read_register(register), Form.from_content(read_xlsform(folder / "farm.xlsx"), "v1")


def _clean(frame: pd.DataFrame, register, table: str, keys: tuple[str, ...] = ()):
    held = hold_answers(typed(frame, register, keys=keys).frame, register, keys=keys)
    split = split_personal(held.frame, register)
    validate_held(held, split.rows, table, register, table, extra=keys)
    return split, held.problems


def test_start_register__another_study_is_typed_and_split(farm):
    register, form = farm
    split, problems = _clean(flatten(ROWS, {"v1": form}).frames["main"], register, "main")
    gone = {"phone", "house_lat", "more", "device", "_submitted_by"}
    assert gone.isdisjoint(split.rows.columns)
    assert split.contacts[["_id", "variable", "value"]].to_numpy().tolist() == [
        [1, "phone", "0300000001"]
    ]
    assert split.locations[["_id", "house_lat", "house_lon"]].to_numpy().tolist() == [
        [1, 20.7, 105.9]
    ]
    assert split.free_text["text"].tolist() == ["Ông Bình ở cuối làng"]
    types = split.rows.dtypes.astype(str)
    assert types[["agree", "crops__rice", "area", "double"]].tolist() == [
        "str", "boolean", "Float64", "str",
    ]  # fmt: skip
    assert split.rows["sown"].iloc[0] == pd.Timestamp("2026-01-02")
    assert problems[["check", "row_id", "variable"]].to_numpy().tolist() == [
        ["choice_unknown", 2, "crops"],
        ["answer_outside_limits", 2, "area"],
    ]


def test_start_register__its_repeat_is_a_table_of_its_own(farm):
    register, form = farm
    plots = flatten(ROWS, {"v1": form}).frames["plots"]
    split, problems = _clean(plots, register, "plots", ("plots_no",))
    assert split.rows["trees"].tolist() == [10, 5, pd.NA]
    assert split.free_text[["_id", "variable", "text"]].to_numpy().tolist() == [[1, "seen", "khô"]]
    assert problems["variable"].tolist() == ["trees[1]"]


def test_start_register__a_calculation_with_limits_is_a_number(farm, tmp_path):
    _, form = farm
    text = draft_register(form)
    for said, dtype in (("0..200", "Int64"), ("0.0..200.0", "Float64")):
        path = tmp_path / f"{dtype}.csv"
        path.write_text(text.replace("calculate,,,,,,", f"calculate,,,,,{said},", 1), "utf-8")
        main = flatten(ROWS, {"v1": form}).frames["main"]
        split, _ = _clean(main, read_register(path), "main")
        assert str(split.rows["double"].dtype) == dtype
        assert split.rows["double"].tolist() == [3, pd.NA]


def _recorded(name: str) -> tuple[list[dict], dict[str, Form]]:
    if name == "special":
        said = json.loads((KOBO / "forms" / "special_questions.json").read_text("utf-8"))
        return said["rows"], {"vSpecial": Form.from_content(said["content"], "vSpecial")}
    folder = KOBO / "recorded" / "pilot"
    rows = json.loads((folder / "18_data_mixed_versions.json").read_text("utf-8"))["results"]
    contents = {
        uid: json.loads((folder / f"16_version_{uid}.json").read_text("utf-8"))["content"]
        for uid in PILOT
    }
    return rows, {uid: Form.from_content(content, uid) for uid, content in contents.items()}


@pytest.mark.parametrize("name", ["special", "pilot"])
def test_draft_register__cleans_the_rows_of_a_recorded_form(tmp_path, name):
    rows, forms = _recorded(name)
    tables = flatten(rows, forms)
    path = tmp_path / "register.csv"
    *older, newest = forms.items()
    path.write_text(draft_register(newest[1], dict(older)), encoding="utf-8")
    register = read_register(path)
    found = list(compare(read_lines(path), forms, {}))
    assert {kind for _, (kind, *_) in found} <= {"to_check", "not_in_older", "not_in_newest"}
    personal = {q.name for q in register.questions.values() if q.personal_data in SPLIT_OFF}
    for table, frame in tables.frames.items():
        keys = tuple(c for c in frame.columns if c.endswith("_no") and c not in register)
        split, _ = _clean(frame, register, table, keys)
        kept = {register.of_column(column) for column in split.rows.columns} - {None}
        assert len(split.rows) == len(frame)
        assert personal.isdisjoint({question.name for question in kept})
        assert all(question.table == table for question in kept)


def test_draft_questions__older_versions_give_rows_and_codes():
    newest = read_xlsform(ROOT / "params" / "forms" / "household.xlsx")
    older = rename_question(newest, "qr30", "pay_qr")
    older["survey"].append({"type": "text", "name": "nick_name", "$xpath": "nick_name"})
    older["choices"].append({"list_name": "can", "name": "never", "label": ["Chưa", "Never"]})
    renames = {"main/f_person/pay_qr": "main/f_person/qr30"}
    forms = {"v1": Form.from_content(older, "v1"), "v2": Form.from_content(newest, "v2")}
    rows = {q.name: q for q in draft_questions(forms["v2"], {"v1": forms["v1"]}, renames)}
    assert "pay_qr" not in rows
    assert "only an older version" in rows["nick_name"].note
    assert rows["nick_name"].personal_data == "direct_identifier"
    assert rows["sk_app"].values == "alone|help|no|never"
    assert list(rows)[-1] == "nick_name"


def test_write_new__is_whole_and_never_overwrites(tmp_path):
    path = write_new("name\n", tmp_path / "register" / "farm.csv")
    with pytest.raises(Exception, match="never overwritten"):
        write_new("other\n", path)
    assert path.read_text() == "name\n"
    assert [p.name for p in path.parent.iterdir()] == ["farm.csv"]


@pytest.mark.parametrize("out", ["a.csv", "register/a.csv"])
def test_write_new__names_the_file_as_it_was_given(tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    write_new("name\n", Path(out))
    with pytest.raises(ParamsError) as refused:
        write_new("other\n", Path(out))
    assert refused.value.where == out


@pytest.mark.slow
@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_start_register__of_a_pulled_form_fits_all_its_versions(workspace, tmp_path, form):
    ws = open_workspace(workspace / "params" / "study.yml")
    path = write_new(start_register(form, ws.study_path), tmp_path / "draft.csv")
    found = list(compare(read_lines(path), form_versions(ws, form), ws.study.renames(form)))
    assert {kind for _, (kind, *_) in found} == {"to_check"}

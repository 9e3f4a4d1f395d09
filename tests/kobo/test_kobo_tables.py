import copy
import warnings

import pandas as pd
import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import Form, flatten

OLDER, NEWER = VERSIONS


@pytest.fixture(scope="module")
def forms():
    return {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }


@pytest.fixture
def tables(pilot_rows, forms):
    return flatten(pilot_rows, forms)


def one_question(**question):
    survey = [{"name": "q", **question}]
    choices = [{"list_name": "list", "name": name, "label": name} for name in ("b", "a")]
    return {"v1": {"survey": survey, "choices": choices}}


def rows_of(*answers):
    base = {"_uuid": "u", "__version__": "v1", "_submission_time": "2026-01-01T00:00:00"}
    return [
        {**base, "_id": row_id, **({} if answer is None else {"q": answer})}
        for row_id, answer in enumerate(answers, start=1)
    ]


def unusual(tables):
    return {
        (kind, path): rows
        for kind, path, rows, _ in tables.report.itertuples(index=False)
        if kind != "system"
    }


def test_flatten__pilot_has_nothing_without_a_place(tables):
    assert {name: len(frame) for name, frame in tables.frames.items()} == {
        "main": 55,
        "member": 135,
        "device": 137,
    }
    assert unusual(tables) == {("renamed", "loc/hamlet"): 0}


def test_flatten__nested_repeat_carries_the_positions_above_it(tables):
    device = tables.frames["device"]
    assert device.loc[device["_id"] == 1, ["member_no", "device_no"]].to_numpy().tolist() == [
        [1, 1],
        [1, 2],
        [2, 1],
    ]


def test_flatten__rename_merges_the_older_question(pilot_rows, forms):
    tables = flatten(pilot_rows, forms, renames={"loc/hamlet": "loc/village"})
    main = tables.frames["main"]
    assert "hamlet" not in main
    assert main["village"].notna().all()
    assert unusual(tables) == {}


def test_flatten__row_that_answers_both_names_is_an_error(pilot_rows, forms):
    rows = copy.deepcopy(pilot_rows)
    rows[0]["loc/village"] = "Thôn 2"
    with pytest.raises(KoboError, match="both under its old and its new") as caught:
        flatten(rows, forms, renames={"loc/hamlet": "loc/village"})
    assert "Thôn" not in str(caught.value)


def test_flatten__rename_to_nowhere_is_an_error(pilot_rows, forms):
    with pytest.raises(KoboError, match="no version"):
        flatten(pilot_rows, forms, renames={"loc/hamlet": "loc/nowhere"})


def test_flatten__rename_into_a_repeat_is_an_error(pilot_rows, forms):
    with pytest.raises(KoboError, match="another repeat"):
        flatten(pilot_rows, forms, renames={"loc/hamlet": "hh/member/m_name"})


def test_flatten__renamed_repeat_takes_its_questions_along(pilot_rows, forms):
    content = copy.deepcopy(recorded(f"pilot/16_version_{NEWER}.json")["content"])
    for row in content["survey"]:
        if row.get("name") == "member":
            row["name"] = "person"
    versions = {OLDER: forms[OLDER], NEWER: Form.from_content(content, NEWER)}
    rows = [row for row in pilot_rows if row["__version__"] == OLDER]
    tables = flatten(rows, versions, renames={"hh/member": "hh/person"})
    assert set(tables.frames) == {"main", "person", "device"}
    assert "person_no" in tables.frames["device"]
    assert len(tables.frames["person"]) == sum(len(row["hh/member"]) for row in rows)
    assert unusual(tables) == {("renamed", "loc/hamlet"): 0}


def test_flatten__rename_that_no_version_needs_is_reported(pilot_rows, forms):
    tables = flatten(pilot_rows, forms, renames={"loc/hamletx": "loc/village"})
    assert unusual(tables) == {("rename_unused", "loc/hamletx"): 0, ("renamed", "loc/hamlet"): 0}


@pytest.mark.parametrize(
    ("question", "answers", "dtype", "expected", "misfits"),
    [
        (
            {"type": "integer"},
            ["007", "-3", None, "4.0", "x"],
            "Int64",
            [7, -3, None, None, None],
            2,
        ),
        ({"type": "decimal"}, ["1.5", None, "1,5"], "Float64", [1.5, None, None], 1),
        ({"type": "text"}, ["007", "", None], "str", ["007", None, None], 0),
        ({"type": "calculate"}, ["1", "2"], "str", ["1", "2"], 0),
        ({"type": "range", "parameters": "start=0 end=1 step=0.5"}, ["0.5"], "Float64", [0.5], 0),
    ],
)
def test_flatten__types(question, answers, dtype, expected, misfits):
    tables = flatten(rows_of(*answers), one_question(**question))
    column = tables.frames["main"]["q"]
    assert column.dtype == dtype
    assert column.astype(object).where(column.notna(), None).tolist() == expected
    assert unusual(tables) == ({("type", "q"): misfits} if misfits else {})


def test_flatten__dates_and_moments():
    tables = flatten(rows_of("2026-02-30", "2026-02-28"), one_question(type="date"))
    assert tables.frames["main"]["q"].tolist()[1] == pd.Timestamp("2026-02-28")
    assert unusual(tables) == {("type", "q"): 1}
    rows = rows_of("2026-03-01T06:30:00.000+07:00", "2026-03-01T06:30:00")
    tables = flatten(rows, one_question(type="dateTime"))
    assert tables.frames["main"]["q"].tolist()[0] == pd.Timestamp("2026-02-28 23:30", tz="UTC")
    assert unusual(tables) == {("type", "q"): 1}


def test_flatten__select_one_keeps_the_forms_order_and_reports_unknown_codes():
    tables = flatten(rows_of("a", "zz", None), one_question(type="select_one list"))
    column = tables.frames["main"]["q"]
    assert list(column.cat.categories) == ["b", "a", "zz"]
    assert column.isna().tolist() == [False, False, True]
    assert unusual(tables) == {("choice", "q"): 1}


def test_flatten__select_multiple_is_missing_where_unanswered():
    tables = flatten(rows_of("a b", "b", None), one_question(type="select_multiple list"))
    main = tables.frames["main"]
    assert main["q__a"].dtype == "boolean"
    assert main["q__a"].tolist() == [True, False, pd.NA]
    assert main["q__b"].tolist() == [True, True, pd.NA]


def test_flatten__choices_and_order_come_from_all_versions(tables):
    labels = tables.labels.query("variable == 'reason' and lang == 'vi'")
    assert labels["code"].tolist() == ["fear", "nophone"]
    assert tables.labels.query("variable == 'sex' and code == 'm'")["label"].notna().all()


def test_flatten__same_name_in_two_groups_gives_paths():
    survey = [
        {"type": "begin_group", "name": "one"},
        {"type": "text", "name": "q"},
        {"type": "end_group"},
        {"type": "begin_group", "name": "two"},
        {"type": "text", "name": "q"},
        {"type": "end_group"},
    ]
    row = {**rows_of(None)[0], "one/q": "x", "two/q": "y"}
    main = flatten([row], {"v1": {"survey": survey}}).frames["main"]
    assert main[["one/q", "two/q"]].iloc[0].tolist() == ["x", "y"]


def test_flatten__same_name_in_two_repeats_gives_paths():
    survey = [
        {"type": "begin_repeat", "name": "one"},
        {"type": "integer", "name": "q"},
        {"type": "end_repeat"},
        {"type": "begin_repeat", "name": "two"},
        {"type": "integer", "name": "q"},
        {"type": "end_repeat"},
    ]
    row = {**rows_of(None)[0], "one": [{"one/q": "1"}], "two": [{"two/q": "2"}, {"two/q": "3"}]}
    frames = flatten([row], {"v1": {"survey": survey}}).frames
    assert frames["one"]["one/q"].tolist() == [1]
    assert frames["two"]["two/q"].tolist() == [2, 3]


def collision(*order, group=True):
    questions = {
        "many": {"type": "select_multiple list", "name": "a"},
        "plain": {"type": "text", "name": "a__b"},
        "key": {"type": "text", "name": "_uuid"},
    }
    survey = [questions[name] for name in order]
    if group:
        survey = [{"type": "begin_group", "name": "g"}, *survey, {"type": "end_group"}]
    choices = [{"list_name": "list", "name": name, "label": name} for name in ("b", "c")]
    return {"v1": {"survey": survey, "choices": choices}}


@pytest.mark.parametrize("order", [("many", "plain"), ("plain", "many")])
@pytest.mark.parametrize(("group", "name"), [(True, "g/a"), (False, "a_2")])
def test_flatten__question_named_like_a_choice_column(order, group, name):
    head = "g/" if group else ""
    row = {**rows_of(None)[0], f"{head}a": "b", f"{head}a__b": "x"}
    tables = flatten([row], collision(*order, group=group))
    main = tables.frames["main"]
    assert main[["a__b", f"{name}__b", f"{name}__c"]].iloc[0].tolist() == ["x", True, False]
    assert unusual(tables) == {("name_taken", f"{head}a"): 0}
    assert tables.column_labels("default")[f"{name}__b"] == f"{name} – b"


def test_flatten__unknown_code_whose_column_is_taken():
    survey = [{"type": "select_multiple list", "name": "a"}, {"type": "text", "name": "a__z"}]
    choices = [{"list_name": "list", "name": "b"}]
    row = {**rows_of(None)[0], "a": "b z", "a__z": "x"}
    main = flatten([row], {"v1": {"survey": survey, "choices": choices}}).frames["main"]
    assert main[["a__b", "a__z_", "a__z"]].iloc[0].tolist() == [True, True, "x"]


def test_flatten__question_named_like_a_key_gets_its_path():
    row = {**rows_of(None)[0], "g/_uuid": "x"}
    main = flatten([row], collision("key")).frames["main"]
    assert main[["_uuid", "g/_uuid"]].iloc[0].tolist() == ["u", "x"]


def test_flatten__choice_names_with_letters_of_any_script():
    survey = [{"type": "select_multiple list", "name": "q"}]
    choices = [{"list_name": "list", "name": name} for name in ("đồ_ăn", "😀", "b")]
    tables = flatten(rows_of("😀 đồ_ăn", "b"), {"v1": {"survey": survey, "choices": choices}})
    main = tables.frames["main"]
    assert main["q__đồ_ăn"].tolist() == [True, False]
    assert main["q__😀"].tolist() == [True, False]
    assert unusual(tables) == {}


def test_flatten__rows_in_parts_are_as_rows_at_once(pilot_rows, forms, monkeypatch):
    whole = flatten(pilot_rows, forms)
    monkeypatch.setattr("survey_tools.kobo.tables.collect.parts.__defaults__", (7,))
    for name, frame in flatten(iter(pilot_rows), forms).frames.items():
        pd.testing.assert_frame_equal(frame, whole.frames[name])


def test_flatten__unknown_keys_and_versions_are_reported():
    row = {**rows_of("x")[0], "ghost": "1", "__version__": "v9", "_notes": []}
    tables = flatten([row], one_question(type="text"))
    assert unusual(tables) == {("unknown_key", "ghost"): 1, ("unknown_version", "__version__"): 1}
    assert ("system", "_notes") in set(
        zip(tables.report["kind"], tables.report["path"], strict=True)
    )


def test_flatten__type_that_changed_between_versions_is_text_and_reported():
    versions = {
        "v1": {"survey": [{"type": "integer", "name": "q"}]},
        "v2": {"survey": [{"type": "text", "name": "q"}]},
    }
    tables = flatten(rows_of("1", "một"), versions)
    assert tables.frames["main"]["q"].tolist() == ["1", "một"]
    assert unusual(tables) == {("type_changed", "q"): 0}


def test_flatten__numbers_are_read_where_asked_for():
    content = one_question(type="calculate")
    assert flatten(rows_of("1", "2"), content, numbers=["q"]).frames["main"]["q"].dtype == "Int64"
    assert (
        flatten(rows_of("1", "2.5"), content, numbers=["q"]).frames["main"]["q"].dtype == "Float64"
    )
    with pytest.raises(KoboError, match="no text variable"):
        flatten(rows_of("1"), content, numbers=["nobody"])


def test_flatten__no_rows_give_empty_typed_frames_without_warnings(forms, tables):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty = flatten([], forms)
    for name, frame in tables.frames.items():
        assert len(empty.frames[name]) == 0
        assert empty.frames[name].dtypes.to_dict() == frame.dtypes.to_dict()


def test_flatten__rows_are_not_changed(pilot_rows, forms):
    before = copy.deepcopy(pilot_rows)
    flatten(pilot_rows, forms, renames={"loc/hamlet": "loc/village"})
    assert pilot_rows == before


def test_flatten__validation_status_is_its_uid():
    rows = rows_of("x", "y")
    rows[0]["_validation_status"] = {"uid": "validation_status_approved", "label": "Approved"}
    rows[1]["_validation_status"] = {}
    column = flatten(rows, one_question(type="text")).frames["main"]["_validation_status"]
    assert column.fillna("-").tolist() == ["validation_status_approved", "-"]


def test_flatten__renames_are_followed_to_their_end():
    one, two, three = ({"survey": [{"type": "integer", "name": name}]} for name in "abc")
    rows = [
        {"_id": n, "_uuid": f"u{n}", "__version__": f"v{n}", name: str(n)}
        for n, name in enumerate("abc", start=1)
    ]
    versions = {"v1": one, "v2": two, "v3": three}
    main = flatten(rows, versions, renames={"a": "b", "b": "c"}).frames["main"]
    assert main["c"].tolist() == [1, 2, 3]
    with pytest.raises(KoboError, match="circle"):
        flatten(rows, versions, renames={"a": "b", "b": "a"})


def test_flatten__rename_of_a_question_that_is_still_there_is_an_error():
    survey = [{"type": "integer", "name": name} for name in "ab"]
    with pytest.raises(KoboError, match="newest version has"):
        flatten([], {"v1": {"survey": survey}}, renames={"a": "b"})


def test_flatten__numbers_and_days_that_no_device_writes_do_not_fit():
    tables = flatten(rows_of("1e400", "٣"), one_question(type="decimal"))
    assert tables.frames["main"]["q"].isna().all()
    assert flatten(rows_of("2026-1-5"), one_question(type="date")).frames["main"]["q"].isna().all()

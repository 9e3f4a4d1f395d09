"""Nothing that the server sends is lost: it stands in a column, in the misfits or in the report."""

import json

import numpy as np
import pandas as pd
import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import Form, flatten
from survey_tools.kobo.tables.catalogue import META

SURVEY = [
    {"type": "start", "name": "start"},
    {"type": "note", "name": "hello"},
    {"type": "text", "name": "t"},
    {"type": "integer", "name": "n"},
    {"type": "decimal", "name": "x"},
    {"type": "date", "name": "d"},
    {"type": "time", "name": "clock"},
    {"type": "dateTime", "name": "when"},
    {"type": "geopoint", "name": "gps"},
    {"type": "select_one list", "name": "one"},
    {"type": "select_multiple list", "name": "many"},
    {"type": "begin_repeat", "name": "m"},
    {"type": "integer", "name": "age"},
    {"type": "begin_repeat", "name": "p"},
    {"type": "text", "name": "brand"},
    {"type": "end_repeat"},
    {"type": "end_repeat"},
]
CHOICES = [{"list_name": "list", "name": name, "label": name} for name in ("a", "b")]
CONTENT = {"survey": SURVEY, "choices": CHOICES}
BASE = {"_uuid": "u", "__version__": "v1", "_submission_time": "2026-01-01T00:00:00"}
SAMPLES = [None, "", "a", "7", "1.5", "2026-03-01", "09:30", "zz", "a b", "21 105", 3, True]
SAMPLES += [0, [], {}, ["x"], {"k": "v"}, [None], "Đỗ 😀", "2026-03-01T06:30:00.000+07:00"]


def row(row_id=1, **answers):
    return {"_id": row_id, **BASE, **{path.replace("__", "/"): v for path, v in answers.items()}}


def misfits(tables):
    columns = ["table", "_id", "positions", "variable", "path", "value", "kind"]
    assert list(tables.misfits) == columns
    return [tuple(line) for line in tables.misfits.itertuples(index=False)]


def leaves(record, table="", key=()):
    """Walk a row as it came: every key with its value, and where it stands."""
    for name, value in record.items():
        repeat = isinstance(value, list | dict) and name in ("m", "m/p", "hh/member")
        repeat |= name == "hh/member/device"
        if not repeat:
            yield table, key, name, value
            continue
        instances = value if isinstance(value, list) else [value]
        for number, instance in enumerate(instances, 1):
            if isinstance(instance, dict):
                yield from leaves(instance, name, (*key, number))
            elif instance not in (None, ""):
                yield table, key, name, instance


def lost(tables, rows):
    """Return the keys of rows whose value is in no column, no misfit and no reported key."""
    kept = {(line[1], line[2], line[4], line[5]) for line in misfits(tables)}
    reported = set(tables.report["path"])
    system = set(tables.report.loc[tables.report["kind"] == "system", "path"])
    paths = tables.questions.drop_duplicates("variable").set_index("variable")["path"]
    filled = set()
    for name, frame in tables.frames.items():
        places = [one for one in frame if one.endswith("_no")]
        own = tables.columns[(tables.columns["table"] == name) & (tables.columns["variable"] != "")]
        for column, variable in own[["column", "variable"]].itertuples(index=False):
            there = frame.loc[frame[column].notna(), ["_id", *places]]
            filled |= {(key, paths[variable]) for key in there.itertuples(index=False, name=None)}

    def is_kept(row_id, key, name, value):
        if value is None or value == "" or name in META:
            return True
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if (row_id, "/".join(str(one) for one in key), name, text) in kept:
            return name in reported
        return name in system if not key and name in system else ((row_id, *key), name) in filled

    return [
        (one["_id"], key, name, value)
        for one in rows
        for _, key, name, value in leaves(one)
        if not is_kept(one["_id"], key, name, value)
    ]


def made_row(rng, row_id):
    def some():
        return SAMPLES[rng.integers(len(SAMPLES))]

    names = ["hello", "t", "n", "x", "d", "clock", "when", "gps", "one", "many", "ghost", "m/age"]
    names += ["formhub/uuid", "meta/instanceID", "_attachments", "_tags", "_new_key"]
    made = {name: some() for name in names if rng.random() < 0.7}
    inside = ["m/age", "m/ghost", "t", "_attachments"]
    members = [{name: some() for name in inside if rng.random() < 0.6} for _ in range(3)]
    members[0]["m/p"] = [{"m/p/brand": some()}, {"m/p/brand": some(), "odd": some()}]
    made["m"] = [members, members[0], "text", [members[1], "text", None]][rng.integers(4)]
    return {"_id": row_id, **BASE, **made}


def test_flatten__no_value_of_made_rows_is_lost():
    rng = np.random.default_rng(20260301)
    rows = [made_row(rng, row_id) for row_id in range(1, 121)]
    tables = flatten(rows, {"v1": CONTENT})
    assert lost(tables, rows) == []


@pytest.mark.parametrize(
    "name", ["pilot/18_data_mixed_versions", "edit/14_backdated_submissionDate"]
)
def test_flatten__no_value_of_recorded_rows_is_lost(name):
    rows = recorded(f"{name}.json")["results"]
    forms = {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }
    tables = flatten(rows, forms)
    assert lost(tables, rows) == []


def test_lost__sees_a_value_that_is_in_no_column():
    tables = flatten([row(1, t="x")], {"v1": CONTENT})
    assert lost(tables, [row(1, t="x", n="5", new="y")]) == [(1, (), "n", "5"), (1, (), "new", "y")]


def test_flatten__value_that_does_not_fit_keeps_its_text():
    rows = [row(1, n="ba", d="hôm qua", when="2026-03-01T06:30:00", clock="25:00", gps="north")]
    tables = flatten(rows, {"v1": CONTENT})
    main = tables.frames["main"]
    assert main[["n", "d", "when", "clock", "gps_lat"]].isna().all(axis=None)
    kept = {line[3]: line[5] for line in misfits(tables)}
    assert kept == {
        "n": "ba",
        "d": "hôm qua",
        "when": "2026-03-01T06:30:00",
        "clock": "25:00",
        "gps": "north",
    }
    assert set(tables.misfits["kind"]) == {"type"}


def test_flatten__misfits_name_table_and_positions():
    rows = [row(4, m=[{"m/age": "5"}, {"m/age": "x", "m/p": [{"ghost": "y"}]}])]
    assert misfits(flatten(rows, {"v1": CONTENT})) == [
        ("p", 4, "2/1", "", "ghost", "y", "unknown_key"),
        ("m", 4, "2", "age", "m/age", "x", "type"),
    ]


def test_flatten__unknown_and_repeated_codes_are_kept_and_listed():
    rows = [row(1, one="c"), row(2, many="a z"), row(3, many="b b")]
    tables = flatten(rows, {"v1": CONTENT})
    assert [line[5] for line in misfits(tables)] == ["c", "a z", "b b"]
    assert set(tables.misfits["kind"]) == {"choice"}
    assert tables.frames["main"]["many__z"].tolist() == [pd.NA, True, False]
    assert tables.frames["main"]["many__b"].tolist() == [pd.NA, False, True]


def test_flatten__repeat_that_no_version_has_is_kept_as_json():
    tables = flatten([row(1, m=[{"m/age": "5"}])], {"v1": {"survey": SURVEY[:3]}})
    assert misfits(tables) == [("main", 1, "", "", "m", '[{"m/age": "5"}]', "unknown_key")]


def test_flatten__note_with_an_answer_is_listed():
    tables = flatten([row(1, hello="5"), row(2)], {"v1": CONTENT})
    assert misfits(tables) == [("main", 1, "", "hello", "hello", "5", "note")]
    assert "hello" not in tables.frames["main"]


def test_flatten__repeat_as_one_object_is_one_instance_and_as_text_is_listed():
    tables = flatten([row(1, m={"m/age": "9"}), row(2, m="text"), row(3, m="")], {"v1": CONTENT})
    assert tables.frames["m"][["_id", "m_no", "age"]].to_numpy().tolist() == [[1, 1, 9]]
    assert misfits(tables) == [("main", 2, "", "", "m", "text", "type")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("09:30:00.000+07:00", 34200),
        ("09:30", 34200),
        ("23:59:59.5Z", 86399.5),
        ("24:00:00", None),
        ("9:30", None),
    ],
)
def test_flatten__time_of_day_is_time_since_midnight(text, seconds):
    tables = flatten([row(1, clock=text)], {"v1": CONTENT})
    column = tables.frames["main"]["clock"]
    assert column.dtype == "timedelta64[us]"
    found = column.dt.total_seconds().iloc[0]
    assert found == seconds or (seconds is None and pd.isna(found))
    assert len(tables.misfits) == (seconds is None)


def test_flatten__row_without_id_is_an_error():
    with pytest.raises(KoboError, match="_id"):
        flatten([{"t": "x"}], {"v1": CONTENT})


def test_flatten__row_without_version_is_reported_and_kept():
    tables = flatten([{"_id": 1, "t": "x"}], {"v1": CONTENT})
    assert tables.frames["main"]["t"].tolist() == ["x"]
    assert tables.frames["main"]["__version__"].isna().all()
    assert ("unknown_version", "__version__") in set(
        zip(tables.report["kind"], tables.report["path"], strict=True)
    )


def test_flatten__time_of_sending_that_is_none_is_listed():
    rows = [{**row(1), "_submission_time": "yesterday"}, {**row(2), "_submission_time": None}]
    tables = flatten(rows, {"v1": CONTENT})
    assert tables.frames["main"]["_submission_time"].isna().all()
    assert misfits(tables) == [
        ("main", 1, "", "", "_submission_time", "yesterday", "type"),
    ]
    assert ("type", "_submission_time") in set(
        zip(tables.report["kind"], tables.report["path"], strict=True)
    )


def test_flatten__column_named_like_a_part_of_a_place():
    survey = [{"type": "geopoint", "name": "gps"}, {"type": "text", "name": "gps_lat"}]
    survey = [{"type": "begin_group", "name": "g"}, *survey, {"type": "end_group"}]
    tables = flatten([row(1, g__gps="21 105", g__gps_lat="x")], {"v1": {"survey": survey}})
    assert tables.frames["main"][["gps_lat", "g/gps_lat", "g/gps_lon"]].iloc[0].tolist() == [
        "x",
        21.0,
        105.0,
    ]

import copy

import numpy as np
import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.kobo import Form, asked_questions, flatten
from survey_tools.kobo.tables.asked import REASONS, missing_reasons

ROSTER = "main/c_roster/roster"
SURVEY = [
    {"type": "text", "name": "a"},
    {"type": "text", "name": "b", "relevant": "${a} = 'yes'"},
    {"type": "begin_group", "name": "g", "relevant": "${b} != ''"},
    {"type": "text", "name": "c"},
    {"type": "note", "name": "hello"},
    {"type": "end_group"},
    {"type": "begin_repeat", "name": "m", "relevant": "${a} = 'yes'"},
    {"type": "integer", "name": "age"},
    {"type": "text", "name": "work", "relevant": "${age} >= 15 and ${c} = 'x'"},
    {"type": "text", "name": "first", "relevant": "position(..) = 1"},
    {"type": "text", "name": "older", "relevant": "../age > 60"},
    {"type": "begin_repeat", "name": "p"},
    {"type": "text", "name": "brand", "relevant": "${work} != '' and ${age} < 90"},
    {"type": "end_repeat"},
    {"type": "end_repeat"},
    {"type": "text", "name": "many", "relevant": "count(${m}) > 1"},
    {"type": "text", "name": "total", "relevant": "sum(${age}) > 50"},
    {"type": "text", "name": "second", "relevant": "indexed-repeat(${age}, ${m}, 2) > 9"},
    {"type": "text", "name": "lately", "relevant": "today() > date('2026-03-01')"},
]
BASE = {"_uuid": "u", "__version__": "v1", "_submission_time": "2026-01-01T00:00:00"}


def reasons(rows, survey=SURVEY, **options):
    rows = [{"_id": number, **BASE, **row} for number, row in enumerate(rows, 1)]
    return missing_reasons(rows, {"v1": {"survey": survey}}, **options)


def compare(rows, forms, frames, names):
    """Return how many cells were compared with `asked_questions`; all of them must agree."""
    said = {}
    for frame in frames.values():
        keys = ["_id", *(f"{name}_no" for name in ("member", "device", "roster", "m", "p"))]
        keys = [name for name in keys if name in frame.columns[:3]]
        for name in frame.columns.difference(keys):
            for key, reason in zip(frame[keys].to_numpy().tolist(), frame[name], strict=True):
                said[name, tuple(key)] = reason
    compared = 0
    for row in rows:
        for (path, at), asked in asked_questions(forms[row["__version__"]], row).items():
            reason = said.get((names.get(path), (row["_id"], *at)))
            if reason not in (None, "answered"):
                assert reason == ("unanswered" if asked else "not_asked"), (path, at)
                compared += 1
    return compared


def made_rows(rng, n):
    def some(*values):
        return values[rng.integers(len(values))]

    rows = []
    for number in range(1, n + 1):
        row = {"_id": number, **BASE, "today": some("2026-02-01", "2026-04-01")}
        row |= {name: some("yes", "no", "x") for name in ("a", "b", "g/c") if rng.random() < 0.7}
        row["m"] = [
            {
                "m/age": some("9", "30", "70", "95"),
                **({"m/work": "x"} if rng.random() < 0.5 else {}),
                "m/p": [{"m/p/brand": "z"}, {}][: rng.integers(3)],
            }
            for _ in range(rng.integers(4))
        ]
        rows.append(row)
    return rows


def test_missing_reasons__made_rows_equal_asked_questions():
    rows = made_rows(np.random.default_rng(7), 150)
    forms = {"v1": Form.from_content({"survey": SURVEY}, "v1")}
    names = {path: path.rpartition("/")[2] for path in forms["v1"].questions}
    assert compare(rows, forms, missing_reasons(rows, forms), names) > 1000


def test_missing_reasons__pilot_equals_asked_questions(pilot_rows):
    forms = {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }
    frames = missing_reasons(pilot_rows, forms)
    tables = flatten(pilot_rows, forms)
    names = dict(zip(tables.questions["path"], tables.questions["variable"], strict=True))
    assert compare(pilot_rows, forms, frames, names) > 100
    older = frames["main"].loc[tables.frames["main"]["__version__"] == VERSIONS[0]]
    assert set(older["reason"]) == set(older["village"]) == {"not_in_version"}
    assert set(older["hamlet"]) == {"answered"}
    joined = missing_reasons(pilot_rows, forms, renames={"loc/hamlet": "loc/village"})["main"]
    assert set(joined["village"]) == {"answered"}


def test_missing_reasons__households_equal_asked_questions(household_row):
    form = Form.from_content(recorded("instrument/household/version.json")["content"], "v1")
    rng = np.random.default_rng(3)
    rows = []
    for number in range(1, 61):
        row = {**copy.deepcopy(household_row), "_id": number, "__version__": "v1"}
        for path in [path for path in row if "/" in path and rng.random() < 0.15]:
            del row[path]
        for member in row.get(ROSTER, []):
            member[f"{ROSTER}/m_age"] = str(rng.integers(3, 90))
        rows.append(row)
    tables = flatten(rows, {"v1": form})
    names = dict(zip(tables.questions["path"], tables.questions["variable"], strict=True))
    frames = missing_reasons(rows, {"v1": form})
    assert compare(rows, {"v1": form}, frames, names) > 2000


def test_missing_reasons__rows_and_names_are_those_of_flatten(pilot_rows):
    forms = {uid: recorded(f"pilot/16_version_{uid}.json")["content"] for uid in VERSIONS}
    tables, frames = flatten(pilot_rows, forms), missing_reasons(pilot_rows, forms)
    for name, frame in frames.items():
        keys = [one for one in frame if one == "_id" or one.endswith("_no")]
        assert frame[keys].equals(tables.frames[name][keys])
        own = tables.columns.query("table == @name and variable != ''")["variable"]
        assert list(frame)[len(keys) :] == list(dict.fromkeys(own))
        for column in set(frame) & set(tables.frames[name]) - set(keys):
            assert list(frame[column].cat.categories) == list(REASONS)
            answered = frame[column] == "answered"
            assert answered.equals(tables.frames[name][column].notna()), column


def test_missing_reasons__relevance_of_a_group_holds_inside_it():
    main = reasons([{"a": "no"}, {"a": "yes"}, {"a": "yes", "b": "x"}])["main"]
    assert main["b"].tolist() == ["not_asked", "unanswered", "answered"]
    assert main["c"].tolist() == ["not_asked", "not_asked", "unanswered"]
    assert "hello" not in main


@pytest.mark.parametrize("outer", [("yes", "no"), ("no", "yes")])
def test_missing_reasons__same_answers_in_a_group_asked_and_not_asked(outer):
    survey = [
        {"type": "text", "name": "a"},
        {"type": "text", "name": "b"},
        {"type": "begin_group", "name": "g", "relevant": "${a} = 'yes'"},
        {"type": "text", "name": "c", "relevant": "${b} = '1'"},
        {"type": "end_group"},
    ]
    main = reasons([{"a": answer, "b": "1"} for answer in outer], survey)["main"]
    said = {"yes": "unanswered", "no": "not_asked"}
    assert main["c"].tolist() == [said[answer] for answer in outer]


def test_missing_reasons__relevance_that_cannot_be_evaluated_is_unknown():
    survey = [
        {"type": "begin_group", "name": "g", "relevant": "pulldata('f', 'a') = 1"},
        {"type": "text", "name": "q"},
        {"type": "text", "name": "r", "relevant": "1 = 1"},
        {"type": "end_group"},
        {"type": "text", "name": "s", "relevant": "${nobody} = 1"},
        {"type": "text", "name": "t", "relevant": "${q} = 'x'"},
        {"type": "text", "name": "u"},
    ]
    main = reasons([{"g/q": "x"}, {}], survey)["main"]
    assert main["q"].tolist() == ["answered", "unknown"]
    assert main["r"].tolist() == ["unknown", "unknown"]
    assert main["s"].tolist() == ["unknown", "unknown"]
    assert main["t"].tolist() == ["unknown", "not_asked"]
    assert main["u"].tolist() == ["unanswered", "unanswered"]


def test_missing_reasons__row_of_an_unknown_version():
    main = reasons([{"a": "yes", "__version__": "v9"}, {"__version__": None}])["main"]
    assert main["a"].tolist() == ["answered", "unknown"]
    assert main["b"].tolist() == ["unknown", "unknown"]


def test_missing_reasons__answer_that_does_not_fit_is_answered():
    frames = reasons([{"a": ["x"], "m": [{"m/age": "ba"}, {"m/age": {"k": 1}}]}])
    assert frames["main"]["a"].tolist() == ["answered"]
    assert frames["m"]["age"].tolist() == ["answered", "answered"]


def test_missing_reasons__no_rows():
    frames = reasons([])
    assert {name: len(frame) for name, frame in frames.items()} == {"main": 0, "m": 0, "p": 0}
    assert list(frames["main"]["b"].cat.categories) == list(REASONS)


@pytest.mark.parametrize("rows", [[{"m": {"m/age": "70"}}], [{"m": "text"}]])
def test_missing_reasons__repeat_of_another_shape(rows):
    frames = reasons([{"a": "yes", **row} for row in rows])
    assert frames["m"]["older"].tolist() in ([], ["unanswered"])

"""Many rows checked at once: the same findings as row by row, whatever is wrong with them."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

from survey_tools.kobo import Form, findings_of_rows, validate_submission
from survey_tools.kobo.tables import findings

SURVEY = [
    {"type": "end", "name": "end", "$xpath": "end"},
    {"type": "integer", "name": "n", "$xpath": "n", "required": True, "constraint": ". < ${most}"},
    {"type": "integer", "name": "most", "$xpath": "most", "relevant": "${open} = 'yes'"},
    {"type": "select_one", "name": "open", "$xpath": "open", "select_from_list_name": "yn"},
    {"type": "begin_repeat", "name": "p", "$xpath": "p", "repeat_count": "${n}"},
    {"type": "integer", "name": "age", "$xpath": "p/age", "constraint": ". >= 0"},
    {"type": "select_one", "name": "job", "$xpath": "p/job", "select_from_list_name": "yn",
     "relevant": "${age} > 15", "required": True},
    {"type": "end_repeat"},
    {"type": "date", "name": "day", "$xpath": "day", "constraint": ". <= today()"},
    {"type": "text", "name": "odd", "$xpath": "odd", "constraint": "nonsense(.)"},
]  # fmt: skip
CHOICES = [{"list_name": "yn", "name": name} for name in ("yes", "no")]
FORM = Form.from_content({"survey": SURVEY, "choices": CHOICES}, "v1")


def row(_id: int, **answers: object) -> dict[str, object]:
    return {"_id": _id, "__version__": "v1", "end": "2026-02-01T10:00:00.000+07:00", **answers}


def one_by_one(rows, forms, renames):
    found = set()
    for each in rows:
        for item in validate_submission(forms[each["__version__"]], each):
            plain = re.sub(r"\[\d+\]", "", item.path)
            places = "/".join(re.findall(r"\[(\d+)\]", item.path))
            name = renames.get(plain, plain).rpartition("/")[2]
            name = plain if item.kind in ("unknown_key", "repeat_count") else name
            found.add((each["_id"], item.kind, f"{name}[{places}]" if places else name))
    return found


def as_set(frame):
    return set(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"n": "1", "open": "yes", "most": "3", "p": [{"p/age": "9"}]}, set()),
        ({"n": "4", "open": "yes", "most": "3", "p": [{"p/age": "9"}] * 4}, {("constraint", "n")}),
        ({"open": "yes", "most": "3"}, {("missing_required", "n")}),
        ({"n": "2", "open": "yes", "most": "3", "p": [{"p/age": "9"}]}, set()),
        ({"n": "0", "open": "yes", "most": "3", "p": [{"p/age": "9"}]}, {("repeat_count", "p")}),
        ({"n": "0", "most": "3"}, {("constraint", "n"), ("irrelevant_answered", "most")}),
        ({"n": "x", "open": "yes", "most": "9"}, {("type", "n")}),
        ({"n": "0", "open": "maybe"}, {("choice", "open"), ("constraint", "n")}),
        ({"n": "1", "open": "yes", "most": "9", "p": [{"p/age": "20"}]},
         {("missing_required", "job[1]")}),
        ({"n": "1", "open": "yes", "most": "9", "p": [{"p/age": "-1"}]}, {("constraint", "age[1]")}),
        ({"n": "0", "open": "yes", "most": "9", "day": "2026-02-02"}, {("constraint", "day")}),
        ({"n": "0", "open": "yes", "most": "9", "odd": "a"}, {("unknown", "odd")}),
        ({"n": "0", "open": "yes", "most": "9", "other": "a"}, {("unknown_key", "other")}),
        ({"n": "0", "open": ["yes"]}, {("type", "open"), ("constraint", "n")}),
    ],
)  # fmt: skip
def test_findings_of_rows__each_kind(answers, expected):
    found = as_set(findings_of_rows([row(1, **answers)], {"v1": FORM}))
    assert found == {(1, *item) for item in expected}


def test_findings_of_rows__a_combination_seen_before_is_judged_alike():
    rows = [row(1, n="5", open="yes", most="3"), row(2, n="5", open="yes", most="3"),
            row(3, n="5", open="yes", most="9")]  # fmt: skip
    found = findings_of_rows(rows, {"v1": FORM}).query("kind == 'constraint'")
    assert found["_id"].tolist() == [1, 2]


def test_findings_of_rows__a_row_of_no_known_version_is_passed_over():
    assert findings_of_rows([row(1) | {"__version__": "v9"}], {"v1": FORM}).empty


def test_findings_of_rows__damaged_rows_as_one_by_one(damaged):
    rows, forms, renames = damaged
    found = as_set(findings_of_rows(rows, forms, renames=renames))
    assert found == one_by_one(rows, forms, renames)
    kinds = {kind for _, kind, _ in found}
    assert kinds >= {"type", "choice", "constraint", "missing_required", "irrelevant_answered",
                     "unknown_key", "repeat_count"}  # fmt: skip


def test_findings_of_rows__small_portions_and_what_is_no_text_as_one_by_one(damaged, monkeypatch):
    monkeypatch.setattr(findings, "PART", 50)
    monkeypatch.setattr(findings, "PORTION", 7)
    rows, forms, renames = copy.deepcopy(damaged)
    rng = np.random.default_rng(2)
    for each in rows[::3]:
        name = next(k for k in reversed(each) if k.startswith("a_id/"))
        each[name] = [3, True, ["yes"], {"a": "b"}, None, ""][rng.integers(6)]
    for each in rows[1::9]:
        each["main/c_roster/roster"] = [["x"], "x", None, {"main/c_roster/roster/y": "1"}, ()][
            rng.integers(5)
        ]
    found = findings_of_rows(rows, forms, renames=renames)
    assert as_set(found) == one_by_one(rows, forms, renames)
    assert found["_id"].map({row["_id"]: k for k, row in enumerate(rows)}).is_monotonic_increasing


@pytest.fixture(scope="module")
def damaged():
    """Rows of the synthetic district, each with up to three answers taken out, swapped or garbled."""
    from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
    from survey_tools.params import open_workspace
    from survey_tools.synthetic import DistrictParameters, simulate, submissions
    from tests_support import ROOT

    ws = open_workspace(ROOT / "params/study.yml")
    newest = read_xlsform(ROOT / "params/forms/household.xlsx")
    contents = {"v1": rename_question(newest, "qr30", "pay_qr"), "v2": newest}
    district = simulate(DistrictParameters.small(), ws.table("teams"), ws.table("communes"), 5)
    rows = copy.deepcopy(submissions(district, {"household": contents})["household"])
    rng = np.random.default_rng(1)
    for each in rows:
        for _ in range(rng.integers(0, 4)):
            _damage(each, rng)
    forms = {uid: Form.from_content(content, uid) for uid, content in contents.items()}
    return rows, forms, ws.study.renames("household")


def _damage(each, rng):
    roster = each.get("main/c_roster/roster")
    target = roster[rng.integers(len(roster))] if roster and rng.random() < 0.3 else each
    names = [k for k in target if "/" in k and isinstance(target[k], str)]
    name = names[rng.integers(len(names))]
    what = rng.integers(5)
    if what == 0:
        del target[name]
    elif what == 1:
        target[name] = "zz"
    elif what == 2:
        target[name] = target[names[rng.integers(len(names))]]
    elif what == 3:
        target[name + "_new"] = "1"
    elif roster:
        roster.pop()

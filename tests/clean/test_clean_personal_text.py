"""What identifies a person in typed text: each kind by example, names by measured rates."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from survey_tools.clean.personal_data.text import (
    KINDS,
    Span,
    find_personal_text,
    kinds_in,
    masked,
)

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "personal_text"


def read(name):
    with (FIXTURES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CASES, HELD_OUT = read("cases.csv"), read("held_out.csv")
MISTAKEN = {"Tuấn nhà bên làm hộ", "gọi cho Hương con dâu", "Mai Linh taxi nhận thẻ"}
"""Two names without title or surname are missed, and a company is taken for a person."""


def expected(row):
    pairs = (item.split(":", 1) for item in row["found"].split(";") if item)
    return [(kind, text) for kind, text in pairs]


def found(text, **options):
    return [(s.kind, text[s.start : s.end]) for s in find_personal_text(text, **options)]


@pytest.mark.parametrize("row", CASES, ids=lambda row: row["text"][:40])
def test_find_personal_text__cases(row):
    right = Counter(found(row["text"])) == Counter(expected(row))
    assert right is (row["text"] not in MISTAKEN)


def test_find_personal_text__every_kind_has_cases():
    assert {kind for row in CASES for kind, _ in expected(row)} == set(KINDS)
    assert sum(not row["found"] for row in CASES) > 60


@pytest.mark.parametrize("row", CASES[:90], ids=lambda row: row["text"][:40])
def test_find_personal_text__letters_that_are_not_composed_make_no_difference(row):
    apart = unicodedata.normalize("NFD", row["text"])
    again = [(kind, unicodedata.normalize("NFC", text)) for kind, text in found(apart)]
    composed = [(kind, unicodedata.normalize("NFC", text)) for kind, text in found(row["text"])]
    assert again == composed


def test_find_personal_text__spans_are_in_order_and_apart():
    text = "Ông Trần Văn Bình, 0302 345 678, lan@example.vn; mã 10291-T03-H017-3"
    spans = find_personal_text(text)
    assert [span.kind for span in spans] == ["name", "phone", "email", "household_code"]
    assert all(a.end <= b.start for a, b in pairwise(spans))


def test_find_personal_text__a_place_is_no_person():
    text = "Lớp học ở Hồng Minh hôm qua, hỏi Nam Phong"
    assert ("name", "Nam Phong") in found(text)
    assert found(text, places={"nam phong", "hong minh"}) == []


def test_find_personal_text__names_can_be_left_out():
    assert found("Bà Hạnh, 0301234567", names=False) == [("phone", "0301234567")]


def test_kinds_in__each_once():
    assert kinds_in("Bà Hạnh 0301234567, ông Bình 0301234568") == ("phone", "name")
    assert kinds_in("Sóng yếu") == ()


def test_masked__keeps_the_rest():
    text = "Số Zalo +84 303 456 789 chưa vào được nhóm, hỏi bà Hạnh."
    assert (
        masked(text, find_personal_text(text))
        == "Số Zalo [phone] chưa vào được nhóm, hỏi bà [name]."
    )


def test_masked__what_is_not_seen_goes_with_it():
    text = "098\u200b7654321 gọi sau"
    assert masked(text, find_personal_text(text)) == "[phone] gọi sau"
    assert find_personal_text("098\u200b7654321") == [Span(0, 11, "phone")]


# ------------------------------------------------------------------------------------ measured rates


def rates():
    """Remarks, remarks in which the name is found at least in part, and whole, by way of writing."""
    counts = {}
    for row in HELD_OUT:
        ((_, name),) = expected(row)
        names = [text for kind, text in found(row["text"]) if kind == "name"]
        n, part, whole = counts.get(row["way"], (0, 0, 0))
        touched = any(text in name or name in text for text in names)
        counts[row["way"]] = (n + 1, part + touched, whole + (name in names))
    return counts


def stated():
    """The table of docs/privacy.md."""
    text = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", text, flags=re.MULTILINE)
    return {way: tuple(map(int, counts)) for way, *counts in rows}


def test_find_names__rates_on_names_it_was_not_tuned_on_are_those_stated():
    assert rates() == stated()


def harmless():
    """Every text of the registers, the tables and the wording: none is about a person."""
    for path in [*(ROOT / "params" / "register").glob("*.csv"), *(ROOT / "params").glob("*.csv")]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                yield from (v for k, v in row.items() if re.match(r"name_|label_", k) and v)
    for path in (ROOT / "src/survey_tools/report/wording").glob("*.yml"):
        yield from texts(yaml.safe_load(path.read_text(encoding="utf-8")))


def texts(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from texts(child)


def test_find_personal_text__is_quiet_on_what_the_project_says_itself():
    looked_at = {text for text in harmless() if len(text) > 3}
    assert len(looked_at) > 700
    wrong = [text for text in looked_at if find_personal_text(text)]
    assert len(wrong) <= len(looked_at) / 500, wrong

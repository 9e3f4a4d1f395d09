"""Texts that name somebody are set apart; on the synthetic district just those that were planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from survey_tools import synthetic
from survey_tools.clean.personal_data.screen import place_names, readable, screen
from survey_tools.errors import ContractError
from survey_tools.kobo.form.xlsform import read_xlsform
from survey_tools.params import open_workspace

ROOT = Path(__file__).parents[2]
REMARKS = {("household", "comment"), ("household", "enum_note"), ("team_log", "problem")}


@pytest.fixture(scope="module")
def ws():
    return open_workspace(ROOT / "params" / "study.yml")


def frame(*texts):
    rows = [(place, "comment", text) for place, text in enumerate(texts, start=1)]
    return pd.DataFrame(rows, columns=["_id", "variable", "text"]).astype({"text": "str"})


def test_screen__says_which_and_why():
    given = frame("Sóng yếu", "Bà Hạnh, 0301 234 567", "Sóng yếu", None)
    found = screen(given)
    assert found["kinds"].tolist() == ["", "phone, name", "", ""]
    assert found["quarantined"].tolist() == [False, True, False, False]
    assert list(given.columns) == ["_id", "variable", "text"]


def test_screen__no_texts():
    found = screen(frame().iloc[:0])
    assert found["quarantined"].dtype == bool
    assert readable(found).empty


def test_readable__only_what_names_nobody():
    found = readable(screen(frame("Sóng yếu", "Bà Hạnh ở nhà")))
    assert found.to_numpy().tolist() == [[1, "comment", "Sóng yếu"]]


def test_readable__unscreened_texts_are_refused():
    with pytest.raises(ContractError, match="not been screened"):
        readable(frame("Sóng yếu"))


def test_readable__a_text_of_which_nothing_is_known_stays_apart():
    found = screen(frame("Sóng yếu", "Mạng chậm"))
    found["quarantined"] = pd.array([pd.NA, False], dtype="boolean")
    assert readable(found)["_id"].tolist() == [2]


def test_place_names__communes_and_villages_without_their_kind(ws):
    places = place_names(ws)
    assert {"phu minh", "hong minh", "phuong duc", "nam phong"} <= places
    assert not any(name.startswith(("xa ", "thi tran ", "to ")) for name in places)
    texts = frame("Đã hỏi Nam Phong hôm qua", "Đã hỏi Nam Thanh hôm qua")
    assert screen(texts, places)["quarantined"].tolist() == [False, True]


@pytest.fixture(scope="module")
def district(ws):
    small = synthetic.DistrictParameters.small()
    many = replace(small, planted=replace(small.planted, texts=60, log_texts=20))
    drawn = synthetic.simulate(many, ws.table("teams"), ws.table("communes"), seed=7)
    forms = {f: {"v": read_xlsform(ws.root / s.xlsform)} for f, s in ws.study.forms.items()}
    return drawn, synthetic.submissions(drawn, forms)


def test_screen__finds_every_planted_text_of_the_district_and_no_other(ws, district):
    drawn, rows = district
    texts = pd.DataFrame(
        [(form, row["_id"], key.rsplit("/", 1)[-1], value)
         for form in rows for row in rows[form] for key, value in row.items()
         if (form, key.rsplit("/", 1)[-1]) in REMARKS],
        columns=["form", "_id", "variable", "text"],
    )  # fmt: skip
    found = screen(texts, place_names(ws)).query("quarantined")
    got = set(zip(found["form"], found["_id"], found["variable"], strict=True))
    planted = drawn.planted.query("kind == 'personal_text'")
    listed = set(
        zip(planted["form"], planted["_id"].astype("int64"), planted["detail"], strict=True)
    )
    assert got == listed
    assert len(listed) == 140
    assert len(texts) - len(listed) > 30

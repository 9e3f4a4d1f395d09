"""The contract that the register of a form gives its cleaned answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from schema_findings import answer_findings

from survey_tools import contracts
from survey_tools.errors import ContractError
from survey_tools.register import COLUMNS, read_register
from survey_tools.register.schema import answers_schema

PARAMS = Path(__file__).parents[2] / "params"
ROWS = [
    ("code", "text", "[A-Z][0-9]", "", "yes", ""),
    ("agrees", "select_one yesno", "yes|no", "", "yes", ""),
    ("owns", "select_one yesnodk", "yes|no|dk", "dk", "yes", "${agrees} = 'yes'"),
    ("uses", "select_multiple use", "pay|read", "", "", "${agrees} = 'yes'"),
    ("times", "integer", "0..10", "", "yes", "${agrees} = 'yes' ; ${owns} = 'yes'"),
    ("spent", "decimal", "0..", "", "", ""),
    ("when", "date", "", "", "", ""),
    ("adults", "calculate", "0..20", "", "", ""),
    ("phone", "text", "", "", "", ""),
]
GIVEN = ("${agrees} = 'yes'",)


@pytest.fixture
def register(tmp_path):
    return read_register(_write(tmp_path, ROWS))


def _write(folder: Path, rows: list[tuple[str, ...]]) -> Path:
    path = folder / "register.csv"
    names = ("name", "type", "values", "missing", "required", "asked_if")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for row in rows:
            personal = "direct_identifier" if row[0] == "phone" else "none"
            fixed = {"path": row[0], "table": "main", "personal_data": personal, "role": "outcome"}
            writer.writerow({**dict(zip(names, row, strict=True)), **fixed})
    return path


def _frame() -> pd.DataFrame:
    n = 4
    return pd.DataFrame(
        {
            "_id": range(1, n + 1),
            "code": pd.Series(["A1", "B2", "C3", "D4"], dtype="str"),
            "agrees": pd.Series(["yes"] * n, dtype="str"),
            "owns": pd.Series(["yes", "no", "dk", "yes"], dtype="str"),
            "uses__pay": pd.array([True, False, None, True], dtype="boolean"),
            "uses__read": pd.array([True, True, None, False], dtype="boolean"),
            "times": pd.array([3, None, None, 10], dtype="Int64"),
            "spent": pd.array([1.5, 0, None, 7], dtype="Float64"),
            "when": pd.to_datetime(["2026-01-05", None, "2026-01-07", "2026-01-08"]),
            "adults": pd.array([2, 1, None, 4], dtype="Int64"),
        }
    )


def test_answers_schema__accepts_what_the_register_says(register):
    frame = _frame()
    before = frame.copy()
    assert contracts.validate_answers(frame, "people", register, given=GIVEN) is frame
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("column", "row", "value", "problem"),
    [
        ("owns", 1, "maybe", "a code of the register"),
        ("times", 0, 11, "10 or less"),
        ("times", 0, -1, "0 or more"),
        ("spent", 2, -0.5, "0 or more"),
        ("adults", 2, 21, "20 or less"),
        ("code", 3, "D44", "like"),
        ("agrees", 2, None, "not_nullable"),
        ("owns", 2, None, "not_nullable"),
    ],
)
def test_answers_schema__refuses_one_answer(register, column, row, value, problem):
    frame = _frame()
    frame.loc[row, column] = value
    found = answer_findings(frame, answers_schema(register, given=GIVEN))
    assert found["_id"].tolist() == [row + 1]
    assert found["variable"].tolist() == [column]
    assert problem in found["problem"].iloc[0]
    with pytest.raises(ContractError) as error:
        contracts.validate_answers(frame, "people", register, given=GIVEN)
    assert column in str(error.value)
    assert "1 row(s)" in str(error.value)
    assert "maybe" not in str(error.value)
    assert "D44" not in str(error.value)


def test_answers_schema__what_may_be_unasked_may_be_missing(register):
    frame = _frame()
    frame.loc[0, ["times", "owns"]] = None
    assert answer_findings(frame, answers_schema(register)).empty


@pytest.mark.parametrize(
    ("column", "dtype", "problem"),
    [
        ("times", "Float64", "whole numbers"),
        ("when", "str", "dates"),
        ("uses__pay", "str", "true or false"),
        ("adults", "str", "whole numbers"),
    ],
)
def test_answers_schema__refuses_another_type(register, column, dtype, problem):
    frame = _frame().astype({column: dtype})
    found = answer_findings(frame, answers_schema(register))
    assert problem in set(found["problem"])
    assert found["_id"].isna().any()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: f.rename(columns={"uses__read": "uses__listen"}), "uses__listen"),
        (lambda f: f.drop(columns="spent"), "spent"),
        (lambda f: f.assign(phone="0912345678"), "phone"),
        (lambda f: f.assign(unheard=1), "unheard"),
    ],
)
def test_answers_schema__refuses_a_column_too_many_or_too_few(register, change, named):
    with pytest.raises(ContractError, match=named):
        contracts.validate_answers(change(_frame()), "people", register)


def test_answers_schema__lets_columns_be_named_that_are_no_answers(register):
    frame = _frame().assign(minutes=3.0).drop(columns="spent")
    schema = answers_schema(register, extra=("minutes",), complete=False)
    assert answer_findings(frame, schema).empty


@pytest.mark.parametrize("gone", ["spent", "uses", "when"])
def test_answers_schema__a_register_row_less_and_the_contract_fails(tmp_path, gone):
    register = read_register(_write(tmp_path, [row for row in ROWS if row[0] != gone]))
    with pytest.raises(ContractError, match=gone):
        contracts.validate_answers(_frame(), "people", register)


@pytest.mark.parametrize(
    ("name", "fewer", "named"),
    [("owns", "yes|no", "owns: a code"), ("uses", "pay", "uses__read: column_in_schema")],
)
def test_answers_schema__a_choice_less_and_the_contract_fails(tmp_path, name, fewer, named):
    rows = [(r[0], r[1], fewer, "", *r[4:]) if r[0] == name else r for r in ROWS]
    with pytest.raises(ContractError, match=named):
        contracts.validate_answers(_frame(), "people", read_register(_write(tmp_path, rows)))


def test_answer_findings__duplicate_index_is_no_trouble(register):
    frame = _frame()
    frame.loc[3, "owns"] = "maybe"
    frame.index = pd.Index([0, 0, 0, 0])
    assert answer_findings(frame, answers_schema(register))["_id"].tolist() == [4]


def test_answers_schema__of_the_real_registers_has_all_columns_of_a_row():
    household = read_register(PARAMS / "register" / "household.csv")
    main, roster = answers_schema(household), answers_schema(household, "roster")
    assert {"why_cash__trust", "qr30", "hhid"} <= set(main.columns)
    assert {"phone_recontact", "comment", "gps_lat", "m_age"}.isdisjoint(main.columns)
    assert "m_age" in roster.columns
    assert not main.columns["hhid"].nullable
    assert main.columns["qr7_n"].nullable


def test_answers_schema__is_made_for_many_rows(register):
    big = _frame().loc[np.arange(4).repeat(5_000)].reset_index(drop=True)
    assert contracts.validate_answers(big, "people", register, given=GIVEN) is big

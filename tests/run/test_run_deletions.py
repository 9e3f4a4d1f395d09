"""What happens when one line of the registers or of the corrections is deleted: something named complains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from survey_tools import clean
from survey_tools.clean.answers.columns import typed
from survey_tools.clean.answers.held import hold_answers
from survey_tools.clean.corrections.read import COLUMNS, FILE, PRIVATE_FILE
from survey_tools.clean.household import NOT_IN_SAMPLE, TWO_UNDER_ONE_CODE, CleanHousehold
from survey_tools.clean.personal_data.split import split_personal
from survey_tools.errors import ContractError, ParamsError
from survey_tools.kobo import Form, flatten
from survey_tools.kobo.form.xlsform import read_xlsform
from survey_tools.params import Workspace, open_workspace
from survey_tools.register import DEVICE_TYPES, SPLIT_OFF, Register, read_lines, read_register
from survey_tools.run import read_tables
from survey_tools.run.registers.check import compare
from tests_support import copy_workspace, survey_tools

PARAMS = Path(__file__).parents[2] / "params"
FORMS = ("household", "team_log", "site")
SELECTS = ("select_one", "select_multiple")


def _form(name: str) -> Form:
    return Form.from_content(read_xlsform(PARAMS / "forms" / f"{name}.xlsx"), "v1")


def _without_a_row(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Copies of a register, each without one of its rows."""
    head, *lines = (PARAMS / "register" / f"{name}.csv").read_text("utf-8").splitlines()
    path = folder / f"{name}.csv"
    for number, line in enumerate(lines):
        path.write_text("\n".join([head, *lines[:number], *lines[number + 1 :], ""]), "utf-8")
        yield line.split(",", 1)[0], path


def _without_a_choice(name: str, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Copies of a register, each without one choice of one question."""
    table = pd.read_csv(PARAMS / "register" / f"{name}.csv", dtype=str, keep_default_na=False)
    path = folder / f"{name}.csv"
    for row, kind in table["type"].items():
        codes = table.at[row, "values"].split("|")
        for code in codes if kind.startswith(SELECTS) else ():
            fewer = table.copy()
            fewer.at[row, "values"] = "|".join(one for one in codes if one != code)
            kept = [one for one in table.at[row, "missing"].split("|") if one != code]
            fewer.at[row, "missing"] = "|".join(kept)
            fewer.to_csv(path, index=False)
            yield table.at[row, "name"], code, path


@pytest.mark.parametrize("name", FORMS)
def test_compare__each_row_that_is_deleted_is_missed(name, tmp_path):
    form = _form(name)
    for question, path in _without_a_row(name, tmp_path):
        found = [
            (kind, said) for _, (kind, said, *_) in compare(read_lines(path), {"v1": form}, {})
        ]
        assert found == [("not_in_register", question)]


@pytest.mark.parametrize("name", FORMS)
def test_typed__each_row_that_is_deleted_stops_the_cleaning(name, tmp_path):
    tables = flatten([], {"v1": _form(name)}).frames
    whole = read_register(PARAMS / "register" / f"{name}.csv")
    for question, path in _without_a_row(name, tmp_path):
        if whole[question].base_type in DEVICE_TYPES:
            continue
        frame = tables[whole[question].table]
        with pytest.raises(ContractError, match="register does not know") as error:
            typed(frame, read_register(path), keys=("roster_no",))
        assert any(column in str(error.value) for column in whole[question].columns)


@pytest.mark.parametrize("name", FORMS)
def test_compare__each_choice_that_is_deleted_is_missed(name, tmp_path):
    form = _form(name)
    for question, code, path in _without_a_choice(name, tmp_path):
        found = [said for _, said in compare(read_lines(path), {"v1": form}, {})]
        assert found == [("choice_unknown", question, code, "not among values")]


@pytest.mark.parametrize("name", FORMS)
def test_hold_answers__each_choice_that_is_deleted_is_flagged_in_the_answers(name, tmp_path):
    for question, code, path in _without_a_choice(name, tmp_path):
        register = read_register(path)
        several = register[question].base_type == "select_multiple"
        column = {f"{question}__{code}": [True]} if several else {question: [code]}
        frame = pd.DataFrame({"_id": [7], **column})
        flags = hold_answers(frame.astype({c: "str" for c in column if not several}), register)
        assert flags.problems[["check", "row_id", "variable"]].to_numpy().tolist() == [
            ["choice_unknown", 7, question]
        ]


@pytest.fixture(scope="module")
def district(tmp_path_factory) -> Workspace:
    """The small district, pulled and not yet cleaned."""
    root = copy_workspace(tmp_path_factory.mktemp("district"))
    done = survey_tools("pull", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return open_workspace(root / "params" / "study.yml")


@pytest.fixture(scope="module")
def pulled(district):
    register = read_register(district.root / district.study.forms["household"].register_)
    return read_tables(district, "household"), register


def _clean(ws: Workspace, pulled: tuple, corrections: pd.DataFrame | None) -> CleanHousehold:
    tables, register = pulled
    return clean.clean_household(
        tables.frames["main"], tables.frames["roster"], register=register, teams=ws.table("teams"),
        sample=ws.table("sample"), corrections=corrections, misfits=tables.misfits,
    )  # fmt: skip


def _complaints(ws: Workspace, pulled: tuple, corrections: pd.DataFrame | None) -> set[tuple]:
    """What cleaning and the field checks say of single submissions."""
    result, checks = _clean(ws, pulled, corrections), ws.study.checks
    few = {"outlier": checks.outlier.model_copy(update={"least": 5})}  # the district is small
    flags = clean.field_checks(
        result.household, result.visits, result.roster, rules=checks.model_copy(update=few),
        labels=clean.labels_table(pulled[0].labels), free_text=result.free_text,
    )  # fmt: skip
    said = {(reason, int(i)) for reason, i in result.dropped[["reason", "_id"]].to_numpy()}
    said |= {(check, int(i)) for check, i in result.problems[["check", "row_id"]].to_numpy()}
    rows = flags.dropna(subset="row_id")
    return said | {(check, int(i)) for check, i in rows[["check", "row_id"]].to_numpy()}


CURES = {"code_not_in_sample": NOT_IN_SAMPLE, "two_households_one_code": TWO_UNDER_ONE_CODE,
         "outlier": "outlier", "contradiction": "logic", "short_interview": "short_interview"}  # fmt: skip
"""Planted problem -> who complains about it as long as no correction cures it."""


def _cures(ws: Workspace, main: pd.DataFrame) -> pd.DataFrame:
    """One correction for each planted problem that a correction can cure, and who complains without it."""
    (path,) = ws.sandbox.glob("small-*/planted.csv")
    planted = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows, lines = main.set_index("_id"), []
    for _, plant in planted.loc[planted["kind"].isin(CURES)].iterrows():
        kind, row_id = plant["kind"], plant["_id"]
        said = ("", "", "drop", "")
        if kind != "short_interview":
            variable = "hhid" if "code" in kind else plant["detail"]
            new = {"contradiction": "yes", "outlier": "300"}.get(kind, plant["detail"])
            said = (variable, str(rows.at[int(row_id), variable]), "replace", new)
        why = ("đã xem lại phiếu giấy", "TL", "2026-10-01")
        lines.append(("household", row_id, plant["wave"], *said, *why, CURES[kind]))
    table = pd.DataFrame(lines, columns=[*COLUMNS, "complains"], dtype="str")
    table["file"] = table["variable"].map({"hhid": PRIVATE_FILE}).fillna(FILE)
    return table.assign(line=range(2, len(table) + 2))


@pytest.mark.slow
def test_clean_household__each_correction_that_is_deleted_is_missed(district, pulled):
    table = _cures(district, pulled[0].frames["main"])
    assert set(table["complains"]) == set(CURES.values())
    cured = _complaints(district, pulled, table)
    for number, line in table.iterrows():
        missed = _complaints(district, pulled, table.drop(index=number))
        assert (line["complains"], int(line["row_id"])) in missed - cured, line["variable"]


@pytest.mark.slow
def test_corrections_log__holds_each_line_of_the_district(district, pulled):
    table = _cures(district, pulled[0].frames["main"])
    made = _clean(district, pulled, table).corrections
    log = clean.corrections_log(table, made)
    assert sorted(log["line"]) == table["line"].tolist()
    assert log["status"].isin(["replaced", "row dropped"]).all()
    for number in table.index:
        with pytest.raises(ContractError, match="every line once"):
            clean.corrections_log(table.drop(index=number), made)


def test_read_register__each_class_that_is_deleted_stops_the_run(tmp_path):
    for name in FORMS:
        table = pd.read_csv(PARAMS / "register" / f"{name}.csv", dtype=str, keep_default_na=False)
        for row in table.index:
            less = table.copy()
            less.at[row, "personal_data"] = ""
            less.to_csv(tmp_path / "register.csv", index=False)
            with pytest.raises(ParamsError, match="no known class of personal data"):
                read_register(tmp_path / "register.csv")


@pytest.mark.parametrize("name", FORMS)
def test_split_personal__only_what_the_register_calls_harmless_stays(name):
    register: Register = read_register(PARAMS / "register" / f"{name}.csv")
    for frame in flatten([], {"v1": _form(name)}).frames.values():
        rows = split_personal(typed(frame, register, keys=("roster_no",)).frame, register).rows
        classes = {question.personal_data for c in rows if (question := register.of_column(c))}
        assert classes
        assert classes.isdisjoint(SPLIT_OFF)

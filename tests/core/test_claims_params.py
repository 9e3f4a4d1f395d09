"""The statements of the news item and their readings are read strictly, and say where they are wrong."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from survey_tools.errors import ParamsError
from survey_tools.params import open_workspace, read_claims, read_study

ROOT = Path(__file__).resolve().parents[2]
CLAIMS, READINGS = "claims.csv", "claim_readings.csv"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "params").mkdir()
    for name in (CLAIMS, READINGS):
        shutil.copy(ROOT / "params" / name, tmp_path / "params" / name)
    return tmp_path / "params"


def read(folder):
    return read_claims(folder / CLAIMS, folder / READINGS)


def change(path, old, new):
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), "utf-8")


def rows(name):
    with (ROOT / "params" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_read_claims__every_statement_stands_once_and_in_order(folder):
    found = read(folder)
    assert [one.id for one in found.claims] == [f"S{number:02}" for number in range(1, 39)]
    measured = {one.id for one in found.claims if one.state == "measured"}
    assert {one.claim for one in found.readings} == measured
    assert all(found.readings_of(one) for one in measured)
    assert found.readings_of("S01") == ()


def test_read_claims__texts_are_those_of_the_file(folder):
    found = {one.id: one for one in read(folder).claims}
    for row in rows(CLAIMS):
        assert found[row["id"]].statement_vi == row["statement_vi"]
        assert found[row["id"]].statement_en == row["statement_en"]


def test_read_claims__figures_are_numbers_and_missing_where_none_is_printed(folder):
    found = {one.claim + one.reading: one for one in read(folder).readings}
    assert (found["S14a"].figure, found["S14a"].test) == (0.855, "over")
    assert {found[f"S14{letter}"].test for letter in "bc"} == {"other_base"}
    assert {found[f"S17{letter}"].figure for letter in "bcd"} == {0.7}
    assert (found["S17a"].figure, found["S17a"].test) == (None, "none")
    assert found["S02a"].figure is None


def test_read_claims__a_claim_of_change_is_tested_against_zero_among_regular_teams(folder):
    changes = [
        one for one in read(folder).readings if one.statistic in ("change", "between_change")
    ]
    assert changes
    assert all(one.population == "regular" and one.test in ("up", "down") for one in changes)


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"),
    [
        (CLAIMS, "id,kind", "id,sort", ["header", "«kind» is missing", "«sort» is unknown"]),
        (READINGS, "unit,figure,test", "unit,figure,test,unit", ["«unit» stands twice"]),
        (CLAIMS, "S05,problem", "S5,problem", ["line 6", "column id", "'S5'"]),
        (CLAIMS, "measured", "measurd", ["column state", "'measurd'"]),
        (READINGS, ",0.855,over", ",much,over", ["column figure", "'much'"]),
        (READINGS, ",0.855,over", ",,over", ["test over and the figure do not fit"]),
        (READINGS, ",,up", ",,none", ["a change is tested by up, down or differ"]),
        (READINGS, "skill_points,all,level,,endline", "skill_points,all,levle,,endline",
         ["line 2", "column statistic"]),
        (READINGS, "skill_points,all,level,,endline", "skill_points,all,level,,",
         ["wave does not fit level"]),
        (READINGS, "subs_smart/subs_total", "subs_smart", ["part/whole"]),
        (READINGS, "subs_smart/subs_total,commune,share", "subs_smart/subs_total,commune,ratio",
         ["sites have no ratio"]),
        (READINGS, "S02,a,", "S35,a,", ["column claim", "S35 is no measured statement"]),
        (READINGS, "S02,b,", "S02,a,", ["stands twice", "S02a"]),
        (READINGS, "S37,a,", "S33,b,", ["no reading", "S37"]),
        (CLAIMS, "S02,goal", "S01,goal", ["stands twice", "S01"]),
        (READINGS, "S02,a,", "S02,a,x,", ["more or fewer cells"]),
    ],
)  # fmt: skip
def test_read_claims__an_error_names_file_line_and_column(folder, file, old, new, wanted):
    change(folder / file, old, new)
    with pytest.raises(ParamsError) as error:
        read(folder)
    text = str(error.value)
    assert "params/claim" in text
    assert [part for part in wanted if part not in text] == []


def test_read_claims__a_statement_that_is_not_measured_says_why(folder):
    path = folder / CLAIMS
    lines = path.read_text("utf-8").splitlines(keepends=True)
    number = next(k for k, line in enumerate(lines) if line.startswith("S35"))
    lines[number] = "S35,actor,câu,statement,not_measured,,\n"
    path.write_text("".join(lines), "utf-8")
    with pytest.raises(ParamsError, match="needs note_vi and note_en") as error:
        read(folder)
    assert f"line {number + 1}" in str(error.value)


def test_read_claims__a_missing_file_is_named(folder):
    (folder / READINGS).unlink()
    with pytest.raises(ParamsError) as error:
        read(folder)
    assert "params/claim_readings.csv" in str(error.value)


def test_claims__a_study_may_have_none_but_not_one_file_without_the_other(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")
    study = tmp_path / "params" / "study.yml"
    assert len(open_workspace(study).claims.claims) == 38
    change(study, "  claim_readings: params/claim_readings.csv\n", "")
    with pytest.raises(ParamsError, match="given together"):
        read_study(study)
    change(study, "  claims: params/claims.csv\n", "")
    assert open_workspace(study).claims is None

"""A release pack keeps its promises, and its check notices each that is broken."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from release_support import (
    LAT,
    LON,
    NAME,
    PHONE,
    made_up_panel,
    read_csv,
    release_workspace,
    rewrite,
    sign,
)
from survey_tools.errors import ContractError, DisclosureError, ParamsError, RunError
from survey_tools.params import Workspace
from survey_tools.run.erasing import derived as erase_derived
from survey_tools.run.release.files import FILES
from survey_tools.run.release.make import check_release, make_release

QUASI = ("area", "intensive", "resp_female", "resp_age", "hh_size")


@pytest.fixture(scope="module")
def ws(tmp_path_factory) -> Workspace:
    return release_workspace(tmp_path_factory.mktemp("release") / "ws")


@pytest.fixture(scope="module")
def made(ws, tmp_path_factory):
    return make_release(ws, tmp_path_factory.mktemp("packs") / "pack")


@pytest.fixture
def pack(made, tmp_path) -> Path:
    """A pack to break."""
    return Path(shutil.copytree(made.path, tmp_path / "pack"))


def _failed(ws: Workspace, path: Path) -> dict[str, str]:
    return {finding.name: finding.told for finding in check_release(ws, path).failed}


def _panel(ws: Workspace) -> pd.DataFrame:
    return pd.read_parquet(ws.analysis / "panel.parquet")


# ---------------------------------------------------------------- what is in it


def test_release__passes_its_check_and_holds_what_it_says(ws, made):
    assert check_release(ws, made.path).failed == []
    assert sorted(path.name for path in made.path.iterdir()) == sorted(FILES)
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.path.iterdir()} == {0o600}
    panel = _panel(ws)
    assert (made.households, made.interviews) == (panel["hhid"].nunique(), len(panel))
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=made.path, capture_output=True)
    assert done.returncode == 0
    manifest = json.loads((made.path / "release.json").read_text("utf-8"))
    assert manifest["households"] == made.households
    assert len(manifest["made"]) == len("2026-10")


def test_release__at_least_k_households_by_brute_force(ws, made):
    rows = read_csv(made.path / "households.csv")
    counts = Counter(tuple(row[name] for name in QUASI) for row in rows)
    assert min(counts.values()) >= ws.study.release.k
    teams = {(row["team"], row["area"], row["intensive"]) for row in rows}
    assert len({team for team, _, _ in teams}) == len(teams)
    assert min(Counter((area, arm) for _, area, arm in teams).values()) >= ws.study.release.k


def test_release__is_the_panel_but_for_what_its_rules_take_away(ws, made):
    """Each household's answers and bands, found again by their values alone."""
    full = _panel(ws)
    first = full.sort_values("wave").drop_duplicates("hhid").set_index("hhid")
    bands = {18: "18-29", 30: "30-44", 45: "45-59", 60: "60+"}
    sizes = {1: "1-2", 3: "3-4", 5: "5+"}
    expected, got = Counter(), Counter()
    for code, rows in full.groupby("hhid"):
        answers = tuple(sorted((r.wave, f"{r.cashless_index:.4f}") for r in rows.itertuples()))
        age, size = first.loc[code, "resp_age"], first.loc[code, "hh_size"]
        expected[answers] = (
            max(v for v in bands if v <= age), max(v for v in sizes if v <= size),
            f"{first.loc[code, 'resp_female']:g}", str(first.loc[code, "intensive"]),
        )  # fmt: skip
    answers = {}
    for row in read_csv(made.path / "panel.csv"):
        cell = f"{float(row['cashless_index']):.4f}"
        answers.setdefault(row["household"], []).append((row["wave"], cell))
    hidden = Counter()
    for row in read_csv(made.path / "households.csv"):
        age, size, female, arm = expected[tuple(sorted(answers[row["household"]]))]
        assert row["intensive"] == arm
        for name, value in (
            ("resp_age", bands[age]),
            ("hh_size", sizes[size]),
            ("resp_female", female),
        ):
            assert row[name] in ("", value)
            hidden[name] += row[name] == ""
        got[row["household"]] += 1
    assert set(got.values()) == {1}
    assert {name: hidden[name] for name in ws.study.release.quasi} == {
        name: made.suppressed[name] for name in ws.study.release.quasi
    }


def test_release__keeps_teams_together_and_contacts_below_the_top(ws, made):
    full = _panel(ws)
    sizes = Counter(full.drop_duplicates("hhid")["team_id"])
    rows = read_csv(made.path / "households.csv")
    assert sorted(Counter(row["team"] for row in rows).values()) == sorted(sizes.values())
    told = Counter(row["contacts"] for row in read_csv(made.path / "panel.csv"))
    assert told["6+"] == (full["contacts"] >= 6).sum()
    assert told["2"] == (full["contacts"] == 2).sum()


def test_release__numbers_are_drawn_anew_each_time(ws, made, tmp_path):
    again = make_release(ws, tmp_path / "again")
    one, other = (
        {(r["cashless_index"], r["wave"]): r["household"] for r in read_csv(p / "panel.csv")}
        for p in (made.path, again.path)
    )
    assert one.keys() == other.keys()
    assert sum(one[key] == other[key] for key in one) < len(one) / 20


def test_release__codebook_describes_every_column_and_counts_its_blanks(made):
    codebook = {
        (row["table"], row["variable"]): row for row in read_csv(made.path / "codebook.csv")
    }
    for table in ("households", "panel"):
        rows = read_csv(made.path / f"{table}.csv")
        assert [name for place, name in codebook if place == table] == list(rows[0])
        for name in rows[0]:
            told = codebook[table, name]
            assert told["label_vi"]
            assert told["label_en"]
            assert int(told["missing"]) == sum(row[name] == "" for row in rows)
            assert int(told["rows"]) == len(rows)
    assert codebook["households", "resp_age"]["values"] == "18-29 | 30-44 | 45-59 | 60+"
    assert int(codebook["households", "hh_size"]["suppressed"]) > 0


def test_release__readme_says_what_was_done_in_both_languages(made):
    text = (made.path / "README.txt").read_text("utf-8")
    hidden = sum(made.suppressed[name] for name in ("resp_female", "resp_age", "hh_size"))
    assert f"{hidden} ô được để" in text
    assert f"{hidden}\n    cells were left blank" in text
    assert "MÔ PHỎNG" in text
    assert "SIMULATED" in text
    assert "Terms of use: not stated" in text


def test_release__as_a_zip_file_bears_no_dates(ws, tmp_path):
    made = make_release(ws, tmp_path / "pack.zip")
    with zipfile.ZipFile(made.path) as packed:
        about = packed.infolist()
        assert packed.comment == b""
    assert {one.date_time for one in about} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(one.filename for one in about) == sorted(FILES)
    assert len({(one.external_attr, one.create_system, one.extra) for one in about}) == 1
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert check_release(ws, made.path).failed == []
    assert [path.name for path in tmp_path.iterdir()] == ["pack.zip"]


def test_release__means_say_what_suppression_cost(ws, made):
    means = made.check.means.set_index(["outcome", "group"])
    full = _panel(ws).query("wave == 'w3'")
    whole = means.loc[("qr_shop_30d", "all")]
    assert whole["full"] == pytest.approx(full["qr_shop_30d"].mean())
    assert whole["difference"] == pytest.approx(0)
    by_size = means.loc["qr_shop_30d"].filter(like="hh_size", axis="index")
    rows = read_csv(made.path / "households.csv")
    told = {row["household"]: row["hh_size"] for row in rows}
    answers = [
        float(row["qr_shop_30d"])
        for row in read_csv(made.path / "panel.csv")
        if row["wave"] == "w3" and row["qr_shop_30d"] and told[row["household"]] == "5+"
    ]
    assert by_size.loc["hh_size = 5+", "pack"] == pytest.approx(sum(answers) / len(answers))
    assert by_size["difference"].abs().max() > 0


# ---------------------------------------------------------------- each promise, broken


def _set(name: str, value: str, row: int = 3):
    count = iter(range(10**6))

    def change(cells):
        return cells | {name: value} if next(count) == row else cells

    return change


def test_check__a_household_code_in_a_cell(ws, pack):
    code = _panel(ws)["hhid"].iloc[0]
    rewrite(pack, "panel.csv", _set("contacts", code))
    failed = _failed(ws, pack)
    assert failed["values"] == "contacts: 1 cell(s) that its rule cannot give"
    assert "a known household code" in failed["private values"]
    assert "panel.csv holds what looks like a household code" in failed["codes"]
    assert code not in str(failed)


def test_check__a_code_beside_the_data(ws, pack):
    code = _panel(ws)["hhid"].iloc[0]
    for name in ("README.txt", "codebook.csv", "release.json"):
        with (pack / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{code}\n")
    sign(pack)
    failed = _failed(ws, pack)
    assert set(failed) == {"private values", "codes"}
    assert failed["codes"].count("a household code") == 3


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (PHONE, "a known phone number"),
        ("+84 30 123 45 67", "a known phone number"),
        (f"{LAT} {LON}", "a known position"),
        (NAME, "a known name"),
    ],
)
def test_check__a_private_value_in_the_text(ws, pack, written, told):
    with (pack / "README.txt").open("a", encoding="utf-8") as file:
        file.write(f"\n{written}\n")
    sign(pack)
    failed = _failed(ws, pack)
    assert told in failed["private values"]
    assert written not in str(failed)


def test_check__a_phone_in_a_cell_of_numbers(ws, pack):
    rewrite(pack, "panel.csv", _set("contacts", PHONE.lstrip("0")))
    assert "values" in _failed(ws, pack)


def test_check__an_unsuppressed_rare_row(ws, pack):
    """One household's hidden size is told again, and it is alone with it."""
    rows = read_csv(pack / "households.csv")
    counts = Counter(tuple(row[name] for name in QUASI) for row in rows)
    at = next(
        n for n, row in enumerate(rows)
        if row["hh_size"] == "" and (*(row[q] for q in QUASI[:-1]), "5+") not in counts
    )  # fmt: skip
    rewrite(pack, "households.csv", _set("hh_size", "5+", at))
    failed = _failed(ws, pack)
    assert set(failed) == {"k of households"}
    assert failed["k of households"].startswith("smallest class 1, wanted 5")


def test_check__a_finer_value_than_the_rule_gives(ws, pack):
    rewrite(pack, "households.csv", lambda row: row | {"resp_age": "47"})
    assert "resp_age" in _failed(ws, pack)["values"]


def test_check__a_commune_in_place_of_the_larger_unit(ws, pack):
    rewrite(pack, "households.csv", lambda row: row | {"area": "10291"})
    assert "area" in _failed(ws, pack)["values"]


def test_check__too_few_teams_of_an_arm_in_a_place(ws, pack):
    place = next(row["area"] for row in read_csv(pack / "households.csv"))
    kept: dict[str, str] = {}

    def two_teams(row):
        if row["area"] == place and row["intensive"] == "1" and len(kept) < 2:
            kept.setdefault(row["team"], place)
        elsewhere = row["area"] == place and row["intensive"] == "1" and row["team"] not in kept
        return row | {"area": ""} if elsewhere else row

    rewrite(pack, "households.csv", two_teams)
    assert _failed(ws, pack)["k of teams"] == "smallest class 2 teams"


@pytest.mark.parametrize(
    "column", ["hhid", "resp_edu", "enumerator_id", "weight", "interview_date"]
)
def test_check__a_column_more(ws, pack, column):
    rewrite(pack, "panel.csv", lambda row: row | {column: "1"})
    failed = _failed(ws, pack)
    assert failed["columns"] == f"panel.csv has the column {column}"
    assert failed["k of households"].startswith("not looked at")


def test_check__a_column_less(ws, pack):
    rewrite(pack, "panel.csv", lambda row: {k: v for k, v in row.items() if k != "reached"})
    assert _failed(ws, pack)["columns"] == "panel.csv lacks reached"


@pytest.mark.parametrize("text", ["2026-02-14", "14/02/2026", "08:15:00", "1771056000000"])
def test_check__a_date_finer_than_a_month(ws, pack, text):
    with (pack / "README.txt").open("a", encoding="utf-8") as file:
        file.write(text)
    sign(pack)
    assert _failed(ws, pack)["dates"] == "in README.txt"


def test_check__numbers_that_follow_the_codes(ws, pack):
    """Somebody numbers the households by their codes: every list of codes then tells who is who."""
    full = _panel(ws)
    order = {code: str(n) for n, code in enumerate(sorted(full["hhid"].unique()), start=1)}
    mine = {(r.wave, f"{r.cashless_index:.4f}"): order[r.hhid] for r in full.itertuples()}
    new: dict[str, str] = {}

    def by_code(row):
        new[row["household"]] = mine[row["wave"], f"{float(row['cashless_index']):.4f}"]
        return row | {"household": new[row["household"]]}

    rewrite(pack, "panel.csv", by_code)
    rewrite(pack, "households.csv", lambda row: row | {"household": new[row["household"]]})
    failed = _failed(ws, pack)
    assert set(failed) == {"order of households"}
    assert failed["order of households"].startswith("100%")


def test_check__a_label_of_the_team_among_the_answers(ws, pack):
    teams = {row["household"]: row["team"] for row in read_csv(pack / "households.csv")}
    rewrite(
        pack, "panel.csv", lambda row: row | {"contacts": str(int(teams[row["household"]]) % 5)}
    )
    assert _failed(ws, pack) == {"labels of teams": "contacts tells the team"}


def test_check__households_that_are_gone_or_twice(ws, pack):
    rewrite(pack, "panel.csv", lambda row: None if row["household"] == "7" else row)
    failed = _failed(ws, pack)["rows"]
    assert "do not have the same households" in failed
    assert "in the analysis panel" in failed
    rewrite(pack, "households.csv", lambda row: row | {"household": "1"})
    assert "each once" in _failed(ws, pack)["rows"]


def test_check__a_pack_of_before_somebody_was_erased(ws, made, tmp_path):
    other = release_workspace(tmp_path / "ws")
    panel = _panel(other)
    code = panel["hhid"].iloc[0]
    panel.loc[panel["hhid"] != code].to_parquet(other.analysis / "panel.parquet", index=False)
    failed = _failed(other, made.path)
    n = panel["hhid"].nunique()
    assert f"{n} households in the pack, {n - 1} in the analysis panel" in failed["rows"]


def test_check__files_sums_and_what_stands_beside(ws, pack):
    frame = pd.DataFrame({"x": [1]})
    frame.to_parquet(pack / "panel.parquet")
    (pack / "more").mkdir()
    (pack / "codebook.csv").write_text("changed", "utf-8")
    failed = _failed(ws, pack)
    assert failed["files"] == "panel.parquet does not belong"
    assert failed["metadata"] == "more: a folder or a link"
    assert "a file is not as it was" in failed["checksums"]
    (pack / "README.txt").unlink()
    assert "README.txt is missing" in _failed(ws, pack)["files"]


def test_check__a_zip_file_with_dates(ws, pack, tmp_path):
    path = tmp_path / "own.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in pack.iterdir():
            packed.write(file, file.name)
        packed.comment = b"by me"
    failed = _failed(ws, path)
    assert set(failed) == {"metadata"}
    assert "panel.csv: a date" in failed["metadata"]
    assert "a comment of the zip file" in failed["metadata"]


def test_check__what_is_no_pack(ws, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(DisclosureError, match="no release pack"):
        check_release(ws, path)
    with pytest.raises(DisclosureError, match="no release pack"):
        check_release(ws, tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert {"files", "columns", "checksums"} <= set(_failed(ws, empty))


def test_check__without_a_panel_compares_nothing_and_says_so(made, tmp_path):
    ws = release_workspace(tmp_path / "ws")
    (ws.analysis / "panel.parquet").unlink()
    check = check_release(ws, made.path)
    assert check.failed == []
    assert {f.name: f.ok for f in check.findings}["order of households"] is None
    assert check.means.empty


# ---------------------------------------------------------------- what the study file may ask for


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answers": ["hhid"]}, "hhid: pseudonym"),
        ({"answers": ["poor"]}, "poor: sensitive"),
        ({"answers": ["online_income_1m"]}, "online_income_1m: sensitive"),
        ({"answers": ["ecommerce_index"]}, "ecommerce_index: sensitive"),
        ({"answers": ["team_id"]}, "team_id: quasi_identifier"),
        ({"answers": ["resp_age"], "quasi": ["resp_female"]}, "resp_age: quasi_identifier"),
        ({"quasi": ["hhid"]}, "hhid: pseudonym"),
    ],
)
def test_release__refuses_a_variable_that_may_not_go(tmp_path, changes, told):
    changes = {"recode": {}, "quasi": []} | changes
    ws = release_workspace(tmp_path / "ws", communes=5, **changes)
    with pytest.raises(DisclosureError, match="may not be released") as caught:
        make_release(ws, tmp_path / "pack")
    assert caught.value.found == told
    assert not (tmp_path / "pack").exists()


def test_release__a_sensitive_variable_goes_where_the_study_file_says_so(tmp_path):
    changes = {"answers": ["poor", "qr_shop_30d"], "sensitive": ["poor"], "recode": {}, "quasi": []}
    ws = release_workspace(tmp_path / "ws", **changes)
    assert make_release(ws, tmp_path / "pack").suppressed == {"area": 0}


def test_release__refuses_a_number_without_a_rule_and_an_unknown_variable(tmp_path):
    ws = release_workspace(tmp_path / "a", communes=5, recode={})
    with pytest.raises(ParamsError, match="without a rule"):
        make_release(ws, tmp_path / "pack")
    ws = release_workspace(tmp_path / "b", communes=5, answers=["qr_shop_31d"], recode={}, quasi=[])
    with pytest.raises(ParamsError, match="does not have") as caught:
        make_release(ws, tmp_path / "pack")
    assert caught.value.found == "qr_shop_31d"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recode": {"resp_age": {"from": [18, 30], "top": 4}}}, "give one of from, top, join"),
        ({"recode": {"resp_age": {"from": [30, 18]}}}, "must rise"),
        ({"recode": {"gps": {"top": 4}}}, "neither in quasi nor in answers: gps"),
        ({"sensitive": ["poor"]}, "not among answers: poor"),
        ({"answers": ["resp_age"]}, "named twice in quasi and answers: resp_age"),
        ({"k": 1}, "greater than or equal to 2"),
    ],
)
def test_params__say_what_is_wrong_with_the_release(tmp_path, changes, told):
    with pytest.raises(ParamsError) as caught:
        release_workspace(tmp_path / "ws", **changes)
    assert told in str(caught.value)


def test_release__refuses_what_tells_the_team_and_leaves_nothing(tmp_path):
    """share_intensive_neighbours is harmless by its class, and the same for all of a commune's arm."""
    ws = release_workspace(
        tmp_path / "ws", answers=["qr_shop_30d", "share_intensive_neighbours"],
        recode={"resp_age": {"from": [18, 45]}, "hh_size": {"from": [1, 4]}},
    )  # fmt: skip
    with pytest.raises(DisclosureError, match="did not pass its check") as caught:
        make_release(ws, tmp_path / "out" / "pack")
    assert "labels of teams: share_intensive_neighbours tells the team" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_release__hides_places_of_few_teams_and_refuses_too_few_in_all(tmp_path):
    few = release_workspace(tmp_path / "few", communes=3)
    made = make_release(few, tmp_path / "pack")
    rows = read_csv(made.path / "households.csv")
    teams = {(row["team"], row["area"], row["intensive"]) for row in rows}
    counts = Counter((area, arm) for _, area, arm in teams)
    assert min(counts.values()) >= 5
    assert made.suppressed["area"] == sum(row["area"] == "" for row in rows) > 0
    fewer = release_workspace(tmp_path / "fewer", communes=1)
    with pytest.raises(DisclosureError, match="too few teams") as caught:
        make_release(fewer, tmp_path / "none")
    assert "teams: false" in str(caught.value)


def test_release__without_numbers_of_teams(tmp_path):
    ws = release_workspace(tmp_path / "ws", communes=1, teams=False)
    made = make_release(ws, tmp_path / "pack")
    assert "team" not in read_csv(made.path / "households.csv")[0]
    found = {f.name: f.ok for f in made.check.findings}
    assert found["k of teams"] is None
    assert "number of a team" not in (made.path / "README.txt").read_text("utf-8")


def test_release__by_commune_costs_more_cells(ws, made, tmp_path):
    finer = release_workspace(tmp_path / "ws", area_list="2024", teams=False)
    assert _panel(finer).equals(_panel(ws))
    cells = make_release(finer, tmp_path / "pack").suppressed
    assert sum(cells.values()) > sum(made.suppressed.values())


# ---------------------------------------------------------------- where it goes


def test_release__refuses_a_name_that_is_taken(ws, tmp_path):
    (tmp_path / "pack").mkdir()
    with pytest.raises(RunError, match="something of that name"):
        make_release(ws, tmp_path / "pack")


def test_release__folder_that_cannot_be_written(ws, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="could not be written") as caught:
        make_release(ws, tmp_path / "file" / "pack")
    assert caught.value.exit_code == 2


def test_release__disk_full_leaves_nothing(ws, tmp_path, monkeypatch):
    from survey_tools.run.release import files as release_files

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(release_files, "_private", full)
    with pytest.raises(RunError, match="could not be written") as caught:
        make_release(ws, tmp_path / "pack")
    assert caught.value.found == "No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_release__without_an_analysis_table(tmp_path):
    ws = release_workspace(tmp_path / "ws", communes=5)
    (ws.analysis / "panel.parquet").unlink()
    with pytest.raises(ContractError, match="not there yet"):
        make_release(ws, tmp_path / "pack")


def test_take_stock__an_erasure_knows_packs_inside_the_workspace(tmp_path):
    """The numbers' key is gone, so that nobody can take one household out: the pack goes whole."""
    ws = release_workspace(tmp_path / "ws")
    make_release(ws, ws.root / "release" / "pack")
    make_release(ws, ws.root / "reports" / "main" / "pack.zip")
    derived = erase_derived.take_stock(ws)
    assert [path.name for path in derived.packs] == ["pack", "pack.zip"]
    assert derived.reports == ()


def test_made_up_panel__is_what_the_contract_wants(ws):
    from survey_tools import contracts

    contracts.validate(made_up_panel(ws, 3, 4), "panel")

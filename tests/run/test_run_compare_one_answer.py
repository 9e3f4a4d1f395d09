"""One answer changed in the data changes the numbers that it should; a comparison lists those and no others.

What should change is found in two ways that know nothing of the comparison: by looking every number of
the pages up in the tables of results before and after, and from what may depend on the answer at all.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from compare_tables import Tables, differing, shown_numbers

from survey_tools.areas import read_areas
from survey_tools.kobo import Store
from survey_tools.kobo.sandbox import Sandbox
from survey_tools.params import open_workspace
from survey_tools.report.compare.difference import Comparison
from survey_tools.report.compare.names import cells_of
from survey_tools.run.compare.compare import compare_sides
from survey_tools.run.compare.sides import open_side
from survey_tools.run.district import make_sandbox
from tests_support import copy_workspace, survey_tools

pytestmark = pytest.mark.slow

QUESTION, OUTCOME, INDEX, FAMILY = "qr30", "qr_shop_30d", "cashless_index", "cashless"
LEVELS = ("levels", "changes", "levels_by_area")
LANG = ("--lang", "vi")
"""One language, for time: that the other has the same numbers is looked up by every comparison."""

CORRECTED = ("p_romano_wolf", "p_holm", "q_sharpened")
OF_PAGES = ("levels_by_area", "claims")
"""Tables on which the page itself decides what may be shown: they are not looked up but read off."""


@dataclass(frozen=True)
class Case:
    """Two runs around one edit: the folders, the tables before and after, whose answer it was."""

    root: Path
    commune: str
    wave: str
    before: Tables
    after: Tables
    found: Comparison

    @property
    def within(self) -> set[tuple[str, str]]:
        """List and code of each unit that the commune lies in; without a list the district, too."""
        ws = open_workspace(self.root / "params" / "study.yml")
        areas, own = read_areas(ws.file("areas")), ws.study.areas.list_
        lists = areas.lists()[areas.lists().index(own) :]
        units = {(name, areas.crosswalk(own, name)[self.commune].code) for name in lists}
        return {("", self.commune), ("", "district"), *units}


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    """Run the small district, change one answer on the server, and run it again."""
    base = tmp_path_factory.mktemp("one-answer")
    root, served = copy_workspace(base / "ws"), base / "served"
    make_sandbox(open_workspace(root / "params" / "study.yml"), preset="small").replace(served)
    with Sandbox(served) as sandbox:
        study = root / "params" / "study.yml"
        text = study.read_text("utf-8").replace("url: sandbox", f"url: {sandbox.url}")
        study.write_text(text, "utf-8")
        _run(root, "a", sandbox.token)
        results = root / "data" / "processed" / "results"
        shutil.copytree(results, base / "before")
        commune = _edit(root, sandbox)
        _run(root, "b", sandbox.token)
    ws = open_workspace(study)
    found = compare_sides(open_side(ws, "a"), open_side(ws, "b"))
    return Case(
        root, commune, ws.study.waves.endline, Tables(base / "before"), Tables(results), found
    )


def _run(root: Path, name: str, token: str) -> None:
    done = survey_tools("run", "--run", name, *LANG, cwd=root, KOBO_TOKEN=token)
    assert done.returncode == 0, done.stdout + done.stderr


def _edit(root: Path, sandbox: Sandbox) -> str:
    """Turn one «no» at the endline into «yes», and return the commune."""
    rows = pd.read_parquet(root / "data" / "processed" / "clean" / "household.parquet")
    ws = open_workspace(root / "params" / "study.yml")
    there = rows[rows["wave"].eq(ws.study.waves.endline) & rows[QUESTION].eq("no")]
    one = there.sort_values("_id").iloc[0]
    uid = ws.study.forms["household"].uid
    number = int(str(one["_id"]))
    with Store.read(ws.store("household")) as store:
        held = next(row for row in store.rows() if row["_id"] == number)
    (path,) = [key for key in held if key.rsplit("/", 1)[-1] == QUESTION]
    assert held[path] == "no"
    sandbox.edit(uid, number, {path: "yes"})
    return str(one["commune_code"])


def _numbers(case: Case, run: str) -> dict[str, set[str]]:
    return shown_numbers(case.root / "reports" / run)


def _listed(case: Case) -> set[str]:
    return {one.source for one in case.found.numbers}


def test_one_answer__the_tables_give_the_numbers_of_the_pages(case):
    """Otherwise the next test would hold the comparison against something else than the pages."""
    for run, tables in (("a", case.before), ("b", case.after)):
        for source, values in _numbers(case, run).items():
            if not _read_off(source):
                assert values == {tables.value(source)}, source


def test_one_answer__compare_lists_what_differs_in_the_tables_and_no_more(case):
    old, new = _numbers(case, "a"), _numbers(case, "b")
    on_pages = {source for source in old.keys() | new.keys() if not _read_off(source)}
    looked_up = [
        {source: {tables.value(source)} for source in on_pages & shown.keys()}
        for tables, shown in ((case.before, old), (case.after, new))
    ]
    wanted = differing(*looked_up)
    read_off = {s for s in old.keys() | new.keys() if _read_off(s) and old.get(s) != new.get(s)}
    assert _listed(case) == wanted | read_off
    assert len(wanted) > 20
    assert case.found.total == len(old.keys() | new.keys())


def test_one_answer__nothing_changes_that_cannot_depend_on_it(case):
    """Levels of other communes, waves and outcomes; who was drawn, reached or asked about something else.

    Intervals of a level rest on how alike a team's households are, which is estimated over all communes and
    waves: the ends may move anywhere, what lies between them may not.
    """
    outcomes = open_workspace(case.root / "params" / "study.yml").table("outcomes")
    together = outcomes["family"].eq(FAMILY) | outcomes["scale"].eq(
        "index"
    )  # indices are a family, too
    family = set(outcomes.loc[together, "outcome"])
    for source in _listed(case):
        for cell in cells_of(source)[0]:
            assert cell.table not in {
                "balance", "balance_joint", "attrition", "attrition_test", "flow", "fieldwork", "outreach",
                "choices", "teams",
            }, source  # fmt: skip
            if "outcome" in cell.keys:
                corrected = cell.table == "families" and cell.column in CORRECTED
                may = family if corrected else {OUTCOME, INDEX}
                assert cell.keys["outcome"].split("__")[0] in may, source
            if cell.table in LEVELS and cell.column not in ("conf_low", "conf_high"):
                area = (
                    cell.keys.get("area_list", ""),
                    cell.keys.get("area", cell.keys.get("area_code")),
                )
                assert cell.column == "estimate", source
                assert cell.keys["wave"] == case.wave, source
                assert area in case.within, source


def test_one_answer__the_level_of_its_commune_moves_by_one_household(case):
    key = f"levels?area={case.commune}&group=all&outcome={OUTCOME}&wave={case.wave}#estimate"
    (one,) = [one for one in case.found.numbers if one.source == key]
    n = float(case.before.value(key.replace("#estimate", "#n")))
    assert float(one.new) > float(one.old)
    assert float(one.new) - float(one.old) == pytest.approx(1 / n, rel=0.5)
    assert case.commune in one.pages
    assert set(one.pages) <= {case.commune, "index", "district"}


def test_one_answer__effects_stand_on_every_page_and_are_listed_once(case):
    plan = open_workspace(case.root / "params" / "study.yml").plan
    key = f"effects?estimand={plan.main_estimand}&outcome={OUTCOME}&wave={case.wave}#estimate"
    (one,) = [one for one in case.found.numbers if one.source == key]
    codes = {path.name.split(".")[0] for path in (case.root / "reports" / "a").glob("[0-9]*.html")}
    assert codes <= set(one.pages)


def test_one_answer__the_reason_is_the_data_and_nothing_else(case):
    told = [(cause.kind, cause.key, cause.values["form"]) for cause in case.found.reasons.causes]
    assert told == [("data", "edited", "household")]
    assert case.found.reasons.not_recorded == ()
    assert case.found.faults == ()
    assert case.found.only == ()


def test_one_answer__the_command_says_so(case):
    done = survey_tools("compare", "a", "b", cwd=case.root)
    assert done.returncode == 1, done.stderr
    assert "Because of: data (form household: answers edited)." in done.stdout
    assert re.search(
        rf"^{case.found.differing:,} of {case.found.total:,} numbers differ", done.stdout
    )
    record = json.loads((case.root / "reports" / "b" / "run.json").read_text("utf-8"))
    assert record["inputs_of_results"]["params"] == record["inputs"]["params"]


def test_one_answer__pages_made_again_under_another_name_are_equal(case):
    done = survey_tools("report", "--run", "again", *LANG, cwd=case.root)
    assert done.returncode == 0, done.stderr
    ws = open_workspace(case.root / "params" / "study.yml")
    found = compare_sides(open_side(ws, "b"), open_side(ws, "again"))
    assert not found.differs, (
        found.numbers,
        found.wording,
        found.exhibits,
        found.only,
        found.faults,
    )
    assert found.reasons.causes == ()


def _read_off(source: str) -> bool:
    return source.split("?")[0] in OF_PAGES or source.endswith("#rows")

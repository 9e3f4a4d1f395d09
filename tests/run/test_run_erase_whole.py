"""After a whole run, a household is erased by the command: nothing of it is left, and counts fall by one."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass

import nbformat
import pandas as pd
import pytest

from erase_support import files_with, readable
from survey_tools.construct.flow import check_flow
from survey_tools.kobo import Store
from survey_tools.kobo.sandbox import Sandbox
from survey_tools.params import Workspace, open_workspace
from survey_tools.run import Server, pull_all, pull_files
from survey_tools.run.erasing.erase import erase, plan_erasure
from survey_tools.run.erasing.find import find_in_stores
from survey_tools.run.files import read_json
from tests_support import survey_tools

pytestmark = [pytest.mark.slow]

OWN = ("/phone_recontact", "/gps", "/comment", "/enum_note", "/consent_at")
IDENTITIES = ("_uuid", "meta/instanceID", "meta/rootUuid", "meta/deprecatedID")


@dataclass
class Case:
    """A workspace from which a household was erased, and what was known of it before."""

    ws: Workspace
    code: str
    secrets: set[str]
    submissions: int
    before: dict[str, pd.DataFrame]
    live: int
    output: str


def _rows(ws: Workspace) -> list[dict]:
    with Store.read(ws.store("household")) as store:
        return list(store.rows())


def _pick(rows: list[dict], ws: Workspace) -> str:
    """A household met in every wave that gave a phone, a position and a remark, and has a file."""
    panel = pd.read_parquet(ws.analysis / "panel.parquet")
    waves = panel.groupby("hhid").size()
    best = max(
        waves.index[waves == 3],
        key=lambda code: (
            len(
                {
                    k.rpartition("/")[2]
                    for r in rows
                    if r["a_id/hhid"] == code
                    for k in r
                    if k.endswith(OWN)
                }
            ),
            sum(bool(r["_attachments"]) for r in rows if r["a_id/hhid"] == code),
            code,
        ),
    )
    return str(best)


def _secrets(rows: list[dict], code: str) -> set[str]:
    """What only this household's rows say: its code, identities, phone, position, remarks, times, files."""
    said: dict[bool, set[str]] = {True: set(), False: set()}
    for row in rows:
        mine = said[row["a_id/hhid"] == code]
        mine |= {str(row[key]) for key in row if key.endswith(OWN) or key in ("start", "end")}
        mine |= {str(row[key]).removeprefix("uuid:") for key in IDENTITIES if key in row}
        mine |= {file["uid"] for file in row["_attachments"]}
        mine |= {str(pd.Timestamp(row[key]).tz_convert("UTC")) for key in ("start", "end")}
        for key in row:
            if key.endswith("/gps"):
                mine |= set(row[key].split()[:2])
    return {code} | (said[True] - said[False])


@pytest.fixture(scope="module")
def case(workspace, tmp_path_factory) -> Case:
    root = tmp_path_factory.mktemp("erase") / "copy"
    shutil.copytree(workspace, root)
    ws = open_workspace(root / "params" / "study.yml")
    rows = _rows(ws)
    code = _pick(rows, ws)
    secrets = _secrets(rows, code)
    mine = [row for row in rows if row["a_id/hhid"] == code]
    _people_at_work(ws, mine, secrets)
    before = {
        p.relative_to(root).as_posix(): pd.read_parquet(p)
        for p in ws.clean.parent.rglob("*.parquet")
    }
    done = survey_tools("erase", code, "--yes", "--by", "S04", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return Case(ws, code, secrets, len(mine), before, len(rows), done.stdout + done.stderr)


def _people_at_work(ws: Workspace, rows: list[dict], secrets: set[str]) -> None:
    """A notebook run by hand, its checkpoint, a correction of one row and a raw file of another run."""
    cell = nbformat.v4.new_code_cell("household.head()", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", text="\n".join(sorted(secrets)))]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    for name in ("look.ipynb", ".ipynb_checkpoints/look-checkpoint.ipynb"):
        path = ws.notebooks / name
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
    row = next(row for row in rows if "main/d_access/mobile_signal" in row)
    answer = row["main/d_access/mobile_signal"]
    with ws.file("corrections").open("a", encoding="utf-8") as file:
        line = f"household,{row['_id']},{row['a_id/wave']},mobile_signal,{answer},okay,"
        file.write(line + ",asked again,S04,2026-02-01\n")
    shutil.copytree(ws.reports("main"), ws.reports("trial"))


def test_erase__there_was_something_to_find(case):
    assert len(case.secrets) > 15
    assert case.submissions >= 3


def test_erase__a_byte_search_of_the_whole_workspace_finds_nothing(case):
    assert files_with(case.ws.root, *case.secrets) == {}
    assert not [secret for secret in case.secrets if secret in case.output]


def test_erase__every_table_has_the_household_less_and_nothing_else(case):
    """Tables by household or submission: the same rows as before without the household's."""
    seen = 0
    for name, before in case.before.items():
        after = pd.read_parquet(case.ws.root / name)
        if "hhid" not in before:
            continue
        own = before["hhid"].eq(case.code).fillna(False)
        seen += bool(own.any())
        assert len(after) == len(before) - own.sum(), name
        assert after["hhid"].nunique() == before["hhid"].nunique() - bool(own.any()), name
    assert seen >= 6


def test_erase__counts_fall_by_one_in_the_sample_the_flow_and_the_results(case):
    sample = pd.read_csv(case.ws.file("sample"))
    response = pd.read_parquet(case.ws.analysis / "response.parquet")
    drawn = case.before["data/processed/analysis/response.parquet"]
    assert len(sample) == len(response) == len(drawn) - 1
    flow, old = (pd.read_parquet(case.ws.analysis / "flow.parquet"), case.before[FLOW])
    check_flow(flow)
    for wave in ("w1", "w2", "w3"):
        for stage, reason in (
            ("draw", "households drawn"),
            ("construct", "interviewed and analysed"),
        ):
            now, then = (
                f.loc[
                    (f["wave"] == wave) & (f["stage"] == stage) & (f["reason"] == reason),
                    "remaining",
                ]
                for f in (flow, old)
            )
            assert now.item() == then.item() - 1
    key = ["area", "wave", "group", "outcome"]
    levels = pd.read_parquet(case.ws.results / "levels.parquet").set_index(key)["n"]
    then = case.before["data/processed/results/levels.parquet"].set_index(key)["n"]
    for wave in ("w1", "w2", "w3"):
        cell = ("district", wave, "all", "qr_shop_30d")
        assert levels[cell] == then[cell] - 1


FLOW = "data/processed/analysis/flow.parquet"


def test_erase__stores_and_files_fall_by_its_submissions(case):
    assert len(_rows(case.ws)) == case.live - case.submissions
    with Store.read(case.ws.store("household")) as store:
        assert store.check() == []
        erased = store.erased()
        live = store.signatures()
    assert len(erased) == case.submissions
    folders = {int(path.name) for path in case.ws.attachments("household").glob("[0-9]*")}
    assert folders
    assert folders <= set(live)
    provenance = read_json(case.ws.results / "provenance.json")
    rows = {pull["form"]: pull["rows"] for pull in provenance["pulls"]}
    assert rows["household"] == case.live - case.submissions


def test_erase__pages_of_every_run_are_made_anew(case):
    pages = {f"{s}.{lang}.html" for s in ("10270", "10288", "district") for lang in ("vi", "en")}
    receipt = read_json(next((case.ws.private / "erasures").glob("*.json")))
    for run in ("main", "trial"):
        there = {path.name for path in case.ws.reports(run).glob("*.html")}
        assert pages <= there
        record = read_json(case.ws.reports(run) / "run.json")
        assert all(page["status"] == "ok" for page in record["pages"])
        assert record["finished"] >= receipt["erased"]


def test_erase__lists_and_notebooks_of_people(case):
    assert len(pd.read_csv(case.ws.file("corrections"))) == 0
    (cell,) = nbformat.read(case.ws.notebooks / "look.ipynb", 4).cells
    assert (cell.source, cell.outputs) == ("household.head()", [])
    assert not list(case.ws.root.rglob(".ipynb_checkpoints"))
    planted = next(case.ws.sandbox.glob("*/planted.csv")).read_text("utf-8")
    assert case.code not in planted


def test_erase__receipt_is_printed_and_names_no_one(case):
    (path,) = (case.ws.private / "erasures").glob("*.json")
    content = path.read_text("utf-8")
    assert not [secret for secret in case.secrets if secret in content]
    assert json.loads(content)["receipt"] in case.output
    assert json.loads(content)["made_anew"]


def test_erase__the_next_pull_from_the_built_in_server_leaves_the_household_away(case, tmp_path):
    root = shutil.copytree(case.ws.root, tmp_path / "copy")
    done = survey_tools("pull", "--files", cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files_with(root, *case.secrets) == {}
    ws = open_workspace(root / "params" / "study.yml")
    assert len(_rows(ws)) == case.live - case.submissions


def test_erase__a_server_that_still_has_the_rows_does_not_bring_them_back(workspace, tmp_path):
    """And who is visited again under the code is found again: nobody keeps a list of codes withdrawn."""
    root = shutil.copytree(workspace, tmp_path / "copy")
    served = tmp_path / "served"
    (folder,) = (root / "data" / "sandbox").glob("small-*")
    folder.replace(served)
    with Sandbox(served) as sandbox:
        study = root / "params" / "study.yml"
        study.write_text(
            study.read_text("utf-8").replace("url: sandbox", f"url: {sandbox.url}"), "utf-8"
        )
        ws, server = open_workspace(study), Server(sandbox.url, sandbox.token)
        pull_all(ws, server)
        pull_files(ws, server)
        rows = _rows(ws)
        code = _pick(rows, ws)
        mine = sorted(row["_id"] for row in rows if row["a_id/hhid"] == code)
        done = erase(ws, plan_erasure(ws, code), rebuild=False)
        (task,) = done.content["on_the_server"]
        assert task == {
            "server": sandbox.url, "form": ws.study.forms["household"].uid, "delete": mine, "edit": [],
        }  # fmt: skip

        pulls = pull_all(ws, server).set_index("form")
        pull_files(ws, server)
        assert pulls.loc["household", "erased"] == len(mine)
        assert pulls.loc["household", "rows"] == len(rows) - len(mine)
        assert files_with(root, *_secrets(rows, code)) == {}

        again = {
            k: v for k, v in next(r for r in rows if r["_id"] == mine[0]).items() if k[0] != "_"
        }
        added = sandbox.add(
            task["form"], {k: v for k, v in again.items() if not k.startswith("meta/")}
        )
        pull_all(ws, server)
        (found,) = [one for one in find_in_stores(ws, code) if one.erase]
        assert found.erase == (added["_id"],)


def test_readable__the_search_of_these_tests_looks_into_packed_files(tmp_path):
    frame = pd.DataFrame({"x": ["needle in a table"] * 3})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "b.xlsx")
    assert "needle in a table" in readable(tmp_path / "a.parquet")
    assert "needle in a table" in readable(tmp_path / "b.xlsx")
    assert files_with(tmp_path, "needle in A") == {
        "a.parquet": ["needle in A"],
        "b.xlsx": ["needle in A"],
    }

"""Why two runs differ: data, parameters, code, options and versions told apart by their records."""

from __future__ import annotations

import json

import pytest
from compare_support import record_of, write_run

from survey_tools.params import open_workspace
from survey_tools.run.batch.facts import made_on
from survey_tools.run.compare.compare import compare_runs
from survey_tools.run.compare.why import reasons_for
from survey_tools.run.files import write_json
from survey_tools.run.inputs import inputs_of
from tests_support import copy_workspace

PULL = record_of()["pulls"][0]


def _inputs(**changed):
    """Inputs with one digest other than in `record_of`, by kind."""
    inputs = {kind: dict(values) for kind, values in record_of()["inputs"].items()}
    for kind, values in changed.items():
        inputs[kind] |= values
    return inputs


def _entry(**more):
    return {"code": "10291", "lang": "vi", "status": "ok", "parameters": {}, "hashes": {}, **more}


def _told(b, a=None):
    reasons = reasons_for(a or record_of(), b)
    return [(cause.kind, cause.key, dict(cause.values)) for cause in reasons.causes]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, []),
        (
            {"run": "other", "finished": "2027-01-01T00:00:00Z", "commit": "f" * 40},
            [],
        ),
        (
            {"pulls": [{**PULL, "proof": "cd"}]},
            [("data", "edited", {"form": "household", "rows": 9})],
        ),
        (
            {"pulls": [{**PULL, "rows": 11, "proof": "cd"}]},
            [("data", "rows", {"form": "household", "a": 9, "b": 11})],
        ),
        ({"pulls": []}, [("data", "form_gone", {"form": "household"})]),
        ({"pulls": [{**PULL, "server": "https://x"}]}, [("data", "server", {"form": "household"})]),
        (
            {"inputs_of_results": _inputs(params={"data/private/sample.csv": "9" * 16})},
            [("data", "sample", {})],
        ),
        (
            {"inputs": _inputs(params={"params/study.yml": "9" * 16},
                               keys={"params/study.yml#disclosure.show_from": "9" * 16})},
            [("params", "keys", {"file": "params/study.yml", "keys": "disclosure.show_from"})],
        ),
        (
            {"inputs_of_results": _inputs(params={"params/outcomes.csv": "9" * 16})},
            [("params", "file", {"file": "params/outcomes.csv", "keys": ""})],
        ),
        (
            {"inputs_of_results": _inputs(code={"estimate": "9" * 16, "cli": "9" * 16})},
            [("code", "rooms", {"rooms": "estimate"})],
        ),
        ({"inputs": _inputs(code={"cli": "9" * 16, "run": "9" * 16})}, []),
        (
            {"inputs": _inputs(notebooks={"50_estimate.ipynb": "9" * 16})},
            [("code", "notebooks", {"names": "50_estimate.ipynb"})],
        ),
        (
            {"versions": {"pandas": "3.1"}},
            [("versions", "versions", {"names": "pandas 3.0 → 3.1"})],
        ),
        ({"synthetic": False}, [("study", "study", {"a": "s", "b": "s"})]),
    ],
)  # fmt: skip
def test_reasons__each_cause_alone(change, wanted):
    assert _told(record_of(**change)) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("params", ("params", "some")),
        ("package", ("code", "package")),
        ("notebook", ("code", "notebook")),
        ("results", ("data", "results")),
    ],
)
def test_reasons__of_an_older_record_come_from_the_digests_of_its_pages(name, wanted):
    same = dict.fromkeys(("params", "package", "notebook", "results"), "1")
    old, new = (record_of(pages=[_entry(hashes=same | more)]) for more in ({}, {name: "2"}))
    for record in (old, new):
        del record["inputs"], record["inputs_of_results"]
    reasons = reasons_for(old, new)
    assert [(cause.kind, cause.key) for cause in reasons.causes] == [wanted]
    assert reasons.not_recorded == (
        "inputs_of_results_a", "inputs_of_results_b", "inputs_a", "inputs_b",
    )  # fmt: skip


def test_reasons__options_of_a_run_but_not_its_name():
    old = record_of(pages=[_entry(parameters={"run": "a", "top": 5})])
    new = record_of(pages=[_entry(parameters={"run": "b", "top": 6}, hashes={"parameters": "2"})])
    assert _told(new, old) == [("options", "options", {"names": "top"})]


def test_reasons__without_a_record():
    assert reasons_for(None, record_of()).not_recorded == ("record_a",)


@pytest.fixture
def ws(tmp_path):
    """A workspace with parameters and notebooks alone."""
    root = copy_workspace(tmp_path / "ws")
    return open_workspace(root / "params" / "study.yml")


def test_inputs_of__names_the_file_and_key_that_changed(ws):
    before = inputs_of(ws)
    text = ws.study_path.read_text("utf-8")
    rule = f"show_from: {ws.study.disclosure.show_from}"
    assert text.count(rule) == 1
    ws.study_path.write_text(text.replace(rule, "show_from: 40"), "utf-8")
    with ws.file("outcomes").open("a", encoding="utf-8") as file:
        file.write("\n")
    after = inputs_of(ws)
    changed = {
        kind: {name for name in before[kind] if before[kind][name] != after[kind][name]}
        for kind in before
    }
    assert changed == {
        "params": {"params/study.yml", "params/outcomes.csv"},
        "keys": {"params/study.yml#disclosure.show_from"},
        "code": set(),
        "notebooks": set(),
    }


def test_inputs_of__sources_of_a_notebook_count_and_outputs_do_not(ws):
    before = inputs_of(ws)["notebooks"]
    path = ws.notebooks / "50_estimate.ipynb"
    content = json.loads(path.read_text("utf-8"))
    content["metadata"]["x"] = "y"
    write_json(path, content)
    assert inputs_of(ws)["notebooks"] == before
    content["cells"][0]["source"] = ["# Other"]
    write_json(path, content)
    (ws.notebooks / "broken.ipynb").write_text("{", "utf-8")
    after = inputs_of(ws)["notebooks"]
    assert {name for name in after if after[name] != before.get(name)} == {
        "50_estimate.ipynb", "broken.ipynb",
    }  # fmt: skip


def test_made_on__keeps_what_the_results_were_made_from(ws):
    assert made_on(ws)["inputs_of_results"] is None
    ws.results.mkdir(parents=True)
    write_json(ws.results / "provenance.json", {"pulls": [], "inputs": {"params": {"x": "y"}}})
    assert made_on(ws)["inputs_of_results"] == {"params": {"x": "y"}}
    assert made_on(ws)["inputs"] == inputs_of(ws)


def test_page__tells_why(ws):
    words = ("<p>Words.</p>",)
    write_run(ws.reports("a"), {"10291.vi.html": words}, record_of())
    changed = record_of(
        run="b",
        pulls=[{**PULL, "proof": "cd"}],
        inputs=_inputs(params={"params/outcomes.csv": "9" * 16}),
    )
    write_run(ws.reports("b"), {"10291.vi.html": ("<p>Others.</p>",)}, changed)
    _, en = (path.read_text("utf-8") for path in compare_runs(ws, "a", "b").pages)
    assert (
        "Because of: data (form household: answers edited); parameters (params/outcomes.csv)." in en
    )
    assert "cannot part" in en
    assert "Simulated data" in en
    write_run(ws.reports("c"), {"10291.vi.html": words}, {"run": "c"})
    _, en = (path.read_text("utf-8") for path in compare_runs(ws, "a", "c").pages)
    assert "Not recorded for B" in en

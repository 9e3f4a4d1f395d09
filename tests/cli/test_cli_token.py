"""A whole run at debug level against a server with a token: the token is in nothing that is left."""

from dataclasses import replace

import pytest

from survey_tools.kobo.sandbox import Sandbox
from survey_tools.params import open_workspace
from survey_tools.run import form_changes
from survey_tools.run.district import make_sandbox
from tests_support import copy_workspace, survey_tools

TOKEN = "c0ffee0123456789c0ffee0123456789c0ffee01"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A workspace whose study names a server that asks for `TOKEN`, and that server."""
    root = copy_workspace(tmp_path_factory.mktemp("served"))
    folder = make_sandbox(open_workspace(root / "params" / "study.yml"), preset="small")
    with Sandbox(folder, token=TOKEN) as sandbox:
        path = root / "params" / "study.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("url: sandbox", f"url: {sandbox.url}"), encoding="utf-8")
        yield root, sandbox


def test_token__is_nowhere_after_a_run_at_debug_level(served):
    root, sandbox = served
    sandbox.fail(status=503, path_contains="/data/")
    sandbox.fail("drop", path_contains="/data/")
    arguments = ("run", "--debug", "--communes", "10270", "--lang", "vi")
    done = survey_tools(*arguments, cwd=root, KOBO_TOKEN=TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEBUG:" in done.stderr
    assert (root / "reports" / "main" / "index.html").is_file()
    assert_no_token(done, root)


def test_token__is_nowhere_after_a_pull_that_fails(served):
    root, sandbox = served
    sandbox.fail(status=502, times=99, path_contains="/versions/")
    sandbox.fail(status=500, times=99, path_contains="/data/")
    done = survey_tools("pull", "--debug", cwd=root, KOBO_TOKEN=TOKEN)
    sandbox.heal()
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "DEBUG:httpcore" in done.stderr  # the requests were logged
    assert_no_token(done, root)
    refused = survey_tools("pull", "--debug", cwd=root, KOBO_TOKEN=TOKEN[::-1])
    assert refused.returncode == 2
    assert "does not accept the token" in refused.stderr
    assert_no_token(refused, root, TOKEN[::-1])


def assert_no_token(done, root, token=TOKEN):
    assert token not in done.stdout + done.stderr
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) > 30
    holding = [path.name for path in files if token.encode() in path.read_bytes()]
    assert holding == []


def test_pull__summary_says_what_happened_and_what_it_cost(served):
    root, sandbox = served
    assert survey_tools("pull", cwd=root, KOBO_TOKEN=TOKEN).returncode == 0
    uid = open_workspace(root / "params" / "study.yml").study.forms["site"].uid
    rows = sandbox.assets[uid].rows.select({})
    sandbox.edit(uid, rows[0], {"photo": "x"})
    sandbox.delete(uid, rows[1:3])
    done = survey_tools("pull", cwd=root, KOBO_TOKEN=TOKEN)
    names, *_, site = [line.split() for line in done.stdout.splitlines()[:4]]
    told = dict(zip(names, site, strict=True))
    assert (told["edited"], told["deleted"], told["new"]) == ("1", "2", "0")
    assert told["rows"] == told["server"] == str(len(rows) - 2)
    # the form, the index, the lost rows again, the edited one, and the count at the end
    assert told["requests"] == "5"
    assert int(told["kB"]) > 0
    assert "site: complete, proof" in done.stdout


def test_store__check_and_export(served, tmp_path):
    root, _ = served
    assert survey_tools("pull", cwd=root, KOBO_TOKEN=TOKEN).returncode == 0
    done = survey_tools("store", "check", cwd=root)
    assert (done.returncode, done.stdout.count(": sound\n")) == (0, 3)
    target = tmp_path / "site.jsonl"
    done = survey_tools("store", "export", "site", str(target), cwd=root)
    assert done.stdout.startswith(f"{len(target.read_text().splitlines())} rows in ")
    assert survey_tools("store", "export", "sites", str(target), cwd=root).returncode == 2


def test_pull__files_come_once_and_lie_privately(served):
    root, sandbox = served
    ws = open_workspace(root / "params" / "study.yml")
    uid = ws.study.forms["site"].uid
    row_id = sandbox.assets[uid].rows.select({})[-1]
    sandbox.attach(uid, row_id, "shop.jpg", b"a picture", question="photo")
    told = [survey_tools("pull", "--files", cwd=root, KOBO_TOKEN=TOKEN) for _ in range(2)]
    counts = [done.stdout.splitlines()[-1].split() for done in told]
    assert counts == [["site", "1", "0", "0", "0"], ["site", "0", "1", "0", "0"]]
    (file,) = ws.attachments("site").glob(f"{row_id}/*-shop.jpg")
    assert file.read_bytes() == b"a picture"
    assert file.stat().st_mode & 0o077 == 0


def test_form_changes__say_whether_the_study_maps_a_renamed_question(served):
    root, _ = served
    assert survey_tools("pull", cwd=root, KOBO_TOKEN=TOKEN).returncode == 0
    path = root / "params" / "study.yml"
    ws = open_workspace(path)
    changes = form_changes(ws, "household")
    assert changes[["change", "path", "mapped"]].to_numpy().tolist() == [
        ["renamed", "main/f_person/pay_qr", True]
    ]
    unmapped = replace(ws, study=ws.study.model_copy(update={"renamed_questions": ()}))
    assert form_changes(unmapped, "household")["mapped"].tolist() == [False]

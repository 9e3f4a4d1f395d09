"""The command line: exit codes, messages for people, and no token anywhere."""

from __future__ import annotations

import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from typer.testing import CliRunner

from survey_tools import __version__, run
from survey_tools.cli import app, base
from survey_tools.errors import KoboError
from survey_tools.kobo import KoboSession
from survey_tools.params import open_workspace
from survey_tools.run.kernels import forks
from survey_tools.run.scan import Scanner

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A fresh workspace that is the current folder."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    monkeypatch.delenv("KOBO_TOKEN", raising=False)
    return tmp_path


def _call(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def _everything_written(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(path.read_text(encoding="utf-8", errors="ignore") for path in files)


def test_version():
    done = _call("version")
    assert (done.exit_code, done.output.strip()) == (0, f"survey-tools {__version__}")


def test_help__names_every_command_and_where_to_begin():
    text = _call("--help").output
    for command in ("demo", "run", "pull", "report", "sandbox", "status", "version"):
        assert f"  {command} " in text
    assert "survey-tools demo" in " ".join(text.split())


def test_no_study__says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_TOOLS_ROOT", raising=False)
    done = _call("status")
    assert done.exit_code == 2
    assert "There is no such study file." in done.output
    assert "Traceback" not in done.output


def test_status__fresh_workspace(workspace):
    done = _call("status")
    assert done.exit_code == 0
    assert "→ survey-tools pull" in done.output


def test_report__without_results(workspace):
    done = _call("report")
    assert done.exit_code == 2
    assert "There are no results to report yet." in done.output


def test_run__unknown_stage(workspace):
    done = _call("run", "--from", "45_guess")
    assert done.exit_code == 2
    assert "10_pull or 20_clean" in done.output


def _ready(workspace: Path) -> None:
    """Put in place what a run from 20_clean starts with."""
    shutil.copytree(ROOT / "notebooks", workspace / "notebooks", dirs_exist_ok=True)
    ws = open_workspace(workspace / "params" / "study.yml")
    ws.raw.mkdir(parents=True)
    for form in ws.study.forms:
        ws.store(form).touch()


def test_run__missing_notebook_is_named(workspace):
    _ready(workspace)
    (workspace / "notebooks" / "20_clean.ipynb").unlink()
    done = _call("run", "--from", "20_clean")
    assert done.exit_code == 2
    assert "expected: 20_clean.ipynb" in done.output


def test_run__a_failing_stage_says_cell_error_and_how_to_go_on(workspace):
    _ready(workspace)
    fixture = ROOT / "tests" / "run" / "notebooks" / "raises.ipynb"
    shutil.copy(fixture, workspace / "notebooks" / "20_clean.ipynb")
    done = _call("run", "--from", "20_clean", "--run", "trial")
    assert done.exit_code == 2
    assert "the column is missing" in done.output
    assert "cell broken: " in done.output
    assert "reports/trial/notebooks/20_clean.failed.ipynb" in done.output
    assert "survey-tools run --run trial --from 20_clean" in done.output
    assert (workspace / "reports" / "trial" / "notebooks" / "20_clean.failed.ipynb").is_file()


def test_demo__refuses_a_real_survey(workspace):
    _configure(workspace, "https://kobo.example.org")
    done = _call("demo")
    assert done.exit_code == 2
    assert "would mix" in done.output


def test_pull__server_away(workspace, monkeypatch):
    _configure(workspace, "http://127.0.0.1:9")
    monkeypatch.setenv("KOBO_TOKEN", TOKEN)
    monkeypatch.setitem(KoboSession.__init__.__kwdefaults__, "retries", 0)
    done = _call("pull")
    assert done.exit_code == 2
    assert "Error: " in done.output
    assert TOKEN not in done.output + _everything_written(workspace)


def test_pull__no_token(workspace, monkeypatch):
    _configure(workspace, "https://kobo.example.org")
    monkeypatch.delenv("KOBO_TOKEN_FILE", raising=False)
    done = _call("pull")
    assert done.exit_code == 2
    assert "KOBO_TOKEN" in done.output


def test_unexpected_error__one_line_and_a_private_log(workspace, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("in the middle")

    monkeypatch.setattr(run, "run_reports", broken)
    (workspace / "reports" / "trial").mkdir(parents=True)
    done = _call("report", "--run", "trial")
    assert done.exit_code == base.UNFORESEEN == 3
    assert "Traceback" not in done.output
    (log,) = (workspace / "reports" / "trial").glob("error-*.log")
    assert str(log) in done.output
    assert "ZeroDivisionError: in the middle" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("broken", "command"),
    [
        ("survey_tools.run.release.make.make_release", ("release", "pack.zip")),
        ("survey_tools.run.verify.verify.verify_run", ("verify", "nowhere")),
        ("survey_tools.run.review.review_run", ("review", "nowhere")),
    ],
)
def test_unexpected_error__its_log_makes_no_folder_of_a_run(
    workspace, tmp_path_factory, monkeypatch, broken, command
):
    def breaks(*_, **__):
        raise ZeroDivisionError

    temporary = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(forks, "start_ahead", lambda: None)
    monkeypatch.setattr(broken, breaks)
    done = _call(*command)
    assert (done.exit_code, "not foreseen" in done.output) == (3, True), done.output
    assert len(list(temporary.glob("error-*.log"))) == 1
    assert not (workspace / "reports").exists()


def _log_of(error: Exception, workspace: Path, monkeypatch) -> str:
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(run, "run_reports", broken)
    (workspace / "reports" / "trial").mkdir(parents=True)
    assert _call("report", "--run", "trial").exit_code == 3
    (log,) = (workspace / "reports" / "trial").glob("error-*.log")
    return log.read_text(encoding="utf-8")


def test_unexpected_error__its_log_has_no_private_value(workspace, monkeypatch):
    private = workspace / "data" / "private"
    private.mkdir(parents=True)
    pd.DataFrame({"value": ["0398123457"]}).to_parquet(private / "contacts.parquet")
    log = _log_of(KeyError("0301234567", 398123457, 398123458), workspace, monkeypatch)
    assert "KeyError: ('[phone]', [phone], 398123458)" in log
    assert "in broken" in log


def test_unexpected_error__private_tables_that_cannot_be_read(workspace, monkeypatch):
    private = workspace / "data" / "private"
    private.mkdir(parents=True)
    (private / "contacts.parquet").write_bytes(b"broken")
    assert "KeyError: '[phone]'" in _log_of(KeyError("0301234567"), workspace, monkeypatch)


def test_unexpected_error__what_cannot_be_blotted_is_not_written(workspace, monkeypatch):
    def no_blot(*_):
        raise RecursionError

    monkeypatch.setattr(Scanner, "blot", no_blot)
    log = _log_of(KeyError("0301234567"), workspace, monkeypatch)
    assert "0301234567" not in log
    assert "KeyError (its message is left out" in log
    assert "in broken" in log


def test_unexpected_error__a_study_that_breaks_again_is_told_in_one_line(tmp_path, monkeypatch):
    def broken(*_):
        raise TypeError("0301234567")

    monkeypatch.setattr(base, "open_study", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = base._unexpected(TypeError("0301234567"), {})
    (log,) = tmp_path.glob("error-*.log")
    assert str(log) in told
    assert log.read_text(encoding="utf-8") == "TypeError: [phone]\n"


def test_debug__shows_the_trace(workspace):
    done = _call("report", "--debug")
    assert "Traceback" in done.output


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (KoboError("The server said no."), 2)]
)
def test_exit_code(workspace, monkeypatch, error, code):
    def stopped(*_, **__):
        raise error

    monkeypatch.setattr(run, "run_reports", stopped)
    assert _call("report").exit_code == code


@pytest.mark.parametrize(("made", "failed", "code"), [(2, 0, 0), (1, 1, 1), (0, 2, 2)])
def test_report__exit_code_says_how_many_failed(workspace, monkeypatch, made, failed, code):
    outcome = run.Outcome(made, 0, failed, 0, workspace / "reports" / "main" / "index.html")
    monkeypatch.setattr(run, "run_reports", lambda *_, **__: outcome)
    done = _call("report")
    assert done.exit_code == code
    assert done.stdout.strip().endswith("reports/main/index.html")


def test_interrupt__stops_kernels_and_leaves_nothing_half_written(workspace):
    _ready(workspace)
    fixture = ROOT / "tests" / "run" / "notebooks" / "takes_too_long.ipynb"
    says_so = "open(__import__('os').environ['SURVEY_TOOLS_ROOT'] + '/started', 'w').close()\\n"
    source = fixture.read_text(encoding="utf-8").replace("import time", says_so + "import time")
    (workspace / "notebooks" / "20_clean.ipynb").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "survey_tools.cli", "run", "--from", "20_clean"]
    process = subprocess.Popen(command, cwd=workspace, stderr=subprocess.PIPE, text=True)
    started = _processes_at_work(process.pid, workspace)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Run the same command again" in told
    assert "Traceback" not in told
    assert started
    assert not psutil.wait_procs(started, timeout=10)[1]
    assert list((workspace / "reports" / "main" / "notebooks").iterdir()) == []


def _processes_at_work(pid: int, workspace: Path) -> list[psutil.Process]:
    """Wait until the long cell runs, and return the processes that the command has started."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (workspace / "started").is_file():
            return psutil.Process(pid).children(recursive=True)
        time.sleep(0.05)
    raise TimeoutError("the cell was not reached")


def _configure(workspace: Path, url: str) -> None:
    path = workspace / "params" / "study.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("url: sandbox", f"url: {url}"), encoding="utf-8")


def test_run__unknown_commune_is_refused_before_anything_runs(workspace):
    done = _call("run", "--communes", "10291,Dai-Thangg")
    assert done.exit_code == 2
    assert "10291 (Xã Đại Thắng)" in done.output
    assert not (workspace / "data").exists()


@pytest.mark.parametrize("command", ["run", "report"])
@pytest.mark.parametrize("option", ["--communes", "--lang"])
@pytest.mark.parametrize("text", ["", ",", " , "])
def test_list__an_empty_one_is_refused(workspace, command, option, text):
    """A variable of the shell that was not set must not mean another set of pages."""
    done = _call(command, option, text)
    assert done.exit_code == 2
    assert "The list is empty." in done.output
    assert option in done.output
    assert not (workspace / "reports").exists()


@pytest.mark.parametrize(
    ("command", "ahead"),
    [
        (("report",), 1),
        (("report", "--scheduler", "tcp://host:8786"), 0),
        (("run", "--only-reports"), 1),
        (("run", "--only-reports", "--scheduler", "tcp://host:8786"), 0),
        (("run", "--scheduler", "tcp://host:8786"), 1),
    ],
)
def test_begin__a_fork_server_only_where_this_machine_makes_something(
    workspace, monkeypatch, command, ahead
):
    begun = []
    outcome = run.Outcome(1, 0, 0, 0, workspace / "reports" / "main" / "index.html")
    monkeypatch.setattr(forks, "start_ahead", lambda: begun.append(1))
    monkeypatch.setattr(run, "run_reports", lambda *_, **__: outcome)
    monkeypatch.setattr(run, "run_study", lambda *_, **__: outcome)
    assert _call(*command).exit_code == 0
    assert len(begun) == ahead


def test_report__limits_are_those_of_the_batch_unless_given(workspace, monkeypatch):
    taken = []
    outcome = run.Outcome(1, 0, 0, 0, workspace / "reports" / "main" / "index.html")

    def keep(ws, name, communes, langs, choices):
        taken.append(choices.limits)
        return outcome

    monkeypatch.setattr(forks, "start_ahead", lambda: None)
    monkeypatch.setattr(run, "run_reports", keep)
    assert _call("report").exit_code == 0
    assert _call("report", "--timeout", "60").exit_code == 0
    assert taken == [run.Limits(), run.Limits(seconds=60)]

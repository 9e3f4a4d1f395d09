"""The fork server: what it gives lives as long as who asked for it, and goes with everything it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from survey_tools.run.kernels import forks
from survey_tools.run.kernels.failure import _said
from survey_tools.run.kernels.forks import ADDRESS, SWITCH, ForkServer, can_fork, kernel_arguments
from survey_tools.run.kernels.provisioner import CHOICE, NAME, ForkProvisioner

pytestmark = pytest.mark.skipif(not can_fork(), reason="kernels are forked on Linux only")


@pytest.fixture(scope="module")
def server():
    made = ForkServer(hidden=["KOBO_TOKEN"])
    yield made
    made.close()


@pytest.fixture
def chosen(server, monkeypatch):
    """Whoever starts kernels in this process gets forked ones."""
    monkeypatch.setenv(ADDRESS, server.address)
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "default_provisioner_name", NAME)


def _gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def _value(client, code: str) -> str:
    found = []

    def hear(message):
        if message["msg_type"] == "execute_result":
            found.append(message["content"]["data"]["text/plain"])

    client.execute_interactive(code, output_hook=hear, timeout=30)
    return found[-1]


def test_provisioner__an_ordinary_kernel_manager_gets_a_forked_kernel(chosen):
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        assert isinstance(manager.provisioner, ForkProvisioner)
        pid = int(_value(client, "import os; os.getpid()"))
        assert pid == manager.provisioner.pid
        assert _value(client, "'pandas' in __import__('sys').modules") == "True"
        assert _value(client, "__name__") == "'__main__'"
        manager.interrupt_kernel()
        assert manager.is_alive()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert _gone(pid)


def test_provisioner__without_the_server_the_kernel_starts_in_the_ordinary_way(
    chosen, monkeypatch, tmp_path
):
    monkeypatch.setenv(ADDRESS, str(tmp_path / "nobody"))
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        assert isinstance(manager.provisioner.process, subprocess.Popen)
        assert _value(client, "1 + 1") == "2"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_provisioner__a_kernel_that_dies_is_seen(chosen):
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        manager.provisioner.process.wait(5)
        assert not manager.is_alive()
        assert manager.provisioner.process.returncode == -signal.SIGKILL
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_fork__a_crash_says_where(chosen, tmp_path):
    words = tmp_path / "words"
    with words.open("wb") as file:
        manager, client = start_new_kernel(kernel_name="python3", stderr=file)
        client.execute("import ctypes; ctypes.string_at(0)")
        assert manager.provisioner.process.wait(10) == -signal.SIGSEGV
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert "Segmentation fault" in words.read_text(encoding="utf-8")
    with words.open("rb") as file:
        kept = _said(file)
    assert "Segmentation fault" in kept
    assert "string_at" in kept
    assert "Extension modules" not in kept


def test_fork__what_the_child_started_goes_with_it(chosen):
    manager, client = start_new_kernel(kernel_name="python3")
    started = "import subprocess; subprocess.Popen(['sleep', '1000']).pid"
    child = int(_value(client, started))
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert _gone(child)


ASKER = """
import os, sys, time
from survey_tools.run.kernels.forks import fork
nothing = os.open(os.devnull, os.O_WRONLY)
asked = {"env": dict(os.environ), "cwd": ".", "fds": [nothing]}
child = fork(sys.argv[1], "kernel", **asked, arguments=["-f", sys.argv[2]])
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_fork__the_child_goes_when_the_asker_is_killed(server, tmp_path, number):
    command = [sys.executable, "-c", ASKER, server.address, str(tmp_path / "kernel.json")]
    asker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    pid = int(asker.stdout.readline())
    assert not _gone(pid, 0.3)
    asker.send_signal(number)
    asker.wait()
    assert _gone(pid)


OWNER = """
import os, sys, time
from survey_tools.run.kernels.forks import ForkServer, fork
server = ForkServer()
nothing = os.open(os.devnull, os.O_WRONLY)
asked = {"env": dict(os.environ), "cwd": ".", "fds": [nothing]}
child = fork(server.address, "kernel", **asked, arguments=["-f", sys.argv[1]])
print(server._process.pid, child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("victim", ["owner", "server"])
def test_fork_server__all_go_when_the_owner_or_the_server_is_killed(tmp_path, victim):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "kernel.json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        server, child = map(int, owner.stdout.readline().split())
        os.kill(owner.pid if victim == "owner" else server, signal.SIGKILL)
        assert _gone(child)
        assert _gone(server)
    finally:
        owner.kill()
        owner.wait()


def test_fork_server__does_not_hold_what_is_hidden(monkeypatch, tmp_path):
    monkeypatch.setenv("KOBO_TOKEN", "0123456789abcdef")
    server = ForkServer(hidden=["KOBO_TOKEN"])
    try:
        environment = Path(f"/proc/{server._process.pid}/environ").read_bytes()
        assert b"KOBO_TOKEN" not in environment
    finally:
        server.close()


def test_fork_server__outlives_a_child_that_ends_as_its_asker_leaves(server):
    """Both events may come in one round: 40 children whose asker lets go while they die."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    asked = {"env": dict(os.environ), "cwd": ".", "fds": [nothing], "arguments": ["-f", "x"]}
    for _ in range(40):
        child = forks.fork(server.address, "kernel", **asked)
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        child.close()
    os.close(nothing)
    assert server.alive


def test_fork_server__a_request_that_is_none_costs_nothing(server):
    for content in (b"", b"no JSON\n", b"{" * 100):
        with socket.socket(socket.AF_UNIX) as asker:
            asker.connect(server.address)
            asker.sendall(content)
    assert server.alive


def test_fork_server__has_one_thread_when_it_forks(server):
    nothing = os.open(os.devnull, os.O_WRONLY)
    child = forks.fork(
        server.address, "kernel", env=dict(os.environ), cwd=".", fds=[nothing], arguments=["-h"]
    )
    os.close(nothing)
    child.wait(60)  # the server has imported everything by now
    names = [
        (task / "comm").read_text().strip()
        for task in Path(f"/proc/{server._process.pid}/task").iterdir()
    ]
    native = [name for name in names if name != "jemalloc_bg_thd"]  # pyarrow's, safe to fork
    assert len(native) == 1, names


def test_kernel_arguments__another_interpreter_or_kernel_is_started_in_the_ordinary_way():
    assert kernel_arguments(["/usr/bin/other", "-m", "ipykernel_launcher", "-f", "x"]) is None
    assert kernel_arguments([sys.executable, "-m", "other_kernel", "-f", "x"]) is None
    same_program = os.path.realpath(sys.executable)
    if same_program != sys.executable:  # another environment on the same Python
        assert kernel_arguments([same_program, "-m", "ipykernel_launcher", "-f", "x"]) is None
    assert kernel_arguments([sys.executable, "-m", "ipykernel_launcher", "-f", "x"]) == ["-f", "x"]


def test_server_address__can_be_switched_off(monkeypatch):
    monkeypatch.setenv(SWITCH, "0")
    monkeypatch.setenv(ADDRESS, "/somewhere")
    assert forks.server_address() is None


def test_papermill__plain_with_the_variable_starts_a_server_of_its_own(tmp_path):
    """What a user does: no code of ours but the entry point."""
    cells = [
        nbformat.v4.new_code_cell("commune = 'x'", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "import os; print(os.getppid(), 'pandas' in __import__('sys').modules)"
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "P"}
    nbformat.write(notebook, tmp_path / "in.ipynb")
    env = os.environ | {CHOICE: NAME}
    env.pop(ADDRESS, None)
    command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "-p", "commune", "10291"]
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, timeout=120)
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    parent, warm = executed.cells[-1].outputs[0].text.split()
    assert warm == "True"
    assert _gone(int(parent))

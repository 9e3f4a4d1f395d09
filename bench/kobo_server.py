"""Serve benchmark rows from one sandbox process, and tell how much processor time that process took.

Not here: measuring clients. The parent writes a line, the process answers one; it ends when its input
ends. What the server writes in rows is parsed before the first request.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_COUNT = re.compile(rb'"(main/c_roster/)hh_size":"(\d+)"')


class Served:
    """A running server process: `url`, `token`, and what it says of itself."""

    def __init__(self, process: subprocess.Popen[str], given: dict[str, Any]) -> None:
        self._process = process
        self._say(given)
        answer = self._hear()
        self.url: str = answer["url"]
        self.token: str = given["token"]
        self.load_seconds: float = answer["load_seconds"]
        self.row_bytes: float = answer["row_bytes"]

    def usage(self) -> dict[str, float]:
        """Processor seconds so far, and peak memory in bytes."""
        self._say({})
        return self._hear()

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The server process has ended; its message stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


def uid_of(size: int, *, counted: bool = False) -> str:
    """Name the form that holds so many rows."""
    return f"aBench{size}counted" if counted else f"aBench{size}"


@contextlib.contextmanager
def served(folder: Path, sizes: Sequence[int], *, counted: bool = False) -> Iterator[Served]:
    """Run a server process with one form a size.

    `counted` adds, for each size, the same rows with a key `…/roster_count`, as devices send it where a
    form's count of repeats is computed (in our form it is a question, so there is none).
    """
    pipe = subprocess.PIPE
    command = [sys.executable, str(HERE / "kobo_server.py")]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    given = {"folder": str(folder), "sizes": list(sizes), "counted": counted}
    try:
        yield Served(process, {**given, "token": secrets.token_hex(20)})
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(timeout=60)
        process.stdout.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def made_rows(number: int) -> Iterator[Path]:
    """Hold a temporary folder with so many rows; see `kobo_rows`."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="kobo-bench-") as name:
        command = [sys.executable, str(HERE / "kobo_rows.py"), name, str(number)]
        subprocess.run(command, check=True)
        yield Path(name)


def main() -> None:
    """Load rows, serve, and answer the parent until it closes the pipe."""
    given = json.loads(sys.stdin.readline())
    started = time.perf_counter()
    sandbox, row_bytes = _load(Path(given["folder"]), given)
    sandbox.start()
    loaded = time.perf_counter() - started
    _tell({"url": sandbox.url, "load_seconds": loaded, "row_bytes": row_bytes})
    for _ in sys.stdin:
        _tell({"cpu": time.process_time(), "peak": _peak()})
    sandbox.stop()


def _load(folder: Path, given: dict[str, Any]) -> tuple[Any, float]:
    from survey_tools.kobo.sandbox import Sandbox, SandboxAsset, Version
    from survey_tools.kobo.sandbox.rows import Rows

    with (folder / "rows.jsonl").open("rb") as file:
        lines = [line.rstrip(b"\n") for line in islice(file, max(given["sizes"]))]
    form = json.loads((folder / "form.json").read_bytes())
    versions = [
        Version(v["uid"], v["date_deployed"], lambda content=v["content"]: content)
        for v in form["versions"]
    ]
    made = {uid_of(size): lines[:size] for size in given["sizes"]}
    if given["counted"]:
        counted = [_COUNT.sub(rb'"\1roster_count":"\2","\1hh_size":"\2"', line) for line in lines]
        made |= {uid_of(size, counted=True): counted[:size] for size in given["sizes"]}
    assets = []
    for uid, chosen in made.items():
        rows = Rows(chosen, uid)
        rows.days()
        assets.append(SandboxAsset(uid, form["name"], form["owner"], versions, rows))
    row_bytes = sum(map(len, lines)) / len(lines)
    return Sandbox(assets, token=given["token"]), row_bytes


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _tell(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""Compare a cold sync with the published Python clients that read rows: how many they get, and how fast.

Not here: what each client does (`kobo_other_sides`). All sides read the same rows from one server
process, each in a process of its own; rounds are interleaved and figures are medians. The sides differ
in what is there at the end (JSON or frames in memory, a store on disk, typed tables): the table says it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kobo_measure import (
    HERE,
    Result,
    failure,
    figure,
    interleaved,
    median,
    median_ratio,
    print_failures,
    print_table,
    run_side,
    uv,
    whole,
)
from kobo_server import Served, made_rows, served, uid_of

RENAMES = {"main/f_person/pay_qr": "main/f_person/qr30"}
ENVIRONMENT = HERE / ".venv-clients"
PINNED = HERE / "requirements-clients.txt"
CLIENTS = ("koboextractor", "kobo2pandas", "pykobo")
# Each side: its client, what it leaves behind, and the forms with or without a count of repeats as a key.
PAGES = {
    "koboextractor_pages": ("JSON in memory", False),
    "kobo2pandas_pages": ("JSON in memory", False),
    "kobo2pandas_frames_pages": ("frames in memory", False),
    "pykobo_pages": ("frames in memory", True),
}


def main(sizes: Sequence[int] = (1200, 6500), rounds: int = 5) -> None:
    """Print two tables: rows that each client gets by itself, and its speed with all pages."""
    problems = install()
    with made_rows(max(sizes)) as folder, served(folder, sizes, counted=True) as server:
        _print_alone(server, sizes, problems)
        _print_pages(server, max(sizes), rounds, problems)


def install() -> dict[str, str]:
    """Make the environment of the clients unless it is there; name those that cannot be installed."""
    python = _python()
    if not python.is_file():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        uv("venv", "--python", sys.executable, str(ENVIRONMENT))
    wanted = PINNED.read_text(encoding="utf-8").splitlines()
    if not uv("pip", "install", "--python", str(python), "-r", str(PINNED)):
        return {}
    problems = {}
    for client in CLIENTS:
        (pin,) = [line for line in wanted if line.startswith(f"{client}==")]
        problem = uv("pip", "install", "--python", str(python), "-c", str(PINNED), pin)
        if problem:
            problems[client] = f"not installed: {problem}"
    return problems


def _python() -> Path:
    return ENVIRONMENT / "bin" / "python"


def _version(client: str) -> str:
    pins = PINNED.read_text(encoding="utf-8").splitlines()
    return next(pin.split("==")[1] for pin in pins if pin.startswith(f"{client}=="))


def _print_alone(server: Served, sizes: Sequence[int], problems: dict[str, str]) -> None:
    rows, notes = [], dict(problems)
    for client in CLIENTS:
        cells = [_alone(server, client, size, notes) for size in sizes]
        rows.append([client, _version(client), *cells])
    ours = [_ours(server, size)() for size in sizes]
    found = (_of(result) for result in ours)
    rows.append(["survey_tools", "–", *found])
    heads = ["client", "version", *(f"rows of {whole(size)}" for size in sizes)]
    print_table("Rows that a client gets by itself, called as its documentation shows", heads, rows)
    for client, note in notes.items():
        print(f"{client}: {note}")


def _alone(server: Served, client: str, size: int, notes: dict[str, str]) -> str:
    """Call a client as documented; where it fails on our form, once more with the key that it wants."""
    if notes.get(client, "").startswith("not installed"):
        return "–"
    result = _theirs(server, f"{client}_alone", size, counted=False)()
    if "error" not in result:
        return _of(result)
    with_count = _theirs(server, f"{client}_alone", size, counted=True)()
    notes[client] = f"fails: {result['error']}; in brackets: rows with a key roster_count"
    return f"fails ({_of(with_count)})"


def _of(result: Result) -> str:
    return whole(result["rows"]) if "error" not in result else "fails"


def _print_pages(server: Served, size: int, rounds: int, problems: dict[str, str]) -> None:
    sides = {
        "survey_tools: sync": ("store on disk, proved", _ours(server, size)),
        "survey_tools: sync, tables": ("store, typed tables", _ours(server, size, tables=True)),
    }
    for name, (leaves, counted) in PAGES.items():
        client = name.partition("_")[0]
        if client not in problems:
            side = _theirs(server, name, size, counted=counted)
            title = f"{client} {_version(client)}, {leaves.split()[0]}"
            sides[title] = (f"{leaves} *" if counted else leaves, side)
    found = interleaved({name: side for name, (_, side) in sides.items()}, rounds)
    sync, tables, *_ = found.values()
    rows = []
    for name, results in found.items():
        speed = "–" if failure(results) else whole(size / median(results, "seconds"))
        figures = [figure(results, "rows", ",.0f"), figure(results, "seconds"), speed]
        ratios = [f"{median_ratio(ours, results):.2f}" for ours in (sync, tables)]
        rows.append([name, sides[name][0], *figures, figure(results, "peak", ",.0f", 1e6), *ratios])
    heads = [
        "client",
        "at the end",
        "rows",
        "seconds",
        "rows/s",
        "MB peak",
        "s / sync",
        "s / tables",
    ]
    title = f"All pages of {whole(size)} rows, median of {rounds} interleaved rounds"
    print_table(title, heads, rows)
    print("s / sync and s / tables: seconds by those of our sync, without and with typed tables")
    print("* from rows with a key roster_count, without which this client fails on this form;")
    print("  one form object a page, its url_data changed: fetch_data takes no start and no limit")
    print_failures(found)


def _ours(server: Served, size: int, *, tables: bool = False) -> Callable[[], Result]:
    def run() -> Result:
        with tempfile.TemporaryDirectory(prefix="kobo-bench-") as folder:
            given: dict[str, Any] = {"url": server.url, "uid": uid_of(size), "tables": tables}
            given |= {"store": f"{folder}/rows.sqlite", "renames": RENAMES}
            return run_side("sync", given, token=server.token)

    return run


def _theirs(server: Served, side: str, size: int, *, counted: bool) -> Callable[[], Result]:
    given = {"url": server.url, "uid": uid_of(size, counted=counted)}
    return lambda: run_side(side, given, token=server.token, python=_python())


if __name__ == "__main__":
    main()

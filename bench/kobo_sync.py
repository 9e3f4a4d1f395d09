"""Measure a cold and an unchanged sync as the number of rows grows: seconds, requests, bytes, memory, disk.

Not here: other clients (`kobo_clients`). Each sync is a process of its own. The processor seconds of the
client and of the sandbox's process stand side by side: what the sandbox takes, a real server would take
elsewhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kobo_clients import RENAMES
from kobo_measure import (
    Result,
    failure,
    figure,
    median,
    print_failures,
    print_table,
    run_side,
    whole,
)
from kobo_server import Served, made_rows, served, uid_of

SIZES = (1200, 6500, 50_000, 200_000)
READING = ("open_store", "read_store", "store_tables")
MOST_REQUESTS = {1200: 3, 50_000: 52}
MOST_MEMORY = {200_000: 400e6}
HEADS = [
    "rows",
    "seconds",
    "rows/s",
    "client s",
    "server s",
    "requests",
    "MB",
    "MB peak",
    "MB disk",
]


def main(sizes: Sequence[int] = SIZES, rounds: int = 5) -> None:
    """Print a table of cold and of unchanged syncs, and whether each aim is met."""
    with made_rows(max(sizes)) as folder, served(folder, sizes) as server:
        found = _measure(server, sizes, rounds)
        print(
            f"\nthe sandbox: {server.row_bytes / 1000:.1f} kB a row, {whole(max(sizes))} rows ",
            end="",
        )
        print(f"loaded in {server.load_seconds:.1f} s, {server.usage()['peak'] / 1e6:,.0f} MB peak")
    for kind in ("cold", "unchanged"):
        lines = [_line(size, found[size, kind]) for size in sizes]
        print_table(f"{kind} sync", HEADS, lines)
    reading = ["rows", "open s", "rows() s", "tables() s", "cpu µs a row", "MB peak"]
    lines = [_reading(size, found) for size in sizes]
    print_table(
        "reading the store: its check at opening, parsed rows, typed tables", reading, lines
    )
    runs = ", ".join(f"{whole(size)}: {_rounds(size, rounds)}" for size in sizes)
    print(f"medians; rounds by rows: {runs}")
    print_failures(found)
    _print_aims(found, sizes)


def _measure(server: Served, sizes: Sequence[int], rounds: int) -> dict[Any, list[Result]]:
    """Sync all sizes once a round; large ones sit out the later rounds."""
    found: dict[Any, list[Result]] = {}
    for turn in range(rounds):
        for size in sizes:
            if turn < _rounds(size, rounds):
                for kind, result in _sync_twice(server, size):
                    found.setdefault((size, kind), []).append(result)
    return found


def _rounds(size: int, rounds: int) -> int:
    if size < 50_000:
        return rounds
    return min(rounds, 3) if size < 200_000 else 1


def _sync_twice(server: Served, size: int) -> list[tuple[str, Result]]:
    with tempfile.TemporaryDirectory(prefix="kobo-bench-") as folder:
        store = str(Path(folder) / "rows.sqlite")
        given = {"url": server.url, "uid": uid_of(size), "store": store}
        given |= {"renames": RENAMES, "rows": size}  # type: ignore[dict-item]
        found = []
        for kind in ("cold", "unchanged"):
            before = server.usage()["cpu"]
            result = run_side("sync", given, token=server.token)
            found.append((kind, result | {"server": server.usage()["cpu"] - before}))
        return found + [(side, run_side(side, given)) for side in READING]


def _line(size: int, results: list[Result]) -> list[str]:
    if failure(results):
        return [whole(size), "fails", *["–"] * (len(HEADS) - 2)]
    assert all(result["rows"] == size for result in results), "rows are missing"
    return [
        whole(size),
        figure(results, "seconds"),
        whole(size / median(results, "seconds")),
        figure(results, "cpu"),
        figure(results, "server"),
        figure(results, "requests", ",.0f"),
        *(figure(results, key, ",.1f", 1e6) for key in ("bytes", "peak", "disk")),
    ]


def _reading(size: int, found: dict[Any, list[Result]]) -> list[str]:
    opened, read, tables = (found[size, side] for side in READING)
    return [
        whole(size),
        figure(opened, "seconds", ".3f"),
        figure(read, "seconds"),
        figure(tables, "seconds"),
        figure(tables, "cpu", ".0f", size / 1e6),
        figure(tables, "peak", ",.0f", 1e6),
    ]


def _print_aims(found: dict[Any, list[Result]], sizes: Sequence[int]) -> None:
    print()
    for size in sizes:
        unchanged, cold = found[size, "unchanged"][0], found[size, "cold"][0]
        if size in MOST_REQUESTS and "requests" in unchanged:
            _print_aim(
                f"requests, {whole(size)} unchanged", unchanged["requests"], MOST_REQUESTS[size]
            )
        if size in MOST_MEMORY and "peak" in cold:
            peak = max(cold["peak"], unchanged.get("peak", 0)) / 1e6
            _print_aim(f"MB peak, {whole(size)} rows", peak, MOST_MEMORY[size] / 1e6)


def _print_aim(what: str, figure: float, most: float) -> None:
    state = "met" if figure <= most else "MISSED"
    print(f"aim {state}: {what}: {whole(figure)}, at most {whole(most)}")


if __name__ == "__main__":
    main()

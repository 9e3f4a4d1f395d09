"""Show where a cold sync and a flatten spend their time: by part (HTTP, JSON, SQLite …) and function.

Not here: how fast they are (`kobo_sync`, `kobo_flatten`): a profile slows what it watches, small calls
most. Times are a function's own, without those that it calls.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kobo_clients import RENAMES
from kobo_measure import Result, print_table, run_side, whole
from kobo_server import made_rows, served, uid_of

SHOWN = 14
# The first that fits a function's "file function" names its part.
PARTS = {
    "waiting for the server": ("method 'recv' of",),
    "SQLite and disk": ("sqlite3.", "fsync"),
    "hashing": ("_hashlib", "hashlib", "hexdigest", "openssl_sha"),
    "JSON": ("/json/", "_json.", "_json "),
    "HTTP": ("httpx", "httpcore", "h11", "socket", "ssl", "urllib", "email/"),
    "pandas and numpy": ("pandas", "numpy", "pyarrow"),
    "this package": ("survey_tools",),
}


def main(size: int = 6500) -> None:
    """Print the shares of the parts and the functions that take most time themselves."""
    with made_rows(size) as folder, served(folder, [size]) as server:
        given = {"folder": str(folder), "rows": size, "renames": RENAMES}
        there = {"url": server.url, "uid": uid_of(size), "store": str(folder / "rows.sqlite")}
        for side in ("sync", "flatten"):
            result = run_side("profile", {**given, **there, "profiled": side}, token=server.token)
            _print_profile(f"{side} of {whole(size)} rows, watched by cProfile", result)


def _print_profile(title: str, result: Result) -> None:
    if "error" in result:
        print(f"\n{title}: {result['error']}")
        return
    functions: list[tuple[str, int, str, int, float]] = result["functions"]
    total = sum(own for *_, own in functions)
    parts: Counter[str] = Counter()
    for file, _, name, _, own in functions:
        parts[_part_of(f"{file} {name}")] += own  # type: ignore[assignment]
    lines = [[part, f"{own:.3f}", f"{own / total:.0%}"] for part, own in parts.most_common()]
    print_table(title, ["part", "own s", "share"], lines)
    first = sorted(functions, key=lambda found: -found[-1])[:SHOWN]
    rows = [
        [f"{Path(file).name}:{name}"[-64:], whole(calls), f"{own:.3f}", f"{own / total:.0%}"]
        for file, _, name, calls, own in first
    ]
    print_table("functions", ["function", "calls", "own s", "share"], rows)


def _part_of(function: str) -> str:
    fits = (part for part, marks in PARTS.items() if any(mark in function for mark in marks))
    return next(fits, "Python itself")


if __name__ == "__main__":
    main()

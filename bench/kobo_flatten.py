"""Compare laying rows out as typed tables with plain pandas, and see whether the cost a row stays flat.

Not here: pulling rows (`kobo_sync`). Our side types and checks every answer against the versions of the
form; plain pandas leaves text. All sides get the same parsed rows of the household form.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from kobo_clients import RENAMES
from kobo_measure import (
    Result,
    figure,
    interleaved,
    median_ratio,
    print_failures,
    print_table,
    run_side,
    whole,
)
from kobo_server import made_rows

LEAST_RATIO, AIM_FROM = 10, 20_000
SIDES = {
    "flatten": "survey_tools: flatten",
    "normalize_loop": "json_normalize, loop over repeats",
    "normalize_path": "json_normalize, record_path",
}


def main(
    compared: int = 20_000, sizes: Sequence[int] = (20_000, 60_000, 200_000), rounds: int = 3
) -> None:
    """Print the ratios at one size, and seconds and memory as the size grows."""
    with made_rows(max(*sizes, compared)) as folder:
        given: dict[str, Any] = {"folder": str(folder), "renames": RENAMES, "rows": compared}
        sides = {side: partial(run_side, side, given) for side in SIDES}
        _print_ratios(interleaved(sides, rounds), compared, rounds)
        grown = [(size, *_stream(given | {"rows": size})) for size in sizes]
    heads = ["rows", "roster", "seconds", "of it JSON", "cpu µs a row", "MB peak"]
    lines = [_line(*found) for found in grown]
    print_table("flatten of rows that are read and parsed one by one", heads, lines)


def _stream(given: dict[str, Any]) -> tuple[Result, Result]:
    return run_side("flatten_stream", given), run_side("parse", given)


def _print_ratios(found: dict[str, list[Result]], size: int, rounds: int) -> None:
    done = [result for results in found.values() for result in results if "error" not in result]
    shapes = {(result["rows"], result["children"]) for result in done}
    assert len(shapes) == 1, f"the sides do not agree on the rows: {shapes}"
    ours = found["flatten"]
    lines = [
        [
            SIDES[side],
            figure(results, "seconds"),
            figure(results, "seconds", ",.0f", size / 1e6),
            figure(results, "peak", ",.0f", 1e6),
            f"{median_ratio(ours, results):.2f}",
        ]
        for side, results in found.items()
    ]
    ((rows, children),) = shapes
    title = f"{whole(rows)} parsed rows, {whole(children)} roster rows, {rounds} interleaved rounds"
    print_table(title, ["side", "seconds", "µs a row", "MB peak", "s / ours"], lines)
    print_failures(found)
    if size < AIM_FROM:
        return
    ratio = median_ratio(ours, found["normalize_loop"])
    state = "met" if ratio >= LEAST_RATIO else "MISSED"
    print(f"aim {state}: {ratio:.1f} times as fast as the loop, at least {LEAST_RATIO} times")


def _line(size: int, laid_out: Result, parsed: Result) -> list[str]:
    return [
        whole(size),
        figure([laid_out], "children", ",.0f"),
        figure([laid_out], "seconds"),
        figure([parsed], "seconds"),
        figure([laid_out], "cpu", ",.0f", size / 1e6),
        figure([laid_out], "peak", ",.0f", 1e6),
    ]


if __name__ == "__main__":
    main()

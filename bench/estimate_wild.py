"""Compare the wild cluster bootstrap with published Python libraries: seconds, memory, and the same test.

Not here: what each side does (`estimate_sides`). Only diff-diff gives an interval as ours does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from estimate_measure import compare, ours, theirs
from estimate_rows import SIZES
from kobo_measure import Result, failure, whole

DRAWS = 9_999
FEW_PYFIXEST, FEW_DIFF_DIFF = 99, 499
"""Draws of the others on the big district; most of pyfixest's time goes before the first."""


def run(quick: bool) -> None:
    """Print a table for the small district and, unless `quick`, one for the big."""
    sides = {
        "survey_tools": ("p, interval", ours("ours_wild", "small", DRAWS)),
        "pyfixest 0.60.0": ("p", theirs("pyfixest_wild", "small", DRAWS)),
        "wildboottest 0.3.2": ("p", theirs("wildboottest_wild", "small", DRAWS)),
        "diff-diff 3.13.0": ("p, interval", ours("diff_diff_wild", "small", DRAWS)),
    }
    _print_answers(compare(_title("small"), sides, 1 if quick else 5))
    if quick:
        return
    few, some = FEW_PYFIXEST, FEW_DIFF_DIFF
    sides = {
        f"survey_tools, {whole(DRAWS)} draws": ("p, interval", ours("ours_wild", "big", DRAWS)),
        f"pyfixest 0.60.0, {few} draws": ("p", theirs("pyfixest_wild", "big", few)),
        f"diff-diff 3.13.0, {some} draws": ("p, interval", ours("diff_diff_wild", "big", some)),
    }
    compare(_title("big"), sides, 1)
    print("The others make fewer draws and their ratios are not scaled: they are lower bounds.")


def _title(size: str) -> str:
    rows, teams = SIZES[size]
    return f"Wild cluster bootstrap, {whole(rows)} rows, {whole(teams)} teams, {whole(DRAWS)} draws"


def _print_answers(found: Mapping[str, Sequence[Result]]) -> None:
    """Print what each side found; p-values differ by their own draws."""
    for name, results in found.items():
        if not failure(results):
            ends = ", ".join(f"{end:.4f}" for end in results[0].get("interval", ()))
            interval = f", interval {ends}" if ends else ""
            print(f"{name}: t {results[0]['t']:.9f}, p {results[0]['p']:.4f}{interval}")

"""Compare Romano–Wolf p-values of ten outcomes with pyfixest: seconds, memory, and the same p-values.

Not here: what each side does (`estimate_sides`).
"""

from __future__ import annotations

from estimate_measure import compare, ours, theirs
from estimate_rows import OUTCOMES, SIZES
from kobo_measure import failure, whole

DRAWS = 9_999


def run(quick: bool) -> None:
    """Print a table for the small district and, unless `quick`, our own seconds for the big."""
    rows, _ = SIZES["small"]
    title = f"Romano–Wolf, {OUTCOMES} outcomes, {whole(DRAWS)} draws, {whole(rows)} rows"
    sides = {
        "survey_tools": ("adjusted p", ours("ours_romano_wolf", "small", DRAWS)),
        "pyfixest 0.60.0": ("adjusted p", theirs("pyfixest_romano_wolf", "small", DRAWS)),
    }
    found = compare(title, sides, 1 if quick else 3)
    if not any(failure(results) for results in found.values()):
        own, other = (results[0]["p"] for results in found.values())
        apart = max(abs(a - b) for a, b in zip(own, other, strict=True))
        print(f"p-values differ by at most {apart:.4f}, each side with draws of its own")
    if quick:
        return
    rows, teams = SIZES["big"]
    title = f"Romano–Wolf, ours alone, {whole(rows)} rows, {whole(teams)} teams"
    compare(title, {"survey_tools": ("adjusted p", ours("ours_romano_wolf", "big", DRAWS))}, 3)

"""Show on stderr how far a run is: a bar on a terminal, a line now and then elsewhere.

Not here: results; stdout belongs to those.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Step = Callable[..., None]
"""Called with (done, total) or nothing for one step more."""

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

UNEVEN = ("cell", "step")
"""Units that take so unequal times that no time left is told."""

_WITHOUT_LEFT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}]"


def say(text: str) -> None:
    """Write one line to stderr without breaking a bar."""
    tqdm.write(text, file=sys.stderr)


@contextmanager
def bar(
    title: str, total: int | None = None, unit: str = "cell", *, at_once: int = 1
) -> Iterator[Step]:
    """Show the progress of one piece of work and, at its end, how long it took.

    The time left is told by the mean of all steps so far: where several are done at once they end in
    bursts, and a mean of the last few would jump.

    Parameters
    ----------
    title : str
    total : int, optional
        Steps.
    unit : str
        What a step is; of those in `UNEVEN` no time left is told.
    at_once : int
        Steps that are under way at the same time; each is taken to be half done.

    Yields
    ------
    callable
        `step()` goes one on; `step(done, total)` sets how far it is.
    """
    started = said = time.monotonic()
    terminal = sys.stderr.isatty()
    shown = tqdm(
        total=total,
        desc=title,
        unit=unit,
        file=sys.stderr,
        disable=not terminal,
        smoothing=0,
        bar_format=_WITHOUT_LEFT if unit in UNEVEN and total else None,
    )
    done = 0

    def step(to: int | None = None, of: int | None = None) -> None:
        nonlocal done, total, said
        if of is not None:
            shown.total = total = of
        steps = 1 if to is None else to - done
        done += steps
        shown.update(steps)
        now = time.monotonic()
        if not terminal and total and done < total and now - said >= EVERY:
            said = now
            under_way = min(at_once, total - done) / 2 if at_once > 1 else 0
            rate = (done + under_way) / (now - started)
            told = unit not in UNEVEN and rate > 0
            left = _left((total - done - under_way) / rate) if told else ""
            say(f"{title}: {done} of {total}{left}")

    with shown:
        yield step
    if not terminal and total != 0:
        say(f"{title}: {time.monotonic() - started:.1f} s")


def _left(seconds: float) -> str:
    """Write a time left as finely as it is known.

    >>> _left(43), _left(400), _left(8000)
    (', about 45 s left', ', about 7 min left', ', about 2 h 15 min left')
    """
    if seconds < 90:
        text = f"{max(5, 5 * round(seconds / 5))} s"
    elif seconds < 90 * 60:
        text = f"{round(seconds / 60)} min"
    else:
        quarters = round(seconds / 900)
        text = f"{quarters // 4} h" + (f" {15 * (quarters % 4)} min" if quarters % 4 else "")
    return f", about {text} left"

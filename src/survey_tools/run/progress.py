"""Show on stderr how far a run is: a bar on a terminal, plain lines elsewhere.

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


def say(text: str) -> None:
    """Write one line to stderr without breaking a bar."""
    tqdm.write(text, file=sys.stderr)


@contextmanager
def bar(title: str, total: int | None = None, unit: str = "cell") -> Iterator[Step]:
    """Show the progress of one piece of work and, at its end, how long it took.

    Yields
    ------
    callable
        `step()` goes one on; `step(done, total)` sets how far it is.
    """
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    shown = tqdm(total=total, desc=title, unit=unit, file=sys.stderr, disable=not terminal)

    def step(done: int | None = None, of: int | None = None) -> None:
        if of is not None:
            shown.total = of
        shown.update(1 if done is None else done - shown.n)

    with shown:
        yield step
    if not terminal and total != 0:
        say(f"{title}: {time.monotonic() - started:.1f} s")

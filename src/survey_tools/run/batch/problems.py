"""Gather what is wrong with a batch, so that one message tells it all.

Not here: looking for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from survey_tools.errors import RunError, SurveyToolsError

TOLD = 20
"""Problems that one message tells."""


class Problems:
    """What is wrong, each thing once."""

    def __init__(self) -> None:
        self.found: dict[str, SurveyToolsError] = {}

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep an error for later."""
        try:
            yield
        except SurveyToolsError as error:
            self.found.setdefault(str(error), error)

    def tell(self) -> None:
        """Raise what was kept, if anything."""
        if len(self.found) == 1:
            raise next(iter(self.found.values()))
        if self.found:
            told = [
                f"{number}. {text}".replace("\n", "\n   ")
                for number, text in enumerate(self.found, start=1)
            ]
            more = [f"… and {len(told) - TOLD} more"] if len(told) > TOLD else []
            head = f"{len(told)} things are wrong; nothing was run."
            raise RunError("\n".join([head, *told[:TOLD], *more]))

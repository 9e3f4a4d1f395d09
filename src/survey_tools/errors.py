"""The errors a user of the package can meet; each says expected, found, where and what to do next.

Not here: formatting of data frames, logging, exit handling (the command line reads `exit_code`).
"""

from __future__ import annotations


class SurveyToolsError(Exception):
    """Base of all errors raised on purpose by the package.

    Parameters
    ----------
    what : str
        One sentence: what went wrong.
    expected, found, where, next_step : str, optional
        What should have been there, what was there, the place (file, column, row ids, address;
        never a person), and what the reader can do now.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        where: str | None = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what
        self.expected = expected
        self.found = found
        self.where = where
        self.next_step = next_step
        super().__init__(what)

    def __str__(self) -> str:
        parts = (
            ("expected", self.expected),
            ("found", self.found),
            ("where", self.where),
            ("next", self.next_step),
        )
        lines = [self.what, *(f"  {name + ':':<10}{text}" for name, text in parts if text)]
        return "\n".join(lines)


class ParamsError(SurveyToolsError):
    """A parameter, study file or register does not say what it must."""


class AreaError(SurveyToolsError):
    """A code or name is no area of the list in force, or is one on another date only."""


class KoboError(SurveyToolsError):
    """The survey server refused, failed, or answered something that cannot be trusted."""


class StoreError(SurveyToolsError):
    """A store of raw rows is damaged, locked, foreign, or cannot be written."""


class ContractError(SurveyToolsError):
    """A table that crosses a stage breaks its contract."""


class DesignError(SurveyToolsError):
    """The data cannot carry the design that the study names."""


class RunError(SurveyToolsError):
    """A notebook or a batch could not run or finish."""


class DisclosureError(SurveyToolsError):
    """Something personal, or too small to show, was about to leave the workspace."""

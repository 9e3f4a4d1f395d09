"""Hold back a page with personal data before it is released, and blot such data out of logs.

Not here: what counts as personal data (`scan`), or making pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from survey_tools.errors import DisclosureError
from survey_tools.params import Workspace
from survey_tools.run.kernels.failure import Failure
from survey_tools.run.scan import Scanner, open_scanner

TOLD = 5
"""Findings that an error names."""


@dataclass(frozen=True)
class Gate:
    """What every page passes on its way out; made once for a batch."""

    scanner: Scanner
    root: str

    def __call__(self, file: str, content: bytes) -> None:
        """Let a file pass, or refuse it.

        Parameters
        ----------
        file : str
            Its path below the folder that the gate was opened for.
        content : bytes

        Raises
        ------
        DisclosureError
            Says where personal data stand and of what kind, never the value.
        """
        findings, _ = self.scanner.scan(f"{self.root}/{file}", content)
        if findings:
            lines = [str(finding).removeprefix(f"{self.root}/") for finding in findings[:TOLD]]
            more = len(findings) - len(lines)
            raise DisclosureError(
                "Personal data were about to be released; the file was held back.",
                expected="no phone, name, position, number or code of a person or household",
                found="; ".join(lines) + (f"; {more} more" if more else ""),
                where=file,
                next_step="take it out of the notebook; if it is public, add it with its reason to "
                "params/scan_allow.csv",
            )

    def blot(self, text: str) -> str:
        """Write a text with `[kind]` in place of what is personal, for a log."""
        return self.scanner.blot(text)


def blotted(failure: Failure, gate: Gate) -> Failure:
    """Blot personal data out of what stopped a notebook: an error often names the value it met."""
    return replace(
        failure,
        cell=gate.blot(failure.cell),
        message=gate.blot(failure.message),
        details=gate.blot(failure.details),
    )


def open_gate(ws: Workspace, folder: Path) -> Gate:
    """Load what the files of a folder are held against.

    Raises
    ------
    ParamsError
        When `params/scan_allow.csv` is wrong.
    DisclosureError
        When a table of `data/private/` cannot be read.
    """
    inside = folder.is_relative_to(ws.root)
    name = folder.relative_to(ws.root).as_posix() if inside else folder.name
    return Gate(open_scanner(ws), name)

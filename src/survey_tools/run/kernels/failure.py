"""Say what stopped a notebook: the cell, the kind of error, its text, how the kernel ended; never a token.

Not here: executing it (`execute`), or blotting personal data (survey_tools.run.gate).
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.run.kernels.parameters import cell_text

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MESSAGE, _DETAILS, _WORDS, _READ = 4_000, 20_000, 4_000, 50_000
"""Characters kept of an error, its traceback and what the kernel itself said; bytes read of the last."""


@dataclass(frozen=True)
class Failure:
    """What stopped a notebook: the cell, the kind of error and its text."""

    cell: str
    kind: str
    message: str
    details: str

    @property
    def last_line(self) -> str:
        """The error in one line."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        first = lines[0] if lines else ""
        return f"{self.kind}: {first}" if first else self.kind


class NotebookLeftError(Exception):
    """The notebook called `sys.exit`; papermill takes the exit code 0 for success, with cells not run."""


def failure_in(error: BaseException | None, watch: Any) -> Failure | None:
    """Describe what stopped the notebook of a `Watch`, or return None where nothing did."""
    if error is None:
        return None
    kind = getattr(error, "ename", None) or type(error).__name__
    said = getattr(error, "evalue", None)
    message = str(error) if said is None else said
    if kind == "DeadKernelError":
        message = _death(getattr(watch.kernel, "returncode", None))
    traceback = "\n".join(getattr(error, "traceback", None) or [str(error)])
    if said := _said(watch.words):
        traceback += f"\n\nWhat the kernel said:\n{said}"
    return Failure(
        cell=_failed_cell(watch.notebook),
        kind=kind,
        message=without_token(_COLOUR.sub("", message[:_MESSAGE])),
        details=without_token(_COLOUR.sub("", traceback[-_DETAILS:])),
    )


def _death(code: int | None) -> str:
    """Say how a kernel ended, from its exit code; minus a number is a signal."""
    if code is None or code == 0:
        return "the kernel ended in the middle of the notebook"
    if code > 0:
        return f"the kernel ended in the middle of the notebook with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = "; often the machine ran out of memory" if name == "SIGKILL" else ""
    return f"the kernel died by {name}{hint}"


def _said(words: Any) -> str:
    with suppress(OSError, ValueError):
        size = words.seek(0, os.SEEK_END)
        words.seek(max(0, size - _READ))
        lines = str(words.read().decode("utf-8", "replace")).strip().splitlines()
        said = [line for line in lines if not line.startswith("Extension modules: ")]
        return "\n".join(said)[-_WORDS:]
    return ""


def without_token(text: str) -> str:
    """Blot out the server's token, wherever a text may have picked it up."""
    for token in server_tokens():
        text = text.replace(token, "[token]")
    return text


def server_tokens() -> list[str]:
    """Return the server's token as the environment has it; not to be shown, stored or logged."""
    found = [os.environ.get("KOBO_TOKEN", "")]
    if path := os.environ.get("KOBO_TOKEN_FILE"):
        with suppress(OSError):
            found.append(Path(path).read_text(encoding="utf-8"))
    return [token.strip() for token in found if token.strip()]


def _failed_cell(notebook: Any) -> str:
    """Name the cell that was last at work: its id and its first line."""
    ran = [cell for cell in (notebook.cells if notebook is not None else ()) if _was_started(cell)]
    broken = [cell for cell in ran if cell["metadata"]["papermill"].get("exception")]
    for cell in broken or ran[-1:]:
        first = cell_text(cell).strip().splitlines()
        return f"{cell.get('id', '?')}: {first[0] if first else ''}"
    return "before the first cell"


def _was_started(cell: Mapping[str, Any]) -> bool:
    return cell["cell_type"] == "code" and bool(
        cell["metadata"].get("papermill", {}).get("start_time")
    )

"""What a process that makes reports is given and gives back: plain values, so that they travel as JSON.

Not here: doing it (survey_tools.run.batch.make).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from survey_tools.run.kernels.failure import Failure

OK, FAILED, STOPPED = "ok", "failed", "stopped"


@dataclass(frozen=True)
class Task:
    """One notebook to run and, where `lang` is set, to render and release as a page.

    Paths are relative to `root`, so that a task can be done where the workspace lies elsewhere.
    """

    name: str
    """Stem of the executed notebook: `10291.vi`, `20_clean`."""
    root: str
    """Folder of the workspace."""
    study: str
    run: str
    notebook: str
    parameters: dict[str, Any]
    lang: str | None = None
    kind: str = "notebook"
    """Or `codebook`, which has no notebook: it takes as long as several pages, so it is made beside them."""
    keep_token: bool = False
    """Whether the kernel may see the server's token: the pull alone."""
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables of the kernel beyond the usual ones."""
    into: str = ""
    """Folder that a page is made in a second time, to be held against the first; empty for the first."""

    def to_json(self) -> str:
        """Write on one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))

    def at(self, root: str) -> Task:
        """Return the same task for a workspace that lies at `root`."""
        return replace(self, root=root)


@dataclass(frozen=True)
class Limits:
    """What one report may take; a report over them is stopped and has failed. None is no limit."""

    seconds: float | None = 900
    memory_mb: float | None = 4000
    output_mb: float | None = 20


@dataclass(frozen=True)
class Result:
    """How a task went.

    `seconds` has the phases `start` (until the kernel answers), `cells`, `render`, `release` and
    `total`; `files` has what was made, relative to the run's folder, with its SHA-256.
    """

    name: str
    status: str
    failure: Failure | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_mb: float | None = None
    warnings: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    passes: bool = False
    """Whether the cause of a failure may pass by itself, so that a second attempt is worth while."""
    attempts: int = 1
    host: str = ""
    differences: Sequence[Mapping[str, str]] = ()
    """Of a page made a second time: where it is not the first, `cell` and `what`."""

    def to_json(self) -> str:
        """Write on one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        failure = content.pop("failure")
        warnings = tuple(content.pop("warnings"))
        return cls(**content, warnings=warnings, failure=Failure(**failure) if failure else None)

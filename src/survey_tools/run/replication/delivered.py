"""Look whether a run can be handed on: finished, whole, and made from the results and code that are there.

Not here: its numbers (survey_tools.run.compare.numbers) or the pack (survey_tools.run.replication.make).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey_tools.errors import RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.plan import plan_reports
from survey_tools.run.batch.record import RECORD, THERE, name_of, record_of
from survey_tools.run.compare.read import page_of

BESIDE = frozenset({"index", "codebook", "suppression"})
"""Pages of a run that no notebook makes, so that its record does not list them."""

_SET_BY_RUN = frozenset({"lang", "run", "study", "commune"})


@dataclass(frozen=True)
class Delivered:
    """A run as its record has it, and what is wrong with it.

    Attributes
    ----------
    folder : Path
    record : dict
        Content of `run.json`.
    failed, outdated : tuple of str
        Pages that could not be made; pages that would be made anew today, each with the reason.
    """

    folder: Path
    record: dict[str, Any]
    failed: tuple[str, ...]
    outdated: tuple[str, ...]

    @property
    def pages(self) -> list[dict[str, Any]]:
        """Entries of the pages that are there."""
        return [page for page in self.record["pages"] if page["status"] in THERE]

    @property
    def files(self) -> frozenset[str]:
        """Names of the pages' files; one that lies beside them and that the run did not make is none."""
        made = {f"{name_of(page)}.html" for page in self.pages}
        named = ((path.name, page_of(path.name)) for path in self.folder.glob("*.html"))
        return frozenset(made | {name for name, page in named if page and page[0] in BESIDE})


def find_delivered(ws: Workspace, run: str, *, force: bool = False) -> Delivered:
    """Find a run and hold its pages against what they would be made from today.

    Parameters
    ----------
    ws : Workspace
    run : str
    force : bool
        Take a run with failed or outdated pages all the same; what is wrong is told.

    Raises
    ------
    RunError
        When there is no such run, it is at work or was killed, or, unless forced, a page failed or is out of
        date.
    ParamsError
        When the name of the run cannot be used.
    """
    folder = ws.reports(run)
    record = _whole_record(ws, run)
    failed = tuple(
        name_of(page) for page in record["pages"] if page["status"] in ("failed", "stopped")
    )
    found = Delivered(folder, record, failed, tuple(_outdated(ws, run, record)))
    if not found.pages:
        raise _refusal(run, "The run has no pages.", "", "")
    if failed and not force:
        raise _refusal(
            run, "Pages of the run failed.", "a run whose pages are all there", _some(failed)
        )
    if found.outdated and not force:
        raise _refusal(
            run,
            "Pages of the run are not those that its results and code would give today.",
            "a run that is up to date",
            _some(found.outdated),
        )
    return found


def _whole_record(ws: Workspace, run: str) -> dict[str, Any]:
    record = record_of(ws, run)
    if not record.get("finished"):
        raise _refusal(run, "The run is at work, or was killed.", "a run that has ended", "no end")
    return record


def _outdated(ws: Workspace, run: str, record: Mapping[str, Any]) -> list[str]:
    """Name the pages that a batch would make anew, with its reason; failed ones are told elsewhere."""
    entries = {name_of(page): page for page in record["pages"] if page["status"] in THERE}
    communes = sorted({page["code"] for page in entries.values()})
    langs = sorted({page["lang"] for page in entries.values()})
    if not entries:
        return []
    extra: dict[str, dict[str, Any]] = {}
    for page in entries.values():
        more = {k: v for k, v in page["parameters"].items() if k not in _SET_BY_RUN}
        extra.setdefault(Path(page["notebook"]).name, {}).update(more)
    planned = plan_reports(ws, run, communes, langs, extra=extra)
    return [f"{one.stem} ({one.reason})" for one in planned if one.stem in entries and one.reason]


def _some(names: tuple[str, ...], told: int = 3) -> str:
    more = len(names) - told
    return f"{len(names)}: {', '.join(names[:told])}" + (f" and {more} more" if more > 0 else "")


def _refusal(run: str, what: str, expected: str, found: str) -> RunError:
    return RunError(
        what,
        expected=expected or "pages",
        found=found or "none",
        where=f"reports/{run}/{RECORD}",
        next_step=f"survey-tools report --run {run} makes what is missing or out of date; "
        "--force packs the run as it is, and says so in the README",
    )

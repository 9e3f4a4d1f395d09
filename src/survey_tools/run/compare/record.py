"""Read the record of a run as a comparison relies on it: one with fields of other types is damaged.

Not here: what is read off it (survey_tools.run.compare.why).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from survey_tools.run.batch.record import RECORD, read_record

_MAPPINGS = ("versions", "inputs", "inputs_of_results")
_OF_PAGE = ("files", "hashes", "parameters")
_NUMBERS = ("rows", "server_count")


def sound_record(folder: Path) -> tuple[dict[str, Any] | None, bool]:
    """Read a record.

    Returns
    -------
    record : dict or None
        None where there is none, or it is damaged.
    damaged : bool
        Whether `run.json` is there and cannot be read, or has fields of other types than a record has.
    """
    try:
        record = read_record(folder)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None, True
    if record is None:
        return None, (folder / RECORD).is_file()
    return (record, False) if _is_sound(record) else (None, True)


def _is_sound(record: Mapping[str, Any]) -> bool:
    inputs = [record.get(name) or {} for name in _MAPPINGS]
    pulls, pages = record.get("pulls") or [], record.get("pages") or []
    return (
        all(isinstance(one, dict) for one in inputs)
        and all(isinstance(kind, dict) for one in inputs[1:] for kind in one.values() if kind)
        and isinstance(pulls, list)
        and all(isinstance(pull, dict) and _is_pull(pull) for pull in pulls)
        and all(_is_page(page) for page in pages)
    )


def _is_pull(pull: Mapping[str, Any]) -> bool:
    return isinstance(pull.get("form"), str) and all(
        isinstance(pull.get(name), int | None) for name in _NUMBERS
    )


def _is_page(page: Mapping[str, Any]) -> bool:
    return (
        all(isinstance(page[name], str) for name in ("code", "lang", "status"))
        and all(isinstance(page[name], dict) for name in _OF_PAGE)
        and all(isinstance(digest, str) for digest in page["files"].values())
    )

"""Find pages and files for taking along in a run's folder that the run did not make.

Whoever is handed the folder takes every page in it for one of the run. Not here: whether a page that the run
made is still as it was (`survey_tools.run.verify.page`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from survey_tools.report.downloads.names import FORMATS
from survey_tools.run.batch.record import THERE, name_of

_SHOWN = frozenset({".html", ".htm", *(f".{ending}" for ending in FORMATS)})
_GENERAL = re.compile(
    r"((index|codebook|suppression|triage|review)(\.[a-z]{2})?|compare-.+\.[a-z]{2})\.html"
)
"""Pages without a notebook, which the batch and other commands write."""


def strange_files(folder: Path, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what lies in the folder of a run and is none of its pages.

    Parameters
    ----------
    folder : Path
    record : mapping
        Content of `run.json`.

    Returns
    -------
    tuple of str
        Names of files, in order: HTML, PDF, Word and Excel that belong to no page of the record that is
        there, nor to the index, the codebook, the hidden cells, the triage, the review or a comparison.
    """
    made = {
        f"{name_of(page)}.{ending}"
        for page in record["pages"]
        if page["status"] in THERE
        for ending in ("html", *FORMATS)
    }
    shown = (path.name for path in folder.iterdir() if path.suffix.lower() in _SHOWN)
    return tuple(sorted(n for n in shown if n not in made and not _GENERAL.fullmatch(n)))

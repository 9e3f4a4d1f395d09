"""Make the files that lie beside a page, from its text; writes nothing to the disk."""

from __future__ import annotations

from pathlib import Path

from survey_tools.report.downloads.content import read_page
from survey_tools.report.downloads.names import beside
from survey_tools.report.downloads.pdf import pdf_of
from survey_tools.report.downloads.word import word_of
from survey_tools.report.downloads.workbook import workbook_of
from survey_tools.report.wording import Wording

_MAKERS = {".pdf": pdf_of, ".docx": word_of, ".xlsx": workbook_of}


def make_downloads(source: str, page: Path) -> dict[Path, bytes]:
    """Make the files of a page.

    Parameters
    ----------
    source : str
        The finished page.
    page : Path
        Where it is to lie.

    Returns
    -------
    dict of Path to bytes

    Raises
    ------
    RunError
        When the text is no page.
    """
    content = read_page(source)
    words = Wording(content.lang)
    return {path: _MAKERS[path.suffix](content, words) for path in beside(page)}

"""Look after the stores of raw rows: check them for damage, export them.

Not here: filling them (survey_tools.run.pull).
"""

from __future__ import annotations

from pathlib import Path

from survey_tools.errors import ParamsError
from survey_tools.kobo import Store
from survey_tools.params import Workspace


def check_stores(ws: Workspace) -> dict[str, list[str]]:
    """Look for damage in every store; see `survey_tools.kobo.Store.check`.

    Returns
    -------
    dict
        Form to complaints; an empty list where all is well. Forms never pulled are left out.

    Raises
    ------
    StoreError
        When a store is damaged so that it cannot be opened.
    """
    found: dict[str, list[str]] = {}
    for form in ws.study.forms:
        if ws.store(form).is_file():
            with Store.read(ws.store(form)) as store:
                found[form] = store.check()
    return found


def export_rows(ws: Workspace, form: str, path: Path, *, every_version: bool = False) -> int:
    """Write the raw rows of `form` as JSON Lines; they hold personal data.

    Returns
    -------
    int
        Lines written.

    Raises
    ------
    ParamsError
        When the study has no such form.
    StoreError
        When the form was never pulled, or the file cannot be written.
    """
    if form not in ws.study.forms:
        raise ParamsError(
            "The study has no such form.", expected=", ".join(ws.study.forms), found=form
        )
    with Store.read(ws.store(form)) as store:
        return store.export(path, every_version=every_version)

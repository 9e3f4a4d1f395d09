"""Check everything that a batch was asked for before a kernel starts, and tell all that is wrong at once.

Not here: which pages are out of date (`plan`), workers of a cluster (`cluster`), values as typed (`given`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from survey_tools.areas import read_areas
from survey_tools.errors import ParamsError, RunError
from survey_tools.params import Workspace
from survey_tools.run.batch.fingerprint import DISTRICT
from survey_tools.run.batch.given import REPORTS, check_extra
from survey_tools.run.batch.plan import COMMUNE_NOTEBOOK, check_lists, languages_of, no_results
from survey_tools.run.batch.problems import Problems
from survey_tools.run.batch.rules import check_next_steps
from survey_tools.run.files import check_space
from survey_tools.run.kernels.parameters import read_cells, read_parameters
from survey_tools.run.pipeline import STAGES

_LEFT = {
    "30_check": ("clean", "household", "20_clean"),
    "40_construct": ("clean", "household", "20_clean"),
    "50_estimate": ("analysis", "panel", "40_construct"),
}
"""Folder and table that a stage starts from, and the stage that makes it."""

_TABLES = ("communes", "outcomes", "teams")


def check_batch(
    ws: Workspace,
    run: str,
    communes: Sequence[str | int] | None = None,
    langs: Sequence[str] | None = None,
    *,
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    first: str | None = None,
) -> None:
    """Refuse a batch that could not go through, before anything is run.

    Looked at are the name and folder of the run, room on the disk, the communes and languages, the tables of
    `params/`, the notebooks with their parameters cells, and what the first stage starts from.

    Parameters
    ----------
    ws : Workspace
    run : str
    communes, langs : sequence, optional
        As given; all of the study by default.
    extra : mapping, optional
        Further parameters by file name of the notebook, as `given_parameters` returns them.
    first : str, optional
        Stage that the run begins with; None where only pages are made.

    Raises
    ------
    SurveyToolsError
        The one thing that is wrong; a RunError that lists them where there are several.
    """
    problems = Problems()
    with problems.noted():
        _check_folder(ws, run)
    _check_asked_for(ws, communes, langs, problems)
    for name in _TABLES:
        with problems.noted():
            ws.table(name)
    with problems.noted():
        _ = ws.plan
    with problems.noted():
        check_next_steps(ws)
    stages = []
    with problems.noted():
        stages = _stages(first)
        _check_start(ws, first)
    for notebook, needed in _notebooks(stages, communes).items():
        with problems.noted():
            _check_notebook(ws.notebooks / notebook, needed)
    for notebook, values in (extra or {}).items():
        with problems.noted():
            check_extra(ws, notebook, values)
    problems.tell()


def check_cluster(scheduler: str | None, share: str | None) -> None:
    """Refuse a cluster that cannot be reached, before hours of work that would need it in the end.

    Its workers are looked at when pages begin: until then they may come and go.

    Parameters
    ----------
    scheduler : str, optional
        Address of a Dask scheduler; None where all is done on this machine.
    share : str, optional
        fsspec URL of the folder through which data and pages travel.

    Raises
    ------
    RunError
        When there is a shared folder without a scheduler; Dask is not installed; the shared folder may
        not be used or cannot be written; or no scheduler answers.
    """
    if scheduler is None:
        if share is not None:
            raise RunError(
                "A shared folder is for a cluster, and no cluster was named.",
                expected="--scheduler beside --share, or neither",
                found="--share alone",
                next_step="give the address of the scheduler, such as --scheduler tcp://host:8786",
            )
        return
    from survey_tools.run.cluster.checks import connected, require_dask
    from survey_tools.run.cluster.share import Share

    require_dask()
    if share is not None:
        Share(share).open().try_out()
    with connected(scheduler, workers=False):
        pass


def _check_folder(ws: Workspace, run: str) -> None:
    folder = ws.reports(run)
    check_space(ws.root)
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise RunError(
            "The folder of the run cannot be written.",
            found=error.strerror or type(error).__name__,
            where=folder.relative_to(ws.root).as_posix(),
            next_step="make it a writable folder, or give another name with --run",
        ) from error
    check_space(there)


def _check_asked_for(
    ws: Workspace,
    communes: Sequence[str | int] | None,
    langs: Sequence[str] | None,
    problems: Problems,
) -> None:
    with problems.noted():
        areas, list_ = read_areas(ws.file("areas")), ws.study.areas.list_
        codes = {DISTRICT, *(unit.code for unit in areas.of(list_))}
        for commune in communes or ():
            if str(commune).strip() not in codes:
                with problems.noted():
                    areas.get(commune, list_)
        with problems.noted():
            check_lists(ws, areas)
    for lang in langs or ():
        with problems.noted():
            languages_of(ws, [lang])


def _stages(first: str | None) -> list[str]:
    if first is None:
        return []
    if first not in STAGES:
        raise RunError("There is no such stage.", expected=" or ".join(STAGES), found=repr(first))
    return list(STAGES[STAGES.index(first) :])


def _notebooks(
    stages: Iterable[str], communes: Sequence[str | int] | None
) -> dict[str, tuple[str, ...]]:
    """Name the notebooks that will run, with the parameters that they are handed."""
    needed: dict[str, tuple[str, ...]] = {f"{stage}.ipynb": ("run", "study") for stage in stages}
    only_district = communes is not None and set(map(str, communes)) <= {DISTRICT}
    return needed | {
        k: v for k, v in REPORTS.items() if not (only_district and k == COMMUNE_NOTEBOOK)
    }


def _check_notebook(path: Path, needed: Iterable[str]) -> None:
    """Assert that a notebook has one cell of parameters, which takes texts of the `needed` names."""
    try:
        marked = [
            cell.get("cell_type")
            for cell in read_cells(path)
            if "parameters" in cell.get("metadata", {}).get("tags", [])
        ]
    except (OSError, AttributeError, TypeError) as error:
        raise RunError(
            "The notebook cannot be read.", found=type(error).__name__, where=path.name
        ) from error
    if marked and marked != ["code"]:
        raise RunError(
            "The notebook's parameters cell is not one code cell.",
            expected="one code cell with the tag «parameters»",
            found=", ".join(f"a {kind} cell" for kind in marked),
            where=path.name,
            next_step="take the tag from the others in JupyterLab: Property Inspector, Cell Tags",
        )
    known = read_parameters(path)
    if missing := [name for name in needed if name not in known]:
        raise ParamsError(
            "The notebook lacks parameters that the run hands to it.",
            expected=", ".join(f"{name}: str" for name in missing),
            found=", ".join(known) or "none",
            where=f"{path.name}, the parameters cell",
        )
    if wrong := [f"{n}: {known[n].type.__name__}" for n in needed if known[n].type is not str]:
        raise ParamsError(
            "Parameters that the run hands to the notebook are no texts there.",
            expected="str",
            found=", ".join(wrong),
            where=f"{path.name}, the parameters cell",
        )


def _check_start(ws: Workspace, first: str | None) -> None:
    """Assert that what the run starts from is there."""
    if first is None:
        _check_results(ws)
    elif first == "20_clean":
        gone = [form for form in ws.study.forms if not ws.store(form).is_file()]
        if gone:
            raise RunError(
                "There are no raw rows to start from.",
                expected=f"a store of the forms {', '.join(gone)}",
                where=ws.raw.relative_to(ws.root).as_posix(),
                next_step="survey-tools pull",
            )
    elif first in _LEFT:
        folder, table, maker = _LEFT[first]
        path = Path(getattr(ws, folder)) / f"{table}.parquet"
        if not path.is_file():
            raise RunError(
                f"The stage {first} has nothing to start from.",
                expected=path.relative_to(ws.root).as_posix(),
                next_step=f"survey-tools run --from {maker}",
            )


def _check_results(ws: Workspace) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    paths = sorted(ws.results.glob("*.parquet"))
    if not paths:
        raise no_results()
    for path in paths:
        try:
            parquet.read_schema(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(
                "A table of results is damaged.",
                where=path.relative_to(ws.root).as_posix(),
                next_step="survey-tools run --from 50_estimate",
            ) from error

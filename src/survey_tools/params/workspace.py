"""Know where the workspace keeps things, and read the tables of `params/`; changes nothing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from survey_tools.errors import AreaError, ParamsError
from survey_tools.params.claims import Claims, read_claims
from survey_tools.params.next_steps import NextSteps, check_names
from survey_tools.params.plan import AnalysisPlan
from survey_tools.params.read import read_next_steps, read_plan, read_study
from survey_tools.params.study import Study

if TYPE_CHECKING:
    import pandas as pd

ROOT_VARIABLE = "SURVEY_TOOLS_ROOT"
DEFAULT_STUDY = "params/study.yml"
FIELD = "-field"
"""Ends the name of the folder of a run's field sheets."""

_RUN = re.compile(r"[^\W_][\w.-]*")


@dataclass(frozen=True)
class Workspace:
    """A study with the folders around it; nothing outside `root` is ever written."""

    root: Path
    study_path: Path
    study: Study

    @property
    def study_name(self) -> str:
        """The study file below the root, as the notebooks' parameter `study` and `--study` want it."""
        return self.study_path.relative_to(self.root).as_posix()

    @property
    def raw(self) -> Path:
        """Stores of raw rows of this study's server."""
        return self.root / "data" / "raw" / self.study.server.slug

    @property
    def private(self) -> Path:
        """Phones, positions and the list of drawn households."""
        return self.root / "data" / "private"

    @property
    def clean(self) -> Path:
        """Typed, linked tables without direct identifiers."""
        return self.root / "data" / "processed" / "clean"

    @property
    def analysis(self) -> Path:
        """Analysis tables: one row a household, one a household and wave, one a team."""
        return self.root / "data" / "processed" / "analysis"

    @property
    def results(self) -> Path:
        """Tidy estimates."""
        return self.root / "data" / "processed" / "results"

    @property
    def sandbox(self) -> Path:
        """The synthetic district that the built-in server serves."""
        return self.root / "data" / "sandbox"

    @property
    def notebooks(self) -> Path:
        """Notebook sources."""
        return self.root / "notebooks"

    def reports(self, run: str) -> Path:
        """Pages and record of one run.

        Raises
        ------
        ParamsError
            When the name of the run is no plain name of a folder, or that of the sheets of another run.
        """
        return self.root / "reports" / _run_name(run)

    def field_sheets(self, run: str) -> Path:
        """Sheets of the field supervisor: beside the pages of a run, not among them."""
        return self.root / "reports" / f"{_run_name(run)}{FIELD}"

    def store(self, form: str) -> Path:
        """Store of raw rows of `form`."""
        return self.raw / f"{form}.sqlite"

    def attachments(self, form: str) -> Path:
        """Folder of the files that rows of `form` carry: photos, audit logs."""
        return self.raw / f"{form}.files"

    def file(self, name: str) -> Path:
        """Path of a table named under `files:`."""
        return self.root / str(getattr(self.study.files, name))

    @property
    def plan(self) -> AnalysisPlan:
        """The analysis plan; see `read_plan` for errors."""
        return read_plan(self.file("analysis_plan"))

    @property
    def next_steps(self) -> NextSteps | None:
        """The rules of next steps, None where the study names none; see `read_next_steps` for errors."""
        if self.study.files.next_steps is None:
            return None
        path = self.file("next_steps")
        rules, outcomes = read_next_steps(path), self.table("outcomes")
        scales = dict(zip(outcomes["outcome"], outcomes["scale"], strict=True))
        check_names(rules, scales, self.study.report.outreach, f"{path.parent.name}/{path.name}")
        return rules

    @property
    def claims(self) -> Claims | None:
        """The statements with their readings, None where the study names none; see `read_claims`."""
        if self.study.files.claims is None:
            return None
        return read_claims(self.file("claims"), self.file("claim_readings"))

    def table(self, name: str) -> pd.DataFrame:
        """Read a table named under `files:`, every column as text but the counts it is known for.

        Text is in Unicode NFC, however the file spells it. A table with codes of areas gets the column
        `area_list`, where it has none: its codes are then taken to be of the list that the study names,
        and `attrs["list_assumed"]` is True.

        Raises
        ------
        ParamsError
            When there is no such file.
        AreaError
            When the file says that codes are of another list, or codes of one row name two places.
        """
        import pandas as pd

        path = self.file(name)
        if not path.is_file():
            raise ParamsError(
                f"The table «{name}» is missing.",
                expected="a CSV file",
                where=str(path.relative_to(self.root)),
                next_step=f"write it, or correct files.{name} in {self.study_path.name}",
            )
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        frame = frame.apply(lambda column: column.str.normalize("NFC"))
        counts = [c for c in frame.columns if c in _COUNTS or c.startswith("hh_size_")]
        frame = frame.astype(dict.fromkeys(counts, "int64"))
        if name not in _WITH_CODES:
            return frame
        return _of_list(frame, self.study.areas.list_, str(path.relative_to(self.root)))


_WITH_CODES = ("communes", "teams", "sample")

_COUNTS = frozenset(
    {"households", "intensive", "households_2019", "population_2019", "tile_row", "tile_col"}
)


def open_workspace(study: str | Path = DEFAULT_STUDY) -> Workspace:
    """Find a study file and read it.

    A relative path is looked for in the folder that the environment variable `SURVEY_TOOLS_ROOT` names
    or, without it, in the current folder and those above, so that a notebook finds it from `notebooks/`.

    Raises
    ------
    ParamsError
        When there is no such file, or a key is unknown, missing or wrong.
    """
    path = _find(Path(study))
    root = path.parent.parent
    return Workspace(root=root, study_path=path, study=read_study(path))


def _run_name(run: str) -> str:
    if not _RUN.fullmatch(run) or run.endswith(FIELD):
        raise ParamsError(
            "The name of the run cannot be used.",
            expected=f"letters, digits, point, - and _, such as 2026-wave2; not ending in {FIELD}",
            found=repr(run),
            next_step="give another name with --run, or in the notebook's parameter run",
        )
    return run


def _find(path: Path) -> Path:
    if path.is_absolute():
        candidates = [path]
    elif root := os.environ.get(ROOT_VARIABLE):
        candidates = [Path(root) / path]
    else:
        here = Path.cwd()
        candidates = [folder / path for folder in (here, *here.parents)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise ParamsError(
        "There is no such study file.",
        expected=str(path),
        found="nothing in this folder or above it",
        where=str(Path.cwd()),
        next_step="go to the workspace (the folder that holds params/), or name the file with --study",
    )


def _of_list(frame: pd.DataFrame, list_: str, file: str) -> pd.DataFrame:
    """Assert that the codes of a table are of the study's list of areas, and say so in a column."""
    assumed = "area_list" not in frame
    said = frame.assign(area_list=list_)["area_list"] if assumed else frame["area_list"].fillna("—")
    foreign = said[said != list_]
    if not foreign.empty:
        raise AreaError(
            "Codes are of another list of areas than the study's: one code may be two places.",
            expected=f"area_list {list_} in every row",
            found=f"{len(foreign)} of {len(frame)} row(s) of {' and '.join(sorted(set(foreign)))}",
            where=f"{file}, column area_list",
            next_step=f"give the codes of the list {list_}, or correct areas.list in the study file",
        )
    _refuse_two_places(frame, list_, file)
    marked = frame.assign(area_list=said)
    marked.attrs["list_assumed"] = assumed
    return marked


def _refuse_two_places(frame: pd.DataFrame, list_: str, file: str) -> None:
    """Assert that household, team and commune code of a row begin with the code of one commune."""
    codes = [column for column in ("hhid", "team_id", "commune_code") if column in frame]
    places = {column: frame[column].str.slice(0, 5) for column in codes}
    wrong = sum(
        int((places[one].ne(places[two]) & places[one].notna() & places[two].notna()).sum())
        for one, two in pairwise(codes)
    )
    if wrong:
        raise AreaError(
            "The codes of a row name two places.",
            expected=f"{', '.join(codes)} that begin with one commune's code of the list {list_}",
            found=f"{wrong} time(s) two codes",
            where=file,
            next_step="look whether a column holds codes of a later list, in which some name other places",
        )

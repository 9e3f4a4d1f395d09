"""Read `params/` into typed, frozen models and know where the workspace keeps things.

A key that is unknown, missing or of the wrong type is an error naming file and key. No statistical
default lives here: what the study decides stands in `params/study.yml`.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from unicodedata import normalize

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from survey_tools.errors import AreaError, ParamsError

if TYPE_CHECKING:
    import pandas as pd

ROOT_VARIABLE = "SURVEY_TOOLS_ROOT"
DEFAULT_STUDY = "params/study.yml"

Form = Literal["household", "team_log", "site"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyCard(_Model):
    """What the study is called and whether its answers are simulated."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title_vi: str
    title_en: str
    synthetic: bool


class ServerSettings(_Model):
    """Address of the KoboToolbox server (`sandbox` is the built-in one), and which files a pull fetches."""

    url: str
    files: Literal["none", "audit", "all"]

    @property
    def is_sandbox(self) -> bool:
        """Whether the built-in server with the synthetic district is meant."""
        return self.url == "sandbox"

    @property
    def slug(self) -> str:
        """Folder name under `data/raw/`: rows of two servers never share a store."""
        return self.url.split("://")[-1].strip("/").replace("/", "_").replace(":", "-")


class FormSettings(_Model):
    """Where a form is on the server, and its XLSForm and register in the workspace."""

    uid: str
    xlsform: str
    register_: Annotated[str, Field(alias="register")]


class RenamedQuestion(_Model):
    """A question that an older form version had under another path."""

    form: Form
    old: str
    new: str


class Files(_Model):
    """Tables of `params/`, and the list of drawn households (personal data, outside git)."""

    communes: str
    areas: str
    teams: str
    outcomes: str
    outcomes_alternative: str
    corrections: str
    sample: str


class AreaSettings(_Model):
    """The dated list of units that the survey's codes belong to."""

    list_: Annotated[str, Field(alias="list")]


class Waves(_Model):
    """Survey waves in order; the effect is measured at `endline`, adjusted for `baseline`."""

    baseline: str
    all: tuple[str, ...]
    endline: str

    @model_validator(mode="after")
    def _named_waves_exist(self) -> Waves:
        for name in (self.baseline, self.endline):
            if name not in self.all:
                raise ValueError(f"{name} is not among all: {', '.join(self.all)}")
        return self


class IdentitySettings(_Model):
    """Share of followed-up interviews that may look like another household before the run stops."""

    max_other_households: Annotated[float, Field(ge=0, lt=1)]


class DesignSettings(_Model):
    """How outreach was assigned and how its effect is estimated."""

    kind: Literal["stratified_cluster_randomised"]
    treatment: str
    cluster: str
    stratum: str
    assignment_seed: int
    households_per_team: Annotated[int, Field(gt=0)]
    reached: str
    controls: tuple[str, ...]
    estimator: Literal["ancova", "difference"]
    interval: Annotated[float, Field(gt=0.5, lt=1)]
    seed: int


class DisclosureSettings(_Model):
    """From how many answers a figure may be shown."""

    show_from: Annotated[int, Field(ge=1)]
    round_from: Annotated[int, Field(ge=1)]
    hide_counts_to: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _rounding_comes_first(self) -> DisclosureSettings:
        if self.round_from > self.show_from:
            raise ValueError("round_from must not be above show_from")
        return self


class ReportSettings(_Model):
    """Languages of the pages, outcomes that a commune page leads with, and further lists of areas."""

    languages: tuple[Literal["vi", "en"], ...]
    main_outcomes: tuple[str, ...]
    area_lists: tuple[str, ...]


class Check(_Model):
    """One field check, switched on or off."""

    use: bool


class ShareCheck(Check):
    """Flags what surely (95 %) passes a share; groups with fewer than `least` answers are left alone."""

    share: Annotated[float, Field(gt=0, le=1)]
    least: Annotated[int, Field(ge=1)]


class YearsCheck(Check):
    """Flags ages that are more than `years` off."""

    years: Annotated[float, Field(gt=0)]


class MinutesCheck(Check):
    """Flags what took fewer than `minutes`."""

    minutes: Annotated[float, Field(gt=0)]


class DaysCheck(Check):
    """Flags what comes more than `days` late."""

    days: Annotated[float, Field(ge=0)]


class DistanceCheck(Check):
    """Flags positions more than `km` from the middle of the team; it takes `least` positions."""

    km: Annotated[float, Field(gt=0)]
    least: Annotated[int, Field(ge=2)]


class HoursCheck(Check):
    """Flags starts outside `first` to `last` o'clock, local time."""

    first: Annotated[int, Field(ge=0, le=23)]
    last: Annotated[int, Field(ge=1, le=24)]


class RequiredCheck(Check):
    """Flags interviews without an answer to one of the `variables`."""

    variables: tuple[str, ...]


class MissingCheck(ShareCheck):
    """Flags questions whose share of `codes` (not known, refused) passes `share`."""

    codes: tuple[str, ...]


class OutlierCheck(Check):
    """Flags robust distances above `z` within a wave; of `logs` the logarithm is looked at."""

    z: Annotated[float, Field(gt=0)]
    least: Annotated[int, Field(ge=3)]
    variables: tuple[str, ...]
    logs: tuple[str, ...]


class LogicRule(_Model):
    """Answers that contradict each other: `when` is an expression over columns of an interview."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    when: str
    variable: str
    vi: str
    en: str


class LogicCheck(Check):
    """Flags interviews for which a rule's `when` is true."""

    rules: tuple[LogicRule, ...]


class OtherCheck(Check):
    """Flags texts behind "other" that match a listed choice; `notes` hold them as «question: text»."""

    notes: tuple[str, ...]


class TimeCheck(Check):
    """Flags groups of questions answered in less time a question than `z` robust distances allow."""

    z: Annotated[float, Field(gt=0)]
    least: Annotated[int, Field(ge=3)]
    groups: tuple[str, ...]


class ConsentCheck(Check):
    """Flags answers given without the consent that they are `gated` by: consent -> questions."""

    gated: dict[str, tuple[str, ...]]


class EnumeratorCheck(Check):
    """Flags enumerators unlike the others.

    `least` rows a wave, `z` robust distances, `gap` as a share; see
    `survey_tools.clean.enumerators.unusual_shares`.
    """

    least: Annotated[int, Field(ge=2)]
    z: Annotated[float, Field(gt=0)]
    gap: Annotated[float, Field(ge=0, lt=1)]


class CodesCheck(EnumeratorCheck):
    """The same for the share of `codes` among an enumerator's answers."""

    codes: tuple[str, ...]


class BatteryCheck(EnumeratorCheck):
    """The same for the share of interviews that answer every battery of questions alike."""

    batteries: tuple[tuple[str, ...], ...]


class DigitCheck(EnumeratorCheck):
    """The same for the share of numbers that end in 0 or 5, from `above` on."""

    variables: dict[str, int]


class EffectCheck(Check):
    """Flags enumerators whose outcomes differ, at the false discovery rate `alpha`, by `gap` or more.

    `outcomes` names a question and the codes that count as yes.
    """

    alpha: Annotated[float, Field(gt=0, lt=1)]
    gap: Annotated[float, Field(ge=0, lt=1)]
    least: Annotated[int, Field(ge=2)]
    outcomes: dict[str, tuple[str, ...]]


class ProgressCheck(Check):
    """Flags teams with fewer than `share` of their households interviewed."""

    share: Annotated[float, Field(gt=0, le=1)]


class PairCheck(Check):
    """Flags pairs with at least `share` equal among at least `least` questions answered by both.

    Within an enumerator and wave, or a team and wave; a block of more than `block` rows is split by team.
    """

    share: Annotated[float, Field(gt=0, le=1)]
    least: Annotated[int, Field(ge=1)]
    block: Annotated[int, Field(ge=2)]


class BackcheckCheck(Check):
    """Flags answers that differ in the back-check.

    `types` lists the questions by type: 1 should never differ, 2 asks skill of the enumerator, 3 may
    change with time (Innovations for Poverty Action). `ranges` holds by how much a number may differ.
    """

    types: dict[Literal[1, 2, 3], tuple[str, ...]]
    ranges: dict[str, float]

    @model_validator(mode="after")
    def _one_type_a_question(self) -> BackcheckCheck:
        names = [name for group in self.types.values() for name in group]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"more than one type for {', '.join(twice)}")
        return self


class BackcheckRateCheck(Check):
    """Flags enumerators and questions whose error rate is surely (95 %) above the `limits` by type."""

    limits: dict[Literal[1, 2, 3], float]
    least: Annotated[int, Field(ge=1)]


class CheckSettings(_Model):
    """Every field check with its switch and thresholds; docs/field_checks.md says what each finds."""

    zone: str
    dropped: Check
    duplicate: Check
    household_code: Check
    same_visit: Check
    head_changed: YearsCheck
    edited: Check
    answer_unreadable: Check
    answer_outside_limits: Check
    answer_malformed: Check
    choice_unknown: Check
    question_unknown: Check
    required: RequiredCheck
    missing: MissingCheck
    outlier: OutlierCheck
    constraint: Check
    logic: LogicCheck
    other_listed: OtherCheck
    other_share: ShareCheck
    personal_text: Check
    short_interview: MinutesCheck
    active_time: MinutesCheck
    audit_missing: Check
    group_time: TimeCheck
    odd_hour: HoursCheck
    overlap: MinutesCheck
    form_version: DaysCheck
    consent: ConsentCheck
    refusals: EnumeratorCheck
    dont_know: CodesCheck
    straight_lining: BatteryCheck
    age_heaping: DigitCheck
    enumerator_effect: EffectCheck
    gps_far: DistanceCheck
    progress: ProgressCheck
    missing_month: Check
    near_identical: PairCheck
    backcheck: BackcheckCheck
    backcheck_rate: BackcheckRateCheck


class Recoding(_Model):
    """How a variable is coarsened before it is released; one of the three.

    `from`: the lower ends of bands, the last of which is open: [18, 30] makes 18-29 and 30+. What lies below
    the first is missing. `top`: what is above counts as this and more. `join`: new code -> codes that it takes
    the place of; one that is nowhere named is missing.
    """

    from_: Annotated[tuple[int, ...] | None, Field(alias="from", min_length=1)] = None
    top: int | None = None
    join: dict[str, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Recoding:
        given = [rule for rule in (self.from_, self.top, self.join) if rule is not None]
        if len(given) != 1:
            raise ValueError("give one of from, top, join")
        if self.from_ is not None and any(b <= a for a, b in pairwise(self.from_)):
            raise ValueError("the lower ends of bands must rise")
        return self


class ReleaseSettings(_Model):
    """De-identified micro-data for other researchers; docs/erase_and_release.md says what each means.

    Attributes
    ----------
    k : int
        Households that share a combination of what may be known of them, and teams that share area and arm.
    area_list : str
        List of units by which the place is told.
    teams : bool
        Whether each household has a random number of its team.
    quasi : tuple of str
        Variables of a household that may be known from elsewhere; suppressed from the last on.
    answers : tuple of str
        Variables of a household and wave.
    sensitive : tuple of str
        Those of `answers` that may go although the register calls them sensitive.
    recode : dict
        Rules of coarsening by variable.
    terms : str
        Licence or terms of use, or empty.
    """

    k: Annotated[int, Field(ge=2)]
    area_list: str
    teams: bool
    quasi: tuple[str, ...]
    answers: tuple[str, ...]
    sensitive: tuple[str, ...]
    recode: dict[str, Recoding]
    terms: str

    @model_validator(mode="after")
    def _names_fit(self) -> ReleaseSettings:
        names = [*self.quasi, *self.answers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named twice in quasi and answers: {', '.join(twice)}")
        if strange := sorted(set(self.sensitive) - set(self.answers)):
            raise ValueError(f"sensitive, but not among answers: {', '.join(strange)}")
        if strange := sorted(set(self.recode) - set(names)):
            raise ValueError(f"recoded, but neither in quasi nor in answers: {', '.join(strange)}")
        return self


class Study(_Model):
    """All research decisions, as `params/study.yml` states them."""

    study: StudyCard
    server: ServerSettings
    forms: dict[Form, FormSettings]
    renamed_questions: tuple[RenamedQuestion, ...]
    files: Files
    areas: AreaSettings
    waves: Waves
    identity: IdentitySettings
    design: DesignSettings
    disclosure: DisclosureSettings
    report: ReportSettings
    checks: CheckSettings
    release: ReleaseSettings

    def renames(self, form: str) -> dict[str, str]:
        """Map old paths of `form` to the paths in force."""
        return {item.old: item.new for item in self.renamed_questions if item.form == form}


@dataclass(frozen=True)
class Workspace:
    """A study with the folders around it; nothing outside `root` is ever written."""

    root: Path
    study_path: Path
    study: Study

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
        """Pages and record of one run."""
        return self.root / "reports" / run

    def store(self, form: str) -> Path:
        """Store of raw rows of `form`."""
        return self.raw / f"{form}.sqlite"

    def attachments(self, form: str) -> Path:
        """Folder of the files that rows of `form` carry: photos, audit logs."""
        return self.raw / f"{form}.files"

    def file(self, name: str) -> Path:
        """Path of a table named under `files:`."""
        return self.root / str(getattr(self.study.files, name))

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


def read_study(path: Path) -> Study:
    """Read one study file; see `open_workspace` for errors."""
    try:
        content = yaml.safe_load(normalize("NFC", path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ParamsError(
            "The study file is not valid YAML.", found=str(error).splitlines()[0], where=path.name
        ) from error
    if not isinstance(content, dict):
        raise ParamsError("The study file holds no keys.", expected="study: …", where=path.name)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise _study_error(error, path) from error


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


def _study_error(error: ValidationError, path: Path) -> ParamsError:
    lines = [_one_problem(dict(problem)) for problem in error.errors()]
    return ParamsError(
        f"The study file has {len(lines)} wrong key(s): " + "; ".join(lines) + ".",
        where=f"{path.parent.name}/{path.name}",
        next_step="correct the file; the keys are explained in it and in docs/",
    )


def _one_problem(problem: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), sorted(_known_keys()), n=1)
        return f"«{place}» is unknown" + (f" (did you mean «{near[0]}»?)" if near else "")
    if problem["type"] == "missing":
        return f"«{place}» is missing"
    return f"«{place}»: {problem['msg']}, found {problem['input']!r}"


def _known_keys() -> set[str]:
    fields = [field for model in _models(_Model) for field in model.model_fields.items()]
    return {field.alias or name for name, field in fields}


def _models(base: type[BaseModel]) -> list[type[BaseModel]]:
    found = base.__subclasses__()
    return [model for child in found for model in (child, *_models(child))]

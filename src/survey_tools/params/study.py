"""All research decisions as typed, frozen models; reads no file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_tools.params.checks import CheckSettings
from survey_tools.params.model import Model
from survey_tools.params.release import ReleaseSettings

Form = Literal["household", "team_log", "site"]


class StudyCard(Model):
    """What the study is called and whether its answers are simulated."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title_vi: str
    title_en: str
    synthetic: bool


class ServerSettings(Model):
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


class FormSettings(Model):
    """Where a form is on the server, and its XLSForm and register in the workspace."""

    uid: str
    xlsform: str
    register_: Annotated[str, Field(alias="register")]


class RenamedQuestion(Model):
    """A question that an older form version had under another path."""

    form: Form
    old: str
    new: str


class Files(Model):
    """Tables of `params/`, and the list of drawn households (personal data, outside git).

    Without `next_steps` the pages suggest none; without `claims` and `claim_readings` the district page
    holds no statements against the data.
    """

    communes: str
    areas: str
    teams: str
    outcomes: str
    outcomes_alternative: str
    analysis_plan: str
    corrections: str
    sample: str
    next_steps: str | None = None
    claims: str | None = None
    claim_readings: str | None = None

    @model_validator(mode="after")
    def _claims_have_readings(self) -> Files:
        if (self.claims is None) != (self.claim_readings is None):
            raise ValueError("claims and claim_readings are given together or not at all")
        return self


class AreaSettings(Model):
    """The dated list of units that the survey's codes belong to."""

    list_: Annotated[str, Field(alias="list")]


class Waves(Model):
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


class IdentitySettings(Model):
    """Share of followed-up interviews that may look like another household before the run stops."""

    max_other_households: Annotated[float, Field(ge=0, lt=1)]


class BeganSettings(Model):
    """From when intensive outreach can be felt: the first wave, and the first period of recalled dates."""

    wave: str
    period: str


class DesignSettings(Model):
    """How outreach was assigned and how its effect is estimated."""

    kind: Literal[
        "stratified_cluster_randomised",
        "difference_in_differences",
        "staggered",
        "observational",
    ]
    treatment: str
    cluster: str
    stratum: str
    assignment_seed: int
    households_per_team: Annotated[int, Field(gt=0)]
    reached: str
    began: BeganSettings
    controls: tuple[str, ...]
    weights: str | None
    estimator: Literal["ancova", "difference"]
    interval: Annotated[float, Field(gt=0.5, lt=1)]
    seed: int
    draws: Annotated[int, Field(ge=99)]


class DisclosureSettings(Model):
    """From how many answers a figure may be shown."""

    show_from: Annotated[int, Field(ge=1)]
    round_from: Annotated[int, Field(ge=1)]
    hide_counts_to: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _rounding_comes_first(self) -> DisclosureSettings:
        if self.round_from > self.show_from:
            raise ValueError("round_from must not be above show_from")
        return self


class ReportSettings(Model):
    """Languages of the pages, outcomes that a commune page leads with, further lists of areas, outreach.

    `outreach` names columns of the panel that say what outreach a household received, with the scale of
    each: they are described, and are no outcomes of the plan. The index flags an area where fewer than the
    share `low_response` of the households drawn answered at the endline.
    """

    languages: tuple[Literal["vi", "en"], ...]
    main_outcomes: tuple[str, ...]
    area_lists: tuple[str, ...]
    low_response: Annotated[float, Field(ge=0, le=1)] = 0.8
    outreach: Annotated[dict[str, Literal["binary", "count"]], Field(default_factory=dict)]


class Study(Model):
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

"""Settings of the field checks: a switch and thresholds each; says nothing of what they find."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_tools.params.model import Model


class Check(Model):
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


class LogicRule(Model):
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
    `survey_tools.clean.checks.enumerators.unusual_shares`.
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


class CheckSettings(Model):
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

"""Rules by which a commune's figures suggest next steps, as typed, frozen models; looks at no figure.

Not here: whether a rule holds (survey_tools.report.commune.steps).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_tools.errors import ParamsError
from survey_tools.params.model import Model, Text

MOST = 5
"""Steps that a page can hold, whatever the file says."""


class Beyond(Model):
    """A condition on a figure with an interval: the whole of it lies below, or above, a threshold."""

    of: str
    below: float | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Beyond:
        if (self.below is None) == (self.above is None):
            raise ValueError("give one of below, above")
        return self


class LevelCondition(Beyond):
    """The level of an outcome or of an outreach measure at the endline, in everybody or a group."""

    figure: Literal["level"]
    group: Literal["all", "women", "men", "age60", "poor", "sellers"] = "all"


class ChangeCondition(Beyond):
    """The change of an outcome from baseline to endline, in everybody or a group."""

    figure: Literal["change"]
    group: Literal["all", "women", "men", "age60", "poor", "sellers"] = "all"


class GapCondition(Beyond):
    """How far the level of a group at the endline is from that of everybody."""

    figure: Literal["gap"]
    group: Literal["women", "age60", "poor", "sellers"]


class ChoiceCondition(Model):
    """A choice of a question with several, at the endline.

    It is among the first so many of those that may be shown, or the whole interval of its share lies above
    a threshold.
    """

    figure: Literal["choice"]
    question: str
    choice: str
    among_first: Annotated[int | None, Field(ge=1)] = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ChoiceCondition:
        if (self.among_first is None) == (self.above is None):
            raise ValueError("give one of among_first, above")
        return self


Condition = LevelCondition | ChangeCondition | GapCondition | ChoiceCondition


class NextStep(Model):
    """A step that teams are told of where its condition holds; a lower priority comes first."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    priority: Annotated[int, Field(ge=1)]
    when: Annotated[Condition, Field(discriminator="figure")]
    vi: Text
    en: Text


class NextSteps(Model):
    """All rules, and how many steps a page has at most."""

    most: Annotated[int, Field(ge=1, le=MOST)]
    steps: tuple[NextStep, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> NextSteps:
        ids = [step.id for step in self.steps]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"the same id twice: {', '.join(twice)}")
        return self

    @property
    def ordered(self) -> tuple[NextStep, ...]:
        """The steps by priority, those of the same in the order of the file."""
        return tuple(sorted(self.steps, key=lambda step: step.priority))


def check_names(
    steps: NextSteps, outcomes: dict[str, str], outreach: Collection[str], where: str
) -> None:
    """Assert that every rule asks for a figure that there is.

    Parameters
    ----------
    steps : NextSteps
    outcomes : dict
        Scale of each outcome; an index has no change.
    outreach : collection of str
        Measures of outreach, which have levels only.
    where : str
        File of the rules.

    Raises
    ------
    ParamsError
        Names the rule and what it asks for.
    """
    for step in steps.steps:
        if isinstance(step.when, ChoiceCondition):
            continue
        known = {"level": {*outcomes, *outreach}, "gap": set(outcomes)}.get(
            step.when.figure, {name for name, scale in outcomes.items() if scale != "index"}
        )
        if step.when.of not in known:
            raise ParamsError(
                f"A rule asks for the {step.when.figure} of something that has none.",
                expected="one of " + ", ".join(sorted(known)),
                found=step.when.of,
                where=f"{where}, step {step.id}",
                next_step="correct `of`, or list the measure under report.outreach of the study file",
            )

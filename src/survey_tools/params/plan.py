"""The analysis plan as a typed, frozen model; reads no file and knows no result."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_tools.params.model import Model, Text

Role = Literal["main", "secondary", "robustness", "threat", "warning"]


class PlannedAnalysis(Model):
    """One kind of analysis that the plan foresees: what is looked at, of which outcomes, in which role.

    `analysis` is the estimand, method, estimator or group as the table of results names it.
    """

    table: str
    analysis: str
    outcomes: Literal["all", "main", "none"] | tuple[str, ...]
    role: Role


class PlanChange(Model):
    """A change of the plan after it was registered, and why."""

    date: date
    what: Text
    why: Text


class AnalysisPlan(Model):
    """What was decided before the endline was seen.

    Attributes
    ----------
    registered : date
        Day from which the plan stands.
    main_estimand : str
        Estimand of the table `effects` that answers the question of the study.
    alpha : float
        Level of the tests, family-wise within a family of outcomes.
    """

    registered: date
    main_estimand: str
    alpha: Annotated[float, Field(gt=0, lt=0.5)]
    analyses: tuple[PlannedAnalysis, ...]
    changes: tuple[PlanChange, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that an effect is looked at in, in the order of the plan."""
        return tuple(one.analysis for one in self.analyses if one.table == "heterogeneity")

    @model_validator(mode="after")
    def _main_is_planned(self) -> AnalysisPlan:
        mains = {one.analysis for one in self.analyses if one.table == "effects"}
        if self.main_estimand not in mains:
            raise ValueError(f"{self.main_estimand} is not among the analyses of effects")
        return self

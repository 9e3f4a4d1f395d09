"""The analysis plan in machine form: what it names is estimated, and held against what was run."""

from survey_tools.estimate.plan.deviations import (
    EXPLORATORY,
    TABLES,
    deviations,
    planned,
    with_role,
)
from survey_tools.estimate.plan.events import Recalled, planned_events
from survey_tools.estimate.plan.fit import check_plan
from survey_tools.estimate.plan.run import AnalysisTables, planned_effects, planned_overlap

__all__ = [
    "EXPLORATORY",
    "TABLES",
    "AnalysisTables",
    "Recalled",
    "check_plan",
    "deviations",
    "planned",
    "planned_effects",
    "planned_events",
    "planned_overlap",
    "with_role",
]

"""The analysis plan in machine form: what it names is estimated, and held against what was run."""

from survey_tools.estimate.plan.deviations import (
    EXPLORATORY,
    TABLES,
    deviations,
    planned,
    with_role,
)
from survey_tools.estimate.plan.events import Recalled, planned_events
from survey_tools.estimate.plan.run import AnalysisTables, planned_effects

__all__ = [
    "EXPLORATORY",
    "TABLES",
    "AnalysisTables",
    "Recalled",
    "deviations",
    "planned",
    "planned_effects",
    "planned_events",
    "with_role",
]

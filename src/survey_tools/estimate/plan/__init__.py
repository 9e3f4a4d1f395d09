"""The analysis plan in machine form, held against what was run."""

from survey_tools.estimate.plan.deviations import (
    EXPLORATORY,
    TABLES,
    deviations,
    planned,
    with_role,
)

__all__ = ["EXPLORATORY", "TABLES", "deviations", "planned", "with_role"]

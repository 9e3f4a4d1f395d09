"""One call an estimand: what outreach changed, by each design that the data can carry."""

from survey_tools.estimate.effects.assignment_effects import (
    effects,
    first_stage,
    itt,
    itt_unadjusted,
    late,
    naive,
)

__all__ = ["effects", "first_stage", "itt", "itt_unadjusted", "late", "naive"]

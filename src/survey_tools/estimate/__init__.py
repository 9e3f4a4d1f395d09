"""Estimate effects and levels from analysis tables; reads no raw data and formats nothing."""

from survey_tools.estimate.communes import Pooled, commune_effects, pool
from survey_tools.estimate.design import Design, draw_assignment
from survey_tools.estimate.effects import (
    effects,
    first_stage,
    itt,
    itt_lin,
    itt_unadjusted,
    late,
    naive,
)
from survey_tools.estimate.icc import icc, variance_components
from survey_tools.estimate.levels import choices, in_list, levels, levels_by_area
from survey_tools.estimate.results import write_results
from survey_tools.estimate.threats import attrition, balance, balance_joint

__all__ = [
    "Design",
    "Pooled",
    "attrition",
    "balance",
    "balance_joint",
    "choices",
    "commune_effects",
    "draw_assignment",
    "effects",
    "first_stage",
    "icc",
    "in_list",
    "itt",
    "itt_lin",
    "itt_unadjusted",
    "late",
    "levels",
    "levels_by_area",
    "naive",
    "pool",
    "variance_components",
    "write_results",
]

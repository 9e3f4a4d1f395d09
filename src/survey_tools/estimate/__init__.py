"""Estimate effects and levels from analysis tables; reads no raw data and formats nothing."""

from survey_tools.estimate.areas import in_list, levels_by_area
from survey_tools.estimate.assignment import draw_assignment
from survey_tools.estimate.balance import attrition, balance, balance_joint
from survey_tools.estimate.communes import commune_effects
from survey_tools.estimate.design import Design
from survey_tools.estimate.effects import effects, first_stage, itt, itt_unadjusted, late, naive
from survey_tools.estimate.icc import icc, variance_components
from survey_tools.estimate.levels import choices, levels
from survey_tools.estimate.pooling import Pooled, pool
from survey_tools.estimate.results import write_results

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
    "itt_unadjusted",
    "late",
    "levels",
    "levels_by_area",
    "naive",
    "pool",
    "variance_components",
    "write_results",
]

"""Estimate effects and levels from analysis tables; reads no raw data and formats nothing."""

from survey_tools.estimate.communes import Pooled, commune_effects, mixed_check, pool
from survey_tools.estimate.design import Design, Draw, draw_assignment, draw_sample
from survey_tools.estimate.effects import (
    aipw,
    dose_bins,
    effects,
    family_table,
    first_stage,
    heterogeneity,
    itt,
    itt_lin,
    itt_unadjusted,
    itt_weighted,
    late,
    naive,
    overlap_table,
    spillover,
)
from survey_tools.estimate.effects.adoption import adoption
from survey_tools.estimate.effects.did import did
from survey_tools.estimate.effects.staggered import staggered
from survey_tools.estimate.icc import icc, variance_components
from survey_tools.estimate.inference import (
    inference_table,
    randomisation_test,
    redraw,
    romano_wolf,
    sharpened_q,
    wild_bootstrap,
)
from survey_tools.estimate.levels import choices, in_list, levels, levels_by_area, levels_weighted
from survey_tools.estimate.plan import (
    AnalysisTables,
    Recalled,
    deviations,
    planned,
    planned_effects,
    planned_events,
    with_role,
)
from survey_tools.estimate.power import detectable, power_curve, smallest_detectable
from survey_tools.estimate.results import write_results
from survey_tools.estimate.threats import (
    attrition,
    attrition_test,
    balance,
    balance_joint,
    leave_one_out,
    lee_bounds,
    sensitivity,
    sensitivity_bounds,
)
from survey_tools.estimate.threats.honest import honest

__all__ = [
    "AnalysisTables",
    "Design",
    "Draw",
    "Pooled",
    "Recalled",
    "adoption",
    "aipw",
    "attrition",
    "attrition_test",
    "balance",
    "balance_joint",
    "choices",
    "commune_effects",
    "detectable",
    "deviations",
    "did",
    "dose_bins",
    "draw_assignment",
    "draw_sample",
    "effects",
    "family_table",
    "first_stage",
    "heterogeneity",
    "honest",
    "icc",
    "in_list",
    "inference_table",
    "itt",
    "itt_lin",
    "itt_unadjusted",
    "itt_weighted",
    "late",
    "leave_one_out",
    "lee_bounds",
    "levels",
    "levels_by_area",
    "levels_weighted",
    "mixed_check",
    "naive",
    "overlap_table",
    "planned",
    "planned_effects",
    "planned_events",
    "pool",
    "power_curve",
    "randomisation_test",
    "redraw",
    "romano_wolf",
    "sensitivity",
    "sensitivity_bounds",
    "sharpened_q",
    "smallest_detectable",
    "spillover",
    "staggered",
    "variance_components",
    "wild_bootstrap",
    "with_role",
    "write_results",
]

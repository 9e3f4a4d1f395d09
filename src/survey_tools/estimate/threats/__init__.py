"""What could make an estimate wrong: imbalance, attrition, hidden causes, one commune alone."""

from survey_tools.estimate.threats.attrition import attrition, attrition_test, itt_ipw_attrition
from survey_tools.estimate.threats.balance import balance, balance_joint
from survey_tools.estimate.threats.confounding import Confoundable, benchmark_strength
from survey_tools.estimate.threats.honest import breakdown, honest
from survey_tools.estimate.threats.leave_out import leave_one_out, leave_one_out_summary
from survey_tools.estimate.threats.lee import lee_bounds
from survey_tools.estimate.threats.placebo import (
    placebo_assignment,
    placebo_baseline,
    placebo_outcome,
)
from survey_tools.estimate.threats.sensitivity import sensitivity, sensitivity_bounds

__all__ = [
    "Confoundable",
    "attrition",
    "attrition_test",
    "balance",
    "balance_joint",
    "benchmark_strength",
    "breakdown",
    "honest",
    "itt_ipw_attrition",
    "leave_one_out",
    "leave_one_out_summary",
    "lee_bounds",
    "placebo_assignment",
    "placebo_baseline",
    "placebo_outcome",
    "sensitivity",
    "sensitivity_bounds",
]

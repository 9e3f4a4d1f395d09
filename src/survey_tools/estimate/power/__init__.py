"""What a design can detect: by formula, by simulation, and for the study at hand."""

from survey_tools.estimate.power.formula import (
    PowerDesign,
    clusters_needed,
    households_needed,
    multiplier,
    power_at,
    share_sd,
    smallest_detectable,
)
from survey_tools.estimate.power.simulation import power_curve
from survey_tools.estimate.power.table import detectable

__all__ = [
    "PowerDesign",
    "clusters_needed",
    "detectable",
    "households_needed",
    "multiplier",
    "power_at",
    "power_curve",
    "share_sd",
    "smallest_detectable",
]

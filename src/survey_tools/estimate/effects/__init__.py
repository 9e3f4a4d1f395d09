"""One call an estimand: what outreach changed, by each design that the data can carry."""

from survey_tools.estimate.effects.adoption import Adoption, adoption
from survey_tools.estimate.effects.assignment import (
    first_stage,
    itt,
    itt_unadjusted,
    itt_weighted,
    naive,
)
from survey_tools.estimate.effects.did import did
from survey_tools.estimate.effects.dose import dose_bins, dose_iv, dose_slope
from survey_tools.estimate.effects.families import family_table
from survey_tools.estimate.effects.heterogeneity import heterogeneity, heterogeneity_joint
from survey_tools.estimate.effects.late import late
from survey_tools.estimate.effects.lin import itt_lin
from survey_tools.estimate.effects.neighbours import neighbour_exposure
from survey_tools.estimate.effects.observational import aipw
from survey_tools.estimate.effects.overlap import overlap_balance, overlap_bins, overlap_table
from survey_tools.estimate.effects.propensity import SeparationError, logit_scores
from survey_tools.estimate.effects.spillover import spillover
from survey_tools.estimate.effects.staggered import Staggered, staggered
from survey_tools.estimate.effects.table import effects
from survey_tools.estimate.effects.weighting import ipw_att

__all__ = [
    "Adoption",
    "SeparationError",
    "Staggered",
    "adoption",
    "aipw",
    "did",
    "dose_bins",
    "dose_iv",
    "dose_slope",
    "effects",
    "family_table",
    "first_stage",
    "heterogeneity",
    "heterogeneity_joint",
    "ipw_att",
    "itt",
    "itt_lin",
    "itt_unadjusted",
    "itt_weighted",
    "late",
    "logit_scores",
    "naive",
    "neighbour_exposure",
    "overlap_balance",
    "overlap_bins",
    "overlap_table",
    "spillover",
    "staggered",
]

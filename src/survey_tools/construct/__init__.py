"""Make the analysis tables: outcomes, exposure, panel, households, teams, weights and the flow of cases.

Reads cleaned tables only; never overwrites one of their columns and estimates nothing.
"""

from survey_tools.construct.adoption import PERIODS, build_adoption
from survey_tools.construct.agreement import agreement, exposure_sources
from survey_tools.construct.anderson import anderson_indices, anderson_weights
from survey_tools.construct.answers import ANSWER_VARIABLES, build_answers
from survey_tools.construct.broad import BROAD, add_broad, compare_definitions
from survey_tools.construct.claim_answers import build_claim_answers, build_team_months
from survey_tools.construct.exposure import (
    dose_months,
    household_exposure,
    share_intensive_neighbours,
    team_exposure,
)
from survey_tools.construct.flow import build_flow, submissions
from survey_tools.construct.households import build_households
from survey_tools.construct.indices import FAMILIES, add_indices, indices
from survey_tools.construct.outcomes import OUTCOMES, add_outcomes
from survey_tools.construct.panel import build_panel
from survey_tools.construct.response import build_response, patterns
from survey_tools.construct.sites import build_sites
from survey_tools.construct.weights import (
    Weights,
    add_weights,
    effective_sample,
    survey_weights,
)
from survey_tools.construct.write import write_analysis

__all__ = [
    "ANSWER_VARIABLES",
    "BROAD",
    "FAMILIES",
    "OUTCOMES",
    "PERIODS",
    "Weights",
    "add_broad",
    "add_indices",
    "add_outcomes",
    "add_weights",
    "agreement",
    "anderson_indices",
    "anderson_weights",
    "build_adoption",
    "build_answers",
    "build_claim_answers",
    "build_flow",
    "build_households",
    "build_panel",
    "build_response",
    "build_sites",
    "build_team_months",
    "compare_definitions",
    "dose_months",
    "effective_sample",
    "exposure_sources",
    "household_exposure",
    "indices",
    "patterns",
    "share_intensive_neighbours",
    "submissions",
    "survey_weights",
    "team_exposure",
    "write_analysis",
]

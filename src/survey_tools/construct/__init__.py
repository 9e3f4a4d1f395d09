"""Make the analysis tables: outcomes, exposure, panel, households, teams and the flow of cases.

Reads cleaned tables only; never overwrites one of their columns and estimates nothing.
"""

from survey_tools.construct.answers import ANSWER_VARIABLES, build_answers
from survey_tools.construct.exposure import (
    dose_months,
    household_exposure,
    share_intensive_neighbours,
    team_exposure,
)
from survey_tools.construct.flow import build_flow
from survey_tools.construct.households import build_households
from survey_tools.construct.indices import FAMILIES, add_indices, indices
from survey_tools.construct.outcomes import OUTCOMES, add_outcomes
from survey_tools.construct.panel import build_panel
from survey_tools.construct.sites import build_sites
from survey_tools.construct.write import write_analysis

__all__ = [
    "ANSWER_VARIABLES",
    "FAMILIES",
    "OUTCOMES",
    "add_indices",
    "add_outcomes",
    "build_answers",
    "build_flow",
    "build_households",
    "build_panel",
    "build_sites",
    "dose_months",
    "household_exposure",
    "indices",
    "share_intensive_neighbours",
    "team_exposure",
    "write_analysis",
]

"""Levels: means and shares of areas, waves and groups, and answers counted; compares no arms."""

from survey_tools.estimate.levels.areas import in_list, levels_by_area
from survey_tools.estimate.levels.changes import changes, gaps, mover
from survey_tools.estimate.levels.choices import choices
from survey_tools.estimate.levels.fieldwork import fieldwork
from survey_tools.estimate.levels.means import levels
from survey_tools.estimate.levels.outreach import outreach
from survey_tools.estimate.levels.proportions import proportion_interval
from survey_tools.estimate.levels.survey import (
    SurveyEstimate,
    SurveySample,
    survey_mean,
    survey_ratio,
    survey_regression,
    survey_total,
)
from survey_tools.estimate.levels.weighted import levels_weighted

__all__ = [
    "SurveyEstimate",
    "SurveySample",
    "changes",
    "choices",
    "fieldwork",
    "gaps",
    "in_list",
    "levels",
    "levels_by_area",
    "levels_weighted",
    "mover",
    "outreach",
    "proportion_interval",
    "survey_mean",
    "survey_ratio",
    "survey_regression",
    "survey_total",
]

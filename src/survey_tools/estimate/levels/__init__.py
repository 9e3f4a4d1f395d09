"""Levels: means and shares of areas, waves and groups, and answers counted; compares no arms."""

from survey_tools.estimate.levels.areas import in_list, levels_by_area
from survey_tools.estimate.levels.means import choices, levels
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
    "choices",
    "in_list",
    "levels",
    "levels_by_area",
    "levels_weighted",
    "proportion_interval",
    "survey_mean",
    "survey_ratio",
    "survey_regression",
    "survey_total",
]

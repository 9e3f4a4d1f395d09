"""Levels: means and shares of areas, waves and groups, and answers counted; compares no arms."""

from survey_tools.estimate.levels.areas import in_list, levels_by_area
from survey_tools.estimate.levels.means import choices, levels

__all__ = ["choices", "in_list", "levels", "levels_by_area"]

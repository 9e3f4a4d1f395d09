"""Least squares with errors for few clusters; knows neither frames' meaning nor the study."""

from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.problem import Problem

__all__ = ["Coefficient", "Problem"]

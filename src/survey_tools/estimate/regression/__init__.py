"""Least squares with errors for few clusters; knows neither frames' meaning nor the study."""

from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.instrument import (
    ConfidenceSet,
    InstrumentFit,
    anderson_rubin,
    two_stage,
)
from survey_tools.estimate.regression.least_squares import Errors, ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.wald import Wald, wald_cr2

__all__ = [
    "Coefficient",
    "ConfidenceSet",
    "Errors",
    "InstrumentFit",
    "Problem",
    "Wald",
    "anderson_rubin",
    "ols",
    "two_stage",
    "wald_cr2",
]

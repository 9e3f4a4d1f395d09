"""What was drawn over whom, and how the columns of a table are read; estimates nothing."""

from survey_tools.estimate.design.assignment import Draw, Drawn, draw_assignment
from survey_tools.estimate.design.columns import Codes, Floats, codes_of, numeric, require_columns
from survey_tools.estimate.design.design import Design
from survey_tools.estimate.design.outcomes import outcome_names, outcome_scales
from survey_tools.estimate.design.rerandomisation import Rerandomisation
from survey_tools.estimate.design.sampling import draw_sample

__all__ = [
    "Codes",
    "Design",
    "Draw",
    "Drawn",
    "Floats",
    "Rerandomisation",
    "codes_of",
    "draw_assignment",
    "draw_sample",
    "numeric",
    "outcome_names",
    "outcome_scales",
    "require_columns",
]

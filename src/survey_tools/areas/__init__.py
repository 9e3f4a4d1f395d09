"""Communes by code and dated list: 27 units in 2024, 23 from January 2025, 4 from July 2025.

Touches no rows: putting a column of codes into another list is `estimate.in_list`.
"""

from survey_tools.areas.read import read_areas
from survey_tools.areas.units import Area, AreaKey, Areas, plain, without_marks

__all__ = ["Area", "AreaKey", "Areas", "plain", "read_areas", "without_marks"]

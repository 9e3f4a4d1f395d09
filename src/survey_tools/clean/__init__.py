"""Turn pulled rows into typed, linked tables without direct identifiers, and check them.

Content is not changed but by documented corrections; analysis variables are made in `construct`.
"""

from survey_tools.clean.checks import CheckRules, field_checks
from survey_tools.clean.codes import household_code_ok
from survey_tools.clean.corrections import Correction, apply_corrections, read_corrections
from survey_tools.clean.household import CleanHousehold, clean_household
from survey_tools.clean.labels import labels_table
from survey_tools.clean.reports import CleanTable, clean_site, clean_team_log
from survey_tools.clean.write import read_extra, write_clean

__all__ = [
    "CheckRules",
    "CleanHousehold",
    "CleanTable",
    "Correction",
    "apply_corrections",
    "clean_household",
    "clean_site",
    "clean_team_log",
    "field_checks",
    "household_code_ok",
    "labels_table",
    "read_corrections",
    "read_extra",
    "write_clean",
]

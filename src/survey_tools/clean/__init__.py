"""Turn pulled rows into typed, linked tables without direct identifiers, and check them.

Content is not changed but by documented corrections; analysis variables are made in `construct`.
"""

from survey_tools.clean.checks import CheckRules, field_checks
from survey_tools.clean.codes import household_code_ok
from survey_tools.clean.corrections import Correction, gather_corrections, read_corrections
from survey_tools.clean.corrections_apply import apply_corrections, corrections_log
from survey_tools.clean.household import NOT_IN_SAMPLE, CleanHousehold, clean_household
from survey_tools.clean.identity import check_identity, identity, unmatched
from survey_tools.clean.labels import labels_table
from survey_tools.clean.problems import sort_flags
from survey_tools.clean.reports import CleanTable, clean_site, clean_team_log
from survey_tools.clean.settle import DUPLICATES, Decision, read_duplicates, write_duplicates
from survey_tools.clean.sieve import check_all_rows
from survey_tools.clean.write import read_extra, write_clean

__all__ = [
    "DUPLICATES",
    "NOT_IN_SAMPLE",
    "CheckRules",
    "CleanHousehold",
    "CleanTable",
    "Correction",
    "Decision",
    "apply_corrections",
    "check_all_rows",
    "check_identity",
    "clean_household",
    "clean_site",
    "clean_team_log",
    "corrections_log",
    "field_checks",
    "gather_corrections",
    "household_code_ok",
    "identity",
    "labels_table",
    "read_corrections",
    "read_duplicates",
    "read_extra",
    "sort_flags",
    "unmatched",
    "write_clean",
    "write_duplicates",
]

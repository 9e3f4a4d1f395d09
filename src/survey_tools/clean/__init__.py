"""Turn pulled rows into typed, linked tables without direct identifiers, and check them.

Content is not changed but by documented corrections; analysis variables are made in `construct`.

What an answer must be, the register says. One that is otherwise (a choice that it does not know, a number
outside its limits, a text of another pattern, a number or a day that cannot be read in one way) is flagged in
`problems` and counts as missing, until a correction replaces or confirms it; the row stays, and so does the
answer in the store. What stops a run is what no single answer can be blamed for: a column of another type
than the register says, a question without a row in it, a correction that does not fit. A form that nobody
has sent yet is an empty table with a line in the flow; only the household form must have a row.
"""

from survey_tools.clean.answers.problems import sort_flags
from survey_tools.clean.checks import (
    CHECKS,
    CheckRules,
    Fieldwork,
    Found,
    backcheck_rates,
    consent_table,
    drawn_households,
    effects_table,
    field_checks,
    progress_table,
    run_checks,
)
from survey_tools.clean.checks.flag_answers import ANSWERS, corrected_flags, read_flag_answers
from survey_tools.clean.checks.follow import STATES, follow_flags, with_keys
from survey_tools.clean.corrections.apply import apply_corrections, corrections_log
from survey_tools.clean.corrections.read import Correction, gather_corrections, read_corrections
from survey_tools.clean.household import NOT_IN_SAMPLE, CleanHousehold, clean_household
from survey_tools.clean.household_ids.codes import household_code_ok
from survey_tools.clean.household_ids.settle import (
    DUPLICATES,
    Decision,
    read_duplicates,
    write_duplicates,
)
from survey_tools.clean.household_ids.waves import check_identity, identity, unmatched
from survey_tools.clean.labels import labels_table
from survey_tools.clean.personal_data.anonymity import (
    Anonymity,
    anonymity_report,
    k_anonymity,
    quasi_sets,
)
from survey_tools.clean.personal_data.screen import place_names, readable, screen
from survey_tools.clean.reports import CleanTable, clean_site, clean_team_log
from survey_tools.clean.sieve import check_all_rows
from survey_tools.clean.write import EXTRA, read_extra, write_clean

__all__ = [
    "ANSWERS",
    "CHECKS",
    "DUPLICATES",
    "EXTRA",
    "NOT_IN_SAMPLE",
    "STATES",
    "Anonymity",
    "CheckRules",
    "CleanHousehold",
    "CleanTable",
    "Correction",
    "Decision",
    "Fieldwork",
    "Found",
    "anonymity_report",
    "apply_corrections",
    "backcheck_rates",
    "check_all_rows",
    "check_identity",
    "clean_household",
    "clean_site",
    "clean_team_log",
    "consent_table",
    "corrected_flags",
    "corrections_log",
    "drawn_households",
    "effects_table",
    "field_checks",
    "follow_flags",
    "gather_corrections",
    "household_code_ok",
    "identity",
    "k_anonymity",
    "labels_table",
    "place_names",
    "progress_table",
    "quasi_sets",
    "read_corrections",
    "read_duplicates",
    "read_extra",
    "read_flag_answers",
    "readable",
    "run_checks",
    "screen",
    "sort_flags",
    "unmatched",
    "with_keys",
    "write_clean",
    "write_duplicates",
]

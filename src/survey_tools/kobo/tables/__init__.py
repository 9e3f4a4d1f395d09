"""Lay many rows out as typed tables with labels, and say what changed between versions of the form.

Not here: cleaning, and anything about one study.
"""

from survey_tools.kobo.tables.asked import missing_reasons
from survey_tools.kobo.tables.build import Tables, flatten
from survey_tools.kobo.tables.changes import drift, suggest_renames
from survey_tools.kobo.tables.findings import findings_of_rows

__all__ = [
    "Tables",
    "drift",
    "findings_of_rows",
    "flatten",
    "missing_reasons",
    "suggest_renames",
]

"""Know of each question where it stands in the form, its type, values, labels, class and role.

Touches no rows. `survey_tools.register.schema`, which loads pandas, is imported by its own name.
"""

from survey_tools.register.derived import Derived, read_derived
from survey_tools.register.question import (
    DEVICE_TYPES,
    PERSONAL_DATA,
    ROLES,
    SERVER_COLUMNS,
    SPLIT_OFF,
    Question,
)
from survey_tools.register.read import COLUMNS, Register, read_lines, read_register

__all__ = [
    "COLUMNS",
    "DEVICE_TYPES",
    "PERSONAL_DATA",
    "ROLES",
    "SERVER_COLUMNS",
    "SPLIT_OFF",
    "Derived",
    "Question",
    "Register",
    "read_derived",
    "read_lines",
    "read_register",
]

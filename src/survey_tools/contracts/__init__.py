"""State what each table that crosses a stage must look like, and write and read it by that contract.

Repairs nothing: a table that breaks its contract is refused with the column and the rows.
"""

from survey_tools.contracts.columns import COMMUNE, DAY, HOUSEHOLD_CODE, TEAM, WAVE
from survey_tools.contracts.lists import (
    AREA_LIST,
    CODES,
    carry_list,
    join_on_codes,
    same_list,
    stamp_list,
)
from survey_tools.contracts.tables import (
    SCHEMAS,
    empty_table,
    read_table,
    validate,
    validate_answers,
    write_parquet,
    write_table,
)

__all__ = [
    "AREA_LIST",
    "CODES",
    "COMMUNE",
    "DAY",
    "HOUSEHOLD_CODE",
    "SCHEMAS",
    "TEAM",
    "WAVE",
    "carry_list",
    "empty_table",
    "join_on_codes",
    "read_table",
    "same_list",
    "stamp_list",
    "validate",
    "validate_answers",
    "write_parquet",
    "write_table",
]

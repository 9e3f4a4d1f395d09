"""Model one row of a register and what its cells mean; reads no file and no answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PERSONAL_DATA = (
    "none",
    "quasi_identifier",
    "sensitive",
    "pseudonym",
    "staff_code",
    "free_text",
    "direct_identifier",
    "location",
)
"""Classes of personal data, from harmless to most harmful."""

SPLIT_OFF = ("free_text", "direct_identifier", "location")
"""Classes that leave the row tables on arrival."""

ROLES = (
    "id",
    "outcome",
    "exposure",
    "mechanism",
    "control",
    "base",
    "descriptive",
    "consent",
    "contact",
    "paradata",
)
"""What a question is for. `base` says who another question is about; the rest speaks for itself."""

SERVER_COLUMNS = ("_id", "_uuid", "_submission_time", "__version__", "_validation_status")
"""Columns of a cleaned table that come from the server."""

DEVICE_TYPES = ("audit", "deviceid", "username", "phonenumber", "email", "simserial",
                "subscriberid", "background-audio")  # fmt: skip
"""Types of questions that the device answers about itself or its owner; cleaning leaves them out."""

SELECTS = ("select_one", "select_multiple")
NUMBERS = ("integer", "decimal", "range")
MAIN = "main"
BETWEEN = " ; "
"""Stands between the conditions of `asked_if`; they must all hold."""

POINT_PARTS = ("_lat", "_lon", "_alt", "_acc")
_LIMITS = re.compile(r"(-?\d+(?:\.\d+)?)?\.\.(-?\d+(?:\.\d+)?)?")


@dataclass(frozen=True)
class Question:
    """One row of a register.

    Attributes
    ----------
    name : str
        Of its column, or the beginning of the names of its columns.
    path : str
        Where it stands in the newest version of the form, groups first: ``main/f_person/qr30``.
    table : str
        ``main``, or the name of the repeat that it is asked in.
    type : str
        As in an XLSForm: ``select_one yesno``, ``integer``.
    values : str
        What may be answered: codes as ``yes|no|dk``, limits as ``0..10`` (either side may be empty), or
        for text a regular expression. Empty where the form sets no bounds. A calculation with limits is
        a number: a whole one, unless a limit has a decimal point, as in ``0.0..1.0``.
    missing : str
        Codes among `values` that carry no answer: ``dk|ref``.
    required : str
        ``yes`` where the form insists on an answer.
    asked_if : str
        Conditions of the form under which it is asked, ``;`` between them, those of its groups first.
    personal_data, role : str
        One of `PERSONAL_DATA`, one of `ROLES`.
    note : str
        Free; one that begins with ``check`` asks a person to look at the row.
    """

    name: str
    type: str
    module: str
    label_vi: str
    label_en: str
    unit: str
    respondent: str
    indicator: str
    source: str
    personal_data: str
    role: str
    path: str = ""
    table: str = MAIN
    values: str = ""
    missing: str = ""
    required: str = ""
    asked_if: str = ""
    note: str = ""

    @property
    def base_type(self) -> str:
        """Type without the name of its list of choices."""
        return self.type.split(" ")[0]

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes that may be answered, those that mean missing among them; empty where none are held."""
        coded = self.base_type in SELECTS or (self.base_type == "calculate" and not self.limits)
        return tuple(self.values.split("|")) if coded and self.values else ()

    @property
    def missing_codes(self) -> tuple[str, ...]:
        """Codes that carry no answer."""
        return tuple(self.missing.split("|")) if self.missing else ()

    @property
    def limits(self) -> tuple[float | None, float | None] | None:
        """Lowest and highest number that may be answered; None where `values` are no limits.

        >>> Question(*["x"] * 11, values="0..10").limits
        (0.0, 10.0)
        """
        found = _LIMITS.fullmatch(self.values)
        if not found or self.base_type in (*SELECTS, "text"):
            return None
        low, high = (None if part is None else float(part) for part in found.groups())
        return low, high

    @property
    def whole(self) -> bool:
        """Whether its answers are whole numbers."""
        if self.base_type == "calculate":
            return self.limits is not None and "." not in self.values.replace("..", "")
        return self.base_type == "integer"

    @property
    def pattern(self) -> str:
        """Regular expression that a text must match from end to end, or empty."""
        return self.values if self.base_type == "text" else ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions under which it is asked, all of which must hold."""
        return tuple(self.asked_if.split(BETWEEN)) if self.asked_if else ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns in a flat table."""
        if self.base_type == "select_multiple" and self.codes:
            return tuple(f"{self.name}__{code}" for code in self.codes)
        if self.base_type == "geopoint":
            return tuple(f"{self.name}{part}" for part in POINT_PARTS)
        return (self.name,)

    def faults(self) -> Iterator[tuple[str, str, str]]:
        """Yield what is wrong with the row: what, expected, found."""
        if self.personal_data not in PERSONAL_DATA:
            what = "A question has no known class of personal data."
            yield what, " or ".join(PERSONAL_DATA), self.personal_data
        if self.role not in ROLES:
            yield "A question has no known role.", " or ".join(ROLES), self.role
        if not self.type:
            yield "A question has no type.", "a type as in an XLSForm", ""
        if self.base_type in NUMBERS and self.values and self.limits is None:
            yield "The values of a number are no limits.", "low..high, such as 0..10", self.values
        if strange := [code for code in self.missing_codes if code not in self.codes]:
            what = "A code that means missing is no code of the question."
            yield what, "codes that stand in its values", ", ".join(strange)
        if self.pattern and not _compiles(self.pattern):
            yield "The values of a text are no regular expression.", "one", self.pattern


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True

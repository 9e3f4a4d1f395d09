"""Search what is about to be published for personal data, and say where it stands; never what.

Changes nothing. Pictures and scanned paper are not read, only what is written into their files.
"""

from survey_tools.run.scan.allowed import ALLOW_FILE, Allowed, read_allowed
from survey_tools.run.scan.known import Known, read_known
from survey_tools.run.scan.scanner import Finding, Scanner, Unread, open_scanner
from survey_tools.run.scan.walk import Scan, scan_paths

__all__ = [
    "ALLOW_FILE",
    "Allowed",
    "Finding",
    "Known",
    "Scan",
    "Scanner",
    "Unread",
    "open_scanner",
    "read_allowed",
    "read_known",
    "scan_paths",
]

"""The command line: read the arguments, call the room that does the work, set the exit code.

Not here: any of the work. Libraries are loaded by the command that needs them, so that help is quick.
"""

from survey_tools.cli import check, codebook, erase, register, release, scan, store, study
from survey_tools.cli.base import app, main

__all__ = [
    "app",
    "check",
    "codebook",
    "erase",
    "main",
    "register",
    "release",
    "scan",
    "store",
    "study",
]

"""The command line: read the arguments, call the room that does the work, set the exit code.

Not here: any of the work. Libraries are loaded by the command that needs them, so that help is quick.
"""

from survey_tools.cli import (
    check,
    codebook,
    compare,
    erase,
    register,
    release,
    replication,
    review,
    scan,
    store,
    study,
    verify,
)
from survey_tools.cli.base import app, main

__all__ = [
    "app",
    "check",
    "codebook",
    "compare",
    "erase",
    "main",
    "register",
    "release",
    "replication",
    "review",
    "scan",
    "store",
    "study",
    "verify",
]

"""An imitation of the KoboToolbox API v2 that runs on this computer.

Not here: the client that reads a real server, and anything of our study.
"""

from survey_tools.kobo.sandbox.asset import SandboxAsset, Version
from survey_tools.kobo.sandbox.server import Sandbox, serve_forever
from survey_tools.kobo.sandbox.storage import erase_from_sandbox, load_sandbox, write_sandbox
from survey_tools.kobo.sandbox.world import Fault, Request

__all__ = [
    "Fault",
    "Request",
    "Sandbox",
    "SandboxAsset",
    "Version",
    "erase_from_sandbox",
    "load_sandbox",
    "serve_forever",
    "write_sandbox",
]

"""Refuse files that open doors: private keys by name and content, passwords in files of settings.

Not here: personal data, and the token of the server (survey_tools.run.scan).
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from survey_tools.errors import DisclosureError

_ENDINGS = frozenset({".pem", ".key", ".p12", ".pfx"})
_KEY_NAME = re.compile(r"id_[a-z0-9_]+")
"""Name of a key of a person, such as of `ssh`; it has no ending."""

_BLOCK = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_SETTINGS = frozenset({".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".env", ".properties"})
_PASSWORD = re.compile(
    rb"^[ \t-]*[\"']?\w*(?:password|passwd|passphrase)[\"']?[ \t]*[:=][ \t]*(?![ \t#]|null|~|\"\"|'')\S",
    re.IGNORECASE | re.MULTILINE,
)


def refuse_secrets(name: str, content: bytes) -> None:
    """Refuse a file that looks like a key or holds a password.

    Parameters
    ----------
    name : str
        Path within the project.
    content : bytes

    Raises
    ------
    DisclosureError
        Says which file, not what stands in it.
    """
    path = PurePosixPath(name)
    if path.suffix.lower() in _ENDINGS or _KEY_NAME.fullmatch(path.name.lower()):
        raise _refusal(name, "a file named like a private key")
    if _BLOCK.search(content):
        raise _refusal(name, "a private key")
    if path.suffix.lower() in _SETTINGS and _PASSWORD.search(content):
        raise _refusal(name, "a password")


def _refusal(name: str, found: str) -> DisclosureError:
    return DisclosureError(
        "A key or password was about to be handed on; nothing was written.",
        expected="no private key, and no password in a file of settings",
        found=found,
        where=name,
        next_step="move it out of the project; take a key or password that was handed on before out of use",
    )

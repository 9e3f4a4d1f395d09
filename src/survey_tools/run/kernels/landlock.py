"""Have Linux itself keep this process, and what it starts, from changing files (Landlock, Linux 5.19 on).

Not here: which folders, or what is told where the system does not have it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""

_WRITE, _REFER, _TRUNCATE = 1 << 1, 1 << 13, 1 << 14
_IN_FOLDERS = sum(1 << bit for bit in range(4, 13))
"""To remove and to make entries of any kind."""

_LEAST = 2
"""The first version refuses every move from one folder to another."""

_BELOW, _VERSION, _PR_SET_NO_NEW_PRIVS = 1, 1, 38


def confine(kept: Collection[str]) -> bool:
    """Refuse this thread, and whatever it starts, to change anything below the folders `kept`, for good.

    A change raises `PermissionError` or whatever a program makes of `EACCES`. New entries are refused in
    the folders above `kept`, too: rights are given to folders with all that is below, never to all but one.

    Parameters
    ----------
    kept : collection of str
        Real paths.

    Returns
    -------
    bool
        False where the system cannot do that; then nothing is refused.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    version = _version(libc)
    if version < _LEAST:
        return False
    rights = _WRITE | _IN_FOLDERS | _REFER | (_TRUNCATE if version >= 3 else 0)
    handled = ctypes.c_uint64(rights)
    rules = libc.syscall(_CREATE, ctypes.byref(handled), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    try:
        for path, is_folder in _writable("/", kept):
            _allow(libc, rules, path, rights if is_folder else rights & (_WRITE | _TRUNCATE))
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return libc.syscall(_RESTRICT, rules, 0) == 0
    finally:
        os.close(rules)


def _version(libc: ctypes.CDLL) -> int:
    """Version of Landlock; less than 1 where there is none."""
    return int(libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION))


def _allow(libc: ctypes.CDLL, rules: int, path: str, rights: int) -> None:
    with suppress(OSError):  # gone meanwhile, or not ours to open
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(_ADD, rules, _BELOW, struct.pack("=Qi", rights, fd), 0)
        os.close(fd)


def _writable(folder: str, kept: Collection[str]) -> Iterator[tuple[str, bool]]:
    """Name the entries that hold none of `kept`, and whether each is a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() or entry.path in kept:
                continue
            if any(path.startswith(entry.path + os.sep) for path in kept):
                yield from _writable(entry.path, kept)
            else:
                yield entry.path, entry.is_dir()

"""The room's own names: each is found, and none is loaded before it is used."""

from __future__ import annotations

import subprocess
import sys
from inspect import ismodule

import pytest

import survey_tools.run as room


def test_run__every_name_is_found():
    assert sorted(room.__all__) == sorted(room._PLACE_OF)
    for _ in range(2):  # a module of the same name would take its place once it is loaded
        assert not [name for name in room.__all__ if ismodule(getattr(room, name))]


def test_run__another_name_is_an_error():
    with pytest.raises(AttributeError, match="run_everything"):
        room.run_everything  # noqa: B018


def test_run__importing_it_loads_no_library():
    code = "import sys, survey_tools.run; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

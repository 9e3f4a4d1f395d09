"""Registers of the three forms."""

from pathlib import Path

import pytest

from survey_tools.register import read_register

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def register():
    return read_register(ROOT / "params" / "register" / "household.csv")


@pytest.fixture(scope="session")
def log_register():
    return read_register(ROOT / "params" / "register" / "team_log.csv")


@pytest.fixture(scope="session")
def site_register():
    return read_register(ROOT / "params" / "register" / "site.csv")

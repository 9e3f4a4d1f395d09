"""Fixtures of the tests of `survey_tools.kobo`; what they are made of is in `kobo_fakes`."""

import pytest
from kobo_fakes import FakeServer, reached_household, recorded


@pytest.fixture
def pilot_rows():
    return recorded("pilot/18_data_mixed_versions.json")["results"]


@pytest.fixture
def server(pilot_rows):
    return FakeServer(pilot_rows)


@pytest.fixture
def household_row():
    return reached_household()

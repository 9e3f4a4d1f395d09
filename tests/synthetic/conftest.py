"""The parameters of the project and one small district, shared by the tests of the room."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.params import open_workspace
from survey_tools.synthetic import District, DistrictParameters, simulate, submissions

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def teams() -> pd.DataFrame:
    return open_workspace(ROOT / "params/study.yml").table("teams")


@pytest.fixture(scope="session")
def communes() -> pd.DataFrame:
    return open_workspace(ROOT / "params/study.yml").table("communes")


@pytest.fixture(scope="session")
def contents() -> dict[str, dict[str, dict]]:
    household = read_xlsform(ROOT / "params/forms/household.xlsx")
    return {
        "household": {"v1": rename_question(household, "qr30", "pay_qr"), "v2": household},
        "team_log": {"t1": read_xlsform(ROOT / "params/forms/team_log.xlsx")},
        "site": {"s1": read_xlsform(ROOT / "params/forms/site.xlsx")},
    }


@pytest.fixture(scope="session")
def district(teams, communes) -> District:
    return simulate(DistrictParameters.small(), teams, communes, 3)


@pytest.fixture(scope="session")
def rows(district, contents) -> dict[str, list[dict]]:
    return submissions(district, contents)

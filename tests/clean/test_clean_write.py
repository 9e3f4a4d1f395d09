import stat
from pathlib import Path

import pandas as pd
import pytest
from clean_frames import TEAMS, main_frame, roster_frame, submission

from survey_tools import contracts
from survey_tools.clean import clean_household, read_extra, write_clean
from survey_tools.errors import ContractError
from survey_tools.params import open_workspace

PROJECT = open_workspace(Path(__file__).parents[2] / "params" / "study.yml")


class Folders:
    def __init__(self, root):
        self.clean = root / "processed" / "clean"
        self.private = root / "private"
        self.study = PROJECT.study
        self.table = PROJECT.table


def cleaned(register):
    rows = [
        submission(1, phone_recontact="0900000001", gps_lat=20.7, gps_lon=105.9, comment="abc"),
        submission(2, visit_type="backcheck", comment="def"),
    ]
    roster = roster_frame({1: ("male", 50), 2: ("male", 50)})
    return clean_household(main_frame(*rows), roster, register=register, teams=TEAMS)


def test_write_clean__reads_back_and_only_the_owner_may_read(register, tmp_path):
    ws = Folders(tmp_path)
    result = cleaned(register)
    paths = write_clean(ws, household=result)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    back = contracts.read_table(ws.clean, "household")
    pd.testing.assert_frame_equal(back.drop(columns="area_list"), result.household)
    assert set(back["area_list"]) == {"2024"}
    assert len(contracts.read_table(ws.clean, "flow")) == len(result.flow)


def test_write_clean__nothing_personal_reaches_processed(register, tmp_path):
    ws = Folders(tmp_path)
    write_clean(ws, household=cleaned(register))
    for path in ws.clean.iterdir():
        text = pd.read_parquet(path).astype("str").to_csv()
        assert not any(secret in text for secret in ("0900000001", "20.7", "abc", "def", "dev1"))
    private = pd.read_parquet(ws.private / "free_text.parquet")
    assert sorted(private["text"]) == ["abc", "def"]


def test_read_extra__missing_table_says_what_to_run(register, tmp_path):
    ws = Folders(tmp_path)
    with pytest.raises(ContractError, match="not there"):
        read_extra(ws, "backchecks")
    write_clean(ws, household=cleaned(register))
    assert read_extra(ws, "backchecks")["_id"].tolist() == [2]

import numpy as np
import pandas as pd
import pytest
from construct_frames import STUDY, TEAMS, household_frame, interview

from survey_tools.construct import (
    dose_months,
    household_exposure,
    share_intensive_neighbours,
    team_exposure,
)

WINDOW = (pd.Timestamp("2026-02-01"), pd.Timestamp("2026-05-01"))


def log(*rows):
    table = pd.DataFrame(rows, columns=["team_id", "month", "hh_visited"])
    table["month"] = pd.to_datetime(table["month"])
    return table.assign(people_guided=5, class_people=2).astype({"hh_visited": "Int64"})


def test_household_exposure__not_reached_has_no_contact():
    household = household_frame(
        interview(1, team_visit="yes", team_n=4, class_attend__basic=True,
                  class_attend__none=False, loudspeaker="few"),
        interview(2, team_visit="no", class_attend__basic=False, class_attend__none=True,
                  loudspeaker="never"),
        interview(3, team_visit=None),
        interview(4, team_visit="yes"),
    )  # fmt: skip
    found = household_exposure(household)
    np.testing.assert_array_equal(found["reached"], [1, 0, np.nan, 1])
    np.testing.assert_array_equal(found["contacts"], [4, 0, np.nan, np.nan])
    np.testing.assert_array_equal(found["attended_class"], [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(found["heard_loudspeaker"], [1, 0, np.nan, np.nan])


def test_share_intensive_neighbours__leaves_the_own_team_out():
    found = share_intensive_neighbours(TEAMS)
    np.testing.assert_array_equal(found, [0.5, 1.0, 0.5, np.nan])


def test_team_exposure__a_missing_month_counts_as_an_average_month():
    team_log = log(
        ("10291-T01", "2026-02-01", 10), ("10291-T01", "2026-03-01", 20),
        ("10291-T01", "2026-04-01", 30), ("10291-T01", "2026-05-01", 40),
        ("10291-T01", "2026-06-01", 99), ("10291-T02", "2026-03-01", 5),
    )  # fmt: skip
    table = team_exposure(team_log, TEAMS, WINDOW).set_index("team_id")
    assert table["months_reported"].tolist() == [4, 1, 0, 0]
    assert table.loc["10291-T01", "hh_visited"] == 100
    assert table.loc["10291-T01", "contacts_per_100"] == pytest.approx(100 * 100 / 200)
    assert table.loc["10291-T02", "contacts_per_100"] == pytest.approx(100 * 5 * 4 / 100)
    assert np.isnan(table.loc["10270-T01", "contacts_per_100"])
    assert np.isnan(table.loc["10270-T01", "hh_visited"])


@pytest.mark.parametrize(("team_log", "months"), [(None, WINDOW), (log(), None), (log(), WINDOW)])
def test_team_exposure__without_logs_or_window_there_is_no_dose(team_log, months):
    table = team_exposure(team_log, TEAMS, months)
    assert table["contacts_per_100"].isna().all()
    assert table["months_reported"].tolist() == [0] * 4
    assert table["team_id"].tolist() == TEAMS["team_id"].tolist()


def test_dose_months__whole_months_between_and_one_wrong_clock_does_not_count():
    days = ["2026-01-20"] * 30 + ["2031-01-01"] + ["2026-09-20"] * 30 + ["2020-01-01"]
    waves = ["w1"] * 31 + ["w3"] * 31
    panel = pd.DataFrame({"wave": waves, "interview_date": pd.to_datetime(days)})
    months = dose_months(panel, STUDY)
    assert months == (pd.Timestamp("2026-02-01"), pd.Timestamp("2026-08-01"))
    assert months.number == 7


def test_dose_months__no_endline_no_window():
    panel = pd.DataFrame({"wave": ["w1"], "interview_date": [pd.Timestamp("2026-01-20")]})
    assert dose_months(panel, STUDY) is None

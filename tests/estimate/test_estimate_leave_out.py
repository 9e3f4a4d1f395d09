from __future__ import annotations

import numpy as np
import pytest

from survey_tools.contracts import validate
from survey_tools.estimate.effects.assignment import itt
from survey_tools.estimate.threats import leave_one_out, leave_one_out_summary


def test_leave_out__equals_itt_on_the_other_communes(simulate, design):
    district = simulate(2, communes=6)
    district.loc[::5, "poor"] = np.nan
    found = leave_one_out(district, design, ["y", "z"])
    validate(found, "leave_out")
    for row in found.itertuples():
        expected = itt(district[district.commune_code != row.left_out], design, row.outcome).iloc[0]
        for name in ("estimate", "std_error", "conf_low", "conf_high", "n", "n_teams"):
            assert getattr(row, name) == pytest.approx(expected[name], rel=1e-9)
        assert row.estimate_all == pytest.approx(itt(district, design, row.outcome).estimate[0])


def test_leave_out__is_ordered_by_code_not_by_size(simulate, design):
    district = simulate(2, communes=6).sample(frac=1, random_state=0)
    found = leave_one_out(district, design, ["y"])
    assert found.left_out.tolist() == sorted(district.commune_code.unique())


def test_leave_out__a_dummy_of_one_commune_goes_with_it(simulate, design):
    district = simulate(3, communes=5)
    last = district.commune_code.max()
    district.loc[(district.commune_code == last) & (district.index % 3 == 0), "poor"] = np.nan
    row = leave_one_out(district, design, ["y"]).set_index("left_out").loc[last]
    expected = itt(district[district.commune_code != last], design, "y").iloc[0]
    assert row.std_error == pytest.approx(expected.std_error, rel=1e-9)


def test_leave_out__summary_names_the_commune_that_moves_most(simulate, design):
    district = simulate(2, communes=6, answered=1.0)
    odd = district.commune_code.unique()[3]
    district["z__w3"] += 20.0 * (district.commune_code == odd) * district.intensive
    found = leave_one_out(district, design, ["z", "y"])
    row = leave_one_out_summary(found).set_index("outcome").loc["z"]
    part = found[found.outcome == "z"]
    assert row.most_influential == odd
    assert (row.estimate_low, row.estimate_high) == (part.estimate.min(), part.estimate.max())
    assert row.change == pytest.approx(part.estimate.min() - row.estimate_all)
    assert row.n_left_out == 6


def test_leave_out__says_what_cannot_be_estimated(simulate, design):
    district = simulate(2, communes=3).assign(y__w3=np.nan)
    found = leave_one_out(district, design, ["y"])
    assert found.note.tolist() == ["no answers"] * 3
    validate(found, "leave_out")
    summary = leave_one_out_summary(found).iloc[0]
    assert (summary.n_left_out, summary.note) == (0, "no answers")
    two = simulate(2, communes=2, teams_per_commune=2)
    alone = leave_one_out(two, design, ["z"])
    assert alone.note.tolist() == ["nothing to compare in the other strata"] * 2
    assert alone.estimate.isna().all()

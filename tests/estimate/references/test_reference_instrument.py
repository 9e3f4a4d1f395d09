"""Two-stage least squares against R's AER: Card's returns to schooling by nearness of a college."""

from __future__ import annotations

import numpy as np
import pytest

from reference_support import table
from survey_tools.estimate.regression import Problem, two_stage

OTHERS = ["exper", "expersq", "black", "smsa", "south", "smsa66"]


@pytest.fixture(scope="module")
def card():
    rows = table("card").round({"lwage": 6})  # the digits that R had
    others = [*OTHERS, *(f"reg66{number}" for number in range(2, 10))]
    n = len(rows)
    problem = Problem(
        rows["lwage"].to_numpy(float),
        rows["nearc4"].to_numpy(float),
        rows[others].to_numpy(float),
        np.zeros(n, dtype=np.int64),
        np.arange(n),
        tuple(str(row) for row in range(n)),
    )
    return problem, rows["educ"].to_numpy(float)


def test_a17_two_stage_card(card):
    """R AER; published: Card 1995, Wooldridge example 15.4, .132 (.055); first stage .320 (.088)."""
    found = two_stage(*card, errors="classical")
    assert found.effect.estimate == pytest.approx(0.131503775460878, rel=1e-9)
    assert found.effect.std_error == pytest.approx(0.0549636678661044, rel=1e-9)
    assert found.first_stage.estimate == pytest.approx(0.319898940091478, rel=1e-9)
    assert found.first_stage.std_error == pytest.approx(0.0878638177952225, rel=1e-9)


def test_a17_two_stage_card_robust(card):
    """R AER and sandwich, HC1."""
    found = two_stage(*card, errors="HC1")
    assert found.effect.std_error == pytest.approx(0.0541436164749062, rel=1e-9)
    assert found.anderson_rubin.kind == "interval"

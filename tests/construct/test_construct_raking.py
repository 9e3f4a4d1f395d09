"""Raking meets both margins whatever they are, as long as they do not contradict each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_tools.construct.raking import TOLERANCE, margin_gap, rake


def margin(codes, targets):
    return np.array(codes, dtype=np.int64), np.array(targets, dtype=float)


@st.composite
def tables(draw):
    """Weights that meet two margins exist: the margins are those of other positive weights."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    n = draw(st.integers(rows * columns, 40))
    cells = [divmod(k % (rows * columns), columns) for k in range(n)]
    left, right = (np.array([cell[k] for cell in cells]) for k in (0, 1))
    number = st.floats(0.1, 100)
    start, goal = (np.array(draw(st.lists(number, min_size=n, max_size=n))) for _ in range(2))
    return start, [
        margin(codes, np.bincount(codes, weights=goal, minlength=size))
        for codes, size in ((left, rows), (right, columns))
    ]


@settings(max_examples=60, deadline=None)
@given(tables())
def test_rake__meets_both_margins(drawn):
    start, margins = drawn
    found = rake(start, margins)
    assert found.converged
    assert margin_gap(found.weight, margins) <= TOLERANCE
    assert (found.weight > 0).all()


@settings(max_examples=30, deadline=None)
@given(tables())
def test_rake__odds_within_the_table_stay(drawn):
    """The weights differ from the first ones by one factor a row and one a column, and nothing else."""
    start, margins = drawn
    (left, _), (right, _) = margins
    ratio = np.log(rake(start, margins).weight / start)
    design = np.hstack([left[:, None] == np.unique(left), right[:, None] == np.unique(right)])
    fitted = design @ np.linalg.lstsq(design.astype(float), ratio, rcond=None)[0]
    np.testing.assert_allclose(ratio, fitted, atol=1e-8)


def test_rake__equals_a_table_worked_out_by_hand():
    """Deming and Stephan's case of independence: rows 3 : 1, columns 1 : 1, all weights alike."""
    margins = [margin([0, 0, 1, 1], [3, 1]), margin([0, 1, 0, 1], [2, 2])]
    found = rake(np.ones(4), margins)
    np.testing.assert_allclose(found.weight, [1.5, 1.5, 0.5, 0.5], rtol=1e-12)


def test_rake__a_row_that_a_margin_leaves_alone_is_counted_in_the_other_one():
    margins = [margin([0, 1, -1], [1, 3]), margin([0, 0, 0], [6])]
    found = rake(np.ones(3), margins)
    np.testing.assert_allclose(found.weight, [1, 3, 2], rtol=1e-10)


def test_rake__margins_that_contradict_each_other_end_and_say_so():
    margins = [margin([0, 1], [1, 5]), margin([0, 1], [3, 3])]
    found = rake(np.ones(2), margins)
    assert not found.converged
    assert found.gap == pytest.approx(2)
    np.testing.assert_allclose(found.weight, [3, 3])


def test_rake__weights_given_stay_as_they_are():
    start = np.array([1.0, 2.0])
    rake(start, [margin([0, 1], [5, 5])])
    assert start.tolist() == [1, 2]

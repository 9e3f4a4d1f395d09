"""Numbers that know their cell: through arithmetic, sentences, cells and HTML."""

import math

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.report import markup, traced
from survey_tools.report.numbers import Numbers
from survey_tools.report.traced import Traced, html, plain, sources, trace
from survey_tools.report.wording import Wording

ROW = "levels?area=10291&group=all&outcome=qr_shop_30d&wave=w3"
LEVEL = {"area": "10291", "wave": "w3", "group": "all", "outcome": "qr_shop_30d"}


@pytest.fixture
def level():
    row = pd.Series({**LEVEL, "estimate": 0.4213, "shown": 0.4213, "n": 56, "status": "shown"})
    return trace(row, "levels")


def test_trace__row__each_number_names_its_cell_and_texts_stay(level):
    assert level["shown"].source == f"{ROW}#estimate"
    assert level["n"].source == f"{ROW}#n"
    assert level["status"] == "shown"
    assert float(level["shown"]) == 0.4213


def test_trace__rows__as_row_by_row(level):
    frame = pd.DataFrame(
        [{**LEVEL, "shown": 0.4, "n": 56}, {**LEVEL, "wave": "w1", "shown": np.nan}]
    )
    frame["n"] = frame["n"].astype("Int64")
    found = trace(frame, "levels")
    assert found["shown"].iloc[0].source == f"{ROW}#estimate"
    assert found["n"].iloc[1].source == ROW.replace("w3", "w1") + "#n"
    assert found[["shown", "n"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
    assert frame["shown"].dtype == "float64", "what was given is left as it was"


def test_trace__choices__a_share_is_a_count_of_a_count():
    row = pd.Series({"area": "a", "wave": "w3", "variable": "wish", "choice": "app", "shown": 0.5})
    source = trace(row, "choices")["shown"].source
    assert source == (
        "choices?area=a&choice=app&variable=wish&wave=w3#numerator / "
        "choices?area=a&choice=app&variable=wish&wave=w3#n"
    )


def test_trace__keys_are_written_so_that_they_can_be_read_back():
    row = pd.Series({"k": "a&b=c #1 - 2", "x": 1.0})
    assert trace(row, "any", ("k",))["x"].source == "any?k=a%26b%3Dc%20%231%20-%202#x"


def test_traced__arithmetic_says_what_was_done():
    one, two = Traced(0.5, "a?#x"), Traced(0.2, "b?#x")
    assert (one - two).source == "a?#x - b?#x"
    assert (one + two).source == "a?#x + b?#x"
    assert (one / 96).source == "a?#x / 96"
    assert float(one - two) == pytest.approx(0.3)
    assert abs(two - one) == pytest.approx(0.3)
    assert abs(two - one).source == "b?#x - a?#x"
    assert math.isnan(one / 0)


@pytest.mark.parametrize("missing", [None, pd.NA, float("nan")])
def test_traced__missing_is_a_dash_that_still_names_its_cell(missing):
    text = Numbers("en").percent(Traced(missing, "a?#x"))
    assert plain(text) == "—"
    assert html(text) == '<data value="" data-source="a?#x">—</data>'


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("value", [0.4213, -0.0217, 0.0, 0.00042, 1234.5])
def test_numbers__a_traced_number_is_written_as_any_other(lang, value):
    numbers, one = Numbers(lang), Traced(value, "a?#x")
    for write in (
        numbers.count,
        numbers.percent,
        numbers.p_value,
        numbers.bare_p_value,
        lambda x: numbers.number(x, 2, sign=True),
        lambda x: numbers.value(x, "amount"),
        lambda x: numbers.difference(x, "binary"),
        lambda x: numbers.difference(x, "index", sign=False),
        lambda x: numbers.interval(x, x, "binary"),
        lambda x: numbers.difference_interval(x, math.inf, "share"),
    ):
        assert plain(write(one)) == write(value)
        assert write(one) != write(value)


def test_numbers__an_open_end_is_traced():
    text = Numbers("en").difference_interval(
        Traced(-0.01, "a?#l"), Traced(math.inf, "a?#h"), "binary"
    )
    assert sources(text) == [["-0.01", "a?#l", "−1.0"], ["inf", "a?#h", "+∞"]]


def test_wording__takes_a_traced_count_and_agrees_with_it():
    words = Wording("en")
    one = words("plan_changes", count=Traced(1, "a?#n"))
    assert "changed 1 time since" in plain(one)
    assert sources(one) == [["1", "a?#n", "1"]]


def test_html__escapes_the_text_and_the_source():
    text = f"a < b & {traced.marked(Traced(2, 't?k=x&l=y#n'), '2')} <script>"
    assert html(text) == (
        'a &lt; b &amp; <data value="2" data-source="t?k=x&amp;l=y#n">2</data> &lt;script&gt;'
    )


def test_table__cells_notes_and_caption_have_data_but_attributes_and_frame_have_none(level):
    percent = Numbers("vi").percent(level["shown"])
    table = markup.Table(f"c {percent}", ("k", "v"), (("k", (percent, percent)),), (percent,))
    source = table._repr_html_()
    assert source.count("<data ") == 4
    assert 'aria-label="c 42%"' in source
    assert table.frame.iloc[0, 1] == "42% 42%"
    assert not set(source) & {traced.OPEN, traced.BETWEEN, traced.CLOSE}


def test_machine__four_decimals_and_no_more():
    assert [traced.machine(x) for x in (0.42137, 2.0, -0.00001, 1e-7, 1848.0)] == [
        "0.4214",
        "2",
        "0",
        "0",
        "1848",
    ]


def test_keys_of__tell_the_rows_of_every_contract_of_results_apart_or_are_known(ws):
    for path in sorted(ws.results.glob("*.parquet")):
        if path.stem in contracts.SCHEMAS:
            keys, table = traced.keys_of(path.stem), pd.read_parquet(path)
            assert len(table) <= 1 or not table.duplicated(list(keys)).any(), path.stem

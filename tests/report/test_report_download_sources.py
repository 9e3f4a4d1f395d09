"""The list of sources by a table names the rows and columns that its numbers came from, and no others."""

from __future__ import annotations

import re
from itertools import product

from download_pages import render
from hypothesis import given
from hypothesis import strategies as st

from survey_tools.report.downloads.sources import grouped, sources_in, sources_list
from survey_tools.report.wording import Wording

KEYS = st.fixed_dictionaries({
    "area": st.sampled_from(["10291", "district"]),
    "outcome": st.sampled_from(["a", "b", "c"]),
    "wave": st.sampled_from(["w1", "w2", "w3"]),
})  # fmt: skip
CELLS = st.tuples(
    st.sampled_from(["levels", "choices"]), KEYS, st.sampled_from(["estimate", "n", "p"])
)


def source(table, keys, column):
    return f"{table}?{'&'.join(f'{k}={v}' for k, v in keys.items())}#{column}"


def named(groups):
    """Every cell that a list of groups names."""
    return [
        source(one.table, dict(zip(one.keys, values, strict=True)), column)
        for one in groups
        for values in product(*one.keys.values())
        for column in one.columns
    ]


@given(st.lists(CELLS, max_size=30))
def test_grouped__names_exactly_the_cells_that_were_given(cells):
    sources = [source(*cell) for cell in cells]
    told = named(grouped(sources))
    assert set(told) == set(sources)
    assert len(told) == len(set(told))


def test_grouped__takes_what_was_computed_apart():
    whole = "a?x=1#n - a?x=2#n"
    assert set(named(grouped([whole, "a?x=1#n / 60"]))) == {"a?x=1#n", "a?x=2#n"}


def test_grouped__reads_values_as_they_were():
    (one,) = grouped(["flow?stage=a%26b%20%C4%91&step=1%2B1#dropped"])
    assert one.written == "stage = a&b đ; step = 1+1"


def test_grouped__a_table_without_keys():
    (one,) = grouped(["balance_joint?#p_value", "balance_joint?#statistic"])
    assert (one.table, one.keys, one.columns) == ("balance_joint", {}, ("p_value", "statistic"))
    assert "balance_joint: columns p_value, statistic" in sources_list(
        ["balance_joint?#p_value", "balance_joint?#statistic"], Wording("en")
    )


def test_sources_list__is_escaped_and_empty_without_sources():
    assert sources_list([], Wording("vi")) == ""
    assert "<b>" not in sources_list(["t?x=%3Cb%3E#n"], Wording("vi"))
    assert "&lt;b&gt;" in sources_list(["t?x=%3Cb%3E#n"], Wording("vi"))


def test_render_notebook__the_mark_by_a_table_and_a_figure_names_its_sources(tmp_path):
    text = render(tmp_path).read_text("utf-8")
    marks = re.findall(r'<details class="code">.*?</details>', text, flags=re.S)
    words = Wording("vi")
    of_table = next(mark for mark in marks if "show(2)" in mark)
    assert words("downloads_code") in of_table
    assert "levels: area = 10291; outcome = one, two" in of_table
    of_figure = next(mark for mark in marks if "show(1)" in mark)
    assert "effects: outcome = one; cột estimate" in of_figure
    of_texts = next(mark for mark in marks if "show(4)" in mark)
    assert "<ul" not in of_texts
    assert f"<summary>{words('code')}</summary>" in of_texts
    whole = [source for mark in marks for source in sources_in(mark)]
    assert whole == []

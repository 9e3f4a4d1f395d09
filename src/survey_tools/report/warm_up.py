"""Do once, in a process that forks kernels, what the first page of a process would pay for.

Libraries load modules, build schemas, compile templates and open fonts at their first use. Only made-up
values are used here, nothing of a workspace is read, no random number is drawn and no thread started, so
that a forked child is as one that has made nothing yet. Not here: forking.
"""

from __future__ import annotations

import importlib
import io
from typing import Any, get_args

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import seaborn as sns
from matplotlib.figure import Figure

from survey_tools.contracts import SCHEMAS, empty_table, validate
from survey_tools.report import markup, render
from survey_tools.report.downloads import pdf, word, workbook
from survey_tools.report.downloads.content import read_page
from survey_tools.report.drawing import DARK, LIGHT, STYLE, interval_lines, png_of
from survey_tools.report.numbers import Lang
from survey_tools.report.pick import rows_where
from survey_tools.report.wording import Wording

MODULES = (
    "IPython.core.logger",
    "bdb",
    "encodings.utf_8_sig",
    "pandas.core.arrays.arrow._arrow_utils",
    "pandas.core.arrays.arrow.extension_types",
    "pandas.core.methods.to_dict",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.string",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "survey_tools.report.area_lists",
    "survey_tools.report.claims",
    "survey_tools.report.commune",
    "survey_tools.report.evidence.figures",
    "survey_tools.report.evidence.sentences",
    "survey_tools.report.evidence.tables",
    "survey_tools.report.figures",
    "survey_tools.report.page",
    "survey_tools.report.sentences",
    "survey_tools.report.site.tiles",
    "survey_tools.report.tables",
)
"""What pages load when they first need it."""


def warm_up() -> None:
    """Make a page's first use of everything cheap; see the module.

    What matplotlib was told stays as it was, and no figure is left open.
    """
    for name in MODULES:
        importlib.import_module(name)
    for lang in get_args(Lang):
        Wording(lang)
    _tables()
    _figure()
    _page()


def _tables() -> None:
    """Hold each contract to an empty table, and read, pick, join, group and show a small one."""
    for name in SCHEMAS:
        validate(empty_table(name), name)
    frame = pd.read_csv(io.StringIO("name,count\na,1\nb,2\n"), dtype={"name": "str"})
    stored = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, nthreads=1), stored)
    file = pq.ParquetFile(stored, pre_buffer=False)  # reading ahead would start a thread
    frame = file.read(use_threads=False).to_pandas(use_threads=False)
    shares = frame.assign(count=frame["count"].astype("Int64"), share=frame["count"] / 2)
    joined = shares.merge(frame, on="name", validate="1:1").sort_values(["name", "share"])
    joined.groupby("name", sort=False)["share"].transform("sum")
    picked = rows_where(joined, name="a").set_index("name")
    rows = tuple((str(name), str(row["share"])) for name, row in picked.iterrows())
    markup.Table("", ("", ""), rows)._repr_html_()


def _figure() -> None:
    """Draw what figures are made of, in letters of both languages, as `drawing.show` does."""
    frame = pd.DataFrame({"shown": [0.1, 0.2], "conf_low": [0.0, 0.1], "conf_high": [0.2, 0.3]})
    marks: dict[str, Any] = {"facecolors": "white", "edgecolors": LIGHT, "zorder": 3}
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(2, 2), layout="constrained")
        first, second = figure.subplots(1, 2)
        first.axhline(0, color="black", linewidth=1)
        first.plot(frame.index, frame["shown"], color=DARK, marker="o", linestyle="--", label="Đ")
        first.errorbar(frame.index, frame["shown"], [[0.1, 0.1], [0.1, 0.1]], fmt="none", capsize=3)
        first.scatter(frame.index, frame["shown"], marker="s", **marks)
        first.set_title("ở\nA", loc="left", y=1)
        interval_lines(second, frame, DARK)
        sns.barplot(x=np.array([1.0, 2.0]), y=["a", "b"], hue=["a", "b"], errorbar=None, ax=second)
        second.patches[0].set_hatch("//")
        second.set_yticks([0, 1], ["−1", "Ỹ"], fontsize=8, fontweight="bold")
        figure.legend(loc="outside upper center", ncols=2)
    png_of(figure)


def _page() -> None:
    """Render a notebook of one cell: templates, schemas and colours of code are then at hand.

    The files beside it are made, too, but for the PDF: setting one would start threads.
    """
    words = Wording("vi")
    table = markup.Table("", ("", ""), (("a", "1"),))._repr_html_()
    output = nbformat.v4.new_output("display_data", {"text/html": f"<h1>A</h1>{table}"})
    cell = nbformat.v4.new_code_cell("a = 1  # one", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    parts = {
        "page_words": {"code": "", "code_and_sources": ""},
        "page_head": '<html lang="vi"><body><main>',
        "page_foot": "</main></body></html>",
        "parts": render.Parts(words, ""),
    }
    content = nbformat.reads(nbformat.writes(notebook), as_version=4)
    page, _ = render.exporter().from_notebook_node(content, resources=parts)
    made = read_page(page)
    word.word_of(made, words)
    workbook.workbook_of(made, words)
    pdf.fonts()

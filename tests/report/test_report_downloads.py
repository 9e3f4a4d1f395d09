"""What is taken away of a page says what the page says, to the last number, and nothing else."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path

import docx
import openpyxl
import pypdfium2
import pytest
from docx.oxml.ns import qn
from download_pages import (
    FACTS,
    FORMULAS,
    LONG,
    ODD,
    Seen,
    notebook,
    picture,
    picture_bytes,
    render,
    squeezed,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st

from browser_support import chromium
from survey_tools.errors import DisclosureError, RunError
from survey_tools.files import is_temporary
from survey_tools.report.downloads.blocks import Bullets, Heading, Paragraph, Picture, Table
from survey_tools.report.downloads.content import read_page, read_tables
from survey_tools.report.downloads.files import make_downloads
from survey_tools.report.downloads.links import BOM, csv_of
from survey_tools.report.downloads.names import FORMATS, beside
from survey_tools.report.downloads.pdf import pdf_of
from survey_tools.report.downloads.tidy import tidy
from survey_tools.report.numbers import MISSING
from survey_tools.report.render import render_notebook
from survey_tools.report.wording import Wording

LANGS = ("vi", "en")


@pytest.fixture(scope="module", params=LANGS)
def page(request, tmp_path_factory):
    """A page that was rendered, with all its files."""
    return render(tmp_path_factory.mktemp("page"), request.param)


@pytest.fixture(scope="module")
def seen(page):
    return Seen(page.read_text("utf-8"))


def content_of(page):
    return read_page(page.read_text("utf-8"))


def csvs(seen):
    """Rows of each CSV of a page, by its name, in order."""
    head = "data:text/csv;charset=utf-8;base64,"
    assert all(href.startswith(head) for href in seen.links.values())
    texts = [base64.b64decode(h.removeprefix(head)).decode("utf-8") for h in seen.links.values()]
    assert all(text.startswith(BOM) for text in texts)
    return [list(csv.reader(io.StringIO(text.removeprefix(BOM)))) for text in texts]


def lines_of(block):
    """Every text of a block."""
    if isinstance(block, Bullets):
        return list(block.items)
    if isinstance(block, Table):
        cells = [cell.text for row in block.rows for cell in row]
        return [block.caption, *block.heads, *cells]
    return [block.caption if isinstance(block, Picture) else block.text]


# --- reading a page ------------------------------------------------------------------------------


def test_read_page__every_text_of_the_page_is_in_a_block_once_and_in_order(page, seen):
    told = "".join(line for block in content_of(page).blocks for line in lines_of(block))
    assert squeezed(told) == squeezed("".join(seen.text))
    assert "show(" not in told


def test_read_page__knows_what_the_page_says_of_itself(page):
    content = content_of(page)
    assert content.facts == FACTS | {"lang": content.lang}
    assert content.lang == page.suffixes[0][1:]
    assert content.title == f"Xã A: {' '.join(ODD.split())}"


def test_read_page__text_in_unforeseen_elements_is_kept():
    source = (
        "<html lang='vi'><main>lỏng <strong>chữ</strong> ở <a href='#a'>đây</a><section><div>hộp<p>một</p>"
        "sau</div></section><details><summary>Xem</summary><ol><li>a<br><small>c</small><ul><li>b</li></ul></li></ol></details>"
        "<dl><dt>từ</dt><dd>nghĩa</dd></dl><nav>x</nav><script>y</script></main></html>"
    )
    assert read_page(source).blocks == (
        Paragraph("lỏng chữ ở đây"), Paragraph("hộp"), Paragraph("một"), Paragraph("sau"),
        Paragraph("Xem"), Bullets(("a c", "b"), numbered=True), Paragraph("từ"), Paragraph("nghĩa"),
    )  # fmt: skip


def test_read_page__heads_above_heads_and_cells_over_columns():
    (table,) = read_tables(
        "<table><caption>C</caption><thead><tr><th rowspan=2>A</th><th colspan=2>B</th></tr>"
        "<tr><th>1</th><th>2</th></tr></thead><tbody><tr><th>x</th><td colspan=2>y</td></tr></tbody></table>"
    )
    assert table.heads == ("A", "B – 1", "B – 2")
    assert [[cell.text for cell in row] for row in table.rows] == [["x", "y", ""]]


def test_read_page__refuses_what_is_no_page_and_a_picture_from_elsewhere():
    with pytest.raises(RunError, match="no main part"):
        read_page("<p>x</p>")
    with pytest.raises(RunError, match="not in the page itself"):
        read_page("<main><img src='other.png' alt='x'></main>")


# --- tables: HTML, CSV, XLSX, DOCX ---------------------------------------------------------------


def test_docx__tables_have_the_cells_of_the_page(page, seen):
    document = docx.Document(str(page.with_suffix(".docx")))
    told = [[[cell.text for cell in row.cells] for row in t.rows] for t in document.tables]
    wanted = [[[cell.strip() for cell in row] for row in table] for table in seen.tables]
    assert [[list(map(_plain, row)) for row in table] for table in told] == [
        [list(map(_plain, row)) for row in table] for table in wanted
    ]


def _plain(text):
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


def test_csv_and_xlsx__every_number_of_a_table_arrives_in_its_row(page, seen):
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"))
    assert len(csvs(seen)) == len(seen.tables) == 2
    for rows, sheet, data in zip(csvs(seen), book.worksheets[1:], seen.data, strict=False):
        there = [[cell.value for cell in row] for row in sheet.iter_rows()]
        for written, typed, numbers in zip(rows[1:], there[1:], data[1:], strict=True):
            wanted = Counter(_number(value, text) for value, _, text in numbers)
            in_csv = Counter(_csv_number(cell) for cell in written[1:] if _csv_number(cell))
            in_xlsx = Counter(Decimal(str(cell)) for cell in typed if isinstance(cell, int | float))
            assert in_csv == in_xlsx == Counter(w for w in wanted.elements() if w is not None)


def _number(value, text):
    """What stands for a `<data>`: its value, in points where the page shows points."""
    if value in ("", "inf", "-inf"):
        return None
    one = Decimal(value)
    in_points = text[0] in "+−" and "%" not in text
    return one * 100 if in_points else one


def _csv_number(cell):
    return Decimal(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else None


def test_csv__numbers_are_for_machines_and_hidden_cells_are_no_numbers(page, seen):
    rows, _ = csvs(seen)
    heads, one, two, three = rows
    words = Wording(content_of(page).lang)
    low, high = (words(f"downloads_{end}", column="Khoảng") for end in ("low", "high"))
    of_one = dict(zip(heads, one, strict=True))
    assert of_one[words("downloads_percent", column=low)] == "0.1857"
    assert of_one[words("downloads_percent", column=high)] == "0.3857"
    assert of_one[words("downloads_percent", column="Cuối kỳ")] == "0.2857"
    assert of_one["Thay đổi"] == "7.98"
    assert of_one["Số hộ"] == "1612"
    assert of_one["p"] == "0.0004"
    assert of_one[words("downloads_high", column="Thay đổi")] == "+∞".join(["'", ""])
    marks = words("downloads_mark", column="Cuối kỳ")
    assert [dict(zip(heads, row, strict=True))[marks] for row in (one, two, three)] == ["", "*", ""]
    assert {cell for cell in three[1:] if cell} == {MISSING}


def test_xlsx__numbers_look_as_on_the_page(page, seen):
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"))
    lang = content_of(page).lang
    told = {
        _as_shown(cell.value, cell.number_format, lang)
        for row in book.worksheets[1].iter_rows(min_row=2)
        for cell in row
        if isinstance(cell.value, int | float)
    }
    wanted = {
        text for row in seen.data[0] for value, _, text in row if value and "inf" not in value
    }
    assert {text for text in wanted if "<" not in text} <= told


def _as_shown(value, form, lang):
    """Write a number as a spreadsheet does by a format of ours."""
    value = round(Decimal(str(value)) * (100 if "%" in form else 1), form.count("0", form.find(".")) // (
        1 + 2 * (form[0] == "+")) if "." in form else 0)  # fmt: skip
    text = f"{abs(value):,}"
    if lang == "vi":
        text = text.translate(str.maketrans(",.", ".,"))
    sign = ("−" if value < 0 else "+" if value > 0 else "") if form[0] == "+" else ""
    return sign + text + "%" * ("%" in form)


def test_xlsx__names_the_source_of_every_number(page, seen):
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"))
    sheet = book.worksheets[-1]
    sources = {(row[0], row[1]): row[3] for row in sheet.iter_rows(min_row=2, values_only=True)}
    wanted = [
        source
        for t in seen.data
        for row in t
        for value, source, _ in row
        if value and value != "inf"
    ]
    assert Counter(sources.values()) == Counter(wanted)
    named = {}
    for one in book.worksheets[1:-1]:
        for cell in (cell for row in one.iter_rows() for cell in row):
            if isinstance(cell.value, int | float):
                named[one.title, cell.coordinate] = cell.value
    assert named.keys() == sources.keys()


def test_xlsx__first_sheet_says_what_it_is_of_and_by_which_rules(page):
    sheet = openpyxl.load_workbook(page.with_suffix(".xlsx")).worksheets[0]
    told = "\n".join(str(v) for row in sheet.iter_rows(values_only=True) for v in row if v)
    content = content_of(page)
    banner = next(b.text for b in content.blocks if isinstance(b, Paragraph) and b.kind == "banner")
    tables = [table.caption for table in content.tables]
    for text in (
        content.title,
        banner,
        "10291",
        "main",
        "made-up",
        "2026",
        "Quy tắc.",
        "Máy chủ.",
        *tables,
    ):
        assert text in told
    assert "* ít câu trả lời" in told
    assert "Câu " not in told


@pytest.mark.parametrize("begin", FORMULAS)
def test_csv_and_xlsx__no_text_can_be_taken_for_a_formula(page, seen, begin):
    _, rows = csvs(seen)
    plain = " ".join(begin.split())
    risky = plain.startswith(("=", "+", "-", "@"))
    assert risky
    assert f"'{plain}" in [row[0] for row in rows]
    assert rows[0][0] == "'=A"
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"))
    for sheet in book.worksheets:
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type != "f"
            if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                assert cell.quotePrefix
    packed = zipfile.ZipFile(page.with_suffix(".xlsx"))
    sheets = [name for name in packed.namelist() if "worksheets/" in name]
    assert sheets
    assert not any(b"<f>" in packed.read(name) or b"<f " in packed.read(name) for name in sheets)


def _columns(cells, lang="vi", head="A"):
    body = "".join(f"<tr><th>{n}</th><td>{cell}</td></tr>" for n, cell in enumerate(cells))
    (table,) = read_tables(f"<table><thead><tr><th></th><th>{head}</th></tr></thead>{body}</table>")
    return tidy(table, Wording(lang))[1:]


def _data(value, text):
    return f'<data value="{value}" data-source="t?a=b#c">{text}</data>'


def _values(column):
    return [getattr(entry, "value", entry) for entry in column.entries]


@pytest.mark.parametrize(
    ("cells", "lang", "wanted"),
    [
        ([_data("0.421", "42%"), _data("1", "100%")], "vi", ["0.421", "1"]),
        ([_data("0.0798", "+8,0"), _data("-0.0312", "−3,1")], "vi", ["7.98", "-3.12"]),
        ([_data("0.0798", "+8.0"), _data("0.0003", "0.0")], "en", ["7.98", "0.03"]),
        ([_data("1612", "1.612"), _data("0", "0")], "vi", ["1612", "0"]),
        ([_data("1612", "1,612"), _data("12.5", "12.5")], "en", ["1612", "12.5"]),
        ([_data("0.0004", "&lt; 0,001"), _data("0.061", "0,061")], "vi", ["0.0004", "0.061"]),
        ([_data("0.05", "+0,05"), _data("-0.0021", "0,00")], "vi", ["0.05", "-0.0021"]),
        ([_data("0.0035", "+0,4"), _data("0.5", "+0,50")], "vi", ["0.35", "0.5"]),
    ],
)
def test_tidy__numbers_in_the_unit_that_the_page_shows(cells, lang, wanted):
    (column,) = _columns(cells, lang)
    assert _values(column) == [Decimal(value) for value in wanted]


def test_tidy__words_beside_numbers_are_kept_as_shown():
    number, shown = _columns([f"{_data('2.5', '2,5')} triệu đồng", "không hỏi"])
    assert _values(number) == [Decimal("2.5"), "không hỏi"]
    assert shown.entries == ("2,5 triệu đồng", "không hỏi")


def test_tidy__ends_of_an_interval_and_a_number_with_a_name():
    cell = (
        f"{_data('0.5', '50%')}*<br><small>{_data('0.4', '40%')}\u2060–\u2060{_data('0.6', '60%')}; "
        f"n = {_data('30', '30')}</small>"
    )
    columns = _columns([cell, "quá ít để nói", _data("", "—")], head="X")
    assert [column.name for column in columns] == [
        "X", "X – cận dưới", "X – cận trên", "X – n", "X – dấu",
    ]  # fmt: skip
    assert [str(_values(column)[0]) for column in columns] == ["0.5", "0.4", "0.6", "30", "*"]
    assert [_values(column)[1] for column in columns] == ["quá ít để nói", *[None] * 4]
    assert [_values(column)[2] for column in columns] == [MISSING, *[None] * 4]
    assert [column.percent for column in columns] == [True, True, True, False, False]


class _Count:
    """Numbers of a made-up table, each another, by what they are."""

    def __init__(self):
        self.told = {"estimate": set(), "low": set(), "high": set(), "p": set(), "n": set()}
        self.last = 10

    def __call__(self, kind, sign="", unit=""):
        self.last += 1
        self.told[kind].add(Decimal(self.last))
        return _data(self.last, f"{sign}{self.last}{unit}")

    def interval(self, lang, unit=""):
        first, last = {"vi": ("từ", "đến"), "en": ("from", "to")}[lang]
        return f"{first} {self('low', unit=unit)} {last} {self('high', unit=unit)}"


CELLS = {
    "estimate": lambda one, lang: one("estimate"),
    "estimate and interval": lambda one, lang: (
        f"{one('estimate')}*<br><small>{one.interval(lang)}</small>"
    ),
    "in one line": lambda one, lang: f"{one('estimate')} ({one.interval(lang)})",
    "interval": lambda one, lang: one.interval(lang),
    "dash": lambda one, lang: f"{one('low')}\u2060–\u2060{one('high')}",
    "p": lambda one, lang: f"p = {one('p')}<br><small>{one.interval(lang)}</small>",
    "p below": lambda one, lang: f"p {one('p', '&lt; ')}<br><small>{one.interval(lang)}</small>",
    "n": lambda one, lang: f"{one('estimate')}<br>{one.interval(lang)}; n = {one('n')}",
    "two intervals": lambda one, lang: f"{one.interval(lang)}<br>{one.interval(lang)}",
    "of": lambda one, lang: f"{one('estimate')} / {one('estimate')}",
    "households": lambda one, lang: f"{one.interval(lang)}; {one('estimate')} hộ",
    "text": lambda one, lang: "quá ít để nói",
    "hidden": lambda one, lang: _data("", MISSING),
    "hidden interval": lambda one, lang: _data("", MISSING) + "<br>" + _data("", MISSING),
}


@given(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=7), st.sampled_from(LANGS))
def test_tidy__in_mixed_rows_ends_of_intervals_and_nothing_else_are_called_low_and_high(
    kinds, lang
):
    words, one = Wording(lang), _Count()
    cells = [CELLS[kind](one, lang) for kind in kinds]
    columns = _columns(cells, lang, head="X")
    found = {kind: [] for kind in one.told}
    begins = {kind: words(f"downloads_{kind}", column="X") for kind in ("low", "high")}
    begins |= {"p": "X – p", "n": "X – n"}
    for column in columns:
        kind = next((k for k, b in begins.items() if column.name.startswith(b)), "estimate")
        found[kind] += [figure.value for figure in column.figures]
    assert {kind: sorted(values) for kind, values in found.items()} == {
        kind: sorted(values) for kind, values in one.told.items()
    }
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert not [name for name in names if re.search(r"\(\d+\)$", name)]


def test_tidy__each_row_of_a_mixed_column_in_its_own_columns():
    cells = [
        f"{_data('0.0819', '+8.2')}<br>from {_data('0.032', '+3.2')} to {_data('0.132', '+13.2')}",
        f"from {_data('0.0607', '+6.1')} to {_data('0.095', '+9.5')}",
        _data("0.0853", "8.5%"),
    ]
    columns = _columns(cells, "en", head="X")
    assert [(column.name, *_values(column)) for column in columns] == [
        ("X", Decimal("8.19"), None, Decimal("0.0853")),
        ("X – low", Decimal("3.2"), Decimal("6.07"), None),
        ("X – high", Decimal("13.2"), Decimal("9.5"), None),
        ("X – as on the page", "+8.2 from +3.2 to +13.2", "from +6.1 to +9.5", "8.5%"),
    ]
    body = "".join(f"<tr><th>{n}</th><td>{cell}</td></tr>" for n, cell in enumerate(cells))
    (table,) = read_tables(f"<table><thead><tr><th></th><th>X</th></tr></thead>{body}</table>")
    assert "X (where a percentage: 1 = 100%)" in csv_of(table, Wording("en")).splitlines()[0]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["{60}<br><small>{93%}</small>"], ["X", "X – tỷ lệ"]),
        (["{51%}<br>từ {35%} đến {67%}; {41} hộ"] * 2, ["X", "X – cận dưới", "X – cận trên", "X – hộ"]),
        (["{4} / {5}"], ["X", "X – số thứ hai"]),
        (["{4} / {5} / {6} / {7}"], ["X", "X – số thứ hai", "X – số thứ ba", "X – số thứ 4 trong ô"]),
        (
            ["{885} và {825} người<br>{80} Tổ, cuối kỳ", "{161} người<br>{154} Tổ"],
            ["X", "X – số thứ hai", "X – Tổ", "X – như trên trang"],
        ),
        (["từ {1} đến {2}<br>từ {3} đến {4}"],
         ["X – cận dưới", "X – cận trên", "X – cận dưới – số thứ hai", "X – cận trên – số thứ hai"]),
        (["p = {0,002}", "p {&lt; 0,001}"], ["X – p"]),
    ],
)  # fmt: skip
def test_tidy__columns_have_speaking_names(cells, names):
    def data(match):
        number = match[1].removeprefix("&lt; ").replace(",", ".")
        value = Decimal(number.rstrip("%")) / (100 if "%" in number else 1)
        return _data(value, match[1])

    columns = _columns([re.sub(r"\{([^}]+)\}", data, cell) for cell in cells], head="X")
    assert [column.name for column in columns] == names


def test_tidy__rows_headings_stay_whole():
    cell = f"Tuổi (n = {_data('5', '5')})"
    (table,) = read_tables(
        f"<table><thead><tr><th>A</th></tr></thead><tr><th>{cell}</th></tr></table>"
    )
    (column,) = tidy(table, Wording("vi"))
    assert column.entries == ("Tuổi (n = 5)",)


def test_tidy__columns_of_one_name_are_told_apart():
    heads = "".join(f"<th>{name}</th>" for name in ("", "X", "n", "Y", "n", "Y"))
    (table,) = read_tables(
        f"<table><thead><tr>{heads}</tr></thead><tr>{'<td>1</td>' * 6}</tr></table>"
    )
    names = [column.name for column in tidy(table, Wording("vi"))]
    assert len(set(names)) == 6
    assert names[1:3] == ["X", "X – n"]


def test_tidy__cells_without_sources_stay_texts():
    (column,) = _columns(["52", "—"])
    assert column.entries == ("52", "—")


def test_csv__is_read_back_as_it_was_with_quotes_and_line_ends():
    (table,) = read_tables(
        '<table><thead><tr><th>a"b</th><th>c,d</th></tr></thead><tr><th>x;"y"</th><td>1<br>2</td></tr></table>'
    )
    rows = list(csv.reader(io.StringIO(csv_of(table, Wording("en")), newline="")))
    assert rows == [['a"b', "c,d"], ['x;"y"', "1 2"]]


# --- PDF -----------------------------------------------------------------------------------------


def _pdf_text(content: bytes, words: Wording) -> str:
    """Text of all pages without their feet, squeezed."""
    document = pypdfium2.PdfDocument(content)
    texts = []
    for number in range(len(document)):
        text = document[number].get_textpage().get_text_range()
        of = words("downloads_page_of", page=str(number + 1), pages=str(len(document)))
        *above, foot = [line for line in text.splitlines() if line.strip()]
        if squeezed(of) not in squeezed(foot):
            above, foot = (
                [line for line in text.splitlines() if squeezed(of) not in squeezed(line)],
                of,
            )
        texts.append("\n".join(above))
    return squeezed("".join(texts)).replace("\ufffe", "")


def test_pdf__says_what_the_page_says(page):
    content = content_of(page)
    told = _pdf_text(page.with_suffix(".pdf").read_bytes(), Wording(content.lang))
    for block in content.blocks:
        for line in lines_of(block):
            for text in line.splitlines():
                if len(text) < 1000:  # a longer one has a foot of a page within it
                    assert squeezed(text) in told, text


def test_pdf__says_nothing_else(tmp_path):
    """On one page, so that no head of a table is repeated: the same letters as often."""
    page = render(tmp_path)
    source = page.read_text("utf-8")
    source = source.replace(LONG.strip(), "ngắn")
    content = read_page(source)
    told = _pdf_text(pdf_of(content, Wording("vi")), Wording("vi"))
    wanted = Counter(squeezed("".join(line for b in content.blocks for line in lines_of(b))))
    wanted["•"] += sum(len(b.items) for b in content.blocks if isinstance(b, Bullets))
    assert Counter(told) - Counter(wanted) == Counter()
    assert Counter(wanted) - Counter(told) == Counter()


def test_pdf__foot_names_page_run_and_day(page):
    content, words = content_of(page), Wording(content_of(page).lang)
    document = pypdfium2.PdfDocument(page.with_suffix(".pdf"))
    day = "26/11/2026" if content.lang == "vi" else "26 November 2026"
    foot = words("downloads_footer", page="10291", run="main", day=day)
    for number in range(len(document)):
        text = squeezed(document[number].get_textpage().get_text_range())
        assert squeezed(foot) in text
        of = words("downloads_page_of", page=str(number + 1), pages=str(len(document)))
        assert squeezed(of) in text


def test_pdf__is_tagged_in_its_language_and_without_a_clock(page):
    content = page.with_suffix(".pdf").read_bytes()
    document = pypdfium2.PdfDocument(content)
    about = document.get_metadata_dict(skip_empty=True)
    assert about["Title"] == content_of(page).title
    assert not {"CreationDate", "ModDate", "Author"} & set(about)
    assert pypdfium2.raw.FPDFCatalog_IsTagged(document)
    assert b"<pdfuaid:part>1" in content
    lang = content_of(page).lang
    assert re.search(rb"/Lang\s*\(" + lang.encode(), content)


def test_pdf__every_letter_has_a_picture(page):
    """A letter without one is drawn as a box: its glyph has the number 0, or comes from the last resort."""
    content = page.with_suffix(".pdf").read_bytes()
    found = re.findall(rb"/BaseFont\s*/(?:[A-Z]{6}\+)?([A-Za-z-]+)", content)
    fonts = {name.removesuffix(b"-Identity-H") for name in found}
    assert fonts
    assert fonts <= {
        b"LibertinusSerif-Regular",
        b"LibertinusSerif-Bold",
        b"DejaVuSans",
        b"DejaVuSans-Bold",
    }


def test_pdf__no_text_is_read_as_markup():
    odd = '#panic("x") $x$ *b* _i_ `c` @ref <label> = H - l + l / t: [x] \\ #{1+1} "q" \'s\' -- --- ... ~'
    content = read_page(
        f"<html lang='en'><title>#t</title><main><h1>{odd.replace('<', '&lt;')}</h1>"
        f"<p>{odd.replace('<', '&lt;')}</p></main></html>"
    )
    told = _pdf_text(pdf_of(content, Wording("en")), Wording("en"))
    assert told.count(squeezed(odd)) == 2


PNG = base64.b64encode(picture_bytes()).decode()


def _long_page(heading):
    """Twelve sections, each with a sentence and a table; a tall picture, and two side by side."""
    picture = f"<figure><img src='data:image/png;base64,{PNG}' alt='x' width='999'></figure>"
    rows = "<tr><th>Kết quả</th><td>1<br><small>2</small></td></tr>" * 8
    head = "<thead><tr><th>A</th><th>B</th></tr></thead>"
    table = f"<table><caption>Bảng</caption>{head}{rows}</table>"
    sections = "".join(f"<h2>Phần</h2><p>Câu {n}.</p>{table}" for n in range(12))
    pictures = f"{picture}<p>x</p>{picture * 2}"
    main = f"<h1>T</h1>{pictures}{sections}<h2 id='{heading}'>V</h2>"
    return read_page(f"<html lang='vi'><title>T</title><main>{main}</main></html>")


def test_pdf__of_a_commune_takes_fewer_sheets_and_keeps_a_sentence_with_its_table():
    words = Wording("vi")
    short, long = (pdf_of(_long_page(key), words) for key in ("commune_steps", "other"))
    assert _pdf_text(short, words).replace("AB", "") == _pdf_text(long, words).replace("AB", "")
    documents = [pypdfium2.PdfDocument(one) for one in (short, long)]
    assert len(documents[0]) < len(documents[1])
    assert pypdfium2.raw.FPDFCatalog_IsTagged(documents[0])
    assert b"<pdfuaid:part>1" in short
    heights = [
        top - bottom
        for page in documents[0]
        for one in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
        for _, bottom, _, top in [one.get_bounds()]
    ]
    assert len(heights) == 3
    assert max(heights) < 90 / 25.4 * 72
    for page in documents[0]:
        *_, last, _foot = page.get_textpage().get_text_range().strip().splitlines()
        assert not last.startswith(("Câu", "Phần"))


@pytest.mark.parametrize("title", ["T", ""])
@pytest.mark.parametrize(
    "main",
    [
        "",
        "<h2>a</h2><h4>b</h4><h1>c</h1>",
        "<h1></h1><p></p><ul><li></li></ul>",
        f"<img src='data:image/png;base64,{PNG}'>",
        "<table><thead><tr><th>a</th></tr></thead></table>",
        "<table><tr><td>a</td></tr></table>",
        f"<table><thead><tr>{'<th>abcdefghij</th>' * 14}</tr></thead>"
        f"{('<tr>' + '<td>1.234,5</td>' * 14 + '</tr>') * 80}</table>",
        f"<table><thead><tr><th>a</th><th>b</th></tr></thead><tr><td>{LONG * 10}</td><td>x</td></tr></table>",
        f"<p>{'x' * 3000}</p>",
    ],
)
def test_downloads__pages_of_odd_shapes_are_made(tmp_path, main, title):
    source = f"<html lang='vi'><title>{title}</title><main>{main}</main></html>"
    made = make_downloads(source, tmp_path / "x.vi.html")
    assert all(made.values())
    (tmp_path / "x.docx").write_bytes(made[tmp_path / "x.vi.docx"])
    docx.Document(str(tmp_path / "x.docx"))
    openpyxl.load_workbook(io.BytesIO(made[tmp_path / "x.vi.xlsx"]))
    assert len(pypdfium2.PdfDocument(made[tmp_path / "x.vi.pdf"]))


# --- DOCX ----------------------------------------------------------------------------------------


def test_docx__is_structured_for_screen_readers(page):
    document = docx.Document(str(page.with_suffix(".docx")))
    content = content_of(page)
    heads = [(p.text, p.style.name) for p in document.paragraphs if p.style.name.startswith("Head")]
    assert heads == [
        (b.text, f"Heading {b.level}") for b in content.blocks if isinstance(b, Heading)
    ]
    for table, block in zip(document.tables, content.tables, strict=True):
        assert table._tbl.tr_lst[0].trPr.find(qn("w:tblHeader")) is not None
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == block.caption
        look = table._tbl.tblPr.find(qn("w:tblLook"))
        assert {look.get(qn(f"w:first{part}")) for part in ("Row", "Column")} == {"1"}
        assert {look.get(qn(f"w:last{part}")) for part in ("Row", "Column")} == {"0"}
    pictures = [b for b in content.blocks if isinstance(b, Picture)]
    described = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert described == [picture.alt for picture in pictures]
    assert [b for b in pictures if b.alt.startswith("Mô tả")]
    langs = {e.get(qn("w:val")) for e in document.styles.element.iter(qn("w:lang"))}
    assert langs == {{"vi": "vi-VN", "en": "en-GB"}[content.lang]}
    texts = squeezed("".join(p.text for p in document.paragraphs))
    for block in content.blocks:
        for line in [] if isinstance(block, Table) else lines_of(block):
            assert squeezed(line) in texts


def test_docx__parts_that_are_named_are_there(page):
    """What was left out of the template is named nowhere any more."""
    with zipfile.ZipFile(page.with_suffix(".docx")) as packed:
        names = set(packed.namelist())
        relations = packed.read("word/_rels/document.xml.rels").decode()
        styles = packed.read("word/styles.xml").decode()
        used = set(re.findall(r'w:(?:pStyle|rStyle|tblStyle) w:val="(\w+)"',
                              packed.read("word/document.xml").decode()))  # fmt: skip
    targets = re.findall(r'Target="([^"]+)"', relations)
    assert {f"word/{target}" for target in targets if not target.startswith("..")} <= names
    defined = set(re.findall(r'w:styleId="(\w+)"', styles))
    assert used <= defined
    assert set(re.findall(r'<w:(?:basedOn|next|link) w:val="(\w+)"', styles)) <= defined


@pytest.mark.parametrize("ending", ["docx", "xlsx"])
def test_office__tells_no_person_and_no_clock(page, ending):
    with zipfile.ZipFile(page.with_suffix(f".{ending}")) as packed:
        assert {member.date_time for member in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = packed.read("docProps/core.xml").decode()
        assert not any(name.endswith((".jpeg", ".jpg")) for name in packed.namelist())
    assert set(re.findall(r"<(dc\w*:\w+)", core)) == {"dc:title", "dc:language"}


# --- all of them ---------------------------------------------------------------------------------

AGAIN = """
import sys; sys.path.insert(0, {tests!r})
from pathlib import Path
from download_pages import render
render(Path({folder!r}))
"""


def test_downloads__same_bytes_in_another_process_at_another_time(tmp_path):
    digests = []
    for zone, seed in (("UTC", "1"), ("Asia/Ho_Chi_Minh", "2")):
        folder = tmp_path / seed
        code = AGAIN.format(tests=str(Path(__file__).parent), folder=str(folder))
        env = os.environ | {"TZ": zone, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code], env=env, check=True, cwd=tmp_path)
        digests.append(
            {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
        )
    assert digests[0] == digests[1]
    assert set(digests[0]) == {"10291.vi.html", *(f"10291.vi.{ending}" for ending in FORMATS)}


def test_downloads__hidden_cells_show_no_number_anywhere(page, seen):
    hidden = [row for table in seen.tables for row in table if row[0].startswith("three")]
    assert len(hidden) == 1
    content = content_of(page)
    (row,) = [r for t in content.tables for r in t.rows if r[0].text.startswith("three")]
    assert all(number.value == "" for cell in row for number in cell.numbers)
    book = openpyxl.load_workbook(page.with_suffix(".xlsx"))
    (cells,) = [
        r for r in book.worksheets[1].iter_rows(values_only=True) if str(r[0]).startswith("three")
    ]
    assert {cell for cell in cells[1:] if cell is not None} == {MISSING}
    sources = [str(r[3]) for r in book.worksheets[-1].iter_rows(min_row=2, values_only=True)]
    assert not any("outcome=three" in source for source in sources)


def test_downloads__page_links_to_its_files_by_addresses_beside_it(page):
    text = page.read_text("utf-8")
    for path in beside(page):
        assert path.is_file()
        assert f'href="{path.name}"' in text


def test_render_notebook__full_disk_leaves_the_old_files_and_nothing_half_written(
    tmp_path, monkeypatch
):
    page = render(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    changed = notebook("vi")
    changed.cells[0].outputs[1].data["text/html"] = "<h1>Khác</h1>"
    written = []

    def fill_up(path, content):
        written.append(path.name)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return original(path, content)

    original = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(RunError, match="could not be written"):
        render_notebook(changed, page, lang="vi", synthetic=False)
    assert len(written) == 3
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert not any(is_temporary(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["html", *FORMATS])
def test_render_notebook__any_file_that_the_gate_refuses_holds_all_back(tmp_path, ending):
    passed = []

    def gate(name, content):
        assert content
        passed.append(name)
        if name.endswith(ending):
            raise DisclosureError("Held back.")

    with pytest.raises(DisclosureError):
        render(tmp_path / "out", gate=gate)
    assert passed[-1] == f"10291.vi.{ending}"
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_render_notebook__odd_signs_do_not_stop_a_page(tmp_path):
    odd = notebook("vi")
    odd.cells[1].outputs.append(picture("tab\tvà \x0b\x01 dấu 🙂 漢 ✕"))
    head = "<table><caption></caption><thead><tr><th>🙂</th></tr></thead></table>"
    html = f"{head}<p>\x0c🙂 漢 ✕ ■</p><table></table>"
    odd.cells[2].outputs[1].data["text/html"] = html
    out = render_notebook(odd, tmp_path / "x.vi.html", lang="vi", synthetic=True)
    assert all(path.stat().st_size for path in beside(out))
    told = _pdf_text(out.with_suffix(".pdf").read_bytes(), Wording("vi"))
    assert "🙂漢✕■" in told


@pytest.mark.browser
def test_csv_link__downloads_from_a_file_under_the_policy_of_the_page(page, seen):
    with chromium() as browser:
        shown = browser.new_page()
        said = []
        shown.on("console", lambda message: said.append(message.text))
        shown.goto(page.resolve().as_uri())
        links = shown.locator("a[download]")
        assert links.count() == 2
        for number, rows in enumerate(csvs(seen)):
            with shown.expect_download() as waiting:
                links.nth(number).click()
            got = waiting.value
            assert got.suggested_filename == f"10291.{content_of(page).lang}.{number + 1}.csv"
            text = Path(got.path()).read_bytes().decode("utf-8")
            assert list(csv.reader(io.StringIO(text.removeprefix(BOM)))) == rows
        assert links.first.is_visible()
        shown.emulate_media(media="print")
        assert not links.first.is_visible()
    assert said == []


def test_docx__each_numbered_list_begins_with_one(tmp_path):
    from survey_tools.report.downloads.word import word_of

    source = "<html lang='en'><main><ol><li>a<li>b</ol><p>x</p><ol><li>c</ol></main></html>"
    (tmp_path / "a.docx").write_bytes(word_of(read_page(source), Wording("en")))
    document = docx.Document(str(tmp_path / "a.docx"))
    lists = [p._p.pPr.numPr.numId.val for p in document.paragraphs if p.style.name == "List Number"]
    assert len(lists) == 3
    assert lists[0] == lists[1] != lists[2]

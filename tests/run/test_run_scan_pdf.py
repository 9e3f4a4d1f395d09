"""Personal data in a PDF are found in its text, its words about pictures, its properties and its files."""

from __future__ import annotations

import pytest
import typst

from survey_tools.run.scan.known import Known
from survey_tools.run.scan.scanner import Scanner

PHONE = "0398123457"
SCANNER = Scanner(known=Known(phones=frozenset({PHONE})))
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'


def pdf(source, **inputs):
    return typst.compile(source.encode(), sys_inputs=inputs, ignore_system_fonts=True)


def found(content, name="a.pdf"):
    findings, unread = SCANNER.scan(name, content)
    assert not any(PHONE in str(one) for one in (*findings, *unread))
    return {one.place for one in findings}, {(one.place, one.why) for one in unread}


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("Số máy 0398123457", "page 1, line 1"),
        ("#pagebreak(weak: false) a\\ 0398 123 457", "page 2, line 2"),
        ('#set document(title: "0398123457")\nx', "properties, line 1"),
        ('#image(bytes(sys.inputs.svg), alt: "gọi 0398123457")',
         "page 1, description of a picture, line 1"),
        ('#pdf.attach("a.csv", bytes("x,0398123457"))\nx', "attached file 1, line 1"),
    ],
)  # fmt: skip
def test_scan__finds_a_phone_in_a_pdf(source, place):
    places, _ = found(pdf(source, svg=SVG))
    assert place in places


def test_scan__a_pdf_without_any_is_read_and_clean():
    assert found(pdf("Không có gì. 1.612 hộ, 154 Tổ.")) == (set(), set())


def test_scan__cells_of_a_table_are_no_one_number():
    cells = pdf("#table(columns: 4, [−0,06], [861], [154], [1.735])")
    assert found(cells) == (set(), set())


@pytest.mark.parametrize(
    "text",
    [
        "0398#strong[123]457",
        "0398 #text(size: 8pt)[123] 457",
        '0398123#text(font: "DejaVu Sans Mono")[457]',
    ],
)
def test_scan__a_number_in_several_fonts_is_one(text):
    assert found(pdf(text))[0] == {"page 1, line 1"}


def test_scan__says_what_of_a_pdf_it_did_not_read():
    assert found(b"%PDF-1.7\nnothing")[1] == {("", "a PDF that is damaged or locked")}
    pictures = pdf("#image(bytes(sys.inputs.svg))", svg=SVG)
    assert found(pictures)[1] == {("page 1", "a page of pictures")}
    linked = pdf('#link("tel:1")[gọi]')
    assert found(linked)[1] == {("page 1", "notes, links or a form in a PDF")}


def test_scan__a_known_value_in_a_damaged_pdf_is_found():
    places, _ = found(f"%PDF-1.7\n({PHONE}) Tj".encode())
    assert places == {""}

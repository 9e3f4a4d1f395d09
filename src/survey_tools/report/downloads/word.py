"""Write a page as DOCX, to be edited: heading styles, lists, real tables, pictures with their descriptions.

The same bytes each time, and nothing in it says who made it or when.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from survey_tools.report.downloads.blocks import (
    Block,
    Bullets,
    Content,
    Heading,
    Paragraph,
    Picture,
    Table,
)
from survey_tools.report.downloads.facts import footer
from survey_tools.report.downloads.packed import packed
from survey_tools.report.downloads.pdf import share_of, widths_of
from survey_tools.report.downloads.workbook import LANGUAGES
from survey_tools.report.wording import Wording

FONT = "Times New Roman"
"""What Vietnamese offices write in; every word processor has it or one of the same width."""

WIDTH = Cm(17.6)
"""Of the text."""

DEEPEST = 4
"""The deepest level of headings that has a style."""

LOOK = {
    "val": "06A0", "firstRow": "1", "lastRow": "0", "firstColumn": "1", "lastColumn": "0", "noHBand": "1",
    "noVBand": "1",
}  # fmt: skip
"""Which rows and columns of a table are special: the first of both; `val` is the sum of the others' bits."""

GREY = RGBColor(0x4A, 0x52, 0x58)
SIZES = {"Normal": 11, "Heading 1": 16, "Heading 2": 13, "Heading 3": 12, "Caption": 10}
SMALL = Pt(9)
KEPT = {
    "Normal", "Default Paragraph Font", "Normal Table", "No List", "heading 1", "heading 2", "heading 3",
    "heading 4", "caption", "List Bullet", "List Number", "Table Grid", "header", "footer",
}  # fmt: skip
"""Styles of the template that stay, by the names that Word knows them by."""


def word_of(content: Content, words: Wording) -> bytes:
    """Write a page.

    Parameters
    ----------
    content : Content
    words : Wording
        In the language of the page.
    """
    document = docx.Document(BytesIO(_empty()))
    _language(document, LANGUAGES[content.lang])
    for block in content.blocks:
        _add(document, block)
    _footer(document, content, words)
    told = BytesIO()
    document.save(told)
    return packed(told.getvalue(), title=content.title, lang=LANGUAGES[content.lang])


@cache
def _empty() -> bytes:
    """Make the document that all begin as: A4, our styles."""
    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(1.7)
    section.top_margin = section.bottom_margin = Cm(1.7)
    for name, size in SIZES.items():
        style = document.styles[name]
        style.font.name, style.font.size = FONT, Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        _all_letters(style)
    document.styles["Normal"].paragraph_format.space_after = Pt(5)
    caption = document.styles["Caption"].paragraph_format
    caption.keep_with_next, caption.space_after = True, Pt(3)
    _leave_out(document.part.package.rels, ("/thumbnail",))
    _leave_out(document.part.rels, ("/stylesWithEffects", "/customXml"))
    styles = document.styles.element
    for style in list(styles.iterfind(qn("w:style"))):
        if style.find(qn("w:name")).get(qn("w:val")) not in KEPT:
            styles.remove(style)
        elif (link := style.find(qn("w:link"))) is not None:
            style.remove(link)  # to a style for letters that is none of ours
    told = BytesIO()
    document.save(told)
    return told.getvalue()


def _leave_out(relations: Any, kinds: tuple[str, ...]) -> None:
    """Leave parts of the template out that nothing of ours uses; they are nine tenths of it."""
    for key in [key for key, one in relations.items() if one.reltype.endswith(kinds)]:
        del relations[key]


def _all_letters(style: Any) -> None:
    """Have the font count for all letters: the template names others for those beyond Latin."""
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for kind in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{kind}"), FONT)


def _language(document: Any, lang: str) -> None:
    for element in document.styles.element.iter(qn("w:lang")):
        for name in ("w:val", "w:eastAsia"):
            element.set(qn(name), lang)


def _add(document: Any, block: Block) -> None:
    if isinstance(block, Heading):
        document.add_heading(_clean(block.text), min(block.level, DEEPEST))
    elif isinstance(block, Bullets):
        _list(document, block)
    elif isinstance(block, Paragraph):
        _paragraph(document, block)
    elif isinstance(block, Table):
        _table(document, block)
    else:
        _picture(document, block)


def _paragraph(document: Any, block: Paragraph) -> None:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(_clean(block.text))
    if block.kind == "note":
        run.font.size, run.font.color.rgb = SMALL, GREY
    elif block.kind == "big":
        run.font.size, run.bold = Pt(16), True
    elif block.kind == "banner":
        run.bold = True
        paragraph._p.get_or_add_pPr().append(_shade("FFF3CD"))


def _list(document: Any, block: Bullets) -> None:
    style = document.styles["List Number" if block.numbered else "List Bullet"]
    number = _numbers_from_one(document, style) if block.numbered else None
    for item in block.items:
        paragraph = document.add_paragraph(_clean(item), style=style)
        if number is not None:
            properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
            properties.get_or_add_ilvl().val = 0
            properties.get_or_add_numId().val = number


def _numbers_from_one(document: Any, style: Any) -> int:
    """Begin a list anew: all paragraphs of a style would be counted as one list."""
    numbering = document.part.numbering_part.element
    used = style.element.pPr.numPr.numId.val
    kind = next(one for one in numbering.num_lst if one.numId == used).abstractNumId.val
    begun = numbering.add_num(kind)
    begun.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(begun.numId)


def _picture(document: Any, block: Picture) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = bool(block.caption)
    shape = paragraph.add_run().add_picture(BytesIO(block.png), width=int(WIDTH * share_of(block)))
    shape._inline.docPr.set("descr", _clean(block.alt or block.caption))
    if block.caption:
        document.add_paragraph(_clean(block.caption), style="Caption")


def _table(document: Any, block: Table) -> None:
    if block.caption:
        document.add_paragraph(_clean(block.caption), style="Caption")
    table = document.add_table(rows=len(block.rows) + 1, cols=len(block.heads))
    table.style = "Table Grid"
    table.autofit = False
    _describe(table, block.caption)
    widths = widths_of(block)
    wide = [int(WIDTH * width / sum(widths)) for width in widths]
    for column, width in zip(table.columns, wide, strict=True):
        column.width = width
    cells = iter(table._cells)  # one list: each `table.cell` would make all anew
    for name, width in zip(block.heads, wide, strict=True):
        _fill(next(cells), width, [(name, False)], text=True, bold=True)
    for row in block.rows:
        for cell, width, text in zip(row, wide, block.texts, strict=True):
            lines = [(line.text, line.small) for line in cell.lines]
            _fill(next(cells), width, lines, text=text)
    for row in table._tbl.tr_lst:
        row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    table._tbl.tr_lst[0].get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _fill(
    cell: Any, width: int, lines: list[tuple[str, bool]], *, text: bool, bold: bool = False
) -> None:
    cell.width = width
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    if not text:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for place, (line, small) in enumerate(lines):
        run = paragraph.add_run()
        if place:
            run.add_break()
        run.add_text(_clean(line))
        run.bold = bold or None
        run.font.size = Pt(8) if small else SMALL


def _describe(table: Any, caption: str) -> None:
    """Name a table for screen readers, and say by `tblLook` that its first row and column are headings.

    That the first row is repeated on each page, `_table` says (`tblHeader`).
    """
    properties = table._tbl.tblPr
    look = properties.find(qn("w:tblLook"))
    if look is None:
        look = OxmlElement("w:tblLook")
        properties.append(look)
    for name in list(look.attrib):
        del look.attrib[name]
    for name, value in LOOK.items():
        look.set(qn(f"w:{name}"), value)
    named = OxmlElement("w:tblCaption")
    named.set(qn("w:val"), _clean(caption))
    properties.append(named)


def _footer(document: Any, content: Content, words: Wording) -> None:
    """Say at the foot of each page what it is of, and its number."""
    paragraph = document.sections[0].footer.paragraphs[0]
    pieces = words("downloads_page_of", page="{page}", pages="{pages}")
    first, _, rest = pieces.partition("{page}")
    middle, _, last = rest.partition("{pages}")
    paragraph.add_run(_clean(f"{footer(content, words)} · {first}"))
    _field(paragraph, "PAGE")
    paragraph.add_run(middle)
    _field(paragraph, "NUMPAGES")
    paragraph.add_run(last)
    for run in paragraph.runs:
        run.font.size, run.font.color.rgb = Pt(8), GREY


def _field(paragraph: Any, name: str) -> None:
    """Add a field that a word processor fills in."""
    for kind, text in (("begin", ""), ("", name), ("end", "")):
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        element.text = text or None
        paragraph.add_run()._r.append(element)


def _shade(colour: str) -> Any:
    shade = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shade.set(qn(f"w:{name}"), value)
    return shade


def _clean(text: str) -> str:
    """Leave out signs that XML cannot hold."""
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n")

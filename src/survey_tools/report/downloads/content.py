"""Read a finished page into blocks: what it shows, with the values and sources of its numbers.

Folded code and links to files are left out; all other text of the main part is in some block, whatever
elements it stands in. Not here: writing a page, or deciding what it may show.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from lxml import html
from lxml.html import HtmlElement

from survey_tools.errors import RunError
from survey_tools.report.downloads.blocks import (
    Block,
    Bullets,
    Cell,
    Content,
    Heading,
    Line,
    Number,
    Paragraph,
    Picture,
    Table,
)
from survey_tools.report.numbers import Lang

FACTS = "survey-tools:"
"""How the names of the `<meta>` begin in which a page says what it is."""

_SPACE = re.compile(r"[ \t\r\n\f]+")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LEFT_OUT = {"script", "style", "template", "nav"}
_GROUPS = {
    "main", "div", "section", "article", "aside", "header", "footer", "figure", "blockquote", "dl",
    "details", "fieldset", "form",
}  # fmt: skip
_ONE_TEXT = {"p", "pre", "dt", "dd", "figcaption", "summary", "caption", "address"}
_PNG = "data:image/png;base64,"


def read_page(source: str) -> Content:
    """Read a page.

    Parameters
    ----------
    source : str
        HTML as `report.render` writes it.

    Raises
    ------
    RunError
        When it has no main part, or a picture that is not in it.
    """
    root = html.document_fromstring(
        source.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8")
    )
    main = root.find(".//main")
    if main is None:
        raise RunError("A page has no main part.", expected="<main>", next_step="render it again")
    facts = {
        name.removeprefix(FACTS): meta.get("content", "")
        for meta in root.iterfind(".//meta")
        if (name := meta.get("name", "")).startswith(FACTS)
    }
    lang: Lang = "en" if root.get("lang") == "en" else "vi"
    title = _plain(root.findtext(".//title") or "")
    return Content(lang, title, facts, tuple(_blocks(main)))


def read_tables(source: str) -> list[Table]:
    """Read the tables of a piece of a page, in order."""
    piece = html.fragment_fromstring(source, create_parent="div")
    return [_table(element) for element in piece.iter("table")]


def _blocks(parent: HtmlElement) -> Iterator[Block]:
    """Read what an element holds; text that stands in no block of its own is a paragraph."""
    loose = [parent.text or ""]
    for child in parent:
        if not isinstance(child.tag, str) or _is_left_out(child):
            loose.append(child.tail or "")
            continue
        found = _of(child)
        if found is None:
            loose += [_text(child), child.tail or ""]
            continue
        yield from _paragraph("".join(loose))
        yield from found
        loose = [child.tail or ""]
    yield from _paragraph("".join(loose))


def _of(element: HtmlElement) -> Iterator[Block] | None:
    """Read one element; None where it is a part of the text around it."""
    tag = element.tag
    if tag in _HEADINGS:
        text = _plain(_text(element))
        return iter([Heading(text, _HEADINGS[tag], element.get("id", ""))] if text else [])
    if tag in ("ul", "ol"):
        return _list(element)
    if tag == "table":
        table = _table(element)
        return iter([table]) if table.heads else _paragraph(table.caption)
    if tag == "img":
        return iter([_picture(element, "")])
    if tag == "figure" and (image := element.find(".//img")) is not None:
        return iter([_picture(image, _plain(_text_of(element.find(".//figcaption"))))])
    if tag in _ONE_TEXT:
        return _paragraph(_text(element), _kind(element))
    return _blocks(element) if tag in _GROUPS else None


def _is_left_out(element: HtmlElement) -> bool:
    """Whether it is folded code, a link to a file, a map of tiles, or nothing that is read.

    A document has no place for a map of tiles; what it tells stands in a table.
    """
    classes = element.get("class", "").split()
    return (
        element.tag in _LEFT_OUT
        or (element.tag == "details" and "code" in classes)
        or (element.tag == "figure" and "map" in classes)
        or "downloads" in classes
        or element.get("download") is not None
    )


def _paragraph(text: str, kind: str = "text") -> Iterator[Paragraph]:
    if plain := _plain(text):
        yield Paragraph(plain, kind)  # type: ignore[arg-type]


def _kind(element: HtmlElement) -> str:
    classes = element.get("class", "").split()
    if element.tag == "figcaption":
        return "note"
    return next((kind for kind in ("banner", "note", "big") if kind in classes), "text")


def _list(element: HtmlElement) -> Iterator[Bullets]:
    items = tuple(text for item in element.iter("li") if (text := _plain(_own(item))))
    if items:
        yield Bullets(items, numbered=element.tag == "ol")


def _own(item: HtmlElement) -> str:
    """Text of an item without that of lists within it, whose items come by themselves."""
    if item.tag == "br":
        return " "
    inner = [_own(child) if child.tag not in ("ul", "ol") else "" for child in item]
    tails = [child.tail or "" for child in item]
    return (item.text or "") + "".join(f"{a}{b}" for a, b in zip(inner, tails, strict=True))


def _picture(image: HtmlElement, caption: str) -> Picture:
    source = image.get("src", "")
    if not source.startswith(_PNG):
        raise RunError("A picture is not in the page itself.", expected=_PNG, found=source[:30])
    width = image.get("width", "")
    png = base64.b64decode(source.removeprefix(_PNG))
    return Picture(png, image.get("alt", ""), caption, int(width) if width.isdigit() else 0)


def _table(element: HtmlElement) -> Table:
    rows = list(element.iter("tr"))
    heads = [row for row in rows if row.getparent().tag == "thead"]
    body = [_row(row) for row in rows if row.getparent().tag != "thead"]
    width = max([len(row) for row in body] + [sum(map(_span, row)) for row in heads], default=0)
    names = _heads(heads, width)
    texts = [place == 0 for place in range(width)]
    for row in rows:
        for place, cell in enumerate(row):
            if "text" in cell.get("class", "").split() and place < width:
                texts[place] = True
    empty = Cell(())
    whole = tuple((*row, *[empty] * (width - len(row))) for row in body)
    caption = _plain(_text_of(element.find("caption")))
    return Table(caption, names, tuple(texts), whole)


def _heads(rows: list[HtmlElement], width: int) -> tuple[str, ...]:
    """Name each column; where heads stand above heads, by both."""
    names: list[list[str]] = [[] for _ in range(width)]
    taken = [0] * width
    for level, row in enumerate(rows):
        place = 0
        for cell in row:
            while place < width and taken[place] > level:
                place += 1
            for _ in range(min(_span(cell), width - place)):
                names[place].append(_plain(_text(cell)))
                taken[place] = level + int(cell.get("rowspan", 1))
                place += 1
    return tuple(" – ".join(filter(None, parts)) for parts in names)


def _row(row: HtmlElement) -> list[Cell]:
    cells: list[Cell] = []
    for cell in row:
        cells += [_cell(cell), *[Cell(())] * (_span(cell) - 1)]
    return cells


def _span(cell: HtmlElement) -> int:
    return int(cell.get("colspan", 1))


def _cell(element: HtmlElement) -> Cell:
    lines: list[tuple[list[str | Number], bool]] = [([], False)]
    _fill(element, lines, small=False)
    read = (Line(_joined(pieces), small) for pieces, small in lines)
    return Cell(tuple(line for line in read if line.text))


def _fill(
    element: HtmlElement, lines: list[tuple[list[str | Number], bool]], *, small: bool
) -> None:
    """Add what an element of a cell holds to its lines."""
    lines[-1][0].append(_SPACE.sub(" ", element.text or ""))
    for child in element:
        if child.tag == "br":
            lines.append(([], small))
        elif child.tag == "data":
            text = _plain(_text(child))
            value, source = child.get("value", ""), child.get("data-source", "")
            lines[-1][0].append(Number(text, value, source))
        elif child.tag in ("small", "p", "div", "li"):
            if _plain("".join(p if isinstance(p, str) else p.text for p in lines[-1][0])):
                lines.append(([], True))
            else:
                lines[-1] = (lines[-1][0], True)
            _fill(child, lines, small=child.tag == "small")
            if _plain(child.tail or ""):
                lines.append(([], small))
        elif isinstance(child.tag, str):
            _fill(child, lines, small=small)
        lines[-1][0].append(_SPACE.sub(" ", child.tail or ""))


def _joined(pieces: list[str | Number]) -> tuple[str | Number, ...]:
    """Join texts that follow each other."""
    joined: list[str | Number] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] = _SPACE.sub(" ", joined[-1] + piece)
        elif piece != "":
            joined.append(piece)
    return tuple(joined)


def _text_of(element: HtmlElement | None) -> str:
    return "" if element is None else _text(element)


def _text(element: HtmlElement) -> str:
    """Text of an element; a line break parts words."""
    if element.tag == "br":
        return " "
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str) and not _is_left_out(child):
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip(" ")

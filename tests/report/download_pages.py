"""Pages made by hand, with traced numbers of every kind, odd texts and a picture, and their own reader."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from PIL import Image

from survey_tools.report import markup
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.render import render_notebook
from survey_tools.report.traced import Traced

FACTS = {
    "run": "main",
    "page": "10291",
    "lang": "vi",
    "study": "made-up",
    "data": "2026-11-26T01:44:00Z",
}
CAPITALS = "ĂẮẰẲẴẶÂẤẦẨẪẬĐÊẾỀỂỄỆÔỐỒỔỖỘƠỚỜỞỠỢƯỨỪỬỮỰ ăắằẳẵặđếợỹ"
ODD = f"<b>\"#$*_@\\`[x]' & {{}} // {CAPITALS} «—−–…₫»"
LONG = "rất dài " * 300
FORMULAS = ("=1+1", "+cmd|' /C x'!A0", "-2+3", "@SUM(A1)", "\t=1")


def level(value: float | None, column: str = "estimate", **keys: str) -> Traced:
    """A number of a table of results."""
    named = "&".join(f"{k}={v}" for k, v in sorted({"area": "10291", "wave": "w3", **keys}.items()))
    return Traced(value, f"levels?{named}#{column}")


def table(lang: Lang) -> markup.Table:
    """Shares, few answers, a hidden row, points, counts, intervals, an open end, a p-value."""
    n = Numbers(lang)
    rows = []
    for outcome, share, few in (
        ("one", 0.2857, False),
        ("two", 0.55, True),
        ("three", None, False),
    ):
        keys = {"outcome": outcome}
        low, high = (None, None) if share is None else (share - 0.1, share + 0.1)
        interval = n.interval(
            level(low, "conf_low", **keys), level(high, "conf_high", **keys), "binary"
        )
        hidden = share is None
        change = level(share, **keys) - level(0.2059, wave="w1", **keys)
        tail = n.difference_interval(
            level(None if hidden else -0.0312, "ar_low", **keys),
            level(None if hidden else float("inf"), "ar_high", **keys),
            "binary",
        )
        rows.append((
            f"{outcome} {ODD}",
            n.percent(level(share, **keys)) + "*" * few,
            interval,
            (n.bare_difference(change, "binary"), tail),
            n.count(level(None if hidden else 1612, "n", **keys)),
            n.bare_p_value(level(None if hidden else 0.0004, "p_value", **keys)),
        ))  # fmt: skip
    heads = ("Kết quả", "Cuối kỳ", "Khoảng", "Thay đổi", "Số hộ", "p")
    return markup.Table(f"Bảng {ODD}", heads, tuple(rows), ("* ít câu trả lời", "— không nêu"))


def texts_table() -> markup.Table:
    """Texts that a spreadsheet could take for formulas, and very long ones."""
    rows = tuple((text, f"{text} ", LONG) for text in FORMULAS)
    return markup.Table("Chữ", ("=A", "B", "C"), rows, text_columns=3)


def picture_bytes() -> bytes:
    """A small PNG."""
    png = io.BytesIO()
    Image.new("RGB", (60, 30), "teal").save(png, "PNG")
    return png.getvalue()


def picture(alt: str, numbers: list[list[str]] | None = None) -> dict:
    """Output of a cell that shows a figure."""
    figure = {"alt": alt, "caption": f"Hình {ODD}", "width": 653, "numbers": numbers or []}
    data = {"image/png": base64.b64encode(picture_bytes()).decode()}
    return nbformat.v4.new_output("display_data", data, metadata={"image/png": figure})


def notebook(lang: Lang):
    """An executed notebook of a page."""
    n = Numbers(lang)
    big = n.difference(level(0.0817), "binary")
    pieces = [
        [markup.banner("Dữ liệu mô phỏng."), markup.title(f"Xã A: {ODD}")],
        [
            markup.heading("asked", "Đã hỏi gì"),
            markup.paragraphs([f"Câu {ODD}", LONG]),
            markup.bullets([f"{n.percent(level(0.93))} hộ", ODD]),
        ],
        [markup.heading("key", "Bảng"), table(lang), texts_table()],
        [markup.key_figure(big, "Tác động")],
        [markup.heading("how_shown", "Cách nêu"), markup.paragraphs(["Quy tắc."])],
        [markup.heading("provenance", "Nguồn gốc"), markup.bullets(["Máy chủ."])],
    ]
    cells = []
    for some in pieces:
        outputs = [
            nbformat.v4.new_output("display_data", {"text/html": one._repr_html_()}) for one in some
        ]
        cells.append(nbformat.v4.new_code_cell(f"show({len(cells)})", outputs=outputs))
    cells[1].outputs.append(
        picture(f"Mô tả {ODD}", [["0.5", "effects?outcome=one#estimate", "50"]])
    )
    return nbformat.v4.new_notebook(cells=cells)


def render(folder: Path, lang: Lang = "vi", **options) -> Path:
    """Render the page."""
    out = folder / f"10291.{lang}.html"
    facts = FACTS | {"lang": lang}
    return render_notebook(notebook(lang), out, lang=lang, synthetic=False, facts=facts, **options)


VOID = {"br", "img", "meta", "link", "hr", "input"}


class Seen(HTMLParser):
    """What a page's main part shows, read without the code under test: its text, tables, and `<data>`."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.data: list[list[list[tuple[str, str, str]]]] = []
        self.links: dict[str, str] = {}
        self._open: list[tuple[str, set[str]]] = []
        self._number: dict[str, str] | None = None
        self.feed(source)

    def _inside(self, *tags: str) -> bool:
        return any(tag in tags for tag, _ in self._open)

    @property
    def _left_out(self) -> bool:
        return not self._inside("main") or any(
            "downloads" in kinds or (tag == "details" and "code" in kinds)
            for tag, kinds in self._open
        )

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in VOID:
            self._open.append((tag, set((found.get("class") or "").split())))
        if tag == "a" and "download" in found:
            self.links[found["download"]] = found["href"]
        if tag == "table":
            self.tables.append([])
            self.data.append([])
        if tag == "tr":
            self.tables[-1].append([])
            self.data[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag == "br" and self._inside("td", "th"):
            self.tables[-1][-1][-1] += "\n"
        if tag == "data" and self._inside("td", "th"):
            self._number = {**found, "text": ""}

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        while self._open.pop()[0] != tag:
            pass
        if tag == "data" and self._number:
            one = self._number
            self.data[-1][-1].append((one["value"], one["data-source"], one["text"]))
            self._number = None

    def handle_data(self, data):
        if self._left_out:
            return
        self.text.append(data)
        if self._number:
            self._number["text"] += data
        if self._inside("td", "th"):
            self.tables[-1][-1][-1] += data


def squeezed(text: str) -> str:
    """A text without its spaces."""
    return "".join(text.split())

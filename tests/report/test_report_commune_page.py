"""The commune's page, executed and rendered: a usual, a small and an empty commune, on screen and paper."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from commune_frames import EMPTY, SMALL, USUAL, make_places

from browser_support import sheets_of_paper, sheets_of_pdf
from survey_tools.report.render import render_notebook
from survey_tools.report.shown import share_results
from survey_tools.run.kernels.execute import Options, execute

ROOT = Path(__file__).parents[2]
SECTIONS = [
    "asked", "key_figures", "commune_changes", "by_team", "effect", "commune_left_behind",
    "commune_outreach", "why_cash", "wish", "commune_harm", "commune_steps", "how_shown", "provenance",
]  # fmt: skip
TOO_FEW = {"vi": "không nêu", "en": "not shown"}
NO_STEP = {
    "vi": "Không nêu được những số liệu dùng để rút ra việc",
    "en": "The figures from which steps are drawn are not shown",
}


@pytest.fixture(scope="module")
def pages(ws, tmp_path_factory):
    """Rendered pages by code and language."""
    places = make_places(ws, tmp_path_factory.mktemp("pages") / "ws")
    share_results(places)
    folder = places.reports("test")
    folder.mkdir(parents=True)
    found, source = {}, ROOT / "notebooks" / "60_commune_report.ipynb"
    for code in (USUAL, SMALL, EMPTY):
        for lang in ("vi", "en"):
            path = folder / f"{code}.{lang}.ipynb"
            given = {"commune": code, "lang": lang, "run": "test"}
            assert execute(source, path, given, Options(root=places.root)).failure is None
            content = nbformat.read(path, as_version=4)
            streams = [
                o for c in content.cells if c.cell_type == "code" for o in c.outputs
                if o.output_type in ("stream", "error")
            ]  # fmt: skip
            assert streams == []
            out = path.with_suffix(".html")
            found[code, lang] = render_notebook(content, out, lang=lang, synthetic=True)
    return found


@pytest.fixture(params=["vi", "en"])
def lang(request):
    return request.param


def _parts(path):
    """Text of each section by its id."""
    text = path.read_text("utf-8")
    text = re.sub(r"<style>.*?</style>|<details.*?</details>|data:[^\"]*", "", text, flags=re.S)
    pieces = re.split(r'<h2 id="([^"]+)">', text)
    return dict(zip(pieces[1::2], (_plain(piece) for piece in pieces[2::2]), strict=True))


def _plain(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.mark.parametrize("code", [USUAL, SMALL, EMPTY])
def test_commune_page__has_all_sections_in_order_and_no_value_that_is_none(pages, code, lang):
    parts = _parts(pages[code, lang])
    assert list(parts) == SECTIONS
    everything = " ".join(parts.values())
    assert not re.search(r"\b(nan|NaN|None|NaT|<NA>)\b", everything)
    assert "[" not in parts["commune_steps"]


def test_commune_page__of_a_usual_place_tells_figures_and_steps(pages, lang):
    parts = _parts(pages[USUAL, lang])
    assert parts["key_figures"].count("%") > 8
    assert "2026" in parts["asked"]
    assert NO_STEP[lang] not in parts["commune_steps"]
    assert re.search(r"<ol class=\"steps\">\s*<li>", pages[USUAL, lang].read_text("utf-8"))


@pytest.mark.parametrize("code", [SMALL, EMPTY])
def test_commune_page__of_a_place_with_few_answers_says_so_everywhere(pages, code, lang):
    parts = _parts(pages[code, lang])
    for section in ("commune_changes", "by_team", "commune_left_behind", "commune_harm"):
        assert TOO_FEW[lang] in parts[section], section
    assert NO_STEP[lang] in parts["commune_steps"]
    assert "%" not in parts["commune_changes"].replace("95%", "").replace("95 %", "")
    assert "%" not in parts["commune_left_behind"].replace("95%", "")


def test_commune_page__every_number_of_a_table_says_where_it_is_from(pages, lang):
    text = pages[USUAL, lang].read_text("utf-8")
    cells = re.findall(r"<td>(.*?)</td>", text, flags=re.S)
    told = [cell for cell in cells if "%" in cell]
    assert len(told) > 40
    assert all("data-source=" in cell for cell in told)
    assert {"changes?", "fieldwork?", "outreach?"} <= set(re.findall(r'data-source="(\w+\?)', text))


@pytest.mark.browser
@pytest.mark.parametrize("code", [USUAL, SMALL])
def test_commune_page__is_about_two_sheets_of_a4(pages, browser, code, lang):
    assert sheets_of_paper(browser, pages[code, lang]) == 2
    assert sheets_of_pdf(pages[code, lang].with_suffix(".pdf")) <= 3

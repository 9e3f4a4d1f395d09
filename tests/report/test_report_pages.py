"""The two report notebooks run, rendered pages are whole by themselves, and the index tells the truth."""

import io
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest

from survey_tools.errors import AreaError, DisclosureError, ParamsError, RunError
from survey_tools.params import ROOT_VARIABLE
from survey_tools.report import drawing, figures, tables
from survey_tools.report.disclosure import open_results
from survey_tools.report.page import commit_of, open_page
from survey_tools.report.pick import rows_where
from survey_tools.report.render import render_notebook
from survey_tools.report.site import write_index

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    "10288.vi": ("60_commune_report.ipynb", {"commune": 10288, "lang": "vi"}),
    "district.en": ("70_district_report.ipynb", {"lang": "en"}),
}


class Outline(HTMLParser):
    """Headings in order, images, links, ids and languages of a page."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.images, self.links, self.ids, self.lang = [], [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "html":
            self.lang = values.get("lang")
        if tag == "img":
            self.images.append(values)
        if tag == "a":
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])


@pytest.fixture(scope="module")
def executed(ws):
    """Executed notebooks by page."""
    folder = ws.reports("test")
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(ws.root))
        for page, (name, given) in NOTEBOOKS.items():
            papermill.execute_notebook(
                str(ROOT / "notebooks" / name),
                str(folder / f"{page}.ipynb"),
                given | {"run": "test"},
                progress_bar=False,
            )
    return {page: folder / f"{page}.ipynb" for page in NOTEBOOKS}


def _render(path, out, **options):
    """Render the notebook of a file."""
    content = nbformat.read(path, as_version=4)
    return render_notebook(content, out, name=path.name, **options)


@pytest.fixture(scope="module", params=list(NOTEBOOKS))
def page(request, executed):
    """Name and text of a rendered page."""
    path = executed[request.param]
    out = path.with_suffix(".html")
    _render(path, out, lang=out.suffixes[-2][1:], synthetic=True)
    return request.param, out.read_text("utf-8")


def test_render_notebook__opens_without_any_network(page):
    _, text = page
    rest = re.sub(r"data:(?:image/png|text/csv;charset=utf-8);base64,[^\"]*", "", text)
    rest, scripts = re.subn(r"<script>.*?</script>", "", rest, flags=re.DOTALL)
    assert scripts == 1, "the switch of colours, allowed by its digest"
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", text)
    assert "//" not in rest
    assert set(re.findall(r'(?:src|href)="([^"]*)"', rest)) <= {"", *Outline(text).links}
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_render_notebook__outline_is_in_order(page):
    name, text = page
    outline = Outline(text)
    assert outline.lang == name.split(".")[-1]
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert set(outline.headings[1:]) == {2}
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.lstrip("#") for link in outline.links if link[0] == "#"} <= set(outline.ids)


def test_render_notebook__every_figure_has_alt_text_and_caption(page):
    _, text = page
    images = Outline(text).images
    assert 3 <= len(images) <= 7
    assert all(len(image["alt"]) > 40 for image in images)
    assert text.count("</figcaption>") >= len(images)


def test_render_notebook__says_once_that_answers_are_simulated(page):
    assert page[1].count('class="banner"') == 1


def test_render_notebook__links_to_index_and_other_language(page):
    name, text = page
    code, lang = name.split(".")
    other = {"vi": "en", "en": "vi"}[lang]
    index = {"vi": "index.html", "en": "index.en.html"}[lang]
    assert {index, f"{code}.{other}.html"} <= set(Outline(text).links)


def test_render_notebook__code_is_folded_and_notes_are_left_out(page):
    _, text = page
    assert "<details class=" in text
    assert "<details open" not in text
    assert "About the notebook" not in text
    assert "**Question**" not in text
    assert "Reads" not in text


def test_render_notebook__no_value_leaks_that_is_no_value(page):
    _, text = page
    shown = re.sub(r"<code>.*?</code>|data:image[^\"]*|<style>.*?</style>", "", text, flags=re.S)
    assert not re.search(r"\b(nan|NaN|None|NaT|&lt;NA&gt;|Warning|Traceback)\b", shown)


def test_render_notebook__same_bytes_for_two_runs(executed, tmp_path):
    first = nbformat.read(executed["10288.vi"], as_version=4)
    for number, cell in enumerate(first.cells):
        cell["id"] = f"other-{number}"
        cell.metadata["papermill"] = {"start_time": "2020-01-01"}
        if cell.cell_type == "code":
            cell["execution_count"] = 99 + number
    nbformat.write(first, tmp_path / "again.ipynb")
    a = _render(executed["10288.vi"], tmp_path / "x.vi.html", lang="vi", synthetic=True)
    before = a.read_bytes()
    b = _render(tmp_path / "again.ipynb", tmp_path / "x.vi.html", lang="vi", synthetic=True)
    assert b.read_bytes() == before


def test_render_notebook__same_bytes_as_from_the_file_and_notebook_unchanged(executed, tmp_path):
    content = nbformat.read(executed["district.en"], as_version=4)
    before = nbformat.writes(content)
    options = {"lang": "en", "synthetic": True}
    a = _render(executed["district.en"], tmp_path / "district.en.html", **options)
    b = render_notebook(content, tmp_path / "memory" / "district.en.html", **options)
    assert b.read_bytes() == a.read_bytes()
    assert nbformat.writes(content) == before


def test_commune_notebook__no_warning_in_any_cell(executed):
    for path in executed.values():
        cells = nbformat.read(path, as_version=4).cells
        outputs = [o for c in cells if c.cell_type == "code" for o in c.outputs]
        assert [o for o in outputs if o.output_type in ("stream", "error")] == []


def _notebook(path, *outputs):
    cell = nbformat.v4.new_code_cell("1", outputs=list(outputs))
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_render_notebook__refuses_a_failed_notebook(tmp_path):
    error = nbformat.v4.new_output("error", ename="E", evalue="secret", traceback=["secret"])
    with pytest.raises(RunError) as caught:
        _render(
            _notebook(tmp_path / "n.ipynb", error), tmp_path / "n.html", lang="vi", synthetic=False
        )
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "n.html").exists()


def test_render_notebook__refuses_a_figure_without_alt_text(tmp_path):
    image = nbformat.v4.new_output("display_data", data={"image/png": "eA=="})
    with pytest.raises(RunError, match="no alt text"):
        _render(
            _notebook(tmp_path / "n.ipynb", image), tmp_path / "n.html", lang="vi", synthetic=False
        )


@pytest.mark.parametrize(("synthetic", "wanted"), [(True, 1), (False, 0)])
def test_render_notebook__banner_even_where_the_notebook_has_none(tmp_path, synthetic, wanted):
    out = _render(
        _notebook(tmp_path / "n.ipynb"), tmp_path / "n.en.html", lang="en", synthetic=synthetic
    )
    assert out.read_text("utf-8").count('class="banner"') == wanted


def test_show__refuses_a_figure_without_alt_text(ws):
    figure = figures.Figure()
    with pytest.raises(DisclosureError):
        figures.show(figure, alt=" ", caption="x")


def test_png_of__same_picture_as_matplotlib_draws_by_itself(ws, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, **_: shown.append(figure))
    results = open_results(ws, "vi", "10291")
    for _ in range(2):
        figures.levels_figure(results)
    plain = io.BytesIO()
    shown[0].savefig(plain, format="png", dpi=drawing.DPI)
    plain.seek(0)
    once = drawing.png_of(shown[1])
    assert np.array_equal(plt.imread(io.BytesIO(once)), plt.imread(plain))
    figures.levels_figure(results)
    assert drawing.png_of(shown[2]) == once


def test_rows_where__all_columns_must_hold_their_value():
    frame = pd.DataFrame({"area": ["a", "a", None], "wave": ["w1", "w3", "w1"], "n": [1, 2, 3]})
    assert rows_where(frame, area="a", wave="w1")["n"].to_list() == [1]
    assert rows_where(frame, area="b").columns.to_list() == ["area", "wave", "n"]
    assert rows_where(frame)["n"].to_list() == [1, 2, 3]


@pytest.mark.parametrize("commune", [None, "10288"])
def test_figures__no_warning_and_alt_in_the_language(ws, monkeypatch, commune):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, **texts: shown.append((figure, texts)))
    results = open_results(ws, "en", commune)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.levels_figure(results)
        figures.effects_figure(results)
        figures.communes_figure(results)
        figures.exposure_figure(results)
    assert len(shown) == 4
    assert all(texts["alt"].replace("−", "-").isascii() for _, texts in shown)


@pytest.mark.parametrize(("code", "first"), [("00001", 0), ("00100", 69), ("00200", 140)])
def test_near__as_many_as_a_figure_can_hold_around_the_page(code, first):
    rows = pd.DataFrame({"commune_code": [f"{number:05d}" for number in range(1, 201)]})
    near = figures._near(rows, code)
    assert list(near["commune_code"]) == list(rows["commune_code"][first : first + 60])
    assert code in set(near["commune_code"])


def test_communes_figure__order_is_that_of_codes(ws, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, **_: shown.append(figure))
    results = open_results(ws, "en", "10288")
    figures.communes_figure(results)
    ticks = [label.get_text() for label in shown[0].axes[0].get_yticklabels()]
    assert ticks[::-1] == [unit.name("en") for _, unit in sorted(results.units.items())]


def test_communes_table__order_is_that_of_codes(ws):
    results = open_results(ws, "en")
    names = [unit.name("en") for _, unit in sorted(results.units.items())]
    assert tables.communes_table(results).frame.iloc[:, 0].to_list() == names


def test_tables__hidden_and_few_are_marked_and_explained(ws):
    table = tables.levels_table(open_results(ws, "en", "10291"))
    text = " ".join(table.frame.to_numpy().ravel())
    assert "—" in text
    assert "* from" in text
    assert len(table.notes) == 2
    assert '<th scope="row">' in table._repr_html_()


def test_open_page__number_is_a_code_and_no_commune_is_refused(ws, monkeypatch):
    monkeypatch.setenv(ROOT_VARIABLE, str(ws.root))
    assert open_page("params/study.yml", 10288).title.startswith("Xã Tri Trung")
    with pytest.raises(AreaError):
        open_page("params/study.yml", 288)
    with pytest.raises(ParamsError, match="language"):
        open_page("params/study.yml", lang="fr")


def test_commit_of__outside_a_repository(tmp_path):
    assert commit_of(tmp_path) is None


@pytest.mark.parametrize("name", ["60_commune_report.ipynb", "70_district_report.ipynb"])
def test_notebook__source_is_stripped_and_short(name):
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert all(len(cell.source.splitlines()) <= 10 for cell in code)
    assert code[0].metadata["tags"] == ["parameters"]
    notes = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    assert all("source-only" in cell.metadata["tags"] for cell in notes)


RECORD = {
    "started": "2026-11-20T08:00:00Z",
    "finished": "2026-11-20T08:05:00Z",
    "commit": "0123456789abcdef",
    "pulls": [
        {
            "form": "household",
            "rows": 5204,
            "server_count": 5204,
            "proof": "counted",
            "server": "sandbox",
        }
    ],
    "pages": [
        {"code": "10288", "lang": "vi", "status": "ok", "file": "10288.vi.html", "error": None},
        {
            "code": "10291",
            "lang": "vi",
            "status": "failed",
            "file": None,
            "error": "cell 4: <Boom>\nrow 17 of the answers",
        },
        {"code": "district", "lang": "vi", "status": "ok", "file": "district.vi.html"},
    ],
}


def test_write_index__links_pages_and_tells_failures(ws):
    paths = write_index(ws, "site", RECORD)
    assert [path.name for path in paths] == ["index.html", "index.en.html"]
    text = paths[0].read_text("utf-8")
    outline = Outline(text)
    assert outline.lang == "vi"
    assert {"10288.vi.html", "district.vi.html", "index.en.html"} <= set(outline.links)
    assert not [link for link in outline.links if "10291" in link]
    assert "1 trang không dựng được" in text
    assert "cell 4: &lt;Boom&gt;" in text
    assert "row 17" not in text
    assert "Dữ liệu mô phỏng" in text
    assert "5.204 trên 5.204 dòng" in text
    assert not re.search(r"https?://", text)


def test_write_index__shows_no_commune_figure_that_is_hidden(ws, tmp_path):
    text = write_index(ws, "site", RECORD)[0].read_text("utf-8")
    shown = open_results(ws, "vi", "10288").level("qr_shop_30d", "w3", area="10288")
    tile = re.search(r'aria-label="Xã Tri Trung: ([^"]*)"', text).group(1)
    wanted = {"hidden": "—", "few": "*"}.get(shown["status"], "%")
    assert wanted in tile


def test_write_index__works_before_there_are_results(ws, tmp_path):
    (tmp_path / "params").symlink_to(ws.root / "params")
    empty = type(ws)(root=tmp_path, study_path=ws.study_path, study=ws.study)
    text = write_index(empty, "site", RECORD | {"pages": []})[1].read_text("utf-8")
    assert "no results to colour the map" in text
    assert text.count("not made yet") >= 27

"""The index of a run: figures, flags, links, what is hidden; in a browser; with thousands of communes."""

import base64
import hashlib
import re
import shutil
import sys
from html import unescape
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.params import open_workspace
from survey_tools.report.disclosure import open_results
from survey_tools.report.numbers import Numbers
from survey_tools.report.shown import share_results, shown_tables
from survey_tools.report.site import write_index
from survey_tools.report.site.links import compared
from survey_tools.report.site.measures import colour_of_difference, effect_cell
from survey_tools.report.site.tiles import effects_map, short
from survey_tools.report.wording import entries
from survey_tools.run.gate import open_gate

ROOT = Path(__file__).parents[2]
WHEN = {"started": "2026-11-20T08:00:00Z", "finished": "2026-11-20T08:05:00Z"}
RECORD = WHEN | {"pages": []}


@pytest.fixture(scope="module")
def kept(ws, tmp_path_factory):
    """The workspace with what may be shown kept beside its results; nobody changes it."""
    root = tmp_path_factory.mktemp("kept") / "ws"
    shutil.copytree(ws.root, root, ignore=shutil.ignore_patterns("reports", ".shown"))
    mine = open_workspace(root / "params" / "study.yml")
    share_results(mine)
    return mine


@pytest.fixture
def copy(kept, tmp_path):
    """A copy of it, to change."""
    shutil.copytree(kept.root, tmp_path / "ws", ignore=shutil.ignore_patterns("reports"))
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _index(ws, record=RECORD, lang="vi"):
    share_results(ws)
    paths = write_index(ws, "site", record)
    return paths[("vi", "en").index(lang)].read_text("utf-8")


def _record(ws, **statuses):
    """Every commune has a page, all made but those named `c<code>`."""
    pages = [
        {
            "code": code,
            "lang": lang,
            "status": statuses.get(f"c{code}", "ok"),
            "file": f"{code}.{lang}.html",
            "error": "ValueError: <no> answers",
        }
        for code in [*ws.table("communes")["code"], "district"]
        for lang in ("vi", "en")
    ]
    return WHEN | {"pages": pages}


def _change_communes(ws, change):
    path = ws.file("communes")
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def _text(html):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def _row(page, code):
    return re.search(rf"<tr>(?:(?!</tr>).)*<small>{code}</small>.*?</tr>", page, re.DOTALL)[0]


def _maps(page):
    found = re.findall(r'<figure class="map" id="map-([\w-]+)"(.*?)</figure>', page, re.DOTALL)
    return dict(found)


def test_write_index__the_same_with_kept_results(copy):
    kept = _index(copy)
    shutil.rmtree(copy.results / ".shown")
    assert write_index(copy, "site", RECORD)[0].read_text("utf-8") == kept
    assert not (copy.results / ".shown").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda communes: communes.drop(columns=["tile_row", "tile_col"]),
        lambda communes: communes.assign(tile_row="0", tile_col="0"),
    ],
)
def test_write_index__without_a_place_of_its_own_for_each_commune_there_is_no_map(copy, change):
    with_map = _index(copy)
    _change_communes(copy, change)
    without = _index(copy)
    assert 'class="map"' not in without
    assert "Không có bản đồ" in without
    rows = r"<tbody>.*</tbody>"
    assert re.search(rows, without, re.DOTALL)[0] == re.search(rows, with_map, re.DOTALL)[0]


def test_write_index__a_map_for_the_level_and_the_effect_of_each_main_outcome(kept):
    maps = _maps(_index(kept))
    main = kept.study.report.main_outcomes
    assert {f"{kind}-{one}" for kind in ("level", "effect") for one in main} <= set(maps)
    assert all(text.count("<li class=") == 27 for text in maps.values())
    waiting = [text.startswith(" hidden>") for text in maps.values()]
    assert waiting == [False] + [True] * (len(maps) - 1)
    assert next(iter(maps)) == f"level-{main[0]}"


def test_write_index__no_effects_where_nothing_was_drawn(copy):
    path = copy.study_path
    text = path.read_text("utf-8").replace(
        "kind: stratified_cluster_randomised", "kind: observational"
    )
    path.write_text(text, "utf-8")
    maps = _maps(_index(open_workspace(path)))
    assert maps
    assert not [key for key in maps if key.startswith("effect-")]


def test_write_index__changes_of_which_a_level_is_hidden_are_not_there(copy):
    levels = contracts.read_table(copy.results, "levels")
    keys = ["area", "wave", "group", "outcome"]
    changes = levels[levels["wave"].eq("w3")][[*keys, "n"]].assign(
        estimate=0.1234, conf_low=-0.0567, conf_high=0.3021, n_baseline=50
    )
    contracts.write_table(changes, copy.results, "changes")
    maps = _maps(_index(copy))
    shown = shown_tables(copy)["changes"].query("group == 'all' and wave == 'w3'")
    for outcome in copy.study.report.main_outcomes:
        mine = shown[shown["outcome"].eq(outcome) & shown["area"].ne("district")]
        estimates = re.findall(r'<b><data value="([^"]*)"', maps[f"change-{outcome}"])
        assert sum(map(bool, estimates)) == mine["status"].ne("hidden").sum()
        assert estimates.count("") == mine["status"].eq("hidden").sum()
    assert shown["status"].eq("hidden").any()


def test_write_index__nothing_of_a_hidden_figure_is_in_the_file(copy):
    """An outcome of a few in a hundred: some communes have too few who did it to be told."""
    rare = "sold_online_12m"
    text = re.sub(
        "main_outcomes: .*", f"main_outcomes: [{rare}]", copy.study_path.read_text("utf-8")
    )
    copy.study_path.write_text(text, "utf-8")
    communes = contracts.read_table(copy.results, "communes")
    tiny = communes["commune_code"].eq("10288")
    columns = ["estimate", "conf_low", "conf_high", "n"]
    communes.loc[tiny, columns] = [0.9431, 0.9123, 0.9776, 8]
    contracts.write_table(communes, copy.results, "communes")
    ws = open_workspace(copy.study_path)
    page = _index(ws)
    assert not re.search(r"9431|9123|9776|94[.,]3|91[.,]2|97[.,]8", page)
    shown = shown_tables(ws)["levels"].query(
        f"group == 'all' and wave == 'w3' and outcome == '{rare}' and area != 'district'"
    )
    raw = contracts.read_table(ws.results, "levels").set_index(["area", "wave", "group", "outcome"])
    assert shown["status"].eq("hidden").sum() > 1
    for code, status in zip(shown["area"], shown["status"], strict=True):
        source = rf'data-source="levels\?area={code}&amp;group=all&amp;outcome={rare}&amp;wave=w3#'
        values = set(re.findall(rf'<data value="([^"]*)" {source}', page))
        tile = re.search(rf'<li class="([^"]*)"[^>]*data-code="{code}"', page)[1]
        if status == "hidden":
            assert values == {""}
            assert tile == "tile none"
        else:
            assert str(raw.loc[(code, "w3", "all", rare), "n"]) in values
    assert not re.search("[\ue000-\ue002]", page)


def test_write_index__every_figure_of_a_tile_says_its_cell_and_its_label_is_plain(kept):
    maps = _maps(_index(kept))
    for key, text in maps.items():
        assert len(re.findall(r"<b><data ", text)) == 27, key
    effect = maps["effect-qr_shop_30d"]
    label = re.search(r'aria-label="Xã Đại Thắng: ([^"]*)"', effect)[1]
    row = shown_tables(kept)["communes"].query(
        "commune_code == '10291' and outcome == 'qr_shop_30d'"
    )
    value = Numbers("vi").bare_difference(row["shown"].iloc[0], "binary")
    assert label.startswith(f"{value} điểm phần trăm, khoảng tin cậy 95% từ ")


def test_write_index__passes_the_gate(kept):
    assert write_index(kept, "site", _record(kept), open_gate(kept, kept.reports("site")))


def test_effect_cell__sure_unsure_borrowed_and_hidden_differ_beyond_colour():
    frame = pd.DataFrame(
        {
            "shown": [0.12, 0.04, -0.06, np.nan],
            "conf_low": [0.05, -0.02, -0.2, np.nan],
            "conf_high": [0.2, 0.1, 0.1, np.nan],
            "n": [90, 80, 70, pd.NA],
            "status": ["ok", "ok", "too_few", "ok"],
            "disclosure": ["shown", "shown", "shown", "hidden"],
        }
    )
    cells = [effect_cell(row, "binary", Numbers("en")) for row in frame.itertuples()]
    assert [cell.text for cell in cells] == ["+12.0", "+4.0", "−6.0°", "—"]
    assert [cell.mind for cell in cells] == [(), ("zero",), ("borrowed", "zero"), ("hidden",)]
    assert [cell.colour for cell in cells] == ["more3", "more1", "less2", "none"]


@pytest.mark.parametrize(
    ("value", "scale", "colour"),
    [
        (0.0, "binary", "more1"),
        (0.05, "binary", "more2"),
        (-0.0499, "binary", "less1"),
        (-0.3, "share", "less3"),
        (0.15, "index", "more2"),
        (-1.0, "amount", "less3"),
    ],
)
def test_colour_of_difference__by_sign_and_steps_of_the_scale(value, scale, colour):
    assert colour_of_difference(value, scale) == colour


def test_flags__count_hidden_and_few_figures_of_the_page(kept):
    page = _index(kept, _record(kept), "en")
    levels = shown_tables(kept)["levels"].query("wave == 'w3'")
    mine = levels[
        levels["outcome"].isin(kept.study.report.main_outcomes)
        & levels["group"].isin(["all", "intensive", "regular"])
    ]
    for code, rows in mine[mine["area"].ne("district")].groupby("area"):
        hidden, few = (int(rows["status"].eq(one).sum()) for one in ("hidden", "few"))
        text = _text(_row(page, code))
        if hidden and few:
            assert f"Of 12 main figures: {hidden} not shown, {few} rounded" in text
        elif hidden or few:
            assert f"{hidden or few} of 12 main figures" in text
        else:
            assert "main figures" not in text


def test_flags__low_response_only_below_the_threshold_and_never_of_hidden_counts(copy):
    rows = {"10270": 39, "10273": 38, "10276": 9, "10279": 12}
    drawn = {"10270": 48, "10273": 48, "10276": 48, "10279": 12}
    fieldwork = pd.DataFrame(
        {
            "area": [*rows, "district"],
            "wave": "w3",
            "interviews": [*rows.values(), sum(rows.values())],
            "drawn": [*drawn.values(), sum(drawn.values())],
            "first_day": "2026-06-01",
            "last_day": "2026-06-20",
            "on_first": 20,
            "on_last": 20,
        }
    ).astype({"drawn": "Int64"})
    contracts.write_table(fieldwork, copy.results, "fieldwork")
    page = _index(copy, _record(copy), "en")
    assert "Low response" not in _text(_row(page, "10270"))
    row = _row(page, "10273")
    assert "Low response at endline: 38 of 48 households drawn" in _text(row)
    assert 'data-source="fieldwork?area=10273&amp;wave=w3#interviews"' in row
    assert "Low response" not in _text(_row(page, "10276"))
    assert "98 of 156" in _text(page)


def test_flags__departures_from_the_plan_stand_with_the_district(copy):
    plan = contracts.read_table(copy.results, "plan")
    plan["state"] = "as_planned"
    plan.loc[:2, "state"] = "not_planned"
    plan.loc[3, "state"] = "missing" if "missing" in _plan_states() else "not_planned"
    contracts.write_table(plan, copy.results, "plan")
    page = _index(copy, _record(copy), "en")
    assert "Departures from the analysis plan: 4 (see the end of the page)" in _text(page)
    plan["state"] = "as_planned"
    contracts.write_table(plan, copy.results, "plan")
    assert "Departures from the analysis plan" not in _index(copy, _record(copy), "en")


def test_general_pages__made_in_one_language_are_missing_in_the_other_with_the_same_flags(copy):
    pages = [page for page in _record(copy)["pages"] if page["lang"] == "vi"]
    page = _index(copy, WHEN | {"pages": pages}, "en")
    district = _text(page).partition("Results over the district")[2]
    assert re.match(r"\s*not made yet\s+Departures from the analysis plan: \d+ ", district)
    assert "district.vi.html" not in page


def _plan_states():
    checks = contracts.SCHEMAS["plan"].columns["state"].checks
    return {value for check in checks for value in check.statistics.get("allowed_values", ())}


@pytest.mark.parametrize(
    ("status", "said", "opens"),
    [
        ("ok", "page made", True),
        ("skipped", "earlier page kept", True),
        ("failed", "could not be made: ValueError: <no> answers", False),
        ("stopped", "stopped midway", False),
    ],
)
def test_listing__says_how_each_page_is_and_links_what_can_be_opened(copy, status, said, opens):
    folder = copy.reports("site")
    folder.mkdir(parents=True)
    for name in ("10291.en.pdf", "10291.en.xlsx", "10291.vi.docx"):
        (folder / name).touch()
    row = _row(_index(copy, _record(copy, c10291=status), "en"), "10291")
    assert said in _text(row)
    wanted = ["10291.en.html", "10291.en.pdf", "10291.en.xlsx"] if opens else []
    assert re.findall(r'href="([^"]*)"', row) == wanted


def test_general_pages__links_only_to_files_that_are_there_and_not_to_those_for_the_team(copy):
    folder = copy.reports("site")
    folder.mkdir(parents=True)
    names = (
        "codebook.en.html",
        "suppression.en.html",
        "suppression.vi.html",
        "compare-old.html",
        "review.html",
        "triage.html",
    )
    for name in names:
        (folder / name).touch()
    page = _index(copy, RECORD, "en")
    links = set(re.findall(r'href="([^"#]+)"', page)) - {"index.html"}
    assert links == {"codebook.en.html", "suppression.en.html", "compare-old.html"}
    assert "Compared with the run old" in page


def test_wording__both_languages_have_the_same_sentences_and_values():
    def holes(entry):
        texts = entry.values() if isinstance(entry, dict) else [entry]
        return {part[1] for text in texts for part in Formatter().parse(text) if part[1]}

    vi, en = entries("site_vi"), entries("site_en")
    assert {key: holes(vi[key]) for key in vi} == {key: holes(en[key]) for key in en}


def test_tiles__without_a_page_are_marked_and_the_mark_explained(copy):
    record = _record(copy, c10291="failed")
    maps = _maps(_index(copy, record, "en"))
    for text in maps.values():
        assert text.count("✕</i>") == 1
        assert "✕ no page to open" in text
    record = _record(copy)
    assert "✕" not in _index(copy, record, "en")


def test_compared__of_this_language_or_of_all():
    names = {"compare-a.html", "compare-b.vi.html", "compare-b.en.html", "compare.html", "x.html"}
    assert compared(names, "en") == [("compare-a.html", "a"), ("compare-b.en.html", "b")]


def test_write_index__the_one_script_is_named_by_its_digest(kept):
    page = _index(kept)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == page.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert not re.search(r"(?:https?:)?//\w", re.sub(r"<script>.*?</script>", "", page, flags=re.S))


def test_write_index__outline_controls_and_tables(kept):
    page = _index(kept, _record(kept))
    headings = [int(n) for n in re.findall(r"<h([1-6])[ >]", page)]
    assert headings[0] == 1
    assert set(headings[1:]) == {2}
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    for control in re.findall(r'<(?:input|select)[^>]* id="([^"]*)"', page):
        assert f'<label for="{control}"' in page
    assert set(re.findall(r"<th( [^>]*|)>", page)) == {' scope="col"', ' scope="row"'}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Xã Đại Thắng", "Đại Thắng"),
        ("Thị trấn Phú Minh", "Phú Minh"),
        ("Tan Dan commune", "Tan Dan"),
    ],
)
def test_short__without_the_kind_of_unit(name, wanted):
    assert short(name) == wanted


def test_effects_map__on_the_page_of_the_district(kept):
    page = effects_map(open_results(kept, "en"), str(kept.study_path)).source
    assert page.count("<li class=") == 27
    assert page.count("<b><data ") == 27
    assert "<a " not in page
    assert "<script" not in page
    assert "hidden>" not in page


def test_effects_map__without_places_a_sentence(copy):
    _change_communes(copy, lambda communes: communes.drop(columns=["tile_row", "tile_col"]))
    html = effects_map(open_results(copy, "en"), str(copy.study_path)).source
    assert html.startswith("<p>There is no map")


def _open(browser, path, *, at="", **options):
    context = browser.new_context(offline=True, **options)
    page = context.new_page()
    page.told = []
    page.on("console", lambda line: page.told.append(line.text))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.goto(path.as_uri() + at)
    return page


def _go_to_english(page):
    """Follow the link and wait until the script of the other page has done its part."""
    page.click("header a[hreflang=en]")
    page.wait_for_url("**/index.en.html*")
    page.wait_for_load_state("load")


@pytest.fixture(scope="module")
def written(kept):
    """The index of both languages, with a page of a commune."""
    folder = kept.reports("browser")
    paths = write_index(kept, "browser", _record(kept))
    for name in ("10291.vi.html", "10291.en.html"):
        (folder / name).write_text("<h1>page</h1>", "utf-8")
    return paths


@pytest.mark.browser
@pytest.mark.parametrize(
    ("typed", "count", "first"),
    [
        ("dai thang", 1, "Xã Đại Thắng"),
        ("ĐẠI  thắng", 1, "Xã Đại Thắng"),
        ("10291", 1, "Xã Đại Thắng"),
        ("thang dai", 1, "Xã Đại Thắng"),
        ("thi tran", 2, "Thị trấn Phú Minh"),
        ("không có", 0, None),
    ],
)
def test_search__finds_with_and_without_marks(browser, written, typed, count, first):
    page = _open(browser, written[0])
    page.fill("#wanted", typed)
    assert page.locator("tbody tr:visible").count() == count
    assert page.locator(".map:visible .tile.found").count() == count
    told = page.inner_text("#found")
    assert told == (
        f"Tìm thấy {count} xã, thị trấn." if count else "Không tìm thấy xã, thị trấn nào."
    )
    page.press("#wanted", "Enter")
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == first if first else page.evaluate("document.activeElement.id") == "wanted"
    page.fill("#wanted", "")
    assert page.locator("tbody tr:visible").count() == 27
    assert page.inner_text("#found") == ""
    assert page.told == []


@pytest.mark.browser
def test_figure__is_chosen_kept_in_the_address_and_taken_to_the_other_language(browser, written):
    page = _open(browser, written[0])
    assert page.locator(".map:visible").get_attribute("id") == "map-level-qr_shop_30d"
    page.select_option("#figure", "effect-bought_online_12m")
    page.fill("#wanted", "đại")
    assert page.locator(".map:visible").get_attribute("id") == "map-effect-bought_online_12m"
    assert "figure=effect-bought_online_12m" in page.evaluate("location.hash")
    _go_to_english(page)
    assert page.url.split("#")[0].endswith("/index.en.html")
    assert page.locator(".map:visible").get_attribute("id") == "map-effect-bought_online_12m"
    assert page.input_value("#wanted") == "đại"
    assert page.locator("tbody tr:visible").count() == 2
    assert page.told == []


@pytest.mark.browser
def test_search__cleared_leaves_the_address_as_it_was(browser, written):
    page = _open(browser, written[0])
    address = "location.href"
    before = page.evaluate(address)
    page.fill("#wanted", "đại")
    assert page.evaluate(address) != before
    page.fill("#wanted", "")
    assert page.evaluate(address) == before
    page = _open(browser, written[0], at="#provenance")
    page.fill("#wanted", "đại")
    page.fill("#wanted", "")
    assert page.evaluate(address) == before
    page = _open(browser, written[0], at="#provenance")
    _go_to_english(page)
    page.wait_for_url("**/index.en.html#provenance")
    assert page.told == []


@pytest.mark.browser
def test_figure_and_search__go_to_the_other_language_where_the_address_cannot_be_changed(
    browser, written
):
    refuse = "() => { throw new DOMException('no', 'SecurityError'); }"
    block = f"void (history.replaceState = {refuse})"
    page = _open(browser, written[0])
    page.evaluate(block)
    page.select_option("#figure", "effect-bought_online_12m")
    page.fill("#wanted", "đại")
    assert page.evaluate("location.hash") == ""
    _go_to_english(page)
    page.wait_for_url("**/index.en.html#*")
    assert page.locator(".map:visible").get_attribute("id") == "map-effect-bought_online_12m"
    assert page.input_value("#wanted") == "đại"
    page.evaluate(block)
    page.fill("#wanted", "")
    page.select_option("#figure", index=0)
    assert "find=" in page.evaluate("location.hash")
    page.click("header a[hreflang=vi]")
    page.wait_for_load_state("load")
    page.wait_for_url("**/index.html")
    assert page.input_value("#wanted") == ""
    assert page.locator(".map:visible").get_attribute("id") == "map-level-qr_shop_30d"
    assert page.evaluate("location.hash") == ""
    assert page.told == []


@pytest.mark.browser
def test_figure__one_that_is_not_there_and_the_address_of_a_section(browser, written):
    page = _open(browser, written[0], at="#figure=effect-nothing")
    assert page.locator(".map:visible").get_attribute("id") == "map-level-qr_shop_30d"
    page = _open(browser, written[0], at="#provenance")
    assert page.locator(".map:visible").count() == 1
    assert page.evaluate("location.hash") == "#provenance"


@pytest.mark.browser
def test_index__without_scripts_first_map_and_whole_list_and_no_dead_controls(browser, written):
    page = _open(browser, written[0], java_script_enabled=False)
    assert page.locator(".map:visible").count() == 1
    assert page.locator("tbody tr:visible").count() == 27
    assert page.locator("input:visible, select:visible, button:visible").count() == 0
    tile = page.locator(".map:visible .tile", has_text="Đại Thắng")
    tile.hover()
    assert "khoảng tin cậy 95%" in tile.locator(".told").inner_text()
    assert tile.locator(".told").bounding_box()["height"] > 40


@pytest.mark.browser
def test_theme__is_switched_and_remembered(browser, written):
    page = _open(browser, written[0], color_scheme="light")
    shade = "getComputedStyle(document.body).backgroundColor"
    assert page.get_attribute("#theme", "aria-pressed") == "false"
    light = page.evaluate(shade)
    page.click("#theme")
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    dark = page.evaluate(shade)
    assert dark != light
    page.reload()
    assert page.evaluate(shade) == dark
    page.emulate_media(media="print")
    assert page.evaluate(shade) == light


@pytest.mark.browser
@pytest.mark.parametrize("lang", [0, 1])
@pytest.mark.parametrize("width", [390, 1280])
def test_index__fits_the_screen_and_no_name_is_clipped(browser, written, lang, width):
    page = _open(browser, written[lang], viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for key in page.evaluate("[...document.querySelectorAll('#figure option')].map(o => o.value)"):
        page.select_option("#figure", key)
        clipped = page.evaluate(
            """[...document.querySelectorAll('.map:not([hidden]) .tile')].filter((tile) => {
              const box = tile.getBoundingClientRect();
              return [...tile.querySelectorAll('.name, b')].some((part) => {
                const range = document.createRange(); range.selectNodeContents(part);
                return [...range.getClientRects()].some((one) => one.left < box.left - 1
                  || one.right > box.right + 1 || one.bottom > box.bottom + 1);
              }); }).map((tile) => tile.textContent)"""
        )
        assert clipped == [], key


@pytest.mark.browser
def test_tiles__a_keyboard_reaches_them_and_the_line_below_tells(browser, written):
    page = _open(browser, written[0])
    page.focus(".map:not([hidden]) .tile a")
    told = page.locator(".map:visible .tile .told").first
    assert told.bounding_box()["height"] > 40
    label = page.get_attribute(".map:not([hidden]) .tile a", "aria-label")
    assert told.inner_text() == label
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def _leave_what_the_index_lists(ws):
    """Leave of the results the endline levels of one outcome: deciding on more takes long for a country."""
    levels = contracts.read_table(ws.results, "levels")
    for path in ws.results.glob("*.parquet"):
        path.unlink()
    outcome = ws.study.report.main_outcomes[0]
    wanted = levels["wave"].eq("w3") & levels["outcome"].eq(outcome) & levels["group"].eq("all")
    contracts.write_table(levels[wanted], ws.results, "levels")


@pytest.fixture(scope="module")
def country(kept, tmp_path_factory):
    """A generated study of 3,321 communes, its index written."""
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        from batch_district import generate
    finally:
        sys.path.pop(0)
    base = tmp_path_factory.mktemp("country")
    shutil.copytree(ROOT / "notebooks", base / "own" / "notebooks")
    shutil.copytree(
        kept.root,
        base / "own",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("reports", ".shown"),
    )
    own = open_workspace(base / "own" / "params" / "study.yml")
    _leave_what_the_index_lists(own)
    big = generate(own, base / "ws", 123)
    share_results(big)
    folder = big.reports("site")
    folder.mkdir(parents=True)
    for code in big.table("communes")["code"]:
        for ending in ("pdf", "docx", "xlsx"):
            (folder / f"{code}.vi.{ending}").touch()
    return write_index(big, "site", _record(big))[0]


@pytest.mark.slow
def test_many_communes__a_page_of_sane_size_in_blocks_and_no_map(country):
    assert country.stat().st_size < 3_000_000
    page = country.read_text("utf-8")
    assert page.count('<th scope="row">') == 3321
    assert page.count("<table>") == 34
    assert 'class="map"' not in page
    assert "Không có bản đồ" in page


@pytest.mark.slow
@pytest.mark.browser
def test_many_communes__search_and_its_count(browser, country):
    page = _open(browser, country)
    page.fill("#wanted", "dai thang")
    assert page.inner_text("#found") == "Tìm thấy 123 xã, thị trấn."
    assert page.locator("tbody tr:visible").count() == 123
    page.fill("#wanted", "xa")
    assert page.inner_text("#found").startswith("Tìm thấy 3.")
    assert page.told == []

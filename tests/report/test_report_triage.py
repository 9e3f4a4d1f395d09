"""The page of failures: grouped, a command for each page, for the team alone, gone when all is well."""

from __future__ import annotations

import re
import shutil
import stat
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from browser_support import chromium
from survey_tools.errors import DisclosureError
from survey_tools.params import open_workspace
from survey_tools.report.triage import LISTED, NAMED, group_failures, write_triage
from survey_tools.report.wording import Wording

LONG_CELL = (
    "levels: show(tables.levels(results, outcomes=main, waves=waves, groups=groups), alt=words)"
)


def _page(code, lang="vi", status="failed", **more):
    return {
        "code": code,
        "lang": lang,
        "notebook": "notebooks/60_commune_report.ipynb",
        "status": status,
        "file": f"{code}.{lang}.html",
        "error": "ValueError: no answers <left>" if status == "failed" else None,
        "cell": LONG_CELL if status == "failed" else None,
        "log": f"logs/{code}.{lang}.log" if status == "failed" else None,
        "seconds": {"total": 3.25},
        "peak_mb": 1234.5,
        "attempts": 1,
        **more,
    }


def _record(*pages, **parameters):
    return {
        "run": "main",
        "started": "2026-11-20T08:00:00Z",
        "finished": "2026-11-20T08:01:00Z",
        "parameters": parameters,
        "pages": list(pages),
    }


FAILED = _record(
    _page("10270", status="ok"),
    _page("10273", status="stopped"),
    *[_page(code, lang) for code in ("10288", "10291", "10333") for lang in ("en", "vi")],
    _page("10294", error="ValueError: other text"),
    _page(
        "10297",
        cell="figures: draw(results)",
        error="TimeLimitError: it took longer than 5 seconds",
    ),
    _page(
        "district",
        "en",
        notebook="notebooks/70_district_report.ipynb",
        cell="at the gate",
        error="DisclosureError: Personal data were about to be released",
        attempts=2,
    ),
)


@pytest.fixture
def mine(ws, tmp_path):
    """A copy of the workspace whose run `main` has a log and a half-run notebook of one page."""
    shutil.copytree(ws.root / "params", tmp_path / "params")
    copy = open_workspace(tmp_path / "params" / "study.yml")
    for file in ("logs/10288.vi.log", "notebooks/10288.vi.failed.ipynb"):
        path = copy.reports("main") / file
        path.parent.mkdir(parents=True)
        path.touch()
    return copy


def _text(page):
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def _commands(page):
    found = re.findall(r"<code>(survey-tools .*?)</code>", page)
    return [unescape(re.sub(r"</?span[^>]*>", "", text)) for text in found]


def _english(ws, record=FAILED):
    paths = write_triage(ws, "main", record)
    assert [path.name for path in paths] == ["triage.html", "triage.en.html"]
    return paths[1].read_text(encoding="utf-8")


def test_group_failures__by_notebook_cell_and_kind_the_largest_first():
    groups = group_failures(FAILED)
    assert [(group.kind, len(group.pages)) for group in groups] == [
        ("ValueError", 7),
        ("TimeLimitError", 1),
        ("DisclosureError", 1),
    ]
    assert groups[0].errors == ("ValueError: no answers <left>", "ValueError: other text")
    assert [page["code"] for page in groups[0].pages[:3]] == ["10288", "10288", "10291"]


def test_group_failures__the_same_cell_of_two_notebooks_is_two_groups():
    other = _page("10288", notebook="notebooks/70_district_report.ipynb")
    assert len(group_failures(_record(_page("10288"), other))) == 2


def test_write_triage__says_what_failed_where_and_that_it_is_for_the_team(mine):
    page = _english(mine)
    text = _text(page)
    assert "9 of 11 pages could not be made" in text
    assert "not for handing out" in text
    assert "ValueError · 60_commune_report · 7 pages" in text
    assert "show(tables.levels(results" in text
    assert "in the search for personal data before a page is released" in text
    assert "no answers <left>" in text
    assert "<left>" not in page
    assert "Tri Thuy commune" in text
    assert "1 page was not finished because the run was stopped" in text
    assert "before you raise --timeout" in text


def test_write_triage__gives_the_command_for_each_page_and_for_all(mine):
    commands = _commands(_english(mine))
    assert commands[0] == (
        "survey-tools report --run main "
        "--communes 10288,10291,10294,10333,10297,district --lang en,vi"
    )
    assert "survey-tools report --run main --communes 10291 --lang en" in commands
    assert "survey-tools report --run main --communes district --lang en" in commands
    assert len(commands) == 10


def test_write_triage__commands_repeat_what_the_batch_was_given(mine):
    extra = {
        "60_commune_report.ipynb": {"top": 5, "note": "a b"},
        "70_district_report.ipynb": {"top": 5, "maps": True},
    }
    record = _record(_page("10288"), extra=extra)
    path = mine.study_path.with_name("other study.yml")
    shutil.copy(mine.study_path, path)
    commands = _commands(_english(replace(mine, study_path=path), record))
    assert commands[1] == (
        "survey-tools report --run main --study 'params/other study.yml' --communes 10288 --lang vi "
        "-p top=5 -p 'note=a b' -p maps=true"
    )


def test_write_triage__links_only_to_files_that_are_there(mine):
    page = _english(mine)
    links = [link for link in re.findall(r'href="([^"]*)"', page) if link[0] != "#"]
    assert sorted(links) == ["logs/10288.vi.log", "notebooks/10288.vi.failed.ipynb", "triage.html"]
    assert all((mine.reports("main") / link).is_file() for link in links)


@pytest.mark.parametrize(("signal", "told"), [("SIGKILL", True), ("SIGSEGV", False)])
def test_write_triage__only_a_kernel_that_was_killed_may_have_lacked_memory(mine, signal, told):
    error = f"DeadKernelError: the kernel died by {signal}"
    write_triage(mine, "main", _record(_page("10288", error=error)))
    text = (mine.reports("main") / "triage.en.html").read_text("utf-8")
    assert (Wording("en")("triage_hint_memory") in unescape(text)) is told


def test_write_triage__files_are_private(mine):
    paths = write_triage(mine, "main", FAILED)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_write_triage__is_removed_where_nothing_failed(mine):
    paths = write_triage(mine, "main", FAILED)
    assert all(path.is_file() for path in paths)
    assert write_triage(mine, "main", _record(_page("10288", status="ok"))) == ()
    assert not any(path.exists() for path in paths)


def test_write_triage__the_gate_holds_it_back_and_no_older_one_stays(mine):
    paths = write_triage(mine, "main", FAILED)

    def gate(name, content):
        assert b"ValueError" in content
        raise DisclosureError(name)

    with pytest.raises(DisclosureError, match=r"triage\.html"):
        write_triage(mine, "main", FAILED, gate)
    assert not any(path.exists() for path in paths)


def test_write_triage__a_record_of_an_older_version(mine):
    old = {"code": "10288", "lang": "vi", "status": "failed", "file": None, "error": None}
    text = _text(_english(mine, {"pages": [old]}))
    assert "1 of 1 pages could not be made" in text


def test_write_triage__thousands_of_failures_stay_a_page(mine):
    pages = [_page(f"{number:05}") for number in range(3321)]
    page = _english(mine, _record(*pages))
    assert page.count("<tr>") == LISTED + 1
    assert "… and 3,121 more" in _text(page)
    assert _commands(page)[0] == "survey-tools report --run main --lang vi"
    few = _english(mine, _record(*pages[:NAMED]))
    assert _commands(few)[0].count(",") == NAMED - 1


class Outline(HTMLParser):
    """Language, headings, ids, and cells without a heading."""

    def __init__(self, text):
        super().__init__()
        self.lang, self.headings, self.ids, self.scopes, self.tables, self.captions = (
            "",
            [],
            [],
            [],
            0,
            0,
        )
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.lang = values["lang"] if tag == "html" else self.lang
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "th":
            self.scopes.append(values.get("scope"))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.ids += [values["id"]] if "id" in values else []


@pytest.mark.parametrize("number", [0, 1])
def test_write_triage__outline_tables_and_no_address(mine, number):
    path = write_triage(mine, "main", FAILED)[number]
    page = path.read_text(encoding="utf-8")
    outline = Outline(page)
    assert outline.lang == ("vi", "en")[number]
    assert outline.headings == [1, 2, 2, 2, 2]
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.scopes) == {"row", "col"}
    assert outline.tables == outline.captions == 3
    assert "//" not in page
    assert "<script" not in page
    assert "default-src 'none'" in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_write_triage__fits_the_screen(mine, width):
    pages = write_triage(mine, "main", FAILED)
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": width, "height": 800})
        for page in pages:
            shown.goto(page.as_uri())
            wide = shown.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, page.name
            scrolls = "[...document.querySelectorAll('.table')].filter(t => t.scrollWidth > t.clientWidth)"
            assert shown.evaluate(f"{scrolls}.length") == 0, page.name

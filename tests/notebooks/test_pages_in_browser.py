"""All pages of a run in a headless Chromium without a network: nothing loads, everybody can use them.

`SURVEY_TOOLS_PAGES=reports/main` looks at the pages of that folder instead of a small run's own.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from browser_support import given_pages, none_of, sheets_of_paper, sheets_of_pdf, tabbed, visit
from survey_tools.params import open_workspace
from survey_tools.report.triage import write_triage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LARGEST = 1_500_000
FEW = 20
COMMUNE_SHEETS, COMMUNE_PDF = 2, 3
COMMUNE = re.compile(r"\d{5}\.(vi|en)\.html")
VIETNAMESE = re.compile(
    r"[ăâđêôơưạảãàáắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ]", re.IGNORECASE
)
FAILED = {
    "run": "main",
    "started": "2026-11-20T08:00:00Z",
    "finished": "2026-11-20T08:01:00Z",
    "parameters": {},
    "pages": [
        {
            "code": code,
            "lang": "vi",
            "notebook": "notebooks/60_commune_report.ipynb",
            "status": status,
            "file": f"{code}.vi.html",
            "error": "ValueError: no answers <left>" if status == "failed" else None,
            "cell": "levels: show(levels(results, outcomes=main, waves=waves, groups=groups))",
            "log": f"logs/{code}.vi.log",
            "seconds": {"total": 3.25},
            "peak_mb": 1234.5,
            "attempts": 1,
        }
        for code, status in (("10270", "ok"), ("10273", "stopped"), ("10288", "failed"))
    ],
}


@pytest.fixture(scope="module")
def folder(request) -> Path:
    """The pages of one run."""
    return given_pages() or request.getfixturevalue("workspace") / "reports" / "main"


@pytest.fixture(scope="module")
def paths(folder, tmp_path_factory) -> list[Path]:
    """All pages of the run, of the field team some of each kind, and a page of failures."""
    found = sorted(folder.glob("*.html"))
    for beside in sorted(folder.parent.glob(f"{folder.name}-*")):
        kinds = [beside, *sorted(path for path in beside.iterdir() if path.is_dir())]
        found += [page for kind in kinds for page in sorted(kind.glob("*.html"))[:2]]
    assert len(found) > 8
    root = tmp_path_factory.mktemp("triage")
    shutil.copytree(folder.parents[1] / "params", root / "params")
    return [*found, *write_triage(open_workspace(root / "params" / "study.yml"), "main", FAILED)]


@pytest.fixture(scope="module")
def visits(browser, paths):
    return [visit(browser, path) for path in paths]


def test_pages__ask_for_nothing_but_themselves(visits):
    none_of(
        {
            v.name: [r for r in v.requests if not r.startswith(("data:", v.path.as_uri()))]
            for v in visits
        }
    )


def test_pages__the_console_stays_empty_and_their_policy_is_kept(visits):
    none_of({v.name: v.console for v in visits})
    none_of({v.name: v.shape["active"] for v in visits})
    none_of({v.name: _lax(v.shape["policy"]) for v in visits})


def _lax(policy: str) -> str:
    """Say what a policy lets in: nothing by default, scripts at most those whose digest it names."""
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    scripts = rules.get("script-src", "'none'").split()
    named = all(re.fullmatch(r"'(none|sha(256|384|512)-[\w+/=]+)'", script) for script in scripts)
    return "" if rules.get("default-src") == "'none'" and named else f"policy: {policy!r}"


def test_pages__axe_finds_nothing_in_light_and_dark_on_wide_screen_and_phone(visits):
    none_of({v.name: v.violations for v in visits})


def test_pages__almost_every_contrast_can_be_computed(visits):
    """Of a wide table some cells at the edge cannot; others of the same kind can."""
    none_of({v.name: v.unsure if len(v.unsure) > FEW else [] for v in visits})


def test_pages__language_title_and_one_outline(visits):
    wrong = {}
    for one in visits:
        levels = one.shape["headings"]
        jumps = [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1]
        wrong[one.name] = [
            *([] if one.shape["lang"] == one.lang else [f"lang {one.shape['lang']!r}"]),
            *([] if one.shape["title"] else ["no title"]),
            *([] if levels[:1] == [1] and levels.count(1) == 1 else [f"headings {levels}"]),
            *(f"from h{above} to h{below}" for above, below in jumps),
        ]
    none_of(wrong)


def test_pages__of_one_run_and_language_have_different_titles(visits, folder):
    for lang in ("vi", "en"):
        own = [v for v in visits if v.lang == lang and v.path.parent == folder]
        titles = [v.shape["title"] for v in own]
        assert len(titles) == len(set(titles)), sorted(titles)


def test_pages__every_table_has_a_caption_and_headings_with_scope(visits):
    for key in ("uncaptioned", "unscoped", "headless"):
        none_of({v.name: v.shape[key] for v in visits})


def test_pages__every_figure_says_in_the_pages_language_what_it_shows(visits):
    wrong = {}
    for one in visits:
        alts = one.shape["alts"]
        wrong[one.name] = [alt for alt in alts if len(alt) < 40]
        if one.lang == "vi":
            wrong[one.name] += [alt for alt in alts if not VIETNAMESE.search(alt)]
    none_of(wrong)


def test_pages__what_a_figure_says_comes_from_its_data(visits, folder):
    """Figures of a commune say what no other page says; those of the district are alike on all."""
    communes = [v for v in visits if v.path.parent == folder and COMMUNE.fullmatch(v.path.name)]
    pages = Counter(alt for one in communes for alt in set(one.shape["alts"]))
    own = {v.name: [alt for alt in v.shape["alts"] if pages[alt] == 1] for v in communes}
    assert len(own) > 2
    none_of({name: "" if alts else "no figure of its own" for name, alts in own.items()})


def test_pages__links_lead_to_a_page_and_a_place_on_it(visits):
    wrong = {}
    for one in visits:
        links = [link for link in one.shape["links"] if not link.startswith(("#", "data:"))]
        files = {unquote(link.split("#")[0]) for link in links}
        ids = one.shape["ids"]
        wrong[one.name] = [file for file in sorted(files) if not (one.path.parent / file).exists()]
        wrong[one.name] += [f"#{name}" for name in one.shape["targets"] if name not in ids]
        wrong[one.name] += [f"twice #{name}" for name in ids if ids.count(name) > 1]
    triage = [name for name in wrong if "triage" in name]  # its pages were never made
    none_of({name: what for name, what in wrong.items() if name not in triage})


def test_pages__no_page_is_wider_than_a_phone(visits):
    none_of({v.name: f"{v.too_wide} pixels" if v.too_wide > 0 else "" for v in visits})


def test_pages__are_small(paths):
    none_of({p.name: p.stat().st_size if p.stat().st_size > LARGEST else 0 for p in paths})


@pytest.mark.parametrize("kind", ["index", "index.en", "commune", "district", "codebook"])
def test_pages__by_keyboard_alone(browser, folder, kind):
    """Tab reaches everything in order and visibly, first the link past the navigation; Enter unfolds."""
    commune = next(p for p in sorted(folder.glob("*.vi.html")) if COMMUNE.fullmatch(p.name))
    names = {"commune": commune.name, "district": "district.vi.html"}
    page = browser.new_page()
    page.goto((folder / names.get(kind, f"{kind}.html")).as_uri())
    limit = 60 if kind == "codebook" else 600
    stops = tabbed(page, limit)
    assert stops[0]["skip"]
    assert [stop["what"] for stop in stops if not stop["seen"]] == []
    places = [stop["place"] for stop in stops]
    assert places == list(range(min(stops[0]["count"], limit)))
    if folds := page.query_selector_all("details:not([open]) > summary"):
        folds[0].focus()
        page.keyboard.press("Enter")
        assert folds[0].evaluate("summary => summary.parentElement.open")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.close()


def test_pages__a_commune_prints_on_few_sheets(browser, folder):
    communes = [path for path in sorted(folder.glob("*.html")) if COMMUNE.fullmatch(path.name)]
    assert communes
    printed = {path.name: sheets_of_paper(browser, path) for path in communes}
    set_ = {path.name: sheets_of_pdf(path.with_suffix(".pdf")) for path in communes}
    none_of({name: n if n > COMMUNE_SHEETS else 0 for name, n in printed.items()})
    none_of({name: n if n > COMMUNE_PDF else 0 for name, n in set_.items()})

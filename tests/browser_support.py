"""Pages looked at in a headless Chromium: what they load, say on the console, show and let a keyboard reach.

Each page is opened once and looked at in light and dark colours, on a wide screen and a phone; what was
found is kept, so that each test asks one question of all pages.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

WIDE, PHONE = (1280, 900), (390, 800)
VAST = (2800, 1200)
"""So wide that no table is scrolled: the contrast of every cell can be computed."""

ALL_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
COLOURS = ("color-contrast", "link-in-text-block")
LOOKS = (
    ("light", WIDE, ALL_RULES),
    ("light", VAST, COLOURS),
    ("dark", VAST, COLOURS),
    ("dark", PHONE, ALL_RULES),
)
"""Colour scheme, size of the screen and rules of each look at a page."""
CROSS = "<i>✕</i>"
"""Mark of a page that is missing, on striped ground: axe cannot compute its contrast."""

LONGEST = 600
"""Characters that a failing test tells of a page."""

PAGES_VARIABLE = "SURVEY_TOOLS_PAGES"
"""Environment variable: folder of pages to look at instead of those of the tests' own run."""

_VIOLATIONS = """document.addEventListener("securitypolicyviolation",
  (event) => console.error("policy: " + event.violatedDirective + " " + event.blockedURI))"""
_FIRST_ENTRIES = """[...document.querySelectorAll(".entry")].slice(40).forEach((e) => e.remove())"""
_SCROLL = (
    """(how) => document.querySelectorAll(".table").forEach((e) => { e.style.overflow = how; })"""
)
_AXE = """(rules) => axe.run(document, {runOnly: rules, resultTypes: ["violations", "incomplete"]}).then(
  (found) => [found.violations, found.incomplete].map((rules) => rules.flatMap((rule) =>
    rule.nodes.map((node) => rule.id + ": " + node.html.slice(0, 160)))))"""
_SHAPE = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const text = (element) => (element ? element.textContent.trim() : "");
  return {
    lang: document.documentElement.lang,
    title: document.title,
    headings: all("h1, h2, h3, h4, h5, h6").map((h) => Number(h.tagName[1])),
    ids: all("[id]").map((element) => element.id),
    targets: all('a[href^="#"]').map((a) => decodeURIComponent(a.getAttribute("href").slice(1))),
    links: all("a[href]").map((a) => a.getAttribute("href")),
    alts: all("img, svg").filter((i) => !i.closest("[aria-hidden=true]")).map((i) =>
      i.getAttribute("alt") || i.getAttribute("aria-label") || text(i.querySelector("title"))),
    uncaptioned: all("table").filter((t) => !text(t.caption)).map((t) => text(t).slice(0, 60)),
    unscoped: all("table th").filter((th) => !th.scope).map(text),
    headless: all("table").filter((t) => !t.querySelector("thead th, tbody th")).map((t) =>
      text(t.caption)),
    active: all("script[src], iframe, object, embed, form, link, base").map((e) => e.outerHTML.slice(0, 99)),
    policy: all('meta[http-equiv="Content-Security-Policy"]').map((e) => e.content).join(),
  };
}"""
_FOCUS = """() => {
  const on = document.activeElement;
  if (!on || on === document.body) return null;
  if (!window.places) {
    const able = 'a[href], summary, button, input, select, textarea, [tabindex]:not([tabindex="-1"])';
    window.places = [...document.querySelectorAll(able)].filter((e) => e.checkVisibility());
  }
  const style = getComputedStyle(on), box = on.getBoundingClientRect();
  return {
    place: window.places.indexOf(on), count: window.places.length, skip: on.matches(".skip"),
    what: on.tagName + " " + on.textContent.trim().slice(0, 40),
    seen: style.outlineStyle !== "none" && box.width > 0 && box.right > 0 && box.bottom > 0,
  };
}"""


@dataclass
class Visit:
    """What one page did and showed."""

    path: Path
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    shape: dict[str, Any] = field(default_factory=dict)
    too_wide: int = 0

    @property
    def name(self) -> str:
        """Folder and file, e.g. `main/10291.vi.html`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def lang(self) -> str:
        """Language that the page's name promises."""
        return "en" if self.path.stem.endswith(".en") else "vi"


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Start the Chromium of this machine; where there is none the tests fail, they are never skipped."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


def given_pages() -> Path | None:
    """Folder of pages named in the environment."""
    value = os.environ.get(PAGES_VARIABLE)
    return Path(value).resolve() if value else None


def visit(browser: Any, path: Path) -> Visit:
    """Open a page without a network and look at it in both colour schemes and widths."""
    seen = Visit(path)
    context = browser.new_context(offline=True, color_scheme="light")
    page = context.new_page()
    page.add_init_script(_VIOLATIONS)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda line: seen.console.append(f"{line.type}: {line.text}"))
    page.on("pageerror", lambda error: seen.console.append(f"pageerror: {error}"))
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.goto(path.as_uri())
    seen.shape = page.evaluate(_SHAPE)
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    seen.too_wide = page.evaluate("document.documentElement.scrollWidth") - PHONE[0]
    page.evaluate(
        _FIRST_ENTRIES
    )  # a codebook repeats one entry hundreds of times: some stand for all
    page.evaluate(axe_source())
    for scheme, (width, height), rules in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(_SCROLL, "visible" if (width, height) == VAST else "auto")
        wrong, unsure = page.evaluate(_AXE, list(rules))
        seen.violations += [f"{scheme} {width}: {one}" for one in wrong]
        if (width, height) == VAST:
            seen.unsure += [
                f"{scheme}: {one}" for one in unsure if one.startswith("color") and CROSS not in one
            ]
    context.close()
    return seen


def axe_source() -> str:
    """Read axe-core, which the package of the test dependency ships."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def tabbed(page: Any, at_most: int = 400) -> list[dict[str, Any]]:
    """Press Tab from the top of an open page until the focus leaves it."""
    stops: list[dict[str, Any]] = []
    for _ in range(at_most):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUS)
        if stop is None or (stops and stop["place"] == stops[0]["place"]):
            break
        stops.append(stop)
    return stops


def sheets_of_paper(browser: Any, path: Path) -> int:
    """Count the A4 pages that a page prints on."""
    page = browser.new_page()
    page.goto(path.as_uri())
    content: bytes = page.pdf(prefer_css_page_size=True)
    page.close()
    return sheets_of_pdf(content)


def sheets_of_pdf(content: bytes | Path) -> int:
    """Count the pages of a PDF, and see that all are A4."""
    document = pypdfium2.PdfDocument(content)
    sizes = {tuple(round(side / 72 * 25.4) for side in page.get_size()) for page in document}
    assert sizes == {(210, 297)}
    return len(document)


def report(found: dict[str, Any]) -> str:
    """Write what was found, a page a line, for a failing test."""
    return "\n".join(f"{name}: {str(what)[:LONGEST]}" for name, what in found.items())


def none_of(found: dict[str, Any]) -> None:
    """Fail with a list when something was found on any page."""
    wrong = {name: what for name, what in found.items() if what}
    if wrong:
        pytest.fail(report(wrong), pytrace=False)

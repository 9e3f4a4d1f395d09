"""Measure what a page costs after its notebook ran: HTML, the files beside it, the gate; and their sizes.

    .venv/bin/python bench/pages.py                       # pages of the run `main` of this workspace
    .venv/bin/python bench/pages.py --from FOLDER --run R # of another workspace, of another run
    .venv/bin/python bench/pages.py --quick               # three communes and the district

Needs executed notebooks below `reports/<run>/notebooks/`, as `survey-tools run` leaves them. Every step of
every page is done twice by the same process, and the second time counts; «first» is what the first page of a
process takes. The PDF is compared with what headless Chromium prints of the same page, in turn, page by page;
its start is counted apart. Not here: executing notebooks (`batch`).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pypdfium2
from kobo_measure import HERE, print_machine, print_table

from survey_tools.params import Workspace, open_workspace
from survey_tools.report import render
from survey_tools.report.downloads.content import read_page
from survey_tools.report.downloads.names import FORMATS, beside
from survey_tools.report.downloads.pdf import pdf_of
from survey_tools.report.downloads.word import word_of
from survey_tools.report.downloads.workbook import workbook_of
from survey_tools.report.wording import Wording
from survey_tools.run.batch.make import rendering_of
from survey_tools.run.batch.task import Task
from survey_tools.run.gate import Gate, open_gate

HTML_AIM, PDF_AIM, SIZE_AIM = 0.5, 10.0, 1.5
"""Seconds of a commune's page without its downloads, of the PDF of all communes, megabytes of a page."""

STEPS = ("html", "read", "pdf", "docx", "xlsx", "gate")
WRITTEN = {
    "html": "HTML with CSV and sources",
    "read": "read the page back",
    "pdf": "PDF",
    "docx": "DOCX",
    "xlsx": "XLSX",
    "gate": "gate: page and three files",
}
QUICK = 3
DISTRICT = "district"


@dataclass
class Measured:
    """Seconds of each step of each page, sizes of its files in bytes, and pages of its PDF."""

    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    sheets: dict[str, int] = field(default_factory=dict)
    chromium: dict[str, float] = field(default_factory=dict)
    chromium_sizes: dict[str, int] = field(default_factory=dict)
    chromium_start: float = float("nan")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="root", type=Path, default=HERE.parent)
    parser.add_argument("--run", default="main")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    ws = open_workspace(asked.root / "params" / "study.yml")
    notebooks = sorted((ws.reports(asked.run) / "notebooks").glob("*.??.ipynb"))
    if asked.quick:
        notebooks = [n for n in notebooks if n.name.startswith(DISTRICT)] + notebooks[:QUICK]
    if not notebooks:
        sys.exit("no executed notebooks: run `survey-tools run` first")
    first = first_page(asked.root, notebooks[0], asked.run)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(ws, asked.run, notebooks, Path(folder))
    print_machine(("nbconvert", "lxml", "typst", "python-docx", "openpyxl", "pypdfium2"))
    show(measured, first)


def measure(ws: Workspace, run: str, notebooks: list[Path], folder: Path) -> Measured:
    """Make every page and its files, and print each with Chromium right after."""
    measured, gate = Measured(), open_gate(ws, ws.reports(run))
    with printing(measured) as printed:
        for notebook in notebooks:
            name = notebook.stem
            page = folder / f"{name}.html"
            one_page(ws, run, notebook, page, gate)  # the second time counts
            measured.seconds[name] = one_page(ws, run, notebook, page, gate)
            files = {path.suffix[1:]: path for path in (page, *beside(page))}
            measured.sizes[name] = {ending: path.stat().st_size for ending, path in files.items()}
            measured.sheets[name] = len(pypdfium2.PdfDocument(files["pdf"]))
            printed(name, page)
    return measured


def one_page(ws: Workspace, run: str, notebook: Path, page: Path, gate: Gate) -> dict[str, float]:
    """Make a page and the files beside it, and hold them to the gate; return the seconds of each step."""
    task = Task(notebook.stem, str(ws.root), ws.study_name, run, "", {}, notebook.stem[-2:])
    content = nbformat.read(notebook, as_version=4)
    seconds: dict[str, float] = {}

    def timed(step: str, do: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        done = do()
        seconds[step] = time.perf_counter() - begun
        return done

    kept = render.make_downloads
    render.make_downloads = lambda source, out: {}
    try:
        options = rendering_of(ws, task)
        timed("html", lambda: render.render_notebook(content, page, **options))
    finally:
        render.make_downloads = kept
    source = page.read_text("utf-8")
    read, words = timed("read", lambda: read_page(source)), Wording(options["lang"])
    makers = {"pdf": pdf_of, "docx": word_of, "xlsx": workbook_of}
    made = {step: timed(step, lambda make=make: make(read, words)) for step, make in makers.items()}
    for ending, written in made.items():
        page.with_suffix(f".{ending}").write_bytes(written)
    made["html"] = source.encode()
    timed("gate", lambda: [gate(f"{page.stem}.{ending}", one) for ending, one in made.items()])
    return seconds


@contextmanager
def printing(measured: Measured) -> Iterator[Callable[[str, Path], None]]:
    """Start Chromium once; without it nothing is printed."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield lambda name, page: None
        return
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        begun = time.perf_counter()
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            yield lambda name, page: None
            return
        shown = browser.new_page()
        measured.chromium_start = time.perf_counter() - begun

        def printed(name: str, page: Path) -> None:
            begun = time.perf_counter()
            shown.goto(page.resolve().as_uri())
            written = shown.pdf(format="A4", tagged=True)
            measured.chromium[name] = time.perf_counter() - begun
            measured.chromium_sizes[name] = len(written)

        yield printed
        browser.close()


def first_page(root: Path, notebook: Path, run: str) -> float:
    """Seconds of a process of its own that makes one page with its files, imports included."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pages; from pathlib import Path\n"
        "import tempfile; ws = pages.open_workspace(Path(sys.argv[2]) / 'params' / 'study.yml')\n"
        "gate = pages.open_gate(ws, ws.reports(sys.argv[4])); out = Path(tempfile.mkdtemp())\n"
        "pages.one_page(ws, sys.argv[4], Path(sys.argv[3]), out / 'x.html', gate)\n"
        "pages.shutil.rmtree(out)"
    )
    command = [sys.executable, "-c", code, str(HERE), str(root), str(notebook), run]
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun


def show(measured: Measured, first: float) -> None:
    """Print seconds, sizes, and how the aims were met."""
    communes = {n: s for n, s in measured.seconds.items() if not n.startswith(DISTRICT)}
    districts = {n: s for n, s in measured.seconds.items() if n.startswith(DISTRICT)}
    rows = [[WRITTEN[step], *_of(communes, step), *_of(districts, step)] for step in STEPS]
    whole = {name: {"": sum(steps.values())} for name, steps in measured.seconds.items()}
    of_communes = {n: s for n, s in whole.items() if n in communes}
    of_districts = {n: s for n, s in whole.items() if n in districts}
    rows.append(["all", *_of(of_communes, ""), *_of(of_districts, "")])
    heads = ["milliseconds", "commune", "slowest", "district", "slowest"]
    print_table(f"A page after its notebook ran ({len(communes)} of communes)", heads, rows)
    sizes = [
        [ending, *(f"{max(s[ending] for n, s in measured.sizes.items() if n in some) / 1e3:,.0f}"
                   if some else "-" for some in (communes, districts))]
        for ending in ("html", *FORMATS)
    ]  # fmt: skip
    sheets = [
        f"{max((measured.sheets[n] for n in some), default=0)}" for some in (communes, districts)
    ]
    print_table(
        "Largest files, kB", ["", "commune", "district"], [*sizes, ["A4 pages of PDF", *sheets]]
    )
    print(f"\nThe first page of a process, with its imports: {first:.1f} s")
    one = {name: steps for name, steps in communes.items() if name.endswith(".vi")}
    pdf = sum(steps["pdf"] + steps["read"] for steps in one.values())
    print(f"PDF of {len(one)} communes in one language: {pdf:.1f} s (aim: {PDF_AIM:.0f} s)")
    slowest = max((steps["html"] for steps in communes.values()), default=0)
    print(f"Slowest HTML of a commune: {slowest:.2f} s (aim: {HTML_AIM} s)")
    largest = max(sizes["html"] for sizes in measured.sizes.values()) / 1e6
    print(f"Largest HTML: {largest:.2f} MB (aim: {SIZE_AIM} MB)")
    if measured.chromium:
        ratios = [
            seconds / (measured.seconds[name]["pdf"] + measured.seconds[name]["read"])
            for name, seconds in measured.chromium.items()
        ]
        sizes_by = [n / measured.sizes[name]["pdf"] for name, n in measured.chromium_sizes.items()]
        print(
            f"Chromium prints a page in {median(measured.chromium.values()) * 1e3:,.0f} ms (started in "
            f"{measured.chromium_start:.1f} s): {median(ratios):.1f} times ours "
            f"({min(ratios):.1f}–{max(ratios):.1f}), {median(sizes_by):.1f} times the bytes"
        )


def _of(pages: dict[str, dict[str, float]], step: str) -> list[str]:
    """Median and largest milliseconds of a step."""
    if not pages:
        return ["-", "-"]
    found = [steps[step] * 1e3 for steps in pages.values()]
    return [f"{median(found):,.0f}", f"{max(found):,.0f}"]


if __name__ == "__main__":
    main()

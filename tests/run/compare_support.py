"""Pages made by hand to be compared, and runs of them in a folder."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

SHARE = "levels?area=10291&group=all&outcome=qr_shop_30d&wave=w3#estimate"
COUNT = "levels?area=10291&group=all&outcome=qr_shop_30d&wave=w3#n"
EFFECT = "effects?estimand=itt&outcome=qr_shop_30d&wave=w3#estimate"
CHANGE = f"{SHARE} - {SHARE.replace('w3', 'w1')}"


def data(source: str, value: str, text: str) -> str:
    """A traced number as pages write it."""
    return f'<data value="{value}" data-source="{escape(source)}">{text}</data>'


def table(
    caption: str, *rows: tuple[str, ...], columns: tuple[str, ...] = ("Outcome", "Endline")
) -> str:
    """A table as pages write it."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "\n".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="table"><table>\n<caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def figure(alt: str, picture: str, caption: str = "Levels") -> str:
    """A figure as pages write it."""
    return (
        f'<figure><img alt="{alt}" src="data:image/png;base64,{picture}"/>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def page(*parts: str, lang: str = "vi", run: str = "a") -> str:
    """A page with one section, a fold of code that names the run, and where the figures come from."""
    content = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head><title>t</title></head>\n<body>\n'
        f'<header><nav><ul><li>Index</li></ul></nav></header>\n<main id="content">\n<h1>Page</h1>\n'
        f'<h2 id="key">Key figures</h2>\n{content}\n'
        f'<details class="code"><summary>Code</summary><pre><code>run = "{run}"</code></pre></details>\n'
        f'<h2 id="provenance">Where from</h2>\n<ul>\n<li>Run {run}.</li>\n</ul>\n</main>\n</body>\n</html>\n'
    )


def write_run(
    folder: Path, pages: dict[str, tuple[str, ...]], record: dict[str, Any] | None = None
) -> Path:
    """Write a run: content by file name; the language is that of the name."""
    folder.mkdir(parents=True)
    for name, parts in pages.items():
        lang = name.split(".")[-2] if name.count(".") > 1 else "vi"
        text = page(*parts, lang=lang, run=folder.name)
        (folder / name).write_text(text, encoding="utf-8")
    if record is not None:
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def record_of(**more: Any) -> dict[str, Any]:
    """What a run's record holds, as far as a comparison reads it."""
    pull = {"form": "household", "rows": 9, "proof": "ab", "server": "sandbox", "finished": None}
    inputs = {
        "params": {"params/study.yml": "a" * 16, "params/outcomes.csv": "b" * 16},
        "keys": {
            "params/study.yml#disclosure.show_from": "c" * 16,
            "params/study.yml#x.y": "d" * 16,
        },
        "code": {"estimate": "e" * 16, "report": "f" * 16, "cli": "0" * 16},
        "notebooks": {"50_estimate.ipynb": "1" * 16},
    }
    return {
        "run": "a", "study": "s", "synthetic": True, "finished": "2026-10-01T00:00:00Z", "commit": None,
        "versions": {"pandas": "3.0"}, "pulls": [pull], "pages": [], "inputs": inputs,
        "inputs_of_results": inputs, **more,
    }  # fmt: skip

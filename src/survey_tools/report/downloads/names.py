"""Which files lie beside a page; loads nothing that makes them."""

from __future__ import annotations

from pathlib import Path

FORMATS = ("pdf", "docx", "xlsx")
"""Endings of the files beside a page."""


def beside(page: Path) -> tuple[Path, ...]:
    """Name the files beside a page: `10291.vi.html` has `10291.vi.pdf` and so on."""
    return tuple(page.with_suffix(f".{ending}") for ending in FORMATS)

"""Hold an executed notebook to one executed again: code first, then outputs cell by cell as nbval does.

nbval decides whether the outputs of a cell are the same (its `--nbval`, with the patterns of
`notebooks/nbval.cfg`). What it leaves aside is held as well: figures byte by byte, their texts for screen
readers, the order and kind of outputs. A cell whose code, tags or kind differ is told before any output:
code that was changed together with its output would give that output again. Not here: executing
(`survey_tools.run.verify.page`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from survey_tools.run.kernels.parameters import cell_text

SANITIZE = "nbval.cfg"
"""File beside the notebooks that says what may differ between two executions: moments, seconds, commit."""

_AROUND = 30
"""Characters of a text that are told on each side of where it begins to differ."""

_SKIPPED = ("metadata", "traceback", "prompt_number", "output_type", "name", "execution_count")
"""Parts of an output that nbval leaves aside by itself; images, which it does as well, are not among them."""


@dataclass(frozen=True)
class Difference:
    """What is not as it comes out when made again: which cell or file, empty for the whole, and how."""

    cell: str
    what: str


def compare_notebooks(
    delivered: Any, again: Any, patterns: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Tell every cell of a delivered notebook that is not as it came out of a second execution.

    Parameters
    ----------
    delivered, again : NotebookNode
        Executed notebooks, format 4.
    patterns : mapping
        Regular expressions and what nbval puts in their place before it compares; see `read_patterns`.

    Returns
    -------
    tuple of Difference
        In the order of the cells; none where all is the same.
    """
    if len(delivered.cells) != len(again.cells):
        counts = f"{len(delivered.cells)} cells delivered, {len(again.cells)} when executed again"
        return (Difference("", counts),)
    pairs = list(zip(delivered.cells, again.cells, strict=True))
    code = tuple(
        Difference(_name(ours, place), what)
        for place, (said, ours) in enumerate(pairs)
        if (what := _code(said, ours))
    )
    return code or tuple(_outputs(pairs, patterns))


def read_patterns(notebooks: Path) -> dict[str, str]:
    """Read what may differ from `nbval.cfg` in the folder of the notebooks; nothing where there is none."""
    from nbval.plugin import get_sanitize_patterns  # type: ignore[import-untyped]

    path = notebooks / SANITIZE
    return dict(get_sanitize_patterns(path.read_text("utf-8"))) if path.is_file() else {}


def where_they_part(said: str, ours: str) -> str:
    """Show two texts, the delivered one first, around the place where they part."""
    place = next(
        (i for i, (a, b) in enumerate(zip(said, ours, strict=False)) if a != b),
        min(len(said), len(ours)),
    )
    cut = slice(max(0, place - _AROUND), place + _AROUND)
    shown = [" ".join(text[cut].split()) for text in (said, ours)]
    return f"delivered «{shown[0]}», made again «{shown[1]}»"


def _name(cell: Mapping[str, Any], place: int) -> str:
    """Name a cell by its identifier; the cell of parameters that papermill adds has a random one."""
    if "injected-parameters" in _tags(cell):
        return "injected-parameters"
    return str(cell.get("id") or f"number {place}")


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return sorted(cell.get("metadata", {}).get("tags", []))


def _code(said: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Say how the source of a cell differs; empty where it does not."""
    if said["cell_type"] != ours["cell_type"]:
        return f"a cell of {said['cell_type']}, where the notebook has {ours['cell_type']}"
    if _tags(said) != _tags(ours):
        return f"tags: {where_they_part(', '.join(_tags(said)), ', '.join(_tags(ours)))}"
    if cell_text(said) != cell_text(ours):
        return f"source: {where_they_part(cell_text(said), cell_text(ours))}"
    return ""


def _outputs(pairs: Sequence[tuple[Any, Any]], patterns: Mapping[str, str]) -> Iterator[Difference]:
    for place, (said, ours) in enumerate(pairs):
        if ours["cell_type"] != "code":
            continue
        comparison = _nbval()(patterns)
        what = comparison.difference(ours["outputs"], said["outputs"])
        what = what or _beyond_nbval(ours["outputs"], said["outputs"], comparison)
        if what:
            yield Difference(_name(ours, place), what)


@cache
def _nbval() -> type[Any]:
    """Return a class that compares outputs by nbval's own code, outside pytest, for which that is written."""
    from nbval.plugin import IPyNbCell, coalesce_streams, nocolors

    class Comparison:
        """Stands in for a cell under test and for the file it is in."""

        colors = nocolors
        skip_compare = _SKIPPED
        compare_outputs = IPyNbCell.compare_outputs
        sanitize = IPyNbCell.sanitize

        def __init__(self, patterns: Mapping[str, str]) -> None:
            self.sanitize_patterns = patterns
            self.parent = self
            self.comparison_traceback: list[str] = []
            self.found = ""

        def format_output_compare(self, key: str, left: Any, right: Any) -> None:
            """Keep where two values of an output part, instead of all of both."""
            self.found = f"{key}: {_differing(key, left, right)}"

        def difference(self, again: list[Any], delivered: list[Any]) -> str:
            """Say in what the outputs differ; empty where nbval finds them the same."""
            if self.compare_outputs(coalesce_streams(again), coalesce_streams(delivered)):
                return ""
            lines = self.comparison_traceback
            return self.found or (lines[0].strip().partition("<<<")[0] if lines else "outputs")

    return Comparison


def _beyond_nbval(again: list[Any], delivered: list[Any], comparison: Any) -> str:
    """Say what differs of that which nbval leaves aside: kinds and order of outputs, texts of figures."""
    again, delivered = (
        [o for o in some if o["output_type"] != "stream"] for some in (again, delivered)
    )
    if len(again) != len(delivered):
        return f"{len(delivered)} outputs delivered, {len(again)} when executed again"
    for said, ours in zip(delivered, again, strict=True):
        for part in ("output_type", "name", "metadata", "data"):
            texts = [comparison.sanitize(str(_plain(one.get(part)))) for one in (said, ours)]
            if texts[0] != texts[1]:
                return f"{part}: {where_they_part(*texts)}"
    return ""


def _plain(part: Any) -> Any:
    """Write a part of an output in an order that does not matter."""
    return sorted(part.items()) if isinstance(part, Mapping) else part


def _differing(kind: str, said: Any, ours: Any) -> str:
    if kind.startswith("image/"):
        return "the figure is another one"
    return where_they_part(str(said), str(ours))

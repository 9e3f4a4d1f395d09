"""What all figures share: style, colours, axes in the page's language, and the way they are shown."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from survey_tools.errors import DisclosureError
from survey_tools.report.markup import paragraphs
from survey_tools.report.results import Results
from survey_tools.report.traced import plain, sources

DARK, LIGHT, GREY = "#0b4f79", "#d95f02", "#6b6b6b"
DPI = 144
STYLE = {
    **sns.axes_style("ticks"),
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def show(figure: Figure, *, alt: str, caption: str) -> None:
    """Display a figure once, with its alt text and caption, and close it.

    The numbers of both are kept beside the picture: value, source and text of each.

    Raises
    ------
    DisclosureError
        When alt text or caption is empty: a reader who does not see the picture would learn nothing.
    """
    if not alt.strip() or not caption.strip():
        raise DisclosureError("A figure needs alt text and a caption.", next_step="give both")
    png = png_of(figure)
    plt.close(figure)
    metadata = {
        "alt": plain(alt),
        "caption": plain(caption),
        "width": round(figure.get_figwidth() * 96),
        "numbers": sources(f"{alt} {caption}"),
    }
    data = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": plain(alt)}
    display(data, metadata={"image/png": metadata}, raw=True)


def png_of(figure: Figure) -> bytes:
    """Draw a figure as PNG, the same bytes each time.

    Its layout is made first and then left alone: `savefig` by itself would draw everything twice for it.
    """
    figure.set_dpi(DPI)
    canvas, png = FigureCanvasAgg(figure), io.BytesIO()
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")
    canvas.print_png(png, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return png.getvalue()


def interval_lines(
    ax: Axes, frame: pd.DataFrame, colour: str, factor: int = 100, width: float = 1.5
) -> None:
    """Draw the interval of each row as a horizontal line."""
    low, high = factor * frame["conf_low"], factor * frame["conf_high"]
    ax.hlines(frame.index, low, high, color=colour, linewidth=width)


def numbers_on(ax: Axes, results: Results) -> None:
    """Write the numbers of the horizontal axis in the page's language, all with the same decimals."""
    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    ticks = ax.get_xticks()
    digits = next(d for d in (0, 1, 2, 3) if d == 3 or (ticks.round(d) - ticks == 0).all())
    ax.xaxis.set_major_formatter(lambda value, _: results.numbers.number(value, digits))


def wrapped(text: str, width: int = 30) -> str:
    """Break a label over lines of about `width` letters."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def nothing(results: Results) -> None:
    """Say that there is too little to draw."""
    display(paragraphs([results.words("nothing_to_draw")]))

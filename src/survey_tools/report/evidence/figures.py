"""Figures of the evidence: effects over time, made from disclosed results."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from survey_tools.report.drawing import DARK, LIGHT, STYLE, nothing, show
from survey_tools.report.evidence.rows import evidence, term
from survey_tools.report.numbers import SHARES, is_missing, unit_key
from survey_tools.report.results import Results, rows_of


def events_figure(results: Results, outcome: str, estimator: str) -> None:
    """Show an event study: differences before and after intensive outreach began, with intervals."""
    frame = evidence(results, "event_study")
    points = (
        frame[frame["outcome"].eq(outcome) & frame["estimator"].eq(estimator)]
        if len(frame)
        else frame
    )
    if points.empty or points["estimate"].isna().all():
        return nothing(results)
    points = points.sort_values("event_time").reset_index(drop=True)
    name = term(results, "event", outcome)
    alt = results.words(
        "alt_events", points="; ".join(_alt(results, p, outcome) for p in rows_of(points))
    )
    caption = results.words("figure_events", outcome=name, confidence=results.confidence)
    return show(draw_events(results, points, outcome), alt=alt, caption=caption)


def draw_events(results: Results, points: pd.DataFrame, outcome: str) -> Figure:
    """Draw one point a period; hollow before intensive outreach, where there should be no difference."""
    drawn = ["event_time", "estimate", "conf_low", "conf_high"]
    points = points.astype(dict.fromkeys(drawn, "float64"))
    scale = results.scale(outcome)
    factor = 100 if scale in SHARES else 1
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 2.8), layout="constrained")
        ax = figure.subplots()
        ax.axhline(0, color="black", linewidth=1)
        for before, colour, fill in ((True, LIGHT, "white"), (False, DARK, DARK)):
            part = points[points["event_time"].lt(0) == before]
            low, high = factor * part["conf_low"], factor * part["conf_high"]
            ax.vlines(part["event_time"], low, high, color=colour, linewidth=1.5)
            ax.scatter(
                part["event_time"],
                factor * part["estimate"],
                marker="s" if before else "o",
                facecolors=fill,
                edgecolors=colour,
                zorder=3,
            )
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.yaxis.set_major_formatter(
            lambda value, _: results.numbers.number(value, _digits(factor))
        )
        ax.xaxis.set_major_formatter(lambda value, _: results.numbers.number(value))
        ax.set(
            xlabel=results.words("axis_event_time"),
            ylabel=results.words("axis_effect", unit=results.words(unit_key(scale))),
        )
    return figure


def _digits(factor: int) -> int:
    return 1 if factor == 100 else 2


def _alt(results: Results, point: pd.Series, outcome: str) -> str:
    numbers, scale = results.numbers, results.scale(outcome)
    alone = is_missing(point.conf_low) or is_missing(point.conf_high)
    return results.words(
        "alt_event_alone" if alone else "alt_event_point",
        time=numbers.number(point.event_time),
        size=numbers.difference(point.estimate, scale),
        interval=numbers.difference_interval(point.conf_low, point.conf_high, scale),
    )

"""Figures of a page, made from disclosed results and shown with alt text and caption.

Same axes for all communes, a zero line for effects, communes in the order of their codes; shape and fill
say what colour says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from survey_tools.report.drawing import (
    DARK,
    GREY,
    LIGHT,
    STYLE,
    interval_lines,
    nothing,
    numbers_on,
    show,
    wrapped,
)
from survey_tools.report.numbers import SHARES, unit_key
from survey_tools.report.pick import rows_where
from survey_tools.report.results import Results, rows_of
from survey_tools.report.small_cells import FEW, SHOWN

MOST_COMMUNES = 60
"""Communes that one figure can hold."""


def levels_figure(results: Results, outcomes: Sequence[str] | None = None) -> None:
    """Show levels over the waves: of the page's commune and the district, or of the two groups of teams."""
    outcomes = list(outcomes or results.study.report.main_outcomes)[:4]
    points = _level_points(results, outcomes)
    if points["shown"].isna().all():
        return nothing(results)
    texts = [
        results.words(
            "alt_level_point",
            series=f"{p.label}, {p.series}",
            wave=results.wave(p.wave),
            value=results.numbers.value(p.shown, p.scale)
            if pd.notna(p.shown)
            else results.words("status_too_few"),
        )
        for p in rows_of(results.rows("levels", points))
    ]
    alt = results.words(
        "alt_levels",
        outcomes=", ".join(results.outcome(o) for o in outcomes),
        points="; ".join(texts),
    )
    caption = results.words("figure_levels", confidence=results.confidence)
    return show(draw_levels(results, points), alt=alt, caption=caption)


def effects_figure(results: Results, outcomes: Sequence[str] | None = None) -> None:
    """Show effects over the district with intervals; with a lot, the naive ones as hollow marks."""
    wanted = list(outcomes or results.study.report.main_outcomes)
    shares = [o for o in wanted if results.scale(o) in SHARES]
    points = _effect_points(results, shares)
    if points["shown"].isna().all():
        return nothing(results)
    texts = [_alt_effect(results, outcome) for outcome in shares]
    alt = results.words("alt_effects", points="; ".join(texts))
    caption = results.of_design("figure_effects", confidence=results.confidence)
    return show(draw_effects(results, points), alt=alt, caption=caption)


def communes_figure(results: Results, outcome: str | None = None) -> None:
    """Show partially pooled effects of all communes by code, the page's commune marked."""
    outcome = outcome or results.study.report.main_outcomes[0]
    rows = rows_where(results.communes, outcome=outcome).sort_values("commune_code")
    communes = len(rows)
    if len(rows) > MOST_COMMUNES:
        rows = _near(rows, results.code)
    if rows["shown"].isna().all():
        return nothing(results)
    words, numbers, scale = results.words, results.numbers, results.scale(outcome)
    traced = results.rows("communes", rows)["shown"].dropna()
    span = numbers.difference_interval(traced.min(), traced.max(), scale)
    alt = words("alt_communes", count=int(rows["shown"].notna().sum()), range=span)
    here = rows[rows["commune_code"].eq(results.code)]
    key = "figure_communes" if here.empty else "figure_communes_here"
    if here["shown"].notna().any():
        alt = f"{alt} {_alt_here(results, results.row('communes', here), scale)}"
    caption = words(
        key,
        outcome=results.outcome(outcome),
        confidence=results.confidence,
        place=results.place_within,
    )
    if len(rows) < communes:
        caption = f"{caption} {words('figure_communes_near', count=len(rows), total=communes)}"
    return show(draw_communes(results, rows, outcome), alt=alt, caption=caption)


def _near(rows: pd.DataFrame, code: str) -> pd.DataFrame:
    """Keep as many communes as one figure can hold: those whose codes stand next to the page's own."""
    place = int(rows["commune_code"].searchsorted(code))
    start = min(max(place - MOST_COMMUNES // 2, 0), len(rows) - MOST_COMMUNES)
    return rows.iloc[start : start + MOST_COMMUNES]


def exposure_figure(results: Results) -> None:
    """Show which share of households the teams guided in person, by group of teams."""
    row = results.effect(results.study.design.reached, "first_stage")
    if row is None or row[["shown", "mean_regular"]].isna().any():
        return nothing(results)
    percent = results.numbers.percent
    both = {"regular": row["mean_regular"], "intensive": row["mean_regular"] + row["shown"]}
    alt = results.words("alt_reach", **{name: percent(x) for name, x in both.items()})
    caption = results.words("figure_reach", confidence=results.confidence)
    return show(draw_exposure(results, row), alt=alt, caption=caption)


def draw_levels(results: Results, points: pd.DataFrame) -> Figure:
    """Draw one panel an outcome; shares all have the axis from 0 to 100 %."""
    outcomes = list(dict.fromkeys(points["outcome"]))
    columns = min(2, len(outcomes))
    rows = -(-len(outcomes) // columns)
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * columns, 2.5 * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        for ax, outcome in zip(axes.flat, outcomes, strict=False):
            _draw_level_panel(ax, results, points[points["outcome"].eq(outcome)])
        for ax in axes.flat[len(outcomes) :]:
            ax.set_axis_off()
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
    return figure


def draw_effects(results: Results, points: pd.DataFrame) -> Figure:
    """Draw one row an outcome, in percentage points, with a line at zero."""
    frame = points.iloc[::-1].reset_index(drop=True)
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 0.55 * len(frame) + 1.3), layout="constrained")
        ax = figure.subplots()
        ax.axvline(0, color="black", linewidth=1)
        interval_lines(ax, frame, DARK)
        ax.scatter(100 * frame["shown"], frame.index, color=DARK, zorder=3, s=45)
        if results.by_lot:
            hollow: dict[str, Any] = {"marker": "D", "facecolors": "none", "edgecolors": LIGHT}
            ax.scatter(100 * frame["naive"], frame.index, s=40, **hollow)
        ax.set_yticks(list(frame.index), [wrapped(results.outcome(o)) for o in frame["outcome"]])
        ax.set_ylim(-0.6, len(frame) - 0.4)
        ax.set_xlabel(results.words("axis_effect", unit=results.words("unit_points")))
        _legend_for_effects(figure, results)
        numbers_on(ax, results)
    return figure


def draw_communes(results: Results, rows: pd.DataFrame, outcome: str) -> Figure:
    """Draw one row a commune in the order of codes, the district's effect as a dashed line."""
    scale = results.scale(outcome)
    factor = 100 if scale in SHARES else 1
    frame = rows.iloc[::-1].reset_index(drop=True)
    names = [results.units[code].name(results.lang) for code in frame["commune_code"]]
    here = frame["commune_code"].eq(results.code)
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 0.235 * len(frame) + 1.0), layout="constrained")
        ax = figure.subplots()
        ax.axvline(0, color="black", linewidth=1)
        district = results.effect(outcome)
        if district is not None and pd.notna(district["shown"]):
            ax.axvline(factor * district["shown"], color=GREY, linestyle="--", linewidth=1)
        interval_lines(ax, frame, GREY, factor)
        ax.scatter(factor * frame["shown"], frame.index, color=GREY, s=22, zorder=3)
        own = frame[here]
        interval_lines(ax, own, DARK, factor, width=2.5)
        ax.scatter(factor * own["shown"], own.index, color=DARK, marker="s", s=60, zorder=4)
        ax.set_yticks(list(frame.index), names, fontsize=8)
        for tick, marked in zip(ax.get_yticklabels(), here, strict=True):
            tick.set_fontweight("bold" if marked else "normal")
        ax.set_ylim(-0.7, len(frame) - 0.3)
        unit = unit_key(scale)
        ax.set_xlabel(results.words("axis_effect", unit=results.words(unit)))
        numbers_on(ax, results)
    return figure


def draw_exposure(results: Results, row: pd.Series) -> Figure:
    """Draw two bars; the error bar of the second is the interval of the difference."""
    regular, intensive = row["mean_regular"], row["mean_regular"] + row["shown"]
    names = [results.words("arm_regular"), results.words("arm_intensive")]
    with plt.rc_context(STYLE):
        figure = Figure(figsize=(6.8, 2.1), layout="constrained")
        ax = figure.subplots()
        sns.barplot(
            x=[100 * regular, 100 * intensive],
            y=names,
            hue=names,
            palette=[LIGHT, DARK],
            legend=False,
            errorbar=None,
            ax=ax,
        )
        ax.patches[0].set_hatch("//")
        low, high = (100 * (row["mean_regular"] + row[c]) for c in ("conf_low", "conf_high"))
        spread = [[100 * intensive - low], [high - 100 * intensive]]
        ax.errorbar([100 * intensive], [1], xerr=spread, color="black", capsize=4)
        ax.set(xlim=(0, 100), xlabel=results.words("axis_share"), ylabel="")
    return figure


def _level_points(results: Results, outcomes: Sequence[str]) -> pd.DataFrame:
    """Pick the points of the figure; `first` tells the series that the page is about."""
    words = results.words
    if results.area is None:
        series = {f"district/{arm}": words(f"arm_{arm}") for arm in ("intensive", "regular")}
    else:
        series = {f"{results.code}/all": results.place, "district/all": words("District")}
    keys = results.levels["area"] + "/" + results.levels["group"]
    frame = results.levels[keys.isin(list(series)) & results.levels["outcome"].isin(outcomes)]
    frame = frame.assign(
        series=keys.map(series),
        first=keys.eq(next(iter(series))),
        label=frame["outcome"].map(results.outcome),
        scale=frame["outcome"].map(results.scale),
        order=frame["outcome"].map({name: i for i, name in enumerate(outcomes)}),
        position=frame["wave"].map({w: i for i, w in enumerate(results.study.waves.all)}),
    )
    return frame.sort_values(["order", "first", "position"], ascending=[True, False, True])


def _draw_level_panel(ax: Axes, results: Results, points: pd.DataFrame) -> None:
    share = points["scale"].iloc[0] in SHARES
    factor = 100 if share else 1
    waves = results.study.waves.all
    ax.set_xticks(range(len(waves)), [results.wave(w) for w in waves])
    ax.set(xlim=(-0.4, len(waves) - 0.6), ylabel="%" if share else "")
    if share:
        ax.set_ylim(0, 100)
    for first in (True, False):
        series = points[points["first"].eq(first)]
        if series.empty:
            continue
        colour, marker, line, shift = (DARK, "o", "-", -0.06) if first else (LIGHT, "s", "--", 0.06)
        x = series["position"].to_numpy() + shift
        y, low, high = (factor * series[c].to_numpy() for c in ("shown", "conf_low", "conf_high"))
        ax.plot(x, y, color=colour, linestyle=line)
        ax.errorbar(x, y, [y - low, high - y], fmt="none", ecolor=colour, elinewidth=1.2, capsize=3)
        for status, fill in ((SHOWN, colour), (FEW, "white")):
            if (ok := series["status"].eq(status).to_numpy()).any():
                style: dict[str, Any] = {"facecolors": fill, "edgecolors": colour, "zorder": 3}
                ax.scatter(x[ok], y[ok], marker=marker, **style)
        ax.plot([], [], color=colour, marker=marker, linestyle=line, label=series["series"].iloc[0])
    # With its height given, matplotlib does not measure the axes anew for it at each step.
    ax.set_title(wrapped(points["label"].iloc[0]), loc="left", y=1)


def _effect_points(results: Results, outcomes: Sequence[str]) -> pd.DataFrame:
    columns = ["shown", "conf_low", "conf_high"]
    none = pd.Series(np.nan, index=columns)
    found = [results.effect(outcome) for outcome in outcomes]
    points = pd.DataFrame([none if row is None else row[columns] for row in found], columns=columns)
    naive = [results.effect(outcome, "naive") for outcome in outcomes]
    return points.astype("float64").assign(
        outcome=outcomes, naive=[np.nan if row is None else row["shown"] for row in naive]
    )


def _legend_for_effects(figure: Figure, results: Results) -> None:
    ax = figure.axes[0]
    ax.plot([], [], color=DARK, marker="o", label=results.of_design("series_effect"))
    hollow: dict[str, Any] = {"marker": "D", "markerfacecolor": "none", "linestyle": "none"}
    if results.by_lot:
        ax.plot([], [], color=LIGHT, label=results.words("series_naive"), **hollow)
    figure.legend(loc="outside upper center", ncols=2)


def _alt_effect(results: Results, outcome: str) -> str:
    row, numbers, scale = results.effect(outcome), results.numbers, results.scale(outcome)
    size, low, high = (None if row is None else row[c] for c in ("shown", "conf_low", "conf_high"))
    return results.words(
        "alt_effect_point",
        outcome=results.outcome(outcome),
        size=numbers.difference(size, scale),
        interval=numbers.difference_interval(low, high, scale),
    )


def _alt_here(results: Results, row: pd.Series, scale: str) -> str:
    numbers = results.numbers
    return results.words(
        "alt_communes_here",
        place=results.place_within,
        size=numbers.difference(row["shown"], scale),
        interval=numbers.difference_interval(row["conf_low"], row["conf_high"], scale),
    )

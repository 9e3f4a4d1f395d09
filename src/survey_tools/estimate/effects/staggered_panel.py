"""Read a panel of staggered starts into numbers, and refuse one that carries no comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Codes, Design, Floats, codes_of, numeric, require_columns
from survey_tools.estimate.design.design import refuse_gaps, refuse_several

FEW = 5
"""Clusters of one start below which the spread between them is estimated too small to trust."""


@dataclass(frozen=True)
class StaggeredPanel:
    """Interviews of a staggered start, in numbers.

    Attributes
    ----------
    frame : DataFrame
        The rows used, as they were given.
    table : DataFrame
        Sorted: `y`, `period` (1 for the first wave), `first` (period of the start, 0 for never),
        `cluster`, `unit` (household; the cluster in repeated cross-sections), `row`, and covariates.
    waves : tuple of str
        Those with answers, in order.
    is_panel : bool
        Whether households are followed.
    unit_name : str
        Of the fixed effects.
    notes : tuple of str
        What was dropped.
    refusal : str
        Why nothing can be estimated; empty otherwise.
    """

    frame: pd.DataFrame
    table: pd.DataFrame
    waves: tuple[str, ...]
    is_panel: bool
    unit_name: str
    notes: tuple[str, ...]
    refusal: str

    @property
    def n_clusters(self) -> int:
        """Number of clusters used."""
        return int(self.table["cluster"].nunique())

    @property
    def has_never(self) -> bool:
        """Whether some clusters never start."""
        return bool((self.table["first"] == 0).any())

    @cached_property
    def treated(self) -> Floats:
        """1 for interviews at or after the start of their cluster, shape (n,)."""
        started = (self.table["first"] > 0) & (self.table["period"] >= self.table["first"])
        return np.asarray(started.to_numpy(dtype=float))

    @cached_property
    def mean_untreated(self) -> float:
        """Mean outcome of interviews without treatment at the last wave that has any."""
        without = self.table[self.treated == 0]
        last = without[without["period"] == without["period"].max()]
        return float(last["y"].mean()) if len(last) else np.nan

    def counts_at(self, times: Codes) -> pd.DataFrame:
        """Count interviews and clusters of starters at each time since the start."""
        starters = self.table[self.table["first"] > 0]
        since = starters["period"] - starters["first"]
        rows = [
            (
                int(time),
                int((since == time).sum()),
                int(starters["cluster"][since == time].nunique()),
            )
            for time in times
        ]
        return pd.DataFrame(rows, columns=["event_time", "n", "n_teams"])

    def with_last_start_as_control(self) -> tuple[pd.DataFrame, str]:
        """Where all clusters start: end before the last start, and take its clusters for controls."""
        last = int(self.table["first"].max())
        before = self.table[self.table["period"] < last]
        first = before["first"].where(before["first"] < last, 0)
        note = f"against the last start, waves before {self.waves[last - 1]} only"
        return before.assign(first=first), note

    def with_untreated_wave(self) -> tuple[pd.DataFrame, str]:
        """Leave out units never seen untreated, whose level nothing tells; say how many."""
        seen = self.table.loc[self.treated == 0, "unit"].unique()
        known = self.table["unit"].isin(seen)
        lost = int(self.table.loc[~known, "unit"].nunique())
        note = f"left out, seen only after the start: {lost} ({self.unit_name})" if lost else ""
        return self.table[known], note


def read_panel(
    panel: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    start: str,
    waves: Sequence[str],
    wave: str,
    unit: str | None,
    comparison: str,
    covariates: Sequence[str] = (),
) -> StaggeredPanel:
    """Check a panel and put it in numbers; parameters and errors as of `staggered`."""
    columns = [design.cluster, design.stratum, wave, *([unit] if unit else [])]
    require_columns(panel, [*columns, start, *covariates])
    for column in columns:
        refuse_gaps(panel, column)
    period = _numbered(panel, wave, waves)
    first = _numbered(panel, start, waves)
    started = panel.assign(**{start: first})
    for column in (start, design.stratum):
        what = "A cluster has several starts, or lies in several strata."
        refuse_several(started, design.cluster, column, what)
    cluster, _ = codes_of(panel, design.cluster)
    table = pd.DataFrame({"y": numeric(panel, outcome), "period": period, "first": first})
    table = table.assign(cluster=cluster, unit=codes_of(panel, unit)[0] if unit else cluster)
    for name in covariates:
        table[name] = numeric(panel, name)
    _check_rows(table, unit)
    table, seen, unseen = _seen_waves(table, waves)
    kept, notes = _kept(table, design, seen)
    if design.weights is not None:
        notes = (*notes, f"{design.weights} not used")
    frame, table = panel.loc[kept.to_numpy()], table[kept]
    table = table.sort_values(["unit", "period", "y"], ignore_index=True)
    table["row"] = np.arange(len(table))
    _check_comparison(table, design, comparison)
    name = "household" if unit else design.cluster
    return StaggeredPanel(
        frame, table, seen, unit is not None, name, (*unseen, *notes), _refusal(table, design)
    )


def _numbered(panel: pd.DataFrame, column: str, waves: Sequence[str]) -> Codes:
    """Give each row the number of its wave from 1, and 0 where it is missing."""
    codes, names = pd.factorize(panel[column])
    unknown = sorted({str(name) for name in names} - set(waves))
    if unknown:
        raise DesignError(
            "A wave is not among those named.",
            expected=", ".join(waves),
            found=", ".join(unknown[:5]),
            where=f"column {column}",
            next_step="name all waves in order, or leave other rows out",
        )
    numbers = [list(waves).index(str(name)) + 1 for name in names]
    return np.array([*numbers, 0], dtype=np.int64)[codes]


def _check_rows(table: pd.DataFrame, unit: str | None) -> None:
    if unit is None:
        return
    twice = int(table.duplicated(["unit", "period"]).sum())
    moved = int((table.groupby("unit")["cluster"].nunique() > 1).sum())
    if twice or moved:
        raise DesignError(
            "The panel does not have one row a household and wave, in one cluster.",
            found=f"{twice} rows twice, {moved} households in several clusters",
            where=f"column {unit}",
            next_step="give a repeated cross-section with unit=None",
        )


def _seen_waves(
    table: pd.DataFrame, waves: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...], tuple[str, ...]]:
    """Keep numbers for waves with answers only: a start counts from the next of them, or not yet."""
    answered = table.notna().all(axis=1)
    seen = np.unique(table.loc[answered, "period"])
    if len(seen) in (0, len(waves)):
        return table, tuple(waves), ()
    first = np.searchsorted(seen, table["first"]) + 1
    first = np.where((table["first"] == 0) | (first > len(seen)), 0, first)
    period = np.searchsorted(seen, table["period"]) + 1
    names = tuple(waves[number - 1] for number in seen)
    without = ", ".join(name for name in waves if name not in names)
    return table.assign(first=first, period=period), names, (f"no answers at {without}",)


def _kept(
    table: pd.DataFrame, design: Design, waves: tuple[str, ...]
) -> tuple[pd.Series, tuple[str, ...]]:
    """Rows that can be used, and notes: no answer, treated throughout, a start of one or few clusters."""
    complete = table.notna().all(axis=1)
    always = table["first"] == 1
    starting = table[complete & (table["first"] > 1)]
    counted = starting.groupby("first")["cluster"].nunique()
    sizes = dict(zip(counted.index.astype(int), counted, strict=True))
    single = [first for first, size in sizes.items() if size < 2]
    notes = []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} interviews without an answer left out")
    if always.any():
        teams = table.loc[always, "cluster"].nunique()
        notes.append(f"{teams} {design.cluster} treated in every wave left out")
    if single:
        names = ", ".join(waves[first - 1] for first in single)
        notes.append(f"start at {names} left out: of one {design.cluster} only")
    few = [f"{waves[first - 1]} ({size})" for first, size in sizes.items() if 2 <= size < FEW]
    if few:
        names = ", ".join(few)
        notes.append(f"start with fewer than {FEW} {design.cluster}, error too small: {names}")
    return complete & ~always & ~table["first"].isin(single), tuple(notes)


def _check_comparison(table: pd.DataFrame, design: Design, comparison: str) -> None:
    never = table.loc[table["first"] == 0, "cluster"].nunique()
    if comparison == "never_treated" and never < 2:
        raise DesignError(
            "There is nobody to compare with.",
            expected=f"at least 2 {design.cluster} that never start",
            found=str(never),
            next_step='compare with comparison="not_yet_treated"',
        )


def _refusal(table: pd.DataFrame, design: Design) -> str:
    if table.empty:
        return "no answers"
    if np.ptp(table["y"]) == 0:
        return "the outcome does not vary"
    if not (table["first"] > 0).any():
        return f"no {design.cluster} starts between two waves"
    if table["first"].nunique() < 2:
        return f"all {design.cluster} start at once"
    return ""

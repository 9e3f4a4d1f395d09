"""Estimate effects where teams begin at different waves, by comparisons with teams not yet begun.

Two-way fixed effects stand beside them to warn: they also compare late starters with early ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats
from survey_tools.estimate.effects.event_study import COLUMNS, event_study_rows
from survey_tools.estimate.effects.rows import effect_row
from survey_tools.estimate.effects.staggered_panel import StaggeredPanel, read_panel
from survey_tools.estimate.effects.twfe import forbidden_share, twfe
from survey_tools.estimate.regression.coefficient import Coefficient

Comparison = Literal["not_yet_treated", "never_treated"]
Estimator = Literal["callaway_santanna", "imputation", "sun_abraham", "twfe"]
ESTIMATORS: tuple[Estimator, ...] = ("callaway_santanna", "imputation", "sun_abraham", "twfe")
COHORT_COLUMNS = (
    "outcome", "start", "estimate", "std_error", "conf_low", "conf_high", "n_teams",
)  # fmt: skip


@dataclass(frozen=True)
class Staggered:
    """Effects of a staggered start.

    Attributes
    ----------
    effects : DataFrame
        Contract `effects`: `att_staggered` (mean over all interviews after the start), `att_dynamic`
        (mean over times since the start), `att_imputation`, `att_sunab`, `twfe`.
    event_study : DataFrame
        One row an estimator and time since the start, columns as `event_study.COLUMNS`.
    cohorts : DataFrame
        Callaway and Sant'Anna's mean effect of each start: outcome, start, estimate, std_error,
        conf_low, conf_high, n_teams.
    covariance : array of float, shape (k, k)
        Of the `callaway_santanna` rows of `event_study` that are not the reference, in their order.
    """

    effects: pd.DataFrame
    event_study: pd.DataFrame
    cohorts: pd.DataFrame
    covariance: Floats


def staggered(
    panel: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    start: str,
    waves: Sequence[str],
    comparison: Comparison = "not_yet_treated",
    wave: str = "wave",
    unit: str | None = "hhid",
    covariates: Sequence[str] = (),
    base: Literal["universal", "varying"] = "universal",
    estimators: Sequence[Estimator] = ESTIMATORS,
) -> Staggered:
    """Estimate the effect of a treatment that clusters begin at different waves.

    Callaway and Sant'Anna (2021, J. Econometrics 225:200) compare, for each start and wave, the change
    since the wave before the start with that of clusters not yet (or never) treated. Borusyak, Jaravel
    and Spiess (2024, REStud 91:3253) impute untreated outcomes, Sun and Abraham (2021, J. Econometrics
    225:175) interact starts with times: checks that weight otherwise. Errors are by cluster and intervals by
    t(G-1). Strata are not absorbed: a draw within strata, with equal chances, leaves the estimates unbiased
    and the errors, if anything, too wide. Weights of the design are not used.

    Parameters
    ----------
    panel : DataFrame
        One row an interview: `unit`, `wave`, `start`, cluster, stratum and outcome. Interviews may be
        missing. A household then counts for a start and wave when it was seen at both ends of the change.
    design : Design
        Names cluster and stratum, and the interval; its treatment and waves are not used.
    outcome : str
        Column of `panel`.
    start : str
        Column: wave from which the cluster is treated, missing where it never is.
    waves : sequence of str
        All waves, in order.
    comparison : {"not_yet_treated", "never_treated"}
        Clusters that show the change without treatment.
    wave : str
        Column of the wave.
    unit : str, optional
        Column of the household. None takes each wave as its own sample (repeated cross-sections), which
        must be of one population; fixed effects are then of clusters.
    covariates : sequence of str
        Adjusted for by Callaway and Sant'Anna's doubly robust estimator, at the wave before the start.
    base : {"universal", "varying"}
        Before the start, changes since the wave before it (as `honest` needs) or since the last wave.
    estimators : sequence of str
        Which of `ESTIMATORS` to run.

    Returns
    -------
    Staggered

    Raises
    ------
    DesignError
        A column is absent, a wave or start is not in `waves`, the start varies within a cluster, a
        household has two rows in a wave, or `comparison` leaves nobody to compare with.
    """
    data = read_panel(
        panel, design, outcome, start=start, waves=waves, wave=wave, unit=unit,
        comparison=comparison, covariates=covariates,
    )  # fmt: skip
    return _Run(data, design, outcome, comparison, tuple(covariates), base).run(estimators)


@dataclass(frozen=True)
class _Part:
    """What one estimator adds to the tables."""

    effects: pd.DataFrame
    event_study: pd.DataFrame | None = None
    cohorts: pd.DataFrame | None = None
    covariance: Floats | None = None


@dataclass(frozen=True)
class _Run:
    """One call: the panel in numbers and what is asked of it."""

    data: StaggeredPanel
    design: Design
    outcome: str
    comparison: str
    covariates: tuple[str, ...]
    base: str

    def run(self, estimators: Sequence[str]) -> Staggered:
        methods = {
            "callaway_santanna": self.callaway_santanna,
            "imputation": self.imputation,
            "sun_abraham": self.sun_abraham,
            "twfe": self.two_way,
        }
        unknown = [name for name in estimators if name not in methods]
        if unknown or not estimators:
            raise DesignError(
                "There is no such estimator of a staggered start.",
                expected=", ".join(methods),
                found=", ".join(unknown) or "none",
            )
        parts = [methods[name]() for name in estimators]
        covariance = [part.covariance for part in parts if part.covariance is not None]
        return Staggered(
            pd.concat([part.effects for part in parts], ignore_index=True),
            _stacked([part.event_study for part in parts], COLUMNS),
            _stacked([part.cohorts for part in parts], COHORT_COLUMNS),
            covariance[0] if covariance else np.empty((0, 0)),
        )

    def callaway_santanna(self) -> _Part:
        from diff_diff import CallawaySantAnna

        against = "never treated" if self.comparison == "never_treated" else "not yet treated"
        method = f"Callaway–Sant'Anna against {self.design.cluster} {against}"
        if self.covariates:
            method += f", doubly robust given {', '.join(self.covariates)}"
        fit = self._fit(
            CallawaySantAnna(
                control_group=self.comparison, cluster="cluster", base_period=self.base,
                panel=self.data.is_panel,
            ),
            self.data.table,
            unit="unit" if self.data.is_panel else "row",
            covariates=list(self.covariates) or None,
        )  # fmt: skip
        method += f", {self._error}"
        if isinstance(fit, str):
            none = [
                self._row(e, Coefficient(), method, fit) for e in ("att_staggered", "att_dynamic")
            ]
            return _Part(pd.concat(none))
        by_time = _quiet(lambda: fit.aggregate("event_study"))
        times = np.asarray(by_time.event_time, dtype=float).astype(int)
        place = np.searchsorted(times, np.asarray(by_time.vcov_index, dtype=float).astype(int))
        covariance = np.zeros((len(times), len(times)))
        covariance[np.ix_(place, place)] = by_time.vcov
        estimates = np.asarray(by_time.att, dtype=float)
        after = np.where(times >= 0, 1 / (times >= 0).sum(), 0.0)
        dynamic = self._coefficient(
            float(after @ estimates), float(np.sqrt(after @ covariance @ after))
        )
        rows = [
            self._row(
                "att_staggered", self._coefficient(fit.overall_att, fit.overall_se), method,
                "mean over all interviews after the start",
            ),
            self._row("att_dynamic", dynamic, method, "mean over waves since the start"),
        ]  # fmt: skip
        study = self._study("callaway_santanna", times, estimates, covariance)
        return _Part(pd.concat(rows), study, self._cohorts(fit), np.asarray(by_time.vcov))

    def imputation(self) -> _Part:
        from diff_diff import ImputationDiD

        table, note = self.data.with_untreated_wave()
        fit = self._fit(ImputationDiD(cluster="cluster"), table)
        method = f"imputation, {self.data.unit_name} and wave effects, {self._error}"
        if isinstance(fit, str):
            return _Part(self._row("att_imputation", Coefficient(), method, fit))
        found = self._coefficient(fit.overall_att, fit.overall_se)
        by_time = _quiet(lambda: fit.aggregate("event_study"))
        after = np.asarray(by_time.event_time) >= 0
        errors = np.nan_to_num(np.asarray(by_time.se, dtype=float)[after])
        study = self._study(
            "imputation", np.asarray(by_time.event_time)[after].astype(int),
            np.asarray(by_time.att, dtype=float)[after], np.diag(errors**2), bands=False,
        )  # fmt: skip
        return _Part(self._row("att_imputation", found, method, note), study)

    def sun_abraham(self) -> _Part:
        from diff_diff import SunAbraham

        table, note = self.data.table, ""
        if not (self.data.has_never or self.data.refusal):
            table, note = self.data.with_last_start_as_control()
        fit = self._fit(SunAbraham(cluster="cluster"), table)
        method = f"Sun–Abraham, {self.data.unit_name} and wave effects, {self._error}"
        if isinstance(fit, str):
            return _Part(self._row("att_sunab", Coefficient(), method, fit))
        found = self._coefficient(fit.overall_att, fit.overall_se)
        times = np.asarray(sorted(fit.event_study_effects), dtype=int)
        known = np.asarray(fit.event_study_vcov_index, dtype=int)
        order = np.searchsorted(known, times)
        estimates = np.array([fit.event_study_effects[time]["effect"] for time in times])
        covariance = np.asarray(fit.event_study_vcov, dtype=float)[np.ix_(order, order)]
        study = self._study("sun_abraham", times, estimates, covariance)
        return _Part(self._row("att_sunab", found, method, note), study)

    def two_way(self) -> _Part:
        found = twfe(self.data, tail=self.design.tail)
        method = (
            f"{self.data.unit_name} and wave effects, CR2 by {self.design.cluster}, Satterthwaite t"
        )
        note = "to warn, not to use: biased where effects grow with time or differ between starts"
        share = forbidden_share(self.data)
        if np.isfinite(share):
            note += (
                f"; {share:.0%} of its weight compares later with earlier starts (Goodman-Bacon)"
            )
        if np.isnan(found.estimate):
            note = self.data.refusal or "no variation left"
        return _Part(self._row("twfe", found, method, note))

    @property
    def _error(self) -> str:
        return f"error by {self.design.cluster}, t(G-1), strata not absorbed"

    def _fit(
        self, estimator: Any, table: pd.DataFrame, unit: str = "unit", **options: Any
    ) -> Any | str:
        """Fit, or say why not; the library's warnings are in this package's own notes."""
        if self.data.refusal:
            return self.data.refusal
        try:
            return _quiet(lambda: estimator.fit(table, "y", unit, "period", "first", **options))
        except (ValueError, np.linalg.LinAlgError) as error:
            return f"not estimated: {str(error).splitlines()[0]}"

    def _coefficient(self, estimate: float, error: float) -> Coefficient:
        return Coefficient.from_error(
            float(estimate), float(error), self.data.n_clusters - 1, self.design.tail
        )

    def _row(self, estimand: str, found: Coefficient, method: str, note: str = "") -> pd.DataFrame:
        row = effect_row(
            self.data.frame, self.design, self.outcome, estimand, found,
            method=method, notes=(note, *self.data.notes), wave=self.data.waves[-1],
        )  # fmt: skip
        return row.assign(mean_regular=self.data.mean_untreated)

    def _study(
        self, estimator: str, times: Any, estimates: Floats, covariance: Floats, bands: bool = True
    ) -> pd.DataFrame:
        return event_study_rows(
            self.outcome, estimator, self.data.counts_at(times), estimates, covariance,
            df=self.data.n_clusters - 1, tail=self.design.tail, bands=bands,
        )  # fmt: skip

    def _cohorts(self, fit: Any) -> pd.DataFrame:
        found = _quiet(lambda: fit.aggregate("group"))
        rows = []
        for first, estimate, error in zip(found.label, found.att, found.se, strict=True):
            one = self._coefficient(estimate, error)
            teams = self.data.table.loc[self.data.table["first"] == first, "cluster"].nunique()
            rows.append(
                (
                    self.outcome, self.data.waves[int(first) - 1], one.estimate, one.std_error,
                    one.conf_low, one.conf_high, int(teams),
                )
            )  # fmt: skip
        return pd.DataFrame(rows, columns=list(COHORT_COLUMNS))


def _stacked(parts: Sequence[pd.DataFrame | None], columns: Sequence[str]) -> pd.DataFrame:
    given = [part for part in parts if part is not None]
    return pd.concat(given, ignore_index=True) if given else pd.DataFrame(columns=list(columns))


def _quiet(call: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()

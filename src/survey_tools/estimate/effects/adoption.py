"""Follow adoption by the dates that households recall, where no wave was made before outreach began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, codes_of, numeric, require_columns
from survey_tools.estimate.effects.event_study import event_study_rows
from survey_tools.estimate.effects.rows import joined
from survey_tools.estimate.regression.least_squares import focal_covariance
from survey_tools.estimate.regression.problem import Problem

CAVEAT = (
    "dates are recalled: rounding and misplaced dates blur the start and shrink effects, and differ "
    "between arms if outreach reminded people"
)
_DEPENDENT = 1e-10


@dataclass(frozen=True)
class Adoption:
    """Adoption by recalled period, intensive against regular teams.

    Attributes
    ----------
    event_study : DataFrame
        One row a period, estimator `adoption`, columns as `event_study.COLUMNS`; `event_time` is 0 in the
        period in which outreach began.
    stocks : DataFrame
        Share having adopted by the end of each period: outcome, period, arm, adopters, n, share.
    pretrend : DataFrame
        One row, the joint test that arms moved alike before the reference: outcome, statistic (F), df_num,
        df_denom, p_value, note.
    covariance : array of float, shape (k, k)
        Of the rows of `event_study` that have an error, in their order.
    """

    event_study: pd.DataFrame
    stocks: pd.DataFrame
    pretrend: pd.DataFrame
    covariance: Floats


def adoption(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    *,
    period: str,
    periods: Sequence[str],
    began: str,
    reference: str | None = None,
    unknown: Sequence[str] = ("dk",),
    never: str | None = None,
) -> Adoption:
    """Estimate an event study of the share that has adopted, from recalled dates.

    For each period, the change of a household's state (adopted or not) since the reference on treatment
    and stratum dummies: an event study with household and stratum-by-period effects. CR2 by cluster; as the
    regressors are the same in every period, so are the degrees of freedom, and the joint test is
    Hotelling's T-squared with them.

    Parameters
    ----------
    households : DataFrame
        One row a household, with treatment, cluster and stratum.
    design : Design
        Its waves are not used.
    outcome : str
        Name for the tables.
    period : str
        Column: period in which the household began.
    periods : sequence of str
        All periods, in order, of whatever lengths.
    began : str
        Period in which intensive outreach began.
    reference : str, optional
        The period before `began` by default, and none later.
    unknown : sequence of str
        Answers of households that began but do not remember when; left out and counted.
    never : str, optional
        Value of households that have not begun; a missing one was not asked, and is left out and
        counted. None takes a missing value for not begun: then all households must have been asked.

    Returns
    -------
    Adoption

    Raises
    ------
    DesignError
        A period is not in `periods`, `reference` is not before `began`, or the households cannot carry the
        comparison of the arms.
    """
    began_at, reference_at = _places(periods, began, reference)
    require_columns(households, [period])
    answers = households[period]
    asked = pd.Series(True, index=households.index) if never is None else answers.notna()
    forgotten = answers.isin(list(unknown))
    known = households.loc[asked & ~forgotten]
    adopted = _states(known, period, periods, never)
    design.check(known)
    problem = _problem(known, design)
    change = adopted - adopted[:, [reference_at]]
    counts = pd.DataFrame(
        {
            "event_time": np.arange(len(periods)) - began_at,
            "n": len(known),
            "n_teams": problem.n_clusters,
        }
    )
    notes = [
        CAVEAT,
        _left_out("date not remembered", households.loc[forgotten], design),
        _left_out("not asked", households.loc[~asked], design),
    ]
    focal = problem.focal_residual
    if (focal**2).sum() <= _DEPENDENT * len(focal) or problem.n <= problem.n_parameters + 1:
        notes.insert(0, "nothing to compare within the strata")
        estimates = np.full(len(periods), np.nan)
        covariance, df = np.zeros((len(periods), len(periods))), np.nan
    else:
        estimates, covariance, df = _fit(problem, change)
    study = event_study_rows(
        outcome, "adoption", counts, estimates, covariance, df=df, tail=design.tail,
        reference=reference_at - began_at, note=joined(*notes),
    )  # fmt: skip
    before = np.arange(len(periods)) < reference_at
    estimated = np.diag(covariance) > 0
    return Adoption(
        study,
        _stocks(known, design, outcome, periods, adopted),
        _pretrend(outcome, estimates, covariance, before & estimated, df),
        covariance[np.ix_(estimated, estimated)],
    )


def _places(periods: Sequence[str], began: str, reference: str | None) -> tuple[int, int]:
    """Positions of the period in which outreach began and of the reference."""
    names = list(periods)
    wrong = [name for name in (began, reference) if name is not None and name not in names]
    if wrong or len(set(names)) < len(names):
        raise DesignError(
            "A period is not among those named, or one is named twice.",
            expected=", ".join(names),
            found=", ".join(wrong),
        )
    began_at = names.index(began)
    reference_at = began_at - 1 if reference is None else names.index(reference)
    if not 0 <= reference_at < began_at:
        raise DesignError(
            "The reference is not a period before outreach began.",
            expected=f"one before {began}",
            found=str(reference),
        )
    return began_at, reference_at


def _states(
    households: pd.DataFrame, period: str, periods: Sequence[str], never: str | None
) -> Floats:
    """Whether each household has adopted by the end of each period, shape (n, periods)."""
    answers = households[period]
    codes, names = pd.factorize(answers if never is None else answers.where(answers != never))
    strange = sorted({str(name) for name in names} - set(periods))
    if strange:
        raise DesignError(
            "A period of adoption is not among those named.",
            expected=", ".join(periods),
            found=", ".join(strange[:5]),
            where=f"column {period}",
        )
    places = [list(periods).index(str(name)) for name in names]
    at = np.array([*places, len(periods)])[codes]
    return (at[:, None] <= np.arange(len(periods))[None, :]).astype(float)


def _problem(households: pd.DataFrame, design: Design) -> Problem:
    clusters, names = codes_of(households, design.cluster)
    strata, _ = codes_of(households, design.stratum)
    arm = numeric(households, design.treatment)
    none = np.empty((len(arm), 0))
    return Problem(arm, arm, none, strata, clusters, names, design.weights_of(households))


def _fit(problem: Problem, change: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients of treatment on each column, their covariances and degrees of freedom."""
    focal, moving = problem.focal_residual, np.ptp(change, axis=0) > 0
    within = problem.residual(change)
    weighted = focal if problem.weights is None else focal * problem.weights
    estimates = weighted @ within / (weighted @ focal)
    residuals = within - np.outer(focal, estimates)
    covariance, df = focal_covariance(problem, residuals, "CR2")
    estimates[~moving] = 0.0
    return estimates, np.where(np.outer(moving, moving), covariance, 0.0), df


def _pretrend(
    outcome: str, estimates: Floats, covariance: Floats, before: np.ndarray, df: float
) -> pd.DataFrame:
    q = int(before.sum())
    beta, sigma = estimates[before], covariance[np.ix_(before, before)]
    row: dict[str, object] = {
        "outcome": outcome, "statistic": np.nan, "df_num": q, "df_denom": np.nan,
        "p_value": np.nan, "note": "",
    }  # fmt: skip
    if q == 0:
        row["note"] = "no period before the reference with adoption"
    elif not df > q or np.linalg.matrix_rank(sigma, hermitian=True) < q:
        row["note"] = "too few clusters for a joint test of so many periods"
    else:
        denominator = df - q + 1
        statistic = float(beta @ np.linalg.solve(sigma, beta)) * denominator / (df * q)
        p_value = float(stats.f.sf(statistic, q, denominator))
        row.update(statistic=statistic, df_denom=float(denominator), p_value=p_value)
    return pd.DataFrame([row])


def _stocks(
    households: pd.DataFrame, design: Design, outcome: str, periods: Sequence[str], adopted: Floats
) -> pd.DataFrame:
    arms = numeric(households, design.treatment)
    rows = []
    for k, period in enumerate(periods):
        for name, value in (("regular", 0), ("intensive", 1)):
            mine = adopted[arms == value, k]
            rows.append((outcome, period, name, int(mine.sum()), len(mine), float(mine.mean())))
    columns = ["outcome", "period", "arm", "adopters", "n", "share"]
    return pd.DataFrame(rows, columns=columns)


def _left_out(why: str, gone: pd.DataFrame, design: Design) -> str:
    if gone.empty:
        return ""
    intensive = int((numeric(gone, design.treatment) == 1).sum())
    regular = len(gone) - intensive
    return f"left out, {why}: {len(gone)} ({regular} regular, {intensive} intensive)"

"""Compare the arms before treatment; adjusts nothing for what is found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, Floats, codes_of, numeric
from survey_tools.estimate.effects.rows import few_df, joined
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.inference.randomisation import randomisation_p
from survey_tools.estimate.inference.redraw import Assignments
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.problem import Problem
from survey_tools.estimate.regression.regressors import Columns, independent_within
from survey_tools.estimate.regression.wald import Wald, wald_cr2

INTERVIEWED = "interviewed"

JOINT = [
    "statistic", "df_num", "df_denom", "p_value", "p_randomisation", "n", "n_teams", "note",
]  # fmt: skip


def balance(households: pd.DataFrame, design: Design, variables: Iterable[str]) -> pd.DataFrame:
    """Compare the arms on each variable among households interviewed at the baseline.

    `estimate` is the difference within strata (variable on treatment and stratum dummies, CR2 by
    cluster), not the difference of the means beside it. `normalised_difference` is that of the means
    over the root of the mean of the two variances (Imbens and Rubin 2015, equation 14.1): free of the
    number of households, beyond 0.25 worth a look. Weights of the design count in all of them.

    Parameters
    ----------
    households : DataFrame
        One row a household; all rows are taken if there is no column `interviewed__<baseline>`.
    design : Design
    variables : iterable of str
        Numeric columns, a baseline outcome as `<outcome>__<baseline>`.

    Returns
    -------
    DataFrame
        Contract `balance` with `note`, one row a variable.
    """
    design.check(households)
    frame = at_baseline(households, design)
    return pd.DataFrame([_one_variable(frame, design, variable) for variable in variables])


def at_baseline(households: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Rows interviewed at the baseline; all rows where no column says who was."""
    column = design.at_baseline(INTERVIEWED)
    return households.loc[numeric(households, column) == 1] if column in households else households


def balance_joint(
    households: pd.DataFrame,
    design: Design,
    variables: Iterable[str],
    assignments: Assignments | None = None,
) -> pd.DataFrame:
    """Test whether the variables together tell the arms apart.

    Treatment on all variables and stratum dummies, joint test with CR2 by cluster (`wald_cr2`). A gap is
    filled with the mean and marked by a dummy, which is not tested. With assignments drawn again,
    `p_randomisation` is the share of them that set the arms further apart (Hansen and Bowers 2008,
    Statistical Science 23:219): the differences of all variables at once, in the metric of their
    covariance over the draws. It is exact with any number of clusters and variables.

    Parameters
    ----------
    households, design, variables
        As `balance`.
    assignments : Assignments, optional
        Draws over the clusters of `households`, as `inference.redraw` returns them.

    Returns
    -------
    DataFrame
        One row: `statistic` (F), `df_num`, `df_denom`, `p_value`, `p_randomisation` (missing without
        `assignments`), `n`, `n_teams`, `note`.
    """
    design.check(households)
    frame = at_baseline(households, design)
    row: dict[str, object] = dict.fromkeys(JOINT, np.nan)
    row |= {"df_num": 0, "n": len(frame), "n_teams": int(frame[design.cluster].nunique())}
    if frame.empty:
        return pd.DataFrame([row | {"note": "no interview at the baseline"}])[JOINT]
    tested, marks = filled_and_marks(frame, list(variables))
    if not tested.names:
        return pd.DataFrame([row | {"note": "; ".join(tested.notes) or "no variable"}])[JOINT]
    strata, weights = codes_of(frame, design.stratum)[0], design.weights_of(frame)
    both = Columns(np.column_stack([marks.matrix, tested.matrix]), (*marks.names, *tested.names))
    kept = independent_within(strata, np.zeros(len(frame)), both, weights)
    is_mark = np.isin(kept.names, marks.names)
    if is_mark.all():
        return pd.DataFrame([row | {"note": "no variable varies within the strata"}])[JOINT]
    nuisance, variables_kept = kept.matrix[:, is_mark], kept.matrix[:, ~is_mark]
    found = joint_test(frame, design, numeric(frame, design.treatment), nuisance, variables_kept)
    row |= {"statistic": found.statistic, "df_num": found.df_num, "df_denom": found.df_denom}
    few = (f"too few {design.cluster} for a joint test",) if np.isnan(found.p_value) else ()
    row |= {"p_value": found.p_value, "note": "; ".join((*tested.notes, *kept.notes, *few))}
    if assignments is not None:
        row["p_randomisation"] = _p_randomisation(
            frame, design, nuisance, variables_kept, assignments
        )
    return pd.DataFrame([row])[JOINT]


def filled_and_marks(frame: pd.DataFrame, variables: list[str]) -> tuple[Columns, Columns]:
    """Split into the variables, centred and filled with their means, and the dummies of their gaps.

    A variable without any value is left out, and a note of the variables says so.
    """
    filled, marks, empty = {}, {}, []
    for variable in variables:
        values = numeric(frame, variable)
        missing = np.isnan(values)
        if missing.all():
            empty.append(f"{variable} missing in every row")
            continue
        filled[variable] = np.where(missing, 0.0, values - values[~missing].mean())
        if missing.any():
            marks[f"{variable} missing"] = missing.astype(float)
    return _columns(filled, len(frame), tuple(empty)), _columns(marks, len(frame))


def joint_test(
    frame: pd.DataFrame, design: Design, y: Floats, others: Floats, tested: Floats
) -> Wald:
    """Test the coefficients of `tested` together, given strata and `others`, by cluster.

    NaN, but for the number of coefficients, where the clusters are too few.
    """
    strata, clusters = codes_of(frame, design.stratum)[0], codes_of(frame, design.cluster)[0]
    found = wald_cr2(y, tested, others, strata, clusters, design.weights_of(frame))
    return found if found.p_value >= 0 else found._replace(df_denom=np.nan)


def _columns(values: dict[str, Floats], n: int, notes: tuple[str, ...] = ()) -> Columns:
    matrix = np.column_stack(list(values.values())) if values else np.empty((n, 0))
    return Columns(matrix, tuple(values), notes)


def _one_variable(frame: pd.DataFrame, design: Design, variable: str) -> dict[str, object]:
    values = numeric(frame, variable)
    keys = [design.cluster, design.stratum, design.treatment]
    keys += [design.weights] if design.weights else []
    as_outcome = frame[keys].assign(**{design.at_endline(variable): values})
    sample = prepare(as_outcome, design, variable, controls=False)
    found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
    arm, own = numeric(frame, design.treatment), design.weights_of(frame)
    weights = np.ones(len(frame)) if own is None else own
    rows = [~np.isnan(values) & (arm == value) for value in (0, 1)]
    (mean0, variance0), (mean1, variance1) = (_moments(values[one], weights[one]) for one in rows)
    spread = np.sqrt((variance0 + variance1) / 2)
    return {
        "variable": variable,
        "mean_regular": mean0,
        "mean_intensive": mean1,
        "estimate": found.estimate,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "p_value": found.p_value,
        "normalised_difference": (mean1 - mean0) / spread if spread > 0 else np.nan,
        "n": len(sample.frame),
        "n_teams": int(sample.frame[design.cluster].nunique()),
        "note": joined(sample.refusal, *sample.notes, few_df(found.df)),
    }


def _moments(values: Floats, weights: Floats) -> tuple[float, float]:
    """Weighted mean and variance (n - 1 below); NaN where there are too few values."""
    n = len(values)
    if n == 0:
        return float("nan"), float("nan")
    mean = float(np.average(values, weights=weights))
    square = float(np.average((values - mean) ** 2, weights=weights))
    return mean, square * n / (n - 1) if n > 1 else float("nan")


def _p_randomisation(
    frame: pd.DataFrame,
    design: Design,
    nuisance: Floats,
    tested: Floats,
    assignments: Assignments,
) -> float:
    treatment = numeric(frame, design.treatment)
    strata, weights = codes_of(frame, design.stratum)[0], design.weights_of(frame)
    clusters, names = codes_of(frame, design.cluster)
    problem = Problem(treatment, treatment, nuisance, strata, clusters, names, weights)
    inner = problem.residual(tested)
    weighted = inner if problem.weights is None else inner * problem.weights[:, None]
    rows = assignments.rows(problem.cluster_names)
    totals = np.zeros((len(assignments.cluster_names), tested.shape[1]))
    totals[rows] = problem.cluster_sums(weighted)
    observed = np.zeros(len(totals))
    observed[rows] = problem.cluster_sums(treatment) > 0
    differences = totals.T @ assignments.matrix
    if not assignments.exact:
        differences = np.column_stack([differences, totals.T @ observed])
    mean = differences.mean(axis=1, keepdims=True)
    metric = np.linalg.pinv(np.atleast_2d(np.cov(differences)), rcond=1e-10, hermitian=True)

    def distance(arms: Floats) -> Floats:
        from_mean = totals.T @ arms - mean
        return np.asarray((from_mean * (metric @ from_mean)).sum(axis=0))

    return randomisation_p(distance, assignments, observed).p_value

"""Compare the arms before treatment, and count who was followed up; adjusts nothing for what is found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import statsmodels.api as sm

from survey_tools.contracts import same_list
from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, numeric, require_columns
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import cluster_codes, fit_ols
from survey_tools.estimate.regression.regressors import (
    Columns,
    are_determined,
    independent,
    stratum_dummies,
)

INTERVIEWED = "interviewed"
_ARMS = {0: "regular", 1: "intensive"}

JOINT = ["statistic", "df_num", "df_denom", "p_value", "n", "n_teams", "note"]


def balance(households: pd.DataFrame, design: Design, variables: Iterable[str]) -> pd.DataFrame:
    """Compare the arms on each variable among households interviewed at the baseline.

    `estimate` is the difference within strata (variable on treatment and stratum dummies, CR1 by
    cluster), not the difference of the means beside it. `normalised_difference` is that of the means
    over the root of the mean of the two variances (Imbens and Rubin 2015, equation 14.1): free of the
    number of households, beyond 0.25 worth a look.

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
        Contract `balance`, one row a variable.
    """
    design.check(households)
    frame = _at_baseline(households, design)
    return pd.DataFrame([_one_variable(frame, design, variable) for variable in variables])


def balance_joint(
    households: pd.DataFrame, design: Design, variables: Iterable[str]
) -> pd.DataFrame:
    """Test whether the variables together tell the arms apart.

    Treatment on all variables and stratum dummies, Wald F with CR1 by cluster, on (variables, G-1)
    degrees of freedom. A gap is filled with the mean and marked by a dummy, which is not tested. With
    many variables for the number of clusters the test rejects too often.

    Returns
    -------
    DataFrame
        One row: `statistic`, `df_num`, `df_denom`, `p_value`, `n`, `n_teams`, `note`.
    """
    design.check(households)
    frame = _at_baseline(households, design)
    if frame.empty:
        nothing = (np.nan, 0, 0, np.nan, 0, 0, "no interview at the baseline")
        return pd.DataFrame([nothing], columns=JOINT)
    tested, filled = _tested_and_marks(frame, design, list(variables))
    strata = stratum_dummies(frame, design)
    marks = independent(strata.matrix, filled)
    others = np.column_stack([strata.matrix, marks.matrix])
    kept = independent(others, tested)
    clusters = cluster_codes(frame, design)
    row = {
        "statistic": np.nan,
        "df_num": len(kept.names),
        "df_denom": int(clusters.max()),
        "p_value": np.nan,
        "n": len(frame),
        "n_teams": int(clusters.max()) + 1,
        "note": "; ".join(kept.notes) if kept.names else "no variable varies within the strata",
    }
    if kept.names:
        exog = np.column_stack([kept.matrix, others])
        model = sm.OLS(numeric(frame, design.treatment), exog)
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
        test = fit.f_test(np.eye(len(kept.names), exog.shape[1]))
        row |= {"statistic": float(test.fvalue), "p_value": float(test.pvalue)}
    return pd.DataFrame([row])[JOINT]


def attrition(
    households: pd.DataFrame,
    design: Design,
    *,
    sample: pd.DataFrame | None = None,
    teams: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count households drawn and interviewed, by wave and arm.

    Parameters
    ----------
    households : DataFrame
        `hhid`, the columns of the design and `interviewed__<wave>` (0 or 1) for each wave.
    design : Design
    sample : DataFrame, optional
        One row a household drawn, `hhid` and the cluster; without it, the households interviewed at
        the baseline count as drawn.
    teams : DataFrame, optional
        Cluster and treatment, needed when a cluster of `sample` has no household interviewed.

    Returns
    -------
    DataFrame
        Contract `attrition`. Only households drawn count as interviewed.
    """
    same_list(households=households, sample=sample, teams=teams)
    waves = _waves(households)
    if sample is None:
        drawn = _at_baseline(households, design)
    else:
        drawn = _with_answers(sample, households, design, teams, waves)
    rows = []
    for wave in waves:
        there = numeric(drawn, f"{INTERVIEWED}__{wave}") == 1
        arms = numeric(drawn, design.treatment)
        for value, arm in _ARMS.items():
            counts = {
                "drawn": int((arms == value).sum()),
                "interviewed": int(there[arms == value].sum()),
            }
            rows.append({"wave": wave, "arm": arm, **counts})
    return pd.DataFrame(rows)


def _one_variable(frame: pd.DataFrame, design: Design, variable: str) -> dict[str, object]:
    known = frame.loc[~np.isnan(numeric(frame, variable))]
    y, arm = numeric(known, variable), numeric(known, design.treatment)
    regular, intensive = y[arm == 0], y[arm == 1]
    strata = stratum_dummies(known, design).matrix
    found = Coefficient()
    if len(regular) > 1 and len(intensive) > 1 and not _no_comparison(y, arm, strata):
        found = fit_ols(y, arm, strata, cluster_codes(known, design), design.tail)
    return {
        "variable": variable,
        "mean_regular": _mean(regular),
        "mean_intensive": _mean(intensive),
        "estimate": found.estimate,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "p_value": found.p_value,
        "normalised_difference": _normalised_difference(regular, intensive),
        "n": len(known),
        "n_teams": int(known[design.cluster].nunique()),
    }


def _no_comparison(y: Floats, arm: Floats, strata: Floats) -> bool:
    return len(y) <= strata.shape[1] + 1 or any(are_determined(strata, arm, y))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _normalised_difference(regular: Floats, intensive: Floats) -> float:
    if min(len(regular), len(intensive)) < 2:
        return float("nan")
    spread = np.sqrt((regular.var(ddof=1) + intensive.var(ddof=1)) / 2)
    return float((intensive.mean() - regular.mean()) / spread) if spread > 0 else float("nan")


def _at_baseline(households: pd.DataFrame, design: Design) -> pd.DataFrame:
    column = design.at_baseline(INTERVIEWED)
    return households.loc[numeric(households, column) == 1] if column in households else households


def _tested_and_marks(
    frame: pd.DataFrame, design: Design, variables: list[str]
) -> tuple[Columns, Columns]:
    """Split into the variables, centred and filled, and the dummies that mark their gaps."""
    values = np.column_stack([numeric(frame, variable) for variable in variables])
    missing = np.isnan(values)
    known = np.asarray(~missing.all(axis=0))
    values, missing = values[:, known], missing[:, known]
    names = tuple(name for name, there in zip(variables, known, strict=True) if there)
    centred = np.where(missing, 0.0, values - np.nanmean(values, axis=0))
    gaps = np.asarray(missing.any(axis=0))
    marked = tuple(f"{name} missing" for name, gap in zip(names, gaps, strict=True) if gap)
    return Columns(centred, names), Columns(missing[:, gaps].astype(float), marked)


def _waves(households: pd.DataFrame) -> list[str]:
    prefix = f"{INTERVIEWED}__"
    waves = sorted(
        str(c).removeprefix(prefix) for c in households.columns if str(c).startswith(prefix)
    )
    if not waves:
        require_columns(households, [f"{prefix}<wave>"])
    return waves


def _with_answers(
    sample: pd.DataFrame,
    households: pd.DataFrame,
    design: Design,
    teams: pd.DataFrame | None,
    waves: list[str],
) -> pd.DataFrame:
    require_columns(sample, ["hhid", design.cluster])
    source = households if teams is None else teams
    arms = source.drop_duplicates(design.cluster).set_index(design.cluster)[design.treatment]
    columns = [f"{INTERVIEWED}__{wave}" for wave in waves]
    drawn = sample[["hhid", design.cluster]].merge(
        households[["hhid", *columns]], on="hhid", how="left", validate="one_to_one"
    )
    drawn[design.treatment] = drawn[design.cluster].map(arms)
    unknown = sorted(drawn.loc[drawn[design.treatment].isna(), design.cluster].unique())
    if unknown:
        raise DesignError(
            "The arm of some households drawn is not known.",
            found=f"{len(unknown)} {design.cluster} without one: {', '.join(map(str, unknown[:5]))}",
            where="the list of households drawn",
            next_step="give the table of teams as well",
        )
    return drawn

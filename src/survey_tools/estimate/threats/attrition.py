"""Count who was followed up, ask whether the arms differ in it, and weight for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm

from survey_tools.contracts import same_list
from survey_tools.errors import DesignError
from survey_tools.estimate.design import Design, Floats, codes_of, numeric, require_columns
from survey_tools.estimate.effects.assignment import adjustment, errors
from survey_tools.estimate.effects.rows import effect_row, few_df, joined
from survey_tools.estimate.effects.sample import prepare
from survey_tools.estimate.regression.coefficient import Coefficient
from survey_tools.estimate.regression.least_squares import ols
from survey_tools.estimate.regression.regressors import Columns, covariates, independent_within
from survey_tools.estimate.threats.balance import (
    INTERVIEWED,
    at_baseline,
    filled_and_marks,
    joint_test,
)

_ARMS = {0: "regular", 1: "intensive"}
_REFUSALS = {
    "the outcome does not vary": "all or none interviewed",
    "no answers": "no interview at the baseline",
}
_BY_ARM = " by arm"
_WEIGHT = "_response_weight"
_LEAST_CHANCE = 0.01
"""Chance to be met below which its inverse is no weight to trust."""


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
    drawn = _drawn(households, design, sample, teams)
    rows = []
    for wave in _waves(households):
        there = numeric(drawn, f"{INTERVIEWED}__{wave}") == 1
        arms = numeric(drawn, design.treatment)
        for value, arm in _ARMS.items():
            counts = {
                "drawn": int((arms == value).sum()),
                "interviewed": int(there[arms == value].sum()),
            }
            rows.append({"wave": wave, "arm": arm, **counts})
    return pd.DataFrame(rows)


def attrition_test(
    households: pd.DataFrame,
    design: Design,
    variables: Iterable[str] = (),
    *,
    sample: pd.DataFrame | None = None,
    teams: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Ask at each wave whether the arms differ in how many, and in who, were interviewed.

    `estimate` is the difference in the share interviewed within strata (CR2 by cluster). `p_variables`
    asks whether outreach moved the composition of those interviewed: being interviewed on treatment,
    variables, their products and stratum dummies, joint test of the products, among the households of
    the baseline (in the spirit of Ghanem, Hirshleifer and Ortiz-Becerra 2023, Journal of Human
    Resources). A gap in a variable is filled with the mean and marked.

    Parameters
    ----------
    households, design, sample, teams
        As `attrition`.
    variables : iterable of str
        Columns known before treatment.

    Returns
    -------
    DataFrame
        One row a wave: `wave`, `share_regular`, `share_intensive`, `estimate`, `std_error`, `df`,
        `p_value`, `conf_low`, `conf_high`, `p_variables`, `df_num`, `df_denom`, `n`, `n_teams`, `note`.
    """
    drawn = _drawn(households, design, sample, teams)
    design.check(households if drawn.empty else drawn)
    met, names = at_baseline(households, design), list(variables)
    rows = []
    for wave in _waves(households):
        column = f"{INTERVIEWED}__{wave}"
        there, arms = numeric(drawn, column), numeric(drawn, design.treatment)
        prepared = prepare(drawn, design, INTERVIEWED, wave=wave, controls=False)
        found = ols(prepared.problem, tail=design.tail) if prepared.problem else Coefficient()
        row = {
            "wave": wave,
            "share_regular": _share(there[arms == 0]),
            "share_intensive": _share(there[arms == 1]),
            "estimate": found.estimate,
            "std_error": found.std_error,
            "df": found.df,
            "p_value": found.p_value,
            "conf_low": found.conf_low,
            "conf_high": found.conf_high,
            **_composition(met, design, column, names),
            "n": len(drawn),
            "n_teams": int(drawn[design.cluster].nunique()),
        }
        refusal = _REFUSALS.get(prepared.refusal, prepared.refusal)
        notes = (refusal, *prepared.notes, few_df(found.df))
        rows.append(row | {"note": joined(*notes)})
    return pd.DataFrame(rows)


def itt_ipw_attrition(households: pd.DataFrame, design: Design, outcome: str) -> pd.DataFrame:
    """Estimate the effect of assignment with households weighted by the inverse of their chance to be met.

    The chance comes from a logit of being interviewed at the endline (without a column that says so, of
    having an answer) on treatment, baseline outcome, controls and their products with treatment, among
    households of the baseline. It removes what attrition did as far as these variables tell who was met
    (Wooldridge 2007, Journal of Econometrics 141:1281). The error takes the weights as known, which is
    cautious. One-row frame, contract `effects`.
    """
    design.check(households)
    drawn = at_baseline(households, design)
    chance, refusal = _chance(drawn, design, outcome)
    target = design.at_endline(outcome)
    if refusal:
        answered = drawn.loc[~np.isnan(numeric(drawn, target))]
        found, frame, notes = Coefficient(), answered, [refusal]
    else:
        own = design.weights_of(drawn)
        weights = (np.ones(len(drawn)) if own is None else own) / chance
        weighted = drawn.assign(**{_WEIGHT: weights})
        sample = prepare(weighted, replace(design, weights=_WEIGHT), outcome, baseline=outcome)
        found = ols(sample.problem, tail=design.tail) if sample.problem else Coefficient()
        frame = sample.frame
        spread = f"weights {1 / chance.max():.2f} to {1 / chance.min():.2f}"
        notes = [sample.refusal, spread, *sample.notes]
        left_out = int((~np.isnan(numeric(households, target))).sum()) - len(frame)
        notes += [f"{left_out} answers without a baseline interview left out"] if left_out else []
    adjusted = adjustment(design, design.estimator == "ancova")
    method = f"OLS, inverse probability of response, {adjusted}, {errors(design)}"
    return effect_row(
        frame, design, outcome, "itt_ipw_attrition", found, method=method, notes=notes
    )


def _share(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _composition(
    met: pd.DataFrame, design: Design, column: str, variables: list[str]
) -> dict[str, object]:
    """Joint test of treatment by variable in who of the baseline was interviewed."""
    nothing: dict[str, object] = {"p_variables": np.nan, "df_num": 0, "df_denom": np.nan}
    if not variables or met.empty or np.ptp(numeric(met, column)) == 0:
        return nothing
    filled, marks = filled_and_marks(met, variables)
    both = Columns(np.column_stack([filled.matrix, marks.matrix]), (*filled.names, *marks.names))
    main, products = _by_arm(met, design, both)
    tested = np.array([name.removesuffix(_BY_ARM) in filled.names for name in products.names], bool)
    if not tested.any():
        return nothing
    nuisance = np.column_stack([main.matrix, products.matrix[:, ~tested]])
    found = joint_test(met, design, numeric(met, column), nuisance, products.matrix[:, tested])
    return {"p_variables": found.p_value, "df_num": found.df_num, "df_denom": found.df_denom}


def _by_arm(frame: pd.DataFrame, design: Design, columns: Columns) -> tuple[Columns, Columns]:
    """Treatment with `columns`, and their products, less what others and the strata give."""
    treatment = numeric(frame, design.treatment)
    strata, weights = codes_of(frame, design.stratum)[0], design.weights_of(frame)
    main = Columns(np.column_stack([treatment, columns.matrix]), (design.treatment, *columns.names))
    products = Columns(
        treatment[:, None] * columns.matrix, tuple(f"{name}{_BY_ARM}" for name in columns.names)
    )
    every = Columns(np.column_stack([main.matrix, products.matrix]), (*main.names, *products.names))
    kept = independent_within(strata, np.zeros(len(frame)), every, weights)
    is_product = np.array([name.endswith(_BY_ARM) for name in kept.names], dtype=bool)
    names = np.array(kept.names, dtype=object)
    return (
        Columns(kept.matrix[:, ~is_product], tuple(names[~is_product])),
        Columns(kept.matrix[:, is_product], tuple(names[is_product])),
    )


def _chance(drawn: pd.DataFrame, design: Design, outcome: str) -> tuple[Floats, str]:
    """Chance of each row of `drawn` to be met at the endline, or why there is none."""
    if drawn.empty:
        return np.empty(0), "no interview at the baseline"
    column = design.at_endline(INTERVIEWED)
    if column in drawn:
        met = (numeric(drawn, column) == 1).astype(float)
    else:
        met = (~np.isnan(numeric(drawn, design.at_endline(outcome)))).astype(float)
    if not met.any():
        return met, "nobody interviewed at the endline"
    if met.all():
        return met, ""
    known = covariates(drawn, replace(design, estimator="ancova"), outcome)
    main, products = _by_arm(drawn, design, known)
    exog = np.column_stack([np.ones(len(drawn)), main.matrix, products.matrix])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is refused below
        fit = sm.GLM(met, exog, family=sm.families.Binomial()).fit()
        chance = np.asarray(fit.fittedvalues, dtype=float)
    if not fit.converged or not chance.min() >= _LEAST_CHANCE:
        return chance, "the chance to be met cannot be modelled"
    return chance, ""


def _drawn(
    households: pd.DataFrame,
    design: Design,
    sample: pd.DataFrame | None,
    teams: pd.DataFrame | None,
) -> pd.DataFrame:
    same_list(households=households, sample=sample, teams=teams)
    columns = [f"{INTERVIEWED}__{wave}" for wave in _waves(households)]
    if sample is None:
        return at_baseline(households, design)
    drawn = with_answers(sample, households, design, teams, columns)
    return drawn.fillna(dict.fromkeys(columns, 0))


def _waves(households: pd.DataFrame) -> list[str]:
    prefix = f"{INTERVIEWED}__"
    waves = sorted(
        str(c).removeprefix(prefix) for c in households.columns if str(c).startswith(prefix)
    )
    if not waves:
        require_columns(households, [f"{prefix}<wave>"])
    return waves


def with_answers(
    sample: pd.DataFrame,
    households: pd.DataFrame,
    design: Design,
    teams: pd.DataFrame | None,
    columns: list[str],
) -> pd.DataFrame:
    """Give each household drawn its arm, its stratum and `columns`, which are missing if it was never met.

    Parameters
    ----------
    sample : DataFrame
        One row a household drawn, `hhid` and the cluster.
    households : DataFrame
        `hhid` and `columns`.
    design : Design
    teams : DataFrame, optional
        Cluster, stratum and treatment; `households` by default.
    columns : list of str

    Raises
    ------
    DesignError
        A column is absent, or the arm of a household drawn is not known.
    """
    require_columns(sample, ["hhid", design.cluster])
    require_columns(households, ["hhid", *columns])
    source = households if teams is None else teams
    require_columns(source, [design.cluster, design.treatment, design.stratum])
    known = source.drop_duplicates(design.cluster).set_index(design.cluster)
    drawn = sample[["hhid", design.cluster]].merge(
        households[["hhid", *columns]], on="hhid", how="left", validate="one_to_one"
    )
    for column in (design.treatment, design.stratum):
        drawn[column] = drawn[design.cluster].map(known[column])
    unknown = sorted(drawn.loc[drawn[design.treatment].isna(), design.cluster].unique())
    if unknown:
        raise DesignError(
            "The arm of some households drawn is not known.",
            found=f"{len(unknown)} {design.cluster} without one: {', '.join(map(str, unknown[:5]))}",
            where="the list of households drawn",
            next_step="give the table of teams as well",
        )
    return drawn

"""Hold the pooled model against a mixed model fitted to the households; a check, not a result."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.communes.effects import TAU_SHARE, CommuneFit, fit_communes
from survey_tools.estimate.design import Design, numeric, outcome_names

COLUMNS = ("outcome", "centre", "centre_low", "centre_high", "spread", "mixed_centre",
           "mixed_spread", "note")  # fmt: skip


def mixed_check(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    *,
    tau_share: float = TAU_SHARE,
) -> pd.DataFrame:
    """Compare the mean and the spread of commune effects in two models.

    Parameters
    ----------
    households : DataFrame
        As for `effects`.
    design : Design
    outcomes : DataFrame with a column `outcome`, or names
    tau_share : float
        As for `commune_effects`.

    Returns
    -------
    DataFrame
        One row an outcome. `centre` with its interval and `spread`: posterior of the pooled model.
        `mixed_centre` and `mixed_spread`: treatment effect and the standard deviation of its random slope
        by commune, with random intercepts of communes and teams (statsmodels MixedLM, REML). `note`
        says when that fit did not converge, which gives NaN, or ended at a spread of 0.

    Notes
    -----
    REML gives the most likely spread, often 0 for 27 communes; the pooled one is a mean over what the data
    allow and lies above. The centres should agree within a fraction of the interval.
    """
    design.check(households)
    rows = [
        _row(fit_communes(households, design, name, tau_share=tau_share), design, name)
        for name in outcome_names(outcomes)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(fit: CommuneFit, design: Design, outcome: str) -> dict[str, object]:
    pooled = fit.pooled
    centre, spread, note = (np.nan, np.nan, fit.note) if fit.note else _mixed(fit, design)
    return {
        "outcome": outcome,
        "centre": pooled.centre,
        "centre_low": pooled.centre_low,
        "centre_high": pooled.centre_high,
        "spread": pooled.spread,
        "mixed_centre": centre,
        "mixed_spread": spread,
        "note": note,
    }


def _mixed(fit: CommuneFit, design: Design) -> tuple[float, float, str]:
    """Fit the mixed model; NaN and a note where it does not come to an end."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    frame = pd.DataFrame(
        {
            "y": fit.adjusted.values / fit.adjusted.sd,
            "treated": numeric(fit.frame, design.treatment),
            "commune": fit.frame[design.stratum].astype(str).to_numpy(),
            "team": fit.frame[design.cluster].astype(str).to_numpy(),
        }
    ).sort_values(["commune", "team", "treated", "y"], ignore_index=True)
    parts = {"slope": "0 + treated", "team": "0 + C(team)"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = MixedLM.from_formula(
                "y ~ treated", frame, groups="commune", re_formula="1", vc_formula=parts
            )
            found = model.fit(reml=True, method=["lbfgs", "powell"], maxiter=200)
        except (np.linalg.LinAlgError, ValueError) as error:
            return np.nan, np.nan, f"the mixed model could not be fitted: {error}"
    if not found.converged or not np.isfinite(found.params["treated"]):
        return np.nan, np.nan, "the mixed model did not converge"
    slope = float(found.vcomp[model.exog_vc.names.index("slope")])
    spread = float(np.sqrt(max(slope, 0.0)))
    note = "the mixed model ends at a spread of 0" if spread < 1e-3 else ""
    return float(found.params["treated"] * fit.adjusted.sd), spread * fit.adjusted.sd, note

"""Say what the study at hand can detect, from its own numbers; tests nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_tools.estimate.design import Design, Floats, codes_of, numeric, outcome_names
from survey_tools.estimate.effects import first_stage
from survey_tools.estimate.icc import Adjusted, adjusted_components, cells_of, variance_components
from survey_tools.estimate.power.formula import PowerDesign, smallest_detectable

COLUMNS = ("outcome", "share", "sd", "icc", "explained", "teams", "strata", "households_per_team",
           "mde", "mde_family", "mde_takeup", "note")  # fmt: skip


def detectable(
    households: pd.DataFrame,
    design: Design,
    outcomes: pd.DataFrame | Iterable[str],
    *,
    alpha: float = 0.05,
    power: float = 0.8,
) -> pd.DataFrame:
    """Compute the smallest effect that this study finds, for each outcome.

    Parameters
    ----------
    households : DataFrame
        As for `effects`.
    design : Design
    outcomes : DataFrame with a column `outcome` and perhaps `family`, or names
        Outcomes of a family are tested together; without families all of them are.
    alpha, power : float

    Returns
    -------
    DataFrame
        One row an outcome: `outcome`; `share`, the mean of the regular arm at the endline; `sd` and `icc`
        of the outcome within strata and arms; `explained`, the part of the variance of a team's mean
        that baseline and controls explain; `teams`, `strata` and `households_per_team` with answers;
        `mde`, the smallest detectable effect of assignment; `mde_family`, the same at alpha divided by
        the outcomes of the family; `mde_takeup`, the effect on those reached that goes with `mde`
        (`mde` / first stage; NaN where the first stage is not above 0 with its interval); `note`.

    Notes
    -----
    The formula of `power.formula` with the variance components of teams after adjustment. An effect
    that was not found may well exist below `mde`; `mde` says nothing about what was found.
    """
    design.check(households)
    names = outcome_names(outcomes)
    stage = first_stage(households, design).iloc[0]
    take_up = float(stage["estimate"]) if stage["conf_low"] > 0 else float("nan")
    sizes = _family_sizes(outcomes, names)
    rows = [
        _row(households, design, name, take_up, sizes[name], alpha=alpha, power=power)
        for name in names
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(
    households: pd.DataFrame,
    design: Design,
    outcome: str,
    take_up: float,
    family: int,
    *,
    alpha: float,
    power: float,
) -> dict[str, object]:
    frame = households.loc[~np.isnan(numeric(households, design.at_endline(outcome)))]
    y = numeric(frame, design.at_endline(outcome))
    regular = y[numeric(frame, design.treatment) == 0]
    row: dict[str, object] = dict.fromkeys(COLUMNS, float("nan"))
    row |= {
        "outcome": outcome,
        "share": float(regular.mean()) if len(regular) else float("nan"),
        "teams": int(frame[design.cluster].nunique()),
        "strata": int(frame[design.stratum].nunique()),
    }
    refusal = _refusal(y, frame, design)
    if refusal:
        return row | {"note": refusal}
    adjusted = adjusted_components(frame, design, outcome)
    if adjusted.between + adjusted.within <= 1e-10 * np.var(y):
        return row | {"note": "the outcome is determined by the covariates"}
    numbers, sd = _power_design(frame, design, adjusted), adjusted.sd
    mde = smallest_detectable(numbers, sd, alpha=alpha, power=power)
    plain = _plain_components(frame, design, y)
    of_mean = plain[0] + plain[1] / numbers.per_cluster
    left = sd**2 * (numbers.icc + (1 - numbers.icc) / numbers.per_cluster)
    notes = [
        "teams differ no more than by chance: icc taken as 0" if plain[0] == 0 else "",
        "no first stage to divide by" if np.isnan(take_up) else "",
        "no degrees of freedom" if np.isnan(mde) else "",
    ]
    return row | {
        "sd": float(np.sqrt(sum(plain))),
        "icc": plain[0] / sum(plain),
        "explained": max(1 - left / of_mean, 0.0),
        "households_per_team": numbers.per_cluster,
        "mde": mde,
        "mde_family": smallest_detectable(numbers, sd, alpha=alpha, power=power, family=family),
        "mde_takeup": mde / take_up,
        "note": "; ".join(note for note in notes if note),
    }


def _power_design(frame: pd.DataFrame, design: Design, adjusted: Adjusted) -> PowerDesign:
    """Numbers of the study, with the ICC after adjustment."""
    sizes = np.bincount(codes_of(frame, design.cluster)[0]).astype(float)
    return PowerDesign(
        clusters=len(sizes),
        per_cluster=float(sizes.mean()),
        icc=adjusted.between / adjusted.sd**2,
        strata=int(frame[design.stratum].nunique()),
        treated=_balance(frame, design),
        size_cv=float(sizes.std() / sizes.mean()),
    )


def _balance(frame: pd.DataFrame, design: Design) -> float:
    """Share treated of one stratum that tells as much as these strata with their odd teams do."""
    teams = frame.groupby(frame[design.cluster].astype(str)).agg(
        stratum=(design.stratum, "first"), treated=(design.treatment, "first")
    )
    by_stratum = teams.groupby("stratum")["treated"].agg(["mean", "size"])
    product = (by_stratum["size"] * by_stratum["mean"] * (1 - by_stratum["mean"])).sum()
    return float((1 - np.sqrt(max(1 - 4 * product / len(teams), 0.0))) / 2)


def _plain_components(frame: pd.DataFrame, design: Design, y: Floats) -> tuple[float, float]:
    found = variance_components(y, frame[design.cluster].astype(str), cells_of(frame, design)[0])
    between, within = np.nan_to_num(found)
    return max(float(between), 0.0), float(within)


def _refusal(y: Floats, frame: pd.DataFrame, design: Design) -> str:
    if not len(y):
        return "no answers"
    if np.ptp(y) == 0:
        return "the outcome does not vary"
    if min(design.clusters_by_arm(frame).values()) < 2:
        return f"fewer than 2 {design.cluster} with answers in an arm"
    if not _balance(frame, design) > 0:
        return "nothing to compare within the strata"
    return ""


def _family_sizes(outcomes: pd.DataFrame | Iterable[str], names: list[str]) -> dict[str, int]:
    if isinstance(outcomes, pd.DataFrame) and "family" in outcomes:
        families = outcomes["family"].astype(str).to_numpy()
        count = pd.Series(families).value_counts()
        return {name: int(count[family]) for name, family in zip(names, families, strict=True)}
    return dict.fromkeys(names, len(names))

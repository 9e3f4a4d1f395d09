"""Build the wide table: one row a household, outcomes of every wave side by side; estimates nothing."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.construct.anderson import INDICES
from survey_tools.construct.broad import BROAD
from survey_tools.construct.indices import FAMILIES
from survey_tools.construct.outcomes import OUTCOMES
from survey_tools.construct.panel import COVARIATES
from survey_tools.params import Study

BY_WAVE = (*OUTCOMES, *FAMILIES, *BROAD, *INDICES, "reached", "contacts")
"""Columns of the panel that get one column a wave, `<name>__<wave>`."""

LASTING = ("resp_age", "resp_female", "resp_edu", "women", "age60")
"""Covariates that outreach cannot move: they may come from a later wave than the baseline."""


def build_households(panel: pd.DataFrame, teams_table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Build the contract `households`: every household interviewed in at least one wave.

    Parameters
    ----------
    panel : DataFrame
        Contract `panel`.
    teams_table : DataFrame
        Contract `teams`, as `team_exposure` returns it.
    study : Study
        Names the waves and the arm; a wave without interviews has its columns, all missing.

    Returns
    -------
    DataFrame
        Keys, arm, covariates of the first wave seen (`covariates_wave` names it; those that outreach
        could move are missing unless that is the baseline), `<outcome>__<wave>`,
        `reached__<wave>`, `contacts__<wave>`, `weight__<wave>` where the panel has one (float64),
        `interviewed__<wave>` (int64), `first_time` (1: paid no shop by QR before the baseline, 0: did),
        `dose` (visits per 100 households of the team between baseline and endline),
        `share_intensive_neighbours`.
    """
    contracts.same_list(panel=panel, teams=teams_table)
    treatment = study.design.treatment
    first = panel.sort_values(["hhid", "wave"]).drop_duplicates("hhid").set_index("hhid")
    keys = ["commune_code", "team_id", treatment, *COVARIATES]
    wide = first[keys].assign(covariates_wave=first["wave"])
    movable = [name for name in COVARIATES if name not in LASTING]
    wide[movable] = wide[movable].where(first["wave"].eq(study.waves.baseline))
    wide = wide.join(_by_wave(panel, study.waves.all), validate="1:1")
    wide["first_time"] = 1 - wide[f"qr_shop_30d__{study.waves.baseline}"]
    households = wide.reset_index().merge(
        _of_team(teams_table), on="team_id", how="left", validate="m:1"
    )
    if len(households) != panel["hhid"].nunique():
        raise AssertionError("the wide table does not have one row a household")
    return contracts.validate(households, "households")


def _by_wave(panel: pd.DataFrame, waves: tuple[str, ...]) -> pd.DataFrame:
    long = panel.assign(interviewed=1.0)
    names = [*BY_WAVE, *(["weight"] if "weight" in panel else [])]
    wide = long.pivot(index="hhid", columns="wave", values=[*names, "interviewed"])
    wide.columns = pd.Index(["__".join(pair) for pair in wide.columns.to_flat_index()])
    ordered = [f"{name}__{wave}" for name, wave in product((*names, "interviewed"), waves)]
    wide = wide.reindex(columns=ordered, fill_value=np.nan).astype("float64")
    flags = [f"interviewed__{wave}" for wave in waves]
    return wide.assign(**{flag: wide[flag].fillna(0).astype("int64") for flag in flags})


def _of_team(teams_table: pd.DataFrame) -> pd.DataFrame:
    columns = ["team_id", "contacts_per_100", "share_intensive_neighbours"]
    return teams_table[columns].rename(columns={"contacts_per_100": "dose"})

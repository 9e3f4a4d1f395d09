"""The synthetic district of the demo, drawn again and again: whether its stated effects come out."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from districts import FOLLOWED, ROOT
from runs import Scenario
from summary import Figure, bias, coverage, error_ratio, large_bias

from survey_tools.estimate import Design, itt, naive
from survey_tools.synthetic import DistrictParameters, simulate_responses, truth

OUTCOMES = ("qr_shop_30d", "bought_online_12m", "sold_online_12m")
ENGAGED = "qr_shop_30d"
DESIGN = Design(
    treatment="intensive",
    cluster="team_id",
    stratum="commune_code",
    controls=(),
    baseline="w1",
    endline="w3",
    reached="reached",
)


def simulate(seed: np.random.SeedSequence) -> dict[str, float]:
    """Estimate the effects of assignment on three outcomes, and one naive comparison."""
    teams, communes = _tables()
    number = int(seed.generate_state(1)[0])
    answers = simulate_responses(DistrictParameters.default(), teams, communes, number)
    rng = np.random.default_rng(seed.spawn(1)[0])
    there = (answers["wave"] == "w1") | (rng.random(len(answers)) < FOLLOWED)
    ids = ["hhid", "team_id", "commune_code", "intensive"]
    wide = answers[there].pivot(index=ids, columns="wave", values=["reached", *OUTCOMES])
    wide.columns = [f"{name}__{wave}" for name, wave in wide.columns]
    households = wide.reset_index()
    found: dict[str, float] = {}
    for outcome in OUTCOMES:
        row = itt(households, DESIGN, outcome).iloc[0]
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            found[f"{outcome}.{name}"] = float(row[name])
    found["naive"] = float(naive(households, DESIGN, ENGAGED)["estimate"].iloc[0])
    return found


def summarise(districts: pd.DataFrame) -> list[Figure]:
    """Bias and coverage against `synthetic.truth`."""
    stated = truth(DistrictParameters.default(), _tables()[0]).set_index("outcome")
    figures = []
    for outcome in OUTCOMES:
        name, effect = f"ITT on {outcome}", float(stated.at[outcome, "itt"])
        column = {key: districts[f"{outcome}.{key}"] for key in _KEYS}
        figures += [
            bias(name, column["estimate"], effect),
            coverage(name, column["conf_low"], column["conf_high"], effect),
            error_ratio(name, column["std_error"], column["estimate"]),
        ]
    reached = float(stated.at[ENGAGED, "reach_effect"])
    figures.append(large_bias("reached against not reached", districts["naive"], reached, sign=1))
    return figures


_KEYS = ("estimate", "std_error", "conf_low", "conf_high")


@cache
def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    folder = ROOT / "params"
    teams = pd.read_csv(folder / "teams.csv", dtype={"commune_code": str})
    return teams, pd.read_csv(folder / "communes.csv", dtype={"code": str})


SCENARIOS = [Scenario("synthetic_district", 40, simulate, summarise, districts=1000, draws=0)]

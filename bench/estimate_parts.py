"""Estimate all that notebook 50 estimates, part by part, and time each; one line of JSON.

Not here: making the tables (`estimate_district`). What the notebook shows is left out, and so are its
figures. Imports and the reading of tables come before the clock.

    estimate_parts.py STUDY    the study file of a workspace with constructed tables
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pandas as pd
from kobo_measure import peak_memory

from survey_tools import construct, contracts, estimate
from survey_tools.areas import read_areas
from survey_tools.params import open_workspace

LATE_IMPORTS = ("diff_diff", "scipy.optimize", "scipy.stats", "statsmodels.api")
"""Libraries that the estimates import only where they need them."""

Tables = dict[str, Any]
Call = Callable[[Tables], Any]


def parts(study: str) -> tuple[dict[str, Call], Tables]:
    """Return the calls of the notebook by part, in its order, and the tables that they read.

    A call gets the results of those before it, by part.
    """
    ws = open_workspace(study)
    stored = ("panel", "households", "answers", "adoption")
    panel, households, answers, adoption = (
        contracts.read_table(ws.analysis, name) for name in stored
    )
    outcomes, main = ws.table("outcomes"), list(ws.study.report.main_outcomes)
    teams, sample, areas = ws.table("teams"), ws.table("sample"), read_areas(ws.file("areas"))
    design, draw = estimate.Design.from_study(ws.study), estimate.Draw.from_study(ws.study)
    names, plan, began = outcomes["outcome"], ws.plan, ws.study.design.began
    wanted = estimate.planned(plan, names, main)
    tables = estimate.AnalysisTables(households, panel, teams, ws.study.waves.all, began.wave)
    recalled = estimate.Recalled(adoption, construct.PERIODS, began.period)
    drawn = {"draws": design.draws, "seed": design.seed}

    def balance(_: Tables) -> Any:
        variables = [*design.controls, *(design.at_baseline(name) for name in names)]
        lots = estimate.redraw(teams, draw, **drawn)
        joint = estimate.balance_joint(households, design, design.controls, lots)
        return estimate.balance(households, design, variables), joint

    def attrition(_: Tables) -> Any:
        given = {"sample": sample, "teams": teams}
        shares = estimate.attrition(households, design, **given)
        return shares, estimate.attrition_test(households, design, **given)

    def lee(_: Tables) -> pd.DataFrame:
        bounds = (estimate.lee_bounds(households, design, o, seed=design.seed) for o in names)
        return pd.concat(bounds, ignore_index=True)

    def inference(_: Tables) -> pd.DataFrame:
        return estimate.inference_table(
            households, design, outcomes, draw=draw, teams=teams, **drawn
        )

    def families(made: Tables) -> pd.DataFrame:
        found = made["inference_table"]
        lots = found[found["method"] == "randomisation"].set_index("outcome")["p_value"]
        return estimate.family_table(households, design, outcomes, lots, **drawn)

    def sensitivity(_: Tables) -> pd.DataFrame:
        return pd.concat([estimate.sensitivity(households, design, name) for name in main])

    def levels(_: Tables) -> Any:
        return estimate.levels(panel, design, outcomes), estimate.choices(answers)

    def deviations(made: Tables) -> Any:
        event_study, honest = made["planned_events"]
        results = {
            "effects": made["planned_effects"], "inference": made["inference_table"],
            "families": made["family_table"], "heterogeneity": made["heterogeneity"],
            "event_study": event_study, "honest": honest, "lee_bounds": made["lee_bounds"],
            "sensitivity": made["sensitivity"], "leave_out": made["leave_one_out"],
            "communes": made["commune_effects"],
        }  # fmt: skip
        return estimate.deviations(plan, names, main, results)

    calls: dict[str, Call] = {
        "balance, joint test": balance,
        "attrition": attrition,
        "lee_bounds": lee,
        "planned_effects": lambda _: estimate.planned_effects(tables, design, wanted),
        "inference_table": inference,
        "family_table": families,
        "heterogeneity": lambda _: estimate.heterogeneity(
            households, design, outcomes, plan.groups
        ),
        "planned_events": lambda _: estimate.planned_events(tables, recalled, design, wanted),
        "sensitivity": sensitivity,
        "leave_one_out": lambda _: estimate.leave_one_out(households, design, main),
        "levels, choices": levels,
        "commune_effects": lambda _: estimate.commune_effects(households, design, outcomes),
        "mixed_check": lambda _: estimate.mixed_check(households, design, main[:1]),
        "levels_weighted": lambda _: estimate.levels_weighted(panel, design, outcomes),
        "levels_by_area": lambda _: estimate.levels_by_area(panel, design, outcomes, areas),
        "detectable": lambda _: estimate.detectable(households, design, outcomes),
        "deviations": deviations,
    }
    return calls, {"households": households, "teams": teams, "outcomes": outcomes, "panel": panel}


def main(study: str) -> dict[str, Any]:
    """Run all parts one after the other in this process."""
    for library in LATE_IMPORTS:
        import_module(library)
    calls, given = parts(study)
    made: Tables = {}
    steps = []
    for name, call in calls.items():
        wall, cpu = time.perf_counter(), time.process_time()
        made[name] = call(made)
        seconds, cpu = time.perf_counter() - wall, time.process_time() - cpu
        found = made[name] if isinstance(made[name], tuple) else (made[name],)
        rows = sum(len(table) for table in found)
        steps.append({"part": name, "seconds": seconds, "cpu": cpu, "rows": rows})
    return {
        "steps": steps,
        "counts": {name: len(table) for name, table in given.items()},
        "peak": peak_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))

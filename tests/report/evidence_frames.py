"""Made-up tables of evidence, with figures that are told apart by their digits."""

import numpy as np
import pandas as pd

EVENTS = ("account", "online_selling")


def make_evidence(effects, outcomes, plan, main, communes):
    """Every table of evidence by name; nothing is clear in it unless a test makes it so."""
    itt = effects[effects["estimand"].eq("itt")].set_index("outcome")
    names = list(outcomes.index)
    return {
        "inference": make_inference(itt, names),
        "families": make_families(outcomes),
        "heterogeneity": make_heterogeneity(names, plan.groups),
        "event_study": make_event_study(main),
        "honest": make_honest(),
        "lee_bounds": make_lee_bounds(names),
        "sensitivity": make_sensitivity(main),
        "leave_out": make_leave_out(itt, main, communes),
        "attrition_test": make_attrition_test(),
        "detectable": make_detectable(names),
        "overlap": make_overlap(main),
        "plan": make_plan(names),
    }


def make_inference(itt, names):
    rows = []
    for place, outcome in enumerate(names):
        for number, method in enumerate(("randomisation", "cr2", "wild", "cr1", "hc2")):
            estimate, half = itt.loc[outcome, "estimate"], 0.04 + 0.003 * number
            draws = 9999 if method in ("randomisation", "wild") else None
            ends = (estimate - half, estimate + half)
            p_value = 0.211 + 0.01 * place + 0.001 * number
            row = (outcome, "itt", method, estimate, p_value, *ends, draws, 1690, 154, 138.6, "")
            rows.append(row)
    columns = ["outcome", "estimand", "method", "estimate", "p_value", "conf_low", "conf_high"]
    columns += ["draws", "n", "n_teams", "teams_effective", "note"]
    return pd.DataFrame(rows, columns=columns).astype({"draws": "Int64"})


def make_families(outcomes):
    family = outcomes["family"].mask(outcomes["scale"].eq("index"), "index")
    place = np.arange(len(outcomes))
    return pd.DataFrame(
        {
            "outcome": outcomes.index,
            "family": family.to_numpy(),
            "n_tests": family.map(family.value_counts()).to_numpy("int64"),
            "p_value": 0.211 + 0.01 * place,
            "p_romano_wolf": 0.412 + 0.01 * place,
            "p_holm": 0.513 + 0.01 * place,
            "q_sharpened": 0.314 + 0.01 * place,
            "note": "",
        }
    )


def make_heterogeneity(names, groups):
    rows = []
    for place, outcome in enumerate(names):
        for number, group in enumerate(groups):
            inside, outside = 0.031 + 0.01 * number, 0.052 + 0.001 * place
            spread = (inside - 0.1, inside + 0.1, outside - 0.05, outside + 0.05)
            between = (inside - outside, inside - outside - 0.12, inside - outside + 0.12)
            sizes = (300 + number, 1390 - number, 150 - number)
            rows.append(
                (outcome, group, inside, outside, *spread, *sizes, *between, 0.6, 0.871, "")
            )
    columns = ["outcome", "group", "estimate_in", "estimate_out", "conf_low_in", "conf_high_in"]
    columns += ["conf_low_out", "conf_high_out", "n_in", "n_out", "n_teams_in"]
    columns += ["interaction", "conf_low", "conf_high", "p_value", "p_adjusted", "note"]
    return pd.DataFrame(rows, columns=columns)


def make_event_study(main):
    rows = []
    studies = [(outcome, "callaway_santanna", (-1, 0, 1)) for outcome in main]
    studies += [(event, "adoption", (-3, -2, -1, 0)) for event in EVENTS]
    for outcome, estimator, times in studies:
        for time in times:
            estimate, half = (0.0, np.nan) if time == -1 else (0.02 + 0.011 * time, 0.05)
            ends = (estimate - half, estimate + half)
            rows.append((outcome, estimator, time, estimate, *ends, 1612, 154, ""))
    columns = ["outcome", "estimator", "event_time", "estimate", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=[*columns, "n", "n_teams", "note"])


def make_honest():
    rows = [
        (event, "relative_magnitude", m, -0.021 * (1 + m), 0.033 * (1 + m))
        for event in EVENTS
        for m in (0.5, 1.0, 2.0)
    ]
    return pd.DataFrame(rows, columns=["outcome", "kind", "m", "conf_low", "conf_high"])


def make_lee_bounds(names):
    place = np.arange(len(names))
    bounds = {"lower": 0.011 + 0.001 * place, "upper": 0.093 + 0.001 * place}
    ends = {"conf_low": -0.04, "conf_high": 0.15, "share_trimmed": 0.021}
    sizes = {"n": 1580, "n_teams": 154, "note": ""}
    return pd.DataFrame({"outcome": names, **bounds, **ends, **sizes})


def make_sensitivity(main):
    strength = 0.0852 + 0.01 * np.arange(len(main))
    return pd.DataFrame({"outcome": list(main), "robustness_value": strength, "n": 1612})


def make_leave_out(itt, main, communes):
    rows = [
        (outcome, code, itt.loc[outcome, "estimate"] + 0.001 * (place - 13), -0.1, 0.2, 1550, 148)
        for outcome in main
        for place, code in enumerate(communes)
    ]
    columns = ["outcome", "left_out", "estimate", "conf_low", "conf_high", "n", "n_teams"]
    return pd.DataFrame(rows, columns=columns)


def make_attrition_test():
    rows = [(w, 0.0295, -0.0011, 0.0602, 0.058, 1848) for w in ("w1", "w2", "w3")]
    return pd.DataFrame(rows, columns=["wave", "estimate", "conf_low", "conf_high", "p_value", "n"])


def make_detectable(names):
    place = np.arange(len(names))
    numbers = {"icc": 0.052 + 0.001 * place, "teams": 154, "mde": 0.0671 + 0.001 * place}
    more = {"mde_family": 0.0845 + 0.001 * place, "mde_takeup": 0.1763 + 0.001 * place}
    return pd.DataFrame({"outcome": names, **numbers, **more, "note": ""})


def make_overlap(main):
    rows = [
        (outcome, arm, 800, 154, 0.45, 0.01, 0.02, 700.0, "")
        for outcome in main
        for arm in ("untreated", "treated")
    ]
    columns = ["outcome", "arm", "n", "n_teams", "mean_score", "share_below", "share_above"]
    return pd.DataFrame(rows, columns=[*columns, "effective_n", "note"])


def make_plan(names):
    rows = [("effects", "itt", outcome, "main", "as_planned") for outcome in names]
    rows += [
        ("effects", "trimmed", names[0], "exploratory", "not_planned"),
        ("event_study", "adoption", "account", "robustness", "no_estimate"),
        ("leave_out", "leave_out", names[1], "threat", "not_run"),
    ]
    return pd.DataFrame(rows, columns=["table", "analysis", "outcome", "role", "state"])

"""Measure on synthetic districts how surely the field checks find what is planted, and how often they err.

    .venv/bin/python scripts/measure_checks.py --seeds 20
    .venv/bin/python scripts/measure_checks.py --seeds 4 --weaker

Each seed gives two districts: one with planted problems, for recall, and the same without, in which every
flag is a false alarm. With --weaker, errors of several sizes are put into the second one by one, each
enumerator in turn (amounts: each of 24 interviews). docs/field_checks.md says what the tables mean.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from survey_tools.clean import CHECKS, Fieldwork
from survey_tools.params import Workspace, open_workspace
from survey_tools.run.rehearsal import false_alarms, planted_found, rehearse, without_problems
from survey_tools.synthetic import DistrictParameters

ROOT = Path(__file__).resolve().parents[1]
BATTERIES = [
    "sk_app",
    "sk_pay",
    "sk_qr",
    "sk_order",
    "sk_safe",
    "trust_pay",
    "gap_view",
    "life_view",
]
SHARES = (0.1, 0.2, 0.3, 0.4)
FACTORS = (3, 10, 30, 100)
PACES = (9.0, 7.0, 5.0, 3.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many, from 1 on")
    parser.add_argument("--preset", choices=("default", "small"), default="default")
    parser.add_argument("--weaker", action="store_true", help="errors of several sizes instead")
    given = parser.parse_args()
    ws = open_workspace(ROOT / "params" / "study.yml")
    parameters = getattr(DistrictParameters, given.preset)()
    tables = weaker if given.weaker else measure
    for table in tables(ws, parameters, range(1, given.seeds + 1)):
        print(table if isinstance(table, str) else table.to_string(), "\n")


def measure(
    ws: Workspace, parameters: DistrictParameters, seeds: range
) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Return the size of a district in words, recall by kind, and false alarms by check."""
    found, alarms = [], []
    for seed in seeds:
        found.append(planted_found(rehearse(ws, parameters, seed)))
        quiet = rehearse(ws, without_problems(parameters), seed)
        alarms.append(false_alarms(quiet).rename(seed))
    recall = pd.concat(found).groupby(["kind", "check"])["found"].agg(["size", "sum", "mean"])
    counts = pd.concat(alarms, axis=1)
    table = pd.DataFrame({"flags": counts.sum(axis=1), "districts": (counts > 0).sum(axis=1)})
    work = quiet.work
    who = work.household["enumerator_id"].nunique()
    size = f"{len(work.household)} interviews, {who} enumerators, {len(work.totals)} audit logs"
    return f"{size}; {len(seeds)} seeds", recall, table


def weaker(ws: Workspace, parameters: DistrictParameters, seeds: range) -> tuple[str, pd.DataFrame]:
    """Return the share of errors found, by kind and size of the error."""
    rows = []
    for seed in seeds:
        work = rehearse(ws, without_problems(parameters), seed).work
        rng = np.random.default_rng(seed)
        for kind, size, check, changed, column, value in _weakened(work, rng):
            flags = CHECKS[check][0](changed)
            rows.append((kind, size, (flags[column] == value).any()))
    frame = pd.DataFrame(rows, columns=["kind", "size", "found"])
    return f"{len(seeds)} seeds", frame.groupby(["kind", "size"])["found"].agg(["size", "mean"])


Weakened = tuple[str, float, str, Fieldwork, str, object]


def _weakened(work: Fieldwork, rng: np.random.Generator) -> Iterator[Weakened]:
    """Yield kind, size, check, the field work with one error, and by which column a flag shows it."""
    habits: dict[str, tuple[str, Callable[..., Fieldwork]]] = {
        "leading": ("enumerator_effect", _lead),
        "straight_lining": ("straight_lining", _straighten),
        "age_heaping": ("age_heaping", _heap),
    }
    for who in sorted(work.household["enumerator_id"].unique()):
        rows = work.household.index[work.household["enumerator_id"] == who]
        for share in SHARES:
            some = rows[rng.random(len(rows)) < share]
            for kind, (check, change) in habits.items():
                yield kind, share, check, change(work, some), "enumerator_id", who
    amounts = work.household.index[work.household["buy_amount"].notna()]
    for row in rng.choice(amounts, 24, replace=False):
        for factor in FACTORS:
            yield (
                "outlier",
                factor,
                "outlier",
                _inflate(work, row, factor),
                "row_id",
                _id(work, row),
            )
    for row in rng.choice(work.totals["_id"], 24, replace=False):
        for pace in PACES:
            yield "rushed", pace, "group_time", _rush(work, row, pace), "row_id", row


def _lead(work: Fieldwork, rows: pd.Index) -> Fieldwork:
    return replace(work, household=_with(work.household, rows, kn_otp="yes"))


def _straighten(work: Fieldwork, rows: pd.Index) -> Fieldwork:
    said = {name: work.household[name].mode()[0] for name in BATTERIES}
    same = dict.fromkeys(BATTERIES[:5], said["sk_app"]) | dict.fromkeys(
        BATTERIES[5:], said["trust_pay"]
    )
    return replace(work, household=_with(work.household, rows, **same))


def _heap(work: Fieldwork, rows: pd.Index) -> Fieldwork:
    mine = work.roster["_id"].isin(work.household.loc[rows, "_id"]) & (work.roster["m_age"] >= 20)
    rounded = (work.roster["m_age"] / 5).round() * 5
    return replace(work, roster=work.roster.assign(m_age=work.roster["m_age"].mask(mine, rounded)))


def _inflate(work: Fieldwork, row: int, factor: float) -> Fieldwork:
    amount = work.household["buy_amount"].astype("float64").copy()
    amount.loc[row] *= factor
    return replace(work, household=work.household.assign(buy_amount=amount))


def _rush(work: Fieldwork, row: int, pace: float) -> Fieldwork:
    """Let a respondent pass through the knowledge and skill questions at `pace` seconds each."""
    mine = (work.times["_id"] == row) & work.times["path"].str.startswith("main/j_skill/")
    return replace(work, times=work.times.assign(seconds=work.times["seconds"].mask(mine, pace)))


def _with(frame: pd.DataFrame, rows: pd.Index, **answers: object) -> pd.DataFrame:
    changed = frame.copy()
    for name, answer in answers.items():
        changed.loc[rows, name] = answer
    return changed


def _id(work: Fieldwork, row: int) -> object:
    return work.household.at[row, "_id"]


if __name__ == "__main__":
    main()

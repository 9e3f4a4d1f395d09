"""Compare steps of cleaning and checking with the plain way to write them, on the same rows.

Not here: whole stages (`clean_stages`). Every side is a process of its own and says what it found, so that
both sides are known to do the same; sides run in turn, and the ratio is the median of those of the rounds.

    clean_sides.py SIDE FOLDER    runs one side on the survey in FOLDER and prints one line of JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kobo_measure import (
    HERE,
    Result,
    figure,
    interleaved,
    median_ratio,
    print_failures,
    print_table,
    whole,
)

from survey_tools import contracts
from survey_tools.clean.checks.pairs import alike
from survey_tools.clean.household_ids.codes import household_code_ok
from survey_tools.kobo import Store, findings_of_rows, validate_submission
from survey_tools.kobo.files.audit import read_audit, seconds_of_rows, seconds_per_question
from survey_tools.kobo.files.manifest import read_manifest
from survey_tools.params import Workspace, open_workspace
from survey_tools.register import read_register

SHARE, LEAST = 0.75, 25
Side = Callable[[Workspace], Callable[[], int]]
"""Takes what it needs from a workspace and returns what is timed: it says how much it found."""


def main(folder: Path, rounds: int = 3) -> None:
    """Print a line a step: both sides and their ratio, on the survey in a folder."""
    _make_clean_tables(folder)
    lines, found = [], {}
    for step, (ours, plain, how) in STEPS.items():
        sides = {side.__name__: partial(_run, side.__name__, folder) for side in (ours, plain)}
        results = interleaved(sides, rounds)
        found |= results
        one, other = results[ours.__name__], results[plain.__name__]
        agreed = {result.get("found") for result in one + other if "error" not in result}
        assert len(agreed) == 1, f"{step}: the sides do not agree: {agreed}"
        lines.append([step, figure(one, "cpu", ",.3f"), figure(other, "cpu", ",.3f"),
                      f"{median_ratio(one, other):.1f}", how])  # fmt: skip
    rows = len(pd.read_parquet(folder / "data/processed/clean/visits.parquet"))
    print_table(f"{whole(rows)} visits, processor seconds", HEADS, lines)
    print_failures(found)


def _make_clean_tables(folder: Path) -> None:
    command = [sys.executable, str(HERE / "clean_stages.py"), str(folder), "clean"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _run(side: str, folder: Path) -> Result:
    command = [sys.executable, str(HERE / "clean_sides.py"), side, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1]}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


# ------------------------------------------------------------------ what the form would not have let through


def findings_many(ws: Workspace) -> Callable[[], int]:
    """Many rows at once, each combination of answers looked at once."""
    rows, forms, renames = _rows(ws)
    return lambda: len(findings_of_rows(rows, forms, renames=renames))


def findings_each(ws: Workspace) -> Callable[[], int]:
    """Row by row."""
    rows, forms, _ = _rows(ws)
    return lambda: sum(len(validate_submission(forms[row["__version__"]], row)) for row in rows)


def _rows(ws: Workspace) -> Any:
    with Store.read(ws.store("household")) as store:
        return list(store.rows()), store.form_versions(), ws.study.renames("household")


# ------------------------------------------------------------------------------------------- audit logs


def audit_many(ws: Workspace) -> Callable[[], int]:
    """All logs at once."""
    return lambda: len(seconds_of_rows(ws.attachments("household")).questions)


def audit_each(ws: Workspace) -> Callable[[], int]:
    """One log after the other, and the tables put together."""
    folder = ws.attachments("household")

    def whole() -> int:
        parts = [seconds_per_question(read_audit(folder / e.file)) for e in read_manifest(folder)]
        return len(pd.concat(parts))

    return whole


# ---------------------------------------------------------------------------------------- near-identical


def pairs_many(ws: Workspace) -> Callable[[], int]:
    """All pairs of all blocks, a question at a time."""
    codes, blocks = _blocks(ws)
    return lambda: len(alike(codes, blocks, SHARE, LEAST))


def pairs_each(ws: Workspace) -> Callable[[], int]:
    """Each pair of rows by itself."""
    codes, blocks = _blocks(ws)

    def whole() -> int:
        found = 0
        for block in blocks:
            for i, j in combinations(block, 2):
                both = (codes[i] >= 0) & (codes[j] >= 0)
                equal = (codes[i] == codes[j]) & both
                found += both.sum() >= LEAST and equal.sum() >= SHARE * both.sum()
        return int(found)

    return whole


def _blocks(ws: Workspace) -> tuple[np.ndarray, list[np.ndarray]]:
    frame = pd.read_parquet(ws.clean / "household.parquet")
    answers = frame.select_dtypes("str").drop(columns=["hhid", "team_id", "enumerator_id", "wave"])
    codes = np.column_stack([pd.factorize(answers[name])[0] for name in answers])
    return codes, list(frame.groupby(["wave", "enumerator_id"]).indices.values())


# -------------------------------------------------------------------------------- contract of the register


def contract_columns(ws: Workspace) -> Callable[[], int]:
    """The contract of the register, a column at a time (pandera)."""
    frame, register = _answers(ws)
    extra = [name for name in frame if register.of_column(name) is None]

    def whole() -> int:
        contracts.validate_answers(
            frame, "household", register, extra=extra, complete=False, given=None
        )
        return 0

    return whole


def contract_rows(ws: Workspace) -> Callable[[], int]:
    """Codes, limits and patterns row by row, with DataFrame.apply."""
    import re

    frame, register = _answers(ws)
    asked = {name: register[name] for name in frame if name in register}

    def wrong(row: pd.Series) -> int:
        count = 0
        for name, question in asked.items():
            value = row[name]
            if pd.isna(value):
                continue
            if question.codes and isinstance(value, str):
                count += value not in question.codes
            elif question.limits and not isinstance(value, str):
                low, high = question.limits
                count += (low is not None and value < low) or (high is not None and value > high)
            elif question.pattern:
                count += re.fullmatch(question.pattern, value) is None
        return count

    return lambda: int(frame.apply(wrong, axis=1).sum())


def _answers(ws: Workspace) -> Any:
    register = read_register(ws.root / ws.study.forms["household"].register_)
    return pd.read_parquet(ws.clean / "household.parquet"), register


# --------------------------------------------------------------------------------------- household codes


def codes_column(ws: Workspace) -> Callable[[], int]:
    """Check digits of a whole column."""
    codes = pd.read_parquet(ws.clean / "visits.parquet")["hhid"]
    return lambda: int(household_code_ok(codes).sum())


def codes_each(ws: Workspace) -> Callable[[], int]:
    """Check digits code by code, with Series.map."""
    import re

    codes = pd.read_parquet(ws.clean / "visits.parquet")["hhid"]
    pattern = re.compile(contracts.HOUSEHOLD_CODE)

    def ok(code: str) -> bool:
        return bool(pattern.match(code)) and int(code[11:14]) % 7 == int(code[15])

    return lambda: int(codes.map(ok).sum())


STEPS: dict[str, tuple[Side, Side, str]] = {
    "findings of the form": (findings_many, findings_each, "validate_submission, row by row"),
    "audit logs": (audit_many, audit_each, "read_audit, log by log"),
    "near-identical pairs": (pairs_many, pairs_each, "numpy, pair by pair"),
    "contract of the register": (contract_columns, contract_rows, "DataFrame.apply, row by row"),
    "check digits": (codes_column, codes_each, "Series.map, code by code"),
}
HEADS = ["step", "ours", "plain", "plain / ours", "the plain way"]


def run(side: str, folder: Path) -> Result:
    """Time one side."""
    sides = {one.__name__: one for ours, plain, _ in STEPS.values() for one in (ours, plain)}
    timed = sides[side](open_workspace(folder / "params/study.yml"))
    wall, cpu = time.perf_counter(), time.process_time()
    found = timed()
    cpu = time.process_time() - cpu
    return {"seconds": cpu, "wall": time.perf_counter() - wall, "cpu": cpu, "found": found}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))

"""Run a scenario over many districts, in several processes, and go on where a run was stopped."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from summary import Figure

SEED = 20261125
CHUNK = 20
HERE = Path(__file__).resolve().parent
ESTIMATE = HERE.parents[1] / "src" / "survey_tools" / "estimate"


@dataclass(frozen=True)
class Scenario:
    """A kind of district, what is estimated in it, and what its figures must be.

    Attributes
    ----------
    name : str
    number : int
        Part of the seed; never used twice.
    simulate : callable
        From the seed of one district to its results, by name.
    summarise : callable
        From all districts, one row each, to the figures.
    districts : int
        How many, at most.
    draws : int
        Resamples within one district; 0 without resampling.
    """

    name: str
    number: int
    simulate: Callable[[np.random.SeedSequence], dict[str, float]]
    summarise: Callable[[pd.DataFrame], list[Figure]]
    districts: int
    draws: int


def seeds(scenario: Scenario, districts: int) -> list[np.random.SeedSequence]:
    """One seed a district; the first ones are the same however many follow."""
    return np.random.SeedSequence(SEED, spawn_key=(scenario.number,)).spawn(districts)


def resample_seed(seed: np.random.SeedSequence) -> int:
    """Return an integer seed for resampling within a district, apart from its own draws."""
    return int(seed.spawn(1)[0].generate_state(1)[0])


def simulate(scenario: Scenario, districts: int, processes: int, folder: Path) -> pd.DataFrame:
    """Simulate `districts` districts, reading from `folder` the chunks that are already there.

    Returns
    -------
    DataFrame
        One row a district, in order; the same for any number of processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, districts, CHUNK)
    jobs = [(scenario, start, min(CHUNK, districts - start), folder) for start in starts]
    with multiprocessing.Pool(processes) as pool:
        parts = pool.starmap(_chunk, jobs, chunksize=1)
    return pd.concat(parts, ignore_index=True)


def default_folder() -> Path:
    """Folder of chunks that belongs to the code as it is: changed code starts anew."""
    digest = hashlib.sha256()
    for path in sorted([*HERE.glob("*.py"), *ESTIMATE.rglob("*.py")]):
        digest.update(path.read_bytes())
    return Path(tempfile.gettempdir()) / f"survey_tools_calibration_{digest.hexdigest()[:12]}"


def _chunk(scenario: Scenario, start: int, size: int, folder: Path) -> pd.DataFrame:
    path = folder / f"{scenario.name}_{start:05}_{size:03}.csv"
    if not path.exists():
        wanted = seeds(scenario, start + size)[start:]
        rows = [scenario.simulate(seed) for seed in wanted]
        draft = path.with_suffix(f".{os.getpid()}")
        pd.DataFrame(rows).to_csv(draft, index=False)
        draft.replace(path)
        print(f"{scenario.name}: districts {start + 1} to {start + size}", flush=True)
    return pd.read_csv(path)

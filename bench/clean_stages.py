"""Clean, check and construct the survey of a workspace as notebooks 20, 30 and 40 do, and time each step.

Not here: making the survey (`clean_rows`), or comparing sizes (`clean`). What the notebooks show and the
supervisor's sheets are left out.

    clean_stages.py FOLDER STAGE...    stages: read, clean, check, construct; prints one line of JSON
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pandas as pd

from survey_tools import clean, construct, contracts
from survey_tools.params import Workspace, open_workspace
from survey_tools.register import read_register
from survey_tools.run import check_fieldwork, fieldwork, gather_fieldwork, read_tables, write_flags

Step = dict[str, Any]


class Steps:
    """Wall and processor seconds of every step."""

    def __init__(self) -> None:
        self.done: list[Step] = []

    @contextmanager
    def __call__(self, stage: str, name: str) -> Iterator[None]:
        """Time a block, less what steps within it took."""
        wall, cpu, before = time.perf_counter(), time.process_time(), len(self.done)
        yield
        inside = self.done[before:]
        seconds = time.perf_counter() - wall - sum(step["seconds"] for step in inside)
        cpu = time.process_time() - cpu - sum(step["cpu"] for step in inside)
        self.done.append({"stage": stage, "step": name, "seconds": seconds, "cpu": cpu})

    def within(self, stage: str, module: Any, function: str) -> None:
        """Time each call of a function of a module as a step of its own."""
        plain: Callable[..., Any] = getattr(module, function)

        @wraps(plain)
        def timed(*given: Any, **named: Any) -> Any:
            with self(stage, function):
                return plain(*given, **named)

        setattr(module, function, timed)


def read_stage(ws: Workspace, steps: Steps) -> dict[str, Any]:
    """Lay the rows of the stores out as typed tables."""
    with steps("read", "read_tables"):
        return {str(form): read_tables(ws, form) for form in ws.study.forms}


def clean_stage(ws: Workspace, steps: Steps, tables: dict[str, Any]) -> dict[str, int]:
    """Do what notebook 20 does."""
    teams, sample = ws.table("teams"), ws.table("sample")
    corrections = clean.gather_corrections(ws)
    registers = {str(f): read_register(ws.root / s.register_) for f, s in ws.study.forms.items()}
    main, roster = (tables["household"].frames[name] for name in ("main", "roster"))
    with steps("clean", "clean_household"):
        household = clean.clean_household(
            main,
            roster,
            register=registers["household"],
            teams=teams,
            sample=sample,
            corrections=corrections,
            misfits=tables["household"].misfits,
        )
    with steps("clean", "clean_team_log, clean_site"):
        log, site = tables["team_log"], tables["site"]
        team_log = clean.clean_team_log(
            log.frames["main"], register=registers["team_log"], teams=teams, misfits=log.misfits
        )
        visited = clean.clean_site(
            site.frames["main"], register=registers["site"], misfits=site.misfits
        )
    with steps("clean", "identity, unmatched"):
        same = clean.identity(household.household, household.roster)
        clean.check_identity(same, allowed=ws.study.identity.max_other_households)
        visits, dropped = household.visits, household.dropped
        alone = clean.unmatched(visits, sample, dropped, clean.NOT_IN_SAMPLE)
        clean.check_all_rows(main["_id"], household.household["_id"], dropped)
    steps.within("clean", sys.modules["survey_tools.clean.write"], "screen")
    with steps("clean", "contracts and files"):
        kept = {"identity": same, "unmatched": alone}
        kept["labels"] = clean.labels_table(*(table.labels for table in tables.values()))
        clean.write_clean(ws, household=household, team_log=team_log, site=visited, **kept)
    counts = {"submissions": len(main), "members": len(roster), "texts": len(household.free_text)}
    return counts | {"interviews": len(household.household)}


def check_stage(ws: Workspace, steps: Steps) -> dict[str, int]:
    """Do what notebook 30 does."""
    for function in ("findings_of_rows", "seconds_of_rows"):
        steps.within("check", fieldwork, function)
    with steps("check", "reading tables and store"):
        work = gather_fieldwork(ws)
    checks = sys.modules["survey_tools.clean.checks"]
    steps.within("check", checks.pairs, "alike")
    with steps("check", "all other checks"):
        checked = check_fieldwork(ws, work)
    with steps("check", "file of flags"):
        write_flags(ws, checked)
    logs = 0 if work.totals is None else len(work.totals)
    return {"flags": len(checked.flags), "audit logs": logs}


def construct_stage(ws: Workspace, steps: Steps) -> dict[str, int]:
    """Do what notebook 40 does."""
    names = ("household", "roster", "visits", "team_log", "site", "flow")
    with steps("construct", "reading tables"):
        tables = {name: contracts.read_table(ws.clean, name) for name in names}
    teams, communes, sample = (ws.table(name) for name in ("teams", "communes", "sample"))
    study, visits = ws.study, tables["visits"]
    with steps("construct", "build_panel"):
        panel = construct.build_panel(tables["household"], tables["roster"], teams, study)
        months = construct.dose_months(panel, study)
    with steps("construct", "definitions, indices"):
        construct.compare_definitions(panel, ws.table("outcomes_alternative"))
        index_weights = construct.anderson_weights(panel, study.waves.baseline)
    with steps("construct", "exposure"):
        team_table = construct.team_exposure(tables["team_log"], teams, months)
        sites = construct.build_sites(tables["site"])
        exposure = construct.exposure_sources(panel, tables["team_log"], sites, teams, study)
        agreement = construct.agreement(exposure)
    with steps("construct", "survey_weights"):
        weights = construct.survey_weights(panel, teams, communes)
        panel = construct.add_weights(panel, weights)
    with steps("construct", "build_households, _response, _flow"):
        households = construct.build_households(panel, team_table, study)
        response = construct.build_response(panel, visits, sample, teams, study)
        flow = construct.build_flow(tables["flow"], sample, panel, study, visits)
    with steps("construct", "build_answers"):
        answers = construct.build_answers(tables["household"])
    with steps("construct", "contracts and files"):
        construct.write_analysis(
            ws, panel=panel, households=households, teams=team_table, answers=answers, flow=flow,
            sites=sites, weights=weights.summary, response=response, exposure=exposure,
            agreement=agreement, index_weights=index_weights,
        )  # fmt: skip
    return {"panel": len(panel), "answers": len(answers)}


def main(folder: Path, stages: list[str]) -> dict[str, Any]:
    """Run stages one after the other in this process."""
    ws, steps = open_workspace(folder / "params/study.yml"), Steps()
    counts: dict[str, int] = {}
    if "clean" in stages:
        counts |= clean_stage(ws, steps, read_stage(ws, steps))
    if "check" in stages:
        counts |= check_stage(ws, steps)
    if "construct" in stages:
        counts |= construct_stage(ws, steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"steps": steps.done, "counts": counts, "peak": peak, "pandas": pd.__version__}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))

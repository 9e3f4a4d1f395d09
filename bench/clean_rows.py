"""Make a workspace that holds a large synthetic survey: stores, lists, registers, forms, audit logs.

Not here: measuring. The demo's district has 154 teams and 12 households drawn in each; here every commune has
as many teams as are wanted, with 23 households. 98 teams a commune give 60,000 households, 250,000
submissions of the household form and 600,000 rows of its roster. Planted problems and enumerators grow with
the teams. Comments and notes, which the district draws from ten sentences, are made nearly all different,
since a text that is met again costs nothing.

    clean_rows.py FOLDER TEAMS    makes FOLDER; TEAMS a commune, at most 99
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import load_workbook

from survey_tools import synthetic
from survey_tools.kobo import KoboClient, Store
from survey_tools.kobo.files.manifest import StoredAttachment, place_of, write_manifest
from survey_tools.kobo.form.xlsform import read_xlsform, rename_question
from survey_tools.kobo.sandbox import Sandbox, SandboxAsset, Version
from survey_tools.kobo.sandbox.rows import Rows, encode
from survey_tools.params import Workspace, open_workspace
from survey_tools.synthetic import District, DistrictParameters, PlantedParameters

ROOT = Path(__file__).parents[1]
HOUSEHOLDS_A_TEAM = 23
TEAMS_AN_ENUMERATOR = 6
SEED = 20240614
CHUNK = 20_000
VERSIONS = {
    "household": (("vOld", "2026-01-05T02:00:00.000000Z"), ("vNew", "2026-04-20T02:00:00.000000Z")),
    "team_log": (("vLog", "2025-09-20T02:00:00.000000Z"),),
    "site": (("vSite", "2026-01-05T02:00:00.000000Z"),),
}
Contents = dict[str, dict[str, dict[str, Any]]]


def main(folder: Path, teams_a_commune: int) -> None:
    """Make the workspace."""
    widen(folder, teams_a_commune)
    ws = open_workspace(folder / "params/study.yml")
    district = _district(ws)
    ws.private.mkdir(parents=True)
    district.sample.to_csv(ws.file("sample"), index=False)
    contents: Contents = {str(form): _contents(ws, str(form)) for form in ws.study.forms}
    _pull(ws, district, contents)


def widen(folder: Path, teams_a_commune: int) -> None:
    """Copy the `params/` of today, and let lists, registers and forms know all teams and enumerators."""
    params = folder / "params"
    shutil.rmtree(params, ignore_errors=True)
    shutil.copytree(ROOT / "params", params)
    listed = pd.read_csv(params / "teams.csv", dtype={"commune_code": str})
    teams = more_teams(listed, teams_a_commune)
    teams.to_csv(params / "teams.csv", index=False)
    for form in ("household", "team_log"):
        _widen_register(params / f"register/{form}.csv", teams)
        _widen_form(params / f"forms/{form}.xlsx", teams)


def more_teams(teams: pd.DataFrame, a_commune: int) -> pd.DataFrame:
    """Give every commune `a_commune` teams like its own, every second one with intensive outreach."""
    parts = []
    for turn, (code, own) in enumerate(teams.groupby("commune_code")):
        number = np.arange(a_commune)
        part = own.iloc[number % len(own)].reset_index(drop=True)
        ids = [f"{code}-T{k + 1:02d}" for k in number]
        parts.append(part.assign(team_id=ids, intensive=(number + turn) % 2))
    return pd.concat(parts, ignore_index=True)


def _widen_register(path: Path, teams: pd.DataFrame) -> None:
    register = pd.read_csv(path, dtype=str, keep_default_na=False)
    register.loc[register["name"] == "team_id", "values"] = "|".join(teams["team_id"])
    register.loc[register["name"] == "enumerator_id", "values"] = "^E[0-9]{2,3}$"
    register.to_csv(path, index=False)


def _widen_form(path: Path, teams: pd.DataFrame) -> None:
    """Let the list of teams hold all teams, and enumerators have three digits."""
    book = load_workbook(path)
    choices = book["choices"]
    known = {row[1] for row in choices.iter_rows(values_only=True) if row[0] == "team"}
    for team, code in zip(teams["team_id"], teams["commune_code"], strict=True):
        if team not in known:
            choices.append(["team", team, f"Tổ {team}", f"Team {team}", code])
    for row in book["survey"].iter_rows():
        for cell in row:
            if cell.value == "regex(., '^E[0-9]{2}$')":
                cell.value = "regex(., '^E[0-9]{2,3}$')"
    book.save(path)


def _district(ws: Workspace) -> District:
    teams = ws.table("teams")
    times = len(teams) / 154
    usual = PlantedParameters()
    planted = {
        field.name: max(1, round(getattr(usual, field.name) * times))
        for field in fields(usual)
        if field.type == "int"
    }
    parameters = replace(
        DistrictParameters.default(),
        households_per_team=HOUSEHOLDS_A_TEAM,
        enumerators=max(9, len(teams) // TEAMS_AN_ENUMERATOR),
        planted=replace(usual, **planted),
    )
    district = synthetic.simulate(parameters, teams, ws.table("communes"), SEED)
    return replace(district, answers=_different_texts(district.answers))


def _different_texts(answers: pd.DataFrame) -> pd.DataFrame:
    """Put two sentences together and a number behind them, but for texts that something is planted in."""
    rng = np.random.default_rng(SEED)
    answers = answers.copy()
    for name in ("comment", "enum_note"):
        said = answers[name].dropna()
        usual = said.loc[said.map(said.value_counts()) > len(said) / 50]
        other = rng.permutation(usual.to_numpy())
        number = rng.integers(1, 2000, len(usual)).astype(str)
        answers.loc[usual.index, name] = usual + " " + other + " Lần " + number + "."
    return answers


def _contents(ws: Workspace, form: str) -> dict[str, dict[str, Any]]:
    """Form by version; the first has the older names of questions."""
    newest = read_xlsform(ws.root / ws.study.forms[form].xlsform)  # type: ignore[index]
    older = newest
    for old, new in ws.study.renames(form).items():
        older = rename_question(older, new.rsplit("/", 1)[-1], old.rsplit("/", 1)[-1])
    uids = [uid for uid, _ in VERSIONS[form]]
    return {uid: newest if uid == uids[-1] else older for uid in uids}


def _pull(ws: Workspace, district: District, contents: Contents) -> None:
    """Serve the rows and sync them into the stores of the workspace."""
    assets = []
    for form, versions in contents.items():
        uid = ws.study.forms[form].uid  # type: ignore[index]
        lines = _household_lines(ws, district, versions) if form == "household" else _lines(
            synthetic.submissions(district, {form: versions})[form]
        )  # fmt: skip
        deployed = [
            Version(name, day, lambda content=versions[name]: content)  # type: ignore[misc]
            for name, day in VERSIONS[form]
        ]
        assets.append(SandboxAsset(uid, form, "owner", deployed, Rows(lines, uid)))
    token = secrets.token_hex(20)
    with Sandbox(assets, token=token) as sandbox, KoboClient(sandbox.url, token) as client:
        for form in contents:
            uid = ws.study.forms[form].uid  # type: ignore[index]
            with Store.open(ws.store(form), server=ws.study.server.url, asset=uid) as store:
                client.sync(uid, store)


def _household_lines(
    ws: Workspace, district: District, versions: dict[str, dict[str, Any]]
) -> Iterator[bytes]:
    """Write rows in portions, and the audit logs beside them."""
    entries: list[StoredAttachment] = []
    folder = ws.attachments("household")
    for first in range(0, len(district.visits), CHUNK):
        visits = district.visits.iloc[first : first + CHUNK]
        mine = district.roster["interview"].isin(visits["interview"])
        part = replace(district, visits=visits, roster=district.roster.loc[mine])
        rows = synthetic.submissions(part, {"household": versions})["household"]
        logs = synthetic.audit_logs(part, rows, list(versions.values())[-1])
        entries += [_kept(folder, row_id, log) for row_id, log in logs.items()]
        yield from _lines(rows)
    write_manifest(folder, entries)


def _lines(rows: list[dict[str, Any]]) -> Iterator[bytes]:
    return map(encode, rows)


def _kept(folder: Path, row_id: int, log: bytes) -> StoredAttachment:
    place = place_of(row_id, f"att{row_id}", "audit.csv")
    path = folder / place
    path.parent.mkdir(parents=True)
    path.write_bytes(log)
    return StoredAttachment(
        row_id=row_id, uid=f"att{row_id}", file=place, name="audit.csv", question="audit",
        mimetype="text/csv", bytes=len(log), sha256=hashlib.sha256(log).hexdigest(),
        fetched_at=datetime.now(UTC).isoformat(),
    )  # fmt: skip


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]), int(sys.argv[2]))

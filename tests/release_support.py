"""A workspace with a made-up analysis panel and private tables, for the tests of release packs."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from survey_tools.params import Workspace, open_workspace

ROOT = Path(__file__).parents[1]
PHONE, LAT, LON = "0301234567", 20.734561, 105.912345
NAME = "Nguyễn Thị Hạnh"
OUTCOMES = (
    "elec_cashless_last", "water_cashless_last", "school_fee_cashless_last", "welfare_account_last",
    "qr_shop_30d", "bought_online_12m", "sold_online_12m", "district_platform_12m", "reached",
    "attended_class", "heard_loudspeaker", "has_smartphone", "sells_any", "poor",
)  # fmt: skip


def release_workspace(
    root: Path, *, communes: int = 27, households: int = 12, **changes
) -> Workspace:
    """Parameters (with `release` changed), a panel of the teams of some communes, and private tables."""
    shutil.copytree(ROOT / "params", root / "params")
    study = root / "params" / "study.yml"
    if changes:
        content = yaml.safe_load(study.read_text("utf-8"))
        content["release"] |= changes
        study.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    ws = open_workspace(study)
    panel = made_up_panel(ws, communes, households)
    ws.analysis.mkdir(parents=True)
    panel.to_parquet(ws.analysis / "panel.parquet", index=False)
    ws.private.mkdir(parents=True)
    drawn = panel[["hhid", "team_id", "commune_code"]].drop_duplicates()
    drawn.to_csv(ws.file("sample"), index=False)
    one = panel["hhid"].iloc[:1]
    contacts = pd.DataFrame(
        {"_id": [1], "hhid": one, "wave": "w1", "variable": "phone", "value": PHONE}
    )
    contacts.to_parquet(ws.private / "contacts.parquet")
    places = pd.DataFrame({"_id": [1], "hhid": one, "wave": "w1", "gps_lat": LAT, "gps_lon": LON})
    places.to_parquet(ws.private / "locations.parquet")
    texts = pd.DataFrame({"_id": [1], "variable": "comment", "text": f"Bà {NAME} ở đầu ngõ."})
    texts.to_parquet(ws.private / "free_text.parquet")
    return ws


def made_up_panel(ws: Workspace, communes: int, households: int) -> pd.DataFrame:
    """Two waves; ages and sizes as people have them, outcomes by chance."""
    rng = np.random.default_rng(7)
    teams = ws.table("teams")
    teams = teams.loc[teams["commune_code"].isin(sorted(set(teams["commune_code"]))[:communes])]
    base = teams.loc[teams.index.repeat(households), ["commune_code", "team_id", "intensive"]]
    number = base.groupby("team_id").cumcount().to_numpy() + 11
    codes = [f"{t}-H{n:03d}-{n % 7}" for t, n in zip(base["team_id"], number, strict=True)]
    size = rng.choice(
        np.arange(1.0, 10), len(base), p=[0.1, 0.2, 0.2, 0.3, 0.1, 0.05, 0.03, 0.015, 0.005]
    )
    fixed = base.assign(
        hhid=codes,
        resp_age=rng.integers(18, 90, len(base)).astype(float),
        resp_female=rng.integers(0, 2, len(base)).astype(float),
        hh_size=size,
        area_list="2024",
    )
    waves = [
        fixed.assign(wave=wave, interview_date=pd.Timestamp("2026-02-01")) for wave in ("w1", "w3")
    ]
    panel = pd.concat(waves, ignore_index=True)
    panel = panel.drop(index=panel.index[(panel["wave"] == "w3") & (panel.index % 10 == 0)])
    panel["intensive"] = panel["intensive"].astype("int64")
    for name in OUTCOMES:
        panel[name] = rng.choice([0.0, 1.0, np.nan], len(panel), p=[0.5, 0.4, 0.1])
    panel["cashless_share_last10"] = rng.integers(0, 11, len(panel)) / 10
    panel["online_income_1m"] = rng.integers(0, 40, len(panel)).astype(float)
    panel["contacts"] = rng.poisson(1.5, len(panel)).astype(float)
    for name in ("cashless_index", "ecommerce_index"):
        # no two alike, so that a test can tell which row is whose
        panel[name] = (rng.permutation(len(panel)) - len(panel) / 2) / 1000
    panel["share_intensive_neighbours"] = panel["team_id"].map(
        dict(zip(teams["team_id"], rng.random(len(teams)), strict=True))
    )
    return panel.sample(frac=1, random_state=3).reset_index(drop=True)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table without pandas, every cell as text."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


def rewrite(pack: Path, name: str, change) -> None:
    """Change a table of a pack row by row, and list its checksum anew."""
    rows = [change(dict(row)) for row in read_csv(pack / name)]
    rows = [row for row in rows if row is not None]
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (pack / name).write_text(file.getvalue(), "utf-8", newline="\n")
    sign(pack)


def sign(pack: Path) -> None:
    """List the checksums of a pack's files anew."""
    files = sorted(path for path in pack.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (pack / "SHA256SUMS").write_text("".join(lines), "utf-8", newline="\n")

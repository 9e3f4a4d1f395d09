"""Hold a release pack against the full data: what was lost, and whether numbers follow an order.

Decides nothing.
"""

from __future__ import annotations

import pandas as pd

from survey_tools.clean.personal_data.suppress import recode
from survey_tools.params import Workspace
from survey_tools.run.release.pack import DECIMALS, HOUSEHOLD, WAVE

COLUMNS = ["outcome", "group", "pack", "full", "difference"]
HEADLINES = 3
"""Outcomes that are compared: the first ones of a commune page."""


def compare_means(
    ws: Workspace, households: pd.DataFrame, panel: pd.DataFrame, full: pd.DataFrame | None
) -> pd.DataFrame:
    """Compare endline means of headline outcomes: of all, by arm, and by what was suppressed most.

    Parameters
    ----------
    ws : Workspace
    households, panel : DataFrame
        Tables of the pack, every cell as text.
    full : DataFrame or None
        Analysis panel; without it there is nothing to compare with.

    Returns
    -------
    DataFrame
        `outcome, group`, and the means `pack`, `full` and their `difference`.
    """
    if full is None:
        return pd.DataFrame(columns=COLUMNS)
    end, arm = ws.study.waves.endline, ws.study.design.treatment
    here = panel.loc[panel[WAVE] == end].merge(households, on=HOUSEHOLD, how="left")
    there = _with_groups(ws, full).query("wave == @end")
    blank = (households[list(ws.study.release.quasi)] == "").sum()
    most = list(blank[blank < len(households)].nlargest(1).index)
    groups = [(column, value) for column in (arm, *most)
              for value in sorted(set(households[column]) - {""})]  # fmt: skip
    rows = []
    for outcome in [o for o in ws.study.report.main_outcomes if o in panel][:HEADLINES]:
        rows.append((outcome, "all", _mean(here[outcome]), _mean(there[outcome])))
        for column, value in groups:
            mine, theirs = (
                here.loc[here[column] == value],
                there.loc[there[f"{column}__told"] == value],
            )
            rows.append(
                (outcome, f"{column} = {value}", _mean(mine[outcome]), _mean(theirs[outcome]))
            )
    found = pd.DataFrame(rows, columns=COLUMNS[:-1])
    return found.assign(difference=found["pack"] - found["full"])


def share_in_order(ws: Workspace, panel: pd.DataFrame, full: pd.DataFrame) -> float:
    """Return the share of households whose number is the place of their code in order, by their answers.

    Near 0 where numbers were drawn, 1 where they follow the codes.

    Parameters
    ----------
    ws : Workspace
    panel : DataFrame
        Of the pack.
    full : DataFrame
        Analysis panel.
    """
    settings = ws.study.release
    rank = full["hhid"].rank(method="dense").astype("int64").astype("str")
    plain = {HOUSEHOLD: rank, WAVE: full["wave"].astype("str")}
    for name in settings.answers:
        rule = settings.recode.get(name)
        plain[name] = recode(full[name] if rule else full[name].round(DECIMALS), rule).fillna("")
    merged = panel.merge(pd.DataFrame(plain).drop_duplicates(), how="left", indicator=True)
    same = merged["_merge"].eq("both").groupby(merged[HOUSEHOLD]).all()
    return float(same.mean())


def _with_groups(ws: Workspace, full: pd.DataFrame) -> pd.DataFrame:
    """Add what the pack would tell of each household if nothing were suppressed, as `<name>__told`."""
    settings, arm = ws.study.release, ws.study.design.treatment
    first = full.sort_values("wave").drop_duplicates("hhid").set_index("hhid")
    told = {n: recode(first[n], settings.recode.get(n)).fillna("") for n in (arm, *settings.quasi)}
    return full.assign(
        **{f"{name}__told": full["hhid"].map(values) for name, values in told.items()}
    )


def _mean(values: pd.Series) -> float:
    return float(pd.to_numeric(values, errors="coerce").mean())

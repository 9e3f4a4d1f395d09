"""Build the tables of a release pack: who is in them can no longer be told; writes nothing.

Household and team get random numbers drawn anew for each pack, and which number is whose is forgotten when
the pack is built. A digest of the code would not do: there are few codes, and all can be tried.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import pandas as pd

from survey_tools.areas import Area, read_areas
from survey_tools.clean.personal_data.suppress import (
    EVERYWHERE,
    labels_of,
    recode,
    suppress,
    told_places,
)
from survey_tools.errors import DisclosureError, ParamsError
from survey_tools.params import Workspace
from survey_tools.report.codebook.entry import Entry
from survey_tools.run.codebook_sources import Sources

HOUSEHOLD, TEAM, AREA, WAVE = "household", "team", "area", "wave"
DECIMALS = 4
NUMBERS = ("number", "share", "amount", "index")

CODEBOOK = ["table", "variable", "label_vi", "label_en", "type", "unit", "values", "recoding",
            "definition", "rows", "missing", "suppressed"]  # fmt: skip


@dataclass(frozen=True)
class Pack:
    """Tables of a pack, every cell as text.

    Attributes
    ----------
    households : DataFrame
        One row a household: its number, that of its team, area, arm, quasi-identifiers. Where it was
        interviewed in several waves they are those of the first.
    panel : DataFrame
        One row a household and wave: number, wave, answers.
    codebook : DataFrame
        One row a variable.
    suppressed : dict of str to int
        Cells hidden, by variable.
    """

    households: pd.DataFrame = field(repr=False)
    panel: pd.DataFrame = field(repr=False)
    codebook: pd.DataFrame = field(repr=False)
    suppressed: dict[str, int]


def build_pack(ws: Workspace, panel: pd.DataFrame) -> Pack:
    """Build the tables of a pack from the analysis panel.

    Parameters
    ----------
    ws : Workspace
    panel : DataFrame
        Contract `panel`; not changed.

    Raises
    ------
    ParamsError
        When the study file names a variable that is not there, or a number in `quasi` has no rule.
    DisclosureError
        When it names a variable that may not go, or too few share place and arm.
    """
    entries = release_entries(ws, panel)
    first = panel.sort_values(["hhid", "wave"]).drop_duplicates("hhid", ignore_index=True)
    numbers = dict(zip(first["hhid"], _numbers(len(first)), strict=True))
    households, suppressed = _households(ws, first, numbers)
    answers = _answers(ws, panel, numbers)
    codebook = _codebook(ws, entries, households, answers, suppressed)
    return Pack(households, answers, codebook, suppressed)


def release_entries(ws: Workspace, panel: pd.DataFrame) -> dict[str, Entry]:
    """Describe the variables that the study file releases, and refuse those that may not go."""
    settings, sources = ws.study.release, Sources(ws)
    names = [*settings.quasi, *settings.answers]
    if missing := [name for name in names if name not in panel]:
        raise ParamsError(
            "The study file releases variables that the analysis panel does not have.",
            found=", ".join(missing),
            where="release.quasi and release.answers",
            next_step="take them out, or run 40_construct again",
        )
    entries = {n: sources.entry("panel", n, sources.describe("panel", n)) for n in names}
    for name, entry in entries.items():
        _check_class(name, entry, quasi=name in settings.quasi, agreed=name in settings.sensitive)
        if name in settings.quasi and entry.type in NUMBERS and name not in settings.recode:
            raise ParamsError(
                "A number by which a household could be known is released without a rule.",
                expected="from, top or join",
                found=name,
                where="release.recode",
            )
    return entries


def fixed_columns(ws: Workspace) -> list[str]:
    """Columns of `households` that are never suppressed within a row, in order."""
    team = [TEAM] if ws.study.release.teams else []
    return [HOUSEHOLD, *team, AREA, ws.study.design.treatment]


def areas_of(ws: Workspace) -> dict[str, Area]:
    """Map the commune codes of the study to the units by which the place is told."""
    areas = read_areas(ws.file("areas"))
    return areas.crosswalk(ws.study.areas.list_, ws.study.release.area_list)


def _check_class(name: str, entry: Entry, *, quasi: bool, agreed: bool) -> None:
    allowed = (
        {"quasi_identifier", "none"} if quasi else {"none"} | ({"sensitive"} if agreed else set())
    )
    if entry.personal_data not in allowed or not entry.label_en:
        raise DisclosureError(
            "A variable may not be released.",
            expected="quasi-identifiers in quasi, harmless variables in answers, sensitive ones only where "
            "release.sensitive names them, and a description of each",
            found=f"{name}: {entry.personal_data}",
            where="release of the study file",
            next_step="take it out",
        )


def _numbers(count: int) -> list[int]:
    """Draw the numbers from 1 to `count` in random order, from the system's own source."""
    return secrets.SystemRandom().sample(range(1, count + 1), count)


def _households(
    ws: Workspace, first: pd.DataFrame, numbers: dict[str, int]
) -> tuple[pd.DataFrame, dict[str, int]]:
    settings, arm = ws.study.release, ws.study.design.treatment
    place = first["commune_code"].map({code: area.code for code, area in areas_of(ws).items()})
    rows = pd.DataFrame({"team_id": first[ws.study.design.cluster], AREA: place, arm: first[arm]})
    rows[AREA] = _told(rows, arm, settings.k, by_team=settings.teams)
    for name in settings.quasi:
        rows[name] = recode(first[name], settings.recode.get(name))
    hidden = suppress(rows, [AREA, arm], settings.quasi, settings.k)
    teams = sorted(rows["team_id"].unique())
    team_numbers = dict(zip(teams, _numbers(len(teams)), strict=True))
    table = hidden.frame.assign(
        **{HOUSEHOLD: first["hhid"].map(numbers), TEAM: rows["team_id"].map(team_numbers)}
    )
    table = table.sort_values(HOUSEHOLD, ignore_index=True)[[*fixed_columns(ws), *settings.quasi]]
    cells = {AREA: int(rows[AREA].eq(EVERYWHERE).sum()), **hidden.cells}
    return _as_text(table), cells


def _told(rows: pd.DataFrame, arm: str, k: int, *, by_team: bool) -> pd.Series:
    """Hide places in which too few teams (or households, where no team is told) are of an arm."""
    if not by_team:
        return told_places(rows, AREA, arm, k, what="households")
    teams = rows.drop_duplicates("team_id")
    told = told_places(teams, AREA, arm, k).set_axis(teams["team_id"])
    return rows["team_id"].map(told)


def _answers(ws: Workspace, panel: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    settings = ws.study.release
    columns = {HOUSEHOLD: panel["hhid"].map(numbers), WAVE: panel["wave"]}
    for name in settings.answers:
        rule = settings.recode.get(name)
        values = (
            panel[name]
            if rule or panel[name].dtype.kind not in "fc"
            else panel[name].round(DECIMALS)
        )
        columns[name] = recode(values, rule)
    return _as_text(pd.DataFrame(columns).sort_values([HOUSEHOLD, WAVE], ignore_index=True))


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype("str").fillna("")


def _codebook(
    ws: Workspace,
    entries: dict[str, Entry],
    households: pd.DataFrame,
    panel: pd.DataFrame,
    suppressed: dict[str, int],
) -> pd.DataFrame:
    rows = []
    for table, frame in (("households", households), ("panel", panel)):
        for name in map(str, frame.columns):
            told = _of_entry(ws, entries[name]) if name in entries else _of_key(ws, name)
            missing = int(frame[name].eq("").sum())
            counts = {"rows": len(frame), "missing": missing, "suppressed": suppressed.get(name, 0)}
            rows.append({"table": table, "variable": name, **told, **counts})
    return _as_text(pd.DataFrame(rows).reindex(columns=CODEBOOK))


def _of_entry(ws: Workspace, entry: Entry) -> dict[str, str]:
    rule = ws.study.release.recode.get(entry.name)
    values = " | ".join(code.code for code in entry.codes if not code.missing)
    if rule is not None:
        values = " | ".join(labels_of(rule) or [f"0 … {rule.top}+"])
    elif entry.type == "binary":
        values = "0 | 1"
    return {
        "label_vi": entry.label_vi,
        "label_en": entry.label_en,
        "type": entry.type,
        "unit": entry.unit,
        "values": values,
        "recoding": ""
        if rule is None
        else _told_rule(rule.model_dump(by_alias=True, exclude_none=True)),
        "definition": entry.formula,
    }


def _told_rule(rule: dict[str, object]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in rule.items())


def _of_key(ws: Workspace, name: str) -> dict[str, str]:
    labels = {
        HOUSEHOLD: (
            "Số ngẫu nhiên của hộ trong gói này",
            "Random number of the household in this pack",
        ),
        TEAM: ("Số ngẫu nhiên của Tổ trong gói này", "Random number of the team in this pack"),
        AREA: ("Đơn vị hành chính", "Administrative unit"),
        WAVE: ("Đợt khảo sát", "Survey wave"),
        ws.study.design.treatment: ("Tổ hướng dẫn tăng cường", "Team of more intensive outreach"),
    }
    values = {
        WAVE: " | ".join(ws.study.waves.all),
        AREA: " | ".join(
            f"{a.code} {a.name_en}" for a in {a.code: a for a in areas_of(ws).values()}.values()
        ),
        ws.study.design.treatment: "0 | 1",
    }
    where = f"list {ws.study.release.area_list} of areas; blank: not told" if name == AREA else ""
    vi, en = labels[name]
    return {
        "label_vi": vi,
        "label_en": en,
        "type": "id",
        "values": values.get(name, ""),
        "definition": where,
    }

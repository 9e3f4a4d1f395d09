"""The only door from results to a page: open what one page may show, with the labels of its codes.

Not here: the rules (survey_tools.report.disclosure_cells), or deciding once for many pages
(survey_tools.report.shown).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.params import Workspace
from survey_tools.register import read_register
from survey_tools.report.disclosure_cells import (
    DISTRICT,
    PAIRS,
    disclose_choices,
    disclose_communes,
    disclose_effects,
    disclose_levels,
)
from survey_tools.report.disclosure_claims import open_claims
from survey_tools.report.disclosure_evidence import open_evidence
from survey_tools.report.disclosure_lists import EVERYBODY, further_lists
from survey_tools.report.numbers import Lang
from survey_tools.report.results import Results
from survey_tools.report.shown import Tables, shown_levels, shown_tables
from survey_tools.report.shown_key import OF_COMMUNES, REQUIRED
from survey_tools.report.units import units_of

__all__ = [
    "PAIRS",
    "disclose_choices",
    "disclose_communes",
    "disclose_effects",
    "disclose_levels",
    "open_levels",
    "open_results",
]


def open_results(
    ws: Workspace, lang: Lang, commune: str | int | None = None, *, traces: bool = False
) -> Results:
    """Read `data/processed/results/` and pass on only what a page may show.

    Parameters
    ----------
    ws : Workspace
    lang : {'vi', 'en'}
    commune : str or int, optional
        Code or name of the page's commune; without it the page is the district's.
    traces : bool
        Whether numbers carry, invisibly, which cell of which table they are (`traced`).

    Raises
    ------
    AreaError
        When there is no such commune in the list that the study names, or the results were made for the
        communes of another list.
    ContractError
        When a table of results is missing or broken.
    """
    code = DISTRICT if commune is None else _code_of(ws, commune)
    outcomes = ws.table("outcomes").set_index("outcome")
    shown = shown_tables(ws, code)
    for name in set(REQUIRED) - set(shown):
        contracts.read_table(ws.results, name)  # says that it is missing
    units = units_of(shown["units"])
    if commune is not None and code not in units:
        read_areas(ws.file("areas")).get(commune, ws.study.areas.list_)  # says which are near
    return Results(
        study=ws.study,
        plan=ws.plan,
        lang=lang,
        area=None if commune is None else units[code],
        units=units,
        outcomes=outcomes,
        teams=shown["teams"],
        effects=shown["effects"],
        levels=shown["levels"],
        choices=shown["choices"],
        communes=shown["communes"],
        balance=shown["balance"],
        balance_joint=shown.get("balance_joint", pd.DataFrame()),
        attrition=shown["attrition"],
        flow=shown.get("flow", pd.DataFrame()),
        labels=_choice_labels(shown, lang),
        questions=_question_labels(ws, lang),
        **({} if commune is None else _of_commune(ws, shown)),
        provenance=_provenance(ws),
        traces=traces,
        **(_of_district(ws, outcomes, lang) if commune is None else {}),
    )


def open_levels(ws: Workspace, **only: str) -> pd.DataFrame:
    """Read the levels of all communes, disclosed, for the map; of those rows that have the given values."""
    return shown_levels(ws, **only)


def _code_of(ws: Workspace, commune: str | int) -> str:
    """Return the code of a commune; a number of five digits is taken for one without a look at the lists."""
    code = str(commune).strip()
    if re.fullmatch(contracts.COMMUNE, code):
        return code
    return read_areas(ws.file("areas")).get(commune, ws.study.areas.list_).code


def _of_commune(ws: Workspace, shown: Tables) -> dict[str, Any]:
    """Return what a commune's page alone has; results of an older version have not all of it."""
    tables = {name: shown[name] for name in OF_COMMUNES if name in shown}
    return {**tables, "next_steps": ws.next_steps}


def _of_district(ws: Workspace, outcomes: pd.DataFrame, lang: Lang) -> dict[str, Any]:
    """Return what the district's page alone has: levels by further lists, and the evidence."""
    evidence = {"evidence": open_evidence(ws) | open_claims(ws, lang)}
    if not ws.study.report.area_lists:
        return evidence
    levels = contracts.read_table(ws.results, "levels", filters=[("group", "==", EVERYBODY)])
    shown, areas = shown_levels(ws, group=EVERYBODY), read_areas(ws.file("areas"))
    scales = {str(name): str(scale) for name, scale in outcomes["scale"].items()}
    return evidence | further_lists(ws, areas, levels, shown, scales)


def _choice_labels(shown: Tables, lang: Lang) -> dict[tuple[str, str], str]:
    if "labels" not in shown:
        return {}
    labels = shown["labels"]
    labels = labels[labels["lang"].eq(lang)].dropna(subset="label")
    keys = zip(labels["variable"], labels["code"], strict=True)
    return dict(zip(keys, labels["label"], strict=True))


def _question_labels(ws: Workspace, lang: Lang) -> dict[str, str]:
    register = read_register(ws.root / ws.study.forms["household"].register_)
    questions = register.questions.values()
    return {q.name: q.label_vi if lang == "vi" else q.label_en for q in questions}


def _provenance(ws: Workspace) -> dict[str, Any]:
    path = ws.results / "provenance.json"
    if not path.is_file():
        return {}
    content = json.loads(path.read_text("utf-8"))
    return content if isinstance(content, dict) else {}

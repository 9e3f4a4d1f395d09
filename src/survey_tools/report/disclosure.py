"""The only door from results to a page: hide, round and mark what rests on too few answers.

Estimates nothing. Everything is decided on the whole district before a commune is picked, so that no two
pages together tell what each of them hides.

A cell is *unsafe* when it rests on fewer answers than `round_from`, or when it counts 1 to
`hide_counts_to` households, or all but so many. Unsafe cells are hidden; so is a group whose difference
from everybody would be unsafe; then, wherever published cells and a published total would tell what is
hidden, the smallest published cell is hidden too, until they do not (secondary suppression; Hundepool et
al. 2012, Statistical Disclosure Control, section 4.4).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.areas import read_areas
from survey_tools.params import DisclosureSettings, Workspace
from survey_tools.register import read_register
from survey_tools.report.disclosure_evidence import open_evidence
from survey_tools.report.disclosure_lists import further_lists
from survey_tools.report.numbers import Lang
from survey_tools.report.results import Results
from survey_tools.report.small_cells import (
    HIDDEN,
    SHOWN,
    STEPS,
    apply_rules,
    blank,
    steps_of,
    unsafe,
)

PAIRS = (("intensive", "regular"), ("women", "men"))
"""Groups that make up everybody between them."""

_TOTAL_AREA = "district"


def open_results(ws: Workspace, lang: Lang, commune: str | int | None = None) -> Results:
    """Read `data/processed/results/` and pass on only what a page may show.

    Parameters
    ----------
    ws : Workspace
    lang : {'vi', 'en'}
    commune : str or int, optional
        Code or name of the page's commune; without it the page is the district's.

    Raises
    ------
    AreaError
        When there is no such commune in the list that the study names, or the results were made for the
        communes of another list.
    ContractError
        When a table of results is missing or broken.
    """
    areas, list_ = read_areas(ws.file("areas")), ws.study.areas.list_
    area = None if commune is None else areas.get(commune, list_)
    rules = ws.study.disclosure
    outcomes = ws.table("outcomes").set_index("outcome")
    tables = {name: contracts.read_table(ws.results, name) for name in _TABLES}
    contracts.same_list(list_, **{name: tables[name] for name in ("levels", "choices", "communes")})
    levels = disclose_levels(tables["levels"], rules, _scales(outcomes))
    choices = disclose_choices(tables["choices"], rules)
    mine = [_TOTAL_AREA] if area is None else [_TOTAL_AREA, area.code]
    return Results(
        study=ws.study,
        plan=ws.plan,
        lang=lang,
        area=area,
        units={unit.code: unit for unit in areas.of(list_)},
        outcomes=outcomes,
        teams=ws.table("teams"),
        effects=disclose_effects(tables["effects"], rules),
        levels=levels[levels["area"].isin(mine)].reset_index(drop=True),
        choices=choices[choices["area"].isin(mine)].reset_index(drop=True),
        communes=disclose_communes(tables["communes"], rules),
        balance=tables["balance"],
        balance_joint=_optional_table(ws, "balance_joint"),
        attrition=tables["attrition"],
        flow=_optional_table(ws, "flow"),
        labels=_choice_labels(ws, lang),
        questions=_question_labels(ws, lang),
        provenance=_provenance(ws),
        evidence={} if area else open_evidence(ws),
        **({} if area else further_lists(ws, areas, tables["levels"], levels, _scales(outcomes))),
    )


def open_levels(ws: Workspace) -> pd.DataFrame:
    """Read the levels of all communes, disclosed; for the map."""
    levels = contracts.read_table(ws.results, "levels")
    scales = _scales(ws.table("outcomes").set_index("outcome"))
    return disclose_levels(levels, ws.study.disclosure, scales)


def open_statuses(ws: Workspace) -> pd.DataFrame:
    """Read what may be shown of every cell: columns area, cell, status.

    A commune's cell may have to be hidden because of another commune's answers. Whoever keeps a page from
    an earlier run must compare these rows too, not only the commune's own results.
    """
    choices = contracts.read_table(ws.results, "choices")
    cells = {
        ("wave", "group", "outcome"): open_levels(ws),
        ("wave", "variable", "choice"): disclose_choices(choices, ws.study.disclosure),
    }
    parts = [
        frame[["area", "status"]].assign(cell=frame[list(key)].agg("/".join, axis=1))
        for key, frame in cells.items()
    ]
    return pd.concat(parts, ignore_index=True)[["area", "cell", "status"]]


def disclose_levels(
    levels: pd.DataFrame, rules: DisclosureSettings, scales: dict[str, str] | None = None
) -> pd.DataFrame:
    """Decide for each level whether it is shown, shown rounded, or hidden.

    Parameters
    ----------
    levels : DataFrame
        Contract `levels`, all areas, waves and groups.
    rules : DisclosureSettings
    scales : dict, optional
        Scale of each outcome (`binary`, `share`, `amount`, `index`); binary where not given.

    Returns
    -------
    DataFrame
        Same rows with `shown` and `status`; `estimate`, the interval, `n` and `numerator` are missing
        where hidden and rounded outwards where few.
    """
    frame = levels.reset_index(drop=True)
    frame["numerator"] = frame["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    hidden = unsafe(frame["n"], frame["numerator"], rules) | _rest_is_unsafe(frame, rules)
    hidden = _protect_levels(frame, hidden, rules)
    return apply_rules(frame, hidden, rules, steps_of(frame["outcome"], scales))


def disclose_choices(choices: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Turn counts of answers into shares, hiding as `disclose_levels` does.

    Returns
    -------
    DataFrame
        Same rows with `estimate` (share of those who answered), `shown` and `status`.
    """
    frame = choices.reset_index(drop=True)
    frame["numerator"] = frame["numerator"].astype(float)
    frame["estimate"] = frame["numerator"] / frame["n"].where(frame["n"] > 0)
    hidden = unsafe(frame["n"], frame["numerator"], rules)
    hidden = _protect_areas(frame, hidden, ["wave", "variable", "choice"], rules)
    return apply_rules(frame, hidden, rules, pd.Series(STEPS["binary"], index=frame.index))


def disclose_communes(communes: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Pass partially pooled effects that rest on enough households; never the raw difference.

    The raw difference of a commune is the difference of two group levels, which may be hidden ones.
    """
    frame = communes.drop(columns=["raw", "raw_se"]).reset_index(drop=True)
    frame["numerator"] = np.nan
    hidden = frame["n"].lt(rules.round_from)
    frame = blank(frame, hidden | frame["estimate"].isna()).drop(columns="numerator")
    about = frame.columns.intersection(["weight_own", "smallest_detectable"])
    frame[about] = frame[about].mask(hidden)
    frame["shown"] = frame["estimate"]
    frame["disclosure"] = np.where(hidden, HIDDEN, SHOWN)
    return frame


def disclose_effects(effects: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Pass effects over the district; one from fewer than `round_from` households is hidden."""
    frame = effects.reset_index(drop=True)
    hidden = frame["n"].lt(rules.round_from)
    numbers = frame.select_dtypes("float64").columns
    frame[numbers] = frame[numbers].mask(hidden)
    counts = frame.columns.intersection(["n", "n_teams", "n_communes"])
    frame[counts] = frame[counts].astype("Int64").mask(hidden & frame["n"].gt(0))
    frame["shown"] = frame["estimate"]
    frame["status"] = np.where(hidden | frame["estimate"].isna(), HIDDEN, SHOWN)
    return frame


_TABLES = ("effects", "levels", "choices", "communes", "balance", "attrition")


def _optional_table(ws: Workspace, name: str) -> pd.DataFrame:
    path = ws.results / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _choice_labels(ws: Workspace, lang: Lang) -> dict[tuple[str, str], str]:
    if not (ws.clean / "labels.parquet").is_file():
        return {}
    labels = contracts.read_table(ws.clean, "labels").query("lang == @lang").dropna(subset="label")
    keys = zip(labels["variable"], labels["code"], strict=True)
    return dict(zip(keys, labels["label"], strict=True))


def _question_labels(ws: Workspace, lang: Lang) -> dict[str, str]:
    register = read_register(ws.root / ws.study.forms["household"].register_)
    questions = register.questions.values()
    return {q.name: q.label_vi if lang == "vi" else q.label_en for q in questions}


def _scales(outcomes: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(scale) for name, scale in outcomes["scale"].items()}


def _provenance(ws: Workspace) -> dict[str, Any]:
    path = ws.results / "provenance.json"
    if not path.is_file():
        return {}
    content = json.loads(path.read_text("utf-8"))
    return content if isinstance(content, dict) else {}


def _rest_is_unsafe(frame: pd.DataFrame, rules: DisclosureSettings) -> pd.Series:
    """Tell which groups give away an unsafe remainder when taken from everybody."""
    keys = ["area", "wave", "outcome"]
    everybody = frame.loc[frame["group"].eq("all"), [*keys, "n", "numerator"]]
    both = frame[keys].merge(everybody, on=keys, how="left", validate="m:1")
    both.index = frame.index
    rest = unsafe(both["n"] - frame["n"], both["numerator"] - frame["numerator"], rules)
    return rest & frame["group"].ne("all")


def _protect_levels(frame: pd.DataFrame, hidden: pd.Series, rules: DisclosureSettings) -> pd.Series:
    while True:
        after = _protect_pairs(frame, hidden)
        after = _protect_areas(frame, after, ["wave", "group", "outcome"], rules)
        if after.equals(hidden):
            return after
        hidden = after


def _protect_pairs(frame: pd.DataFrame, hidden: pd.Series) -> pd.Series:
    """Hide both groups of a pair where one of them is hidden, or everybody is, who are their sum."""
    partner = {a: f"{a}/{b}" for pair in PAIRS for a, b in (pair, pair[::-1])}
    pair = frame["group"].map({g: "/".join(sorted(p.split("/"))) for g, p in partner.items()})
    telling = hidden & frame["n"].gt(0)
    keys = [frame["area"], frame["wave"], frame["outcome"], pair]
    one_hidden = telling.groupby(keys, dropna=False).transform("any")
    everybody = telling & frame["group"].eq("all")
    sum_hidden = everybody.groupby(keys[:3]).transform("any")
    return hidden | ((one_hidden | sum_hidden) & pair.notna())


def _protect_areas(
    frame: pd.DataFrame, hidden: pd.Series, by: list[str], rules: DisclosureSettings
) -> pd.Series:
    """Hide further communes until district minus published communes tells no unsafe cell."""
    parts = frame["area"].ne(_TOTAL_AREA) & frame["n"].gt(0)
    cells = frame.loc[parts, [*by, "area", "n", "numerator"]]
    cells = cells.sort_values([*by, "n", "area"])
    secret = hidden.loc[cells.index]
    group = cells.groupby(by, sort=False, dropna=False).ngroup()
    while True:
        count = secret.groupby(group).sum()
        n = cells["n"].where(secret, 0).groupby(group).sum()
        numerator = cells["numerator"].where(secret, 0).groupby(group).sum(min_count=1)
        telling = count.eq(1) | (count.gt(0) & unsafe(n, numerator, rules))
        candidates = group[~secret & group.map(telling)]
        if candidates.empty:
            result = hidden.copy()
            result.loc[secret.index] = secret
            return result
        smallest = candidates.drop_duplicates().index
        secret = secret | secret.index.isin(smallest)

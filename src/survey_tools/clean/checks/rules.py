"""Say which questions the settings of the checks name, and give thresholds to whoever has no study file.

Decides nothing: a study states its own thresholds in `checks:`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

import pandas as pd

from survey_tools.clean.checks.base import Fieldwork
from survey_tools.params import CheckSettings

ANY, ONE, NUMBER = "any", "one answer", "number"

_ENUMERATOR = {"least": 20, "z": 4, "gap": 0.15}
_SKILLS = ("sk_app", "sk_pay", "sk_qr", "sk_order", "sk_safe")
_OPINIONS = ("trust_pay", "gap_view", "life_view")
_USUAL: dict[str, Any] = {
    "head_changed": {"years": 3},
    "required": {"variables": ()},
    "missing": {"codes": ("dk", "ref"), "share": 0.15, "least": 30},
    "outlier": {"z": 5, "least": 30, "variables": (), "logs": ()},
    "logic": {"rules": ()},
    "other_listed": {"notes": ()},
    "other_share": {"share": 0.15, "least": 30},
    "short_interview": {"minutes": 15},
    "active_time": {"minutes": 15},
    "group_time": {"z": 5, "least": 30, "groups": ()},
    "odd_hour": {"first": 6, "last": 22},
    "overlap": {"minutes": 1},
    "form_version": {"days": 3},
    "consent": {"gated": {}},
    "refusals": _ENUMERATOR,
    "dont_know": {**_ENUMERATOR, "gap": 0.03, "codes": ("dk", "ref")},
    "straight_lining": {**_ENUMERATOR, "batteries": (_SKILLS, _OPINIONS)},
    "age_heaping": {**_ENUMERATOR, "variables": {"m_age": 20}},
    "enumerator_effect": {"alpha": 0.01, "gap": 0.15, "least": 4, "outcomes": {}},
    "gps_far": {"km": 3, "least": 3},
    "progress": {"share": 0.8},
    "near_identical": {"share": 0.8, "least": 25, "block": 400},
    "backcheck": {"types": {}, "ranges": {}},
    "backcheck_rate": {"limits": {1: 0.1, 2: 0.2, 3: 0.4}, "least": 10},
}


def usual_rules(zone: str = "Asia/Ho_Chi_Minh", **changes: dict[str, Any]) -> CheckSettings:
    """Make settings with every check on, but for `audit_missing`, and no list of questions.

    Parameters
    ----------
    zone : str
        Clock of the field.
    changes : dict
        Settings by check that replace the usual ones: ``short_interview={"minutes": 5}``.
    """
    content: dict[str, Any] = {"zone": zone}
    for name in CheckSettings.model_fields:
        if name != "zone":
            usual = {"use": name != "audit_missing", **_USUAL.get(name, {})}
            content[name] = usual | changes.get(name, {})
    return CheckSettings.model_validate(
        content | {k: v for k, v in changes.items() if k not in content}
    )


def unknown_questions(work: Fieldwork, skipped: Collection[str] = ()) -> dict[str, str]:
    """List what the settings name and no table has, or not as the check needs it: a slip of the pen.

    Returns
    -------
    dict of str to str
        Check to the names, with commas between; checks in `skipped` are left out.
    """
    known = _known(work)
    found = {
        check: [name for name in dict.fromkeys(names) if name not in known[kind]]
        for check, (names, kind) in _named(work.rules).items()
    }
    if work.times is not None and len(work.times):
        heads = work.times["path"].unique()
        groups = work.rules.group_time.groups
        found["group_time"] = [g for g in groups if not any(h.startswith(f"{g}/") for h in heads)]
    return {c: ", ".join(names) for c, names in found.items() if names and c not in skipped}


def _known(work: Fieldwork) -> dict[str, frozenset[str]]:
    """Name the questions by what a check can do with them; one with several choices has no column itself."""
    columns = {c: f[c].dtype for f in (work.household, work.roster) for c in f.columns}
    numbers = frozenset(c for c, dtype in columns.items() if pd.api.types.is_numeric_dtype(dtype))
    one = frozenset(columns)
    return {ANY: one | {c.split("__", 1)[0] for c in columns}, ONE: one, NUMBER: numbers}


def _named(rules: CheckSettings) -> dict[str, tuple[Iterable[str], str]]:
    """Name the questions of each check, and of what kind they have to be."""
    gated = rules.consent.gated
    return {
        "required": (rules.required.variables, ANY),
        "outlier": (rules.outlier.variables, NUMBER),
        "consent": ([*gated, *chain.from_iterable(gated.values())], ANY),
        "straight_lining": (chain.from_iterable(rules.straight_lining.batteries), ONE),
        "age_heaping": (rules.age_heaping.variables, NUMBER),
        "enumerator_effect": (rules.enumerator_effect.outcomes, ONE),
        "backcheck": (chain.from_iterable(rules.backcheck.types.values()), ANY),
    }

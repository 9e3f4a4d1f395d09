"""Give thresholds to whoever checks without a study file; a study states its own in `checks:`."""

from __future__ import annotations

from typing import Any

from survey_tools.params import CheckSettings

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

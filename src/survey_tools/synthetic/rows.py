"""Write a district as the rows that the KoboToolbox API would give; draws nothing.

Knows the API's row format and takes all paths from the form content passed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey_tools.errors import ContractError
from survey_tools.synthetic.district import District
from survey_tools.synthetic.draws import Array

Row = dict[str, Any]
Content = dict[str, Any]

OLDER_NAMES = {"qr30": "pay_qr"}
"""Names that questions had in the first version of the household form."""

_FIXED_CONSENT = "CONSENT-2026-01"
_META = frozenset({"start", "end", "today", "audit"})
_ROSTER = ("m_no", "m_rel", "m_sex", "m_age", "m_edu", "m_phone", "m_net", "m_acct", "m_wallet",
           "m_adult", "m_smart")  # fmt: skip
_IDENTITY = frozenset({
    "_id", "uuid", "sent_at", "sent", "level", "size", "wave_no", "intensive", "start", "end",
})  # fmt: skip


def submissions(
    district: District,
    contents: Mapping[str, Mapping[str, Content]],
    asset_uids: Mapping[str, str] | None = None,
) -> dict[str, list[Row]]:
    """Write all rows of the three forms, in the order of `_id`.

    Parameters
    ----------
    district : District
    contents : mapping of form to mapping of version uid to content
        Forms household, team_log, site; versions oldest first. The first wave, and the planted late ones,
        were collected with the oldest version of the household form, the others with the newest.
    asset_uids : mapping of form to uid, optional
        What `_xform_id_string` says; without it the form's own id.

    Returns
    -------
    dict of form to list of rows
        Answers are strings under the full path; what was not answered is absent; the roster is a list
        under its path.

    Raises
    ------
    ContractError
        When a form lacks a question that the district answers.
    """
    uids = asset_uids or {}
    makers = {"household": _household_rows, "team_log": _team_log_rows, "site": _site_rows}
    return {
        form: makers[form](district, versions, uids.get(form))
        for form, versions in contents.items()
    }


def _household_rows(
    district: District, versions: Mapping[str, Content], uid: str | None
) -> list[Row]:
    visits = district.visits.reset_index(drop=True)
    interview = visits["interview"].to_numpy()
    values = _with_roster_column(visits, district)
    answered = district.answers.reindex(interview).set_axis(visits.index)
    values = pd.concat([values, answered], axis=1)
    newest = len(versions) - 1
    used = np.where((visits["wave_no"] == 0) | visits["old_form"], 0, newest)
    heads, tails = _heads(visits), _tails(visits, visits["edited"].to_numpy(), _field_user(visits))
    rows: list[Row] = [{} for _ in range(len(visits))]
    for number, (version, content) in enumerate(versions.items()):
        mine = np.flatnonzero(used == number)
        middle = _answers(values.iloc[mine], content, _rosters(district, content, interview[mine]))
        frame = (heads.iloc[mine], tails.iloc[mine])
        for row, built in zip(mine, _assemble(frame, middle, content, version, uid), strict=True):
            rows[row] = built
    return rows


def _team_log_rows(
    district: District, versions: Mapping[str, Content], uid: str | None
) -> list[Row]:
    months = district.team_months
    months = months[months["sent"]].sort_values("_id", ignore_index=True)
    months = months.assign(month=months["month"].dt.strftime("%Y-%m-%d"))
    return _simple_rows(months, versions, uid, "totruong")


def _site_rows(district: District, versions: Mapping[str, Content], uid: str | None) -> list[Row]:
    sites = district.sites.sort_values("_id", ignore_index=True)
    return _simple_rows(sites, versions, uid, "canbo")


def _simple_rows(
    frame: pd.DataFrame, versions: Mapping[str, Content], uid: str | None, user: str
) -> list[Row]:
    version, content = list(versions.items())[-1]
    unedited = np.zeros(len(frame), dtype=bool)
    tails = _tails(frame.assign(newer_uuid=""), unedited, [user] * len(frame))
    values = frame.drop(columns=list(_IDENTITY & set(frame.columns)))
    return _assemble((_heads(frame), tails), _answers(values, content, {}), content, version, uid)


def _with_roster_column(visits: pd.DataFrame, district: District) -> pd.DataFrame:
    """Values of sections A and B, and a column that marks where the roster goes."""
    names = ("wave", "visit_type", "enumerator_id", "commune_code", "team_id", "hhid", "visit_no",
             "visit_result", "consent", "refuse_reason", "consent_sensitive", "consent_gps",
             "consent_recontact")  # fmt: skip
    asked = visits["consent"].notna()
    values = visits[list(names)].copy()
    values["consent_at"] = _local(visits["start"] + pd.Timedelta(minutes=1)).where(asked)
    values["consent_version"] = pd.Series(_FIXED_CONSENT, index=visits.index).where(
        visits["visit_result"] == "contact"
    )
    return values


def _answers(
    values: pd.DataFrame, content: Content, rosters: dict[int, tuple[str, list[Row]]]
) -> list[Row]:
    """One dict of path and text a row, in the order of the form."""
    paths = _paths(content)
    names = {name: _form_name(name, paths) for name in values.columns}
    order = {path: number for number, path in enumerate(paths.values())}
    columns = sorted(values.columns, key=lambda name: order[paths[names[name]]])
    keys = [paths[names[name]] for name in columns]
    table = values[columns]
    present = table.notna().to_numpy()
    cells = np.array([[*map(_text, row)] for row in table.to_numpy(dtype=object)], dtype=object)
    after = order[paths["hh_size"]] if rosters else -1
    built = []
    for number, here in enumerate(present):
        row = {}
        for k in np.flatnonzero(here):
            row[keys[k]] = cells[number, k]
            if order[keys[k]] == after:
                path, people = rosters[number]
                row[path] = people
        built.append(row)
    return built


def _rosters(
    district: District, content: Content, interview: Array
) -> dict[int, tuple[str, list[Row]]]:
    """Rosters by position among the given submissions, as lists of rows with full paths."""
    paths = _paths(content)
    repeat = next(row["$xpath"] for row in content["survey"] if row["type"] == "begin_repeat")
    roster = district.roster.assign(
        m_adult=(district.roster["m_age"] >= 18).astype("int64"),
        m_smart=(district.roster["m_phone"] == "smart").astype("int64"),
    )
    table = roster[list(_ROSTER)]
    present = table.notna().to_numpy()
    keys = [paths[name] for name in _ROSTER]
    cells = table.to_numpy(dtype=object)
    people = [
        {keys[k]: _text(cells[n, k]) for k in np.flatnonzero(present[n])}
        for n in range(len(roster))
    ]
    lines = district.roster.groupby("interview").indices
    return {
        position: (repeat, [people[line] for line in lines[number]])
        for position, number in enumerate(interview)
        if number >= 0
    }


def _field_user(visits: pd.DataFrame) -> list[str]:
    return ["dtv" + code[1:] for code in visits["enumerator_id"]]


def _heads(frame: pd.DataFrame) -> pd.DataFrame:
    """Write number and times of each row as text."""
    head = {
        "_id": frame["_id"].astype("int64"),
        "start": _local(frame["start"]),
        "end": _local(frame["end"]),
        "today": frame["start"].dt.strftime("%Y-%m-%d"),
    }
    return pd.DataFrame(head)


def _tails(frame: pd.DataFrame, edited: Array, users: list[str]) -> pd.DataFrame:
    """Identity of each row: an edit gives a new uuid and keeps the first as root."""
    return pd.DataFrame(
        {
            "uuid": np.where(edited, frame["newer_uuid"], frame["uuid"]),
            "root": frame["uuid"].to_numpy(),
            "edited": edited,
            "sent_at": frame["sent_at"].dt.strftime("%Y-%m-%dT%H:%M:%S").to_numpy(),
            "user": users,
        },
        index=frame.index,
    )


def _assemble(
    frame: tuple[pd.DataFrame, pd.DataFrame],
    middle: list[Row],
    content: Content,
    version: str,
    uid: str | None,
) -> list[Row]:
    form = uid or str(content.get("settings", {}).get("id_string", ""))
    hub = hashlib.sha256(form.encode()).hexdigest()[:32]
    position = _paths(content).get("gps", "")
    rows = []
    for head, answers, tail in zip(
        frame[0].to_dict("records"), middle, frame[1].to_dict("records"), strict=True
    ):
        row: Row = {"_id": head["_id"], "formhub/uuid": hub}
        row |= {str(key): value for key, value in head.items() if key != "_id"} | answers
        row |= {"__version__": version, "meta/instanceID": f"uuid:{tail['uuid']}"}
        if tail["edited"]:
            row["meta/deprecatedID"] = f"uuid:{tail['root']}"
        parts = str(row.get(position, "")).split()[:2]
        row |= {
            "_xform_id_string": form,
            "_uuid": tail["uuid"],
            "meta/rootUuid": f"uuid:{tail['root']}",
            "_attachments": [],
            "_status": "submitted_via_web",
            "_geolocation": [float(part) for part in parts] if parts else [None, None],
            "_submission_time": tail["sent_at"],
            "_validation_status": {},
            "_submitted_by": tail["user"],
        }
        rows.append(row)
    return rows


def _paths(content: Content) -> dict[str, str]:
    return {
        row["name"]: row["$xpath"]
        for row in content["survey"]
        if "$xpath" in row and not row["type"].startswith("begin_") and row["name"] not in _META
    }


def _form_name(name: str, paths: dict[str, str]) -> str:
    for candidate in (name, OLDER_NAMES.get(name, name)):
        if candidate in paths:
            return candidate
    raise ContractError(
        "The form lacks a question that the synthetic district answers.",
        expected=name,
        where="form content, survey",
        next_step="compare params/forms with survey_tools.synthetic",
    )


def _local(times: pd.Series) -> pd.Series:
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S.000+07:00")


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    return str(int(value)) if value == value and value is not None else None

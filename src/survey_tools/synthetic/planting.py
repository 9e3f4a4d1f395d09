"""Plant problems that a phone lets through, and write down each one; every answer stays valid.

Each function returns new frames and a list of what it planted; none changes its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array
from survey_tools.synthetic.fieldwork import enumerator_code
from survey_tools.synthetic.parameters import DistrictParameters
from survey_tools.synthetic.population import household_code

Record = dict[str, Any]

INVENTED_TEXTS = (
    "Bà Nguyễn Thị Hạnh ở đầu ngõ cũng muốn học.",
    "Gọi lại số 0301234567 sau 18 giờ.",
    "Ông Trần Văn Bình, điện thoại 0302 345 678, hỏi về lớp tập huấn.",
    "Con gái là Phạm Thu Trang làm hộ trên máy.",
    "Số Zalo +84 303 456 789 chưa vào được nhóm.",
    "Anh Lê Đức Mạnh bên Tổ đã hướng dẫn.",
    "Chị Vũ Thị Lan hẹn gặp lại, 030.456.7890.",
    "Nhờ nhắn bác Hoàng Văn Sơn mang giấy tờ.",
)
"""No such people are meant, and 030 is given to no mobile network of Viet Nam."""

EDITED = {"mobile_signal": ("g45", "g3"), "poor_cert": ("no", "near"), "zalo_group": ("no", "rare")}
REPEATED = {
    "net_fibre": ("yes", "no"),
    "mobile_signal": ("g45", "g3"),
    "poor_cert": ("no", "near"),
    "loudspeaker": ("never", "few"),
    "kn_otp": ("yes", "no"),
    "life_view": ("4", "3"),
}
"""Questions whose answer may differ, with two codes: the first that the answer is not yet is taken."""


def pick_rows(
    visits: pd.DataFrame,
    answers: pd.DataFrame,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> dict[str, Array]:
    """Choose, for each kind, rows of `visits` that hold an interview; no row has two problems."""
    planted = parameters.planted
    counts = {
        "gps_far": planted.far,
        "code_not_in_sample": planted.foreign_codes,
        "two_households_one_code": planted.shared_codes,
        "edited": planted.edits,
        "short_interview": planted.short,
        "comment": planted.texts,
        "enum_note": planted.texts,
        "duplicate_submission": planted.duplicates,
    }
    rows = visits.index[visits["interview"] >= 0].to_numpy()
    mixed = rng.permutation(rows)
    located = answers["gps"].notna().to_numpy()[visits["interview"].to_numpy()[mixed]]
    mixed = np.concatenate([mixed[located], mixed[~located]])
    chosen = {"gps_far": mixed[: planted.far]}
    rest = rng.permutation(mixed[planted.far :])
    edges = np.cumsum([0, *list(counts.values())[1:]])
    names = list(counts)[1:]
    return chosen | {name: np.sort(rest[edges[k] : edges[k + 1]]) for k, name in enumerate(names)}


def plant_codes(
    visits: pd.DataFrame, households: pd.DataFrame, rows: dict[str, Array], rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Record]]:
    """Write some interviews under a wrong but valid code of the same team."""
    drawn = set(households["hhid"])
    codes = visits["hhid"].copy()
    used = set(visits.loc[np.concatenate(list(rows.values())), "hhid"])
    records = []
    for row in rows["code_not_in_sample"]:
        team = str(visits.at[row, "team_id"])
        free = [household_code(team, k) for k in range(1, 373)]
        free = [code for code in free if code not in drawn and code not in used]
        codes.at[row] = free[rng.integers(len(free))]
        used.add(codes.at[row])
        records.append(record("code_not_in_sample", row, str(visits.at[row, "hhid"])))
    for row in rows["two_households_one_code"]:
        same = visits[
            (visits["team_id"] == visits.at[row, "team_id"])
            & (visits["wave_no"] == visits.at[row, "wave_no"])
            & (visits["interview"] >= 0)
            & ~visits["hhid"].isin(used)
        ]
        if same.empty:
            continue
        codes.at[row] = same["hhid"].iloc[rng.integers(len(same))]
        used.add(codes.at[row])
        records.append(record("two_households_one_code", row, str(visits.at[row, "hhid"])))
    return visits.assign(hhid=codes), records


def plant_answers(
    visits: pd.DataFrame, answers: pd.DataFrame, rows: dict[str, Array], rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, list[Record]]:
    """Short interviews, far positions, edited answers, names and numbers in free text."""
    visits, answers = visits.copy(), answers.copy()
    visits["edited"] = False
    records = []
    for row in rows["short_interview"]:
        visits.at[row, "minutes"] = int(rng.integers(6, 12))
        records.append(record("short_interview", row, ""))
    for row in rows["gps_far"]:
        number = visits.at[row, "interview"]
        point = str(answers.at[number, "gps"])
        if " " in point:
            lat, lon, *rest = point.split()
            far = (f"{float(lat) + 0.25:.6f}", f"{float(lon) - 0.15:.6f}", *rest)
            answers.at[number, "gps"] = " ".join(far)
            records.append(record("gps_far", row, "gps"))
    for k, row in enumerate(rows["edited"]):
        name = list(EDITED)[k % len(EDITED)]
        change(answers, visits.at[row, "interview"], name, EDITED[name])
        visits.at[row, "edited"] = True
        records.append(record("edited", row, name))
    for name in ("comment", "enum_note"):
        for row in rows[name]:
            answers.at[visits.at[row, "interview"], name] = _invented(rng)
            records.append(record("personal_text", row, name))
    return visits, answers, records


def plant_duplicates(
    visits: pd.DataFrame, rows: Array, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Record]]:
    """Send some interviews twice: the same answers and times, another uuid, some minutes later."""
    again = visits.loc[rows].assign(resent=rng.integers(1, 15, len(rows)), copy_of=rows)
    both = pd.concat([visits.assign(resent=0, copy_of=-1), again], ignore_index=True)
    first = len(visits)
    return both, [record("duplicate_submission", first + k, "") for k in range(len(rows))]


def answer_backchecks(
    answers: pd.DataFrame, share: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[tuple[int, str]]]:
    """Let some answers of the back-checks differ from the first interview; returns (position, name)."""
    answers = answers.reset_index(drop=True)
    differing = []
    for name, codes in REPEATED.items():
        for position in np.flatnonzero(rng.random(len(answers)) < share):
            change(answers, position, name, codes)
            differing.append((int(position), name))
    return answers, differing


def plant_logs(
    months: pd.DataFrame, parameters: DistrictParameters, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Record]]:
    """Put invented names and numbers into some team logs, and list the logs that never came."""
    months = months.copy()
    if months["sent"].all() and parameters.planted.missing_logs > 0:
        months.loc[rng.integers(len(months)), "sent"] = False
    sent = months.index[months["sent"]].to_numpy()
    rows = rng.choice(sent, parameters.planted.log_texts, replace=False)
    for row in rows:
        months.at[row, "problem"] = _invented(rng)
    records = [record("personal_text", row, "problem", form="team_log") for row in rows]
    for row in months.index[~months["sent"]]:
        detail = f"{months.at[row, 'team_id']!s} {str(months.at[row, 'month'])[:7]}"
        records.append(record("missing_log", None, detail, form="team_log"))
    return months, records


def enumerator_records(straight: Array, heaping: Array) -> list[Record]:
    """List the enumerators with a habit."""
    kinds = (("straight_lining", straight), ("age_heaping", heaping))
    return [
        record(kind, None, enumerator_code(int(number)))
        for kind, found in kinds
        for number in found
    ]


def append_forms(
    answers: pd.DataFrame, roster: pd.DataFrame, parts: list[tuple[pd.DataFrame, pd.DataFrame]]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give further submissions answers and rosters of their own, numbered after the main interviews."""
    all_answers, all_rosters, all_visits = [answers], [roster], []
    number = len(answers)
    by_interview = roster.groupby("interview").indices
    for visits, given in parts:
        mine = np.arange(number, number + len(visits))
        lines = [by_interview[k] for k in visits["interview"]]
        copied = roster.iloc[np.concatenate(lines)]
        all_rosters.append(copied.assign(interview=np.repeat(mine, [len(k) for k in lines])))
        all_answers.append(given)
        all_visits.append(visits.assign(interview=mine))
        number += len(visits)
    return (
        pd.concat(all_answers, ignore_index=True),
        pd.concat(all_rosters, ignore_index=True),
        pd.concat(all_visits, ignore_index=True),
    )


def planted_frame(
    records: list[Record], visits: pd.DataFrame, months: pd.DataFrame
) -> pd.DataFrame:
    """Give every planted problem its `_id`, household code as sent, and wave.

    Returns
    -------
    DataFrame
        kind, form, _id (Int64; NA for what is no row), hhid, wave, detail: the variable, the true
        household code, the `_id` of the first copy, the enumerator, or team and month.
    """
    rows = []
    for problem in records:
        found: Record = {**problem, "_id": pd.NA, "hhid": pd.NA, "wave": pd.NA}
        row, other = found.pop("row"), found.pop("other", None)
        if row is not None and problem["form"] == "team_log":
            found["_id"] = months.at[row, "_id"]
        elif row is not None:
            visit = visits.loc[row]
            found |= {"_id": visit["_id"], "hhid": visit["hhid"], "wave": visit["wave"]}
            if problem["kind"] == "duplicate_submission":
                other = int(visits["copy_of"].to_numpy()[row])
            if other is not None:
                found["detail"] = str(visits["_id"].to_numpy()[other])
        rows.append(found)
    columns = ["kind", "form", "_id", "hhid", "wave", "detail"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {"_id": "Int64", "hhid": "str", "wave": "str"}
    )
    return frame.sort_values(["kind", "form", "_id", "detail"], ignore_index=True)


def record(kind: str, row: Any, detail: str, form: str = "household") -> Record:
    """Write down one problem: a row of `visits` (or of the logs), and the detail of `planted_frame`."""
    return {"kind": kind, "form": form, "row": None if row is None else int(row), "detail": detail}


def change(answers: pd.DataFrame, row: Any, name: str, codes: tuple[str, str]) -> None:
    """Overwrite one answer of the caller's own copy by a code that it does not have."""
    answers.at[row, name] = codes[1] if answers.at[row, name] == codes[0] else codes[0]


def _invented(rng: np.random.Generator) -> str:
    return INVENTED_TEXTS[int(rng.integers(len(INVENTED_TEXTS)))]

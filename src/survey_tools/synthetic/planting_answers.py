"""Plant problems that only show when answers, versions or times are compared; every answer stays valid.

Each function returns new frames and a list of what it planted; none changes its input. The true effects
are those of the households: a copied interview falsifies what was recorded, not what was true.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array
from survey_tools.synthetic.fieldwork import enumerator_code
from survey_tools.synthetic.parameters import DistrictParameters
from survey_tools.synthetic.planting import EDITED, Record, change, record

OWN = frozenset({
    "hh_size", "n_adults", "n_smart", "kish_k", "kish_rand", "resp_line", "resp_age", "resp_sex", "gps",
    "phone_recontact", "comment", "enum_note",
})  # fmt: skip
"""What an enumerator who copies an interview still writes anew."""

LISTED = {
    "grocery": "cửa hàng tạp hoá", "house": "bán đồ gia dụng", "bakery": "Tiệm bánh ngọt",
    "pharmacy": "hiệu thuốc tây", "stall": "sạp chợ bán rau", "small": "buôn bán nhỏ lẻ",
}  # fmt: skip
"""What is written behind «other» though it is on the list, in everyday spelling."""

TIMED_GROUPS = ("c_roster", "e_bills", "f_person", "i_exposure", "j_skill")
_CONSENTS = ("consent_sensitive", "consent_gps", "consent_recontact")
_CHANCE_LED = 0.65


def plant_comparisons(
    visits: pd.DataFrame,
    answers: pd.DataFrame,
    taken: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame, list[Record]]:
    """Plant outliers, contradictions, listed «other», old form versions and copied interviews.

    Parameters
    ----------
    visits, answers : DataFrame
        Of the main interviews; not changed.
    taken : array of int
        Rows of `visits` that bear another problem, or are back-checked.

    Returns
    -------
    visits, answers : DataFrame
        With `old_form` (bool) in `visits`.
    records : list
    """
    visits, answers = visits.assign(old_form=False), answers.copy()
    planted = parameters.planted
    rows = visits.index[visits["interview"] >= 0].difference(pd.Index(taken)).to_numpy()
    free = list(rng.permutation(rows))
    said = answers.loc[visits.loc[free, "interview"]].set_axis(free)
    last = visits.loc[free, "wave_no"] == len(parameters.waves) - 1
    kinds = {
        "outlier": (planted.outliers, said["buy_amount"].notna()),
        "contradiction": (planted.contradictions, said["team_visit"] == "yes"),
        "other_listed": (
            planted.other_texts,
            said["biz_type"].isin(list(LISTED)) & said["enum_note"].isna(),
        ),
        "old_version": (planted.old_versions, last),
    }
    records = []
    for kind, (count, fits) in kinds.items():
        chosen = [row for row in free if fits[row]][:count]
        free = [row for row in free if row not in chosen]
        for row in chosen:
            detail = _write(kind, visits, answers, row, rng)
            records.append(record(kind, row, detail))
    answers, copies = _copy_interviews(visits, answers, free, planted.near_identical)
    return visits, answers, records + copies


def lead_answers(
    visits: pd.DataFrame, answers: pd.DataFrame, leading: Array, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Record]]:
    """Let some enumerators lead people to «yes» on giving a password away (`kn_otp`, no outcome)."""
    answers = answers.copy()
    mine = visits.loc[visits["enumerator"].isin(leading) & (visits["interview"] >= 0), "interview"]
    led = mine[rng.random(len(mine)) < _CHANCE_LED]
    answers.loc[led, "kn_otp"] = "yes"
    return answers, [record("leading", None, enumerator_code(int(k))) for k in leading]


def choose_audits(
    visits: pd.DataFrame,
    taken: Array,
    short: Array,
    parameters: DistrictParameters,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, list[Record]]:
    """Choose whose audit log came: a share of the interviews, all short ones, and two kinds of odd ones.

    Returns
    -------
    visits : DataFrame
        With `audit`: empty without a log, `usual`, `idle` (the form lay open), or the name of a group of
        questions that was rushed through.
    records : list
    """
    planted = parameters.planted
    audit = pd.Series("", index=visits.index, dtype=object)
    rows = visits.index[visits["interview"] >= 0].to_numpy()
    audit.loc[rows[rng.random(len(rows)) < planted.audit_share]] = "usual"
    audit.loc[short] = "usual"
    free = rng.permutation(np.setdiff1d(rows, taken))
    rushed, idle = free[: planted.rushed], free[planted.rushed : planted.rushed + planted.idle]
    groups = rng.choice(TIMED_GROUPS, len(rushed))
    audit.loc[rushed], audit.loc[idle] = groups, "idle"
    records = [record("rushed", row, group) for row, group in zip(rushed, groups, strict=True)]
    return visits.assign(audit=audit), records + [record("idle", row, "") for row in idle]


def _write(
    kind: str, visits: pd.DataFrame, answers: pd.DataFrame, row: int, rng: np.random.Generator
) -> str:
    """Write one problem into the caller's own copies and name the question."""
    number = visits.at[row, "interview"]
    if kind == "outlier":
        answers.at[number, "buy_amount"] = str(1000 * int(rng.integers(380, 481)))
        return "buy_amount"
    if kind == "contradiction":
        answers.at[number, "team_know"] = "no"
        return "team_know"
    if kind == "old_version":
        visits.at[row, "old_form"] = True
        return "__version__"
    said = LISTED[str(answers.at[number, "biz_type"])]
    answers.at[number, "biz_type"] = "other"
    answers.at[number, "enum_note"] = f"biz_type: {said}"
    return "biz_type"


def _copy_interviews(
    visits: pd.DataFrame, answers: pd.DataFrame, free: list[int], count: int
) -> tuple[pd.DataFrame, list[Record]]:
    """Let an enumerator fill in a later interview of the wave like an earlier one, but for two answers."""
    frame = visits.loc[free, ["enumerator", "wave_no", "start", *_CONSENTS, "interview"]]
    said = answers.loc[frame["interview"]].set_axis(frame.index)
    frame = frame.assign(old=said["resp_age"].astype("int64") >= 60, school=said["school_level"])
    same = ["enumerator", "wave_no", *_CONSENTS, "old", "school"]
    groups = [g.sort_values("start") for _, g in frame.groupby(same, sort=True) if len(g) > 1]
    copied = [name for name in answers.columns if name not in OWN]
    answers, records = answers.copy(), []
    order = {row: place for place, row in enumerate(free)}
    for group in sorted(groups, key=lambda g: order[g.index[0]])[:count]:
        first, second = group.index[0], group.index[-1]
        source, target = (int(visits["interview"].loc[row]) for row in (first, second))
        answers.loc[target, copied] = answers.loc[source, copied].to_numpy()
        for name in ("mobile_signal", "zalo_group"):
            change(answers, target, name, EDITED[name])
        records.append(record("near_identical", second, "") | {"other": int(first)})
    return answers, records

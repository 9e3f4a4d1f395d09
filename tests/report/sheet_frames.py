"""Ten flags, two teams, two enumerators, and what stands around them."""

import zipfile
from datetime import date
from pathlib import Path

import pandas as pd

from survey_tools.params import open_workspace
from survey_tools.register import read_register
from survey_tools.report.sheets.write import write_sheets

ROOT = Path(__file__).parents[2]
WS = open_workspace(ROOT / "params" / "study.yml")
REGISTERS = {str(f): read_register(ROOT / s.register_) for f, s in WS.study.forms.items()}
DAY = date(2026, 6, 7)
TEAM, OTHER_TEAM = "10291-T01", "10291-T02"
ONE, TWO = "E05", "E06"

# check, state, wave, team, enumerator, row, variable, item, detail
ROWS = [
    ("logic", "open", "w1", TEAM, ONE, 101, "team_know", "unknown_visitor", ""),
    ("short_interview", "new", "w2", TEAM, ONE, 102, "duration_min", None, "11.7 min"),
    ("dropped", "new", "w1", TEAM, TWO, 103, "hhid", None, ""),
    ("near_identical", "answered", "w1", TEAM, TWO, 104, None, "99", "90 % / 51"),
    ("odd_hour", "resolved", "w1", TEAM, ONE, 105, "start", None, "5 h"),
    ("progress", "new", "w2", TEAM, None, None, None, None, "1 / 12"),
    ("age_heaping", "new", "w1", None, ONE, None, "m_age", None, "100 % / 22 %"),
    ("missing", "new", "w1", None, None, None, "kn_otp", None, "20 % / 35"),
    ("missing_month", "open", None, OTHER_TEAM, None, None, "month", "2026-02", "2026-02"),
    ("answer_unreadable", "new", "w1", OTHER_TEAM, None, 7, "month", None, ""),
]
COLUMNS = [
    "check",
    "state",
    "wave",
    "team_id",
    "enumerator_id",
    "row_id",
    "variable",
    "item",
    "detail",
]
MESSAGES = {
    "dropped": "Taken out: household code not in the sample.",
    "answer_unreadable": "What was typed is no day of the form year-month-day; it counts as missing.",
}


def make_flags(rows=ROWS, **changes):
    """Flags of the contract; `changes` replace columns."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["message"] = [MESSAGES.get(check, "An English sentence.") for check in frame["check"]]
    frame["form"] = [
        "team_log" if check == "answer_unreadable" else "household" for check in frame["check"]
    ]
    frame["key"] = [f"key{'abcdefghij'[place % 10]}{place}" for place in range(len(frame))]
    frame["first_seen"], frame["last_seen"], frame["since"] = (
        "2026-06-01",
        "2026-06-07",
        "2026-06-03",
    )
    frame = frame.assign(**changes)
    text = {column: "str" for column in frame if column != "row_id"}
    return frame.astype({**text, "row_id": "Int64"})


def make_interviews():
    rows = [
        ("w1", TEAM, ONE, 5),
        ("w1", TEAM, TWO, 4),
        ("w1", OTHER_TEAM, TWO, 12),
        ("w2", TEAM, ONE, 1),
    ]
    return pd.DataFrame(rows, columns=["wave", "team_id", "enumerator_id", "interviews"])


def make_choices():
    rows = [("biz_type", "grocery", "vi", "Tạp hóa"), ("biz_type", "grocery", "en", "Grocery")]
    return pd.DataFrame(rows, columns=["variable", "code", "lang", "label"])


def write(folder, flags=None, **changes):
    """Write the sheets of the frames above; `changes` replace arguments."""
    given = {
        "teams": WS.table("teams"),
        "communes": WS.table("communes"),
        "interviews": make_interviews(),
        "drawn": pd.DataFrame({"team_id": [TEAM, OTHER_TEAM], "drawn": [12, 12]}),
        "registers": REGISTERS,
        "choices": make_choices(),
        "day": DAY,
        "folder": folder,
    }
    given |= changes
    study = given.pop("study", WS.study)
    return write_sheets(study, make_flags() if flags is None else flags, **given)


def all_text(folder):
    """Everything that stands in the files of a folder, workbooks unpacked."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                parts += [book.read(name).decode("utf-8") for name in book.namelist()]
        elif path.is_file():
            parts.append(path.read_text("utf-8"))
        parts.append(path.name)
    return "\n".join(parts)

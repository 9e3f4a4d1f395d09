"""Hold what the checks look at and lay out what they find; finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.errors import ContractError
from survey_tools.params import CheckSettings

MAD_TO_SD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
MEAN_AD_TO_SD = 1.2533
"""The same over its mean absolute deviation."""

LEVEL = 0.95
"""Of intervals."""

COLUMNS = [
    "check", "form", "wave", "team_id", "enumerator_id", "row_id", "variable", "item", "message",
    "detail",
]  # fmt: skip
WHO = ["wave", "team_id", "enumerator_id"]
HOUSEHOLD, TEAM_LOG = "household", "team_log"
"""Forms that a flag may be about: numbers of rows mean something within a form only."""


@dataclass(frozen=True)
class Fieldwork:
    """What the checks look at; tables that are not there are None.

    Attributes
    ----------
    household, visits, roster, teams : DataFrame
        As `clean_household` returns them, and `team_id` of the teams at work.
    households_per_team : int
        Households drawn in a team, where there is no list of drawn households.
    rules : CheckSettings
        Switches and thresholds.
    team_log, sample, dropped, backchecks : DataFrame, optional
        Monthly logs; `hhid, team_id` drawn; submissions that cleaning took out; back-check forms.
    problems : DataFrame, optional
        Answers that cleaning could not read as they stood (contract `problems`).
    duplicates : DataFrame, optional
        Groups of duplicates and how they were settled (contract `duplicates`).
    edited : DataFrame, optional
        `_id` of the submissions whose answers were changed on the server after they were sent.
    findings : DataFrame, optional
        `_id, kind, variable`: what the form itself would not have let through; a member's question
        with its line (`m_age[2]`).
    times, totals : DataFrame, optional
        From audit logs that can be read: `_id, path, seconds` a screen, and `_id, seconds` an
        interview.
    versions : DataFrame, optional
        `version, deployed` (UTC) of the form.
    locations : DataFrame, optional
        `_id` and a pair of columns `<question>_lat`, `<question>_lon`; only distances are passed on.
    free_text : DataFrame, optional
        `_id, variable, text`, and `form` where it holds more than the household form's; once it was
        screened also `kinds` of personal data, with commas between, empty where none was seen, and
        `quarantined`. The text is never passed on.
    labels : DataFrame, optional
        `variable, code, label` of the choices.
    """

    household: pd.DataFrame
    visits: pd.DataFrame
    roster: pd.DataFrame
    teams: pd.DataFrame
    households_per_team: int
    rules: CheckSettings
    team_log: pd.DataFrame | None = None
    sample: pd.DataFrame | None = None
    dropped: pd.DataFrame | None = None
    backchecks: pd.DataFrame | None = None
    problems: pd.DataFrame | None = None
    duplicates: pd.DataFrame | None = None
    edited: pd.DataFrame | None = None
    findings: pd.DataFrame | None = None
    times: pd.DataFrame | None = None
    totals: pd.DataFrame | None = None
    versions: pd.DataFrame | None = None
    locations: pd.DataFrame | None = None
    free_text: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        contracts.same_list(household=self.household, visits=self.visits, teams=self.teams,
                            team_log=self.team_log, sample=self.sample)  # fmt: skip

    @cached_property
    def who(self) -> pd.DataFrame:
        """Wave, team and enumerator of every row of the form, by `_id`."""
        known = (self.household, self.visits, self.backchecks, self.dropped)
        owned = [self.own(table) for table in known if table is not None]
        parts = [table.reindex(columns=["_id", *WHO]) for table in owned if len(table)]
        if not parts:
            return pd.DataFrame(columns=WHO, index=pd.Index([], name="_id", dtype="int64"))
        return pd.concat(parts, ignore_index=True).drop_duplicates("_id").set_index("_id")

    @staticmethod
    def own(table: pd.DataFrame, form: str = HOUSEHOLD) -> pd.DataFrame:
        """Return the rows of one form of a table that holds those of several."""
        return table.loc[table["form"] == form] if "form" in table else table

    def given(self, name: str) -> pd.DataFrame:
        """Return a table that a check cannot do without; `run_checks` leaves the check out where it lacks."""
        table: pd.DataFrame | None = getattr(self, name)
        if table is None:
            raise ContractError("A check lacks a table.", expected=name, where="Fieldwork")
        return table

    def of_rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add wave, team and enumerator to rows that have only `_id`."""
        kept = frame.drop(columns=[c for c in WHO if c in frame])
        return kept.join(self.who, on="_id")


def flags(
    check: str,
    rows: pd.DataFrame,
    message: str | pd.Series,
    *,
    detail: str | pd.Series = "",
    variable: str | pd.Series | None = None,
    item: str | pd.Series | None = None,
    form: str | pd.Series = HOUSEHOLD,
) -> pd.DataFrame:
    """Lay out one flag a row of `rows`.

    Parameters
    ----------
    check : str
        Name of the check.
    rows : DataFrame
        Those of `wave, team_id, enumerator_id, _id` that are there name what the flag is about.
    message, detail : str or Series
        A sentence, and its figures alone, which need no translation. Neither holds a person, a phone, a
        position, a household code or an answer.
    variable : str or Series, optional
        The question.
    item : str or Series, optional
        What tells two flags of the same row and question apart: a month, a rule, the other row of a pair.
    form : str or Series
        Form of the row.
    """
    return pd.DataFrame(
        {
            "check": check,
            "form": form,
            "wave": rows.get("wave"),
            "team_id": rows.get("team_id"),
            "enumerator_id": rows.get("enumerator_id"),
            "row_id": rows.get("_id"),
            "variable": variable,
            "item": item,
            "message": message,
            "detail": detail,
        },
        index=rows.index,
        columns=COLUMNS,
    )


def nothing(check: str) -> pd.DataFrame:
    """Lay out no flag."""
    return flags(check, pd.DataFrame(), "")


def typed(found: pd.DataFrame) -> pd.DataFrame:
    """Give flags their types."""
    text = dict.fromkeys([c for c in COLUMNS if c != "row_id"], "str")
    return found.astype({**text, "row_id": "Int64"})


def percent(share: pd.Series) -> pd.Series:
    """Write shares as whole percentages."""
    return (100 * share).round().astype("int64").astype("str") + " %"


def times(values: pd.Series, unit: str, decimals: int = 1) -> pd.Series:
    """Write numbers with their unit; a missing one as a dash."""
    return values.map(lambda v: "–" if pd.isna(v) else f"{v:.{decimals}f} {unit}").astype("str")


def present(frame: pd.DataFrame, names: tuple[str, ...] | list[str]) -> list[str]:
    """Return those of `names` that are columns of `frame`."""
    return [name for name in names if name in frame]


def columns_of(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the column of a question, or its columns where it takes several choices."""
    return [name] if name in frame else [c for c in frame.columns if c.startswith(f"{name}__")]


def joined(check: str, found: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the flags of one check together."""
    filled = [part for part in found if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else nothing(check)


def distances(values: pd.Series, least: int) -> pd.Series:
    """Return modified z-scores (Iglewicz and Hoaglin 1993); missing where fewer than `least` values.

    Where more than half of the values are equal, the mean absolute deviation takes the place of the median.
    """
    if len(values) < least:
        return values * float("nan")
    deviation = values - values.median()
    scale = MAD_TO_SD * deviation.abs().median() or MEAN_AD_TO_SD * deviation.abs().mean()
    return deviation / scale if scale else deviation * float("nan")


def wilson(count: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    p = count / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return middle - half, middle + half

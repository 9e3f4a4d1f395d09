"""Hold what the checks look at and lay out what they find; finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import pandas as pd

from survey_tools.errors import ContractError
from survey_tools.params import CheckSettings

MAD_TO_SD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
MEAN_AD_TO_SD = 1.2533
"""The same over its mean absolute deviation."""

COLUMNS = [
    "check", "wave", "team_id", "enumerator_id", "row_id", "variable", "item", "message", "detail",
]  # fmt: skip
WHO = ["wave", "team_id", "enumerator_id"]


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
    findings : DataFrame, optional
        `_id, kind, path`: what the form itself would not have let through.
    times, totals : DataFrame, optional
        From audit logs: `_id, path, seconds` a screen, and `_id, seconds` an interview.
    versions : DataFrame, optional
        `version, deployed` (UTC) of the form.
    locations : DataFrame, optional
        `_id` and a pair of columns `<question>_lat`, `<question>_lon`; only distances are passed on.
    free_text : DataFrame, optional
        `_id, variable, text`; never passed on.
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
    findings: pd.DataFrame | None = None
    times: pd.DataFrame | None = None
    totals: pd.DataFrame | None = None
    versions: pd.DataFrame | None = None
    locations: pd.DataFrame | None = None
    free_text: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None

    @cached_property
    def who(self) -> pd.DataFrame:
        """Wave, team and enumerator of every row of the form, by `_id`."""
        known = (self.household, self.visits, self.backchecks, self.dropped)
        parts = [t.reindex(columns=["_id", *WHO]) for t in known if t is not None and len(t)]
        if not parts:
            return pd.DataFrame(columns=WHO, index=pd.Index([], name="_id"))
        return pd.concat(parts, ignore_index=True).drop_duplicates("_id").set_index("_id")

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


INPUTS = tuple(f.name for f in fields(Fieldwork) if f.default is None)
"""Tables of `Fieldwork` that may be missing."""


def flags(
    check: str,
    rows: pd.DataFrame,
    message: str | pd.Series,
    *,
    detail: str | pd.Series = "",
    variable: str | pd.Series | None = None,
    item: str | pd.Series | None = None,
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
        What tells two flags of the same row and question apart: a month, a line of the roster, the other
        row of a pair.
    """
    return pd.DataFrame(
        {
            "check": check,
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

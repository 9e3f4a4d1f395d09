"""Lay out what the supervisor's sheets are about: teams, enumerators, their flags and their progress.

Finds no flag, and says nothing in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from survey_tools import contracts
from survey_tools.errors import ContractError
from survey_tools.params import Study
from survey_tools.register import Register
from survey_tools.report.sheets.flags import STATES, ordered

FOLLOWED = ("key", "state", "first_seen", "last_seen")
"""Columns that a flag has once it has been followed from run to run."""
HOUSEHOLD = "household"
ENUMERATOR = "enumerator_id"
USUAL_CODE = r"[A-Za-z]{0,3}[0-9]{1,4}"
"""An enumerator's code where the register does not say how one is written."""


@dataclass(frozen=True)
class Progress:
    """Interviews of a team or an enumerator in one wave.

    `drawn` is None for an enumerator, `teams` (teams visited) for a team; `begun` says whether anybody has
    been interviewed in the wave.
    """

    wave: str
    interviews: int
    begun: bool
    drawn: int | None = None
    teams: int | None = None


@dataclass(frozen=True)
class FieldData:
    """What the sheets are made from; a team or an enumerator that is no code has been blanked.

    Attributes
    ----------
    study : Study
    day : date
        Of the check.
    flags : DataFrame
        Contract `flags`, by urgency.
    interviews : DataFrame
        `wave, team_id, enumerator_id, interviews`.
    drawn : Series
        Households drawn, by team.
    teams : DataFrame
        By team: `name_vi, name_en, commune_vi, commune_en`.
    not_codes : int
        Flags in which a team or an enumerator was blanked.
    """

    study: Study
    day: date
    flags: pd.DataFrame
    interviews: pd.DataFrame
    drawn: pd.Series
    teams: pd.DataFrame
    not_codes: int

    @cached_property
    def team_codes(self) -> list[str]:
        """Teams in which somebody was drawn or interviewed or something was found, by code."""
        return _codes(self.drawn.index, self.interviews["team_id"], self.flags["team_id"])

    @cached_property
    def enumerator_codes(self) -> list[str]:
        """Enumerators who interviewed or of whom something was found, by code."""
        return _codes(self.interviews[ENUMERATOR], self.flags[ENUMERATOR])

    @cached_property
    def begun(self) -> frozenset[str]:
        """Waves in which somebody has been interviewed."""
        return frozenset(self.interviews.loc[self.interviews["interviews"] > 0, "wave"])

    @cached_property
    def of_survey(self) -> pd.DataFrame:
        """Flags about neither a team nor an enumerator."""
        return self.flags.loc[self.flags["team_id"].isna() & self.flags[ENUMERATOR].isna()]

    def flags_by(self, column: str) -> dict[str, pd.DataFrame]:
        """Part the flags by team (`team_id`) or enumerator (`enumerator_id`), each part by urgency."""
        return {str(code): part for code, part in self.flags.groupby(column, sort=False)}

    @cached_property
    def team_progress(self) -> dict[str, tuple[Progress, ...]]:
        """Progress of each team, by wave."""
        done = self.interviews.groupby(["team_id", "wave"])["interviews"].sum().to_dict()
        waves = self.study.waves.all
        return {
            code: tuple(
                Progress(
                    wave,
                    int(done.get((code, wave), 0)),
                    wave in self.begun,
                    drawn=int(self.drawn.get(code, 0)),
                )
                for wave in waves
            )
            for code in self.team_codes
        }

    @cached_property
    def enumerator_progress(self) -> dict[str, tuple[Progress, ...]]:
        """Progress of each enumerator, by wave."""
        some = self.interviews.loc[self.interviews["interviews"] > 0]
        grouped = some.groupby([ENUMERATOR, "wave"])
        done = grouped["interviews"].sum().to_dict()
        teams = grouped["team_id"].nunique().to_dict()
        return {
            code: tuple(
                Progress(
                    wave,
                    int(done.get((code, wave), 0)),
                    wave in self.begun,
                    teams=int(teams.get((code, wave), 0)),
                )
                for wave in self.study.waves.all
            )
            for code in self.enumerator_codes
        }


def gather(
    study: Study,
    flags: pd.DataFrame,
    *,
    teams: pd.DataFrame,
    communes: pd.DataFrame,
    interviews: pd.DataFrame,
    drawn: pd.DataFrame,
    registers: Mapping[str, Register],
    day: date,
) -> FieldData:
    """Check what the sheets are made from and lay it out; see `sheets.write_sheets` for the parameters.

    Raises
    ------
    ContractError
        When a table lacks columns, or the flags break their contract.
    """
    _require(flags, FOLLOWED, "flags")
    _require(interviews, ("wave", "team_id", ENUMERATOR, "interviews"), "interviews")
    _require(drawn, ("team_id", "drawn"), "drawn")
    flags = contracts.validate(flags, "flags").reset_index(drop=True)
    code = _enumerator_code(registers)
    known = _only_codes(flags, code)
    blanked = (flags.notna() & known.isna())[["team_id", ENUMERATOR]].any(axis=1)
    return FieldData(
        study=study,
        day=day,
        flags=ordered(known),
        interviews=_only_codes(interviews, code),
        drawn=drawn.set_index("team_id")["drawn"],
        teams=_named(teams, communes),
        not_codes=int(blanked.sum()),
    )


def count_states(flags: pd.DataFrame) -> tuple[int, ...]:
    """Count flags by state, in the order of `STATES`."""
    counts = flags["state"].value_counts()
    return tuple(int(counts.get(state, 0)) for state in STATES)


def _require(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ContractError(
            f"The supervisor's sheets cannot be made: the table «{name}» lacks columns.",
            expected=", ".join(columns),
            found="without " + ", ".join(missing),
            next_step="make the sheets from what `survey-tools check` hands on",
        )


def _enumerator_code(registers: Mapping[str, Register]) -> str:
    """Return the regular expression of an enumerator's code, as the register of the household form has it."""
    register = registers.get(HOUSEHOLD)
    if register is None or ENUMERATOR not in register:
        return USUAL_CODE
    question = register[ENUMERATOR]
    return question.pattern or "|".join(map(re.escape, question.codes)) or USUAL_CODE


def _only_codes(frame: pd.DataFrame, enumerator: str) -> pd.DataFrame:
    """Blank what stands for a wave, a team or an enumerator and is no code: it may be a name."""
    patterns = {"wave": contracts.WAVE, "team_id": contracts.TEAM, ENUMERATOR: enumerator}
    text = frame.assign(**{c: frame[c].astype("str") for c in patterns})
    kept = {c: text[c].where(text[c].str.fullmatch(p).fillna(False)) for c, p in patterns.items()}
    return text.assign(**kept)


def _named(teams: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    names = communes.rename(columns={"name_vi": "commune_vi", "name_en": "commune_en"})
    named = teams.merge(
        names[["code", "commune_vi", "commune_en"]],
        left_on="commune_code",
        right_on="code",
        how="left",
        validate="m:1",
    )
    return named.set_index("team_id")[["name_vi", "name_en", "commune_vi", "commune_en"]]


def _codes(*found: pd.Series | pd.Index) -> list[str]:
    return sorted({str(code) for part in found for code in part.dropna()})

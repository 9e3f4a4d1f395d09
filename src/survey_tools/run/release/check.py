"""Check a release pack as a stranger reads it, against what the study file allows and the workspace knows.

Builds nothing and repairs nothing. A pack passes when no finding fails; no finding shows a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from survey_tools.clean.personal_data.anonymity import k_anonymity
from survey_tools.clean.personal_data.suppress import EVERYWHERE, labels_of
from survey_tools.params import Workspace
from survey_tools.report.codebook.entry import Entry
from survey_tools.run.release.files import DATA, FILES, HOUSEHOLDS, PANEL, SUMS, ReadPack, sums
from survey_tools.run.release.means import compare_means, share_in_order
from survey_tools.run.release.pack import (
    AREA,
    HOUSEHOLD,
    TEAM,
    WAVE,
    areas_of,
    fixed_columns,
    release_entries,
)
from survey_tools.run.scan import Scanner, open_scanner

RANGES = {"binary": (0.0, 1.0), "share": (0.0, 1.0), "number": (0.0, 999.0), "amount": (0.0, 9999.0),
          "index": (-50.0, 50.0)}  # fmt: skip
"""What an answer of a type may be; a code, a phone or a date lies outside."""

ANY = (-50.0, 999.0)
"""The same where the type is not known."""

MOST_IN_ORDER = 0.5
"""Share of households from which on their numbers are taken to follow the order of their codes."""

_NUMBER = re.compile(r"-?\d{1,4}(?:\.\d{1,4})?")
_FINE_DATES = re.compile(
    r"\d{4}-\d{2}-\d{2}|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\d{2}:\d{2}:\d{2}|\b\d{13}\b"
)
_CODES = {
    "a household code": re.compile(r"\d{5}-?T\d{2}-?H\d{3}", re.IGNORECASE),
    "a team code": re.compile(r"\d{5}-?T\d{2}", re.IGNORECASE),
    "a staff code": re.compile(r"\bE\d{2}\b"),
    "an identity of a submission": re.compile(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", re.IGNORECASE
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `ok` None where there was nothing to compare with; `told` says what was found."""

    name: str
    ok: bool | None
    told: str

    def __str__(self) -> str:
        """Name and words."""
        return f"{self.name}: {self.told}"


@dataclass(frozen=True)
class Check:
    """What was looked at in a pack, and how far headline means are from those of the full data.

    Attributes
    ----------
    findings : tuple of Finding
    means : DataFrame
        One row a headline outcome and group at the endline: `outcome, group, pack, full, difference`. A
        group told by a suppressed variable loses households; nothing else may differ.
    """

    findings: tuple[Finding, ...]
    means: pd.DataFrame = field(repr=False)

    @property
    def failed(self) -> list[Finding]:
        """What keeps the pack from being released."""
        return [finding for finding in self.findings if finding.ok is False]


def check_pack(ws: Workspace, pack: ReadPack) -> Check:
    """Look at everything that a pack promises.

    Parameters
    ----------
    ws : Workspace
        Its study file says what may be released; its private values are looked for; its panel, if it is
        there, is what the counts and means are compared with.
    pack : ReadPack

    Raises
    ------
    ParamsError, DisclosureError
        When the study file releases what it may not.
    """
    look = _Look(ws, pack)
    findings = [Finding(name, *see(look)) for name, see in LOOKS.items()]
    means = compare_means(ws, look.households, look.panel, look.full if look.whole else None)
    return Check(tuple(findings), means)


_Seen = tuple[bool | None, str]


class _Look:
    """A pack and what it is held against."""

    def __init__(self, ws: Workspace, pack: ReadPack) -> None:
        self.ws, self.pack, self.settings = ws, pack, ws.study.release
        self.arm = ws.study.design.treatment
        self.households, self.panel = pack.table(HOUSEHOLDS), pack.table(PANEL)
        path = ws.analysis / "panel.parquet"
        self.full = pd.read_parquet(path) if path.is_file() else None

    @cached_property
    def scanner(self) -> Scanner:
        """Knows the private values of the workspace."""
        return open_scanner(self.ws)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """Descriptions of the variables that are released; empty where there is no panel."""
        return {} if self.full is None else release_entries(self.ws, self.full)

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """Columns that each table must have, in order."""
        return {
            HOUSEHOLDS: [*fixed_columns(self.ws), *self.settings.quasi],
            PANEL: [HOUSEHOLD, WAVE, *self.settings.answers],
        }

    @cached_property
    def whole(self) -> bool:
        """Whether both tables have their columns, so that their values can be looked at."""
        return all(list(self.pack.table(name).columns) == self.columns[name] for name in DATA)

    # ------------------------------------------------------------------ what is looked at

    def files(self) -> _Seen:
        """All files, and no others."""
        missing = [name for name in FILES if name not in self.pack.files]
        strange = [name for name in self.pack.files if name not in FILES]
        told = [f"{name} is missing" for name in missing] + [
            f"{name} does not belong" for name in strange
        ]
        return not told, "; ".join(told) or f"{len(FILES)} files"

    def sums(self) -> _Seen:
        """Checksums are those of the files."""
        held = {name: content for name, content in self.pack.files.items() if name != SUMS}
        same = self.pack.files.get(SUMS) == sums(held)
        return same, "as listed" if same else "a file is not as it was when the pack was made"

    def metadata(self) -> _Seen:
        """Nothing is written beside the files: dates, rights, comments."""
        return not self.pack.beside, "; ".join(self.pack.beside) or "none"

    def allowed(self) -> _Seen:
        """Columns are those that the study file releases; each of a class that may go."""
        assert self.entries is not None  # noqa: S101 - refuses what may not go
        told = []
        for name in DATA:
            there, wanted = list(self.pack.table(name).columns), self.columns[name]
            strange = [column for column in there if column not in wanted]
            told += [f"{name} has the column {column}" for column in strange]
            told += [f"{name} lacks {column}" for column in wanted if column not in there]
        told = told or ([] if self.whole else ["columns stand in another order, or twice"])
        return not told, "; ".join(told) or "as the study file has them"

    def values(self) -> _Seen:
        """Every cell is one that the rules can give."""
        if not self.whole:
            return False, "not looked at: the columns are not as they must be"
        wrong = list(self._strange_values())
        return not wrong, "; ".join(wrong) or "as the rules give them"

    def rows(self) -> _Seen:
        """Households stand once, interviews once a wave, numbers run from 1, and all are of the panel."""
        if not self.whole:
            return False, "not looked at: the columns are not as they must be"
        wrong = list(self._wrong_rows())
        told = f"{len(self.households)} households, {len(self.panel)} interviews"
        return not wrong, "; ".join(wrong) or told

    def k_households(self) -> _Seen:
        """Enough households share each combination of what may be known of them."""
        if not self.whole:
            return False, "not looked at: the columns are not as they must be"
        quasi = [AREA, self.arm, *self.settings.quasi]
        found = k_anonymity(self.households, quasi)
        ok = found.smallest >= self.settings.k
        below = f", {found.share_below(self.settings.k):.1%} of households in smaller ones"
        return ok, f"smallest class {found.smallest}, wanted {self.settings.k}" + (
            "" if ok else below
        )

    def k_teams(self) -> _Seen:
        """Enough teams share place and arm."""
        if not self.settings.teams or not self.whole:
            return None, "no numbers of teams"
        teams = self.households.drop_duplicates(TEAM)
        found = k_anonymity(teams, [AREA, self.arm])
        mixed = self.households.groupby(TEAM)[[AREA, self.arm]].nunique().gt(1).any(axis=None)
        if mixed:
            return False, "a team has two places or arms"
        return found.smallest >= self.settings.k, f"smallest class {found.smallest} teams"

    def team_labels(self) -> _Seen:
        """No answer tells the team: none is the same within every team and differs between teams."""
        if not self.settings.teams or not self.whole:
            return None, "no numbers of teams"
        merged = self.panel.merge(self.households[[HOUSEHOLD, TEAM]], on=HOUSEHOLD, how="left")
        telling = []
        for name in self.settings.answers:
            said = merged.loc[merged[name] != ""]
            within = said.groupby(TEAM)[name].nunique()
            if len(within) > 1 and within.max() == 1 and said[name].nunique() > 1:
                telling.append(name)
        return not telling, f"{', '.join(telling)} tells the team" if telling else "none"

    def known_values(self) -> _Seen:
        """No phone, position, code, number, name or token of this workspace, nor what looks like one."""
        found: dict[str, int] = {}
        for name in FILES[:-1]:
            findings, unread = self.scanner.scan(name, self.pack.files.get(name, b""))
            for one in (*findings, *unread):
                found[str(one)] = found.get(str(one), 0) + 1
        told = "; ".join(list(found)[:5])
        return not found, told or f"none of {len(self.scanner.known)} known values"

    def codes(self) -> _Seen:
        """No code of a household, team, enumerator or submission, in data or text."""
        found = [
            f"{name} holds what looks like {kind}"
            for name, text in self._texts()
            for kind, pattern in _CODES.items()
            if pattern.search(text)
        ]
        return not found, "; ".join(found) or "none"

    def dates(self) -> _Seen:
        """No date finer than a month, and no time."""
        found = [name for name, text in self._texts() if _FINE_DATES.search(text)]
        return not found, f"in {', '.join(found)}" if found else "none finer than a month"

    def order(self) -> _Seen:
        """Numbers of households do not follow the order of their codes."""
        if self.full is None or not self.whole or len(self.households) < 10:
            return None, "nothing to compare with"
        share = share_in_order(self.ws, self.panel, self.full)
        told = f"{share:.0%} of households stand where the order of codes has them"
        return share < MOST_IN_ORDER, told

    # ------------------------------------------------------------------ how

    def _texts(self) -> Iterator[tuple[str, str]]:
        for name in FILES[:-1]:
            yield name, self.pack.files.get(name, b"").decode("utf-8", "replace")

    def _strange_values(self) -> Iterator[str]:
        places = {EVERYWHERE, *(area.code for area in areas_of(self.ws).values())}
        yield from _outside(self.households, AREA, places.__contains__)
        yield from _outside(self.households, self.arm, {"0", "1"}.__contains__)
        yield from _outside(self.panel, WAVE, set(self.ws.study.waves.all).__contains__)
        for name in self.settings.quasi:
            yield from _outside(self.households, name, self._rule(name))
        for name in self.settings.answers:
            yield from _outside(self.panel, name, self._rule(name))

    def _rule(self, name: str) -> Callable[[str], bool]:
        """Say of a cell whether the rule of a variable can give it."""
        rule, entry = self.settings.recode.get(name), self.entries.get(name)
        labels = labels_of(rule) if rule is not None else None
        if labels is None and entry is not None and entry.codes:
            labels = [code.code for code in entry.codes]
        if labels is not None:
            return {"", *labels}.__contains__
        low, high = RANGES.get(entry.type if entry else "", ANY)
        top = high if rule is None or rule.top is None else float(rule.top)
        last = "" if rule is None else f"{rule.top}+"
        return lambda cell: cell in ("", last) or _is_number(cell, low, top)

    def _wrong_rows(self) -> Iterator[str]:
        numbers, panel = self.households[HOUSEHOLD], self.panel
        if sorted(numbers) != sorted(map(str, range(1, len(numbers) + 1))):
            yield "numbers of households are not 1, 2, 3 …, each once"
        if TEAM in self.households:
            teams = set(self.households[TEAM])
            if teams != set(map(str, range(1, len(teams) + 1))):
                yield "numbers of teams are not 1, 2, 3 …"
        if panel.duplicated([HOUSEHOLD, WAVE]).any():
            yield "a household stands twice in a wave"
        if set(panel[HOUSEHOLD]) != set(numbers):
            yield "the two tables do not have the same households"
        if self.full is None:
            return
        for what, there, here in (
            ("households", len(numbers), self.full["hhid"].nunique()),
            ("interviews", len(panel), len(self.full)),
        ):
            if there != here:
                yield f"{there} {what} in the pack, {here} in the analysis panel"


LOOKS: dict[str, Callable[[_Look], _Seen]] = {
    "files": _Look.files,
    "checksums": _Look.sums,
    "metadata": _Look.metadata,
    "columns": _Look.allowed,
    "values": _Look.values,
    "rows": _Look.rows,
    "k of households": _Look.k_households,
    "k of teams": _Look.k_teams,
    "labels of teams": _Look.team_labels,
    "order of households": _Look.order,
    "private values": _Look.known_values,
    "codes": _Look.codes,
    "dates": _Look.dates,
}
"""What is looked at, in order."""


def _is_number(cell: str, low: float, high: float) -> bool:
    return _NUMBER.fullmatch(cell) is not None and low <= float(cell) <= high


def _outside(table: pd.DataFrame, name: str, fits: Callable[[str], bool]) -> Iterator[str]:
    wrong = sum(not fits(cell) for cell in table[name])
    if wrong:
        yield f"{name}: {wrong} cell(s) that its rule cannot give"

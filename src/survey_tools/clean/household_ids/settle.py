"""Report groups of duplicates, and settle them by a person's decision or else by the stated rule.

The habit of `ieduplicates` (World Bank, iefieldkit): report, decide, apply. The report is a file in which
a person writes `keep` or `drop`; what has no decision follows the rule and is listed.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pandas as pd

from survey_tools.clean.corrections.read import ROW
from survey_tools.clean.csv_by_hand import AS_TEXT, is_day, read_sheet
from survey_tools.clean.household_ids.duplicates import not_the_household, sent_twice
from survey_tools.errors import ContractError
from survey_tools.files import replacing

DUPLICATES = "duplicates.csv"
"""File in `data/private/`: it holds household codes."""

TWICE, ONE_CODE = "same form sent twice", "two interviews under one code"
REPORT = ["group", "kind", "row_id", "hhid", "wave", "team_id", "enumerator_id", "sent", "differing",
          "differs", "rule", "decision", "decided_by", "decided_on", "reason"]  # fmt: skip
SETTLED = ["group", "kind", "row_id", "wave", "team_id", "enumerator_id", "rule", "decision",
           "settled", "settled_by"]  # fmt: skip
AND = "+"
"""Stands between the rows in the name of a group; of 2-3 a spreadsheet would make the second of March."""

SHOWN = 15
"""Questions named in the report; `differing` counts them all."""


@dataclass(frozen=True)
class Decision:
    """One decided line of the file; `line` counts the header as line 1."""

    line: int
    group: str
    row_id: int
    decision: str


@dataclass(frozen=True)
class Settled:
    """What to drop, by row of the frame given, and how each row of each group was settled."""

    losing: pd.Series
    table: pd.DataFrame
    report: pd.DataFrame


def copies(
    main: pd.DataFrame, roster: pd.DataFrame | None, decisions: tuple[Decision, ...] = ()
) -> Settled:
    """Settle forms that were sent twice: the first by `_id` stays, unless a person decided otherwise."""
    first = sent_twice(main, roster)
    if first.isna().all():
        return _nothing(main)
    rows = main.loc[first.notna()]
    groups = first[first.notna()].astype("str")
    return _settle(rows, groups, rows["_id"] != first[rows.index], TWICE, decisions, main)


def under_one_code(
    interviews: pd.DataFrame, roster: pd.DataFrame, decisions: tuple[Decision, ...] = ()
) -> Settled:
    """Settle interviews of one wave under one code: by decision, else by `not_the_household`."""
    several = interviews.duplicated(["hhid", "wave"], keep=False)
    if not several.any():
        return _nothing(interviews)
    rows = interviews.loc[several]
    groups = rows["hhid"].astype("str") + "|" + rows["wave"].astype("str")
    return _settle(
        rows, groups, not_the_household(interviews, roster), ONE_CODE, decisions, interviews
    )


def read_duplicates(path: Path) -> tuple[Decision, ...]:
    """Read the decided lines of the file, if there is one; lines without a decision are passed over.

    Raises
    ------
    ContractError
        Names the line with an unknown decision, no row, nobody who decided, or no day.
    """
    if not path.is_file():
        return ()
    return tuple(_decision(row) for row in _file(path).to_dict("records") if row["decision"])


def write_duplicates(path: Path, report: pd.DataFrame) -> Path:
    """Write the report for the person who decides, mode 0600; decisions in the file are kept.

    Parameters
    ----------
    path : Path
        `data/private/duplicates.csv`.
    report : DataFrame
        `CleanHousehold.duplicate_report`. A group that is in the file and no longer in the report
        is left out only where nothing was decided about it.
    """
    fresh = report.reindex(columns=REPORT).astype("str").fillna("")
    if path.is_file():
        old = _file(path)
        decided = old.loc[old["decision"] != ""].drop_duplicates(["group", "row_id"])
        written = ["decision", "decided_by", "decided_on", "reason"]
        fresh = fresh.drop(columns=written).merge(
            decided[["group", "row_id", *written]], on=["group", "row_id"], how="left",
            validate="m:1",
        ).fillna("")  # fmt: skip
        gone = decided.loc[~decided["group"].isin(fresh["group"])]
        fresh = pd.concat([fresh, gone])
    with replacing(path, "The list of duplicates could not be written") as temporary:
        fresh[REPORT].to_csv(temporary, index=False, encoding="utf-8-sig")
    return path


def check_decisions(decisions: tuple[Decision, ...], *settled: Settled) -> None:
    """Refuse decisions about rows that are no longer duplicates of each other.

    Raises
    ------
    ContractError
        Names the first such line.
    """
    known = {
        (str(group), int(row_id))
        for part in settled
        for group, row_id in zip(part.table["group"], part.table["row_id"], strict=True)
    }
    for item in decisions:
        if (item.group, item.row_id) not in known:
            raise ContractError(
                "A decision about duplicates no longer fits.",
                expected=f"rows {item.group.replace(AND, ', ')} to be one group of duplicates",
                found="another group, or none: rows came, went or were edited since",
                where=f"data/private/{DUPLICATES}, line {item.line}",
                next_step="take the lines of that group out, run again, and decide anew if it is listed",
            )


def _settle(
    rows: pd.DataFrame,
    groups: pd.Series,
    losing: pd.Series,
    kind: str,
    decisions: tuple[Decision, ...],
    main: pd.DataFrame,
) -> Settled:
    named = rows["_id"].astype("str").groupby(groups).transform(lambda ids: AND.join(_sorted(ids)))
    ruled = losing.reindex(rows.index).map({True: "drop", False: "keep"})
    decided = {(d.group, d.row_id): d.decision for d in decisions}
    pairs = zip(named, rows["_id"], strict=True)
    decision = pd.Series([decided.get((g, int(i)), "") for g, i in pairs], index=rows.index)
    settled = _complete(named, decision, ruled)
    table = rows.reindex(columns=["wave", "team_id", "enumerator_id"]).assign(
        group=named, kind=kind, row_id=rows["_id"], rule=ruled, decision=decision, settled=settled,
        settled_by=(decision.groupby(named).transform("max") != "").map(
            {True: "decision", False: "rule"}
        ),
    )  # fmt: skip
    report = table.assign(
        hhid=rows["hhid"], sent=rows.get("_submission_time"), **_differences(rows, named)
    ).reindex(columns=REPORT)
    gone = settled.eq("drop").reindex(main.index, fill_value=False)
    return Settled(gone, _typed(table), report.sort_values(["group", "row_id"]))


def _complete(named: pd.Series, decision: pd.Series, ruled: pd.Series) -> pd.Series:
    """Return keep or drop for every row: the rule's, or in groups with a decision the person's.

    Where a person kept one row, the others leave; where a person dropped all but one, that one stays;
    where the rows left undecided are several, the rule must choose one of them.
    """
    settled = ruled.copy()
    for group, decided in decision[decision != ""].groupby(named):
        rows = named.index[named == group]
        undecided = rows.difference(decided.index)
        kept = list(decided.index[decided == "keep"])
        if not kept:
            kept = list(undecided) if len(undecided) == 1 else list(
                undecided[ruled[undecided].eq("keep")]
            )  # fmt: skip
        if len(kept) > 1 or (not kept and len(undecided)):
            _refuse_group(str(group), len(kept))
        settled[rows] = "drop"
        settled[kept] = "keep"
    return settled


def _refuse_group(group: str, kept: int) -> NoReturn:
    raise ContractError(
        "The decisions about a group of duplicates do not leave one row.",
        expected="one row that is kept, or all dropped",
        found=f"{kept or 'none'} of the rows {group.replace(AND, ', ')} kept",
        where=f"data/private/{DUPLICATES}",
        next_step="write keep at one row; two true households need their own codes first, in "
        "data/private/corrections.csv",
    )


def _differences(rows: pd.DataFrame, named: pd.Series) -> dict[str, pd.Series]:
    """Count and name the questions in which the rows of a group differ; never what was answered."""
    answers = rows[[c for c in rows.columns if not c.startswith(("_", "meta/"))]]
    several = answers.groupby(named).nunique(dropna=False) > 1
    names = several.apply(lambda row: "; ".join(several.columns[row][:SHOWN]), axis=1)
    return {"differing": named.map(several.sum(axis=1)), "differs": named.map(names)}


def _nothing(main: pd.DataFrame) -> Settled:
    empty = pd.DataFrame(columns=REPORT)
    losing = pd.Series(False, index=main.index)
    return Settled(losing, _typed(pd.DataFrame(columns=SETTLED)), empty)


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    text = dict.fromkeys([c for c in SETTLED if c != "row_id"], "str")
    ordered = table[SETTLED].sort_values(["kind", "group", "row_id"], ignore_index=True)
    return ordered.astype({**text, "row_id": "int64"})


def _sorted(ids: pd.Series) -> list[str]:
    return [str(one) for one in sorted(int(i) for i in ids)]


def _file(path: Path) -> pd.DataFrame:
    rows = read_sheet(path, f"data/private/{DUPLICATES}")
    missing = [name for name in REPORT if name not in rows]
    if missing:
        raise ContractError(
            "The list of duplicates lacks columns.",
            expected=", ".join(missing),
            where=f"data/private/{DUPLICATES}",
            next_step="move the file away; the next run writes it anew, without decisions",
        )
    return rows


def _decision(row: dict[Hashable, object]) -> Decision:
    cells = {str(name): str(value) for name, value in row.items()}
    cells["decision"] = cells["decision"].lower()
    problem, advice = None, "correct that line"
    if cells["decision"] not in ("keep", "drop"):
        problem = ("The decision is unknown.", "keep, drop, or a blank")
    elif not ROW.fullmatch(cells["row_id"]):
        problem = ("The line names no row.", "row_id as in the report")
    elif not cells["decided_by"] or not cells["reason"]:
        problem = ("A decision says who decided and why.", "decided_by and reason")
    elif not is_day(cells["decided_on"]):
        problem = ("A decision has its day.", "decided_on: a day such as 2026-02-01")
        advice = AS_TEXT
    if problem:
        raise ContractError(
            problem[0],
            expected=problem[1],
            where=f"data/private/{DUPLICATES}, line {cells['line']}",
            next_step=advice,
        )
    return Decision(int(cells["line"]), cells["group"], int(cells["row_id"]), cells["decision"])

"""Log which cells of the results are hidden or rounded: in public only that, for the team also why.

Why a cell is hidden is itself a statement about it. Whoever knows that it is hidden for its small count knows
that it counts 1 to 4, and one hidden to protect another one counts none of these; published with the pattern,
the reasons undo much of it (Hundepool et al. 2012, Statistical Disclosure Control, section 4.4; Duncan,
Elliot and Salazar 2011, Statistical Confidentiality, section 4.2). So the log beside the pages gives the
state alone, of an empty cell as of every hidden one; how often each reason occurs is told over all tables
together, and only of reasons with many cells. The reasons cell by cell go beside the results, for its owner
alone: the whole folder of a run is handed out.
No log holds a value, a number of answers or a threshold. Not here: deciding
(`survey_tools.report.disclosure_cells` and its neighbours).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.files import PRIVATE, PUBLIC, replacing
from survey_tools.params import DisclosureSettings, Workspace
from survey_tools.report import markup
from survey_tools.report.disclosure_bases import ABOUT
from survey_tools.report.disclosure_cells import PAIRS, rest_is_unsafe
from survey_tools.report.numbers import Lang, Numbers
from survey_tools.report.shell import INDEX, Gate, foot, head, synthetic_banner, write_page
from survey_tools.report.shown import shown_tables
from survey_tools.report.shown_key import FOLDER
from survey_tools.report.small_cells import FEW, HIDDEN, unsafe
from survey_tools.report.wording import Wording

LOG = "suppression.csv"
"""File of the public log."""

REASONS = "suppression_reasons.csv"
"""File of the team's log, beside what is kept of the results, out of every folder that is handed out."""

PAGE = {"vi": "suppression.vi.html", "en": "suppression.en.html"}

TABLES = ("levels", "outreach", "choices", "communes", "effects", "changes", "gaps")
"""Tables whose cells are logged, as far as the results have them."""

KEYS = ("table", "area", "wave", "group", "variable", "choice")
"""What names a cell; empty where a table has no such part."""

ROUNDED = "rounded"
_STATES = {HIDDEN: HIDDEN, FEW: ROUNDED}
_OF_OTHERS = {"changes": "level_not_shown", "gaps": "level_not_shown"}
_RENAMED = {"commune_code": "area", "outcome": "variable", "estimand": "group"}
_CELL = ["area", "wave", "variable"]


def suppression_log(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """List every cell that is hidden or rounded.

    Parameters
    ----------
    tables : mapping
        What may be shown, of all areas (`survey_tools.report.shown.shown_tables`).

    Returns
    -------
    DataFrame
        `KEYS` and `state`: hidden or rounded; in order of the keys.
    """
    parts = [_named(tables[name], name) for name in TABLES if name in tables]
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "state"], dtype=str)
    log = pd.concat(parts, ignore_index=True)
    log["state"] = log["state"].map(_STATES)
    log = log.dropna(subset="state")[[*KEYS, "state"]]
    return log.sort_values(list(KEYS), kind="stable").reset_index(drop=True)


def suppression_reasons(
    log: pd.DataFrame, results: Mapping[str, pd.DataFrame], rules: DisclosureSettings
) -> pd.DataFrame:
    """Say of each cell of a log why it is hidden or rounded; for the team.

    Parameters
    ----------
    log : DataFrame
        What `suppression_log` returns.
    results : mapping
        Tables as they were estimated, by name.
    rules : DisclosureSettings

    Returns
    -------
    DataFrame
        `log` with `reason`: `nobody` answered, `few_answers`, `small_count` (of these or of all others),
        `remainder` (a group would tell an unsafe rest of everybody), `pair` (its counterpart, or both
        together, are hidden), `other_cells` (hidden to protect another area, table, or sum),
        `level_not_shown` (of a difference), `no_estimate`, `rounded`.
    """
    parts = []
    for name, rows in log.groupby("table", sort=False):
        raw = _named(results[str(name)], str(name)) if str(name) in results else rows
        parts.append(rows.assign(reason=_reasons(rows, raw, str(name), rules)))
    return pd.concat(parts).loc[log.index] if parts else log.assign(reason="")


def write_suppression(ws: Workspace, run: str, gate: Gate | None = None) -> tuple[Path, ...]:
    """Write `suppression.csv` and a page a language beside a run's pages, and the reasons beside the results.

    A file that would not change is left as it is.

    Parameters
    ----------
    ws : Workspace
    run : str
    gate : callable, optional
        See `shell.write_page`.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    RunError
        When the disk is full or the folder cannot be written.
    """
    folder = ws.reports(run)
    log = suppression_log(shown_tables(ws))
    there = [name for name in TABLES if (ws.results / f"{name}.parquet").is_file()]
    results = {name: contracts.read_table(ws.results, name) for name in there}
    reasons = suppression_reasons(log, results, ws.study.disclosure)
    texts = {
        folder / LOG: (log.to_csv(index=False, lineterminator="\n"), PUBLIC),
        ws.results / FOLDER / REASONS: (reasons.to_csv(index=False, lineterminator="\n"), PRIVATE),
    }
    (folder / "logs" / LOG).unlink(missing_ok=True)  # where an earlier version left the reasons
    written = [path for path, (text, mode) in texts.items() if _write(path, text, mode, gate)]
    for lang in ws.study.report.languages:
        page = _page(ws, lang, log, reasons)
        path = folder / PAGE[lang]
        if not _is(path, page):
            written.append(write_page(path, page, gate))
    return tuple(written)


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give a table the columns of the log; `state` as the table says it."""
    frame = (
        table.drop(columns=["variable", "group"], errors="ignore") if name == "communes" else table
    )
    frame = frame.rename(columns={k: v for k, v in _RENAMED.items() if v not in frame})
    state = "disclosure" if "disclosure" in frame else "status"
    frame = frame.assign(table=name, state=frame.get(state, ""))
    if ABOUT in frame:
        frame["state"] = frame["state"].mask(frame[ABOUT] & frame["state"].ne(HIDDEN), FEW)
    for key in KEYS:
        if key not in frame:
            frame[key] = "district" if key == "area" else ""
    return frame.reset_index(drop=True)


def _reasons(
    rows: pd.DataFrame, raw: pd.DataFrame, name: str, rules: DisclosureSettings
) -> np.ndarray:
    raw = raw.assign(
        n=raw.get("n", pd.Series(np.nan, index=raw.index)),
        numerator=raw.get("numerator", pd.Series(np.nan, index=raw.index)),
        estimate=raw.get("estimate", pd.Series(0.0, index=raw.index)),
    )
    raw["numerator"] = raw["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    raw["small"] = unsafe(raw["n"], raw["numerator"], rules)
    raw["rest"] = rest_is_unsafe(raw, _CELL, rules) if name in ("levels", "outreach") else False
    raw["pair"] = _pair_is_unsafe(raw) if name in ("levels", "outreach") else False
    columns = ["n", "estimate", "small", "rest", "pair"]
    both = rows[list(KEYS)].merge(raw[[*KEYS, *columns]], on=list(KEYS), how="left")
    few = both["n"].between(1, rules.round_from - 1)
    conditions = {
        "rounded": rows["state"].eq(ROUNDED).to_numpy(),
        "nobody": both["n"].eq(0),
        "few_answers": few,
        "small_count": both["small"].eq(True),
        "remainder": both["rest"].eq(True),
        "no_estimate": both["estimate"].isna(),
        "pair": both["pair"].eq(True),
    }
    default = _OF_OTHERS.get(name, "other_cells")
    return np.select([np.asarray(c, bool) for c in conditions.values()], list(conditions), default)


def _pair_is_unsafe(raw: pd.DataFrame) -> pd.Series:
    """Tell which groups stand beside one, or below everybody, who must not be known."""
    pair = raw["group"].map({group: place for place, two in enumerate(PAIRS) for group in two})
    keys = [raw[name] for name in _CELL]
    own = raw["small"].groupby([*keys, pair], dropna=False).transform("any")
    everybody = (raw["small"] & raw["group"].eq("all")).groupby(keys).transform("any")
    return (own | everybody) & pair.notna()


def _page(ws: Workspace, lang: Lang, log: pd.DataFrame, reasons: pd.DataFrame) -> str:
    words = Wording(lang)
    others = [other for other in ws.study.report.languages if other != lang]
    links = [(words("to_index"), INDEX[lang], lang)]
    links += [(Wording(other)("lang_name"), PAGE[other], other) for other in others]
    rules = ws.study.disclosure
    limits = {"show": rules.show_from, "round": rules.round_from, "count": rules.hide_counts_to}
    title = words("suppression_title")
    parts = [
        head(words, title, links),
        synthetic_banner(words) if ws.study.study.synthetic else "",
        markup.title(title).source,
        markup.paragraphs(
            [
                words("suppression_what"),
                words("suppression_rules", **limits),
                words("suppression_why"),
            ]
        ).source,
        f'<p><a href="{LOG}">{LOG}</a></p>',
        _by_table(words, log)._repr_html_(),
        _by_reason(words, reasons, rules.round_from)._repr_html_(),
        foot(),
    ]
    return "\n".join(part for part in parts if part)


def _by_table(words: Wording, log: pd.DataFrame) -> markup.Table:
    count = Numbers(words.lang).count
    found = log.value_counts(["table", "state"]).to_dict()
    rows = tuple(
        (
            words(f"suppression_table_{name}"),
            *(count(found.get((name, state), 0)) for state in (HIDDEN, ROUNDED)),
        )
        for name in TABLES
        if name in set(log["table"])
    )
    columns = tuple(words(f"suppression_col_{name}") for name in ("table", HIDDEN, ROUNDED))
    return markup.Table(words("suppression_by_table"), columns, rows)


def _by_reason(words: Wording, reasons: pd.DataFrame, least: int) -> markup.Table:
    """Count reasons over all tables; those of few cells are counted together."""
    counts = reasons.loc[reasons["state"].eq(HIDDEN), "reason"].value_counts()
    told = counts[counts.ge(least)].sort_index()
    rare = int(counts[counts.lt(least)].sum())
    number = Numbers(words.lang).count
    rows = [(words(f"suppression_reason_{name}"), number(int(n))) for name, n in told.items()]
    if rare:
        rows.append((words("suppression_reason_rare"), number(rare)))
    columns = (words("suppression_col_reason"), words("suppression_col_cells"))
    return markup.Table(words("suppression_by_reason"), columns, tuple(rows))


def _write(path: Path, text: str, mode: int, gate: Gate | None) -> bool:
    if _is(path, text):
        return False
    if gate is not None and mode == PUBLIC:
        gate(path.name, text.encode("utf-8"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, "The log of hidden cells could not be written", mode=mode) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return True


def _is(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode("utf-8")
    except OSError:
        return False

"""Pass the estimates of the statements of the news item to the district's page, few answers hidden.

A part of `disclosure`; estimates nothing. All rows are of the whole district.

What counts households, persons, businesses or what belongs to them is hidden and rounded as levels are. A
count of communes, schools, teams or reports counts no person: that three of 27 communes have no fibre is
public, so such rows are hidden only where there is no report.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey_tools import contracts
from survey_tools.params import Claims, DisclosureSettings, Workspace
from survey_tools.report.numbers import Lang
from survey_tools.report.small_cells import FEW, HIDDEN, SHOWN, STEPS, round_few

TABLE = "claims"
NO_PERSONS = ("communes", "schools", "teams", "reports", "classes")
"""Units of which small counts are shown: they are offices, and no persons."""

_NUMBERS = ["estimate", "conf_low", "conf_high"]
_COUNTS = ["n", "n_other", "numerator", "n_teams", "n_reports"]


def open_claims(ws: Workspace, lang: Lang) -> dict[str, pd.DataFrame]:
    """Read the estimates of the statements, disclosed, with what the page says of each.

    Returns
    -------
    dict
        The table under its name; nothing where the results or the study have none.
    """
    named = ws.claims
    if named is None or not (ws.results / f"{TABLE}.parquet").is_file():
        return {}
    table = contracts.read_table(ws.results, TABLE)
    shown = disclose_claims(table, ws.study.disclosure)
    return {TABLE: with_statements(shown, named, lang)}


def disclose_claims(table: pd.DataFrame, rules: DisclosureSettings) -> pd.DataFrame:
    """Decide for each row whether it is shown, shown rounded, or hidden.

    A row is hidden where it, or what it leaves over of a published base, counts fewer than `round_from`
    answers or 1 to `hide_counts_to` of them saying one thing; a difference, where either side does.

    Returns
    -------
    DataFrame
        Same rows with `shown` and `status`, without `smallest`; numbers are missing where hidden, and
        estimates rounded, intervals outwards, where few.
    """
    frame = table.reset_index(drop=True)
    of_persons = ~frame["unit"].isin(NO_PERSONS)
    answers = frame[["n", "n_other"]].astype("Float64").min(axis=1).fillna(np.inf)
    counted = frame["n"].notna()
    small = (counted & answers.between(1, rules.round_from - 1)) | (
        frame["smallest"].astype("Float64").between(1, rules.hide_counts_to).fillna(False)
    )
    hidden = (of_persons & small) | frame["estimate"].isna()
    few = of_persons & counted & answers.lt(rules.show_from) & ~hidden
    steps = frame["scale"].map(STEPS).fillna(STEPS["binary"])
    result = round_few(frame, few.astype(bool), steps)
    result[_COUNTS] = result[_COUNTS].mask(hidden)
    result["numerator"] = result["numerator"].mask(few)
    result[_NUMBERS] = result[_NUMBERS].mask(hidden)
    result["shown"] = result["estimate"]
    result["status"] = np.select([hidden.to_numpy(bool), few.to_numpy(bool)], [HIDDEN, FEW], SHOWN)
    return result.drop(columns="smallest")


def with_statements(shown: pd.DataFrame, named: Claims, lang: Lang) -> pd.DataFrame:
    """Set the texts of one language beside the rows: one row a reading, and one a statement without any.

    Returns
    -------
    DataFrame
        In the order of the statements. `statement`, `label`, `why`, `kind`, `state` are texts; a reading
        that the results do not have has the status `missing`, a statement without readings `none`.
    """
    texts = []
    for claim in named.claims:
        said = {
            "claim": claim.id,
            "kind": claim.kind,
            "state": claim.state,
            "statement": claim.statement_vi if lang == "vi" else claim.statement_en,
            "why": claim.note_vi if lang == "vi" else claim.note_en,
        }
        readings = named.readings_of(claim.id)
        for one in readings:
            label = one.label_vi if lang == "vi" else one.label_en
            texts.append({**said, "reading": one.reading, "label": label})
        if not readings:
            texts.append({**said, "reading": "", "label": ""})
    frame = pd.DataFrame(texts).merge(shown, on=["claim", "reading"], how="left", validate="1:1")
    missing = np.where(frame["reading"].eq(""), "none", "missing")
    return frame.assign(status=frame["status"].where(frame["status"].notna(), missing))

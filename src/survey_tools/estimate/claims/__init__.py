"""Estimate what the statements of the news item say, by their readings; passes no verdict.

Verdicts are for the pages, which know what may be shown.
"""

from __future__ import annotations

import pandas as pd

from survey_tools import contracts
from survey_tools.estimate.claims.answers import Answers
from survey_tools.estimate.claims.reports import log_row, site_row
from survey_tools.estimate.claims.rows import Row, table_of
from survey_tools.estimate.claims.spread import between_share, spread, spread_change
from survey_tools.estimate.design import Design
from survey_tools.params import Claims

__all__ = ["between_share", "claims", "spread", "spread_change"]

_KEYS = ["hhid", "wave"]
_TWICE = ["commune_code", "team_id", "area_list"]


def claims(
    named: Claims,
    panel: pd.DataFrame,
    claim_answers: pd.DataFrame,
    sites: pd.DataFrame,
    team_months: pd.DataFrame,
    design: Design,
) -> pd.DataFrame:
    """Estimate every reading of every statement over the whole district.

    Parameters
    ----------
    named : Claims
        Statements and readings, as `survey_tools.params.read_claims` reads them.
    panel, claim_answers, sites, team_months : DataFrame
        Contracts of these names.
    design : Design

    Returns
    -------
    DataFrame
        Contract `claims`: one row a statement and reading, in the order of the readings. Shares are
        between 0 and 1. Reports have no interval.

    Raises
    ------
    DesignError
        When a reading names a column or a population that the tables do not have.
    """
    contracts.same_list(panel=panel, claim_answers=claim_answers, sites=sites, months=team_months)
    further = claim_answers.drop(columns=_TWICE, errors="ignore")
    both = panel.merge(further, on=_KEYS, how="left", validate="1:1")
    if len(both) != len(panel):
        raise AssertionError("rows were lost or doubled beside the panel")
    answers = Answers(both, design)
    rows: list[Row] = []
    for reading in named.readings:
        if reading.source == "households":
            rows.append(answers.row(reading))
        elif reading.source == "sites":
            rows.append(site_row(sites, reading))
        else:
            rows.append(log_row(team_months, reading))
    return contracts.validate(table_of(rows), "claims")

"""A whole run puts every statement of the news item on the district's page, in both languages."""

from __future__ import annotations

import re
from html import unescape

import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.params import open_workspace

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def ws(workspace):
    return open_workspace(workspace / "params" / "study.yml")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_district_page__has_every_statement_once_as_the_params_print_it(ws, lang):
    text = unescape((ws.reports("main") / f"district.{lang}.html").read_text("utf-8"))
    heads = re.findall(r'<th scope="row">(S\d\d [«“].*?[»”])(?:<br ?/?>|</th>)', text)
    marks = "«{}»" if lang == "vi" else "“{}”"
    printed = [
        f"{one.id} {marks.format(one.statement_vi if lang == 'vi' else one.statement_en)}"
        for one in ws.claims.claims
    ]
    assert sorted(heads) == sorted(printed)
    assert text.index('<h2 id="claims">') < text.index('<h2 id="balance">')


def test_results__have_every_reading_and_agree_with_plain_pandas(ws):
    table = contracts.read_table(ws.results, "claims").set_index(["claim", "reading"])
    assert list(table.index) == [(one.claim, one.reading) for one in ws.claims.readings]
    household = contracts.read_table(ws.clean, "household")
    roster = contracts.read_table(ws.clean, "roster")
    last = ws.study.waves.endline
    fibre = household.loc[household["wave"].eq(last), "net_fibre"]
    known = fibre[fibre.isin(["yes", "no"])]
    assert table.loc[("S15", "b"), "estimate"] == pytest.approx(known.eq("yes").mean())
    assert table.loc[("S15", "b"), "n"] == len(known)
    asked = roster[roster["wave"].eq(last) & roster["m_age"].ge(10) & roster["m_phone"].notna()]
    assert table.loc[("S14", "b"), "estimate"] == pytest.approx(asked["m_phone"].eq("smart").mean())
    site = contracts.read_table(ws.clean, "site")
    commune = site[site["site_type"].eq("commune")]
    latest = commune[commune["ref_month"].eq(commune["ref_month"].max())]
    share = latest["subs_smart"].sum() / latest["subs_total"].sum()
    assert table.loc[("S14", "a"), "estimate"] == pytest.approx(float(share))
    log = contracts.read_table(ws.clean, "team_log")
    june = log[log["month"].dt.month.eq(6)]
    assert table.loc[("S32", "c"), "estimate"] == june["acct_opened"].sum()


def test_results__no_household_stands_in_them(ws):
    table = pd.read_parquet(ws.results / "claims.parquet")
    assert not {"hhid", "team_id", "commune_code"} & set(table)

"""The statements on the district's page: each once, no verdict beyond its interval, few answers hidden."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from html import unescape

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts
from survey_tools.params import open_workspace
from survey_tools.report import claims, open_results
from survey_tools.report.claim_verdicts import VERDICTS, WIDEST, verdict
from survey_tools.report.disclosure_claims import disclose_claims, open_claims, with_statements
from survey_tools.report.traced import plain
from survey_tools.report.wording import entries

LANGS = ("vi", "en")
COUNTS = ("n", "n_other", "numerator", "n_teams", "n_reports", "smallest")


def estimates(named):
    """Estimates of every reading, all of them shown as they are."""
    rows = []
    for one in named.readings:
        sample = one.source == "households"
        difference = one.statistic in ("change", "gap", "between_change")
        share = one.scale in ("binary", "share", "units")
        value = 0.031 if difference else 0.6 if share else 42.0
        row = {"claim": one.claim, "reading": one.reading, "source": one.source,
               "statistic": one.statistic, "scale": one.scale, "unit": one.unit, "test": one.test,
               "figure": one.figure, "estimate": value, "conf_low": value - 0.02 if sample else np.nan,
               "conf_high": value + 0.02 if sample else np.nan, "n": 1000, "numerator": 600,
               "n_other": 900 if difference else None, "n_teams": 150, "n_reports": None if sample else 27,
               "smallest": 400, "wave": "w3" if sample else "", "period": "" if sample else "2026-02/2026-10",
               "wave_from": "w1" if "change" in one.statistic else "", "method": "", "note": ""}  # fmt: skip
        rows.append(row)
    frame = pd.DataFrame(rows).astype(dict.fromkeys(COUNTS, "Int64") | {"figure": "float64"})
    return contracts.validate(frame, "claims")


@pytest.fixture(scope="module")
def table(ws):
    return estimates(ws.claims)


def page(ws, table, lang, **options):
    shown = with_statements(disclose_claims(table, ws.study.disclosure), ws.claims, lang)
    results = open_results(ws, lang, **options)
    return replace(results, evidence={**results.evidence, "claims": shown})


def html(results):
    return "\n".join(one._repr_html_() for one in claims.claims_tables(results))


@pytest.mark.parametrize("lang", LANGS)
def test_claims_tables__every_statement_stands_once_as_printed(ws, table, lang):
    results = page(ws, table, lang)
    heads = [plain(row[0] if isinstance(row[0], str) else row[0][0])
             for one in claims.claims_tables(results) for row in one.rows]  # fmt: skip
    marks = "«{}»" if lang == "vi" else "“{}”"
    for one in ws.claims.claims:
        statement = one.statement_vi if lang == "vi" else one.statement_en
        assert heads.count(f"{one.id} {marks.format(statement)}") == 1, one.id
    rows = sum(max(1, len(ws.claims.readings_of(one.id))) for one in ws.claims.claims)
    assert len(heads) == rows == len(set(heads))


@pytest.mark.parametrize("lang", LANGS)
def test_claims_tables__say_why_where_it_cannot_be_said(ws, table, lang):
    text = unescape(html(page(ws, table, lang)))
    for one in ws.claims.claims:
        why = one.note_vi if lang == "vi" else one.note_en
        assert why in text, one.id


def test_claims_tables__numbers_say_which_cell_they_are(ws, table):
    text = html(page(ws, table, "en", traces=True))
    cell = '<data value="0.6" data-source="claims?claim=S15&amp;reading=a#estimate">60%</data>'
    assert cell in text
    assert 'data-source="claims?claim=S15&amp;reading=a#figure">80%</data>' in text
    assert "�" not in text


def test_claims_tables__a_hidden_row_has_no_number(ws, table):
    few = table.assign(smallest=table["smallest"].mask(table["claim"].eq("S15"), 3))
    text = html(page(ws, few, "en", traces=True))
    cells = re.findall(r'<data value="([^"]*)" data-source="claims\?claim=S15[^>]*>([^<]*)', text)
    assert {value for value, _ in cells} == {"", "0.8"}  # what the source claims is no secret
    assert "Not shown" in text
    assert "not shown" in text  # the note below the table


def test_claims_tables__none_without_estimates(ws):
    results = open_results(ws, "vi")
    assert claims.claims_tables(results) == []
    assert claims.claims_intro(results) == [results.words("claims_none")]


def test_claims_tables__a_reading_that_was_not_estimated_says_so(ws, table):
    text = html(page(ws, table[table["claim"].ne("S15")], "en"))
    assert text.count("Not estimated yet") == len(ws.claims.readings_of("S15"))


def test_claims_tables__a_kind_nobody_knows_is_shown_all_the_same(ws, table):
    results = page(ws, table, "en")
    odd = results.evidence["claims"].assign(kind="rumour")
    shown = claims.claims_tables(replace(results, evidence={"claims": odd}))
    assert len(shown) == 1
    assert len(shown[0].rows) == len(odd)


def test_groups__hold_every_kind_of_the_params(ws):
    known = {kind for kinds in claims.GROUPS.values() for kind in kinds}
    assert {one.kind for one in ws.claims.claims} <= known


def sample(test, low, high, figure=0.8, **more):
    row = {"status": "shown", "state": "measured", "source": "households", "test": test, "scale": "binary",
           "estimate": (low + high) / 2, "conf_low": low, "conf_high": high, "figure": figure}  # fmt: skip
    return verdict(row | more)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.8, 0.85, "in_keeping"),
        (0.75, 0.8, "in_keeping"),
        (0.801, 0.85, "higher"),
        (0.7, 0.799, "lower"),
        (0.75, 0.75 + WIDEST, "in_keeping"),
        (0.75, 0.76 + WIDEST, "too_wide"),
        (0.2, 0.799, "lower"),
        (np.nan, np.nan, "no_interval"),
    ],
)
def test_verdict__a_figure_against_an_interval(low, high, wanted):
    assert sample("equal", low, high) == wanted


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.801, 0.85, "over_seen"),
        (0.8, 0.85, "over_unclear"),
        (0.76, 0.81, "over_unclear"),
        (0.75, 0.8, "over_unclear"),
        (0.7, 0.799, "lower"),
        (0.1, 0.95, "over_unclear"),
        (0.801, 0.801 + 0.99 * WIDEST, "over_seen"),
        (np.nan, np.nan, "no_interval"),
    ],
)
def test_verdict__over_a_figure_only_where_the_whole_interval_is(low, high, wanted):
    assert sample("over", low, high) == wanted


@pytest.mark.parametrize(
    ("test", "low", "high", "wanted"),
    [
        ("up", 0.001, 0.1, "up_seen"),
        ("up", 0.0, 0.1, "unclear"),
        ("up", -0.1, 0.0, "unclear"),
        ("up", -0.1, -0.001, "up_contrary"),
        ("down", -0.1, -0.001, "down_seen"),
        ("down", 0.001, 0.1, "down_contrary"),
        ("differ", -0.1, -0.001, "differs"),
        ("differ", -0.1, 0.1, "unclear"),
        ("up", np.nan, np.nan, "no_interval"),
    ],
)
def test_verdict__a_change_against_zero(test, low, high, wanted):
    assert sample(test, low, high, figure=np.nan) == wanted


def test_verdict__no_figure_another_base_and_nothing_to_say():
    assert sample("none", 0.1, 0.2) == "level"
    assert sample("other_base", 0.1, 0.2) == "other_base"
    assert sample("over", 0.1, 0.2, status="hidden") == "hidden"
    assert sample("over", 0.1, 0.2, status="missing") == "missing"
    for state in ("source_card", "elsewhere", "not_measured"):
        assert sample("none", 0, 0, status="none", state=state) == state


@pytest.mark.parametrize(
    ("test", "scale", "numerator", "n", "figure", "wanted"),
    [
        ("all", "units", 27, 27, 27, "reported_reached"),
        ("all", "units", 26, 27, 27, "reported_short"),
        ("all", "units", 26, 26, 27, "reported_incomplete"),
        ("equal", "units", 58, 58, 58, "reported_equal"),
        ("equal", "units", 59, 60, 58, "reported_more"),
        ("equal", "units", 57, 58, 58, "reported_short"),
        ("over", "share", 86, 100, 0.855, "reported_reached"),
        ("over", "share", 855, 1000, 0.855, "reported_short"),
        ("equal", "share", 704, 1000, 0.7, "reported_equal"),
        ("equal", "share", 63, 100, 0.7, "reported_short"),
        ("none", "share", 63, 100, np.nan, "reported"),
    ],
)
def test_verdict__reports_are_set_beside_the_figure(test, scale, numerator, n, figure, wanted):
    assert sample(test, np.nan, np.nan, figure, source="sites", scale=scale, numerator=numerator, n=n,
                  estimate=numerator / n) == wanted  # fmt: skip


def test_verdict__rounded_intervals_decide(ws, table):
    """Few answers: [0.62, 0.78] is shown as [0.60, 0.80], and then one cannot say lower than 0.8."""
    mine = table[table["claim"].eq("S15") & table["reading"].eq("a")]
    few = mine.assign(estimate=0.7, conf_low=0.7, conf_high=0.78, n=20, smallest=6)
    row = page(ws, few, "en").evidence["claims"].set_index(["claim", "reading"]).loc[("S15", "a")]
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((0.7, 0.8))
    assert pd.isna(row["numerator"])
    assert verdict(row) == "over_unclear"
    assert verdict({**row, "conf_high": 0.78}) == "lower"


def test_verdict__schools_visited_are_not_held_against_those_of_the_district(ws):
    """A count among some schools cannot fall short of one among all; the page says why."""
    one = next(x for x in ws.claims.readings if (x.claim, x.reading) == ("S17", "a"))
    assert (one.test, one.figure) == ("none", None)
    assert sample("none", np.nan, np.nan, np.nan, source="sites", scale="units") == "reported"
    claim = next(x for x in ws.claims.claims if x.id == "S17")
    assert "not held against 58" in claim.note_en
    assert "không đem so với 58" in claim.note_vi


@pytest.mark.parametrize(
    ("unit", "n", "n_other", "smallest", "status"),
    [
        ("households", 9, None, 9, "hidden"),
        ("households", 10, None, None, "few"),
        ("households", 29, None, 5, "few"),
        ("households", 30, None, 5, "shown"),
        ("households", 30, None, 4, "hidden"),
        ("adults", 400, 9, 100, "hidden"),
        ("adults", 400, 20, 100, "few"),
        ("businesses", 400, None, 1, "hidden"),
        ("stalls", 100, None, 2, "hidden"),
        ("communes", 27, None, 1, "shown"),
        ("schools", 5, None, 2, "shown"),
        ("teams", 154, None, 3, "shown"),
        ("reports", None, None, 2, "shown"),
    ],
)  # fmt: skip
def test_disclose_claims__few_answers_of_persons_are_hidden_and_offices_are_not(
    ws, table, unit, n, n_other, smallest, status
):
    one = table.iloc[[0]].assign(unit=unit, scale="binary", **{
        name: pd.array([value], "Int64")
        for name, value in (("n", n), ("n_other", n_other), ("smallest", smallest))
    })  # fmt: skip
    before = one.copy()
    found = disclose_claims(one, ws.study.disclosure)
    pd.testing.assert_frame_equal(one, before)
    assert found["status"].tolist() == [status]
    assert "smallest" not in found
    hidden = (
        found[["estimate", "conf_low", "conf_high", "n", "numerator", "n_teams"]]
        .isna()
        .all(axis=None)
    )
    assert hidden == (status == "hidden")


def test_disclose_claims__no_estimate_is_hidden(ws, table):
    found = disclose_claims(table.iloc[[0]].assign(estimate=np.nan), ws.study.disclosure)
    assert found["status"].tolist() == ["hidden"]


def test_open_claims__reads_results_and_needs_statements(ws, table, tmp_path):
    shutil.copytree(ws.root, tmp_path / "ws")
    mine = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    assert open_claims(mine, "vi") == {}
    contracts.write_table(table, mine.results, "claims")
    assert list(open_claims(mine, "vi")) == ["claims"]
    results = open_results(mine, "vi")
    assert len(results.evidence["claims"]) >= len(table)
    assert open_results(mine, "vi", "10291").evidence == {}
    study = mine.study_path
    kept = [line for line in study.read_text("utf-8").splitlines() if "claim" not in line]
    study.write_text("\n".join(kept), "utf-8")
    assert open_claims(open_workspace(study), "vi") == {}


def test_wording__same_keys_in_both_languages_and_a_word_for_all_that_can_be_said(ws):
    vi, en = entries("claims_vi"), entries("claims_en")
    assert set(vi) == set(en)
    holes = [set(re.findall(r"{(\w+)}", str(text))) for text in (*vi.values(), *en.values())]
    assert holes[: len(vi)] == holes[len(vi) :]
    units = {
        one.unit for one in ws.claims.readings if one.source == "households" or one.scale == "share"
    }
    wanted = {f"claims_verdict_{one}" for one in VERDICTS} | {f"claims_unit_{one}" for one in units}
    wanted |= {f"claims_caption_{one}" for one in claims.GROUPS}
    assert wanted <= set(vi)
    made = {
        key for key in vi if key.startswith(("claims_verdict_", "claims_unit_", "claims_caption_"))
    }
    assert made == wanted
    others = {
        key for lang in ("vi", "evidence_vi", "checks_vi", "sheets_vi") for key in entries(lang)
    }
    assert not set(vi) & others


def test_wording__no_figure_of_the_news_item_is_typed_in():
    for lang in LANGS:
        texts = {key: str(text) for key, text in entries(f"claims_{lang}").items()}
        del (
            texts["claims_unit_persons"],
            texts["claims_verdict_unclear"],
        )  # from ten years on; number 0
        for key, text in texts.items():
            assert not re.findall(r"\d", re.sub(r"14/06/2024|14 June 2024", "", text)), key

"""The codebook of a whole run on the small district: complete, without personal data, no small cell told."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from survey_tools.kobo import Store
from survey_tools.params import open_workspace
from survey_tools.report.codebook.distributions import UNCOUNTED
from survey_tools.report.codebook.entry import ALL_WAVES
from survey_tools.report.codebook.pages import FILES, TABLE
from survey_tools.run.codebook import codebook_entries, undescribed
from survey_tools.run.codebook_sources import TABLES, TWINS

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def ws(workspace):
    return open_workspace(workspace / "params" / "study.yml")


@pytest.fixture(scope="module")
def entries(ws):
    return codebook_entries(ws)


@pytest.fixture(scope="module")
def texts(ws):
    """Text of the codebook's files as the batch made them."""
    folder = ws.reports("main")
    return {name: (folder / name).read_text("utf-8-sig") for name in (*FILES.values(), TABLE)}


def tables(ws):
    return {
        (stage, path.stem): path
        for stage in ("clean", "analysis")
        for path in sorted(getattr(ws, stage).glob("*.parquet"))
    }


def test_codebook__describes_every_variable_of_both_stages(entries):
    assert undescribed(entries) == []


def test_codebook__has_every_table_and_every_column_on_the_disk(ws, entries):
    named = {(one.table, one.name): one for one in entries}
    for (stage, name), path in tables(ws).items():
        table = TWINS.get((stage, name), name)
        assert table in TABLES, f"{stage}/{name}"
        for column in pd.read_parquet(path).columns:
            stems = {column, *(column[: m.start()] for m in re.finditer("__", column))}
            assert {(table, stem) for stem in stems} & set(named), f"{name}.{column}"


def test_codebook__every_variable_is_named_in_both_languages(entries):
    unnamed = [
        f"{e.table}.{e.name}" for e in entries if not (e.label_vi.strip() and e.label_en.strip())
    ]
    assert unnamed == []


def test_codebook__every_outcome_has_a_formula_and_what_it_is_made_of(ws, entries):
    outcomes = [*ws.table("outcomes")["outcome"], *ws.table("outcomes_alternative")["outcome"]]
    found = {one.name: one for one in entries if one.table == "panel"}
    for name in outcomes:
        assert found[name].formula
        assert found[name].made_of
        assert found[name].spreads


def test_codebook__every_variable_that_is_made_says_how(entries):
    silent = [f"{e.table}.{e.name}" for e in entries if not e.path and not e.formula]
    assert silent == []


def test_codebook__no_class_that_identifies_has_a_distribution(entries):
    classes = {one.personal_data for one in entries}
    assert {"pseudonym", "staff_code", "direct_identifier", "free_text", "location"} <= classes
    for one in entries:
        if one.personal_data in UNCOUNTED:
            assert all(not s.shares and not s.quantiles for s in one.spreads.values()), one.name
            assert one.codes == (), one.name


def test_codebook__never_a_wave_beside_all_waves(entries):
    """The sum over waves beside the waves would tell the wave that is hidden."""
    for one in entries:
        assert not (ALL_WAVES in one.spreads and len(one.spreads) > 1), one.name


def test_codebook__no_share_rests_on_a_small_cell(ws, entries):
    """Held against the rows: every share shown stands for none, or for enough, and so does the rest."""
    rules = ws.study.disclosure
    looked_at = hidden = 0
    for one in entries:
        if not any(spread.shares for spread in one.spreads.values()):
            continue
        frame = pd.read_parquet(tables(ws)[one.stage, one.table])
        for wave, spread in one.spreads.items():
            for code, share, _ in spread.shares:
                yes, n = _count(frame, one, wave, code)
                if share is None:
                    hidden += 1
                    continue
                looked_at += 1
                assert yes == 0 or yes > rules.hide_counts_to, (one.table, one.name, wave, code)
                assert n - yes == 0 or n - yes > rules.hide_counts_to, (one.table, one.name, wave)
                assert n >= rules.round_from
    assert looked_at > 500
    assert hidden > 50


def _count(frame, one, wave, code):
    rows = frame
    if "wave" in frame and wave != ALL_WAVES:
        rows = frame.loc[frame["wave"].eq(wave).fillna(False)]
    if f"{one.name}__{wave}" in frame:
        values = rows[f"{one.name}__{wave}"]
    elif f"{one.name}__{code}" in frame:
        values = (
            rows[f"{one.name}__{code}"]
            .map({True: "x", False: "-"})
            .where(rows[f"{one.name}__{code}"].notna())
        )
        return int(values.eq("x").sum()), int(values.notna().sum())
    else:
        values = rows[one.name]
    if one.codes:
        return int(values.eq(code).sum()), int(values.notna().sum())
    return int(values.astype("float64").eq(1).sum()), int(values.notna().sum())


def test_codebook__counts_of_few_are_not_told(ws, entries):
    for one in entries:
        for spread in one.spreads.values():
            for count in (spread.answered, spread.missing):
                assert count is None or count == 0 or count > ws.study.disclosure.hide_counts_to


def test_codebook__no_code_phone_position_or_remark_of_the_district_is_in_it(ws, texts):
    with Store.read(ws.store("household")) as store:
        rows = list(store.rows())
    with Store.read(ws.store("team_log")) as store:
        rows += list(store.rows())
    secrets = {
        str(row[key]) for row in rows for key in row
        if key.endswith(("/phone_recontact", "/comment", "/enum_note", "/problem", "/hhid"))
    }  # fmt: skip
    secrets |= {str(row["_uuid"]) for row in rows}
    secrets |= {" ".join(row[k].split()[:2]) for row in rows for k in row if k.endswith("/gps")}
    secrets |= set(ws.table("sample")["hhid"])
    assert len(secrets) > 500
    for name, text in texts.items():
        assert [s for s in secrets if s in text] == [], name
        assert not re.search(r"[0-9]{5}-T[0-9]{2}-H[0-9]{3}", text), name
        assert not re.search(r"(?<![0-9])0[0-9]{9}(?![0-9])", text), name


def test_codebook__no_enumerator_is_in_it(ws, texts):
    codes = set(pd.read_parquet(ws.clean / "household.parquet")["enumerator_id"].dropna())
    assert codes
    for name, text in texts.items():
        assert [
            c for c in codes if re.search(rf"(?<![A-Za-z0-9]){c}(?![A-Za-z0-9])", text)
        ] == [], name


def test_codebook__opens_offline(ws, texts):
    for name, text in texts.items():
        assert "http://" not in text, name
        assert "https://" not in text, name
        assert str(ws.root) not in text, name
    assert 'href="codebook.html"' in (ws.reports("main") / "index.html").read_text("utf-8")

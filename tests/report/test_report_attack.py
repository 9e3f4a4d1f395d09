"""Attacks with all that is published at once: no hidden cell is told, whatever is added or subtracted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from attack_support import draw_levels, open_books, put_through, told
from commune_frames import make_places

from survey_tools.areas import read_areas
from survey_tools.params import DisclosureSettings
from survey_tools.report import disclosure_cells
from survey_tools.report.disclosure import open_results
from survey_tools.report.disclosure_bases import coarsen, households, partly_asked
from survey_tools.report.disclosure_between import families_of, tells_an_answer
from survey_tools.report.disclosure_cells import PAIRS, disclose_choices, disclose_levels
from survey_tools.report.shown import shown_tables
from survey_tools.report.small_cells import HIDDEN

RULES = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)
BY = ["wave", "outcome"]
CELL = ["area", "wave", "group", "outcome"]

TOLD_BY_SINGLE_SUMS = (10, 140, 223, 231, 394, 407, 410, 418, 466, 547)
"""Made-up districts of which rules that look at one sum at a time let a hidden cell be told."""


def _found(raw, shown, **more):
    books = open_books(raw, shown, BY, **more)
    return [(*key, one) for key, book in books for one in told(book, RULES)]


@pytest.fixture(scope="module")
def tables(ws):
    """What may be shown of the whole district."""
    return shown_tables(ws)


@pytest.fixture(scope="module")
def raw(ws):
    """Levels as they were estimated."""
    frame = pd.read_parquet(ws.results / "levels.parquet")
    frame["numerator"] = frame["numerator"].astype("Float64").to_numpy(float, na_value=np.nan)
    return frame


# everything that adds up


@pytest.mark.parametrize("seed", [*TOLD_BY_SINGLE_SUMS, *range(600, 612)])
def test_attack__a_made_up_district_tells_nothing(seed):
    raw = draw_levels(seed)
    shown = disclose_levels(raw, RULES)
    assert _found(raw, shown) == []


@pytest.mark.parametrize("seed", TOLD_BY_SINGLE_SUMS)
def test_attack__finds_what_rules_for_single_sums_leave(seed, monkeypatch):
    monkeypatch.setattr(
        disclosure_cells, "hide_what_is_told", lambda frame, hidden, pairs, rules: hidden
    )
    raw = draw_levels(seed)
    assert _found(raw, disclose_levels(raw, RULES))


def test_attack__finds_a_cell_that_one_sum_tells():
    raw = draw_levels(600)
    shown = disclose_levels(raw, RULES)
    telling = 0
    for place in shown.index[shown["status"].eq(HIDDEN)]:
        weaker = shown.assign(status=shown["status"].mask(shown.index != place, "shown"))
        telling += len(_found(raw, weaker)) > 0
    assert telling > 5


@pytest.mark.slow
def test_attack__the_district_tells_nothing(raw, tables):
    assert _found(raw[raw["wave"].eq("w3")], tables["levels"]) == []


@pytest.mark.slow
def test_attack__the_district_with_larger_units_tells_nothing(ws, raw):
    lists = ("2025-01", "2025-07")
    report = ws.study.report.model_copy(update={"area_lists": lists})
    ws = replace(ws, study=ws.study.model_copy(update={"report": report}))
    results, areas = open_results(ws, "vi"), read_areas(ws.file("areas"))
    inside: dict[tuple[str, str], frozenset[str]] = {}
    for name in lists:
        for code, unit in areas.crosswalk(ws.study.areas.list_, name).items():
            inside[name, unit.code] = inside.get((name, unit.code), frozenset()) | {code}
    larger = results.by_list[results.by_list["area_list"].isin(lists)]
    assert larger["status"].ne(HIDDEN).any()
    shown = shown_tables(ws)["levels"]
    everybody = raw[raw["group"].eq("all")]
    assert _found(everybody, shown, by_list=larger, inside=inside) == []


def test_attack__choices_by_commune_tell_nothing(ws, tables):
    raw = pd.read_parquet(ws.results / "choices.parquet").assign(group="all")
    raw = raw[raw["variable"].isin(["why_cash", "wish"]) & raw["wave"].eq("w3")]
    shown = tables["choices"].assign(group="all")
    books = open_books(raw.astype({"numerator": float}), shown, ["wave", "variable", "choice"])
    assert [one for _, book in books for one in told(book, RULES)] == []


# one table against another


def _sellers():
    """Levels of sellers in six communes, and why those do not sell online who do not."""
    counts = {"a": (40, 2), "b": (40, 12), "c": (38, 9), "d": (30, 3), "e": (44, 0), "f": (50, 20)}
    counts["district"] = tuple(map(sum, zip(*counts.values(), strict=True)))
    cells = pd.DataFrame(
        [(area, "sellers", n, count) for area, (n, count) in counts.items()],
        columns=["area", "group", "n", "numerator"],
    )
    share = cells["numerator"] / cells["n"]
    levels = cells.assign(
        wave="w3", outcome="sold", estimate=share, conf_low=share, conf_high=share, n_teams=4
    )
    rows = [
        (area, "w3", variable, choice, base // 2, base)
        for area, (n, count) in counts.items()
        for variable, base in (("barrier", n - count), ("wish", n))
        for choice in ("skill", "trust")
    ]
    columns = ["area", "wave", "variable", "choice", "numerator", "n"]
    return levels, pd.DataFrame(rows, columns=columns)


def test_attack__no_base_of_a_question_tells_how_many_it_was_asked_of():
    """Why they do not sell online was asked of sellers who do not: n less that base is the count."""
    levels, choices = _sellers()
    shown = disclose_levels(levels, RULES)
    secret = set(shown.loc[shown["status"].eq(HIDDEN), "area"])
    assert {"a", "d"} <= secret
    telling = tells_an_answer(choices, levels, shown)
    assert set(choices.loc[telling, "variable"]) == {"barrier"}
    assert set(choices.loc[telling, "area"]) == secret
    bases = disclose_choices(choices, RULES, telling)
    told_ = bases[bases["variable"].eq("barrier") & bases["n"].notna()]
    assert secret.isdisjoint(told_["area"])
    assert "district" in set(told_["area"])
    assert bases[bases["variable"].eq("wish")]["n"].notna().all()


def test_attack__a_few_refusals_do_not_hide_what_a_base_is():
    levels, choices = _sellers()
    refused = choices["area"].isin(["b", "c"]) & choices["variable"].eq("barrier")
    choices["n"] -= refused.astype(int)
    shown = disclose_levels(levels, RULES)
    assert "a" in set(choices.loc[tells_an_answer(choices, levels, shown), "area"])


def test_attack__no_index_tells_the_outcome_that_is_hidden(ws, raw, tables):
    families = families_of(ws.table("outcomes"))
    assert families["ecommerce_index"] == (
        "bought_online_12m",
        "sold_online_12m",
        "district_platform_12m",
        "online_income_1m",
    )
    shown = tables["levels"].merge(raw[[*CELL, "n"]], on=CELL, suffixes=("", "_true"))
    for index, parts in families.items():
        secret = shown[shown["outcome"].isin(parts) & shown["status"].eq(HIDDEN)]
        secret = secret[secret["n_true"].gt(0)]
        told_ = shown[shown["outcome"].eq(index) & shown["status"].ne(HIDDEN)]
        assert len(told_)
        assert secret.merge(told_, on=CELL[:3]).empty


def test_attack__no_effect_of_a_commune_tells_its_arms(ws, tables):
    """The pooled effect, its weight and the mean of all give back the difference of the arms."""
    raw = pd.read_parquet(ws.results / "communes.parquet")
    told_ = raw[raw["weight_own"].between(0.05, 0.95)]
    mean = (told_["estimate"] - told_["weight_own"] * told_["raw"]) / (1 - told_["weight_own"])
    spread = mean.groupby(told_["outcome"]).std()
    assert spread.max() < 0.02  # the attack works: one mean for all
    levels = tables["levels"]
    counted = ~levels["outcome"].isin(["cashless_index", "ecommerce_index"])
    arms = levels[counted & levels["wave"].eq("w3") & levels["group"].isin(PAIRS[0])]
    secret = arms[arms["status"].eq(HIDDEN)].rename(columns={"area": "commune_code"})
    shown = tables["communes"]
    both = secret[["commune_code", "outcome"]].drop_duplicates().merge(shown)
    assert len(both)
    numbers = ["estimate", "conf_low", "conf_high", "weight_own", "shown"]
    assert both[numbers].isna().all(axis=None)
    assert both["disclosure"].eq(HIDDEN).all()


# how many answered


def _unsafe_bases(shown, raw, asked, question):
    """Cells of which every base that goes with all that is told is short of 1 to 4 households.

    Tried for each: its figures in the steps in which they are told or finer, its base if told, and whether
    it is marked. Yields the cell with the bases.
    """
    keys = ["area", "wave", "group", question]
    cells = shown[shown["status"].ne(HIDDEN) & shown["area"].ne("district")]
    true = raw.groupby(keys)["n"].max()
    for key, rows in cells.groupby(keys):
        everybody, told_n = int(asked[key[:3]]), rows["n"].iloc[0]
        few = bool(rows["status"].eq("few").any())
        ends = (10, 29) if few else (30, everybody)
        left = []
        for base in range(ends[0], min(ends[1], everybody) + 1):
            about = bool(rows["about"].iloc[0])
            as_told = (base + 2) // 5 * 5 if about else base
            if not pd.isna(told_n) and as_told != told_n:
                continue
            if all(_some_count_gives(x, base, about, few) for x in rows["shown"]):
                left.append(base)
        assert true[key] in left, key
        if all(1 <= everybody - base <= 4 for base in left):
            yield key, left


def _some_count_gives(value, base, about, few):
    shares = np.arange(base + 1) / base
    steps = [0.05, 0.1] if few else [0.01, 0.02, 0.05, 0.1] if about else [1e-4]
    steps = [step for step in steps if abs(value / step - round(value / step)) < 1e-6] or [1e-4]
    return any((np.abs(shares - value) <= step / 2 + 1e-9).any() for step in steps)


@pytest.fixture(scope="module")
def places(ws, tmp_path_factory):
    """A workspace that has what only the communes' pages show."""
    return make_places(ws, tmp_path_factory.mktemp("attacked") / "ws")


@pytest.fixture(scope="module")
def asked(raw):
    """Households by area, wave and group."""
    return households(raw)


@pytest.mark.parametrize("everybody", [31, 33, 34, 45, 60])
@pytest.mark.parametrize("seed", range(5))
def test_attack__no_base_of_choices_tells_who_was_not_asked(everybody, seed):
    """Who made all purchases without cash is not asked why cash is used: interviews less the base."""
    rng = np.random.default_rng(seed)
    over = dict(zip("abcdef", (0, 1, 2, 3, 4, 7), strict=True))
    rows = [
        (area, "w3", "all", "why", choice, int(count), everybody - short)
        for area, short in over.items()
        for choice, count in enumerate(rng.integers(5, everybody - short - 4, 5))
    ]
    columns = ["area", "wave", "group", "variable", "choice", "numerator", "n"]
    raw = pd.DataFrame(rows, columns=columns).astype({"choice": str})
    met = pd.DataFrame({"area": list(over), "wave": "w3", "interviews": everybody})
    asked = households(raw.iloc[:0], met)
    shown = disclose_choices(raw, RULES)
    exact = list(_unsafe_bases(shown.assign(about=False), raw, asked, "variable"))
    assert {key[0] for key, _ in exact} >= {a for a in "bcde" if everybody - over[a] >= 30}
    partly = partly_asked(raw, asked, "variable", RULES)
    assert partly == {"why"}
    coarse = coarsen(shown, raw, asked, "variable", partly, RULES)
    assert list(_unsafe_bases(coarse, raw, asked, "variable")) == []
    assert coarse["shown"].notna().sum() >= 0.95 * shown["shown"].notna().sum()


def test_attack__no_base_of_levels_tells_who_was_not_asked(ws, raw, tables, asked):
    scales = ws.table("outcomes").set_index("outcome")["scale"]
    binary = scales[scales.eq("binary")].index
    shown = tables["levels"][tables["levels"]["outcome"].isin(binary)]
    assert shown["about"].any()
    assert list(_unsafe_bases(shown, raw, asked, "outcome")) == []


def test_attack__changes_are_those_of_the_levels_as_they_are_shown(ws, places):
    tables = shown_tables(places)
    levels = tables["levels"].set_index(CELL)["shown"]
    changes = tables["changes"]
    changes = changes[changes["about"] & changes["status"].ne(HIDDEN)]
    assert len(changes)
    first = changes[CELL].assign(wave=ws.study.waves.baseline)
    now, then = (levels.reindex(pd.MultiIndex.from_frame(x)) for x in (changes[CELL], first))
    assert np.allclose(changes["shown"], now.to_numpy() - then.to_numpy())


def test_attack__whoever_knows_the_rules_finds_no_base_by_trying_all():
    """Every base and count is put through the rules: no answer comes of bases alone that leave few over."""
    raw, answers = put_through((*range(10, 75), 110, 203), RULES, deff=1.3)
    told_ = answers[["status", "n", "shown", "conf_low", "conf_high"]].astype({"n": "Float64"})
    told_ = told_.fillna(-1).round(6).assign(everybody=raw["everybody"], base=raw["n"])
    told_ = told_[told_["status"].ne(HIDDEN)]
    assert len(told_) > 0.98 * len(raw)
    over = told_["everybody"] - told_["base"]
    alone = over.between(1, 4).groupby([told_[name] for name in told_.columns[:-1]]).all()
    assert len(alone) > 5000
    assert not alone.any()


def test_attack__no_mean_of_contacts_tells_who_was_met_more_than_once(places):
    """The mean times the base is the sum; less those who were met at all, it is one for each time more."""
    raw, tables = pd.read_parquet(places.results / "outreach.parquet"), shown_tables(places)
    raw = raw[raw["outcome"].eq("contacts")]
    beyond = (raw["estimate"] * raw["n"] - raw["numerator"].astype(float)).round()
    few = raw.loc[beyond.between(1, 4), CELL]
    assert len(few)
    shown = tables["outreach"].merge(few, on=CELL)
    assert len(shown) == len(few)
    assert shown["status"].eq(HIDDEN).all()
    means = tables["outreach"].loc[tables["outreach"]["outcome"].eq("contacts"), "shown"].dropna()
    assert np.allclose(means * 10, (means * 10).round())


def test_attack__an_arm_of_one_team_is_one_village(raw, tables):
    one = raw[raw["group"].isin(PAIRS[0]) & raw["n_teams"].eq(1) & raw["n"].gt(0)]
    assert len(one)
    both = tables["levels"].merge(one[["area", "wave", "outcome"]].drop_duplicates())
    assert both.loc[both["group"].isin(PAIRS[0]), "status"].eq(HIDDEN).all()


def test_attack__what_is_kept_for_pages_holds_no_hidden_number(tables):
    for name in ("levels", "choices", "communes"):
        table = tables[name]
        state = table["disclosure" if name == "communes" else "status"]
        numbers = table.columns.intersection(["estimate", "conf_low", "conf_high", "n", "shown"])
        assert table.loc[state.eq(HIDDEN), numbers].isna().all(axis=None), name

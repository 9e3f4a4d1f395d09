"""What only a commune's page has: what of it may be shown, what it says, and which steps follow from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from commune_frames import EMPTY, SMALL, USUAL, make_places

from survey_tools.params.next_steps import NextSteps
from survey_tools.report import commune
from survey_tools.report.disclosure import open_results
from survey_tools.report.disclosure_cells import disclose_levels
from survey_tools.report.disclosure_commune import (
    disclose_changes,
    disclose_fieldwork,
    disclose_gaps,
)
from survey_tools.report.shown import share_results, shown_tables
from survey_tools.report.shown_key import FOLDER
from survey_tools.report.traced import plain

CELL = ["area", "wave", "group", "outcome"]
NUMBERS = ["estimate", "conf_low", "conf_high", "n", "shown"]


@pytest.fixture(scope="module")
def places(ws, tmp_path_factory):
    return make_places(ws, tmp_path_factory.mktemp("places") / "ws")


@pytest.fixture(scope="module")
def shown(places):
    return shown_tables(places)


@pytest.fixture
def usual(places):
    return open_results(places, "en", USUAL)


# --- what may be shown


def test_disclose_changes__only_between_two_levels_shown_as_they_are(shown):
    status = shown["levels"].set_index(CELL)["status"]
    table = shown["changes"]
    both = [
        status[tuple(row)] == status[(row[0], "w1", *row[2:])] == "shown"
        for row in table[CELL].itertuples(index=False)
    ]
    assert table["status"].eq("shown").to_list() == both
    assert 0 < sum(both) < len(both)
    hidden = table[table["status"].eq("hidden")]
    assert hidden[[*NUMBERS, "n_baseline"]].isna().all(axis=None)


def test_disclose_changes__are_the_differences_of_what_is_shown(shown):
    levels = shown["levels"].set_index(CELL)["shown"]
    table = shown["changes"].query("status == 'shown'")
    for row in table.sample(200, random_state=1).itertuples(index=False):
        first, last = (levels[(row.area, w, row.group, row.outcome)] for w in ("w1", row.wave))
        assert row.shown == pytest.approx(last - first)


def test_disclose_gaps__only_where_group_and_everybody_are_shown_as_they_are(shown):
    status = shown["levels"].set_index(CELL)["status"]
    table = shown["gaps"]
    both = [
        status[tuple(row)] == status[(row[0], row[1], "all", row[3])] == "shown"
        for row in table[CELL].itertuples(index=False)
    ]
    assert table["status"].eq("shown").to_list() == both
    assert table.loc[table["status"].eq("hidden"), NUMBERS].isna().all(axis=None)


@pytest.mark.parametrize("broken", ["first", "last"])
@pytest.mark.parametrize("status", ["few", "hidden", None])
def test_disclose_changes__a_rounded_hidden_or_missing_level_hides_them(broken, status):
    change = {"area": "a", "wave": "w3", "group": "all", "outcome": "y", "estimate": 0.1}
    change |= {"conf_low": 0.05, "conf_high": 0.2, "n": 40, "n_baseline": 41}
    rows = [
        {"wave": wave, "group": "all", "area": "a", "outcome": "y", "status": "shown"}
        for wave in ("w1", "w3")
    ]
    shown = pd.DataFrame(rows)
    fine = disclose_changes(pd.DataFrame([change]), shown, "w1")
    assert fine["status"].to_list() == ["shown"]
    row = 0 if broken == "first" else 1
    less = (
        shown.drop(index=row)
        if status is None
        else shown.assign(status=shown["status"].where(shown.index != row, status))
    )
    found = disclose_changes(pd.DataFrame([change]), less, "w1").iloc[0]
    assert found["status"] == "hidden"
    assert found[[*NUMBERS, "n_baseline"]].isna().all()


def test_disclose_gaps__a_hidden_everybody_hides_them():
    gap = {"area": "a", "wave": "w3", "group": "women", "outcome": "y", "estimate": 0.1}
    gap |= {"conf_low": 0.05, "conf_high": 0.2, "n": 40}
    rows = [
        {"wave": "w3", "area": "a", "outcome": "y", "group": g, "status": s}
        for g, s in (("women", "shown"), ("all", "few"))
    ]
    assert disclose_gaps(pd.DataFrame([gap]), pd.DataFrame(rows))["status"].to_list() == ["hidden"]


def _fieldwork(counts, on=(9, 9)):
    rows = [(area, "w1", n, 60, "2026-01-14", "2026-01-21", *on) for area, n in counts.items()]
    columns = [
        "area",
        "wave",
        "interviews",
        "drawn",
        "first_day",
        "last_day",
        "on_first",
        "on_last",
    ]
    return pd.DataFrame(rows, columns=columns).astype({"drawn": "Int64"})


def test_disclose_fieldwork__few_interviews_are_hidden_and_cannot_be_subtracted(places):
    counts = {"district": 160, "a": 9, "b": 40, "c": 51, "d": 60}
    found = disclose_fieldwork(_fieldwork(counts), places.study.disclosure).set_index("area")
    assert found.index[found["status"].eq("hidden")].to_list() == ["a", "b"]
    hidden = found.loc[["a", "b"], ["interviews", "first_day", "last_day"]]
    assert hidden.isna().all(axis=None)
    assert found.loc["c", "interviews"] == 51
    assert "on_first" not in found


def test_disclose_fieldwork__nobody_and_ten_are_no_secret(places):
    found = disclose_fieldwork(
        _fieldwork({"district": 10, "a": 10, "b": 0}), places.study.disclosure
    )
    assert found["status"].eq("shown").all()


@pytest.mark.parametrize(
    ("on", "first", "last"),
    [
        ((5, 5), "2026-01-14", "2026-01-21"),
        ((4, 5), "2026-01-12", "2026-01-21"),
        ((5, 1), "2026-01-14", "2026-01-25"),
    ],
)
def test_disclose_fieldwork__a_day_of_few_interviews_is_its_week(places, on, first, last):
    rules = places.study.disclosure
    found = disclose_fieldwork(_fieldwork({"district": 50, "a": 50}, on), rules).iloc[1]
    assert (found["first_day"], found["last_day"]) == (first, last)
    assert (found["first_week"], found["last_week"]) == (on[0] < 5, on[1] < 5)


def _outreach(counts):
    rows = []
    for (group, outcome), (n, numerator) in counts.items():
        rows.append(("a", "w3", group, outcome, numerator / n, 0.0, 1.0, n, numerator, 3, "test"))
    columns = [*CELL, "estimate", "conf_low", "conf_high", "n", "numerator", "n_teams", "method"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"all": (50, 20), "women": (25, 10), "men": (25, 10)}, set()),
        # men are 4 of 50: women would tell of them
        ({"all": (50, 20), "women": (46, 18), "men": (4, 2)}, {"women", "men"}),
        # all but three of the group were visited
        ({"all": (50, 40), "age60": (20, 17)}, {"age60"}),
        # the rest, all less the group, is 3 visited
        ({"all": (60, 20), "poor": (40, 17)}, {"poor"}),
    ],
)
def test_outreach__hides_a_group_that_tells_of_its_complement(places, counts, hidden):
    frame = _outreach({(group, "reached"): cell for group, cell in counts.items()})
    found = disclose_levels(frame, places.study.disclosure, {"reached": "binary"})
    assert set(found.loc[found["status"].eq("hidden"), "group"]) == hidden


def test_outreach__a_mean_of_counts_is_hidden_where_few_say_any(places):
    frame = _outreach({("all", "contacts"): (50, 3)})
    found = disclose_levels(frame, places.study.disclosure, {"contacts": "count"})
    assert found["status"].to_list() == ["hidden"]


def test_outreach__groups_that_make_up_everybody_are_hidden_together(shown):
    table = shown["outreach"]
    asked = table[table["n"].fillna(1).gt(0)]
    status = asked.set_index(CELL)["status"].unstack("group")
    for one, other in (("women", "men"), ("intensive", "regular")):
        assert (status[one].eq("hidden") == status[other].eq("hidden")).all()


def test_share_results__keeps_no_number_of_what_is_hidden(places):
    share_results(places)
    for name in ("outreach", "changes", "gaps", "fieldwork"):
        table = pd.read_parquet(places.results / FOLDER / f"{name}.parquet")
        hidden = table[table["status"].eq("hidden")]
        assert len(hidden)
        numbers = {"fieldwork": ["interviews", "first_day", "last_day"]}.get(name, NUMBERS)
        assert hidden[numbers].isna().all(axis=None), name


def test_open_results__of_an_older_version_has_none_of_it_and_says_too_few(ws):
    results = open_results(ws, "en", USUAL)
    assert results.changes.empty
    text = plain(commune.tables.changes_table(results).frame.to_string())
    assert text.count("not shown") == 4


# --- tables and sentences


def _text(table):
    return plain(f"{table._repr_html_()}")


def test_tables__of_a_commune_with_few_answers_say_so_everywhere(places):
    results = open_results(places, "en", SMALL)
    for table in (
        commune.tables.changes_table,
        commune.tables.groups_table,
        commune.tables.harm_table,
    ):
        frame = table(results).frame
        cells = frame.iloc[:, 1:].to_numpy().ravel()
        assert set(cells) <= {"not shown", "—"}, table.__name__
    here = commune.tables.outreach_table(results).frame.iloc[:, 1:5].to_numpy().ravel()
    assert set(here) == {"not shown"}
    assert commune.sentences.left_behind(results) == [
        "The comparison with all households is not shown for any group."
    ]
    assert all("not shown" in text for text in commune.sentences.key_figures(results))
    assert "No estimate for" in commune.sentences.own_data(results)[1]
    fieldwork = commune.tables.fieldwork_table(results)
    assert set(fieldwork.frame.iloc[:, 1:].to_numpy().ravel()) == {"—"}
    assert any("not shown" in note for note in fieldwork.notes)


def test_fieldwork_table__a_place_without_interviews_has_none(places):
    frame = commune.tables.fieldwork_table(open_results(places, "vi", EMPTY)).frame
    assert frame.iloc[:, 1].to_list() == ["0", "0", "0"]
    assert set(frame.iloc[:, 3]) == {"—"}


def test_fieldwork_table__counts_and_days_of_the_usual_place(usual, places):
    raw = pd.read_parquet(places.results / "fieldwork.parquet")
    mine = raw[raw["area"].eq(USUAL)].set_index("wave")
    frame = commune.tables.fieldwork_table(usual).frame
    assert frame["Households"].to_list() == [str(n) for n in mine["interviews"]]
    for place, row in enumerate(mine.itertuples()):
        exact = row.on_first > places.study.disclosure.hide_counts_to
        assert ("week beginning" in frame.iloc[place, 3]) != exact
        if exact:
            day = pd.Timestamp(row.first_day)
            assert frame.iloc[place, 3] == f"{day.day} {day:%B %Y}"


def _with(results, table, low, high, *, shown=0.1, status="shown", **where):
    """Give some rows of a table an interval."""
    frame = getattr(results, table).copy()
    rows = pd.Series(True, index=frame.index)
    for column, value in where.items():
        rows &= frame[column].eq(value)
    assert rows.any()
    frame.loc[rows, ["shown", "estimate", "conf_low", "conf_high"]] = [shown, shown, low, high]
    frame.loc[rows, ["status", "n"]] = [status, 50]
    return replace(results, **{table: frame})


HERE = {"area": USUAL, "wave": "w3", "outcome": "qr_shop_30d"}


@pytest.mark.parametrize(
    ("shown", "low", "high", "wanted"),
    [
        (0.1, 0.001, 0.2, "rose"),
        (0.1, 0.0, 0.2, "not clear"),
        (-0.1, -0.2, -0.001, "fell"),
        (-0.1, -0.2, 0.0, "not clear"),
    ],
)
def test_finding__a_change_is_one_only_where_its_interval_leaves_out_zero(
    usual, shown, low, high, wanted
):
    results = _with(usual, "changes", low, high, shown=shown, group="all", **HERE)
    assert commune.sentences.finding(results, "qr_shop_30d") == wanted


def test_finding__hidden_is_too_few_and_an_index_has_no_change(usual):
    results = _with(usual, "changes", 0.1, 0.2, status="hidden", group="all", **HERE)
    assert commune.sentences.finding(results, "qr_shop_30d") == "not shown"
    assert commune.sentences.finding(usual, "cashless_index") == "—"


def test_changes_table__has_the_interval_and_both_numbers_of_answers(usual):
    results = _with(usual, "changes", 0.012, 0.188, group="all", **HERE)
    frame = commune.tables.changes_table(results).frame
    row = frame[frame["Outcome"].str.startswith("Paid a shop")].iloc[0]
    assert row["Change since baseline"] == "+10.0 from +1.2 to +18.8"
    assert "n\u00a0=\u00a0" in row["Baseline"]
    assert "n\u00a0=\u00a0" in row["Endline"]


@pytest.mark.parametrize(("lang", "decimal"), [("vi", ","), ("en", ".")])
def test_chance_findings__counts_the_intervals_that_are_not_hidden(places, lang, decimal):
    results = open_results(places, lang, USUAL)
    main = results.study.report.main_outcomes
    here = {"area": USUAL, "wave": "w3"}
    changed = [*main, *commune.sentences.harms(results)]
    looked = [
        ("changes", "all", outcome) for outcome in changed if results.scale(outcome) != "index"
    ]
    looked += [("gaps", group, outcome) for group in commune.rows.GROUPS for outcome in main]
    tables = {name: getattr(results, name).set_index(CELL)["shown"] for name in ("changes", "gaps")}
    cells = [tables[t].get((here["area"], here["wave"], group, o)) for t, group, o in looked]
    count = sum(cell is not None and not pd.isna(cell) for cell in cells)
    assert 1 < count < len(looked)
    (said,) = commune.sentences.chance_findings(results)
    assert f" {count} " in plain(said)
    assert f" {count / 20:.1f} ".replace(".", decimal) in plain(said)
    (traced,) = commune.sentences.chance_findings(replace(results, traces=True))
    assert plain(traced) == said
    assert traced.count("#rows") == 2 * count


def test_chance_findings__a_place_without_figures_has_no_warning(places):
    assert commune.sentences.chance_findings(open_results(places, "en", EMPTY)) == []


def test_left_behind__names_a_gap_that_is_clear_and_groups_with_too_few(usual):
    results = usual
    for group in ("age60", "women", "sellers"):
        results = _with(results, "gaps", -0.2, 0.1, group=group, area=USUAL, wave="w3")
    results = _with(results, "gaps", 0, 0, status="hidden", group="poor", area=USUAL, wave="w3")
    texts = list(map(plain, commune.sentences.left_behind(results)))
    assert texts[0].startswith("No group whose figures are shown clearly differs")
    assert texts[1] == "Comparison with all households not shown: Poor and near-poor households."
    results = _with(results, "gaps", -0.3, -0.05, shown=-0.15, group="age60", **HERE)
    texts = list(map(plain, commune.sentences.left_behind(results)))
    assert texts[0].startswith(
        "Aged 60 or over, paid a shop or market by QR or transfer in 30 days: 15.0 percentage points lower"
    )
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("smallest", "effect", "could"), [(0.3, 0.08, False), (0.05, 0.08, True), (0.08, 0.08, True)]
)
def test_own_data__says_what_the_place_alone_could_tell(usual, smallest, effect, could):
    communes = usual.communes.assign(smallest_detectable=smallest)
    effects = usual.effects.assign(shown=effect)
    text = plain(commune.sentences.own_data(replace(usual, communes=communes, effects=effects))[1])
    assert ("cannot tell alone" in text) != could


# --- next steps


def _rules(*whens, most=5):
    steps = [
        {"id": f"s{i}", "priority": i + 1, "when": when, "vi": f"việc {i}", "en": f"step {i}"}
        for i, when in enumerate(whens)
    ]
    return NextSteps.model_validate({"most": most, "steps": steps})


def _ids(results, *whens):
    verdict = commune.steps.judge(replace(results, next_steps=_rules(*whens)))
    return [one.step.id for one in verdict.holding], verdict.unknown


@pytest.mark.parametrize(
    ("side", "low", "high", "holds"),
    [
        ("below", 0.2, 0.499, True),
        ("below", 0.2, 0.5, False),
        ("below", 0.4, 0.6, False),
        ("above", 0.501, 0.7, True),
        ("above", 0.5, 0.7, False),
    ],
)
@pytest.mark.parametrize("figure", ["level", "change", "gap"])
def test_judge__the_whole_interval_has_to_lie_on_one_side(usual, figure, side, low, high, holds):
    group = "women" if figure == "gap" else "all"
    table = {"level": "levels", "change": "changes", "gap": "gaps"}[figure]
    results = _with(usual, table, low, high, shown=0.45, group=group, **HERE)
    when = {"figure": figure, "of": "qr_shop_30d", "group": group, side: 0.5}
    assert _ids(results, when) == (["s0"] if holds else [], 0)


@pytest.mark.parametrize("figure", ["level", "change", "gap"])
def test_judge__nothing_follows_from_a_hidden_figure(usual, figure):
    group = "women" if figure == "gap" else "all"
    table = {"level": "levels", "change": "changes", "gap": "gaps"}[figure]
    results = _with(usual, table, 0.1, 0.2, status="hidden", group=group, **HERE)
    when = {"figure": figure, "of": "qr_shop_30d", "group": group, "below": 0.5}
    assert _ids(results, when) == ([], 1)


def test_judge__a_level_of_outreach_counts_too(usual):
    where = {"area": USUAL, "wave": "w3", "group": "all", "outcome": "contacts"}
    results = _with(usual, "outreach", 0.4, 0.9, shown=0.6, **where)
    assert _ids(results, {"figure": "level", "of": "contacts", "below": 1})[0] == ["s0"]


def _chosen(results, shares, status="shown"):
    codes = ["electric", "wallet", "safe", "app", "none"]
    rows = results.choices["area"].eq(USUAL) & results.choices["variable"].eq("wish")
    frame = results.choices.copy()
    values = frame.loc[rows, "choice"].map(dict(zip(codes, shares, strict=True)))
    frame.loc[rows, ["shown", "estimate"]] = np.column_stack([values, values])
    frame.loc[rows, "conf_low"] = values - 0.1
    frame.loc[rows, "status"] = status
    return replace(results, choices=frame)


@pytest.mark.parametrize(
    ("choice", "among", "holds"),
    [
        ("electric", 1, True),
        ("safe", 2, False),
        ("safe", 3, True),
        ("wallet", 2, True),
        ("app", 3, True),
        ("none", 3, False),
    ],
)
def test_judge__a_choice_among_the_first_with_ties(usual, choice, among, holds):
    results = _chosen(usual, [0.5, 0.4, 0.3, 0.3, 0.1])
    when = {"figure": "choice", "question": "wish", "choice": choice, "among_first": among}
    assert _ids(results, when) == (["s0"] if holds else [], 0)


@pytest.mark.parametrize(("above", "holds"), [(0.39, True), (0.41, False)])
def test_judge__a_choice_whose_whole_interval_is_above(usual, above, holds):
    results = _chosen(usual, [0.5, 0.4, 0.3, 0.3, 0.1])
    when = {"figure": "choice", "question": "wish", "choice": "electric", "above": above}
    assert _ids(results, when)[0] == (["s0"] if holds else [])


def test_judge__a_choice_from_few_answers_tells_nothing(usual):
    results = _chosen(usual, [0.5, 0.4, 0.3, 0.3, 0.1], status="few")
    when = {"figure": "choice", "question": "wish", "choice": "electric", "among_first": 1}
    assert _ids(results, when) == ([], 1)


def test_judge__a_choice_that_nobody_was_offered_is_unknown(usual):
    when = {"figure": "choice", "question": "wish", "choice": "no_such", "among_first": 1}
    assert _ids(usual, when) == ([], 1)


def _held(results, count, most):
    results = _with(results, "levels", 0.1, 0.2, group="all", **HERE)
    when = {"figure": "level", "of": "qr_shop_30d", "below": 0.5}
    return plain(
        commune.steps.steps_list(
            replace(results, next_steps=_rules(*[when] * count, most=most))
        ).source
    )


def test_steps_list__most_urgent_first_and_not_more_than_the_file_says(usual):
    text = _held(usual, 4, 2)
    assert [f"step {i}" in text for i in range(4)] == [True, True, False, False]
    assert text.index("step 0") < text.index("step 1")


def test_steps_list__gives_the_figure_with_its_cell(usual):
    results = _with(usual, "levels", 0.1, 0.2, shown=0.15, group="all", **HERE)
    when = {"figure": "level", "of": "qr_shop_30d", "below": 0.5}
    source = commune.steps.steps_list(replace(results, next_steps=_rules(when), traces=True)).source
    assert (
        'data-source="levels?area=10273&amp;group=all&amp;outcome=qr_shop_30d&amp;wave=w3#estimate">15%</data>'
        in source
    )
    assert 'n">50</data> answers), below 50%.' in source


@pytest.mark.parametrize(
    ("low", "status", "wanted"),
    [
        (0.6, "shown", "no step follows"),
        (0.6, "hidden", "The figures from which steps are drawn are not shown"),
    ],
)
def test_steps_list__says_so_where_none_holds_and_where_too_little_is_known(
    usual, low, status, wanted
):
    results = _with(usual, "levels", low, 0.9, status=status, group="all", **HERE)
    when = {"figure": "level", "of": "qr_shop_30d", "below": 0.5}
    assert wanted in commune.steps.steps_list(replace(results, next_steps=_rules(when))).source


def test_steps_list__some_unknown_is_said_too(usual):
    results = _with(usual, "levels", 0.1, 0.2, group="all", **HERE)
    results = _with(results, "gaps", 0, 0, status="hidden", group="poor", area=USUAL, wave="w3")
    rules = _rules(
        {"figure": "level", "of": "qr_shop_30d", "below": 0.5},
        {"figure": "gap", "of": "qr_shop_30d", "group": "poor", "below": 0},
    )
    source = commune.steps.steps_list(replace(results, next_steps=rules)).source
    assert "step 0" in source
    assert "Some rules could not be applied" in source


def test_steps_list__no_rules_and_a_place_with_few_answers(places, usual):
    assert "no rules" in commune.steps.steps_list(replace(usual, next_steps=None)).source
    for code in (SMALL, EMPTY):
        results = open_results(places, "en", code)
        known = {code for variable, code in results.labels if variable == "wish"}
        assert known
        rules = _rules(
            {"figure": "level", "of": "qr_shop_30d", "below": 1},
            {"figure": "gap", "of": "qr_shop_30d", "group": "women", "below": 1},
            {"figure": "choice", "question": "wish", "choice": "safe", "among_first": 9},
        )
        source = commune.steps.steps_list(replace(results, next_steps=rules)).source
        assert "The figures from which steps are drawn are not shown" in source

"""The evidence on the district's page: each figure stands in the results, and no sentence says more."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from survey_tools import contracts, params
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.report import evidence
from survey_tools.report.disclosure import disclose_communes, disclose_effects, open_results
from survey_tools.report.disclosure_evidence import TABLES, disclose_evidence
from survey_tools.report.evidence.rows import interval, row_of

LANGS = ("vi", "en")
TABLE_NAMES = (
    "inference", "families", "harm", "robust", "through", "exposure", "groups", "threats", "power",
)  # fmt: skip
SENTENCE_NAMES = (
    "inference", "families", "groups", "spillover", "honest", "attrition", "threats", "plan",
)  # fmt: skip
ALPHA = 0.05
QR = "qr_shop_30d"
DIACRITIC = re.compile(
    "[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE
)
NUMBER = re.compile(r"\d[\d.,]*")


@pytest.fixture(scope="module")
def pages(ws):
    return {lang: open_results(ws, lang) for lang in LANGS}


@pytest.fixture
def results(pages):
    return pages["en"]


def table(results, name):
    return getattr(evidence.tables, f"{name}_table")(results)


def sentences(results, name):
    return getattr(evidence.sentences, name)(results)


def with_evidence(results, **tables):
    return replace(results, evidence=results.evidence | tables)


def with_effect(results, estimand, **values):
    rows = results.effects.copy()
    at = rows["estimand"].eq(estimand)
    for column, value in values.items():
        rows.loc[at, column] = value
    return replace(results, effects=rows)


def everything(results):
    """Text of all cells and sentences."""
    cells = [cell for name in TABLE_NAMES for cell in table(results, name).frame.to_numpy().ravel()]
    said = [text for name in SENTENCE_NAMES for text in sentences(results, name)]
    return [*cells, *said]


def figures_in(text, lang):
    """Numbers of a text without sign, as the English write them without thousands."""
    found = [one.rstrip(".,") for one in NUMBER.findall(text)]
    if lang == "vi":
        return {one.replace(".", "").replace(",", ".") for one in found}
    return {one.replace(",", "") for one in found}


def written(values):
    """Every way in which a page may write these values."""
    found = {"0.001"}
    for value in pd.to_numeric(pd.Series(list(values)), errors="coerce").dropna().abs():
        found |= {f"{value:.{digits}f}" for digits in range(4)}
        found |= {f"{100 * value:.{digits}f}" for digits in range(2)}
    return found


def values_of(results, *names, **where):
    """All numbers in the rows of these tables of results that have these values."""
    for name in names:
        frame = results.effects if name == "effects" else results.evidence[name]
        for column, value in where.items():
            frame = frame[frame[column].eq(value)]
        yield from frame.select_dtypes("number").to_numpy(float, na_value=np.nan).ravel()


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", TABLE_NAMES)
def test_tables__every_figure_stands_in_the_results_of_its_outcome(pages, name, lang):
    results = pages[lang]
    made = table(results, name)
    frame = made.frame
    sources = ("effects", "inference", "families", "heterogeneity", "lee_bounds", "sensitivity")
    sources += ("leave_out", "detectable")
    main = results.study.report.main_outcomes
    labels = {results.outcome(o): o for o in results.outcomes.index}
    assert len(frame) > 1
    checked = 0
    for place, column in enumerate(frame.columns[1:], start=1):
        for row, cell in enumerate(frame.iloc[:, place]):
            if name in ("robust", "threats"):
                outcome = main[place - 1]
            else:
                first = made.rows[row][0]
                outcome = labels[first[1] if name == "groups" else first[0]]
            allowed = written(values_of(results, *sources, outcome=outcome))
            assert figures_in(cell, lang) <= allowed, (column, outcome, cell)
            checked += len(figures_in(cell, lang))
    assert checked > len(frame)


@pytest.mark.parametrize("name", TABLE_NAMES)
def test_tables__languages_show_the_same_figures(pages, name):
    vi, en = (table(pages[lang], name).frame.iloc[:, 1:].to_numpy().ravel() for lang in LANGS)
    assert [figures_in(c, "vi") for c in vi] == [figures_in(c, "en") for c in en]


def cells(results, name, first):
    """Cells of the row whose first cell begins with a text."""
    made = table(results, name)
    rows = [
        row for row in made.rows if first in (row[0] if isinstance(row[0], tuple) else (row[0],))
    ]
    assert len(rows) == 1
    return dict(zip(made.columns, rows[0], strict=True))


def points(value):
    return f"{100 * value:+.1f}".replace("-", "−")


def between(low, high):
    return f"from {points(low)} to {points(high)}"


def test_inference_table__each_method_under_its_own_name(results):
    mine = cells(results, "inference", results.outcome(QR))
    rows = results.evidence["inference"].query("outcome == @QR").set_index("method")
    names = {"randomisation": "p_randomisation", "cr2": "cr2", "wild": "wild", "cr1": "cr1"}
    for method, name in names.items():
        row = rows.loc[method]
        wanted = (f"p = {row['p_value']:.3f}", between(row["conf_low"], row["conf_high"]))
        assert mine[results.words(f"col_{name}")] == wanted
    assert mine["Effect"] == points(results.effect(QR)["estimate"])


def test_families_table__corrected_p_and_q_are_not_mixed_up(results):
    mine = cells(results, "families", results.outcome(QR))
    row = row_of(results, "families", outcome=QR)
    drawn = row_of(results, "inference", outcome=QR, method="randomisation")
    assert mine["p"] == f"{drawn['p_value']:.3f}"
    assert mine["p corrected in the family"] == f"{row['p_romano_wolf']:.3f}"
    assert mine["q"] == f"{row['q_sharpened']:.3f}"
    assert len(table(results, "families").rows) == len(results.outcomes)


def test_groups_table__inside_outside_and_difference_in_their_columns(results):
    made = table(results, "groups")
    row = row_of(results, "heterogeneity", outcome=QR, group="women")
    mine = next(r for r in made.rows if r[0] == ("Women respondents", results.outcome(QR)))
    for place, (name, end) in enumerate([("estimate", "_in"), ("estimate", "_out")], start=1):
        ends = between(row[f"conf_low{end}"], row[f"conf_high{end}"])
        assert mine[place] == (points(row[f"{name}{end}"]), ends)
    assert mine[3] == (points(row["interaction"]), between(row["conf_low"], row["conf_high"]))
    assert mine[4:] == ("0.871", "300", "150")
    assert len(made.rows) == 4 * len(results.plan.groups)


def test_threats_table__bounds_strength_placebo_and_range(results):
    made = {row[0]: row[1:] for row in table(results, "threats").rows}
    place = results.study.report.main_outcomes.index(QR)
    lee, unseen = (
        row_of(results, "lee_bounds", outcome=QR),
        row_of(results, "sensitivity", outcome=QR),
    )
    left = results.evidence["leave_out"].query("outcome == @QR")["estimate"]
    placebo = results.effect(QR, "placebo_baseline", wave="w1")
    assert made["Lee bounds"][place] == between(lee["lower"], lee["upper"])
    assert made["Unseen cause"][place] == f"{100 * unseen['robustness_value']:.1f}%"
    assert made["Without one commune"][place] == between(left.min(), left.max())
    assert made["Before"][place][0] == points(placebo["estimate"])


def test_through_table__the_second_interval_is_that_of_anderson_and_rubin(results):
    mine, late = cells(results, "through", results.outcome(QR)), results.effect(QR, "late")
    assert mine["Anderson–Rubin"] == between(late["ar_low"], late["ar_high"])
    assert mine["F"] == "38.2"


def test_power_table__smallest_effects_have_no_sign(results):
    mine, row = (
        cells(results, "power", results.outcome(QR)),
        row_of(results, "detectable", outcome=QR),
    )
    assert mine["Smallest effect found"] == f"{100 * row['mde']:.1f}"
    assert mine["The same in a family"] == f"{100 * row['mde_family']:.1f}"


def test_harm_table__is_there_whatever_it_says(results):
    harm = list(results.outcomes.index[results.outcomes["family"].eq("harm")])
    assert [row[0][0] for row in table(results, "harm").rows] == [results.outcome(o) for o in harm]


def test_tables__an_outcome_without_effect_is_shown_like_the_others(results):
    unclear = with_effect(results, "itt", conf_low=-0.04, conf_high=0.04, estimate=0.0)
    for name in ("families", "harm", "robust"):
        assert table(unclear, name).frame.shape == table(results, name).frame.shape


def test_plan_table__lists_what_departs_and_nothing_else(results):
    made = table(results, "plan")
    assert len(made.rows) == 3
    assert {row[2] for row in made.rows} == {
        "run, not planned", "planned, nothing could be estimated", "planned, not run",
    }  # fmt: skip
    assert "Opened the first account" in made.frame.iloc[:, 1].to_list()


def test_plan__without_departure_there_is_no_table_and_a_sentence_says_so(results):
    kept = results.evidence["plan"].query("state == 'as_planned'")
    assert table(with_evidence(results, plan=kept), "plan") is None
    said = sentences(with_evidence(results, plan=kept), "plan")
    assert "nothing planned is missing" in said[-1]
    assert "lists every departure" in sentences(results, "plan")[-1]


@pytest.mark.parametrize("n", [9, 10])
def test_evidence__rows_from_too_few_households_are_blank(ws, tmp_path, n):
    shutil.copytree(ws.root, tmp_path / "ws")
    few = params.open_workspace(tmp_path / "ws" / "params" / "study.yml")
    for name in [*EVIDENCE, "effects"]:
        frame = contracts.read_table(few.results, name)
        columns = [c for c in ("n", "n_in") if c in frame]
        frame[columns] = frame[columns].astype("int64")
        at = frame["outcome"].isin([QR, "account"]) if "outcome" in frame else frame.index >= 0
        frame.loc[at, columns] = n
        contracts.write_table(frame, few.results, name)
    results = open_results(few, "en")
    texts = everything(results)
    hidden = [text for text in texts if text.split(" (")[0] == "—"]
    mine = [
        *cells(results, "families", results.outcome(QR)).values(),
        *cells(results, "power", results.outcome(QR)).values(),
        *cells(results, "inference", results.outcome(QR)).values(),
        *cells(results, "through", results.outcome(QR)).values(),
        *(
            row[1 + results.study.report.main_outcomes.index(QR)]
            for row in table(results, "threats").rows
        ),
        *(
            cell
            for row in table(results, "groups").rows
            if results.outcome(QR) in row[0]
            for cell in row[1:]
        ),
    ]
    shown = [
        cell for cell in mine if (isinstance(cell, tuple) and cell[0][0] in "+−0") or cell == str(n)
    ]
    assert bool(shown) == (n == 10)
    assert bool(hidden) == (n == 9)
    honest, attrition = sentences(results, "honest")[0], " ".join(sentences(results, "attrition"))
    assert ("too few periods" in honest) == (n == 9)
    assert ("more intensive less regular" in attrition) == (n == 10)
    assert ("could not be tested" in attrition) == (n == 9)


def test_effects__no_figure_of_too_few_households_passes(ws):
    raw = contracts.read_table(ws.results, "effects")
    frame = disclose_effects(raw.assign(n=9), ws.study.disclosure)
    assert frame.select_dtypes("number").isna().all(axis=None)
    kept = disclose_effects(raw.assign(n=10), ws.study.disclosure)
    figures = list(raw.select_dtypes("float64").columns)
    pd.testing.assert_frame_equal(kept[figures], raw[figures])
    assert disclose_effects(raw.assign(n=0), ws.study.disclosure)["n"].eq(0).all()


def test_communes__no_limit_of_too_few_households_passes(ws):
    raw = contracts.read_table(ws.results, "communes")
    frame = disclose_communes(raw.assign(n=9), ws.study.disclosure)
    assert frame[["weight_own", "smallest_detectable", "estimate", "n"]].isna().all(axis=None)
    kept = disclose_communes(raw, ws.study.disclosure)
    assert kept["smallest_detectable"].notna().any()


@pytest.mark.parametrize(("inside", "outside"), [(9, 1681), (1681, 9), (4, 4)])
def test_groups__both_sides_are_blank_where_one_is_small(ws, inside, outside):
    raw = contracts.read_table(ws.results, "heterogeneity").assign(n_in=inside, n_out=outside)
    frame = disclose_evidence(raw, "heterogeneity", ws.study.disclosure)
    assert frame.select_dtypes("number").isna().all(axis=None)
    frame = disclose_evidence(raw.assign(n_in=10, n_out=10), "heterogeneity", ws.study.disclosure)
    assert frame[["estimate_in", "estimate_out", "interaction", "n_in"]].notna().all(axis=None)


@pytest.mark.parametrize(("strata", "shown"), [(1, False), (2, False), (3, True)])
def test_leave_out__without_one_of_two_communes_is_the_other_alone_and_blank(ws, strata, shown):
    raw = contracts.read_table(ws.results, "leave_out")
    kept = raw[raw["left_out"].isin(sorted(raw["left_out"].unique())[:strata])]
    frame = disclose_evidence(kept, "leave_out", ws.study.disclosure)
    assert frame["estimate"].notna().all() == shown


@pytest.mark.parametrize("lang", LANGS)
def test_leave_out__no_commune_is_named_in_the_evidence(pages, lang):
    results = pages[lang]
    names = {unit.name(lang) for unit in results.units.values()} | set(results.units)
    assert not [text for text in everything(results) for name in names if name in text]


def test_open_evidence__leaves_callers_frames_alone_and_knows_every_table(ws, results):
    assert set(TABLES) == set(EVIDENCE)
    assert set(results.evidence) == set(EVIDENCE)
    raw = contracts.read_table(ws.results, "lee_bounds").assign(n=3)
    before = raw.copy()
    disclose_evidence(raw, "lee_bounds", ws.study.disclosure)
    pd.testing.assert_frame_equal(raw, before)


def test_open_evidence__commune_pages_have_none(ws):
    assert open_results(ws, "en", "10291").evidence == {}


@pytest.mark.parametrize(
    ("estimate", "low", "high", "p", "wanted"),
    [
        (0.2, 0.1, 0.3, 0.01, "would differ by +20.0"),
        (-0.2, -0.3, -0.1, 0.01, "would differ by −20.0"),
        (
            0.2,
            0.1,
            0.3,
            0.05,
            "leaves out zero, but lots drawn again give as much by chance too often (p =",
        ),
        (0.2, 0.1, 0.3, 0.05, "too uncertain"),
        (-0.2, -0.3, -0.1, 0.0939, "(p = 0.094)"),
        (0.2, 0.1, 0.3, np.nan, "leaves out zero, but the lot was not drawn again"),
        (0.2, 0.1, 0.3, np.nan, "too uncertain"),
        (0.2, -0.1, 0.5, 0.01, "too uncertain"),
        (0.2, 0.0, 0.4, 0.01, "too uncertain"),
        (0.2, np.nan, np.nan, 0.01, "cannot tell"),
        (np.nan, np.nan, np.nan, np.nan, "cannot tell"),
    ],
)
def test_spillover__is_clear_by_interval_and_by_draw_or_not_at_all(
    results, estimate, low, high, p, wanted
):
    values = {"shown": estimate, "estimate": estimate, "conf_low": low, "conf_high": high}
    made = with_effect(results, "spillover", **values, p_randomisation=p)
    said = sentences(made, "spillover")
    assert len(said) == 4
    assert all(wanted in text for text in said)


@pytest.mark.parametrize("lang", LANGS)
def test_spillover__beside_an_interval_without_zero_says_what_the_verdict_rests_on(pages, lang):
    values = {"shown": 0.416, "estimate": 0.416, "conf_low": 0.045, "conf_high": 0.786}
    doubtful = with_effect(pages[lang], "spillover", **values, p_randomisation=0.0939)
    assert all(
        ("0,094" if lang == "vi" else "0.094") in x for x in sentences(doubtful, "spillover")
    )
    clear = with_effect(pages[lang], "spillover", **values, p_randomisation=0.049)
    assert all("0,049" not in x and "0.049" not in x for x in sentences(clear, "spillover"))


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("lows", "highs", "differ"),
    [
        ((0.011, 0.018, -0.001), (0.056, 0.067, 0.06), "yyn"),
        ((-0.056, 0.0, -0.001), (-0.011, 0.067, 0.0), "ynn"),
        ((-0.01, -0.01, 0.001), (0.01, 0.01, 0.06), "nny"),
        ((-0.01, -0.01, -0.01), (0.01, 0.01, 0.01), "nnn"),
        ((np.nan, 0.01, np.nan), (np.nan, 0.02, np.nan), "-y-"),
    ],
)
def test_attrition__says_in_which_waves_the_groups_differ_and_what_follows(
    pages, lang, lows, highs, differ
):
    results = pages[lang]
    frame = results.evidence["attrition_test"].sort_values("wave").reset_index(drop=True)
    assert frame["wave"].tolist() == ["w1", "w2", "w3"]
    frame = frame.assign(estimate=np.add(lows, highs) / 2, conf_low=lows, conf_high=highs)
    said = sentences(with_evidence(results, attrition_test=frame), "attrition")
    clear, unclear = (
        ("the groups differ in which", "no clear difference")
        if lang == "en"
        else (
            "hai nhóm khác nhau về tỷ lệ phỏng vấn được trong số",
            "chưa thấy hai nhóm khác nhau rõ",
        )
    )
    tested = differ.replace("-", "")
    assert [clear in x for x in said[: len(tested)]] == [x == "y" for x in tested]
    assert [unclear in x for x in said[: len(tested)]] == [x == "n" for x in tested]
    rest = [results.words(key) for key in ("attrition_before", "attrition_follows")]
    assert [text in said for text in rest] == [differ[0] == "y", "y" in differ]
    assert (len(said) > len(tested)) == ("y" in differ)


def test_attrition__is_said_once_and_lee_bounds_only_where_a_lot_was_drawn(results):
    frame = results.evidence["attrition_test"].assign(estimate=0.03, conf_low=0.01, conf_high=0.05)
    made = with_evidence(results, attrition_test=frame)
    assert "Lee" in sentences(made, "attrition")[-1]
    assert not any("interviewed" in text for text in sentences(made, "threats"))
    design = made.study.design.model_copy(update={"kind": "observational"})
    other = replace(made, study=made.study.model_copy(update={"design": design}))
    assert not any("Lee" in text for text in sentences(other, "attrition"))


def test_attrition__without_a_test_says_so(results):
    none = with_evidence(results, attrition_test=results.evidence["attrition_test"].iloc[:0])
    assert sentences(none, "attrition") == [results.words("attrition_untested")]


@pytest.mark.parametrize(
    ("p", "count"), [((0.6, 0.6), 0), ((0.049, 0.6), 1), ((0.01, 0.02), 2), ((ALPHA, ALPHA), 0)]
)
def test_families__a_finding_by_the_corrected_p_only(results, p, count):
    frame = results.evidence["families"].assign(p_value=0.001, q_sharpened=0.001, p_holm=0.001)
    first = frame.index[frame["family"].eq("ecommerce")][:2]
    frame.loc[first, "p_romano_wolf"] = p
    said = next(
        t for t in sentences(with_evidence(results, families=frame), "families") if "E-comm" in t
    )
    names = [results.outcome(o) for o in frame.loc[first, "outcome"]]
    assert ("no outcome shows" in said) == (count == 0)
    assert ("1 outcome shows" in said) == (count == 1)
    assert ("2 outcomes show " in said) == (count == 2)
    assert [name in said for name in names] == [x < ALPHA for x in p]


def test_families__harm_is_judged_without_a_correction(results):
    frame = results.evidence["families"]
    harm = frame["family"].eq("harm")
    frame = frame.assign(
        p_value=frame["p_value"].mask(harm, 0.01),
        p_romano_wolf=frame["p_romano_wolf"].mask(harm, 0.9),
    )
    said = sentences(with_evidence(results, families=frame), "families")
    assert any("without a correction 2 outcomes show a clear change" in text for text in said)


def test_families__a_family_that_nobody_answered_is_said_to_be_so(results):
    frame = results.evidence["families"]
    frame = frame.assign(p_romano_wolf=frame["p_romano_wolf"].mask(frame["family"].eq("harm")))
    said = sentences(with_evidence(results, families=frame), "families")
    assert "Harm: too few answers to say." in said
    assert len(said) == 4


@pytest.mark.parametrize(
    ("p", "wanted"),
    [
        ((0.9, 0.9), "no group shows"),
        ((ALPHA, 0.9), "no group shows"),
        ((0.01, 0.9), "1 group shows a clearly different effect: Women respondents."),
        (
            (0.01, 0.01),
            "2 groups show a clearly different effect: Women respondents, Aged 60 or over.",
        ),
        ((np.nan, np.nan), "too few answers in the groups"),
    ],
)
def test_groups__by_the_corrected_p_of_the_difference_only(results, p, wanted):
    frame = results.evidence["heterogeneity"].assign(p_value=0.001, conf_low_in=0.01)
    mine = frame.index[frame["outcome"].eq(QR)]
    frame.loc[mine[:2], "p_adjusted"] = p
    if np.isnan(p[0]):
        frame.loc[mine, "p_adjusted"] = np.nan
    said = sentences(with_evidence(results, heterogeneity=frame), "groups")
    place = results.study.report.main_outcomes.index(QR)
    assert wanted in said[place]
    assert sum("no group shows" in text for text in said) >= 3


def test_honest__gives_the_interval_at_the_drift_seen_before_and_no_verdict(results):
    said = sentences(results, "honest")
    assert said[0].endswith(f"the 95% confidence interval is {between(-0.042, 0.066)}.")
    assert "Began to sell online" in said[1]


def test_honest__an_interval_without_end_is_written_as_such(results):
    frame = results.evidence["honest"].assign(conf_low=-np.inf, conf_high=np.inf)
    assert "from −∞ to +∞" in sentences(with_evidence(results, honest=frame), "honest")[0]


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (-np.inf, 0.1, "from −∞ to +10.0"),
        (0.1, np.inf, "from +10.0 to +∞"),
        (np.nan, 0.1, "—"),
        (-np.inf, np.nan, "—"),
    ],
)
def test_interval__open_ends_and_missing_ones_differ(results, low, high, wanted):
    assert interval(results, pd.Series({"conf_low": low, "conf_high": high}), "binary") == wanted
    made = with_effect(results, "late", ar_low=low, ar_high=high)
    assert cells(made, "through", results.outcome(QR))["Anderson–Rubin"] == wanted


def test_inference__says_how_often_the_lot_was_drawn_and_what_teams_are_worth(results):
    said = sentences(results, "inference")
    assert "9,999 times" in said[0]
    assert "154 teams are worth about 139" in said[1]


def test_inference__without_a_draw_no_draw_is_spoken_of(results):
    frame = results.evidence["inference"].query("method != 'randomisation'")
    said = sentences(with_evidence(results, inference=frame), "inference")
    assert len(said) == 1
    assert "lot" not in said[0]
    none = with_evidence(results, inference=frame.assign(p_value=np.nan))
    assert sentences(none, "inference") == ["There are no tests to show."]


@pytest.mark.parametrize("found", [0, 1, 2])
def test_threats__counts_placebos_whose_interval_is_beyond_zero(results, found):
    rows = results.effects.copy()
    at = rows.index[rows["estimand"].eq("placebo_baseline")]
    rows.loc[at, ["conf_low", "conf_high"]] = [-0.1, 0.1]
    rows.loc[at[:found], ["conf_low", "conf_high"]] = [0.01, 0.1]
    said = sentences(replace(results, effects=rows), "threats")[-1]
    assert f"{len(at)} tested, {found} with an interval that leaves out zero" in said
    assert f"about {0.05 * len(at):.1f} would" in said


@pytest.mark.parametrize(
    ("changes", "wanted"), [(0, "not changed"), (1, "1 time since"), (2, "2 times")]
)
def test_plan__counts_its_changes(results, changes, wanted):
    change = params.plan.PlanChange(date="2026-05-01", what="one more", why="reviewer")
    made = replace(results, plan=results.plan.model_copy(update={"changes": (change,) * changes}))
    assert wanted in sentences(made, "plan")[1]


def test_plan__says_how_many_were_planned_and_done(results):
    outcomes = len(results.outcomes)
    said = sentences(results, "plan")[0]
    assert f"{outcomes + 2} analyses were planned, {outcomes} of them" in said
    alone = results.evidence["plan"].head(1)
    assert "1 analysis was planned" in sentences(with_evidence(results, plan=alone), "plan")[0]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("missing", [*EVIDENCE, "all", "effects"])
def test_evidence__a_missing_table_is_a_sentence_or_nothing(pages, lang, missing):
    kept = (
        {} if missing == "all" else {k: v for k, v in pages[lang].evidence.items() if k != missing}
    )
    results = replace(pages[lang], evidence=kept)
    if missing in ("all", "effects"):
        results = replace(results, effects=results.effects.iloc[:0])
    assert all(text.strip() for text in everything(results))
    for name in ("inference", "spillover", "groups"):
        assert sentences(results, name)


@pytest.mark.parametrize("lang", LANGS)
def test_evidence__rows_without_any_figure_are_dashes(pages, lang):
    empty = {}
    for name, frame in pages[lang].evidence.items():
        numbers = frame.select_dtypes("float64").columns
        empty[name] = frame.assign(**dict.fromkeys(numbers, np.nan))
    results = replace(pages[lang], evidence=empty)
    text = " ".join(everything(results))
    assert not re.search(r"\b(nan|None|NaN|inf|<NA>)\b", text)


@pytest.mark.parametrize("name", SENTENCE_NAMES)
def test_sentences__vietnamese_is_vietnamese_and_says_the_same_figures(pages, name):
    vi, en = (sentences(pages[lang], name) for lang in LANGS)
    assert len(vi) == len(en) > 0
    assert all(DIACRITIC.search(text) for text in vi)
    assert not [text for text in en if DIACRITIC.search(text)]


def test_term__a_group_or_family_without_a_word_keeps_its_name(results):
    frame = results.evidence["heterogeneity"].assign(group="fishers", p_adjusted=0.001)
    made = with_evidence(results, heterogeneity=frame.drop_duplicates("outcome"))
    assert "fishers" in sentences(made, "groups")[0]
    assert table(made, "groups").rows[0][0][0] == "fishers"
    frame = results.evidence["families"].assign(family="fishing")
    assert sentences(with_evidence(results, families=frame), "families")[0].startswith("fishing")


@pytest.fixture
def drawn(monkeypatch):
    """Figures, alt texts and captions that were shown; `nothing` counts as a line."""
    shown = []
    monkeypatch.setattr(
        evidence.figures, "show", lambda figure, **texts: shown.append((figure, texts))
    )
    monkeypatch.setattr(evidence.figures, "nothing", lambda results: shown.append(None))
    return shown


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(
    ("outcome", "estimator", "times"),
    [(QR, "callaway_santanna", 3), ("account", "adoption", 4), ("online_selling", "adoption", 4)],
)
def test_events_figure__has_each_period_in_picture_and_alt_text(
    pages, drawn, lang, outcome, estimator, times
):
    evidence.figures.events_figure(pages[lang], outcome, estimator)
    figure, texts = drawn[0]
    marks = sum(
        len(one.get_offsets()) for one in figure.axes[0].collections if one.get_offsets().size
    )
    lines = sum(
        len(one.get_segments())
        for one in figure.axes[0].collections
        if hasattr(one, "get_segments")
    )
    assert texts["alt"].count(";") == times - 1
    assert "—" not in texts["alt"]
    assert bool(DIACRITIC.search(texts["alt"] + texts["caption"])) == (lang == "vi")
    assert lines == times
    assert marks >= times


def test_events_figure__alt_text_has_the_estimates(results, drawn):
    evidence.figures.events_figure(results, QR, "callaway_santanna")
    alt = drawn[0][1]["alt"]
    assert "−1: 0.0 percentage points;" in alt
    assert f"1: +3.1 percentage points ({between(-0.019, 0.081)})" in alt


@pytest.mark.parametrize("change", ["missing", "no_row", "no_estimate"])
def test_events_figure__without_estimates_says_so(results, drawn, change):
    frame = results.evidence["event_study"]
    changed = {
        "missing": pd.DataFrame(),
        "no_row": frame[frame["outcome"].ne(QR)],
        "no_estimate": frame.assign(estimate=np.nan),
    }[change]
    made = with_evidence(results, event_study=changed)
    evidence.figures.events_figure(made, QR, "callaway_santanna")
    assert drawn == [None]

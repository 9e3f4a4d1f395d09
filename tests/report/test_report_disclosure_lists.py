"""Figures by another list of areas, and attacks: what they and the commune pages tell together.

An attack takes every figure that is published as an equation over the communes' counts and asks by
linear algebra which sums of communes follow from them.
"""

import shutil
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from survey_tools.areas import read_areas
from survey_tools.errors import AreaError, ContractError
from survey_tools.params import DisclosureSettings, open_workspace
from survey_tools.report.disclosure import disclose_levels, open_results
from survey_tools.report.disclosure_lists import disclose_by_list

RULES = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)
GROUPS = ("all", "intensive", "regular")


def frame_of(cells, keys):
    frame = pd.DataFrame(cells, columns=[*keys, "group", "numerator", "n"])
    share = frame["numerator"] / frame["n"].where(frame["n"] > 0)
    low, high = (share - 0.12).clip(0), (share + 0.12).clip(upper=1)
    frame = frame.assign(wave="w3", outcome="qr", estimate=share, conf_low=low, conf_high=high)
    return frame.assign(n_teams=3)


def tables_of(communes, units):
    """Levels and levels by area from `{commune: {group: (numerator, n)}}` and `{(list, unit): communes}`."""
    groups = sorted({group for cells in communes.values() for group in cells})

    def add(group, codes):
        return tuple(sum(communes[c][group][k] for c in codes) for k in (0, 1))

    rows = [("district", group, *add(group, communes)) for group in groups]
    rows += [(code, group, *cells[group]) for code, cells in communes.items() for group in groups]
    merged = [
        (*unit, group, *add(group, inside)) for unit, inside in units.items() for group in groups
    ]
    return frame_of(rows, ["area"]), frame_of(merged, ["area_list", "area_code"])


def disclosed(communes, units):
    levels, by_area = tables_of(communes, units)
    shown = disclose_levels(levels, RULES)
    inside = {unit: frozenset(codes) for unit, codes in units.items()}
    return shown, disclose_by_list(by_area, levels, shown, inside, RULES)


def statuses(communes, units):
    """Status of each unit by its code, from counts `{commune: (numerator, n)}` of everybody."""
    _, by_list = disclosed({code: {"all": cell} for code, cell in communes.items()}, units)
    return dict(zip(by_list["area_code"], by_list["status"], strict=True))


SAFE = (20, 48)


def test_disclose_by_list__a_unit_of_one_commune_is_hidden_with_it():
    communes = {"a": (3, 40), "b": SAFE, "c": SAFE, "d": (20, 60)}
    # b is hidden beside a, so that the district does not tell a
    found = statuses(communes, {("new", "A"): "a", ("new", "B"): "b", ("new", "C"): "cd"})
    assert found == {"A": "hidden", "B": "hidden", "C": "shown"}


def test_disclose_by_list__a_unit_that_less_its_published_communes_is_one_hidden_one_is_hidden():
    communes = {"a": (3, 40), "b": SAFE, "c": SAFE, "d": SAFE, "e": (20, 60)}
    found = statuses(communes, {("new", "AC"): "ac", ("new", "BDE"): "bde"})
    assert found == {"AC": "hidden", "BDE": "hidden"}


def test_disclose_by_list__a_unit_that_holds_all_that_is_hidden_is_shown():
    communes = {"a": (3, 40), "b": SAFE, "c": SAFE, "d": SAFE, "e": (20, 60)}
    found = statuses(communes, {("new", "AB"): "ab", ("new", "CDE"): "cde"})
    assert found == {"AB": "shown", "CDE": "shown"}


def test_disclose_by_list__hidden_communes_that_add_up_to_an_unsafe_count_hide_their_unit():
    communes = {"a": (1, 40), "b": (2, 45), "c": (9, 50), "d": (9, 55), "e": SAFE, "f": (20, 70)}
    shown, _ = disclosed({k: {"all": v} for k, v in communes.items()}, {})
    hidden = set(shown.loc[shown["status"].eq("hidden"), "area"])
    assert hidden == {"a", "b", "e"}
    found = statuses(communes, {("new", "ABF"): "abf", ("new", "CDE"): "cde"})
    assert found == {"ABF": "hidden", "CDE": "hidden"}


def test_disclose_by_list__the_district_less_published_units_tells_no_hidden_one():
    communes = {"a": (3, 40), "b": SAFE, "c": (2, 41), "d": (4, 42), "e": SAFE, "f": (9, 60)}
    units = {("new", "AB"): "ab", ("new", "CDE"): "cde", ("new", "F"): "f"}
    shown, by_list = disclosed({k: {"all": v} for k, v in communes.items()}, units)
    assert set(shown.loc[shown["status"].eq("hidden"), "area"]) == {"a", "c", "d"}
    found = dict(zip(by_list["area_code"], by_list["status"], strict=True))
    # AB less b is a; the district less CDE and f is a too, so CDE goes as well although c and d are two
    assert found == {"AB": "hidden", "CDE": "hidden", "F": "shown"}


def test_disclose_by_list__a_commune_that_its_page_hides_is_not_told_by_its_unit():
    # c has nothing small: it is hidden because the smallest join first, until the sum is safe
    communes = {"a": (1, 40), "b": (1, 41), "c": (0, 42), "d": (9, 43), "e": SAFE, "f": (20, 70)}
    units = {("new", "C"): "c", ("new", "ABDF"): "abdf", ("new", "E"): "e"}
    shown, _ = disclosed({k: {"all": v} for k, v in communes.items()}, units)
    assert set(shown.loc[shown["status"].eq("hidden"), "area"]) == {"a", "b", "c", "d"}
    assert statuses(communes, units) == {"C": "hidden", "ABDF": "hidden", "E": "shown"}


def test_disclose_by_list__two_lists_are_decided_together():
    communes = {"a": (3, 40), "b": SAFE, "c": (3, 41), "d": SAFE, "e": SAFE, "f": (20, 60)}
    mid = {("mid", "AB"): "ab", ("mid", "CD"): "cd", ("mid", "E"): "e", ("mid", "F"): "f"}
    top = {("top", "ABCD"): "abcd", ("top", "EF"): "ef"}
    assert statuses(communes, top) == {"ABCD": "shown", "EF": "shown"}
    found = statuses(communes, mid | top)
    assert found["AB"] == found["CD"] == "hidden"
    assert found["ABCD"] == found["EF"] == found["E"] == "shown"


def test_disclose_by_list__groups_and_lists_that_the_study_does_not_name_never_pass():
    cells = {"all": (30, 80), "intensive": (15, 40), "regular": (15, 40)}
    levels, by_area = tables_of({"a": cells, "b": cells}, {("new", "A"): "a", ("other", "A"): "a"})
    shown = disclose_levels(levels, RULES)
    found = disclose_by_list(by_area, levels, shown, {("new", "A"): frozenset("a")}, RULES)
    assert found[["area_list", "group"]].to_numpy().tolist() == [["new", "all"]]


def test_disclose_by_list__hidden_rows_hold_no_number_and_few_are_rounded():
    units = {("new", "A"): "a", ("new", "B"): "b", ("new", "C"): "c", ("new", "D"): "d"}
    communes = {"a": (2, 40), "b": (8, 23), "c": SAFE, "d": (8, 25)}
    _, found = disclosed({k: {"all": v} for k, v in communes.items()}, units)
    rows = found.set_index("area_code")
    numbers = ["estimate", "conf_low", "conf_high", "n", "numerator", "shown", "n_teams"]
    assert rows.loc["A", numbers].isna().all()
    assert rows.loc["D", "status"] == "few"
    assert rows.loc["D", "shown"] == pytest.approx(0.3)
    assert np.isnan(rows.loc["D", "numerator"])
    assert rows.loc["C", "status"] == "shown"


def test_disclose_by_list__tables_not_made_together_are_refused():
    levels, by_area = tables_of({"a": {"all": SAFE}, "b": {"all": SAFE}}, {("new", "AB"): "ab"})
    shown = disclose_levels(levels, RULES)
    inside = {("new", "AB"): frozenset("ab")}
    for column, value in (("n", 95), ("numerator", 41)):
        with pytest.raises(ContractError, match="not those of its communes"):
            disclose_by_list(by_area.assign(**{column: value}), levels, shown, inside, RULES)


@pytest.mark.parametrize("seed", range(60))
def test_disclose_by_list__attack_by_every_sum_of_communes_fails(seed):
    """No sum of communes that follows from all that is published is unsafe, or a hidden commune or unit."""
    communes, units = made_up(np.random.default_rng(seed), groups=("all",))
    shown, by_list = disclosed(communes, units)
    codes = sorted(communes)
    known = published(shown, by_list, units, codes)
    for size in range(1, len(codes) + 1):
        for some in combinations(codes, size):
            if follows(known, [float(code in some) for code in codes]):
                numerator, n = (sum(communes[c]["all"][k] for c in some) for k in (0, 1))
                assert not unsafe(numerator, n), some
                assert size > 1 or status_of(shown, some[0]) != "hidden", some


@pytest.mark.parametrize("seed", range(25))
def test_disclose_by_list__attack_on_groups_gains_nothing_from_larger_units(seed):
    """With the larger units no sum of one group over communes follows that did not follow without."""
    communes, units = made_up(np.random.default_rng(seed), groups=GROUPS)
    shown, by_list = disclosed(communes, units)
    codes = sorted(communes)
    without = published_groups(shown, codes)
    everybody = published(shown, by_list, units, codes)
    together = np.vstack([without, np.hstack([everybody, everybody])])
    none = [0.0] * len(codes)
    for size in range(1, len(codes) + 1):
        for some in combinations(codes, size):
            wanted = [float(code in some) for code in codes]
            for one in ([*wanted, *none], [*none, *wanted]):
                assert follows(together, one) == follows(without, one), some


def made_up(rng, groups):
    """Six communes in three units of one list and two of the next, with many small counts."""
    communes = {}
    for code in "abcdef":
        halves = {}
        for group in ("intensive", "regular"):
            n = int(rng.integers(8, 40))
            halves[group] = (int(rng.binomial(n, rng.choice([0.02, 0.04, 0.4, 0.98]))), n)
        whole = tuple(sum(cell[k] for cell in halves.values()) for k in (0, 1))
        communes[code] = {g: c for g, c in {"all": whole, **halves}.items() if g in groups}
    order = "".join(rng.permutation(list("abcdef")))
    first, second = sorted(rng.choice(range(1, 6), 2, replace=False))
    mid = [order[:first], order[first:second], order[second:]]
    units = {("mid", f"m{k}"): part for k, part in enumerate(mid)}
    return communes, units | {("top", "t0"): mid[0] + mid[1], ("top", "t1"): mid[2]}


def published(shown, by_list, units, codes):
    """Equations over the communes that the published figures of everybody make."""
    rows = []
    everybody = shown[shown["group"].eq("all") & shown["status"].ne("hidden")]
    for area in everybody["area"]:
        rows.append([float(area in ("district", code)) for code in codes])
    open_units = by_list[by_list["status"].ne("hidden")]
    for key in zip(open_units["area_list"], open_units["area_code"], strict=True):
        rows.append([float(code in units[key]) for code in codes])
    return np.array(rows).reshape(-1, len(codes))


def published_groups(shown, codes):
    """Equations over intensive and regular halves of communes that the published levels make."""
    rows = []
    for row in shown[shown["status"].ne("hidden")].itertuples():
        here = [float(row.area in ("district", code)) for code in codes]
        none = [0.0] * len(codes)
        halves = {"all": [*here, *here], "intensive": [*here, *none], "regular": [*none, *here]}
        rows.append(halves[row.group])
    return np.array(rows).reshape(-1, 2 * len(codes))


def follows(known, wanted):
    rank = np.linalg.matrix_rank(known) if known.size else 0
    return np.linalg.matrix_rank(np.vstack([known, wanted])) == rank


def status_of(shown, area):
    return shown.query("area == @area and group == 'all'")["status"].item()


def unsafe(numerator, n):
    return 0 < n < 10 or 1 <= numerator <= 4 or 1 <= n - numerator <= 4


def test_open_results__district_page_has_the_lists_that_the_study_names(ws):
    results = open_results(ws, "vi")
    assert set(results.lists) == {"2024", "2025-01", "2025-07"}
    assert set(results.by_list["group"]) == {"all"}
    units = results.by_list.groupby("area_list")["area_code"].nunique()
    assert units.to_dict() == {"2024": 27, "2025-01": 23, "2025-07": 4}
    assert open_results(ws, "vi", "10291").by_list.empty


def test_open_results__attack_on_the_district_with_both_lists_fails(ws):
    """On the workspace's own figures: each published unit's remainder of hidden communes is safe."""
    both = _with_lists(ws, ("2025-01", "2025-07"))
    results = open_results(both, "en")
    keys = ["wave", "outcome", "area"]
    raw = pd.read_parquet(ws.results / "levels.parquet")
    everybody = (
        disclose_levels(raw, ws.study.disclosure)
        .query("group == 'all'")
        .set_index(keys)
        .sort_index()
    )
    raw = raw.query("group == 'all'").set_index(keys).sort_index()
    areas = read_areas(ws.file("areas"))
    assert {"hidden", "shown"} <= set(results.by_list["status"])
    for key, units in results.by_list.groupby(["wave", "outcome"]):
        cells, status = raw.loc[key], everybody.loc[key, "status"]
        hidden = set(status.index[status.eq("hidden") & cells["n"].gt(0)])
        shown = units[units["status"].ne("hidden")]
        known = [
            set(areas.get(unit.area_code, unit.area_list).codes_2024) for unit in shown.itertuples()
        ]
        known.append(set(cells.index) - {"district"})
        for unit in known:
            rest = sorted(unit & hidden - set().union(*(other for other in known if other < unit)))
            n, numerator = cells.loc[rest, "n"].sum(), cells.loc[rest, "numerator"].sum(min_count=1)
            assert len(rest) != 1
            assert not rest or (n >= 10 if pd.isna(numerator) else not unsafe(numerator, n))


def test_open_results__a_list_older_than_the_studys_or_unknown_is_refused(ws):
    with pytest.raises(AreaError, match="no such list"):
        open_results(_with_lists(ws, ("2026-01",)), "en")
    later = _with_lists(ws, ("2024",), own="2025-07")
    with pytest.raises(AreaError):
        open_results(later, "en")


def test_open_results__results_of_another_list_are_refused(ws, tmp_path):
    copy = _copy_of(ws, tmp_path)
    path = copy.results / "levels.parquet"
    pd.read_parquet(path).assign(area_list="2025-01").to_parquet(path, index=False)
    with pytest.raises(AreaError, match="may be another place"):
        open_results(copy, "vi", "10291")


def test_open_results__without_further_lists_needs_no_table_of_them(ws, tmp_path):
    copy = _copy_of(ws, tmp_path)
    (copy.results / "levels_by_area.parquet").unlink()
    assert open_results(_with_lists(copy, ()), "vi").lists == {}
    assert open_results(copy, "vi", "10291").lists == {}
    with pytest.raises(ContractError, match="not there yet"):
        open_results(copy, "vi")


def _with_lists(ws, lists, own=None):
    study = ws.study
    report = study.report.model_copy(update={"area_lists": lists})
    areas = study.areas.model_copy(update={"list_": own or study.areas.list_})
    study = study.model_copy(update={"report": report, "areas": areas})
    return type(ws)(root=ws.root, study_path=ws.study_path, study=study)


def _copy_of(ws, folder):
    shutil.copytree(ws.root / "params", folder / "params")
    shutil.copytree(ws.root / "data", folder / "data")
    return open_workspace(folder / "params" / "study.yml")

import copy

import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.kobo import Form, flatten
from survey_tools.kobo.tables.changes import drift, suggest_renames

HAMLET, VILLAGE = "loc/hamlet", "loc/village"


@pytest.fixture(scope="module")
def pilot():
    return {uid: recorded(f"pilot/16_version_{uid}.json")["content"] for uid in VERSIONS}


def question(name, kind="text", **more):
    return {"type": kind, "name": name, "$kuid": f"k_{name}", "label": [name], **more}


def group(name, *inside, kind="group", **more):
    end = {"type": f"end_{kind}"}
    return [question(name, f"begin_{kind}", **more), *_flat(inside), end]


def _flat(rows):
    return [one for row in rows for one in (row if isinstance(row, list) else [row])]


def form(*rows, choices=()):
    listed = [
        {"list_name": "l", "name": code, "label": [label]} for code, label in dict(choices).items()
    ]
    return {"survey": _flat(rows), "choices": listed, "translations": ["Tiếng Việt (vi)"]}


def changes(*versions):
    forms = {f"v{number}": one for number, one in enumerate(versions, 1)}
    columns = ["change", "path", "new_path", "before", "after"]
    return [tuple(line) for line in drift(forms)[columns].itertuples(index=False)]


def suggested(*versions):
    forms = {f"v{number}": one for number, one in enumerate(versions, 1)}
    renames = suggest_renames(forms)
    flatten([], forms, renames=renames)  # takes them as they are
    return renames


def test_drift__recorded_renaming(pilot):
    found = drift(pilot)
    assert found[["from_version", "to_version"]].drop_duplicates().to_numpy().tolist() == [
        list(VERSIONS)
    ]
    assert found[["change", "path", "new_path"]].to_numpy().tolist() == [
        ["renamed", HAMLET, VILLAGE],
        ["added", "", "dig/reason"],
    ]


def test_suggest_renames__recorded_renaming_brings_both_columns_together(pilot, pilot_rows):
    renames = suggest_renames(pilot)
    assert renames == {HAMLET: VILLAGE}
    tables = flatten(pilot_rows, pilot, renames=renames)
    assert tables.frames["main"]["village"].notna().all()
    assert "renamed" not in set(tables.report["kind"])


def test_drift__same_form_twice_has_no_change(pilot):
    content = pilot[VERSIONS[0]]
    assert changes(content, copy.deepcopy(content)) == []
    assert list(drift({"v1": content})) == list(drift(pilot))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (question("q"), question("q", "integer"), ("type_changed", "q", "q", "text", "integer")),
        (
            question("q", label=["Tuổi"]),
            question("q", label=["Tuổi tròn"]),
            ("label_changed", "q", "q", "vi: Tuổi", "vi: Tuổi tròn"),
        ),
        (
            question("q"),
            question("q", relevant="1 = 2"),
            ("relevance_changed", "q", "q", "", "1 = 2"),
        ),
        (
            question("q", constraint=". > 1"),
            question("q", constraint=". > 2"),
            ("constraint_changed", "q", "q", ". > 1", ". > 2"),
        ),
        (
            question("q"),
            question("q", required=True),
            ("required_changed", "q", "q", "", "true()"),
        ),
    ],
)
def test_drift__change_of_one_thing_is_one_line(before, after, expected):
    assert changes(form(before), form(after)) == [expected]


def test_drift__choices():
    one = form(question("q", "select_one l"), choices={"a": "A", "b": "B"})
    other = form(question("q", "select_one l"), choices={"a": "Á", "c": "C"})
    assert changes(one, other) == [
        ("choices_added", "q", "q", "", "c"),
        ("choices_removed", "q", "q", "b", ""),
        ("choice_label_changed", "q", "q", "vi: a = A", "vi: a = Á"),
    ]


def test_drift__added_and_removed_groups_are_one_line():
    plain, grouped = form(question("q")), form(question("q"), group("g", question("r")))
    assert changes(plain, grouped) == [("added", "", "g", "", "group")]
    assert changes(grouped, plain) == [("removed", "g", "", "group", "")]


def test_drift__expression_that_follows_a_renaming_has_not_changed():
    one = form(question("a"), question("b", relevant="${a} = 1"))
    other = form(question("z", **{"$kuid": "k_a"}, label=["a"]), question("b", relevant="${z} = 1"))
    assert changes(one, other) == [("renamed", "a", "z", "", "")]


def test_drift__renamed_group_takes_its_questions_along():
    one = form(group("g", question("q"), question("r")))
    other = form(group("h", question("q"), question("r"), **{"$kuid": "k_g"}, label=["g"]))
    assert changes(one, other) == [("renamed", "g", "h", "", "")]
    assert suggested(one, other) == {"g": "h"}


def test_drift__question_renamed_inside_a_renamed_repeat():
    one = form(group("g", question("q"), kind="repeat"))
    inside = question("z", **{"$kuid": "k_q"}, label=["q"])
    other = form(group("h", inside, kind="repeat", **{"$kuid": "k_g"}, label=["g"]))
    assert [line[:3] for line in changes(one, other)] == [
        ("renamed", "g", "h"),
        ("renamed", "g/q", "h/z"),
    ]
    assert suggested(one, other) == {"g": "h", "g/q": "h/z"}


def test_drift__moved_question():
    one = form(question("q"), group("g", question("r")))
    other = form(group("g", question("r"), question("q")))
    assert changes(one, other) == [("moved", "q", "g/q", "", "")]
    assert suggested(one, other) == {"q": "g/q"}


def bare(content):
    content = copy.deepcopy(content)
    for row in content["survey"]:
        row.pop("$kuid", None)
    return content


def test_drift__without_identities_a_unique_name_is_known_again():
    one = form(question("q"), question("old"), group("g", question("r")))
    other = form(question("new"), group("g", question("r"), question("q")))
    assert [line[:3] for line in changes(bare(one), bare(other))] == [
        ("moved", "q", "g/q"),
        ("removed", "old", ""),
        ("added", "", "new"),
    ]


def test_drift__name_that_stands_twice_is_not_guessed():
    one = form(question("q"))
    other = form(group("g", question("q")), group("h", question("q", **{"$kuid": "k2"})))
    assert [line[0] for line in changes(bare(one), bare(other))] == ["removed", "added", "added"]


def test_suggest_renames__chain_of_versions():
    versions = [form(question(name, **{"$kuid": "same"}, label=["q"])) for name in ("a", "b", "c")]
    assert suggested(*versions) == {"a": "c", "b": "c"}


def test_suggest_renames__path_that_another_question_has_taken_is_left_out():
    one = form(question("a", **{"$kuid": "k1"}))
    other = form(question("b", **{"$kuid": "k1"}), question("c"))
    taken = form(question("b", **{"$kuid": "k1"}), question("a", **{"$kuid": "k2"}))
    assert suggested(one, other) == {"a": "b"}
    assert suggested(one, taken) == {}
    assert suggested(one, other, taken) == {}


def test_drift__path_that_another_question_has_taken_is_told():
    one = form(question("a", **{"$kuid": "k1"}), question("b", **{"$kuid": "k2"}))
    swapped = form(question("a", **{"$kuid": "k2"}), question("b", **{"$kuid": "k1"}))
    told = {line[:3] for line in changes(one, swapped)}
    assert {("path_reused", "a", "b"), ("path_reused", "b", "a")} <= told
    anew = form(question("a", **{"$kuid": "k3"}), question("b", **{"$kuid": "k4"}))
    assert "path_reused" not in {line[0] for line in changes(one, anew)}  # uploaded as a file


def test_flatten__path_of_two_questions_is_reported():
    one = form(question("a", **{"$kuid": "k1"}))
    other = form(question("b", **{"$kuid": "k1"}), question("a", **{"$kuid": "k2"}))
    report = flatten([], {"v1": one, "v2": other}).report
    assert report.query("kind == 'path_reused'")["path"].tolist() == ["a"]


def test_drift__same_name_with_another_identity_is_another_question():
    one = form(question("q", **{"$kuid": "k1"}), question("r"))
    other = form(group("g", question("q", **{"$kuid": "k2"})), question("r"))
    assert [line[0] for line in changes(one, other)] == ["removed", "added"]


def test_drift__identities_that_are_all_new_say_nothing():
    one = form(question("q", **{"$kuid": "k1"}), question("r", **{"$kuid": "k2"}))
    inside = group("g", question("q", **{"$kuid": "k3"}), **{"$kuid": "k4"})
    other = form(inside, question("r", **{"$kuid": "k5"}))
    assert ("moved", "q", "g/q") in [line[:3] for line in changes(one, other)]


def test_suggest_renames__move_into_a_repeat_is_left_out():
    one = form(question("q"), group("m", question("r"), kind="repeat"))
    other = form(group("m", question("r"), question("q"), kind="repeat"))
    assert changes(one, other)[0][:3] == ("moved", "q", "m/q")
    assert suggested(one, other) == {}


def test_flatten__renaming_that_is_not_mapped_is_reported(pilot, pilot_rows):
    report = flatten(pilot_rows, pilot).report
    assert report.query("kind == 'renamed'")["path"].tolist() == [HAMLET]


def test_from_content__identity_of_the_builder(pilot):
    old, new = (Form.from_content(content) for content in pilot.values())
    assert old.questions[HAMLET].kuid == new.questions[VILLAGE].kuid == "zVkUc2QKZ"
    assert old.groups["loc"].kuid == "71RFoL9Eg"


def test_drift__what_is_calculated_offered_and_repeated_is_told():
    def version(**now):
        return form(
            question("q", type="calculate", calculation=now.get("calculation", "1")),
            question("r", type="range", parameters=now.get("parameters", "start=0 end=5")),
            question("s", choice_filter=now.get("choice_filter", "x=1")),
            group("m", question("t"), kind="repeat", repeat_count=now.get("repeat_count", "2")),
        )

    for name, value in {
        "calculation": "2",
        "parameters": "start=0 end=9",
        "choice_filter": "x=2",
        "repeat_count": "3",
    }.items():
        assert [line[0] for line in changes(version(), version(**{name: value}))] == [
            f"{name}_changed"
        ]

import pandas as pd
import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import Form, flatten

BASE = {"_uuid": "u", "_submission_time": "2026-01-01T00:00:00"}
LANGUAGES = ["Tiếng Việt (vi)", "English (en)"]


def content(choices, languages=LANGUAGES, kind="select_one", label=("Hỏi", "Ask")):
    rows = [{"list_name": "l", "name": code, "label": text} for code, text in choices.items()]
    question = {"type": f"{kind} l", "name": "q", "label": label and list(label)}
    return {"survey": [question], "choices": rows, "translations": languages}


def rows_of(*answers, version="v1"):
    return [
        {"_id": number, "__version__": version, "q": answer, **BASE}
        for number, answer in enumerate(answers, 1)
    ]


def categories(tables, lang):
    return list(tables.labelled(lang)["main"]["q"].cat.categories)


@pytest.fixture(scope="module")
def pilot():
    forms = {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }
    return flatten(recorded("pilot/18_data_mixed_versions.json")["results"], forms)


def test_labelled__both_languages_of_one_pull(pilot):
    for lang, expected in (("vi", "Phú Xuyên"), ("en", "Phu Xuyen")):
        main = pilot.labelled(lang)["main"]
        assert main["commune"].iloc[0] == expected
        codes = pilot.frames["main"]["commune"]
        assert (main["commune"].cat.codes == codes.cat.codes).all()
    assert pilot.frames["main"]["commune"].iloc[0] == "phuxuyen"


def test_labelled__repeats_and_other_columns_are_as_before(pilot):
    labelled = pilot.labelled("vi")
    assert labelled["device"]["d_type"].iloc[0] != "smart"
    for name, frame in pilot.frames.items():
        others = [one for one in frame if not isinstance(frame[one].dtype, pd.CategoricalDtype)]
        pd.testing.assert_frame_equal(labelled[name][others], frame[others])
        assert list(labelled[name]) == list(frame)


def test_labelled__unknown_language_is_an_error(pilot):
    with pytest.raises(KoboError, match="no such language") as caught:
        pilot.labelled("fr")
    assert caught.value.expected == "en or vi"


def test_flatten__lang_gives_labelled_frames_that_can_still_switch():
    form = {"v1": content({"y": ["Có", "Yes"], "n": ["Không", "No"]})}
    tables = flatten(rows_of("n", "y"), form, lang="vi")
    assert tables.lang == "vi"
    assert tables.frames["main"]["q"].tolist() == ["Không", "Có"]
    assert tables.labelled("en")["main"]["q"].tolist() == ["No", "Yes"]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"a": ["Một", "One"], "b": [None, "Two"]}, ["Một", "Two"]),
        ({"a": ["Một", None], "b": [None, None]}, ["Một", "b"]),
        ({"a": None, "b": ""}, ["a", "b"]),
        ({"a": "Một", "b": ["Hai"]}, ["Một", "Hai"]),
        ({"a": ["Có", None], "b": ["Có", None]}, ["Có (a)", "Có (b)"]),
        ({"a": ["b", None], "b": None}, ["b (a)", "b"]),
        ({"a": ["Có", None], "b": ["Có", None], "c": ["Có (a)", None]}, None),
    ],
)
def test_labelled__missing_and_shared_labels(choices, expected):
    found = categories(flatten(rows_of("a", "b"), {"v1": content(choices)}), "vi")
    assert len(set(found)) == len(choices)
    assert expected is None or found == expected


def test_labelled__codes_without_a_choice_stay_and_come_last():
    tables = flatten(rows_of("zz", "b", "Có"), {"v1": content({"b": ["Có", "Yes"]})})
    assert categories(tables, "vi") == ["Có (b)", "zz", "Có"]


def test_labelled__form_without_languages_takes_any():
    tables = flatten(rows_of("a"), {"v1": content({"a": "Một"}, [None])})
    assert categories(tables, "vi") == categories(tables, "en") == ["Một"]
    bare = content({"a": None}, None, label=None)
    tables = flatten(rows_of("a"), {"v1": bare})
    assert categories(tables, "vi") == ["a"]
    assert tables.column_labels("vi")["q"] == "q"


def test_from_content__language_that_stands_twice_keeps_both_labels():
    form = Form.from_content(content({"a": ["Một", "Mot"]}, ["Tiếng Việt (vi)", "Viet (vi)"]))
    assert form.languages == ("vi", "Viet (vi)")
    assert form.choices["l"]["a"] == {"vi": "Một", "Viet (vi)": "Mot"}
    form = Form.from_content(content({"a": ["Một", "Mot"]}, ["vi", "vi"]))
    assert form.choices["l"]["a"] == {"vi": "Một", "vi 2": "Mot"}


def test_column_labels__every_column_of_every_table(pilot):
    for table, frame in pilot.frames.items():
        assert list(pilot.column_labels("vi", table)) == list(frame)
    labels = pilot.column_labels("vi")
    assert labels["village"] == "Thôn"
    assert labels["gps_lat"] == "Toạ độ – vĩ độ"
    assert labels["pay_methods__momo"].startswith("Hình thức không dùng tiền mặt – ")
    assert labels["_id"] == "_id"
    assert labels["n_pay"] == "n_pay"
    assert pilot.column_labels("en")["gps_acc"] == "GPS point – accuracy"


def test_column_labels__code_that_is_no_choice_of_a_select_multiple():
    form = {"v1": content({"b": ["Có", "Yes"]}, kind="select_multiple")}
    labels = flatten(rows_of("b zz"), form).column_labels("vi")
    assert (labels["q__b"], labels["q__zz"]) == ("Hỏi – Có", "Hỏi – zz")


def versions():
    older = content({"1": ["Xã A", "A"], "2": ["Xã B", "B"], "9": ["Xã cũ", "Old"]})
    newer = content({"1": ["Xã B", "B"], "2": ["Xã B", "B"]})
    return {"v1": older, "v2": newer}


def test_label_history__code_that_changed_its_meaning():
    tables = flatten(rows_of("1", "9"), versions())
    vi = tables.label_history.query("lang == 'vi'")
    assert vi.drop(columns="lang").to_numpy().tolist() == [
        ["q", "1", "v1", "Xã A"],
        ["q", "1", "v2", "Xã B"],
    ]
    reported = tables.report.query("kind == 'label_changed'")
    assert reported["path"].tolist() == ["q"]


def test_labelled__newest_label_wins_and_older_codes_keep_theirs():
    tables = flatten(rows_of("1", "9"), versions())
    assert categories(tables, "vi") == ["Xã B (1)", "Xã B (2)", "Xã cũ"]


def test_label_history__is_empty_where_nothing_changed(pilot):
    assert len(pilot.label_history) == 0
    assert "label_changed" not in set(pilot.report["kind"])


def test_labelled__no_rows():
    form = {"v1": content({"a": ["Một", "One"]})}
    tables = flatten([], form, lang="en")
    assert list(tables.frames["main"]["q"].cat.categories) == ["One"]
    assert len(tables.frames["main"]) == 0

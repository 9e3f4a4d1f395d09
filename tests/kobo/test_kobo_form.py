import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import Form


def instrument(name):
    return recorded(f"instrument/{name}/version.json")["content"]


@pytest.mark.parametrize("name", ["household", "team_log", "site"])
def test_from_content__paths_are_those_of_a_real_server(name):
    content = instrument(name)
    form = Form.from_content(content)
    xpaths = {row["$xpath"] for row in content["survey"] if "$xpath" in row}
    assert {*form.questions, *form.groups} == xpaths


def test_from_content__household_form():
    form = Form.from_content(instrument("household"), "v1")
    assert form.languages == ("vi", "en")
    assert form.repeats == ("main/c_roster/roster",)
    age = form.questions["main/c_roster/roster/m_age"]
    assert (age.type, age.required, age.repeats) == ("integer", "true()", form.repeats)
    assert form.choices["yesno"]["yes"] == {"vi": "Có", "en": "Yes"}
    assert form.choice_rows["team"][0]["gso"] == "10270"
    assert form.groups["main/m_elder"].relevant == "${resp_age} >= 60"


def test_from_content__nested_repeats_and_or_other():
    form = Form.from_content(recorded(f"pilot/16_version_{VERSIONS[0]}.json")["content"])
    assert form.enclosing_repeats("hh/member/device/d_type") == ("hh/member", "hh/member/device")
    assert form.questions["hh/resp/edu_other"].type == "text"
    edu = form.questions["hh/resp/edu"]
    assert form.choices_of(edu)["other"]["vi"] == "Khác"


def test_from_content__missing_and_null_labels():
    form = Form.from_content(
        {
            "survey": [
                {"type": "integer", "$autoname": "auto"},
                {"type": "text", "name": "half", "label": ["Một", None]},
                {"type": "text", "name": "plain", "label": "One"},
                {"type": "begin_group", "name": "g"},
                {"type": "note", "name": "n", "label": None},
                {"type": "end_group"},
            ],
            "translations": ["Tiếng Việt (vi)", None],
        }
    )
    assert form.languages == ("vi", "default")
    assert form.questions["auto"].labels == {}
    assert form.questions["half"].labels == {"vi": "Một"}
    assert form.questions["plain"].labels == {"vi": "One"}
    assert form.questions["g/n"].labels == {}


def test_from_content__rank_score_and_matrix_arrive_under_their_group():
    form = Form.from_content(
        {
            "survey": [
                {"type": "begin_rank", "name": "rk", "kobo--rank-items": "item"},
                {"type": "rank__level", "name": "rk_1"},
                {"type": "end_rank"},
                {"type": "begin_score", "name": "sc", "kobo--score-choices": "item"},
                {"type": "score__row", "name": "sc_a"},
                {"type": "end_score"},
                {"type": "begin_kobomatrix", "name": "mx", "kobo--matrix_list": "item"},
                {"type": "select_one", "name": "used", "select_from_list_name": "yn"},
                {"type": "end_kobomatrix"},
            ],
            "choices": [
                {"list_name": "item", "name": "momo"},
                {"list_name": "item", "name": "qr"},
                {"list_name": "yn", "name": "yes"},
            ],
        }
    )
    assert list(form.questions) == [
        "rk/rk_1",
        "sc/sc_a",
        "mx_momo/mx_momo_used",
        "mx_qr/mx_qr_used",
    ]
    assert form.questions["sc/sc_a"].list_name == "item"
    assert form.questions["mx_qr/mx_qr_used"].type == "select_one"


@pytest.mark.parametrize(
    "survey",
    [None, [{"type": "begin_group", "name": "g"}], [{"type": "end_group"}]],
)
def test_from_content__broken_forms_are_refused(survey):
    with pytest.raises(KoboError):
        Form.from_content({"survey": survey}, "v1")

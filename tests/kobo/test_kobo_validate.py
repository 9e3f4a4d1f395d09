import copy

import pytest
from kobo_fakes import VERSIONS, recorded

from survey_tools.errors import KoboError
from survey_tools.kobo import Form, asked_questions, validate_submission

ROSTER = "main/c_roster/roster"


@pytest.fixture(scope="module")
def form():
    return Form.from_content(recorded("instrument/household/version.json")["content"], "v1")


def found(form, row):
    return {(finding.kind, finding.path) for finding in validate_submission(form, row)}


def changed(row, **answers):
    row = copy.deepcopy(row)
    for path, value in answers.items():
        row[path.replace("__", "/")] = value
    return row


def test_validate_submission__valid_household_has_no_finding(form, household_row):
    assert validate_submission(form, household_row) == []


def test_validate_submission__rows_of_a_real_server_have_no_finding(pilot_rows):
    forms = {
        uid: Form.from_content(recorded(f"pilot/16_version_{uid}.json")["content"], uid)
        for uid in VERSIONS
    }
    for row in pilot_rows:
        assert validate_submission(forms[row["__version__"]], row) == []


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("main__f_person__qr7_n", "101", "constraint"),
        ("main__f_person__qr7_n", "three", "type"),
        ("main__f_person__cashless10", "4.5", "type"),
        ("main__f_person__cashless10", 4, "type"),
        ("main__j_skill__kn_otp", "maybe", "choice"),
        ("main__f_person__pay12", "bill beer", "choice"),
        ("main__f_person__pay12", "bill none", "constraint"),
        ("main__f_person__pay12", "bill bill", "choice"),
        ("main__i_exposure__team_last", "10/02/2026", "type"),
        ("main__i_exposure__team_last", "2026-03-03", "constraint"),
        ("main__e_bills__water_method", "bankapp", "irrelevant_answered"),
        ("main__d_access__mobile_signal", "", "missing_required"),
        ("a_id__hhid", "10270-T01-H012-4", "constraint"),
        ("main__f_person__wage", "1", "unknown_key"),
    ],
)
def test_validate_submission__planted_fault_is_the_only_finding(
    form, household_row, path, value, kind
):
    row = changed(household_row, **{path: value})
    assert found(form, row) == {(kind, path.replace("__", "/"))}


def test_validate_submission__choice_filter_hides_teams_of_other_communes(form, household_row):
    row = changed(household_row, a_id__team_id="10273-T01", a_id__hhid="10273-T01-H012-5")
    assert any(row["name"] == "10273-T01" for row in form.choice_rows["team"])
    assert found(form, row) == {("choice", "a_id/team_id")}


def test_validate_submission__no_answer_stands_in_a_message(form, household_row):
    row = changed(household_row, a_id__enumerator_id="Nguyen-0912345678")
    (finding,) = validate_submission(form, row)
    assert "0912345678" not in str(finding)


def test_validate_submission__fault_inside_a_repeat_names_the_instance(form, household_row):
    row = copy.deepcopy(household_row)
    row[ROSTER][1][f"{ROSTER}/m_age"] = "9"
    kinds = found(form, row)
    # a nine-year-old is asked neither about phone and network nor about accounts
    assert kinds == {
        ("irrelevant_answered", f"{ROSTER}[2]/{name}")
        for name in ("m_phone", "m_net", "m_acct", "m_wallet")
    }


def test_validate_submission__missing_instance_is_found(form, household_row):
    row = copy.deepcopy(household_row)
    row[ROSTER] = row[ROSTER][:1]
    assert ("repeat_count", ROSTER) in found(form, row)


def test_validate_submission__group_not_to_be_asked_covers_all_in_it(form, household_row):
    row = changed(household_row, b_consent__consent="no", b_consent__refuse_reason="busy")
    kinds = found(form, row)
    assert ("irrelevant_answered", "main/f_person/acct") in kinds
    assert ("irrelevant_answered", f"{ROSTER}[1]/m_age") in kinds
    assert not any(kind == "missing_required" for kind, _ in kinds)


def test_validate_submission__refusal_needs_nothing_more(form, household_row):
    row = {key: value for key, value in household_row.items() if not key.startswith("main/")}
    for name in ("sensitive", "gps", "recontact"):
        del row[f"b_consent/consent_{name}"]
    row = changed(row, b_consent__consent="no", b_consent__refuse_reason="busy")
    assert validate_submission(form, row) == []


def test_validate_submission__unknown_function_names_the_question(form, household_row):
    content = copy.deepcopy(recorded("instrument/household/version.json")["content"])
    for row in content["survey"]:
        if row.get("name") == "visit_no":
            row["constraint"] = "pulldata('a', .)"
    with pytest.raises(KoboError, match="pulldata") as caught:
        validate_submission(Form.from_content(content), household_row)
    assert "a_id/visit_no" in str(caught.value)


def test_asked_questions__tells_not_asked_from_unanswered(form, household_row):
    asked = asked_questions(form, household_row)
    assert asked["main/e_bills/water_method", ()] is False
    assert asked["main/p_close/enum_note", ()] is True
    assert asked[f"{ROSTER}/m_acct", (2,)] is True

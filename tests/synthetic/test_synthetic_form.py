"""Every row obeys the form: paths, types, choices, constraints, what is asked and what is required."""

from __future__ import annotations

import pytest

from survey_tools.kobo import Form, validate_submission


@pytest.mark.parametrize("form", ["household", "team_log", "site"])
def test_submissions__form_finds_no_fault(rows, contents, form):
    forms = {uid: Form.from_content(content, uid) for uid, content in contents[form].items()}
    found = {
        (finding.kind, finding.path)
        for row in rows[form]
        for finding in validate_submission(forms[row["__version__"]], row)
    }
    assert found == set()


def test_submissions__form_finds_a_planted_fault(rows, contents):
    form = Form.from_content(contents["site"]["s1"], "s1")
    row = rows["site"][0] | {"a_site/site_id": "12"}
    assert [finding.path for finding in validate_submission(form, row)] == ["a_site/site_id"]

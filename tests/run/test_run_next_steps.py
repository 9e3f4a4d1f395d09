"""Rules of next steps are held against the form before a batch."""

import shutil
from pathlib import Path

import pytest

from survey_tools.errors import ParamsError
from survey_tools.params import open_workspace
from survey_tools.run.batch.rules import check_next_steps

ROOT = Path(__file__).parents[2]


@pytest.fixture
def changed(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")

    def change(old, new):
        path = tmp_path / "params" / "next_steps.yml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        return open_workspace(tmp_path / "params" / "study.yml")

    return change


def test_check_next_steps__those_of_the_workspace_fit_the_form():
    check_next_steps(open_workspace(ROOT / "params" / "study.yml"))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "question: why_cash, choice: seller",
            "question: why_cash, choice: sellers",
            "why_cash: sellers",
        ),
        ("question: wish, choice: safe", "question: wishes, choice: safe", "wishes: safe"),
        ("of: reached", "of: reachd", "reachd"),
    ],
)
def test_check_next_steps__what_the_form_has_not_is_named(changed, old, new, found):
    with pytest.raises(ParamsError) as caught:
        check_next_steps(changed(old, new))
    assert found in str(caught.value)
    assert "next_steps.yml, step" in str(caught.value)

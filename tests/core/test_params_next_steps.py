"""Rules of next steps: what a file may say, and what it must not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from survey_tools.errors import ParamsError
from survey_tools.params import open_workspace, read_next_steps

ROOT = Path(__file__).parents[2]


def _step(**changed):
    step = {
        "id": "visit",
        "priority": 1,
        "when": {"figure": "level", "of": "reached", "below": 0.5},
        "vi": "Đến từng hộ.",
        "en": "Visit.",
    }
    return {key: value for key, value in (step | changed).items() if value is not None}


@pytest.fixture
def write(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "params")

    def write(*steps, most=5, **more):
        path = tmp_path / "params" / "next_steps.yml"
        path.write_text(yaml.safe_dump({"most": most, "steps": list(steps), **more}), "utf-8")
        return path

    return write


def test_next_steps__of_the_workspace_are_in_order_and_in_both_languages():
    rules = open_workspace(ROOT / "params" / "study.yml").next_steps
    ordered = [step.priority for step in rules.ordered]
    assert ordered == sorted(ordered)
    assert len(ordered) == len(rules.steps) >= 10
    assert 1 <= rules.most <= 5


def test_next_steps__the_same_priority_keeps_the_order_of_the_file(write):
    rules = read_next_steps(
        write(_step(id="b", priority=2), _step(id="c"), _step(id="a", priority=2))
    )
    assert [step.id for step in rules.ordered] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"whn": {}}, "whn» is unknown"),
        ({"en": None}, "en» is missing"),
        ({"vi": ""}, "vi"),
        ({"id": "Visit more"}, "id"),
        ({"priority": 0}, "priority"),
        ({"when": {"figure": "effect", "of": "qr_shop_30d", "above": 0}}, "when"),
        ({"when": {"figure": "level", "of": "reached"}}, "one of below, above"),
        (
            {"when": {"figure": "level", "of": "reached", "below": 1, "above": 0}},
            "one of below, above",
        ),
        ({"when": {"figure": "level", "of": "reached", "below": 1, "group": "intensive"}}, "group"),
        ({"when": {"figure": "gap", "of": "qr_shop_30d", "below": 0}}, "group» is missing"),
        ({"when": {"figure": "gap", "of": "qr_shop_30d", "below": 0, "group": "all"}}, "group"),
        (
            {"when": {"figure": "choice", "question": "wish", "choice": "safe"}},
            "one of among_first",
        ),
        (
            {"when": {"figure": "choice", "question": "wish", "choice": "safe", "among_first": 0}},
            "among_first",
        ),
    ],
)
def test_read_next_steps__a_wrong_key_is_named(write, changed, wanted):
    with pytest.raises(ParamsError) as caught:
        read_next_steps(write(_step(**changed)))
    assert wanted in str(caught.value)
    assert "next_steps.yml" in str(caught.value)


@pytest.mark.parametrize("most", [0, 6])
def test_read_next_steps__a_page_has_one_to_five_steps(write, most):
    with pytest.raises(ParamsError, match="most"):
        read_next_steps(write(_step(), most=most))


def test_read_next_steps__an_unknown_key_and_an_id_twice_are_refused(write):
    with pytest.raises(ParamsError, match="colour"):
        read_next_steps(write(_step(), colour="red"))
    with pytest.raises(ParamsError, match="the same id twice: visit"):
        read_next_steps(write(_step(), _step()))


@pytest.mark.parametrize(
    "when",
    [
        {"figure": "level", "of": "no_such_outcome", "below": 0.5},
        {"figure": "gap", "of": "reached", "group": "age60", "below": 0},
        {"figure": "change", "of": "cashless_index", "below": 0},
        {"figure": "change", "of": "contacts", "below": 0},
    ],
)
def test_next_steps__a_figure_that_there_is_not_is_refused(write, when):
    ws = open_workspace(write(_step(when=when)).with_name("study.yml"))
    with pytest.raises(ParamsError, match=f"step visit.*{when['of']}|{when['of']}.*|step visit"):
        _ = ws.next_steps


def test_next_steps__a_missing_file_is_said_and_a_study_may_name_none(write):
    path = write(_step())
    ws = open_workspace(path.with_name("study.yml"))
    path.unlink()
    with pytest.raises(ParamsError, match="rules of next steps are missing"):
        _ = ws.next_steps
    study = path.with_name("study.yml")
    text = study.read_text("utf-8")
    study.write_text(text.replace("  next_steps: params/next_steps.yml\n", ""), "utf-8")
    assert open_workspace(study).next_steps is None


def test_study__outreach_has_a_scale_that_is_known(write):
    study = write(_step()).with_name("study.yml")
    text = study.read_text("utf-8")
    study.write_text(text.replace("contacts: count", "contacts: amount"), "utf-8")
    with pytest.raises(ParamsError, match=r"report\.outreach\.contacts"):
        open_workspace(study)

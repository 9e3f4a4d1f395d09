"""Parameters typed on a command line keep their text, fit the notebook's types, and hold no token."""

from __future__ import annotations

import json

import pytest

from survey_tools.errors import ParamsError, RunError
from survey_tools.run.batch.given import check_extra, given_parameters
from survey_tools.run.batch.plan import COMMUNE_NOTEBOOK, DISTRICT_NOTEBOOK

TOKEN = "0123456789abcdef0123456789abcdef01234567"
MORE = 'top: int = 5\nshare: float = 0.5\nmaps: bool = True\nnote: str = "none"\n'


def add_to_cell(ws, notebook, text):
    """Add lines to the parameters cell of a notebook."""
    path = ws.notebooks / notebook
    content = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = [c for c in content["cells"] if "parameters" in c["metadata"].get("tags", [])]
    cell["source"] = "".join(cell["source"]) + "\n" + text
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def more(ws):
    """A workspace whose commune notebook has four more parameters, and the district's one of them."""
    add_to_cell(ws, COMMUNE_NOTEBOOK, MORE)
    add_to_cell(ws, DISTRICT_NOTEBOOK, "top: int = 9")
    return ws


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("top=7", 7),
        ("top=-7", -7),
        ("share=7", 7.0),
        ("share=1e-1", 0.1),
        ("share=.5", 0.5),
        ("maps=No", False),
        ("maps=1", True),
        ("maps=true", True),
        ("note=00013", "00013"),
        ("note=1e3", "1e3"),
        ("note=1_000", "1_000"),
        ("note=a=b", "a=b"),
        ("note= two words ", " two words "),
        ("note=", ""),
        ("note=true", "true"),
    ],
)
def test_given_parameters__take_the_type_that_the_cell_states(more, line, value):
    found = given_parameters(more, [line])[COMMUNE_NOTEBOOK]
    (name,) = found
    assert (name, found[name], type(found[name])) == (line.split("=")[0], value, type(value))


def test_given_parameters__go_only_to_the_notebooks_that_have_them(more):
    found = given_parameters(more, ["top=3", "note=x"])
    assert found == {COMMUNE_NOTEBOOK: {"top": 3, "note": "x"}, DISTRICT_NOTEBOOK: {"top": 3}}
    assert given_parameters(more, []) == {}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("top=2.5", "whole number"),
        ("top=1_000", "whole number"),
        ("top=1e3", "whole number"),
        ("top=", "whole number"),
        ("top=true", "whole number"),
        ("top=" + "9" * 5000, "whole number"),
        ("share=0,5", "with a point"),
        ("share=nan", "with a point"),
        ("share=1e999", "with a point"),
        ("maps=2", "true or false"),
    ],
)
def test_given_parameters__wrong_type(more, line, expected):
    with pytest.raises(ParamsError, match="value of the wrong type") as caught:
        given_parameters(more, [line])
    assert expected in caught.value.expected
    assert COMMUNE_NOTEBOOK in caught.value.where


def test_given_parameters__an_unknown_name_is_refused_and_the_nearest_told(more):
    with pytest.raises(ParamsError, match="has the parameter «tpo»") as caught:
        given_parameters(more, ["tpo=1"])
    assert caught.value.next_step == "did you mean «top»?"
    assert "share" in caught.value.expected
    assert "commune" not in caught.value.expected


def test_given_parameters__notebooks_without_further_ones_say_so(ws):
    with pytest.raises(ParamsError, match="has the parameter «top»") as caught:
        given_parameters(ws, ["top=1"])
    assert "no further parameters" in caught.value.expected


@pytest.mark.parametrize(
    ("name", "option"),
    [("commune", "--communes"), ("lang", "--lang"), ("run", "--run"), ("study", "--study")],
)
def test_given_parameters__what_the_run_sets_has_an_option(more, name, option):
    with pytest.raises(ParamsError, match="set by the run itself") as caught:
        given_parameters(more, [f"{name}=x"])
    assert option in caught.value.next_step


@pytest.mark.parametrize("line", ["top", "=3", "", "top 3"])
def test_given_parameters__no_name_and_value(more, line):
    with pytest.raises(ParamsError, match="by name and value"):
        given_parameters(more, [line])


@pytest.mark.parametrize(
    "line",
    [f"note={TOKEN}", f"note=x {TOKEN.upper()}", f"{TOKEN}=1", TOKEN, "note=se cret", "se cret=1"],
)
def test_given_parameters__a_token_is_refused_and_not_repeated(more, line, monkeypatch):
    monkeypatch.setenv("KOBO_TOKEN", "se cret")
    with pytest.raises(ParamsError, match="seems to hold a token") as caught:
        given_parameters(more, [line])
    assert TOKEN not in str(caught.value).lower()
    assert "se cret" not in str(caught.value)


def test_given_parameters__the_token_in_a_file_is_known_too(more, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("se cret\n", encoding="utf-8")
    monkeypatch.setenv("KOBO_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ParamsError, match="seems to hold a token"):
        given_parameters(more, ["note=se cret"])


def test_given_parameters__all_that_is_wrong_is_told_at_once(more):
    with pytest.raises(RunError, match=r"^3 things are wrong; nothing was run") as caught:
        given_parameters(more, ["tpo=1", "top=x", "note=1", "note=2"])
    told = str(caught.value)
    assert all(text in told for text in ("«tpo»", "'x'", "given twice"))


def test_check_extra__values_from_python_are_held_to_the_same_rules(more):
    check_extra(more, COMMUNE_NOTEBOOK, {"top": 3, "share": 1})
    for values, message in (
        ({"top": "3"}, "wrong type"),
        ({"lang": "vi"}, "set by the run itself"),
        ({"tpo": 3}, "has the parameter"),
        ({"note": TOKEN}, "a token"),
    ):
        with pytest.raises(ParamsError, match=message):
            check_extra(more, COMMUNE_NOTEBOOK, values)

"""Parameters are read from the cell itself and held to names and types."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_tools.errors import ParamsError, RunError
from survey_tools.run.kernels.parameters import check_parameters, read_parameters

NOTEBOOKS = Path(__file__).parent / "notebooks"


def test_read_parameters__gives_names_types_defaults():
    found = read_parameters(NOTEBOOKS / "types.ipynb")
    assert [(p.name, p.type, p.default) for p in found.values()] == [
        ("share", float, 0.5),
        ("count", int, 3),
        ("flag", bool, False),
        ("name", str, "a=b"),
    ]


def test_read_parameters__no_cell():
    with pytest.raises(RunError, match="no parameters cell") as caught:
        read_parameters(NOTEBOOKS / "no_parameters_cell.ipynb")
    assert caught.value.where == "no_parameters_cell.ipynb"


def test_read_parameters__computed_default():
    with pytest.raises(ParamsError, match="«run» is no plain value"):
        read_parameters(NOTEBOOKS / "computed_default.ipynb")


def test_read_parameters__no_such_notebook(tmp_path):
    with pytest.raises(RunError, match="no such notebook"):
        read_parameters(tmp_path / "gone.ipynb")


def test_read_parameters__no_notebook(tmp_path):
    (tmp_path / "text.ipynb").write_text("hello", encoding="utf-8")
    with pytest.raises(RunError, match="no Jupyter notebook"):
        read_parameters(tmp_path / "text.ipynb")


def test_check_parameters__unknown_name_is_refused_and_the_nearest_named():
    with pytest.raises(ParamsError, match="no parameter «comune»") as caught:
        check_parameters(NOTEBOOKS / "ok.ipynb", {"comune": "10291"})
    assert "«commune»" in str(caught.value)


def test_check_parameters__number_for_a_code_becomes_text():
    assert check_parameters(NOTEBOOKS / "ok.ipynb", {"commune": 10291}) == {"commune": "10291"}


def test_check_parameters__whole_number_for_a_decimal():
    found = check_parameters(NOTEBOOKS / "types.ipynb", {"share": 1})
    assert found == {"share": 1.0}
    assert isinstance(found["share"], float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("share", "0.5"),
        ("count", 2.5),
        ("count", True),
        ("flag", 1),
        ("name", None),
        ("name", True),
    ],
)
def test_check_parameters__wrong_type(name, value):
    with pytest.raises(ParamsError, match=f"«{name}» has a value of the wrong type"):
        check_parameters(NOTEBOOKS / "types.ipynb", {name: value})

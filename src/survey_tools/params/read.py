"""Read a study file, a plan or rules of next steps; a wrong key is an error that names it and the file."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, TypeVar
from unicodedata import normalize

import yaml
from pydantic import BaseModel, ValidationError

from survey_tools.errors import ParamsError
from survey_tools.params.model import Model
from survey_tools.params.next_steps import NextSteps
from survey_tools.params.plan import AnalysisPlan
from survey_tools.params.review import Checklist, SignOffs
from survey_tools.params.study import Study

Read = TypeVar("Read", Study, AnalysisPlan, NextSteps, Checklist, SignOffs)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_study(path: Path) -> Study:
    """Read one study file; see `open_workspace` for errors."""
    return _read(path, Study, "study file", "study: …")


def read_plan(path: Path) -> AnalysisPlan:
    """Read the analysis plan.

    Raises
    ------
    ParamsError
        When there is no such file, or a key is unknown, missing or wrong.
    """
    _must_be_there(
        path,
        "The analysis plan is missing.",
        "a YAML file such as params/analysis_plan.yml",
        "write it, or correct files.analysis_plan in the study file",
    )
    return _read(path, AnalysisPlan, "analysis plan", "registered: …")


def read_next_steps(path: Path) -> NextSteps:
    """Read the rules of next steps.

    Raises
    ------
    ParamsError
        When there is no such file, or a key is unknown, missing or wrong.
    """
    _must_be_there(
        path,
        "The rules of next steps are missing.",
        "a YAML file such as params/next_steps.yml",
        "write it, or take files.next_steps out of the study file",
    )
    return _read(path, NextSteps, "list of next steps", "most: …")


def read_checklist(path: Path) -> Checklist:
    """Read the checklist of a review.

    Raises
    ------
    ParamsError
        When there is no such file, or a key is unknown, missing or wrong.
    """
    _must_be_there(
        path,
        "The checklist of the review is missing.",
        "a YAML file with roles and items",
        "restore it; docs/review.md says what it holds",
    )
    return _read(path, Checklist, "checklist", "roles: …")


def read_sign_offs(path: Path) -> SignOffs:
    """Read the sign-offs of a run; none where nothing has been signed.

    Raises
    ------
    ParamsError
        When a key is unknown, missing or wrong.
    """
    if not path.is_file():
        return SignOffs(signed=())
    return _read(path, SignOffs, "file of sign-offs", "signed: …")


def load_yaml(text: str) -> Any:
    """Parse plain YAML, by libyaml where PyYAML was built with it: an eighth of the time.

    Raises
    ------
    yaml.YAMLError
        When the text is not valid YAML.
    """
    return yaml.load(text, _LOADER)  # noqa: S506 -- both are safe loaders


def _must_be_there(path: Path, message: str, expected: str, next_step: str) -> None:
    if not path.is_file():
        where = f"{path.parent.name}/{path.name}"
        raise ParamsError(message, expected=expected, where=where, next_step=next_step)


def _read(path: Path, model: type[Read], what: str, expected: str) -> Read:
    try:
        content = load_yaml(normalize("NFC", path.read_text(encoding="utf-8")))
    except UnicodeDecodeError as error:
        raise ParamsError(
            f"The {what} is not text in UTF-8.",
            found=f"a byte 0x{error.object[error.start]:02x} at place {error.start + 1}",
            where=f"{path.parent.name}/{path.name}",
            next_step="save it as UTF-8 in a text editor, or restore it",
        ) from error
    except yaml.YAMLError as error:
        raise ParamsError(
            f"The {what} is not valid YAML.", found=str(error).splitlines()[0], where=path.name
        ) from error
    if not isinstance(content, dict):
        raise ParamsError(f"The {what} holds no keys.", expected=expected, where=path.name)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise _wrong_keys(error, path, what) from error


def _wrong_keys(error: ValidationError, path: Path, what: str) -> ParamsError:
    lines = [_one_problem(dict(problem)) for problem in error.errors()]
    return ParamsError(
        f"The {what} has {len(lines)} wrong key(s): " + "; ".join(lines) + ".",
        where=f"{path.parent.name}/{path.name}",
        next_step="correct the file; the keys are explained in it and in docs/",
    )


def _one_problem(problem: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(problem["loc"][-1]), sorted(_known_keys()), n=1)
        return f"«{place}» is unknown" + (f" (did you mean «{near[0]}»?)" if near else "")
    if problem["type"] == "missing":
        return f"«{place}» is missing"
    return f"«{place}»: {problem['msg']}, found {problem['input']!r}"


def _known_keys() -> set[str]:
    fields = [field for model in _models(Model) for field in model.model_fields.items()]
    return {field.alias or name for name, field in fields}


def _models(base: type[BaseModel]) -> list[type[BaseModel]]:
    found = base.__subclasses__()
    return [model for child in found for model in (child, *_models(child))]

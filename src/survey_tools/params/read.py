"""Read a study file; an unknown, missing or wrong key is an error that names file and key."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any
from unicodedata import normalize

import yaml
from pydantic import BaseModel, ValidationError

from survey_tools.errors import ParamsError
from survey_tools.params.model import Model
from survey_tools.params.study import Study


def read_study(path: Path) -> Study:
    """Read one study file; see `open_workspace` for errors."""
    try:
        content = yaml.safe_load(normalize("NFC", path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ParamsError(
            "The study file is not valid YAML.", found=str(error).splitlines()[0], where=path.name
        ) from error
    if not isinstance(content, dict):
        raise ParamsError("The study file holds no keys.", expected="study: …", where=path.name)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        raise _study_error(error, path) from error


def _study_error(error: ValidationError, path: Path) -> ParamsError:
    lines = [_one_problem(dict(problem)) for problem in error.errors()]
    return ParamsError(
        f"The study file has {len(lines)} wrong key(s): " + "; ".join(lines) + ".",
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

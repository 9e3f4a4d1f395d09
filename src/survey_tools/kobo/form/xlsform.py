"""Read an XLSForm workbook into the form content that the KoboToolbox API serves.

Not here: checking that expressions are valid, or asking a server anything.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from survey_tools.errors import KoboError

Row = dict[str, Any]

TRANSLATED = ("label", "hint", "constraint_message", "required_message", "guidance_hint")
SELECTS = ("select_one", "select_multiple", "rank")
BOOLEANS = ("required", "read_only")
YES, NO = ("yes", "true", "true()"), ("no", "false", "false()")
SETTING_NAMES = {"form_id": "id_string", "form_title": "title", "set_form_id": "id_string"}


def read_xlsform(path: str | Path) -> dict[str, Any]:
    """Read an XLSForm workbook as the ``content`` of a KoboToolbox asset.

    Parameters
    ----------
    path : str or Path
        A workbook with the sheets ``survey`` and, where the form has choices, ``choices`` and
        ``settings``.

    Returns
    -------
    dict
        ``schema``, ``survey``, ``choices``, ``settings``, ``translated``, ``translations``, as the
        server answers for the same form. ``$kuid`` is made from the question's path, so that
        reading twice gives the same content.

    Raises
    ------
    KoboError
        If the file is missing, is no workbook, or lacks a sheet or column that a form must have.
    """
    sheets = _sheets(Path(path))
    survey, choices = sheets["survey"], sheets.get("choices", [])
    languages = _languages(survey + choices)
    rows = _with_paths([_question(row, languages) for row in survey])
    options = [_choice(row, languages) for row in choices]
    translated = {name for row in rows + options for name in row if name in TRANSLATED}
    return {
        "schema": "1",
        "survey": [_ordered(row) for row in rows],
        "choices": [_ordered(row) for row in options],
        "settings": _settings(sheets.get("settings", [])),
        "translated": sorted(translated),
        "translations": languages,
    }


def rename_question(content: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return a copy of a form in which one question or group is called differently everywhere.

    Parameters
    ----------
    content : dict
        Form content; it is not changed.
    old, new : str
        The name in the form and the name wanted.

    Returns
    -------
    dict
        The form with ``new`` in ``name``, ``$autoname``, every ``$xpath`` (also of questions inside
        a renamed group) and every ``${old}`` of expressions, labels and settings. ``$kuid`` stays,
        as it does on the server.

    Raises
    ------
    KoboError
        If no question is called ``old``, or one is called ``new`` already.
    """
    names = {row.get("name") for row in content["survey"]}
    if old not in names:
        raise KoboError(f"The form has no question '{old}' to rename.", where="survey, column name")
    if new in names:
        raise KoboError(f"The form already has a question '{new}'.", where="survey, column name")
    renamed: dict[str, Any] = _replace_references(copy.deepcopy(content), old, new)
    paths = [row["$xpath"] for row in renamed["survey"] if row.get("name") == old]
    for row in renamed["survey"]:
        for key in ("name", "$autoname"):
            if row.get(key) == old:
                row[key] = new
        for path in paths:
            _rename_path(row, path, new)
    return renamed


def _sheets(path: Path) -> dict[str, list[Row]]:
    """Read every sheet as rows keyed by its header; empty cells and empty rows are left out."""
    import openpyxl  # takes a fifth of a second

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError as error:
        raise KoboError("The form's workbook does not exist.", where=str(path)) from error
    except Exception as error:
        raise KoboError(
            "The file is not an Excel workbook.", expected="an .xlsx file", where=str(path)
        ) from error
    try:
        found = {sheet.title.strip().lower(): list(sheet.values) for sheet in book.worksheets}
    finally:
        book.close()
    _require(found, path)
    return {title: list(_rows(values)) for title, values in found.items()}


def _require(found: dict[str, list[tuple[Any, ...]]], path: Path) -> None:
    if "survey" not in found:
        raise KoboError(
            "The workbook is not an XLSForm: it has no sheet 'survey'.",
            expected="a sheet named survey",
            found="sheets " + ", ".join(found),
            where=str(path),
        )
    for title, columns in (("survey", ("type", "name")), ("choices", ("list_name", "name"))):
        header = _header(found[title]) if found.get(title) else list(columns)
        missing = [column for column in columns if column not in header]
        if missing:
            raise KoboError(
                f"The workbook is not an XLSForm: sheet '{title}' lacks columns.",
                expected="columns " + ", ".join(columns),
                found="columns " + ", ".join(filter(None, header)),
                where=f"{path}, sheet {title}, row 1",
            )


def _header(values: list[tuple[Any, ...]]) -> list[str]:
    header = []
    for cell in values[0]:
        name = re.sub(r"\s*::?\s*", "::", str(cell or "").strip(), count=1)
        stem, mark, language = name.partition("::")
        stem = {"list name": "list_name", "value": "name"}.get(stem.lower(), stem)
        header.append(stem + mark + language)
    return header


def _rows(values: list[tuple[Any, ...]]) -> Iterator[Row]:
    header = _header(values) if values else []
    for cells in values[1:]:
        row = {
            name: _text(cell)
            for name, cell in zip(header, cells, strict=False)
            if name and cell is not None and _text(cell)
        }
        if row:
            yield row


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _languages(rows: list[Row]) -> list[str | None]:
    seen: dict[str | None, None] = {}
    for row in rows:
        for column in row:
            stem, mark, language = column.partition("::")
            if stem in TRANSLATED:
                seen.setdefault(language if mark else None)
    return list(seen) or [None]


def _question(row: Row, languages: list[str | None]) -> Row:
    question = _translate(row, languages)
    words = question.get("type", "").split()
    if words[:2] and words[0] in ("begin", "end") and len(words) == 2:
        words = ["_".join(words)]
    if words and words[0] in SELECTS and len(words) > 1:
        question["select_from_list_name"] = words[1]
        if words[2:] == ["or_other"]:
            question["_or_other"] = True
    question["type"] = words[0] if words else ""
    for name in BOOLEANS:
        if (value := str(question.get(name, "")).lower()) in YES + NO:
            question[name] = value in YES
    if "name" in question and not question["type"].startswith("end_"):
        question["$autoname"] = question["name"]
    return question


def _choice(row: Row, languages: list[str | None]) -> Row:
    choice = _translate(row, languages)
    name = choice.get("name", "")
    choice["$autovalue"] = name
    choice["$kuid"] = _kuid(f"choice:{choice.get('list_name')}/{name}")
    return choice


def _translate(row: Row, languages: list[str | None]) -> Row:
    """Gather ``label::<language>`` cells into one list in the order of the languages."""
    plain: Row = {}
    for column, value in row.items():
        stem, mark, language = column.partition("::")
        if stem in TRANSLATED:
            texts = plain.setdefault(stem, [None] * len(languages))
            texts[languages.index(language if mark else None)] = value
        else:
            plain[column] = value
    return plain


def _with_paths(rows: list[Row]) -> list[Row]:
    """Add ``$xpath`` and ``$kuid``; a closing row is known by the group that it closes."""
    groups: list[str] = []
    for row in rows:
        if row["type"].startswith("end_"):
            row.pop("name", None)
            row["$kuid"] = _kuid("end:" + (groups.pop() if groups else ""))
            continue
        path = "/".join([*groups[-1:], row.get("name", "")])
        if "name" in row:
            row["$xpath"] = path
        row["$kuid"] = _kuid("question:" + path)
        if row["type"].startswith("begin_"):
            groups.append(path)
    return rows


def _settings(rows: list[Row]) -> Row:
    settings = {SETTING_NAMES.get(key, key): value for key, value in (rows or [{}])[0].items()}
    settings.pop("title", None)
    return settings


def _kuid(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:9]


def _ordered(row: Row) -> Row:
    """Order the keys as the server does: shorter first, then by letter."""
    return dict(sorted(row.items(), key=lambda pair: (len(pair[0]), pair[0])))


def _replace_references(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return re.sub(r"\$\{\s*" + re.escape(old) + r"\s*\}", lambda _: "${" + new + "}", value)
    if isinstance(value, list):
        return [_replace_references(part, old, new) for part in value]
    if isinstance(value, dict):
        return {key: _replace_references(part, old, new) for key, part in value.items()}
    return value


def _rename_path(row: Row, path: str, new: str) -> None:
    xpath = row.get("$xpath", "")
    if xpath == path or xpath.startswith(path + "/"):
        row["$xpath"] = "/".join([*path.split("/")[:-1], new]) + xpath[len(path) :]

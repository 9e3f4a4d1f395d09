"""Find all that carries a household code: rows of stores and sandboxes, lines of private lists.

Changes nothing.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from survey_tools.clean import gather_corrections
from survey_tools.errors import SurveyToolsError
from survey_tools.kobo import Store
from survey_tools.kobo.sandbox import SandboxAsset, load_sandbox
from survey_tools.params import Workspace
from survey_tools.register import read_register
from survey_tools.run.erasing.traces import find_traces

QUESTION = "hhid"
"""Question that holds the household code."""

LEAST_MARK = 8
"""A phone or identity shorter than this may stand anywhere by chance, and is not looked for."""

_IDENTITIES = re.compile(
    r'"(?:_uuid|meta/instanceID|meta/rootUuid|meta/deprecatedID)":\s?"(?:uuid:)?([^"]+)"'
)
_DASHES = re.compile("[\u2010-\u2015\u2212]")

Document = tuple[int, bool, str]
"""`_id`, whether it is the newest version of its row, and the JSON text."""

Documents = Callable[[], Iterable[Document]]


@dataclass(frozen=True)
class Found:
    """Rows of one form on one server that carry the code.

    Attributes
    ----------
    place : str
        Store or folder of a sandbox, below the workspace.
    form, server, asset : str
        `form` is the study's name of it, or the file's.
    rows : int
        Rows of the form there, deleted ones included.
    erase : tuple of int
        `_id` of the household's rows.
    edit : tuple of int
        `_id` of others that name it: an older version, a remark, a code that was corrected.
    marks : frozenset of str
        What identifies the household's rows besides the code, and stands in no other row.
    """

    place: str
    form: str
    server: str
    asset: str
    rows: int
    erase: tuple[int, ...]
    edit: tuple[int, ...]
    marks: frozenset[str] = field(default=frozenset(), repr=False)


def plain_code(text: object) -> str:
    """Return a household code without the liberties of whoever typed it: spaces, case, long dashes."""
    text = unicodedata.normalize("NFKC", str(text))
    return re.sub(r"\s", "", _DASHES.sub("-", text)).upper()


def find_in_stores(ws: Workspace, code: str) -> list[Found]:
    """Look through every store below `data/raw`, also those of other servers and of forms given up."""
    corrected = corrected_codes(ws)
    found = []
    for path in sorted((ws.raw.parent).glob("*/*.sqlite")):
        own = path.parent == ws.raw
        with Store.read(path) as store:
            one = _find(ws, code, path.stem, store.documents, corrected if own else {})
            place = path.relative_to(ws.root).as_posix()
            found.append(Found(place, path.stem, store.server, store.asset, *one))
    return found


def find_in_sandboxes(ws: Workspace, code: str) -> list[Found]:
    """Look through the folders that the built-in server serves."""
    corrected = corrected_codes(ws) if ws.study.server.is_sandbox else {}
    forms = {settings.uid: str(form) for form, settings in ws.study.forms.items()}
    found = []
    for index in sorted(ws.sandbox.glob("*/sandbox.json")):
        for asset in load_sandbox(index.parent):
            form = forms.get(asset.uid, asset.uid)
            one = _find(ws, code, form, _served(asset), corrected)
            place = index.parent.relative_to(ws.root).as_posix()
            found.append(Found(place, form, "sandbox", asset.uid, *one))
    return found


def is_an_example(ws: Workspace, code: str) -> bool:
    """Whether the forms name the code, as an example in a hint: then finding it tells of nobody."""
    if find_traces(ws.root / "params" / "forms", [code]):
        return True
    for path in ws.raw.parent.glob("*/*.sqlite"):
        with Store.read(path) as store:
            if any(code in json.dumps(content) for content in store.contents().values()):
                return True
    return False


def corrected_codes(ws: Workspace) -> dict[int, str]:
    """Map `_id` of the household form to the code that a documented correction gives it."""
    with suppress(SurveyToolsError, OSError, ValueError):
        lines = gather_corrections(ws).fillna("")
        mask = (lines["form"] == "household") & (lines["action"] == "replace")
        chosen = lines.loc[mask & (lines["variable"] == QUESTION)]
        chosen = chosen.loc[chosen["row_id"].str.fullmatch(r"\d+")]
        return dict(zip(chosen["row_id"].astype("int64"), chosen["new_value"], strict=True))
    return {}


def _served(asset: SandboxAsset) -> Documents:
    return lambda: ((i, True, asset.rows.line(i).decode()) for i in asset.rows.select({}))


def _find(
    ws: Workspace, code: str, form: str, documents: Documents, corrected: dict[int, str]
) -> tuple[int, tuple[int, ...], tuple[int, ...], frozenset[str]]:
    question = re.compile(rf'"(?:[^"]*/)?(?:{"|".join(_names(ws, form))})":\s?"([^"]*)"')
    rows, erase, named = set(), set(), set()
    for row_id, newest, text in documents():
        said = question.search(text)
        theirs = corrected.get(row_id, said[1] if said else "")
        rows.add(row_id)
        if newest and plain_code(theirs) == code:
            erase.add(row_id)
        if code in text.upper():
            named.add(row_id)
    marks = _marks(documents, erase, _contact_names(ws, form)) if erase else frozenset()
    return len(rows), tuple(sorted(erase)), tuple(sorted(named - erase)), marks


def _names(ws: Workspace, form: str) -> list[str]:
    """Names of the question in all versions of the form."""
    renamed = [
        old.rpartition("/")[2]
        for old, new in ws.study.renames(form).items()
        if new.rpartition("/")[2] == QUESTION
    ]
    return [re.escape(name) for name in (QUESTION, *renamed)]


def _marks(documents: Documents, erase: set[int], contacts: frozenset[str]) -> frozenset[str]:
    """Identities and phones of the household's rows that stand in no other row."""
    marks: set[str] = set()
    for row_id, _, text in documents():
        if row_id in erase:
            marks |= set(_IDENTITIES.findall(text))
            answers = json.loads(text).items()
            marks |= {str(v) for k, v in answers if k.rpartition("/")[2] in contacts}
    marks = {mark for mark in marks if len(mark) >= LEAST_MARK}
    for row_id, _, text in documents():
        if row_id not in erase:
            marks -= {mark for mark in marks if mark in text}
    return frozenset(marks)


def _contact_names(ws: Workspace, form: str) -> frozenset[str]:
    """Names of the questions that ask for a phone, an address or the like."""
    settings = dict(ws.study.forms.items()).get(form)  # type: ignore[call-overload]
    if settings is None or not (ws.root / settings.register_).is_file():
        return frozenset()
    return frozenset(read_register(ws.root / settings.register_).of_class("direct_identifier"))

"""Say why the pages of two runs may differ: what their records hold of data, parameters, code and versions.

Only what is recorded is told; what an older record does not hold is said to be not recorded. Not here: the
record (survey_tools.run.batch.record) or what it keeps of parameters and code (survey_tools.run.inputs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from survey_tools.report.compare.difference import Cause, Reasons

Content = Mapping[str, Any]

_NO_CAUSE = frozenset({"cli", "run"})
"""Parts of the package that make no number and no sentence; what of them makes pages is in `package`."""

_GIVEN = frozenset({"run", "lang", "commune", "study"})
"""Parameters that every page has."""

_SAMPLE = "data/private/"
_STAGES = ("inputs_of_results", "inputs")


def reasons_for(a: Content | None, b: Content | None) -> Reasons:
    """Hold two records against each other.

    Parameters
    ----------
    a, b : mapping or None
        Content of `run.json`; None where there is none.
    """
    missing = [f"record_{run}" for run, record in (("a", a), ("b", b)) if record is None]
    if a is None or b is None:
        return Reasons(not_recorded=tuple(missing))
    for stage in _STAGES:
        missing += [f"{stage}_{run}" for run, r in (("a", a), ("b", b)) if not r.get(stage)]
    causes = [*_study(a, b), *_data(a, b), *_params(a, b), *_code(a, b)]
    causes += [*_options(a, b), *_versions(a, b)]
    if not causes and "results" in _hashes(a, b):
        causes.append(Cause("data", "results"))
    return Reasons(tuple(causes), tuple(missing), tuple(_facts(a, b)))


def _study(a: Content, b: Content) -> Iterator[Cause]:
    if (a.get("study"), a.get("synthetic")) != (b.get("study"), b.get("synthetic")):
        yield Cause("study", "study", {"a": _text(a.get("study")), "b": _text(b.get("study"))})


def _data(a: Content, b: Content) -> Iterator[Cause]:
    before, after = _pulls(a), _pulls(b)
    for form in dict.fromkeys((*before, *after)):
        old, new = before.get(form), after.get(form)
        if old is None or new is None:
            yield Cause("data", "form_new" if old is None else "form_gone", {"form": form})
        elif old.get("rows") != new.get("rows"):
            yield Cause("data", "rows", {"form": form, "a": old.get("rows"), "b": new.get("rows")})
        elif old.get("proof") != new.get("proof"):
            yield Cause("data", "edited", {"form": form, "rows": new.get("rows")})
        if old and new and old.get("server") != new.get("server"):
            yield Cause("data", "server", {"form": form})
    if any(file.startswith(_SAMPLE) for file in _differing(a, b, "params")):
        yield Cause("data", "sample")


def _params(a: Content, b: Content) -> Iterator[Cause]:
    files = [f for f in _differing(a, b, "params") if not f.startswith(_SAMPLE)]
    keys = [key.partition("#") for key in _differing(a, b, "keys")]
    for file in files:
        inside = [key for name, _, key in keys if name == file]
        values = {"file": file, "keys": ", ".join(inside)}
        yield Cause("params", "keys" if inside else "file", values)
    if not files and "params" in _hashes(a, b):
        yield Cause("params", "some")


def _code(a: Content, b: Content) -> Iterator[Cause]:
    rooms = [name for name in _differing(a, b, "code") if name not in _NO_CAUSE]
    books = list(_differing(a, b, "notebooks"))
    hashes = _hashes(a, b)
    if rooms:
        yield Cause("code", "rooms", {"rooms": ", ".join(rooms)})
    elif "package" in hashes:
        yield Cause("code", "package")
    if books:
        yield Cause("code", "notebooks", {"names": ", ".join(books)})
    elif "notebook" in hashes:
        yield Cause("code", "notebook")


def _options(a: Content, b: Content) -> Iterator[Cause]:
    before, after = _entries(a), _entries(b)
    names: dict[str, None] = {}
    for key in before.keys() & after.keys():
        old, new = (dict(one[key].get("parameters") or {}) for one in (before, after))
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        names.update(dict.fromkeys(sorted(changed - _GIVEN)))
    if names:
        yield Cause("options", "options", {"names": ", ".join(names)})


def _versions(a: Content, b: Content) -> Iterator[Cause]:
    old, new = (dict(one.get("versions") or {}) for one in (a, b))
    changed = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    if changed and old and new:
        told = [f"{n} {old.get(n, '–')} → {new.get(n, '–')}" for n in changed]
        yield Cause("versions", "versions", {"names": ", ".join(told)})


def _facts(a: Content, b: Content) -> Iterator[tuple[str, Mapping[str, Any], str, str]]:
    """Yield what each run was made from, to stand side by side."""
    for name in ("finished", "commit"):
        yield name, {}, _text(a.get(name)), _text(b.get(name))
    before, after = _pulls(a), _pulls(b)
    for form in dict.fromkeys((*before, *after)):
        for name in ("rows", "proof"):
            old, new = (_text(one.get(form, {}).get(name)) for one in (before, after))
            yield name, {"form": form}, old, new


def _pulls(record: Content) -> dict[str, dict[str, Any]]:
    return {str(pull.get("form")): pull for pull in record.get("pulls") or []}


def _differing(a: Content, b: Content, what: str) -> Iterable[str]:
    """Name what differs of parameters, keys, code or notebooks, when results or when pages were made."""
    found: dict[str, None] = {}
    for stage in _STAGES:
        old, new = ((one.get(stage) or {}).get(what) for one in (a, b))
        if old and new:
            names = sorted(old.keys() | new.keys())
            found.update(dict.fromkeys(n for n in names if old.get(n) != new.get(n)))
    return found


def _hashes(a: Content, b: Content) -> frozenset[str]:
    """Name the digests that differ on any page of both; those of the page's own name do not count."""
    before, after = _entries(a), _entries(b)
    found: set[str] = set()
    for key in before.keys() & after.keys():
        old, new = (dict(one[key].get("hashes") or {}) for one in (before, after))
        found |= {name for name in old.keys() & new.keys() if old[name] != new[name]}
    return frozenset(found)


def _entries(record: Content) -> dict[tuple[str, str], dict[str, Any]]:
    return {(str(p["code"]), str(p["lang"])): p for p in record.get("pages") or []}


def _text(value: object) -> str:
    return "" if value is None else str(value)

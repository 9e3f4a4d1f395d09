"""Say what changed between the versions of a form, and which questions were only renamed.

Not here: rows. A question is known again by its path, then by the identity that the form builder gives
it (``$kuid``), which stays when it is renamed or moved.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pandas as pd

from survey_tools.kobo.form.model import Form, Group, Labels, Question, read_forms
from survey_tools.kobo.tables.catalogue import renamed
from survey_tools.kobo.tables.naming import leaf

Item = Group | Question
COLUMNS = ("from_version", "to_version", "change", "path", "new_path", "before", "after")
_EXPRESSIONS = {
    "relevant": "relevance_changed",
    "constraint": "constraint_changed",
    "required": "required_changed",
    "calculation": "calculation_changed",
    "choice_filter": "choice_filter_changed",
    "repeat_count": "repeat_count_changed",
}


def drift(forms: Mapping[str, Form | Mapping[str, Any]]) -> pd.DataFrame:
    """List what changed from each version to the next.

    Parameters
    ----------
    forms : mapping
        Versions by uid, oldest first; `Form` or the API's content.

    Returns
    -------
    DataFrame
        ``from_version, to_version, change, path, new_path, before, after``, one line a change.
        `change` is ``added``, ``removed``, ``renamed``, ``moved`` (into another group),
        ``type_changed``, ``choices_added``, ``choices_removed`` (codes in `before` and `after`),
        ``choice_label_changed``, ``label_changed`` (as ``language: label``), ``path_reused`` (another
        question has taken the path; `new_path` is where its own went: older and newer answers under it
        are of two questions), ``relevance_changed``,
        ``constraint_changed``, ``required_changed``, ``calculation_changed``,
        ``choice_filter_changed``, ``repeat_count_changed`` or ``parameters_changed``. `path` is the
        older version's, `new_path` the newer one's. A renamed, moved, added or removed group is one
        line, without one for each question in it. An expression that only follows a renaming has not changed.
    """
    versions = list(read_forms(forms).values())
    found = [
        (old.uid, new.uid, *change)
        for old, new in pairwise(versions)
        for change in _changes(old, new)
    ]
    return pd.DataFrame(found, columns=list(COLUMNS)).astype("str")


def suggest_renames(forms: Mapping[str, Form | Mapping[str, Any]]) -> dict[str, str]:
    """Return the renamings and moves that the form shows, ready for ``flatten(renames=...)``.

    Parameters
    ----------
    forms : mapping
        As in `drift`.

    Returns
    -------
    dict
        Path in older versions to path in the newest one, of questions and groups. Left out are those
        that cannot be mapped by their path alone: where another question has taken the old path, or
        where the new place is in another repeat.
    """
    versions = list(read_forms(forms).values())
    return {old: new for old, (new, _) in _chained(versions).items()}


def unmapped_renames(
    forms: Sequence[Form], renames: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield what a form shows to be renamed or moved and `renames` does not bring together.

    Parameters
    ----------
    forms : sequence of Form
        Oldest first.
    renames : mapping
        Path in older versions to path now.

    Yields
    ------
    tuple of str
        ``renamed``, ``moved`` or ``path_reused``, and the older path.
    """
    for old, (new, kind) in _chained(forms).items():
        if renamed(old, renames) != renamed(new, renames):
            yield kind, old
    for before, after in pairwise(forms):
        for path, _ in _reused(before, after, _match(before, after)):
            yield "path_reused", path


@dataclass
class _Match:
    """Which item of an older version is which of a newer one."""

    pairs: dict[str, str] = field(default_factory=dict)
    moves: dict[str, str] = field(default_factory=dict)

    def expected(self, path: str) -> str:
        """Return where an item is now if nothing but the groups around it changed."""
        return renamed(path, self.moves)


def _changes(old: Form, new: Form) -> Iterator[tuple[str, str, str, str, str]]:
    match = _match(old, new)
    olds, news = _items(old), _items(new)
    for path, now in match.moves.items():
        yield _kind(path, now), path, now, "", ""
    gone = [path for path in olds if path not in match.pairs]
    for path in gone:
        if not _inside(path, gone):
            yield "removed", path, "", _type(olds[path]), ""
    came = [path for path in news if path not in set(match.pairs.values())]
    for path in came:
        if not _inside(path, came):
            yield "added", "", path, "", _type(news[path])
    names = {leaf(path): leaf(now) for path, now in match.moves.items() if leaf(path) != leaf(now)}
    for path, elsewhere in _reused(old, new, match):
        yield "path_reused", path, elsewhere, "", ""
    for path, now in match.pairs.items():
        for change, before, after in _differences(old, new, olds[path], news[now], names):
            yield change, path, now, before, after


def _reused(old: Form, new: Form, match: _Match) -> Iterator[tuple[str, str]]:
    """Yield paths that another question has taken, with where theirs went: by identity alone."""
    olds, news, places = _items(old), _items(new), _by(new, "kuid")
    for path, now in match.pairs.items():
        one, other = olds[path].kuid, news[now].kuid
        if one and other and one != other and places.get(one, now) != now:
            yield path, places[one]


def _differences(
    old: Form, new: Form, one: Item, other: Item, names: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    if _type(one) != _type(other):
        yield "type_changed", _type(one), _type(other)
    for lang, before, after in _label_changes(one.labels, other.labels):
        yield "label_changed", f"{lang}: {before}", f"{lang}: {after}"
    for name, change in _EXPRESSIONS.items():
        before, after = getattr(one, name, ""), getattr(other, name, "")
        if _follow(before, names) != after:
            yield change, before, after
    if isinstance(one, Question) and isinstance(other, Question):
        before, after = _parameters(one), _parameters(other)
        if before != after:
            yield "parameters_changed", before, after
        yield from _choice_changes(old.choices_of(one), new.choices_of(other))


def _choice_changes(
    old: Mapping[str, Labels], new: Mapping[str, Labels]
) -> Iterator[tuple[str, str, str]]:
    came, gone = [c for c in new if c not in old], [c for c in old if c not in new]
    if came:
        yield "choices_added", "", ", ".join(came)
    if gone:
        yield "choices_removed", ", ".join(gone), ""
    for code in old:
        for lang, before, after in _label_changes(old[code], new.get(code, old[code])):
            yield "choice_label_changed", f"{lang}: {code} = {before}", f"{lang}: {code} = {after}"


def _label_changes(one: Labels, other: Labels) -> Iterator[tuple[str, str, str]]:
    for lang in dict.fromkeys((*one, *other)):
        before, after = one.get(lang, ""), other.get(lang, "")
        if before != after:
            yield lang, before, after


def _match(old: Form, new: Form) -> _Match:
    """Pair the items of two versions: groups before what is in them."""
    match = _Match()
    kuids, names = _unique_kuids(old, new), _unique_names(old, new)
    for olds, news in ((old.groups, new.groups), (old.questions, new.questions)):
        ordered = sorted(olds, key=lambda path: path.count("/"))
        # What stands where it is expected is taken first, so that nothing else can claim it.
        there = {match.expected(path) for path in ordered} & set(news)
        for path in ordered:
            expected = match.expected(path)
            if expected in news:
                match.pairs[path] = expected
                there.add(expected)
                continue
            now = kuids.get(path) or names.get(path, "")
            if now in news and now not in there:
                match.pairs[path] = match.moves[path] = now
                there.add(now)
    return match


def _unique_kuids(old: Form, new: Form) -> dict[str, str]:
    """Map paths by the identity of the form builder."""
    olds, news = _by(old, "kuid"), _by(new, "kuid")
    return {path: news[kuid] for kuid, path in olds.items() if kuid and kuid in news}


def _unique_names(old: Form, new: Form) -> dict[str, str]:
    """Map paths by name alone, where identities say nothing: none given, or all given anew."""
    shared = set(_by(old, "kuid")) & set(_by(new, "kuid")) - {""}
    olds, news = _by(old, "name"), _by(new, "name")
    before, after = _items(old), _items(new)
    return {
        path: news[name]
        for name, path in olds.items()
        if name in news
        and type(before[path]) is type(after[news[name]])
        and not (shared and before[path].kuid and after[news[name]].kuid)
    }


def _by(form: Form, what: str) -> dict[str, str]:
    """Index a form's paths by kuid or name, those that stand once."""
    keys = {
        path: item.kuid if what == "kuid" else leaf(path) for path, item in _items(form).items()
    }
    counts = Counter(keys.values())
    return {key: path for path, key in keys.items() if counts[key] == 1}


def _chained(forms: Sequence[Form]) -> dict[str, tuple[str, str]]:
    """Map older paths to the newest version's, with the kind of the last change."""
    found: dict[str, tuple[str, str]] = {}
    for old, new in pairwise(forms):
        moves = _match(old, new).moves
        for path, (now, kind) in found.items():
            after = renamed(now, moves)
            found[path] = (after, kind if after == now else _kind(path, after))
        for path, now in moves.items():
            found[path] = (now, _kind(path, now))
    if not found:
        return {}
    paths = {path: now for path, (now, _) in found.items()}
    return {path: said for path, said in found.items() if _mappable(forms, path, said[0], paths)}


def _mappable(forms: Sequence[Form], path: str, now: str, paths: Mapping[str, str]) -> bool:
    newest = _items(forms[-1])
    if now not in newest or path in newest:
        return False
    home = forms[-1].enclosing_repeats(now)
    for form in forms:
        if path in _items(form):
            around = tuple(renamed(one, paths) for one in form.enclosing_repeats(path))
            if around != home or (path in form.groups) != (now in forms[-1].groups):
                return False
    return True


def _items(form: Form) -> dict[str, Item]:
    return {**form.groups, **form.questions}


def _kind(path: str, now: str) -> str:
    return "renamed" if leaf(path) != leaf(now) else "moved"


def _type(item: Item) -> str:
    if isinstance(item, Question):
        return item.type
    return "repeat" if item.repeat else "group"


def _parameters(question: Question) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(question.parameters.items()))


def _inside(path: str, paths: Sequence[str]) -> bool:
    return any(path.startswith(f"{other}/") for other in paths)


def _follow(expression: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\s*([^}]+?)\s*\}", lambda m: "${" + names.get(m[1], m[1]) + "}", expression)

"""Evaluate the part of MongoDB's query language that the server lets through, on plain rows.

Not here: where rows live, paging, HTTP. An operator outside the whitelist matches no row, as the
server answers; an operand of the wrong kind raises `QueryError`, where the server breaks (500).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

Row = Mapping[str, Any]
Test = Callable[[Any], bool]

# Only these hold nested fields for the server; a dot in any other name is part of the name.
NESTED = ("_validation_status.", "_supplementalDetails.")
ABSENT = object()


class QueryError(Exception):
    """The database refuses the query; the server shows it as an internal error."""


def matcher(query: Any) -> Callable[[Row], bool]:
    """Compile a query to a function that says whether a row matches.

    Parameters
    ----------
    query : dict
        Conditions by field; ``$and`` and ``$or`` at any level.

    Returns
    -------
    callable
        Row to bool.

    Raises
    ------
    QueryError
        If the query is no object, or an operand has the wrong type.
    """
    if not isinstance(query, dict):
        raise QueryError("a query is an object")
    tests = [_clause(name, condition) for name, condition in query.items()]
    return lambda row: all(test(row) for test in tests)


def fields_of(query: Any) -> set[str]:
    """Name the top-level fields that a query reads, to decide how much of a row must be parsed."""
    if isinstance(query, list):
        return set().union(*map(fields_of, query)) if query else set()
    if not isinstance(query, dict):
        return set()
    found: set[str] = set()
    for name, condition in query.items():
        found |= fields_of(condition) if name in ("$and", "$or") else {_top(name)}
    return found


def sort_rows(rows: Iterable[Row], sort: Mapping[str, Any]) -> list[Row]:
    """Sort rows by fields, each with 1 or -1; ties keep their order and absent values are lowest."""
    ordered = list(rows)
    for name, direction in reversed(list(sort.items())):
        try:
            descending = int(direction) < 0
        except (TypeError, ValueError) as error:
            raise QueryError("a sort direction is 1 or -1") from error
        ordered.sort(key=partial(_sort_key, name), reverse=descending)
    return ordered


def _clause(name: str, condition: Any) -> Callable[[Row], bool]:
    if name in ("$and", "$or"):
        if not isinstance(condition, list) or not condition:
            raise QueryError(f"{name} takes a list")
        tests = [matcher(part) for part in condition]
        combine = all if name == "$and" else any
        return lambda row: combine(test(row) for test in tests)
    if name == "_id":
        condition = _as_integers(condition)
    test = _condition(condition)
    return lambda row: test(_get(row, name))


def _as_integers(condition: Any) -> Any:
    if isinstance(condition, dict):
        return {key: _as_integers(value) for key, value in condition.items()}
    if isinstance(condition, str) and re.fullmatch(r"-?\d+", condition):
        return int(condition)
    return condition


def _condition(condition: Any) -> Test:
    if not _is_operators(condition):
        return _any_element(lambda value: _equal(value, condition))
    if any(name not in OPERATORS and name != "$options" for name in condition):
        return lambda value: False
    tests = [
        OPERATORS[name](operand, condition)
        for name, operand in condition.items()
        if name != "$options"
    ]
    return lambda value: all(test(value) for test in tests)


def _is_operators(condition: Any) -> bool:
    return isinstance(condition, dict) and any(name.startswith("$") for name in condition)


def _any_element(test: Test) -> Test:
    """Apply a test to a value, and to each element where the value is a list."""

    def check(value: Any) -> bool:
        return test(value) or (isinstance(value, list) and any(test(part) for part in value))

    return check


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Test]:
    def build(operand: Any, _: Any) -> Test:
        return _any_element(
            lambda value: (
                _kind(value) == _kind(operand) in ("number", "text") and compare(value, operand)
            )
        )

    return build


def _in(operand: Any, _: Any) -> Test:
    if not isinstance(operand, list):
        raise QueryError("$in takes a list")
    hashable = {(_kind(part), part) for part in operand if isinstance(part, (str, int, float))}
    others = [part for part in operand if not isinstance(part, (str, int, float))]

    def check(value: Any) -> bool:
        if isinstance(value, (str, int, float)):
            return (_kind(value), value) in hashable
        return any(_equal(value, part) for part in others)

    return _any_element(check)


def _all(operand: Any, _: Any) -> Test:
    if not isinstance(operand, list):
        raise QueryError("$all takes a list")
    tests = [_any_element(partial(_equal, wanted=part)) for part in operand]
    return lambda value: bool(tests) and all(test(value) for test in tests)


def _regex(operand: Any, condition: Any) -> Test:
    options = str(condition.get("$options", ""))
    flags = re.NOFLAG
    for letter, flag in (("i", re.IGNORECASE), ("m", re.MULTILINE), ("s", re.DOTALL)):
        flags |= flag if letter in options else re.NOFLAG
    try:
        pattern = re.compile(operand, flags)
    except (re.error, TypeError) as error:
        raise QueryError("$regex takes a regular expression") from error
    return _any_element(lambda value: isinstance(value, str) and bool(pattern.search(value)))


def _exists(operand: Any, _: Any) -> Test:
    return lambda value: (value is not ABSENT) == bool(operand)


def _elem_match(operand: Any, _: Any) -> Test:
    if not isinstance(operand, dict):
        raise QueryError("$elemMatch takes an object")
    if _is_operators(operand):
        test = _condition(operand)
        return lambda value: isinstance(value, list) and any(test(part) for part in value)
    match = matcher(operand)
    return lambda value: (
        isinstance(value, list) and any(isinstance(part, dict) and match(part) for part in value)
    )


def _not(operand: Any, _: Any) -> Test:
    if not isinstance(operand, dict):
        raise QueryError("$not takes an object")
    test = _condition(operand)
    return lambda value: not test(value)


def _opposite(build: Callable[[Any, Any], Test]) -> Callable[[Any, Any], Test]:
    def opposite(operand: Any, condition: Any) -> Test:
        test = build(operand, condition)
        return lambda value: not test(value)

    return opposite


def _is(operand: Any, _: Any) -> Test:
    return _any_element(lambda value: _equal(value, operand))


OPERATORS: dict[str, Callable[[Any, Any], Test]] = {
    "$gt": _comparison(operator.gt),
    "$gte": _comparison(operator.ge),
    "$lt": _comparison(operator.lt),
    "$lte": _comparison(operator.le),
    "$in": _in,
    "$nin": _opposite(_in),
    "$ne": _opposite(_is),
    "$all": _all,
    "$not": _not,
    "$regex": _regex,
    "$exists": _exists,
    "$elemMatch": _elem_match,
}


def _top(name: str) -> str:
    return name.partition(".")[0] if name.startswith(NESTED) else name


def _get(row: Row, name: str) -> Any:
    if not name.startswith(NESTED):
        return row.get(name, ABSENT)
    value: Any = row
    for part in name.split("."):
        value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
    return value


def _equal(value: Any, wanted: Any) -> bool:
    if wanted is None:
        return value is None or value is ABSENT
    return _kind(value) == _kind(wanted) and bool(value == wanted)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def _sort_key(name: str, row: Row) -> tuple[int, Any]:
    return _rank(_get(row, name))


def _rank(value: Any) -> tuple[int, Any]:
    """Order values of different kinds as the database does: null, numbers, text, the rest."""
    order = {"number": 1, "text": 2, "bool": 4}.get(_kind(value), 0 if value is None else 3)
    if value is ABSENT:
        order = 0
    return order, value if order in (1, 2, 4) else 0

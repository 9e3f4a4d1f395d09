"""Queries pick the rows that the database behind the server would pick."""

from __future__ import annotations

import pytest

from survey_tools.kobo.sandbox.mongo import QueryError, fields_of, matcher, sort_rows

ROWS = [
    {"_id": 1, "a": "10", "g/b": "x y", "r": [{"r/m": "25"}, {"r/m": "3"}]},
    {"_id": 2, "a": "9", "tags": ["p", "q"], "_validation_status": {"uid": "ok"}},
    {"_id": 3, "g/b": "Xz", "_validation_status": {}, "n": None},
]


def _ids(query):
    match = matcher(query)
    return [row["_id"] for row in ROWS if match(row)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"a": "10"}, [1]),
        ({"a": 10}, []),
        ({"_id": "2"}, [2]),
        ({"_id": {"$gt": 1, "$lte": 3}}, [2, 3]),
        ({"_id": {"$gt": True}}, []),
        ({"a": {"$gt": "10"}}, [2]),
        ({"a": {"$gte": 1}}, []),
        ({"_id": {"$in": [3, "1", 7]}}, [3]),
        ({"a": {"$in": [None, "9"]}}, [2, 3]),
        ({"a": {"$nin": ["9"]}}, [1, 3]),
        ({"a": {"$ne": "9"}}, [1, 3]),
        ({"a": {"$exists": False}}, [3]),
        ({"n": {"$exists": True}}, [3]),
        ({"a": None}, [3]),
        ({"g/b": {"$regex": "^x"}}, [1]),
        ({"g/b": {"$regex": "^x", "$options": "i"}}, [1, 3]),
        ({"g/b": {"$not": {"$regex": "^x"}}}, [2, 3]),
        ({"tags": "p"}, [2]),
        ({"tags": {"$all": ["p", "q"]}}, [2]),
        ({"tags": {"$all": ["p", "z"]}}, []),
        ({"r": {"$elemMatch": {"r/m": "25"}}}, [1]),
        ({"r.r/m": "25"}, []),
        ({"_validation_status.uid": "ok"}, [2]),
        ({"_validation_status": {}}, [3]),
        ({"$or": [{"a": "10"}, {"a": "9"}]}, [1, 2]),
        ({"$and": [{"a": "10"}, {"_id": 2}]}, []),
        ({"a": "10", "_id": 1}, [1]),
        ({"a": {"$eq": "10"}}, []),
        ({"a": {"$gt": "0", "$eq": "10"}}, []),
        ({"a": {"$not": {"$eq": "10"}}}, [1, 2, 3]),
        ({"$nor": [{"a": "10"}]}, []),
        ({"a": {"$size": 1}}, []),
    ],
)
def test_matcher__picks(query, expected):
    assert _ids(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        [1],
        "x",
        {"a": {"$in": 1}},
        {"a": {"$all": 1}},
        {"a": {"$regex": "("}},
        {"$or": []},
        {"$and": [1]},
        {"a": {"$elemMatch": 1}},
        {"a": {"$not": 1}},
    ],
)
def test_matcher__refuses(query):
    with pytest.raises(QueryError):
        matcher(query)


def test_fields_of__looks_into_and_or():
    query = {"$or": [{"a": 1}, {"$and": [{"b/c": {"$gt": 1}}]}], "_validation_status.uid": "x"}
    assert fields_of(query) == {"a", "b/c", "_validation_status"}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ({"_id": -1}, [3, 2, 1]),
        ({"a": 1}, [3, 1, 2]),
        ({"a": -1}, [2, 1, 3]),
        ({"absent": -1}, [1, 2, 3]),
    ],
)
def test_sort_rows__absent_is_lowest_and_ties_stay(sort, expected):
    assert [row["_id"] for row in sort_rows(ROWS, sort)] == expected


def test_sort_rows__refuses_a_direction_that_is_none():
    with pytest.raises(QueryError):
        sort_rows(ROWS, {"a": "up"})

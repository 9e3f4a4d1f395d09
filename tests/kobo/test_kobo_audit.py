"""Reading audit logs; the shape of the lines is that of ODK Collect's documentation."""

import json

import pandas as pd
import pytest

from survey_tools.errors import KoboError
from survey_tools.kobo.files import audit as audit_module
from survey_tools.kobo.files.audit import (
    active_seconds,
    audit_problems,
    read_audit,
    seconds_of_logs,
    seconds_of_rows,
    seconds_per_group,
    seconds_per_question,
)
from survey_tools.kobo.files.manifest import place_of

T = 1_788_000_000_000
HEAD = "event,node,start,end\n"


def log(*lines):
    """Lines of (event, node, start, end) in milliseconds after T; None is an empty cell."""
    text = HEAD
    for event, node, start, end in lines:
        cells = [str(T + at) if at is not None else "" for at in (start, end)]
        text += ",".join([event, node, *cells]) + "\n"
    return text.encode()


PLAIN = log(
    ("form start", "", 0, None),
    ("question", "/data/hh/resp/age", 10, 5_010),
    ("question", "/data/hh/member[1]/m_age", 5_010, 6_010),
    ("add repeat", "/data/hh/member[1]", 6_010, 6_510),
    ("question", "/data/hh/member[2]/m_age", 6_510, 9_010),
    ("question", "/data/hh/resp/age", 9_010, 10_010),
    ("end screen", "", 10_010, 11_010),
    ("form exit", "", 11_010, None),
)


def rows_of(frame, *columns):
    return list(frame[list(columns)].itertuples(index=False, name=None))


def test_read_audit__types_and_paths():
    audit = read_audit(PLAIN)
    assert str(audit["start"].dtype) == "datetime64[ms, UTC]"
    assert audit["seconds"].tolist()[1] == 5.0
    assert audit["end"].isna().sum() == 2
    assert rows_of(audit.iloc[[1, 4]], "node", "path", "positions") == [
        ("hh/resp/age", "hh/resp/age", ""),
        ("hh/member[2]/m_age", "hh/member/m_age", "2"),
    ]
    assert audit["problem"].eq("").all()


def test_read_audit__documented_example_with_positions_and_answers():
    text = (
        b"event,node,start,end,latitude,longitude,accuracy,old-value,new-value\n"
        b"form start,,1550615022663,,,,,,\n"
        b'question,/data/name,1550615022682,1550615097082,37.4,-122.0,14.0,,"John, ""J""\nSmith"\n'
        b"location permissions granted,,1550615068610,,,,,,\n"
        b"form exit,,1550615109199,,37.4,-122.0,14.0,,\n"
    )
    audit = read_audit(text)
    assert not {"latitude", "longitude", "accuracy", "old-value", "new-value"} & set(audit)
    assert "37.4" not in audit.to_csv()
    assert audit["seconds"].tolist()[1] == pytest.approx(74.4)
    asked = read_audit(text, keep=["new-value"])
    assert asked["new-value"].tolist()[1] == 'John, "J"\nSmith'
    with pytest.raises(KoboError, match="no such column"):
        read_audit(text, keep=["answers"])


def test_read_audit__positions_of_plain_groups_go_where_the_repeats_are_named():
    data = log(("question", "/data/hh[1]/member[2]/m_age", 0, 1_000))
    assert read_audit(data)["positions"].tolist() == ["1/2"]
    audit = read_audit(data, repeats=["hh/member"])
    assert rows_of(audit, "node", "positions") == [("hh/member[2]/m_age", "2")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "no lines"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (b"a,b\n1,2\n", "other columns"),
        (b'event,node,start,end\nquestion,"' + b"x" * 200_000, "Error"),
    ],
)
def test_read_audit__what_is_no_log_is_refused(data, found):
    with pytest.raises(KoboError, match="no audit log") as caught:
        read_audit(data)
    assert found in caught.value.found


def test_read_audit__missing_file_is_refused(tmp_path):
    with pytest.raises(KoboError, match="no audit log"):
        read_audit(tmp_path / "audit.csv")


def test_read_audit__header_alone_is_an_empty_log():
    audit = read_audit(HEAD.encode())
    assert len(audit) == 0
    assert active_seconds(audit) == 0
    for table in (seconds_per_question(audit), seconds_per_group(audit)):
        assert len(table) == 0
        assert {"path", "positions", "seconds", "visits"} <= set(table)


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        ("question,/data/b", "unreadable"),
        ("\x00" * 40, "unreadable"),
        (f"question,/data/b,{T},", "no_end"),
        (f"question,/data/b,{T + 9000},{T}", "negative"),
        (f"question,/data/b,{T}x,{T}", "unreadable"),
        (f"question,/data/b,{T},{'9' * 30}", "unreadable"),
        (f"question,/data/b,{T + 500},{T + 2000}", "overlap"),
        ("question,/data/b,1000,2000", "clock_unset"),
    ],
)
def test_read_audit__faulty_line_is_marked(last, problem):
    good = log(("question", "/data/a", 0, 1_000))
    audit = read_audit(good + f"{last}\n".encode())
    assert audit["problem"].tolist() == ["", problem]
    assert rows_of(audit_problems(audit), "line", "problem") == [(3, problem)]
    counted = "b" in seconds_per_question(audit)["path"].tolist()
    assert counted == (problem in ("overlap", "clock_unset"))


def test_read_audit__last_line_without_its_end_may_have_lost_digits():
    audit = read_audit(PLAIN + f"question,/data/b,{T},{T + 12}".encode())
    assert audit["problem"].tolist()[-1] == "cut"
    assert "b" not in seconds_per_question(audit)["path"].tolist()


def test_read_audit__form_opened_again_at_an_earlier_time():
    data = log(
        ("form start", "", 0, None),
        ("question", "/data/a", 0, 5_000),
        ("form resume", "", 2_000, None),
        ("question", "/data/b", 2_000, 3_000),
    )
    audit = read_audit(data)
    assert audit["problem"].tolist() == ["", "", "clock_back", ""]
    assert audit["session"].tolist() == [1, 1, 2, 2]
    assert active_seconds(audit) == 6.0


def test_seconds_per_question__sums_visits_and_keeps_repeats_apart():
    table = seconds_per_question(read_audit(PLAIN))
    assert rows_of(table, "path", "positions", "screen", "seconds", "visits") == [
        ("hh/resp/age", "", "question", 6.0, 2),
        ("hh/member/m_age", "1", "question", 1.0, 1),
        ("hh/member/m_age", "2", "question", 2.5, 1),
    ]


def test_seconds_per_question__screen_of_several_questions_is_one():
    data = log(
        ("question", "/data/g/a", 5, 4_000),
        ("question", "/data/g/b", 5, 4_000),
        ("group questions", "/data/g", 0, 4_000),
        ("question", "/data/g/a", 5_000, 6_000),
    )
    audit = read_audit(data)
    assert audit["in_group"].tolist() == [True, True, False, False]
    assert audit["problem"].eq("").all()
    assert rows_of(seconds_per_question(audit), "path", "screen", "seconds") == [
        ("g", "group questions", 4.0),
        ("g/a", "question", 1.0),
    ]
    assert rows_of(seconds_per_group(audit), "path", "seconds", "visits") == [("g", 5.0, 2)]
    assert active_seconds(audit) == 5.0


def test_seconds_per_question__group_of_another_repeat_does_not_hold_a_question():
    data = log(
        ("group questions", "/data/m[1]/g", 0, 4_000),
        ("question", "/data/m[2]/g/a", 1_000, 2_000),
    )
    assert read_audit(data)["in_group"].tolist() == [False, False]


def test_seconds_per_group__outer_groups_hold_inner_ones():
    table = seconds_per_group(read_audit(PLAIN))
    assert rows_of(table, "path", "positions", "seconds", "visits") == [
        ("hh", "", 9.5, 4),
        ("hh/resp", "", 6.0, 2),
        ("hh/member", "1", 1.0, 1),
        ("hh/member", "2", 2.5, 1),
    ]


def test_active_seconds__what_overlaps_counts_once():
    assert active_seconds(read_audit(PLAIN)) == 11.0
    data = log(("question", "/data/a", 0, 3_000), ("jump", "", 1_000, 4_000))
    assert active_seconds(read_audit(data)) == 4.0


def stored(folder, row_id, data, uid="att1", name="audit.csv"):
    file = place_of(row_id, uid, name)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(data)
    entry = {"row_id": row_id, "uid": uid, "file": file, "name": name, "question": "audit"}
    entry |= {"mimetype": "text/csv", "bytes": len(data), "sha256": "", "fetched_at": ""}
    with (folder / "manifest.jsonl").open("a") as manifest:
        manifest.write(json.dumps(entry) + "\n")


def test_seconds_of_rows__one_table_and_all_problems(tmp_path):
    stored(tmp_path, 7, PLAIN)
    stored(tmp_path, 3, log(("question", "/data/a", 0, 1_000), ("question", "/data/b", 1, None)))
    stored(tmp_path, 5, b"")
    stored(tmp_path, 8, HEAD.encode(), "att1")
    stored(tmp_path, 8, log(("question", "/data/a", 0, 9_000)), "att2")
    stored(tmp_path, 9, b"\xff\xd8", "att1", "qr.jpg")
    found = seconds_of_rows(tmp_path)
    assert rows_of(found.questions, "_id", "path", "positions", "seconds", "visits") == [
        (3, "a", "", 1.0, 1),
        (7, "hh/resp/age", "", 6.0, 2),
        (7, "hh/member/m_age", "1", 1.0, 1),
        (7, "hh/member/m_age", "2", 2.5, 1),
        (8, "a", "", 9.0, 1),
    ]
    assert rows_of(found.totals, "_id", "seconds", "sessions", "problems") == [
        (3, 1.0, 0, 1),
        (7, 11.0, 1, 0),
        (8, 9.0, 0, 0),
    ]
    assert rows_of(found.problems, "_id", "line", "problem") == [
        (3, 3, "no_end"),
        (5, 0, "no_log"),
        (8, 0, "several_logs"),
    ]
    only = seconds_of_rows(tmp_path, row_ids=[7])
    assert set(only.questions["_id"]) == {7}


def test_seconds_of_rows__empty_folder_gives_empty_tables(tmp_path):
    found = seconds_of_rows(tmp_path)
    for table in (found.questions, found.totals, found.problems):
        assert isinstance(table, pd.DataFrame)
        assert len(table) == 0
    assert list(found.questions) == ["_id", "path", "positions", "screen", "seconds", "visits"]


def damaged_logs():
    """Logs of which every second one has something that no plain log has."""
    lines = PLAIN.split(b"\n")
    spoilt = [
        lines[:-1],
        [*lines[:2], b"", *lines[2:]],
        [*lines[:2], b'question,"/data/a",%d,%d' % (T, T + 900), *lines[2:]],
        [*lines[:2], b"group questions,/data/hh,%d,%d" % (T, T + 6_000), *lines[2:]],
        [*lines[:2], b"question,/data/b,x,", *lines[2:]],
        [*lines[:2], b"question,/data/b,%d" % T, *lines[2:]],
        [*lines[:2], b"question,/data/b,%d,%d" % (T + 9, T), *lines[2:]],
        [*lines[:3], b"form resume,,%d," % (T + 5), *lines[3:]],
        [*lines[:2], b"question,/data/b,%d," % T, *lines[2:]],
        [*lines[:2], b"question,/data/\xff,%d,%d" % (T, T + 1), *lines[2:]],
        [*lines[:2], b"question,/data/b,12,15", *lines[2:]],
        [line + b"\r" if line else line for line in lines],
        [line + b",21.0" if place else line + b",latitude" for place, line in enumerate(lines[:-1])]
        + [b""],
        [b"\xef\xbb\xbf" + lines[0], *lines[1:]],
        [b"no log"],
        [b""],
    ]
    logs = {}
    for place, one in enumerate(spoilt):
        logs |= {90 - 2 * place: b"\n".join(one), 91 - 2 * place: PLAIN}
    return logs


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_seconds_of_logs__many_at_once_as_one_by_one(monkeypatch, batch):
    monkeypatch.setattr(audit_module, "BATCH", batch)
    logs = damaged_logs()
    found = seconds_of_logs(logs)
    questions, problems = [], []
    for row_id, data in logs.items():
        try:
            alone = read_audit(data).assign(_id=row_id)
        except KoboError:
            problems.append((row_id, 0, "no_log"))
            continue
        questions.append(seconds_per_question(alone))
        problems += rows_of(audit_problems(alone), "_id", "line", "problem")
        total = found.totals.loc[found.totals["_id"] == row_id, "seconds"]
        assert total.tolist() == ([pytest.approx(active_seconds(alone))] if len(alone) else [])
    pd.testing.assert_frame_equal(found.questions, pd.concat(questions, ignore_index=True))
    assert rows_of(found.problems, "_id", "line", "problem") == sorted(problems)
    assert len({problem for *_, problem in problems}) >= 6

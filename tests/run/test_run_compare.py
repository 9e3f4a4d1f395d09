"""Two runs compared by their pages alone: every kind of difference, and nothing where nothing differs."""

from __future__ import annotations

import csv
import os
import re
import shutil
from pathlib import Path

import pytest
from compare_support import (
    CHANGE,
    COUNT,
    EFFECT,
    SHARE,
    data,
    figure,
    record_of,
    table,
    write_run,
)
from typer.testing import CliRunner

from survey_tools.cli import app
from survey_tools.errors import RunError
from survey_tools.files import digest_file
from survey_tools.params import open_workspace
from survey_tools.run.compare.compare import compare_runs, compare_sides
from survey_tools.run.compare.numbers import numbers_of_run
from survey_tools.run.compare.sides import open_side
from tests_support import copy_workspace

TABLE = table(
    "Levels", ("QR", data(SHARE, "0.4213", "42%")), ("Households", data(COUNT, "52", "52"))
)


def _compare(tmp_path, old, new, **more):
    """Compare two runs of pages given as their content by file name, or as that of one page."""
    for name, pages in (("a", old), ("b", new)):
        pages = pages if isinstance(pages, dict) else {"10291.vi.html": pages}
        write_run(tmp_path / name, pages, more.get(name))
    return compare_sides(open_side(None, str(tmp_path / "a")), open_side(None, str(tmp_path / "b")))


def _one(source, value, text):
    return (f"<p>It is {data(source, value, text)}.</p>",)


def test_compare__same_results_under_another_name_are_equal(tmp_path):
    content = (TABLE, "<p>Words.</p>", figure("a; b", "AAAA"))
    found = _compare(tmp_path, content, content)
    assert not found.differs
    assert (found.pages, found.total) == (1, 2)


@pytest.mark.parametrize(
    ("source", "old", "new", "difference", "relative"),
    [
        (SHARE, ("0.4213", "42%"), ("0.4348", "43%"), 1.0, 1 / 42),
        (COUNT, ("1612", "1.612"), ("1611", "1.611"), -1.0, -1 / 1612),
        (EFFECT, ("0.0819", "+8,2"), ("-0.0119", "−1,2"), -9.4, -9.4 / 8.2),
        (CHANGE, ("0", "0,0"), ("0.0119", "+1,2"), 1.2, None),
        (
            "inference?outcome=x#p_value",
            ("0.0004", "p < 0,001"),
            ("0.0014", "p = 0,001"),
            None,
            None,
        ),
    ],
)
def test_compare__a_changed_number_with_its_difference_as_written(
    tmp_path, source, old, new, difference, relative
):
    (one,) = _compare(tmp_path, _one(source, *old), _one(source, *new)).numbers
    assert (one.kind, one.source, one.old, one.new) == ("changed", source, old[0], new[0])
    assert one.texts == {"vi": (old[1], new[1])}
    assert one.difference == (None if difference is None else pytest.approx(difference))
    assert one.relative == (None if relative is None else pytest.approx(relative))


def test_compare__a_number_that_differs_beyond_what_is_written(tmp_path):
    found = _compare(tmp_path, _one(SHARE, "0.4213", "42%"), _one(SHARE, "0.4214", "42%"))
    assert [one.kind for one in found.numbers] == ["decimals"]
    assert found.differs


def test_compare__a_finer_way_of_writing_shows_a_change_that_a_coarse_one_hides(tmp_path):
    old = (*_one(EFFECT, "0.0819", "8%"), *_one(EFFECT, "0.0819", "+8,2"))
    new = (*_one(EFFECT, "0.0831", "8%"), *_one(EFFECT, "0.0831", "+8,3"))
    (one,) = _compare(tmp_path, old, new).numbers
    assert (one.kind, one.texts["vi"]) == ("changed", ("+8,2", "+8,3"))


def test_compare__a_turned_sign_is_a_change_though_the_sentence_writes_no_sign(tmp_path):
    old, new = _one(EFFECT, "0.03", "3,0"), _one(EFFECT, "-0.03", "3,0")
    assert [one.kind for one in _compare(tmp_path, old, new).numbers] == ["changed"]


def test_compare__the_same_value_written_with_fewer_decimals_is_a_change(tmp_path):
    old, new = _one(EFFECT, "0.0819", "8,2"), _one(EFFECT, "0.0819", "8")
    assert [one.kind for one in _compare(tmp_path, old, new).numbers] == ["changed"]


def test_compare__one_number_on_many_places_is_listed_once(tmp_path):
    def pages(value, text):
        twice = (*_one(EFFECT, value, text), table("T", ("x", data(EFFECT, value, text))))
        return {f"{code}.vi.html": twice for code in ("10288", "10291", "district")}

    found = _compare(tmp_path, pages("0.1", "+10,0"), pages("0.2", "+20,0"))
    (one,) = found.numbers
    assert one.pages == ("district", "10288", "10291")
    assert (found.differing, found.touched, found.total) == (1, 3, 1)


def test_compare__numbers_that_appear_and_vanish(tmp_path):
    found = _compare(tmp_path, _one(SHARE, "0.4", "40%"), _one(COUNT, "52", "52"))
    assert {one.source: one.kind for one in found.numbers} == {SHARE: "vanished", COUNT: "appeared"}


def test_compare__hidden_and_shown_cells_and_nothing_quoted_that_b_hides(tmp_path):
    old = (*_one(SHARE, "0.4321", "43,21%"), *_one(COUNT, "", "—"))
    new = (*_one(SHARE, "", "—"), *_one(COUNT, "52", "52"))
    hidden, shown = _compare(tmp_path, old, new).numbers
    assert (hidden.kind, hidden.source, hidden.old, hidden.texts) == ("hidden", SHARE, "", {})
    assert (shown.kind, shown.source, shown.texts) == ("unhidden", COUNT, {"vi": ("", "52")})
    done = compare_runs(None, str(tmp_path / "a"), str(tmp_path / "b"), tmp_path / "out")
    for path in (*done.pages, done.table):
        text = path.read_text("utf-8")
        assert SHARE.split("&")[0] in text
        assert "43,21" not in text
        assert "0.4321" not in text


def test_compare__hidden_in_both_is_no_difference(tmp_path):
    assert not _compare(tmp_path, _one(SHARE, "", "—"), _one(SHARE, "", "—")).differs


def _levels(share, low, text, mark=""):
    """A cell of a table, with interval and number of answers."""
    interval = f"<small>{data(LOW, low, low)}; n = {data(COUNT, '41', '41')}</small>"
    return (table("Levels", ("QR", f"{data(SHARE, share, text)}{mark}<br/>{interval}")),)


LOW = SHARE.replace("#estimate", "#conf_low")
ABOUT = {
    "star": lambda: _levels("0.5", "0.25", "50%", "*"),
    "khoảng": lambda: (f"<p>QR: khoảng {data(SHARE, '0.5', '50%')} (từ {data(LOW, '0.25', '0.25')}).</p>",),
    "about": lambda: (f"<p>QR: about {data(SHARE, '0.5', '50%')} (from {data(LOW, '0.25', '0.25')}).</p>",),
}  # fmt: skip


@pytest.mark.parametrize("way", ABOUT)
@pytest.mark.parametrize("exact", ["0.5122", "0.5049"])
def test_compare__nothing_finer_is_quoted_than_b_rounds(tmp_path, way, exact):
    """Neither the estimate nor the ends of its interval, which are rounded with it and have no mark."""
    found = _compare(tmp_path, _levels(exact, "0.3613", "51%"), ABOUT[way]())
    told = {one.source: one for one in found.of("rounded")}
    assert set(told) == {SHARE, LOW}
    assert found.of("changed", "decimals") == ()
    assert all((one.old, one.difference, one.relative) == ("", None, None) for one in told.values())
    assert told[SHARE].texts == {"vi": ("", "50%")}
    done = compare_runs(None, str(tmp_path / "a"), str(tmp_path / "b"), tmp_path / "out")
    for path in (*done.pages, done.table):
        text = path.read_text("utf-8")
        assert SHARE.split("&")[0] in text
        assert not [number for number in (exact, "0.3613", "51%") if number in text]


def test_compare__a_mark_on_one_page_counts_on_all_pages_and_in_a_list(tmp_path):
    old, new = _levels("0.5122", "0.3613", "51%"), _levels("0.5", "0.25", "50%", "*")
    names = ("10288.vi.html", "10291.vi.html")
    plain = _one(SHARE, "0.5", "50%")
    found = _compare(tmp_path, dict.fromkeys(names, old), {names[0]: plain, names[1]: new})
    assert {one.kind for one in found.numbers if one.source == SHARE} == {"rounded"}
    listed = numbers_of_run(tmp_path / "b")
    assert set(listed.loc[listed["rounded"].eq("yes"), "page"]) == {"10291"}
    (tmp_path / "pack").mkdir()
    listed.to_csv(tmp_path / "pack" / "numbers.csv", index=False)
    b = open_side(None, str(tmp_path / "pack" / "numbers.csv"))
    found = compare_sides(open_side(None, str(tmp_path / "a")), b)
    assert {one.kind for one in found.numbers if one.source == SHARE} == {"rounded"}


def test_compare__what_both_round_or_only_a_is_a_change(tmp_path):
    a, b = _levels("0.5", "0.25", "50%", "*"), _levels("0.55", "0.3", "55%", "*")
    for name, new in (("both", b), ("a", _levels("0.5122", "0.3613", "51%"))):
        found = _compare(tmp_path / name, a, new)
        assert {one.kind for one in found.numbers} == {"changed"}
    about = f"<p>An effect of about {data(EFFECT.replace('estimate', 'mde'), '0.2', '20')}.</p>"
    found = _compare(tmp_path / "c", (about.replace("0.2", "0.3").replace(">20", ">30"),), (about,))
    assert {one.kind for one in found.numbers} == {"changed"}


def test_compare__numbers_of_sentences_and_captions_that_b_dropped_are_not_quoted(tmp_path):
    old = (
        "<p>7 of 12 answered in 30 days.</p>",
        "<p>Gone 4,5.</p>",
        table("T 9 of 13", ("a", "1")),
    )
    found = _compare(tmp_path, old, ("<p>Of 12 some answered in 30 days.</p>",))
    told = [(one.old, one.new) for one in found.wording]
    assert told == [
        ("… of 12 answered in 30 days.", "Of 12 some answered in 30 days."),
        ("Gone ….", ""),
    ]
    assert [one.caption for one in found.exhibits] == ["T … of …"]


def test_compare__pages_in_only_one_run(tmp_path):
    record = {"finished": "x", "pages": [{"code": "10288", "lang": "vi", "status": "too_few"}]}
    one = _one(SHARE, "0.4", "40%")
    old = {"10288.vi.html": one, "10291.vi.html": one}
    new = {"10291.vi.html": one, "10291.en.html": one}
    found = _compare(tmp_path, old, new, b=record)
    told = {(p.code, p.lang, p.only_in, p.status) for p in found.only}
    assert told == {("10288", "vi", "a", "too_few"), ("10291", "en", "b", "")}
    assert found.numbers == ()
    assert found.pages == 2


def test_compare__a_table_with_other_rows_cells_order_and_columns(tmp_path):
    old = table("T", ("a", "1"), ("b", "2"), ("c", "3"), ("d", data(SHARE, "0.1", "10%")))
    new = table(
        "T",
        ("b", "2"),
        ("a", "9"),
        ("d", data(SHARE, "0.2", "20%")),
        ("e", "5"),
        columns=("X", "Y"),
    )
    (one,) = _compare(tmp_path, (old,), (new,)).exhibits
    assert (one.exhibit, one.caption, one.section) == ("table", "T", "Key figures")
    assert one.what == {
        "columns": 1, "rows_new": 1, "rows_gone": 1, "order": 1, "numbers": 1, "cells": 1,
    }  # fmt: skip


def test_compare__tables_that_appear_vanish_and_are_called_otherwise(tmp_path):
    tables = {name: table(name, ("a", "1")) for name in ("T", "U", "V")}
    found = _compare(tmp_path, (tables["T"], tables["U"]), (tables["U"], tables["V"]))
    assert [one.what for one in found.exhibits] == [{"caption": 1}]
    found = _compare(tmp_path / "2", (tables["T"],), (tables["T"], tables["V"]))
    assert [(one.caption, one.what) for one in found.exhibits] == [("V", {"appeared": 1})]
    found = _compare(tmp_path / "3", (tables["T"], tables["V"]), (tables["V"],))
    assert [(one.caption, one.what) for one in found.exhibits] == [("T", {"vanished": 1})]


@pytest.mark.parametrize(
    ("new", "what"),
    [
        (figure("a: 1; b: 2", "BBBB"), {"picture": 1}),
        (figure("a: 1; b: 3", "BBBB"), {"description": 1, "picture": 1}),
        (figure("a: 1; b: 2", "AAAA", "Other"), {"caption": 1}),
        ("", {"vanished": 1}),
    ],
)
def test_compare__figures(tmp_path, new, what):
    found = _compare(tmp_path, (figure("a: 1; b: 2", "AAAA"),), (new,))
    assert [(one.exhibit, one.what) for one in found.exhibits] == [("figure", what)]


def test_compare__a_sentence_that_changed_though_its_numbers_did_not(tmp_path):
    number = data(EFFECT, "0.1", "+10,0")
    found = _compare(tmp_path, (f"<p>Unclear: {number}.</p>",), (f"<p>It rose by {number}.</p>",))
    (one,) = found.wording
    assert (one.old, one.new, one.with_numbers) == ("Unclear: ….", "It rose by ….", False)
    assert found.numbers == ()


def test_compare__a_sentence_that_changed_with_its_number_and_others_that_did_not(tmp_path):
    rest = ("<p>First.</p>", "<ul><li>One</li><li>Two</li></ul>")
    old = (*rest, f"<p>Unclear: {data(EFFECT, '0.1', '+10,0')}.</p>")
    new = ("<p>New.</p>", *rest, f"<p>It rose by {data(EFFECT, '0.3', '+30,0')}.</p>")
    found = _compare(tmp_path, old, new)
    told = [(one.old, one.new, one.with_numbers) for one in found.wording]
    assert told == [("", "New.", False), ("Unclear: ….", "It rose by ….", True)]


def test_compare__a_number_alone_changes_no_wording(tmp_path):
    found = _compare(tmp_path, _one(SHARE, "0.4", "40%"), _one(SHARE, "0.5", "50%"))
    assert found.wording == ()


def test_compare__the_languages_of_a_page_must_carry_the_same_numbers(tmp_path):
    old = {"10291.vi.html": _one(SHARE, "0.4", "40%"), "10291.en.html": _one(SHARE, "0.4", "40%")}
    new = {**old, "10291.en.html": _one(SHARE, "0.5", "50%")}
    found = _compare(tmp_path, old, new)
    assert [(f.kind, f.run, f.what, f.pages) for f in found.faults] == [
        ("languages", "b", SHARE, ("10291",))
    ]
    assert found.differs
    found = _compare(tmp_path / "2", new, new)
    assert [(f.kind, f.run) for f in found.faults] == [("languages", "a"), ("languages", "b")]
    lacking = {**old, "10291.en.html": ("<p>None.</p>",)}
    found = _compare(tmp_path / "3", lacking, lacking)
    assert {f.kind for f in found.faults} == {"languages"}


def test_compare__one_number_with_two_values_on_two_pages_is_a_fault(tmp_path):
    pages = {"10288.vi.html": _one(EFFECT, "0.1", "+10,0"), "10291.vi.html": _one(EFFECT, "", "—")}
    found = _compare(tmp_path, pages, {**pages, "10291.vi.html": pages["10288.vi.html"]})
    assert [(f.kind, f.run, f.pages) for f in found.faults] == [("values", "a", ("10288", "10291"))]
    assert [(one.kind, one.pages) for one in found.numbers] == [("unhidden", ("10291",))]


def test_compare__a_page_altered_after_it_was_made_and_a_run_not_finished(tmp_path):
    write_run(tmp_path / "a", {"10291.vi.html": _one(SHARE, "0.4", "40%")}, {})
    digest = digest_file(tmp_path / "a" / "10291.vi.html")
    entry = {"code": "10291", "lang": "vi", "status": "ok", "files": {"10291.vi.html": digest}}
    for name, sha, finished in (("a", digest, "x"), ("b", "0" * 64, None)):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        record = {"finished": finished, "pages": [{**entry, "files": {"10291.vi.html": sha}}]}
        write_run(tmp_path / name, {"10291.vi.html": _one(SHARE, "0.4", "40%")}, record)
    found = compare_sides(*(open_side(None, str(tmp_path / name)) for name in ("a", "b")))
    assert {(f.kind, f.run) for f in found.faults} == {("unfinished", "b"), ("altered", "b")}


@pytest.mark.parametrize(
    "odd",
    [
        {"pulls": "x"}, {"pulls": ["x"]}, {"pulls": [{"form": 1}]}, {"versions": "x"}, {"inputs": ["x"]},
        {"inputs_of_results": {"params": "x"}}, {"pages": [{"code": ["x"]}]}, {"pages": "x"},
        {"pages": [{"code": "10291", "lang": "vi", "files": "x"}]},
        {"pages": [{"code": "10291", "lang": 1}, {"code": "10291", "lang": "vi"}]},
        {"pages": [{"code": "10291", "lang": "vi", "hashes": [1]}]},
    ],
)  # fmt: skip
def test_compare__a_record_with_wrong_types_counts_as_damaged(tmp_path, odd):
    pages = {"10291.vi.html": _one(SHARE, "0.4", "40%")}
    found = _compare(tmp_path, pages, pages, a=record_of(), b=record_of(**odd))
    assert [(f.kind, f.run, f.what) for f in found.faults] == [("damaged", "b", "run.json")]
    assert found.reasons.not_recorded == ("record_b",)


@pytest.mark.parametrize("spoil", ["cut", "empty", "bytes", "no_lang", "unclosed"])
def test_compare__a_broken_page_is_refused(tmp_path, spoil):
    for name in ("a", "b"):
        write_run(tmp_path / name, {"10291.vi.html": (TABLE,)})
    path = tmp_path / "b" / "10291.vi.html"
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "empty": b"",
            "bytes": whole.replace(b"Levels", b"\xff\xfe"),
            "no_lang": whole.replace(b' lang="vi"', b""),
            "unclosed": whole.replace(b"</table>", b"").replace(b"</div>", b""),
        }[spoil]
    )
    with pytest.raises(RunError, match=re.escape("b/10291.vi.html")):
        compare_sides(open_side(None, str(tmp_path / "a")), open_side(None, str(tmp_path / "b")))


def test_compare__code_navigation_scripts_and_provenance_do_not_count(tmp_path):
    fold = '<details class="code"><summary>Code</summary><pre><code>x = {}</code></pre></details>'
    found = _compare(
        tmp_path,
        (fold.format(1), "<script>one()</script>", TABLE),
        (fold.format(2), "<script>two()</script>", TABLE),
    )
    assert not found.differs
    link = '<ul><li><a href="x.html">{}</a></li></ul>'
    found = _compare(tmp_path / "3", (link.format("x"),), (link.format("y"),))
    assert not found.differs
    beside = '<ul><li><a href="x.html">Page</a> – {}</li></ul>'
    found = _compare(tmp_path / "4", (beside.format("made"),), (beside.format("failed"),))
    assert [(one.old, one.new) for one in found.wording] == [("Page – made", "Page – failed")]
    plain = "<details><summary>More</summary><p>{}</p></details>"
    found = _compare(tmp_path / "2", (plain.format("x"),), (plain.format("y"),))
    assert [(one.old, one.new) for one in found.wording] == [("x", "y")]


def test_numbers_of_run__lists_each_way_of_writing_with_its_languages(tmp_path):
    pages = {
        "10291.vi.html": (*_one(SHARE, "0.42", "42%"), *_one(EFFECT, "0.0819", "+8,2")),
        "10291.en.html": (*_one(SHARE, "0.42", "42%"), *_one(EFFECT, "0.0819", "+8.2")),
        "district.vi.html": _one(SHARE, "", "—"),
    }
    frame = numbers_of_run(write_run(tmp_path / "a", pages))
    assert list(frame.columns) == ["page", "source", "value", "text", "langs", "rounded"]
    assert set(frame.itertuples(index=False, name=None)) == {
        ("10291", SHARE, "0.42", "42%", "en vi", ""),
        ("10291", EFFECT, "0.0819", "+8,2", "vi", ""),
        ("10291", EFFECT, "0.0819", "+8.2", "en", ""),
        ("district", SHARE, "", "—", "vi", ""),
    }
    assert set(numbers_of_run(tmp_path / "a", {"district.vi.html"})["page"]) == {"district"}


def test_compare__a_list_of_numbers_in_place_of_a_run(tmp_path):
    pages = {
        "10291.vi.html": (*_one(SHARE, "0.42", "42%"), *_one(COUNT, "", "—")),
        "10291.en.html": (*_one(SHARE, "0.42", "42%"), *_one(COUNT, "", "—")),
        "codebook.html": ("<p>No number.</p>",),
    }
    folder = write_run(tmp_path / "a", pages)
    (tmp_path / "pack").mkdir()
    numbers_of_run(folder).to_csv(tmp_path / "pack" / "numbers.csv", index=False)
    listed = open_side(None, str(tmp_path / "pack" / "numbers.csv"))
    found = compare_sides(listed, open_side(None, str(folder)))
    assert (found.differs, found.whole, found.total, found.name_a) == (False, False, 2, "pack")
    (tmp_path / "pack" / "run.json").write_text('{"run": "main", "pages": []}', encoding="utf-8")
    beside = open_side(None, str(tmp_path / "pack" / "numbers.csv"))
    assert (beside.record or {})["run"] == "main"
    changed = {name: _one(SHARE, "0.42", "42%") for name in pages}
    other = write_run(tmp_path / "b", changed | {"10291.en.html": _one(SHARE, "0.42", "42%")})
    found = compare_sides(listed, open_side(None, str(other)))
    assert [(one.source, one.kind) for one in found.numbers] == [(COUNT, "vanished")]


@pytest.mark.parametrize("content", ["", "page,source\n1,2\n", "page,source,value,text,langs\n"])
def test_compare__a_list_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "numbers.csv").write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match="list of numbers"):
        open_side(None, str(tmp_path / "numbers.csv"))


@pytest.fixture
def ws(tmp_path):
    """A workspace with two runs that differ in one number, and two that do not."""
    root = copy_workspace(tmp_path / "ws")
    pages = {f"10291.{lang}.html": (TABLE, figure("x", "AA")) for lang in ("vi", "en")}
    other = {
        name: (one[0].replace("42%", "43%").replace("0.4213", "0.4313"), one[1])
        for name, one in pages.items()
    }
    for name, content in (("one", pages), ("same", pages), ("two", other)):
        write_run(root / "reports" / name, content, record_of(run=name))
    return open_workspace(root / "params" / "study.yml")


def _command(ws, *arguments):
    before = Path.cwd()
    os.chdir(ws.root)
    try:
        return CliRunner().invoke(app, ["compare", *arguments])
    finally:
        os.chdir(before)


def test_command__exit_codes_text_and_files(ws):
    equal = _command(ws, "one", "same")
    assert (equal.exit_code, "Nothing differs: 2 numbers on 1 pages" in equal.output) == (0, True)
    differs = _command(ws, "one", "two")
    assert differs.exit_code == 1
    assert "1 of 2 numbers differs; something differs on 1 of 1 pages." in differs.output
    quiet = _command(ws, "one", "two", "--quiet")
    assert (quiet.exit_code, quiet.output) == (1, "")
    missing = _command(ws, "one", "three")
    assert missing.exit_code == 2
    assert "one, same, two" in missing.output
    folder = ws.reports("two")
    made = sorted(path.name for path in folder.glob("compare-*"))
    assert made == ["compare-one.csv", "compare-one.en.html", "compare-one.vi.html"]
    with (folder / "compare-one.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    told = [[row[name] for name in ("kind", "what", "old_value", "new_value", "difference")]
            for row in rows if row["part"] == "number"]  # fmt: skip
    assert told == [["changed", SHARE, "0.4213", "0.4313", "1"]]


def test_command__a_run_without_its_record_is_a_fault(ws):
    """Nobody could tell whether its pages were altered."""
    (ws.reports("same") / "run.json").unlink()
    told = _command(ws, "one", "same")
    assert told.exit_code == 1
    assert "Nothing differs between the runs: 2 numbers on 1 pages" in told.output
    assert "one thing is wrong within a run" in told.output
    assert "do not say why" not in told.output
    vi, en = (
        (ws.reports("same") / f"compare-one.{lang}.html").read_text("utf-8")
        for lang in ("vi", "en")
    )
    assert "Run B: it has no record (run.json)" in en
    assert "Lượt B: không có hồ sơ (run.json)" in vi
    elsewhere = _command(ws, str(ws.reports("one")), str(ws.reports("same")), "--out", "answer")
    assert elsewhere.exit_code == 0


def test_command__its_own_answer_is_no_page_of_the_run(ws):
    for _ in range(2):
        assert _command(ws, "one", "same").exit_code == 0
    (ws.reports("same") / "triage.html").write_text("<p>no page", encoding="utf-8")
    assert _command(ws, "one", "same").exit_code == 0


def test_command__a_copy_elsewhere_is_left_as_it_is(ws, tmp_path):
    shutil.copytree(ws.reports("two"), tmp_path / "pack" / "pages")
    done = _command(ws, "one", str(tmp_path / "pack" / "pages"), "--out", str(tmp_path / "answer"))
    assert done.exit_code == 1
    assert not list((tmp_path / "pack" / "pages").glob("compare*"))
    assert (tmp_path / "answer" / "compare-one.vi.html").is_file()
    two = [str(ws.reports(name)) for name in ("one", "same")]
    without = CliRunner().invoke(app, ["compare", *two, "--out", str(tmp_path / "x")])
    assert without.exit_code == 0, without.output


def test_page__is_in_the_frame_of_pages_without_script(ws):
    done = compare_runs(ws, "one", "two")
    vi, en = (path.read_text("utf-8") for path in done.pages)
    assert "<script" not in vi + en
    assert '<html lang="vi">' in vi
    assert "1 trong 2 số liệu khác nhau" in vi
    assert "Xã Đại Thắng" in vi
    assert "+1 điểm phần trăm" in vi
    assert "Dai Thang" in en
    assert "+1 percentage points" in en
    assert 'href="compare-one.en.html"' in vi
    assert "data-source" not in vi


def test_page__names_no_more_than_its_share_and_the_list_has_all(tmp_path):
    sources = [f"levels?area={10000 + i}#estimate" for i in range(250)]
    old = tuple(part for source in sources for part in _one(source, "0.1", "10%"))
    new = tuple(part for source in sources for part in _one(source, "0.2", "20%"))
    write_run(tmp_path / "a", {"10291.vi.html": old})
    write_run(tmp_path / "b", {"10291.vi.html": new})
    done = compare_runs(None, str(tmp_path / "a"), str(tmp_path / "b"), tmp_path / "out")
    text = done.pages[1].read_text("utf-8")
    assert text.count("10%") == 100
    assert "and 150 more in the CSV file" in text
    assert len(done.table.read_text("utf-8-sig").splitlines()) == 251


def test_wording__both_languages_have_the_same_sentences():
    from string import Formatter

    from survey_tools.report.wording import entries

    vi, en = entries("compare_vi"), entries("compare_en")
    assert set(vi) == set(en)
    assert all(key.startswith("compare_") for key in vi)
    for key in vi:
        for one, other in zip(_texts(vi[key]), _texts(en[key]), strict=False):
            assert {p[1] for p in Formatter().parse(one) if p[1]} == {
                p[1] for p in Formatter().parse(other) if p[1]
            }, key


def _texts(entry):
    return [entry["many"]] if isinstance(entry, dict) else [entry]

"""Personal data are found in whatever kind of file, told by place and kind, never by value."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import struct
import subprocess
import zipfile
import zlib
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from survey_tools.errors import DisclosureError, ParamsError
from survey_tools.params import open_workspace
from survey_tools.run.scan import (
    ALLOW_FILE,
    Allowed,
    Known,
    Scanner,
    open_scanner,
    read_allowed,
    scan_paths,
)
from survey_tools.run.scan.allowed import Entry
from survey_tools.run.scan.markup import APART, text_of
from survey_tools.run.scan.readers import NotRead, read_bytes

ROOT = Path(__file__).parents[2]
PHONE, NAME = "0398123457", "Nguyễn Thị Hạnh"
REMARK = f"Bà {NAME}, {PHONE}"
KNOWN = Known(
    phones=frozenset({PHONE}),
    positions={"20.731237": {"105.912349"}, "105.912349": {"20.731237"}},
    codes=frozenset({"10291T03H0173"}),
    numbers={"001185012345": "identity_number"},
    emails=frozenset({"lan@example.vn"}),
    names={"nguyen": {("nguyễn", "thị", "hạnh")}, "thu": {("thu", "trang")}},
    tokens=frozenset({"0123456789abcdef0123456789abcdef01234567"}),
)


def found(name, content, scanner=None):
    content = content.encode("utf-8") if isinstance(content, str) else content
    findings, unread = (scanner or Scanner()).scan(name, content)
    assert all(PHONE not in str(one) and NAME not in str(one) for one in (*findings, *unread))
    return {(one.place, one.kind) for one in findings}


# --------------------------------------------------------------------------------- kinds of files


def png(*chunks):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    parts = [chunk(kind, body) for kind, body in chunks]
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(parts) + chunk(b"IEND", b"")


def workbook():
    book = openpyxl.Workbook()
    book.active["B3"] = REMARK
    book.properties.creator = "Trần Văn Bình"
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def parquet():
    frame = pd.DataFrame({"a": ["x", REMARK], "n": [1, 398123457], "lat": [20.731237, 1.0]})
    stream = BytesIO()
    frame.to_parquet(stream, index=False)
    return stream.getvalue()


def sqlite(tmp_path, *, wal):
    path = tmp_path / "x.sqlite"
    with sqlite3.connect(path) as db:
        if wal:
            db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE rows (doc TEXT, packed BLOB)")
        document = json.dumps({"comment": REMARK})
        db.execute("INSERT INTO rows VALUES (?, ?)", (document, gzip.compress(REMARK.encode())))
    db.close()
    return path.read_bytes()


def notebook(**cell):
    base = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1", "outputs": []}
    return json.dumps({"cells": [base, {**base, **cell}], "metadata": {}, "nbformat": 4})


def output(**data):
    return {"output_type": "display_data", "data": data, "metadata": {}}


PICTURE = png((b"tEXt", b"Comment\0" + PHONE.encode()))
IN_BASE64 = base64.b64encode(PICTURE).decode()
ZTXT = png((b"zTXt", b"Comment\0\0" + zlib.compress(PHONE.encode())))
ITXT = png((b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(NAME.encode("utf-8"))))


@pytest.mark.parametrize(
    ("name", "content", "place", "kind"),
    [
        ("a.txt", f"x\n\n{REMARK}", "line 3", "phone"),
        ("a.md", f"# x\n{REMARK}", "line 2", "name"),
        ("a.csv", f"id,remark\n1,{PHONE}\n", "line 2", "phone"),
        ("a.log", f"KeyError: '{PHONE}'", "line 1", "phone"),
        ("a.yml", f"contact: {NAME}", "line 1", "name"),
        ("a.without-ending", REMARK, "line 1", "phone"),
        ("a.txt", REMARK.encode("utf-16"), "line 1", "name"),
        ("a.json", json.dumps({"a": f"\n{REMARK}"}), "line 1", "name"),
        ("a.html", "<p>\n<b>0398</b> <i>123</i>457", "line 2", "phone"),
        ("a.html", f"<img\n alt='{PHONE}'>", "line 1", "phone"),
        ("a.html", f"<a href='tel:{PHONE}'>x</a>", "line 1", "phone"),
        ("a.html", f"<!-- {PHONE} -->", "line 1", "phone"),
        ("a.html", f"<script>\nvar x = '{PHONE}'</script>", "line 2", "phone"),
        ("a.html", "Nguy&#7877;n Th&#7883; H&#7841;nh", "line 1", "name"),
        ("a.html", f"<img src='data:image/png;base64,{IN_BASE64}'>",
         "embedded file 1, text in the picture", "phone"),
        ("a.svg", f"<svg><text>{PHONE[:4]}<tspan>{PHONE[4:]}</tspan></text></svg>", "line 1", "phone"),
        ("a.ipynb", notebook(source=["x = 1\n", f"# {PHONE}"]), "cell 2, line 2", "phone"),
        ("a.ipynb", notebook(outputs=[{"output_type": "stream", "text": [REMARK]}]),
         "cell 2, output 1, line 1", "phone"),
        ("a.ipynb", notebook(outputs=[output(**{"text/html": ["<td>\n", f"{PHONE}</td>"]})]),
         "cell 2, output 1 (text/html), line 2", "phone"),
        ("a.ipynb", notebook(outputs=[{"output_type": "error", "evalue": PHONE}]),
         "cell 2, output 1, line 1", "phone"),
        ("a.ipynb", notebook(outputs=[output(**{"image/png": IN_BASE64})]),
         "cell 2, output 1 (image/png), text in the picture", "phone"),
        ("a.ipynb", notebook(outputs=[output(**{"application/json": {"a": [NAME]}})]),
         "cell 2, output 1 (application/json), line 3", "name"),
        ("a.ipynb", notebook(metadata={"tags": [NAME]}), "cell 2, metadata", "name"),
        ("a.ipynb", notebook(attachments={"x": {"text/plain": PHONE}}),
         "cell 2, attachment x (text/plain), line 1", "phone"),
        ("a.png", PICTURE, "text in the picture", "phone"),
        ("a.png", ZTXT, "text in the picture", "phone"),
        ("a.png", ITXT, "text in the picture", "name"),
        ("a.xlsx", workbook(), "xl/worksheets/sheet1.xml", "phone"),
        ("a.xlsx", workbook(), "docProps/core.xml", "name"),
        ("a.parquet", parquet(), "column a", "name"),
        ("a.txt.gz", gzip.compress(REMARK.encode(), mtime=0), "line 1", "phone"),
        (f"{PHONE}.txt", "x", "name of the file", "phone"),
        ("a.txt", "Token 0123456789abcdef0123456789abcdef01234567", "line 1", "token"),
        ("a.txt", "10291-T03-H017-3", "line 1", "household_code"),
        ("a.txt", "20.731237 105.912349", "line 1", "position"),
        ("a.txt", "CCCD 001185012345", "line 1", "identity_number"),
        ("a.txt", "lan@example.vn", "line 1", "email"),
    ],
)  # fmt: skip
def test_scan__finds_it_and_tells_the_place(name, content, place, kind):
    places = {one for one, what in found(name, content) if what == kind}
    assert any(one == place or one.startswith(f"{place}, line") for one in places), places


@pytest.mark.parametrize(
    ("row", "kinds"),
    [
        ("108.9,9.35", set()),  # percentages with the ends of an interval
        ("-108.9,9.35", set()),
        ("20.8123,105.9123", {"position"}),
        ("20.8,105.9123", {"position"}),
        ('"20.81, 105.91",1', {"position"}),  # within one cell
        ("20.81;105.91", {"position"}),
    ],
)
def test_scan__rough_numbers_side_by_side_in_a_table_are_no_position(row, kinds):
    assert {kind for _, kind in found("a.csv", f"a,b\n{row}\n")} == kinds


@pytest.mark.parametrize("wal", [False, True])
def test_scan__reads_databases(tmp_path, wal):
    content = sqlite(tmp_path, wal=wal)
    places = found("a.sqlite", content)
    assert ("table rows, column doc", "phone") in places
    assert ("table rows, column packed, line 1", "name") in places


def test_scan__reads_an_archive_in_an_archive(tmp_path):
    inner, outer = BytesIO(), BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("b.txt", REMARK)
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("a.zip", inner.getvalue())
    assert ("a.zip, b.txt, line 1", "phone") in found("x.zip", outer.getvalue())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xff\xd8\xff\xe0 ...", "JPEG"),
        (b"\0\1\2\3", "unknown kind"),
        (b"PK\x03\x04 broken", "damaged zip"),
        (b"PAR1 broken", "damaged Parquet"),
        (b"SQLite format 3\0 broken", "damaged SQLite"),
        (b"\x1f\x8b broken", "damaged gzip"),
        (png()[:-20], "damaged picture"),
        (png() + b"and more", "damaged picture"),
        ("Đông".encode("cp1258"), "not UTF-8"),
        (png((b"eXIf", b"MM\0*")), "EXIF"),
    ],
)
def test_scan__what_cannot_be_read_is_told(content, why):
    findings, unread = Scanner().scan("a.bin", content)
    assert findings == []
    assert [why in str(one) for one in unread] == [True]


def test_scan__known_numbers_are_found_even_in_files_that_are_not_read():
    content = b"%PDF\n\0\xff " + PHONE.encode() + b" \xff"
    assert found("a.pdf", content, Scanner(KNOWN)) == {("", "phone")}


def test_read_bytes__says_nothing_of_a_plain_picture():
    assert list(read_bytes("a.png", png())) == []
    assert not any(isinstance(part, NotRead) for part in read_bytes("a.png", PICTURE))


# ---------------------------------------------------------------------------------- known values


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PHONE, "phone"),
        ("0398 123 457", "phone"),
        ("+84398123457", "phone"),
        ("84-398-123-457", "phone"),
        ("(0398) 123.457", "phone"),
        ("398123457", "phone"),
        ("398123457.0", "phone"),
        ("0398123457.0", "phone"),
        ("84398123457.0", "phone"),
        ("[1,398123457,2]", "phone"),
        ("id90398123457x", "phone"),
        ("a0398123457b", "phone"),
        ("20.731237,105.912349", "position"),
        ("20,7312370 | 105,912349", "position"),
        ('{"lat": 20.731237, "alt": 3, "lon": 105.912349}', "position"),
        ("105.912349 20.731237", "position"),
        ("10291-T03-H017-3", "household_code"),
        ("10291t03h0173", "household_code"),
        ("10291 T03 H017 3", "household_code"),
        ("001185012345", "identity_number"),
        ("0011 8501 2345", "identity_number"),
        ("LAN@example.vn", "email"),
        ("nguyễn thị hạnh", "name"),
        ("NGUYEN THI HANH", "name"),
        ("Thu Trang", "name"),
        ("token=0123456789abcdef0123456789abcdef01234567", "token"),
    ],
)
def test_known__is_found_however_it_is_written(text, kind):
    assert {what for _, _, what in KNOWN.find(f"x {text} y")} == {kind}


@pytest.mark.parametrize(
    "text",
    ["0398123458", "0.39812345712", "20.731237", "20.731237 and 106.912349", "thu trâng",
     "Nguyễn Thị, và sau đó rất lâu: Hạnh", "10291-T03-H017-4", "1.001185012346",
     "398123458", "1398123457", "3981234570", "5.398123457", "398123457.5", "398123457.05"],
)  # fmt: skip
def test_known__nothing_else_is_found(text):
    assert list(KNOWN.find(text)) == []


def test_known__a_column_of_latitudes_tells_a_position_without_its_longitude():
    assert [kind for _, _, kind in KNOWN.find("20.731237", alone=True)] == ["position"]
    assert found("a.parquet", parquet(), Scanner(KNOWN)) >= {
        ("column lat", "position"),
        ("column n", "phone"),
    }


def as_table(suffix, frame):
    if suffix == "html":
        return frame.to_html(float_format="{:.1f}".format).encode("utf-8")
    if suffix in ("csv", "json"):
        return getattr(frame, f"to_{suffix}")().encode("utf-8")
    stream = BytesIO()
    frame.to_excel(stream) if suffix == "xlsx" else frame.to_parquet(stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["int64", "float64"])
@pytest.mark.parametrize("suffix", ["csv", "html", "json", "xlsx", "parquet"])
def test_known__a_phone_that_a_table_made_a_number_is_found(suffix, kind):
    """And no other number of nine digits, such as an `_id` of KoboToolbox."""
    for number, kinds in ((398123457, {"phone"}), (84398123457, {"phone"}), (398123458, set())):
        table = as_table(suffix, pd.DataFrame({"_id": [512345678, number]}).astype(kind))
        findings, _ = Scanner(KNOWN).scan(f"a.{suffix}", table)
        assert {one.kind for one in findings if one.known} == kinds, number
        assert {one.kind for one in Scanner().scan(f"a.{suffix}", table)[0]} <= kinds, number


def test_known__a_decimal_column_is_read_and_odd_floats_do_no_harm():
    odd = pd.DataFrame({"n": [float("nan"), float("inf"), -398123457.0, 398123457.5, 1e300]})
    assert found("a.parquet", as_table("parquet", odd), Scanner(KNOWN)) == set()
    exact = pd.DataFrame({"n": [Decimal("398123457.00"), None]})
    assert found("a.parquet", as_table("parquet", exact), Scanner(KNOWN)) == {("column n", "phone")}


def test_blot__a_known_phone_without_its_0():
    blotted = Scanner(KNOWN).blot("KeyError: 398123457; 512345678; (0) 398123457; +84 398123457")
    assert blotted == "KeyError: [phone]; 512345678; ([phone]; +[phone]"


def test_known__shows_no_value():
    assert PHONE not in repr(KNOWN) + repr(Scanner(KNOWN))
    assert len(KNOWN) == 9


def test_open_scanner__a_workspace_without_private_data_knows_nothing(ws):
    assert len(open_scanner(ws).known) == 0


# ------------------------------------------------------------------------------------ what is allowed


def test_allowed__by_value_kind_and_file():
    allowed = Allowed(
        (
            Entry("phone", "0398 123 457", "", "public"),
            Entry("phone", "030*", "docs/*", "no network"),
            Entry("name", "Nguyễn Văn A", "", "nobody"),
        )
    )
    assert allowed.allows("phone", "+84 398 123 457", "a.html")
    assert allowed.allows("phone", "0301 234 567", "docs/x/a.md")
    assert not allowed.allows("phone", "0301 234 567", "reports/main/a.html")
    assert allowed.allows("name", "NGUYEN VAN A", "a.html")
    assert not allowed.allows("account_number", "0398123457", "a.html")


def test_allowed__a_known_value_passes_only_where_people_are_invented_and_files_are_named():
    entries = (Entry("phone", PHONE, "src/*", "invented"), Entry("phone", "0398123458", "", "x"))
    for invented in (True, False):
        allowed = Allowed(entries, invented)
        assert allowed.allows("phone", PHONE, "src/a.py", known=True) is invented
        assert not allowed.allows("phone", PHONE, "reports/a.html", known=True)
        assert not allowed.allows("phone", "0398123458", "src/a.py", known=True)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("fone,0398123457,,x", "no known kind"),
        ("phone,,,x", "says not what"),
        ("phone,024 3385 4123,,", "says not what"),
        ("phone,03*,,x", "everywhere"),
        ("phone,03*,*,x", "everywhere"),
        ("phone,03*,reports/*,x", "everywhere"),
        ("phone,03*,report?/*,x", "everywhere"),
        (f"phone,{PHONE},,x", "private value"),
        ("name,Nguyễn Thị Hạnh,docs/*,x", "private value"),
        ("household_code,10291-T03-H017-3,docs/*,x", "private value"),
    ],
)
def test_read_allowed__a_line_that_allows_too_much_is_refused(tmp_path, line, told):
    (tmp_path / "params").mkdir()
    (tmp_path / ALLOW_FILE).write_text(f"kind,text,where,reason\n{line}\n", encoding="utf-8")
    with pytest.raises(ParamsError, match=told) as error:
        read_allowed(tmp_path, KNOWN, invented=False)
    assert "line 2" in str(error.value)
    assert PHONE not in str(error.value)


def test_read_allowed__a_missing_column_is_named(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / ALLOW_FILE).write_text("kind,text\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="lacks columns"):
        read_allowed(tmp_path, Known(), invented=False)


# ------------------------------------------------------------------------------------------ folders


def test_scan_paths__looks_into_hidden_folders_but_not_into_caches(tmp_path):
    for name in (".hidden/a.txt", "b/.env", "__pycache__/c.txt", ".git/d.txt", "e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PHONE, encoding="utf-8")
    done = scan_paths([tmp_path], Scanner(), tmp_path)
    assert {one.file for one in done.findings} == {".hidden/a.txt", "b/.env", "e.txt"}
    assert done.files == 3


def test_scan_paths__a_link_to_a_folder_is_told(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far")
    done = scan_paths([tmp_path / "here"], Scanner())
    assert ["a link to a folder" in str(one) for one in done.unread] == [True]


def test_scan_paths__a_path_that_is_not_there(tmp_path):
    with pytest.raises(DisclosureError, match="could not be read"):
        scan_paths([tmp_path / "nowhere"], Scanner())


def files_of_git(*arguments):
    done = subprocess.run(["git", "ls-files", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git here")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_scan_paths__the_project_itself_may_be_published():
    """All that is in git, and what is about to be."""
    new = ("src", "tests", "docs", "params", "notebooks", "scripts")
    paths = files_of_git() + files_of_git("--others", "--exclude-standard", *new)
    done = scan_paths(paths, open_scanner(open_workspace(ROOT / "params" / "study.yml")), ROOT)
    assert done.files > 300
    assert [str(one) for one in (*done.findings, *done.unread)] == []


# ------------------------------------------------------------------------------------------- markup


def test_text_of__keeps_every_line():
    page = "<p\n class='x'>a</p>\n<!-- b\nc -->\n<script>\nd\n</script><pre>e\nf</pre>"
    assert text_of(page).count("\n") == page.count("\n")
    line = {word: text_of(page)[: text_of(page).index(word)].count("\n") for word in "acdef"}
    assert line == {"a": 1, "c": 3, "d": 5, "e": 6, "f": 7}


def test_text_of__cells_are_apart_and_letters_of_a_word_are_not():
    assert APART in text_of("<td>0398</td><td>123457</td>").strip(APART)
    assert "0398123457" in text_of("<td>0398<b>123</b><span class='x'>457</span></td>")
    assert found("a.html", "<td>0398</td><td>123457</td>") == set()

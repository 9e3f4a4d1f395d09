"""The supervisor's pages: what stands on them, in which order, in both languages, and nothing personal."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from sheet_frames import (
    COLUMNS,
    ONE,
    OTHER_TEAM,
    ROWS,
    TEAM,
    TWO,
    WS,
    all_text,
    make_flags,
    make_interviews,
    write,
)

from browser_support import chromium
from survey_tools.errors import ContractError, ParamsError


class Outline(HTMLParser):
    """Headings, links, ids, and cells of the tables of a page."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.links, self.ids, self.heads, self.captions = [], [], [], [], 0
        self.lang, self.tables, self.labels = None, 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "html":
            self.lang = values["lang"]
        if tag == "a":
            self.links.append(values["href"])
        if tag == "th":
            self.heads.append(values.get("scope"))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if "id" in values:
            self.ids.append(values["id"])


def plain(text):
    """Text of a page without its style, one line an element."""
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"<[^>]+>", "\n", body))


@pytest.fixture(scope="module")
def sheets(tmp_path_factory):
    return write(tmp_path_factory.mktemp("run") / "field")


def page(sheets, name):
    return (sheets.folder / f"{name}.html").read_text("utf-8")


def test_write_sheets__one_page_and_one_workbook_a_team_and_an_enumerator(sheets):
    stems = {f"team/{code}" for code in (TEAM, OTHER_TEAM)} | {
        f"enumerator/{code}" for code in (ONE, TWO)
    }
    pages = {path.relative_to(sheets.folder).as_posix() for path in sheets.pages}
    books = {path.relative_to(sheets.folder).as_posix() for path in sheets.books}
    assert pages == {f"{stem}.{lang}.html" for stem in (*stems, "index") for lang in ("vi", "en")}
    assert books == {f"{stem}.{lang}.xlsx" for stem in (*stems, "field") for lang in ("vi", "en")}
    assert sheets.index == sheets.folder / "index.vi.html"
    assert sheets.index.is_file()


def test_write_sheets__team_sheet_names_place_progress_and_rows(sheets):
    text = plain(page(sheets, f"team/{TEAM}.vi"))
    assert "Tổ 01 – Xã Đại Thắng" in text
    assert f"Tổ {TEAM}, Xã Đại Thắng. Kiểm tra ngày 07/06/2026." in text
    assert "Đầu kỳ\n9\n12\n75%" in text
    assert "Giữa kỳ\n1\n12\n8%" in text
    assert "Cuối kỳ\nchưa bắt đầu\n—\n—" in text
    assert (
        f"103\n{TWO}\nĐầu kỳ\nMã hộ không có trong danh sách hộ được chọn.\nMới\ntừ 03/06/2026"
        in text
    )
    assert "Cả Tổ\nGiữa kỳ\nĐã phỏng vấn 1 trong 12 hộ được chọn." in text
    assert "keyc2" in text


def test_write_sheets__enumerator_sheet_has_flags_about_them_and_their_rows(sheets):
    text = plain(page(sheets, f"enumerator/{ONE}.en"))
    assert "Enumerator E05" in text
    assert "Baseline\n5\n1" in text
    assert (
        "All submissions\nBaseline\n100% of numbers; the median enumerator: 22%.\nAge in completed years"
        in text
    )
    assert f"102\n{TEAM}\nMidline\nThe interview took 11.7 minutes.\nNew\nsince 3 Jun 2026" in text
    assert "103" not in text.split("How to answer")[0].split("What to do\n")[1]


def test_write_sheets__most_urgent_first_and_the_done_folded_at_the_end(sheets):
    text = page(sheets, f"team/{TEAM}.en")
    places = [text.index(part) for part in (
        "Certain: Submission taken out", "Certain: Team behind", "To look at: Interview too fast",
        "Certain: Answers that contradict each other", "<details>", "Two submissions nearly the same",
        "Interview at an odd hour", "</details>",
    )]  # fmt: skip
    assert places == sorted(places)
    assert "2 flags, open to read" in text
    counts = re.findall(r"<dt>(.*?)</dt><dd>(\d+)</dd>", text)
    assert counts == [("New", "3"), ("Open", "1"), ("Answered", "1"), ("No longer found", "1")]


def test_write_sheets__flags_about_nobody_stand_on_the_index_alone(sheets):
    found = "20% of 35 asked do not know or refuse."
    having = [path.name for path in sheets.pages if found in path.read_text("utf-8")]
    assert having == ["index.en.html"]


def test_write_sheets__index_counts_flags_and_interviews(sheets):
    text = plain(page(sheets, "index.en"))
    assert "Dai Thang commune\nTeam 01\n3\n1\n1\n1\n9 / 12\n1 / 12\n—" in text
    assert "Team 02\n1\n1\n0\n0\n12 / 12\n0 / 12\n—" in text
    assert "E06\n1\n0\n1\n0\n16\n0\n—" in text


def test_write_sheets__names_the_form_of_a_row_that_is_no_interview(sheets):
    assert "7 (nhật ký Tổ)" in page(sheets, f"team/{OTHER_TEAM}.vi")
    assert "7 (team log)" in page(sheets, f"team/{OTHER_TEAM}.en")


def test_write_sheets__vietnamese_pages_hold_no_english(sheets):
    for path in sheets.pages:
        if path.name.endswith(".vi.html"):
            text = plain(path.read_text("utf-8"))
            assert not re.search(
                r"\b(submission|enumerator|household|What|Certain|interview|minutes)\b", text
            ), path
    assert "11,7 phút" in page(sheets, f"enumerator/{ONE}.vi")


def test_write_sheets__opens_without_any_network(sheets):
    for path in sheets.pages:
        text = path.read_text("utf-8")
        assert "//" not in text
        assert "<script" not in text
        assert "default-src 'none'" in text


def test_write_sheets__every_link_leads_somewhere(sheets):
    for path in sheets.pages:
        outline = Outline(path.read_text("utf-8"))
        for link in outline.links:
            target = path.name + link if link.startswith("#") else link
            assert (path.parent / target.split("#")[0]).is_file(), (path.name, link)
            assert "#" not in link or link.split("#")[1] in outline.ids


def test_write_sheets__outline_and_tables_can_be_read_aloud(sheets):
    for path in sheets.pages:
        outline = Outline(path.read_text("utf-8"))
        assert outline.lang == path.suffixes[-2][1:]
        assert outline.headings[0] == 1
        assert outline.headings.count(1) == 1
        steps = zip(outline.headings, outline.headings[1:], strict=False)
        assert all(after <= before + 1 for before, after in steps)
        assert outline.captions == outline.tables
        assert set(outline.heads) <= {"col", "row", "rowgroup"}
        assert len(outline.ids) == len(set(outline.ids))


def test_write_sheets__certain_is_said_in_words_not_by_colour_alone(sheets):
    text = page(sheets, f"team/{TEAM}.vi")
    blocks = re.findall(r'<section class="block (\w+)"><h3>(.*?)</h3>', text)
    assert blocks
    assert all(
        title.startswith({"certain": "Chắc chắn: ", "look": "Cần xem: "}[kind])
        for kind, title in blocks
    )


def test_write_sheets__no_missing_value_is_written_out(sheets):
    for path in sheets.pages:
        shown = plain(path.read_text("utf-8"))
        assert not re.search(r"\b(nan|NaN|NaT)\b|^None$|&lt;NA&gt;", shown, flags=re.M)


def test_write_sheets__says_that_answers_are_simulated(sheets):
    assert all(path.read_text("utf-8").count('class="banner"') == 1 for path in sheets.pages)


def test_write_sheets__says_nothing_of_simulation_for_a_real_survey(tmp_path):
    card = WS.study.study.model_copy(update={"synthetic": False})
    write(tmp_path / "field", study=WS.study.model_copy(update={"study": card}))
    text = all_text(tmp_path / "field")
    assert 'class="banner"' not in text
    assert "Simulated" not in text


PLANTED = [
    "0912 345 678",
    "0912345678",
    "Nguyễn Thị Hoa",
    "20.722509",
    "10291-T01-H003-4",
    "hoa@example.vn",
]


@pytest.mark.parametrize(
    "column", ["message", "detail", "item", "variable", "team_id", "enumerator_id", "wave"]
)
def test_write_sheets__shows_nothing_that_is_no_code_and_no_figure(tmp_path, column):
    flags = make_flags(ROWS + ROWS[:2])
    write(tmp_path / "field", flags.assign(**{column: PLANTED * 2}))
    text = all_text(tmp_path / "field")
    assert not [
        planted for planted in PLANTED if planted in text or planted.replace(" ", "") in text
    ]


def test_write_sheets__says_how_many_flags_name_nobody_known(tmp_path):
    flags = make_flags()
    flags.loc[0, "enumerator_id"] = "Nguyễn Thị Hoa"
    sheets = write(tmp_path / "field", flags)
    assert "1 flag names a team or an enumerator by what is no code" in page(sheets, "index.en")
    assert "101" in page(sheets, f"team/{TEAM}.en")


def test_write_sheets__a_team_that_is_on_no_list_has_a_sheet_by_its_code(tmp_path):
    flags = make_flags([(*ROWS[0][:3], "99999-T01", *ROWS[0][4:])])
    text = plain(page(write(tmp_path / "field", flags), "team/99999-T01.en"))
    assert "Team 99999-T01, commune unknown." in text
    assert "Baseline\n0\n0\n—" in text


def test_write_sheets__names_are_escaped(tmp_path):
    teams = WS.table("teams")
    teams.loc[teams["team_id"] == TEAM, "name_en"] = "<b>Team</b> & co"
    text = page(write(tmp_path / "field", teams=teams), f"team/{TEAM}.en")
    assert "<h1>&lt;b&gt;Team&lt;/b&gt; &amp; co</h1>" in text


def test_write_sheets__no_flag_and_no_interview(tmp_path):
    sheets = write(tmp_path / "field", make_flags([]), interviews=make_interviews().iloc[:0])
    text = plain(page(sheets, f"team/{TEAM}.en"))
    assert "There is no flag to deal with." in text
    assert text.count("not begun") == 3
    assert not list(sheets.folder.glob("enumerator/*"))


def test_write_sheets__one_language(tmp_path):
    sheets = write(tmp_path / "field", langs=("en",))
    assert {path.suffixes[-2] for path in (*sheets.pages, *sheets.books)} == {".en"}
    assert sheets.index.name == "index.en.html"


def test_write_sheets__pages_are_the_same_for_the_same_flags(tmp_path):
    a = write(tmp_path / "a", make_flags())
    b = write(tmp_path / "b", make_flags().iloc[::-1])
    assert [p.read_text("utf-8") for p in a.pages] == [p.read_text("utf-8") for p in b.pages]


@pytest.mark.parametrize("column", ["key", "state", "first_seen", "last_seen"])
def test_write_sheets__flags_that_were_not_followed_are_refused(tmp_path, column):
    with pytest.raises(ContractError, match="lacks columns") as caught:
        write(tmp_path / "field", make_flags().drop(columns=column))
    assert column in str(caught.value.found)
    assert not (tmp_path / "field").exists()


def test_write_sheets__an_unknown_state_is_refused(tmp_path):
    with pytest.raises(ContractError, match="breaks its contract"):
        write(tmp_path / "field", make_flags(state="perhaps"))


def test_write_sheets__a_check_without_words_is_named(tmp_path):
    with pytest.raises(ParamsError, match="no words") as caught:
        write(tmp_path / "field", make_flags(check="weather"))
    assert caught.value.found == "weather"
    assert not (tmp_path / "field").exists()


def test_write_sheets__leaves_the_callers_frames_alone(tmp_path):
    flags, before = make_flags(), make_flags()
    write(tmp_path / "field", flags)
    pd.testing.assert_frame_equal(flags, before)
    assert list(before[COLUMNS]) == COLUMNS


@pytest.mark.browser
@pytest.mark.parametrize("name", [f"team/{TEAM}.vi", f"enumerator/{ONE}.en", "index.vi"])
def test_write_sheets__fits_a_phone(sheets, name):
    with chromium() as browser:
        shown = browser.new_page(viewport={"width": 390, "height": 800})
        shown.goto((sheets.folder / f"{name}.html").as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") <= 390
        wide = "[...document.querySelectorAll('.table')].filter(t => t.scrollWidth > t.clientWidth).length"
        assert shown.evaluate(wide) == 0

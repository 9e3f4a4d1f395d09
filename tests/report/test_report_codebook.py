"""The codebook's pages and its table, made from a few entries."""

import csv
import re
from html.parser import HTMLParser

import pytest

from survey_tools.errors import DisclosureError, RunError
from survey_tools.params import read_study
from survey_tools.report.codebook.distributions import Spread
from survey_tools.report.codebook.entry import ALL_WAVES, Code, Entry
from survey_tools.report.codebook.pages import FILES, TABLE, write_codebook
from survey_tools.report.wording import entries
from tests_support import ROOT

STUDY = read_study(ROOT / "params" / "study.yml")
YES_NO = (
    Code("yes", "Có", "Yes"),
    Code("no", "Không", "No"),
    Code("dk", "Không biết", "Don’t know", True),
)
QUESTION = Entry(
    "household", "clean", "qr30", "Quét QR?", "Paid by QR?", section_vi="F. Cá nhân", section_en="F. Person",
    path="main/f/qr30", type="select_one yesno", unit="% of adults", respondent="selected adult",
    asked_if="${consent} = 'yes' ; ${age} > 18", codes=YES_NO, role="outcome",
    spreads={
        "w1": Spread(1735, 1735, 0, shares=(("yes", 0.42, "shown"), ("no", 0.58, "shown"),
                                            ("dk", 0.0, "shown"))),
        "w2": Spread(25, None, None, "missing", shares=(("yes", 0.45, "few"), ("no", None, "hidden"),
                                                        ("dk", None, "hidden"))),
        "w3": Spread(None, None, None),
    },
)  # fmt: skip
ENTRIES = [
    QUESTION,
    Entry("household", "clean", "phone", "Số điện thoại", "Phone", section_vi="P. Kết thúc",
          section_en="P. Closing", path="main/p/phone", type="text", values="^0[0-9]{9}$",
          personal_data="direct_identifier", role="contact", split_off=True),
    Entry("household", "clean", "duration_min", "Thời gian", "Length", type="number", unit="minutes",
          role="paradata", formula="end minus start <b>", spreads={
              "w1": Spread(1735, 1730, 5, quantiles=((0.25, 38.0), (0.5, 41.5), (0.75, 1200.0)))}),
    Entry("panel", "analysis", "wide", "Rộng", "Wide", type="binary", role="outcome",
          columns="wide__w1, wide__w3", formula="a or b", made_of="a, b", alternative_to="strict",
          spreads={"w1": Spread(60, 35, 25, shares=(("1", 0.5, "shown"),), rounded=True)}),
    Entry("teams", "analysis", "first", "Ngày đầu", "First day", type="date", role="paradata",
          spreads={ALL_WAVES: Spread(154, 154, 0, quantiles=((0.5, "2026-02"),))}),
    Entry("flow", "analysis", "step", "Bước", "Step", type="number", role="paradata", counted=False),
    Entry("flow", "analysis", "later", "Sau", "Later", type="number", role="paradata", in_data=False),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("codebook")
    assert write_codebook(STUDY, ENTRIES, target) == (target / FILES["vi"], target / TABLE)
    return target


def page(folder, lang):
    return (folder / FILES[lang]).read_text("utf-8")


def text_of(source, key):
    """Text of the entry with this address."""
    entry = source.split(f'id="{key}"')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", entry))


def test_write_codebook__makes_a_page_a_language_and_a_table_that_all_may_read(folder):
    assert {path.name for path in folder.iterdir()} == {*FILES.values(), TABLE}
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())


def test_write_codebook__says_what_was_asked_and_how_it_was_answered(folder):
    told = text_of(page(folder, "en"), "household-qr30")
    for words in ("Paid by QR?", "Quét QR?", "main/f/qr30", "select_one yesno", "% of adults",
                  "${consent} = &#x27;yes&#x27; · ${age} &gt; 18", "Don’t know (dk) – means missing",
                  "1,735", "42%", "45%*", "under 5"):  # fmt: skip
        assert words in told, words
    assert "khoảng 35" in text_of(page(folder, "vi"), "panel-wide")
    assert "1.735" in text_of(page(folder, "vi"), "household-qr30")


def test_write_codebook__hidden_is_a_dash(folder):
    told = text_of(page(folder, "en"), "household-qr30")
    row = told.split("No (no)")[1].split("Don’t know")[0]
    assert row.split() == ["58%", "—", "—"]


def test_write_codebook__what_was_split_off_has_no_numbers(folder):
    for lang in FILES:
        told = text_of(page(folder, lang), "household-phone")
        assert "data/private/" in told
        assert "w1" not in told


def test_write_codebook__says_how_variables_are_made(folder):
    told = text_of(page(folder, "en"), "panel-wide")
    for words in ("a or b", "a, b", "wide__w1, wide__w3", "strict", "yes or no (1 or 0)"):
        assert words in told
    assert "end minus start &lt;b&gt;" in text_of(page(folder, "en"), "household-duration_min")


def test_write_codebook__numbers_and_months_as_the_language_writes_them(folder):
    vi, en = page(folder, "vi"), page(folder, "en")
    assert "41,5" in text_of(vi, "household-duration_min")
    assert "1.200" in text_of(vi, "household-duration_min")
    assert "41.5" in text_of(en, "household-duration_min")
    assert "02/2026" in text_of(vi, "teams-first")
    assert "2026-02" in text_of(en, "teams-first")


def test_write_codebook__tables_that_keep_books_are_not_counted(folder):
    told = text_of(page(folder, "en"), "flow-step")
    assert "Rows" not in told
    assert "Not in the data yet" not in told
    assert "Not in the data yet" in text_of(page(folder, "en"), "flow-later")


def test_write_codebook__questions_stand_under_the_groups_of_the_form(folder):
    heads = re.findall(r'<h3 class="section">(.+?)</h3>', page(folder, "vi"))
    assert heads == ["F. Cá nhân", "P. Kết thúc", "Do biểu mẫu và hệ thống ghi"]


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.targets += [found["href"]] if "href" in found else []
        self.ids += [f"src:{found['src']}"] if "src" in found else []
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("lang", list(FILES))
def test_write_codebook__opens_offline_and_every_link_leads_somewhere(folder, lang):
    links = _Links()
    links.feed(page(folder, lang))
    assert links.open == []
    assert len(links.ids) == len(set(links.ids))
    assert not [one for one in links.ids if one.startswith("src:")]
    for target in links.targets:
        assert target.removeprefix("#") in links.ids or target in FILES.values(), target
    assert "http://" not in page(folder, lang)
    assert "https://" not in page(folder, lang)


def test_write_codebook__table_has_one_row_a_variable(folder):
    with (folder / TABLE).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["table"], row["variable"]) for row in rows] == [(e.table, e.name) for e in ENTRIES]
    first = rows[0]
    assert (first["rows_w1"], first["answered_w1"], first["missing_w1"]) == ("1735", "1735", "0")
    assert first["distribution_w1"] == "yes 42%; no 58%; dk 0%"
    assert first["distribution_w2"] == "yes 45%*; no —; dk —"
    assert (first["rows_w2"], first["answered_w2"], first["missing_w2"]) == ("25", "", "few")
    assert (first["rows_w3"], first["missing_codes"]) == ("", "dk")
    assert rows[2]["distribution_w1"] == "p25 38; p50 41.5; p75 1200"
    assert not any(rows[1][column] for column in rows[1] if column.endswith(("_w1", "_w2", "_all")))


def test_write_codebook__a_file_with_personal_data_is_held_back(tmp_path):
    def gate(name, content):
        if name == TABLE and b"qr30" in content:
            raise DisclosureError("held back")

    with pytest.raises(DisclosureError):
        write_codebook(STUDY, ENTRIES, tmp_path, gate)
    assert not (tmp_path / TABLE).exists()


def test_write_codebook__a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="could not be written"):
        write_codebook(STUDY, ENTRIES, tmp_path / "file" / "below")


def test_wording__codebook_has_the_same_sentences_in_both_languages():
    vi, en = entries("codebook_vi"), entries("codebook_en")
    assert set(vi) == set(en)
    for key in vi:
        holes = [set(re.findall(r"{(\w+)}", str(words[key]))) for words in (vi, en)]
        assert holes[0] == holes[1], key

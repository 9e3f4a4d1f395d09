"""The codebook of a workspace: who describes a variable, what is counted, and that a batch makes it."""

import csv
import shutil

import pandas as pd
import pytest
from run_workspace import make_workspace

from survey_tools import contracts
from survey_tools.contracts.evidence import EVIDENCE
from survey_tools.contracts.results import RESULTS
from survey_tools.errors import DisclosureError, ParamsError
from survey_tools.params import open_workspace
from survey_tools.report.codebook.distributions import UNCOUNTED
from survey_tools.run import make_codebook, run_reports
from survey_tools.run.codebook import codebook_entries, codebook_is_current, kind_of, undescribed
from survey_tools.run.codebook_sources import TABLES, TWINS
from tests_support import survey_tools

FILES = ("codebook.csv", "codebook.en.html", "codebook.html")


def entries(ws):
    return {(one.table, one.name): one for one in codebook_entries(ws)}


def change(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def write(ws, stage, name, **columns):
    contracts.write_parquet(pd.DataFrame(columns), getattr(ws, stage) / f"{name}.parquet")


def write_panel(ws, n=60, **columns):
    write(ws, "analysis", "panel", hhid=[f"10291-T01-H{k:03d}-{k % 7}" for k in range(n)],
          wave=["w1"] * n, qr_shop_30d=[1.0, 0.0] * (n // 2), **columns)  # fmt: skip


def test_codebook_entries__before_any_data_every_question_is_described(ws):
    found = entries(ws)
    asked = {name for table, name in found if table == "household"}
    register = (ws.root / "params" / "register" / "household.csv").read_text("utf-8-sig")
    names = {row["name"] for row in csv.DictReader(register.splitlines()) if row["table"] == "main"}
    assert asked == names
    assert undescribed(list(found.values())) == []
    assert all(not one.spreads and not one.in_data for one in found.values())


def test_codebook_entries__a_question_tells_what_the_register_and_the_form_say(ws):
    one = entries(ws)["household", "elec_method"]
    assert one.path == "main/e_bills/elec_method"
    assert one.section_vi.startswith("E")
    assert one.section_en
    assert [code.code for code in one.codes][-2:] == ["nobill", "dk"]
    assert one.missing_codes == "nobill, dk"
    assert {"Trích nợ tự động", "Automatic debit"} <= {
        label for code in one.codes for label in (code.label_vi, code.label_en)
    }


def test_codebook_entries__what_the_form_gives_no_label_has_one_from_the_derived(ws):
    one = entries(ws)["household", "n_adults"]
    assert (one.label_vi, one.label_en) == ("Số người lớn trong hộ", "Adults in the household")
    assert (one.path, one.formula) == ("main/c_roster/n_adults", "sum of m_adult")


def test_codebook_entries__an_outcome_has_its_formula_and_the_questions_it_is_made_of(ws):
    write_panel(ws, qr_shop_12m__broad=[1.0] * 60, ecommerce_index__icw=[0.5] * 60)
    found = entries(ws)
    strict, broad = found["panel", "qr_shop_30d"], found["panel", "qr_shop_12m__broad"]
    assert (strict.formula, strict.made_of, strict.type) == ("yes", "qr30", "binary")
    assert (broad.alternative_to, broad.made_of) == ("qr_shop_30d", "qr30, pay12")
    assert "pay12" in broad.formula
    index = found["panel", "ecommerce_index__icw"]
    assert index.personal_data == "sensitive"  # income is in it
    assert kind_of(index) == "number"


def test_codebook_entries__counts_by_wave_and_keeps_a_wave_without_rows(ws):
    write_panel(ws)
    one = entries(ws)["panel", "qr_shop_30d"]
    assert list(one.spreads) == list(ws.study.waves.all)
    assert one.spreads["w1"].shares == (("1", 0.5, "shown"),)
    assert one.spreads["w2"].rows is None


def test_codebook_entries__a_column_a_wave_is_one_variable(ws):
    columns = {f"reached__{wave}": [1.0, 0.0] * 30 for wave in ("w1", "w2", "w3")}
    write(ws, "analysis", "households", hhid=["x"] * 60, **columns)
    one = entries(ws)["households", "reached"]
    assert one.columns == "reached__w1, reached__w2, reached__w3"
    assert list(one.spreads) == ["w1", "w2", "w3"]


def test_codebook_entries__ticks_of_a_question_are_one_variable(ws):
    ticks = {f"wish__{code}": pd.array([True, False] * 30, "boolean") for code in ("sell", "none")}
    write(ws, "clean", "household", wave=["w1"] * 60, **ticks)
    one = entries(ws)["household", "wish"]
    assert one.columns == "wish__<code>"
    assert one.spreads["w1"].shares == (("sell", 0.5, "shown"), ("none", 0.5, "shown"))


def test_codebook_entries__household_and_enumerator_codes_are_never_counted(ws):
    write(ws, "clean", "household", wave=["w1"] * 60, enumerator_id=["E01", "E02"] * 30,
          hhid=["10291-T01-H001-1"] * 60)  # fmt: skip
    found = entries(ws)
    for name in ("hhid", "enumerator_id"):
        one = found["household", name]
        assert one.personal_data in UNCOUNTED
        assert (one.spreads["w1"].rows, one.spreads["w1"].shares) == (60, ())


def test_codebook_entries__names_of_staff_in_a_list_of_choices_are_not_listed(ws):
    register = ws.root / ws.study.forms["household"].register_
    change(register, "enumerator_id,a_id/enumerator_id,main,text,",
           "enumerator_id,a_id/enumerator_id,main,select_one staff,")  # fmt: skip
    change(register, "^E[0-9]{2}$", "nguyen_van_a|tran_thi_b")
    make_codebook(ws, ws.root / "out")
    for name in FILES:
        text = (ws.root / "out" / name).read_text("utf-8-sig")
        assert "enumerator_id" in text
        assert "nguyen_van_a" not in text


def test_codebook_entries__answers_in_the_private_folder_have_no_numbers(ws):
    write(ws, "clean", "household", wave=["w1"] * 60, phone_recontact=["0912345678"] * 60)
    one = entries(ws)["household", "phone_recontact"]
    assert one.split_off
    assert one.spreads == {}


def test_codebook_entries__counts_of_what_is_made_are_rounded_where_some_are_missing(ws):
    values = [1.0] * 20 + [0.0] * 18 + [None] * 22
    write_panel(ws, water_cashless_last=values, reached=values)
    found = entries(ws)
    for name in ("water_cashless_last", "reached"):
        spread = found["panel", name].spreads["w1"]
        assert (spread.answered, spread.missing, spread.rounded) == (40, 20, True)


def test_undescribed__names_a_column_that_nobody_describes(ws):
    write_panel(ws, mystery=[1] * 60)
    assert undescribed(codebook_entries(ws)) == ["panel.mystery"]


@pytest.mark.parametrize(
    ("file", "table", "column", "beginning"),
    [("register/derived.csv", "panel", "contacts", "contacts,analysis,"),
     ("outcomes.csv", "panel", "qr_shop_30d", "qr_shop_30d,"),
     ("outcomes_alternative.csv", "panel", "qr_shop_12m__broad", "qr_shop_12m__broad,")],
)  # fmt: skip
def test_undescribed__a_row_taken_out_of_a_list_is_missed(ws, file, table, column, beginning):
    write_panel(ws, **{name: [1.0] * 60 for name in ("contacts", "qr_shop_12m__broad")})
    assert undescribed(codebook_entries(ws)) == []
    path = ws.root / "params" / file
    lines = path.read_text("utf-8-sig").splitlines()
    kept = [line for line in lines if not line.startswith(beginning)]
    assert len(kept) == len(lines) - 1
    path.write_text("\n".join(kept) + "\n", "utf-8")
    assert undescribed(codebook_entries(ws)) == [f"{table}.{column}"]


def test_codebook_entries__no_list_of_derived_variables_is_told(ws):
    (ws.root / "params" / "register" / "derived.csv").unlink()
    with pytest.raises(ParamsError, match="derived"):
        codebook_entries(ws)


def test_tables__are_those_of_the_contracts():
    """A table that gets a contract needs its place in the codebook."""
    results = {*RESULTS, *EVIDENCE}
    assert set(contracts.SCHEMAS) - results <= set(TABLES)
    assert set(TWINS.values()) <= set(TABLES)


def test_make_codebook__a_household_code_is_held_back(ws):
    change(ws.root / "params" / "register" / "derived.csv", "Number of the submission on the server,,",
           "Number of the submission of 10291-T01-H001-1,,")  # fmt: skip
    write_panel(ws, _id=range(60))
    with pytest.raises(DisclosureError) as error:
        make_codebook(ws, ws.reports("main"))
    assert "10291-T01-H001" not in str(error.value)
    assert list(ws.reports("main").glob("*")) == []


def test_codebook__command_writes_to_the_run_or_where_it_is_told(ws, tmp_path):
    done = survey_tools("codebook", cwd=ws.root)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in ws.reports("main").glob("codebook*")) == list(FILES)
    assert done.stdout.split() == [
        str(ws.reports("main") / name) for name in ("codebook.html", "codebook.csv")
    ]
    done = survey_tools("codebook", "--out", str(tmp_path / "out"), cwd=ws.root)
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == [".codebook.json", *FILES]


def test_codebook__command_tells_what_is_missing(ws):
    (ws.root / "params" / "outcomes_alternative.csv").unlink()
    done = survey_tools("codebook", cwd=ws.root)
    assert done.returncode == 2
    assert "outcomes_alternative" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    ws = make_workspace(tmp_path_factory.mktemp("batch") / "workspace")
    return ws, run_reports(ws, "main", ["10291"], ["vi"])


def test_run_reports__makes_the_codebook_and_the_index_links_it(batch):
    ws, outcome = batch
    assert (outcome.made, outcome.failed, outcome.exit_code) == (2, 0, 0)
    folder = ws.reports("main")
    assert all((folder / name).is_file() for name in FILES)
    assert 'href="codebook.html"' in (folder / "index.html").read_text("utf-8")
    assert 'href="codebook.en.html"' in (folder / "index.en.html").read_text("utf-8")


def test_codebook_is_current__until_what_it_is_made_from_or_itself_changes(batch, tmp_path):
    shutil.copytree(batch[0].root, tmp_path / "ws")
    ws = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    folder = ws.reports("main")
    assert codebook_is_current(ws, folder)
    page = folder / "codebook.html"
    whole = page.read_bytes()
    page.write_bytes(whole[:-1])
    assert not codebook_is_current(ws, folder)
    page.write_bytes(whole)
    assert codebook_is_current(ws, folder)
    register = ws.root / "params" / "register" / "derived.csv"
    register.write_text(register.read_text("utf-8") + "\n", "utf-8")
    assert not codebook_is_current(ws, folder)


def test_run_reports__a_codebook_that_fails_costs_no_page_and_leaves_no_old_one(
    batch, tmp_path, capsys
):
    shutil.copytree(batch[0].root, tmp_path / "ws")
    ws = open_workspace(tmp_path / "ws" / "params" / "study.yml")
    (ws.root / "params" / "register" / "derived.csv").unlink()
    outcome = run_reports(ws, "main", ["10291"], ["vi"])
    assert (outcome.made + outcome.unchanged, outcome.failed, outcome.exit_code) == (2, 1, 1)
    folder = ws.reports("main")
    assert list(folder.glob("*codebook*")) == []
    assert 'href="codebook' not in (folder / "index.html").read_text("utf-8")
    assert "derived" in (folder / "logs" / "codebook.log").read_text("utf-8")
    assert "The codebook failed" in capsys.readouterr().err

"""Answers as bad as they may arrive from the server: a clear error or a flagged row, never a silent loss."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pandas as pd
import pytest
from clean_frames import TEAMS, code
from raw_rows import REPEAT, clean_rows, flagged, form, placed, raw, register_of, tables_of

from survey_tools import contracts
from survey_tools.clean import clean_household, clean_site, clean_team_log, corrections_log
from survey_tools.clean.corrections.read import COLUMNS
from survey_tools.clean.reports import NO_REPORTS
from survey_tools.errors import ContractError
from survey_tools.kobo import flatten
from survey_tools.register import Register


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def with_question(name: str, **changes: str) -> Register:
    """The household register with one question changed, or added as a like one."""
    known = register_of().questions
    like = known.get(name, known["comment"])
    return Register({**known, name: replace(like, name=name, **changes)})


def test_clean_household__a_correction_with_another_old_value_stops_and_names_its_line():
    line = ("household", "1", "w1", "hh_size", "9", "replace", "3", "xem lại", "TL", "2026-02-01")
    table = pd.DataFrame([line], columns=list(COLUMNS), dtype="str")
    with pytest.raises(ContractError, match="old value") as error:
        clean_rows(raw(1), corrections=table)
    assert "params/corrections.csv, line 2" in str(error.value)


def test_clean_household__a_register_row_for_a_question_that_is_gone_changes_nothing():
    wider = with_question("gone", path="main/z/gone", type="integer", personal_data="none")
    result = clean_rows(raw(1), register=wider)
    pd.testing.assert_frame_equal(result.household, clean_rows(raw(1)).household)


def test_clean_household__a_question_that_the_register_lacks_stops():
    less = {n: q for n, q in register_of().questions.items() if n != "elec_method"}
    with pytest.raises(ContractError, match="register does not know") as error:
        clean_rows(raw(1), register=Register(less))
    assert "elec_method" in str(error.value)


def test_clean_household__choices_never_seen_before_are_flagged_and_missing():
    rows = (
        raw(1, elec_method="bitcoin", channels="tv pigeon"),
        raw(2, 2, members=[{"m_rel": "robot", "m_sex": "male", "m_age": "50"}]),
        raw(3, 3),
    )
    result = clean_rows(*rows)
    assert result.household["_id"].tolist() == [1, 2, 3]
    assert result.household["elec_method"].tolist()[1:] == ["bankapp", "bankapp"]
    assert result.household.loc[0, ["elec_method", "channels__tv"]].isna().tolist() == [True, False]
    assert result.roster["m_rel"].isna().tolist() == [False, True, False]
    assert flagged(result) == [
        ["choice_unknown", 1, "channels"],
        ["choice_unknown", 1, "elec_method"],
        ["choice_unknown", 2, "m_rel[1]"],
    ]
    assert not result.problems["message"].str.contains("bitcoin|pigeon|robot").any()


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        ("start", "2026-01-15T08:00:00.000+07:00", pd.Timestamp("2026-01-15T01:00:00Z")),
        ("start", "2026-01-15T01:00:00Z", pd.Timestamp("2026-01-15T01:00:00Z")),
        ("start", "2026-01-14T20:00:00-05:00", pd.Timestamp("2026-01-15T01:00:00Z")),
        ("start", "2026-01-15T08:00:00", None),
        ("start", "15/01/2026 08:00", None),
        ("today", "2026-01-15", pd.Timestamp("2026-01-15")),
        ("today", "2026-01-15T00:00:00.000+07:00", pd.Timestamp("2026-01-15")),
        ("today", "03/04/2026", None),
        ("today", "2026-02-30", None),
        ("today", "2026-3-4", None),
    ],
)
def test_clean_household__days_and_times_are_read_in_one_way_or_flagged(question, text, value):
    result = clean_rows(raw(1, **{question: text}), raw(2, 2))
    assert result.household["_id"].tolist() == [1, 2]
    read = result.household.loc[0, question]
    assert pd.isna(read) if value is None else read == value
    if value is None:
        assert flagged(result) == [["answer_unreadable", 1, question]]
        assert result.problems["message"].str.contains("missing").all()
    assert result.household["duration_min"].notna().tolist()[1]


def test_clean_household__interviews_in_several_zones_are_one_clock():
    zones = ("2026-01-15T08:00:00+07:00", "2026-01-15T01:00:00Z", "2026-01-15T09:00:00+08:00")
    ends = ("2026-01-15T08:40:00+07:00", "2026-01-15T08:40:00+07:00", "2026-01-15T01:40:00Z")
    rows = [raw(n, n, start=zones[n - 1], end=ends[n - 1]) for n in (1, 2, 3)]
    assert clean_rows(*rows).household["duration_min"].tolist() == [40.0, 40.0, 40.0]


def test_clean_household__a_whole_wave_missing_is_no_trouble():
    rows = [raw(1), raw(2, wave="w3", start="2026-09-20T08:00:00+07:00")]
    result = clean_rows(*rows)
    assert result.household["wave"].tolist() == ["w1", "w3"]
    assert sorted(result.flow["wave"].unique()) == ["w1", "w3"]


def test_clean_household__a_wave_missing_in_one_row_is_told_with_the_row():
    result = clean_rows(raw(1), raw(2, 2, wave=None), raw(3, 3, wave="w9"))
    assert result.household["_id"].tolist() == [1]
    assert result.dropped[["_id", "wave", "reason"]].to_numpy().tolist() == [
        [2, "?", "no wave given"],
        [3, "?", "no wave given"],
    ]
    assert flagged(result) == [["choice_unknown", 3, "wave"]]


def test_clean_household__rows_of_the_team_log_among_them_leave_and_are_flagged():
    log = placed("team_log", {"month": "2026-03-01", "team_id": "10291-T01", "hh_visited": "12"})
    log = {"_id": 7, "_uuid": "u7", "_submission_time": "2026-04-01T00:00:00", **log}
    result = clean_rows(raw(1), {**log, "__version__": "vLog"})
    assert result.household["_id"].tolist() == [1]
    assert result.dropped[["_id", "reason"]].to_numpy().tolist() == [
        [7, "training or pilot form, or no form type given"]
    ]
    checks = {(check, row) for check, row, _ in flagged(result)}
    assert ("question_unknown", 7) in checks
    assert not result.problems["message"].str.contains("12").any()


def test_clean_household__frames_of_two_forms_in_one_are_refused():
    both = tables_of(raw(1)).frames["main"].assign(hh_visited=pd.array([12], dtype="Int64"))
    with pytest.raises(ContractError, match="another form"):
        clean_household(
            both, tables_of(raw(1)).frames["roster"], register=register_of(), teams=TEAMS
        )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234", 1234), ("1 234", 1234), ("1\u00a0234", 1234), ("12.345", 12345),
        (" 250 ", 250), ("250,0", 250), ("１２", 12), ("1.234,5", None), ("1,234", None),
        ("٣", None), ("10²", None), ("khoảng 200", None), ("9" * 30, None), ("1e5", None), ("0x1F", None),
    ],
)  # fmt: skip
def test_clean_household__numbers_typed_as_text_are_read_in_one_way_or_flagged(text, value):
    result = clean_rows(raw(1, buy_amount=text), raw(2, 2))
    assert result.household["_id"].tolist() == [1, 2]
    assert result.household["buy_amount"].dtype == "Int64"
    read = result.household.loc[0, "buy_amount"]
    assert read is pd.NA if value is None else read == value
    assert flagged(result) == [["answer_unreadable", 1, "buy_amount"]]
    assert result.problems["message"].str.contains("missing").tolist() == [value is None]


def test_clean_household__a_number_of_a_member_typed_as_text_is_read_in_its_line():
    people = [{"m_rel": "head", "m_sex": "male", "m_age": "50"},
              {"m_rel": "child", "m_sex": "male", "m_age": "1 2"},
              {"m_rel": "child", "m_sex": "male", "m_age": "12,0"}]  # fmt: skip
    result = clean_rows(raw(1, members=people), raw(2, 2))
    assert result.roster["m_age"].tolist() == [50, pd.NA, 12, 50]
    assert flagged(result) == [
        ["answer_unreadable", 1, "m_age[2]"],
        ["answer_unreadable", 1, "m_age[3]"],
    ]


def test_clean_household__a_number_read_from_text_is_held_against_its_limits_too():
    result = clean_rows(raw(1, hh_size="2.500"))
    assert result.household["hh_size"].isna().all()
    assert flagged(result) == [
        ["answer_outside_limits", 1, "hh_size"],
        ["answer_unreadable", 1, "hh_size"],
    ]


def test_clean_household__text_of_any_unicode_form_is_composed():
    said = "Đã trả tiền ở chợ"
    result = clean_rows(raw(1, comment=nfd(said)))
    assert result.free_text["text"].tolist() == [said]


def test_clean_household__a_code_of_any_unicode_form_is_the_code_of_the_register():
    accented = with_question("elec_method", values="tiền|ví", missing="", type="select_one pay")
    frames = tables_of(raw(1, elec_method=nfd("tiền")), raw(2, 2, elec_method="ví")).frames
    result = clean_household(frames["main"], frames["roster"], register=accented, teams=TEAMS)
    assert result.household["elec_method"].tolist() == ["tiền", "ví"]
    assert result.problems.empty


def test_clean_household__a_question_in_an_unknown_place_is_flagged():
    result = clean_rows({**raw(1), "main/z_new/secret": "Bà Hạnh"})
    assert result.household["_id"].tolist() == [1]
    assert flagged(result) == [["question_unknown", 1, "main/z_new/secret"]]
    assert not result.problems.astype("str").apply(lambda c: c.str.contains("Hạnh")).any(axis=None)


def test_clean_household__no_submission_at_all_says_where_to_look():
    with pytest.raises(ContractError, match="no submissions") as error:
        clean_rows()
    assert "look on the server" in str(error.value)


def test_clean_household__only_visits_without_contact_give_empty_tables_that_keep_their_contracts():
    result = clean_rows(raw(1, visit_result="absent", consent=None, members=[]))
    for name in ("household", "roster", "visits", "duplicates"):
        contracts.validate(getattr(result, name), name)
    assert (len(result.household), len(result.visits)) == (0, 1)


def test_clean_household__a_commune_without_an_interview_has_no_row_and_no_error():
    teams = pd.concat([TEAMS, TEAMS.assign(team_id="10270-T01", commune_code="10270").iloc[:1]])
    result = clean_rows(raw(1), teams=teams)
    assert result.household["commune_code"].tolist() == ["10291"]


@pytest.mark.parametrize(
    ("name", "clean", "options"),
    [("team_log", clean_team_log, {"teams": TEAMS}), ("site", clean_site, {})],
)
def test_clean_reports__none_yet_gives_an_empty_table_and_says_so(name, clean, options):
    tables = flatten([], {"v1": form(name)})
    result = clean(
        tables.frames["main"], register=register_of(name), misfits=tables.misfits, **options
    )
    contracts.validate(result.table, name)
    contracts.validate(result.flow, "flow")
    contracts.validate(result.problems, "problems")
    assert result.table.empty
    assert NO_REPORTS in result.flow["reason"].tolist()
    full = tables_of(_log(1), name="team_log") if name == "team_log" else None
    if full is not None:
        other = clean(full.frames["main"], register=register_of(name), **options)
        assert result.table.dtypes.astype(str).to_dict() == other.table.dtypes.astype(str).to_dict()


def _log(row_id: int, **answers: object) -> dict[str, object]:
    said = {"month": "2026-03-01", "commune_code": "10291", "team_id": "10291-T01",
            "hh_visited": "12", **answers}  # fmt: skip
    meta = {"_id": row_id, "_uuid": f"l{row_id}", "_submission_time": "2026-04-01T00:00:00",
            "__version__": "v1"}  # fmt: skip
    return {**meta, **placed("team_log", said)}


def test_clean_team_log__bad_reports_are_flagged_or_leave_with_a_reason():
    rows = (
        _log(1),
        _log(2, month="03/2026", team_id="10291-T02"),
        _log(3, month=None, team_id="10291-T02"),
        _log(4, team_id="10291-T99"),
        _log(5, team_id="10291-T02", hh_visited="1.2.3"),
    )
    tables = tables_of(*rows, name="team_log")
    result = clean_team_log(
        tables.frames["main"], register=register_of("team_log"), teams=TEAMS,
        misfits=tables.misfits,
    )  # fmt: skip
    assert result.table["_id"].tolist() == [1, 5]
    assert dict(zip(result.dropped["_id"], result.dropped["reason"], strict=True)) == {
        2: "no month given",
        3: "no month given",
        4: "team or commune not in the list of teams",
    }
    assert flagged(result) == [
        ["answer_unreadable", 2, "month"],
        ["answer_unreadable", 5, "hh_visited"],
    ]


def test_clean_site__malformed_codes_of_two_sites_do_not_make_them_one():
    meta = {"_submission_time": "2026-04-01T00:00:00", "__version__": "v1"}
    rows = [
        {"_id": n, "_uuid": f"s{n}", **meta, **placed("site", {
            "site_type": "school", "site_id": said, "commune_code": "10291", "ref_month": "2026-03-01"})}
        for n, said in ((1, "S1"), (2, "S2"), (3, "S003"), (4, "S003"))
    ]  # fmt: skip
    tables = tables_of(*rows, name="site")
    result = clean_site(tables.frames["main"], register=register_of("site"), misfits=tables.misfits)
    assert sorted(result.table["_id"]) == [1, 2, 4]
    assert flagged(result) == [
        ["answer_malformed", 1, "site_id"],
        ["answer_malformed", 2, "site_id"],
    ]
    assert result.dropped["_id"].tolist() == [3]


def test_clean_household__an_id_twice_is_refused():
    with pytest.raises(ContractError, match="does not identify"):
        clean_rows(raw(1), raw(1, 2))


def test_clean_household__a_calculation_that_is_no_number_stops_and_names_the_field():
    with pytest.raises(ContractError, match="calculated field") as error:
        clean_rows(raw(1, n_adults="hai"))
    assert "n_adults" in str(error.value)
    with pytest.raises(ContractError, match="calculated field"):
        clean_rows(raw(1, n_adults="1.5"))
    assert clean_rows(raw(1, n_adults="NaN")).household["n_adults"].isna().all()


def test_corrections_log__of_a_form_without_rows_is_empty():
    tables = flatten([], {"v1": form("site")})
    site = clean_site(tables.frames["main"], register=register_of("site"))
    assert corrections_log(None, site.corrections).empty


def test_raw__is_a_submission_that_the_form_would_send():
    result = clean_rows(raw(1), raw(2, 2, team_id="10291-T02"))
    assert result.household["hhid"].tolist() == [code(1), code(2, "10291-T02")]
    assert result.problems.empty
    assert REPEAT in raw(1)

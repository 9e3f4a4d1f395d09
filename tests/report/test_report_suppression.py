"""The log of hidden cells names them all, and tells nothing that they do not show."""

from __future__ import annotations

import shutil
import stat

import pandas as pd
import pytest

from survey_tools.errors import DisclosureError
from survey_tools.params import DisclosureSettings, open_workspace
from survey_tools.report.disclosure_cells import disclose_levels
from survey_tools.report.shown import shown_tables
from survey_tools.report.suppression import (
    KEYS,
    LOG,
    PAGE,
    REASONS,
    suppression_log,
    suppression_reasons,
    write_suppression,
)

RULES = DisclosureSettings(show_from=30, round_from=10, hide_counts_to=4)


@pytest.fixture
def own(ws, tmp_path):
    shutil.copytree(ws.root, tmp_path / "ws")
    return open_workspace(tmp_path / "ws" / "params" / "study.yml")


def _levels(*cells):
    frame = pd.DataFrame(cells, columns=["area", "group", "numerator", "n"])
    share = frame["numerator"] / frame["n"].where(frame["n"] > 0)
    return frame.assign(wave="w3", outcome="qr", estimate=share, conf_low=share, conf_high=share)


def test_suppression_log__lists_each_cell_that_is_not_shown_and_no_other(ws):
    tables = shown_tables(ws)
    log = suppression_log(tables)
    assert list(log.columns) == [*KEYS, "state"]
    assert not log.duplicated(list(KEYS)).any()
    assert set(log["state"]) == {"hidden", "rounded"}
    for name, column in (("levels", "status"), ("choices", "status"), ("communes", "disclosure")):
        states = tables[name][column]
        if "about" in tables[name]:  # bases and figures that are told coarsely
            states = states.mask(tables[name]["about"], "few")
        here = log[log["table"].eq(name)]["state"].value_counts().to_dict()
        wanted = {"hidden": states.eq("hidden").sum(), "rounded": states.eq("few").sum()}
        assert here == {state: count for state, count in wanted.items() if count}, name


def test_suppression_log__is_the_same_whatever_the_reason_is():
    """Two districts in which the same cells are hidden for other reasons have the same log."""
    one = _levels(
        ("district", "all", 60, 150),
        ("a", "all", 3, 50),
        ("b", "all", 27, 50),
        ("c", "all", 30, 50),
    )
    two = _levels(
        ("district", "all", 60, 117), ("a", "all", 5, 9), ("b", "all", 25, 48), ("c", "all", 30, 60)
    )
    logs = [suppression_log({"levels": disclose_levels(one_, RULES)}) for one_ in (one, two)]
    assert logs[0].equals(logs[1])
    reasons = [
        suppression_reasons(log, {"levels": raw}, RULES)["reason"].tolist()
        for log, raw in zip(logs, (one, two), strict=True)
    ]
    assert reasons == [["small_count", "other_cells"], ["few_answers", "other_cells"]]


def test_suppression_reasons__each_kind():
    raw = _levels(
        ("a", "all", 20, 48),
        ("a", "women", 17, 40),
        ("a", "men", 3, 8),
        ("a", "age60", 9, 15),
        ("a", "poor", 0, 0),
        ("a", "sellers", 17, 44),
    )
    log = suppression_log({"levels": disclose_levels(raw, RULES)})
    reasons = suppression_reasons(log, {"levels": raw}, RULES).set_index("group")["reason"]
    assert reasons.to_dict() == {
        "women": "remainder",
        "men": "few_answers",
        "age60": "rounded",
        "poor": "nobody",
        "sellers": "remainder",
    }


def test_write_suppression__public_log_and_page_hold_no_reason_of_a_cell(own):
    write_suppression(own, "main")
    folder = own.reports("main")
    public = pd.read_csv(folder / LOG, dtype=str)
    assert list(public.columns) == [*KEYS, "state"]
    team = pd.read_csv(own.results / ".shown" / REASONS, dtype=str)
    assert team[list(public.columns)].equals(public)
    assert team["reason"].notna().all()
    assert set(team.columns) - set(public.columns) == {"reason"}
    assert stat.S_IMODE((own.results / ".shown" / REASONS).stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / LOG).stat().st_mode) == 0o644
    inside = [path for path in folder.rglob("*") if path.is_file()]
    assert not any(b"small_count" in path.read_bytes() for path in inside)
    for lang, name in PAGE.items():
        page = (folder / name).read_text("utf-8")
        assert f'<html lang="{lang}">' in page
        assert LOG in page
        assert "<script" not in page


def test_write_suppression__takes_away_reasons_that_an_earlier_version_left_in_the_run(own):
    old = own.reports("main") / "logs" / LOG
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text("reason\nsmall_count\n", encoding="utf-8")
    write_suppression(own, "main")
    assert not old.exists()


def test_write_suppression__a_second_time_writes_nothing(own):
    assert len(write_suppression(own, "main")) == 4
    assert write_suppression(own, "main") == ()
    (own.reports("main") / LOG).unlink()
    assert write_suppression(own, "main") == (own.reports("main") / LOG,)


def test_write_suppression__rare_reasons_are_counted_together(own):
    write_suppression(own, "main")
    team = pd.read_csv(own.results / ".shown" / REASONS, dtype=str)
    counts = team.loc[team["state"].eq("hidden"), "reason"].value_counts()
    page = (own.reports("main") / PAGE["en"]).read_text("utf-8")
    assert (counts < own.study.disclosure.round_from).any() == ("Reasons with few cells" in page)


def test_write_suppression__passes_the_gate(own):
    asked = []

    def gate(name, content):
        asked.append(name)
        raise DisclosureError("held back")

    with pytest.raises(DisclosureError):
        write_suppression(own, "main", gate)
    assert asked == [LOG]
    assert not (own.reports("main") / LOG).exists()

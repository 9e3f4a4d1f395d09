"""As many notebooks at a time as this process has processors, not the machine."""

from __future__ import annotations

import os

import pytest

from survey_tools.run.kernels import parallel
from survey_tools.run.kernels.parallel import jobs_here


@pytest.fixture
def eight(monkeypatch, tmp_path):
    """A process bound to eight processors of a machine with 64, outside a container."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(parallel, "CPU_MAX", tmp_path / "cpu.max")
    return tmp_path / "cpu.max"


def test_jobs_here__those_that_the_process_is_bound_to(eight):
    assert jobs_here() == 8


def test_jobs_here__a_system_that_binds_nothing(eight, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    assert jobs_here() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert jobs_here() == 1


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("max 100000\n", 8),
        ("400000 100000\n", 4),
        ("250000 100000\n", 2),
        ("50000 100000\n", 1),
        ("6400000 100000\n", 8),
        ("", 8),
        ("many of them\n", 8),
    ],
)
def test_jobs_here__within_the_share_of_a_container(eight, text, jobs):
    eight.write_text(text, encoding="ascii")
    assert jobs_here() == jobs

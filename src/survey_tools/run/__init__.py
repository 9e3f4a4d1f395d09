"""Run the study: sandbox or server, stages, report pages, record. Knows no statistics.

`survey_tools.run.district` makes the synthetic district and is loaded only where the study uses the sandbox.
Names are loaded when they are first used, so that a command waits only for what it needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from survey_tools.run.attachments import pull_files
    from survey_tools.run.batch.given import given_parameters
    from survey_tools.run.batch.plan import Page, plan_reports
    from survey_tools.run.batch.reports import Choices, Outcome, run_reports
    from survey_tools.run.batch.task import Limits
    from survey_tools.run.codebook import make_codebook
    from survey_tools.run.compare.compare import Compared, compare_runs
    from survey_tools.run.compare.numbers import numbers_of_run
    from survey_tools.run.fieldwork import (
        Checked,
        check_fieldwork,
        count_flags,
        gather_fieldwork,
        run_field_checks,
        sheets_folder,
        write_field_sheets,
        write_flags,
    )
    from survey_tools.run.kernels.execute import Execution, execute
    from survey_tools.run.kernels.failure import Failure
    from survey_tools.run.kernels.parameters import Parameter, check_parameters, read_parameters
    from survey_tools.run.pipeline import STAGES, run_stages
    from survey_tools.run.pull import (
        form_changes,
        last_pulls,
        open_store,
        pull_all,
        pull_summary,
        read_tables,
        write_provenance,
    )
    from survey_tools.run.registers.check import check_register, findings_text, has_errors
    from survey_tools.run.registers.start import draft_summary, start_register, write_new
    from survey_tools.run.server import Server, kobo_server, serve_sandbox
    from survey_tools.run.state import Stage, status
    from survey_tools.run.stores import check_stores, export_rows
    from survey_tools.run.study import run_study

__all__ = [
    "STAGES",
    "Checked",
    "Choices",
    "Compared",
    "Execution",
    "Failure",
    "Limits",
    "Outcome",
    "Page",
    "Parameter",
    "Server",
    "Stage",
    "check_fieldwork",
    "check_parameters",
    "check_register",
    "check_stores",
    "compare_runs",
    "count_flags",
    "draft_summary",
    "execute",
    "export_rows",
    "findings_text",
    "form_changes",
    "gather_fieldwork",
    "given_parameters",
    "has_errors",
    "kobo_server",
    "last_pulls",
    "make_codebook",
    "numbers_of_run",
    "open_store",
    "plan_reports",
    "pull_all",
    "pull_files",
    "pull_summary",
    "read_parameters",
    "read_tables",
    "run_field_checks",
    "run_reports",
    "run_stages",
    "run_study",
    "serve_sandbox",
    "sheets_folder",
    "start_register",
    "status",
    "write_field_sheets",
    "write_flags",
    "write_new",
    "write_provenance",
]

_PLACES = {
    "batch.given": "given_parameters",
    "batch.plan": "Page plan_reports",
    "batch.reports": "Choices Outcome run_reports",
    "batch.task": "Limits",
    "codebook": "make_codebook",
    "compare.compare": "Compared compare_runs",
    "compare.numbers": "numbers_of_run",
    "fieldwork": "Checked check_fieldwork count_flags gather_fieldwork run_field_checks "
    "sheets_folder write_field_sheets write_flags",
    "kernels.execute": "Execution execute",
    "kernels.failure": "Failure",
    "kernels.parameters": "Parameter check_parameters read_parameters",
    "pipeline": "STAGES run_stages",
    "pull": "form_changes last_pulls open_store pull_all pull_summary read_tables write_provenance",
    "attachments": "pull_files",
    "registers.check": "check_register findings_text has_errors",
    "registers.start": "draft_summary start_register write_new",
    "server": "Server kobo_server serve_sandbox",
    "state": "Stage status",
    "stores": "check_stores export_rows",
    "study": "run_study",
}
"""Module -> the names that come from it."""

_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _PLACE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACE_OF[name]}"), name)

"""Run the study: sandbox or server, stages, report pages, record. Knows no statistics.

`survey_tools.run.district` makes the synthetic district and is loaded only where the study uses the sandbox.
"""

from survey_tools.run.batch.plan import Page, plan_reports
from survey_tools.run.batch.reports import Outcome, run_reports
from survey_tools.run.codebook import make_codebook
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
from survey_tools.run.kernels.execute import Execution, Failure, execute
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
from survey_tools.run.pull_files import pull_files
from survey_tools.run.registers.check import check_register, findings_text, has_errors
from survey_tools.run.registers.start import draft_summary, start_register, write_new
from survey_tools.run.server import Server, kobo_server, serve_sandbox
from survey_tools.run.status import Stage, status
from survey_tools.run.stores import check_stores, export_rows
from survey_tools.run.study import run_study

__all__ = [
    "STAGES",
    "Checked",
    "Execution",
    "Failure",
    "Outcome",
    "Page",
    "Parameter",
    "Server",
    "Stage",
    "check_fieldwork",
    "check_parameters",
    "check_register",
    "check_stores",
    "count_flags",
    "draft_summary",
    "execute",
    "export_rows",
    "findings_text",
    "form_changes",
    "gather_fieldwork",
    "has_errors",
    "kobo_server",
    "last_pulls",
    "make_codebook",
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

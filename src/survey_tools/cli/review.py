"""The command that reviews a run and signs items of the checklist.

Not here: any of the work.
"""

from __future__ import annotations

from typing import Annotated

import typer

from survey_tools.cli.base import DebugOption, StudyOption, app, guarded, open_study
from survey_tools.errors import ParamsError


@app.command()
@guarded
def review(
    run: Annotated[str, typer.Argument(help="Name of the run: a folder in reports/.")],
    sign: Annotated[str | None, typer.Option("--sign", help="Item of the checklist.")] = None,
    role: Annotated[str | None, typer.Option("--as", help="Role of params/review.yml.")] = None,
    initials: Annotated[str, typer.Option("--initials", help="Up to four letters.")] = "",
    decision: Annotated[
        str | None, typer.Option("--decision", help="ok, not_ok or not_applicable.")
    ] = None,
    remark: Annotated[str, typer.Option("--remark", help="What was seen; no names.")] = "",
    study: StudyOption = "params/study.yml",
    debug: DebugOption = False,
) -> int:
    """Go through the checklist of params/review.yml for a run, or sign one of its items.

    Writes reports/RUN/review.html. Exit code 0: every item is ok or not applicable. 1: one is not ok, open,
    or was signed for an earlier version of the pages.
    """
    from survey_tools.report.review import REVIEW, SETTLED
    from survey_tools.run.review import review_run
    from survey_tools.run.review import sign as sign_item

    ws = open_study(study)
    given = {"--sign": sign, "--as": role, "--decision": decision}
    missing = [name for name, value in given.items() if not value]
    if sign and role and decision:
        sign_item(ws, run, sign, role=role, decision=decision, remark=remark, initials=initials)
    elif len(missing) < len(given) or remark or initials:
        raise ParamsError(
            "To sign, an item, a role and a decision are needed.",
            expected="--sign ITEM --as ROLE --decision ok",
            found=f"without {', '.join(missing)}",
        )
    items = review_run(ws, run)
    for one in items:
        typer.echo(f"{one.state:<16}{one.item.id:<20}{one.item.en}")
    typer.echo(str(ws.reports(run) / REVIEW["en"]), err=True)
    return int(any(one.state not in SETTLED for one in items))

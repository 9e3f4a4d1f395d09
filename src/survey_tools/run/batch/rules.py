"""Hold rules of next steps against the household form before a batch; whether one holds is said elsewhere."""

from __future__ import annotations

from survey_tools.errors import ParamsError
from survey_tools.params import Workspace
from survey_tools.params.next_steps import ChoiceCondition
from survey_tools.register import read_register


def check_next_steps(ws: Workspace) -> None:
    """Assert that each rule about a choice names a question of the household form and one of its choices.

    Raises
    ------
    ParamsError
        When the rules cannot be read, or one names a figure, a question or a choice that there is not.
    """
    rules = ws.next_steps
    if rules is None:
        return
    questions = read_register(ws.root / ws.study.forms["household"].register_).questions
    for step in rules.steps:
        if not isinstance(when := step.when, ChoiceCondition):
            continue
        question = questions.get(when.question)
        if question is None or when.choice not in question.codes:
            raise ParamsError(
                "A rule asks for a question or a choice that the form has not.",
                expected="a question with several choices"
                if question is None
                else ", ".join(question.codes),
                found=f"{when.question}: {when.choice}",
                where=f"{ws.study.files.next_steps}, step {step.id}",
                next_step="correct `question` and `choice`",
            )

"""Read `params/` into typed, frozen models and know where the workspace keeps things.

A key that is unknown, missing or of the wrong type is an error naming file and key. No statistical
default lives here: what the study decides stands in `params/study.yml`.
"""

from survey_tools.params.checks import CheckSettings, EnumeratorCheck, ShareCheck
from survey_tools.params.claims import Claim, Claims, Reading, read_claims
from survey_tools.params.next_steps import NextStep, NextSteps
from survey_tools.params.plan import AnalysisPlan
from survey_tools.params.read import (
    read_checklist,
    read_next_steps,
    read_plan,
    read_sign_offs,
    read_study,
)
from survey_tools.params.release import Recoding
from survey_tools.params.review import Checklist, ReviewItem, SignOff, SignOffs
from survey_tools.params.study import DisclosureSettings, Study, Waves
from survey_tools.params.workspace import DEFAULT_STUDY, ROOT_VARIABLE, Workspace, open_workspace

__all__ = [
    "DEFAULT_STUDY",
    "ROOT_VARIABLE",
    "AnalysisPlan",
    "CheckSettings",
    "Checklist",
    "Claim",
    "Claims",
    "DisclosureSettings",
    "EnumeratorCheck",
    "NextStep",
    "NextSteps",
    "Reading",
    "Recoding",
    "ReviewItem",
    "ShareCheck",
    "SignOff",
    "SignOffs",
    "Study",
    "Waves",
    "Workspace",
    "open_workspace",
    "read_checklist",
    "read_claims",
    "read_next_steps",
    "read_plan",
    "read_sign_offs",
    "read_study",
]

"""Pages for researchers, reviewers and commune officers, made from disclosed results only.

`render` and `site` are imported by their own names: a notebook that makes a page does not need them, and
nbconvert takes longer to load than the page to make.
"""

from survey_tools.report.disclosure import (
    disclose_choices,
    disclose_communes,
    disclose_effects,
    disclose_levels,
    open_results,
)
from survey_tools.report.numbers import Numbers
from survey_tools.report.page import Page, open_page
from survey_tools.report.results import Results
from survey_tools.report.wording import Wording

__all__ = [
    "Numbers",
    "Page",
    "Results",
    "Wording",
    "disclose_choices",
    "disclose_communes",
    "disclose_effects",
    "disclose_levels",
    "open_page",
    "open_results",
]

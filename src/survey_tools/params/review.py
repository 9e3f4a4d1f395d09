"""The checklist of a review and its sign-offs as typed, frozen models; reads no file and knows no run."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey_tools.params.model import Model, Text

Decision = Literal["ok", "not_ok", "not_applicable"]
Check = Literal[
    "data_proved", "pages_made", "plan_kept", "provenance", "verified", "languages_agree",
    "cells_protected",
]  # fmt: skip
"""What is looked up by the machine (`survey_tools.run.review`)."""

_ID = r"^[a-z][a-z0-9_]{1,40}$"


class Role(Model):
    """A role in which somebody signs; never a person's name."""

    vi: Text
    en: Text


class ReviewItem(Model):
    """One thing to be looked at; with `check`, its state is found by the machine and is not signed."""

    id: Annotated[str, Field(pattern=_ID)]
    check: Check | None = None
    vi: Text
    en: Text


class Checklist(Model):
    """What a reviewer goes through before the pages of a run are handed out, and who may sign."""

    roles: Annotated[dict[str, Role], Field(min_length=1)]
    items: Annotated[tuple[ReviewItem, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Checklist:
        twice = [name for name, n in Counter(one.id for one in self.items).items() if n > 1]
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self


class SignOff(Model):
    """One decision on one item: by whom (role and initials), when, and on which content of the pages."""

    item: Annotated[str, Field(pattern=_ID)]
    decision: Decision
    role: str
    initials: Annotated[str, Field(pattern=r"^[A-ZĐ]{0,4}$")] = ""
    date: date
    content: Annotated[str, Field(pattern=r"^[a-p]{16}$")]
    remark: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _says_why(self) -> SignOff:
        if self.decision != "ok" and not self.remark.strip():
            raise ValueError(f"{self.item}: a decision other than ok needs a remark")
        return self


class SignOffs(Model):
    """All sign-offs of a run, in the order in which they were made; the last one of an item counts."""

    signed: tuple[SignOff, ...]

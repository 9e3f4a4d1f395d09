"""Base of all that the study file holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]
"""A text that is not empty."""


class Model(BaseModel):
    """A part of the study file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

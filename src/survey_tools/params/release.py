"""Settings of the release pack; recodes nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from survey_tools.params.model import Model


class Recoding(Model):
    """How a variable is coarsened before it is released; one of the three.

    `from`: the lower ends of bands, the last of which is open: [18, 30] makes 18-29 and 30+. What lies below
    the first is missing. `top`: what is above counts as this and more. `join`: new code -> codes that it
    takes the place of; one that is nowhere named is missing.
    """

    from_: Annotated[tuple[int, ...] | None, Field(alias="from", min_length=1)] = None
    top: int | None = None
    join: dict[str, tuple[str, ...]] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Recoding:
        given = [rule for rule in (self.from_, self.top, self.join) if rule is not None]
        if len(given) != 1:
            raise ValueError("give one of from, top, join")
        if self.from_ is not None and any(b <= a for a, b in pairwise(self.from_)):
            raise ValueError("the lower ends of bands must rise")
        return self


class ReleaseSettings(Model):
    """De-identified micro-data for other researchers; docs/erase_and_release.md says what each means.

    Attributes
    ----------
    k : int
        Households that share a combination of what may be known of them, and teams that share area and arm.
    area_list : str
        List of units by which the place is told.
    teams : bool
        Whether each household has a random number of its team.
    quasi : tuple of str
        Variables of a household that may be known from elsewhere; suppressed from the last on.
    answers : tuple of str
        Variables of a household and wave.
    sensitive : tuple of str
        Those of `answers` that may go although the register calls them sensitive.
    recode : dict
        Rules of coarsening by variable.
    terms : str
        Licence or terms of use, or empty.
    """

    k: Annotated[int, Field(ge=2)]
    area_list: str
    teams: bool
    quasi: tuple[str, ...]
    answers: tuple[str, ...]
    sensitive: tuple[str, ...]
    recode: dict[str, Recoding]
    terms: str

    @model_validator(mode="after")
    def _names_fit(self) -> ReleaseSettings:
        names = [*self.quasi, *self.answers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"named twice in quasi and answers: {', '.join(twice)}")
        if strange := sorted(set(self.sensitive) - set(self.answers)):
            raise ValueError(f"sensitive, but not among answers: {', '.join(strange)}")
        if strange := sorted(set(self.recode) - set(names)):
            raise ValueError(f"recoded, but neither in quasi nor in answers: {', '.join(strange)}")
        return self

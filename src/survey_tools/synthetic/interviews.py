"""Hold what the answers of all interviews follow from: traits, respondents, outcomes and draws.

Asks no question itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_tools.synthetic.draws import Array, Weights, pick, text, tick
from survey_tools.synthetic.parameters import DistrictParameters


@dataclass(frozen=True)
class Interviews:
    """All interviews of the survey, one entry an interview in every array.

    Attributes
    ----------
    frame : DataFrame
        household, wave_no, commune_code, intensive, engagement, start, straight, reached and the
        outcomes, sells_any, income_band, consent_sensitive, consent_gps, consent_recontact, lat, lon.
    respondents : DataFrame
        Of `record_rosters`.
    schools : array of object
        Answer to the question on school levels.
    parameters : DistrictParameters
    rng : Generator
    """

    frame: pd.DataFrame
    respondents: pd.DataFrame
    schools: Array
    parameters: DistrictParameters
    rng: np.random.Generator

    @property
    def n(self) -> int:
        """Number of interviews."""
        return len(self.frame)

    @property
    def x(self) -> Array:
        """Engagement of the household, -1 to 1."""
        return self.of("engagement")

    @property
    def age(self) -> Array:
        """Recorded age of the respondent, years."""
        return self.respondents["resp_age"].to_numpy()

    @property
    def reached(self) -> Array:
        """Whether the household was reached in the last 6 months."""
        return self.of("reached") == 1

    def of(self, name: str) -> Array:
        """One column of `frame`."""
        return self.frame[name].to_numpy()

    def yes(self, name: str) -> Array:
        """Whether a 0/1 column (an outcome) is 1; False where it is missing."""
        return self.of(name) == 1

    def agreed(self, name: str) -> Array:
        """Whether a consent was given."""
        return self.of(name) == "yes"

    def draw(self) -> Array:
        """Fresh uniforms, one an interview."""
        return self.rng.random(self.n)

    def lasting(self) -> Array:
        """Uniforms that stay the same for a household in all its interviews."""
        household = self.of("household")
        return self.rng.random(int(household.max()) + 1)[household]

    def choose(self, weights: Weights) -> Array:
        """Pick one code an interview."""
        return pick(self.draw(), weights)

    def tick(self, chances: Weights, fallback: str) -> Array:
        """Tick codes of a select_multiple."""
        return tick(self.rng, self.n, chances, fallback)

    def whole(self, mean: float | Array, sd: float, low: int, high: int) -> Array:
        """Whole numbers as text, near `mean`, inside `low..high`."""
        return text(np.clip(np.round(self.rng.normal(mean, sd, self.n)), low, high))

    def unless_straight(self, usual: Array, code: str) -> Array:
        """Let a straight-lining enumerator write the same code for everybody."""
        return np.where(self.of("straight"), code, usual)

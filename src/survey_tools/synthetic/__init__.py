"""A synthetic district with a documented true effect, recorded as the real form would have recorded it.

No stage imports this room: it makes what a server would hold, for tests, the demo and the validation.
"""

from survey_tools.synthetic.audit import audit_logs
from survey_tools.synthetic.district import District, simulate, simulate_responses
from survey_tools.synthetic.outcomes import OutcomeParameters
from survey_tools.synthetic.parameters import (
    DistrictParameters,
    PlantedParameters,
    WaveParameters,
)
from survey_tools.synthetic.rows import submissions
from survey_tools.synthetic.truth import truth

__all__ = [
    "District",
    "DistrictParameters",
    "OutcomeParameters",
    "PlantedParameters",
    "WaveParameters",
    "audit_logs",
    "simulate",
    "simulate_responses",
    "submissions",
    "truth",
]

"""Effects of single communes, alone and partially pooled; ranks nothing."""

from survey_tools.estimate.communes.effects import commune_effects
from survey_tools.estimate.communes.limits import smallest_p
from survey_tools.estimate.communes.mixed import mixed_check
from survey_tools.estimate.communes.pooling import Pooled, pool
from survey_tools.estimate.communes.random_effects import RandomEffects, random_effects

__all__ = [
    "Pooled",
    "RandomEffects",
    "commune_effects",
    "mixed_check",
    "pool",
    "random_effects",
    "smallest_p",
]

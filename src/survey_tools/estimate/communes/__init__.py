"""Effects of single communes, alone and partially pooled; ranks nothing."""

from survey_tools.estimate.communes.effects import commune_effects
from survey_tools.estimate.communes.pooling import Pooled, pool

__all__ = ["Pooled", "commune_effects", "pool"]

"""All scenarios, in the order of the results."""

import families
import main_design
import single_communes
import staggered_starts
import synthetic_district

SCENARIOS = [
    *main_design.SCENARIOS,
    *single_communes.SCENARIOS,
    *families.SCENARIOS,
    *staggered_starts.SCENARIOS,
    *synthetic_district.SCENARIOS,
]

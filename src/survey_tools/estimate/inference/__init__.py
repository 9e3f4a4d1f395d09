"""Tests that do not lean on many clusters: randomisation, wild bootstrap, families of outcomes."""

from survey_tools.estimate.inference.clusters import effective_clusters
from survey_tools.estimate.inference.families import (
    benjamini_hochberg,
    holm,
    romano_wolf,
    sharpened_q,
)
from survey_tools.estimate.inference.randomisation import (
    RandomisationP,
    RandomisationTest,
    randomisation_p,
    randomisation_test,
)
from survey_tools.estimate.inference.redraw import Assignments, redraw
from survey_tools.estimate.inference.table import inference_table, with_randomisation_p
from survey_tools.estimate.inference.wild import WildBootstrap, wild_bootstrap

__all__ = [
    "Assignments",
    "RandomisationP",
    "RandomisationTest",
    "WildBootstrap",
    "benjamini_hochberg",
    "effective_clusters",
    "holm",
    "inference_table",
    "randomisation_p",
    "randomisation_test",
    "redraw",
    "romano_wolf",
    "sharpened_q",
    "wild_bootstrap",
    "with_randomisation_p",
]

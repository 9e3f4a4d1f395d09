"""Make a pack by which a stranger reproduces a run: code, parameters, delivered numbers, and how to proceed.

docs/replication.md says what is in it and why. Not here: de-identified micro-data
(survey_tools.run.release), or comparing two runs (survey_tools.run.compare).
"""

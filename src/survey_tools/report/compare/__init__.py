"""Show what differs between the pages of two runs: a page in each language, and a list of all of it.

Not here: finding the differences (survey_tools.run.compare).
"""

"""Tell which numbers, tables, figures and hidden cells of the pages differ between two runs, and why.

Reads finished pages only. Not here: how the answer is shown (survey_tools.report.compare).
"""

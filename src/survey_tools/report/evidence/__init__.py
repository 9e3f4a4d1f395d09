"""The district page's evidence: how sure, for whom, through what, when, and what could be wrong.

Made from disclosed results like all other pages; estimates nothing.
"""

from survey_tools.report.evidence import figures, sentences, tables

__all__ = ["figures", "sentences", "tables"]

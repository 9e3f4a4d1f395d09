"""Sentences, tables and next steps of a commune's page; decides nothing about what may be shown."""

from survey_tools.report.commune import sentences, steps, tables

__all__ = ["sentences", "steps", "tables"]

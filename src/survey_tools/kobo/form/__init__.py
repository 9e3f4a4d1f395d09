"""Model a form, evaluate its expressions, and hold one submission against it.

Not here: many rows at once (`tables`).
"""

from survey_tools.kobo.form.model import Form, Group, Question, read_forms

__all__ = ["Form", "Group", "Question", "read_forms"]

"""Keep a survey's rows, with all their versions, in one SQLite file.

Not here: asking the server.
"""

from survey_tools.kobo.store.rows import Store, utc_now

__all__ = ["Store", "utc_now"]

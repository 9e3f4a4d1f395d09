"""The pages around the pages: the index of a run, and the tile map that the district's page shows, too."""

from survey_tools.report.site.index import write_index

__all__ = ["write_index"]

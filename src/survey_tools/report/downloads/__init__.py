"""What a reader takes away of a page: PDF, DOCX and XLSX beside it, and a CSV of each table within it.

All are made from the finished page's own content and from nothing else, so that the rules of what may be
shown hold for them, too, and they say what the page says. `files` makes those beside, `links` those within.
"""

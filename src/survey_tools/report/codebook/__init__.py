"""Describe every variable on a page and in a table, as far as anybody may know."""

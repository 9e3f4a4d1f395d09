"""Survey and impact-evaluation workspace: pull from KoboToolbox, clean, estimate, report.

Importing the package loads nothing heavy; each room imports its libraries where it uses them.
"""

__version__ = "0.1.0"

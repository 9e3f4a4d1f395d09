"""Run the command line as ``python -m survey_tools.cli``."""

from survey_tools.cli import main

main()

"""Make a pack of de-identified micro-data, and read one back as a stranger would."""

"""Give every answer its type and hold it against the register; makes no analysis variable."""

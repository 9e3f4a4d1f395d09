"""Hold registers against the forms, and start one from any form."""

"""Read the documented corrections and apply them to typed rows; decides none."""

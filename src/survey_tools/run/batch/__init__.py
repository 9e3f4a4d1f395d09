"""A batch of report pages: what has to be made and why, making it here or on a cluster, the record of it."""

"""The same batch on a Dask cluster: checks of the workers, the work there, carrying data and pages."""

"""Start kernels and execute one notebook in one: fork server, provisioner, papermill engine, parameters."""

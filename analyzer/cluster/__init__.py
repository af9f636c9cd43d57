"""The same tables and storms over many files and machines (Dask)."""

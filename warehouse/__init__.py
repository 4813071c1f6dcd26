"""The warehouse: immutable Parquet files and a small versioned DuckDB catalog that says which of them are published.

`staging` holds a run while it is made, `publish` commits it in one step, `reader` and `catalog` answer questions,
`maintenance` and `verify` keep the folder sound, `compare` tells two runs apart.
"""

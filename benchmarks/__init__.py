"""sipcheck held against the tools that a user would otherwise pick, on traffic of any size. `python -m benchmarks`."""

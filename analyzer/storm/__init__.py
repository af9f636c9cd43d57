"""Registration storms found, bounded, divided and explained, on DataFrames alone."""

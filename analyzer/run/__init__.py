"""A run: from inputs to one report, in one process or in several."""

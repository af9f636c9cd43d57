"""Captures read through tshark: the program, one run of it, what it shows as items."""

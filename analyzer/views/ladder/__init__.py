"""The ladder of one address-of-record: what it shows (`model.py`), and a module for each form."""

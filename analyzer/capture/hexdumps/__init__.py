"""What reads hex dumps: rows of digits (`digits.py`), dumps of them (`dumps.py`), what a dump is (`packets.py`)."""

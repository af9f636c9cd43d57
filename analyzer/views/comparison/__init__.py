"""What `sipcheck compare` shows: `words.py` for a person, `record.py` for a machine."""

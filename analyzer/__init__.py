"""sipcheck's analyzer: what was seen of SIP registration, and what it means."""

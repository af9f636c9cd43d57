"""Call flows in documents: what reads the messages that RFCs, slides and pages of the web print as examples."""

"""SIP: octets to messages and values; no input or output, no clock, no third-party import."""

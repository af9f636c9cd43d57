"""What the readers of Asterisk's two SIP channels share."""

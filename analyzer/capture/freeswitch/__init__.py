"""What FreeSWITCH logs beside its siptrace."""

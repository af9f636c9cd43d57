"""What ends an export."""

from __future__ import annotations


class SippError(Exception):
    """The flow or the users cannot be written down for SIPp; one line that says why, without any secret."""

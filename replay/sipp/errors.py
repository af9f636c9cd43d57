"""What ends an export."""

from __future__ import annotations

from analyzer.escape import Told


class SippError(Told):
    """The flow or the users cannot be written down for SIPp; one line that says why, without any secret."""

"""What every notice on registrations has somewhere (`wordings.py`): most lines have none, and need no patterns."""

from __future__ import annotations

_MARKS = (b"egist", b"REGISTER request", b"uthentic", b"failed for '", b"SecurityEvent=", b"fake auth", b"stale nonce",
          b"AOR '", b"for service", b"auth objects", b"configured AORs", b"auth credentials",
          b"' is now ", b".  RTT: ")  # fmt: skip


def may_be_notice(text: bytes) -> bool:
    """Whether a line, or any line of a text, may be a notice."""
    for mark in _MARKS:  # noqa: SIM110  (asked of every line: a generator costs as much as the rest)
        if mark in text:
            return True
    return False

"""Values that programs hash in the place of others: what an unset variable prints, and what should have been random."""

from __future__ import annotations

PLACEHOLDERS = ("None", "null", "NULL", "(null)", "undefined", "nil", "<nil>", "0", '""', "''")
"""What stands where a value should, beside nothing at all: "nothing" of Python, JavaScript, SQL, C, Go."""
FIXED_CNONCES = ("0a4f113b", "xyz", "6b8b4567", "327b23c6", "00000000", "12345678", "1")
"""The examples of RFC 2617 3.5 and of manuals, and the first two numbers of the C library's generator where nobody
seeds it (SIPp before 3.7)."""


def placeholders(cnonce: str) -> tuple[str, ...]:
    """All that may stand for this cnonce; Python prints octets as `b'...'`."""
    return (*PLACEHOLDERS, f"b'{cnonce}'")

"""Values of the wire beside a finding's sentence: two that are told apart, and none with a password."""

from __future__ import annotations

import re

from analyzer.judge.findings import NO_VALUES, Values

_PASSWORD = re.compile(r"(?i)(\bsips?:[^:@\s<>]*):(?:[^@\s<>]*(?=@)|[^@\s<>;?]*(?=\.\.\.$))")
"""That of a SIP URI (RFC 3261 19.1.1), which may be cut off before its `@`."""


def apart(seen: str, due: str) -> Values:
    """What was seen and what should stand there, both as they are told (`clip`): none where what differs was cut off
    both, or is a password. One that is empty is called so."""
    values = Values(without_password(seen) or "empty", without_password(due) or "empty")
    return values if values.observed != values.expected else NO_VALUES


def without_password(told: str) -> str:
    """Wire text with `...` in the place of each SIP URI's password: a value may go into other programs' records."""
    return _PASSWORD.sub(r"\1:...", told) if ":" in told else told

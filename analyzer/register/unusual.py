"""What hardly any message has: the marks by which the rules about the form of a request are spared the asking.

Nearly every request writes its values as the grammar's examples do. Here is looked only whether that may be otherwise;
what it means is for the rules. Each question is asked of every message: they read what was parsed already.
"""

from __future__ import annotations

from analyzer.sip.message import Message


def is_unusual_request(message: Message) -> bool:
    """Whether a value of the request may leave the grammar, or is one that requests seldom have."""
    cseq = message.cseq
    return cseq is None or cseq.defects != () or cseq.method != message.method

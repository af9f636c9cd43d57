"""Tools that guess accounts and passwords, by what they call themselves in User-Agent if nobody told them otherwise.

SIPVicious (`friendly-scanner`) and its like register with one password after the other, or one name after the other. A
refusal of theirs is no trouble of a phone, and its password is not to be mended. Whoever wants to hide takes another
name, so that the name is missing proves nothing.
"""

from __future__ import annotations

import re

SCANNERS = ("friendly-scanner", "sipvicious", "sundayddr", "sipcli", "sip-scan", "iwar", "pplsip", "smap")
"""Words of User-Agent values, in small letters."""
AS_A_WORD = rf"(?<![a-z])(?:{'|'.join(SCANNERS)})"
"""As a pattern: `BetterSIPClient` is none."""
_NAMED = re.compile(AS_A_WORD)


def is_scanner(user_agent: str) -> bool:
    """Whether a User-Agent is the name of a tool for guessing."""
    return _NAMED.search(user_agent.lower()) is not None

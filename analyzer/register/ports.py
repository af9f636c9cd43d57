"""A port that looks like a slip of the pen: 5600 where 5060 was meant.

SIP's ports are few (RFC 3261 19.1.2), and typed by hand into phones and trunks. A port is a slip of one of them if one
stroke makes it so: a digit too many, too few or another one, or two digits changed with each other. Ports that some
server listens on by default are none, however near they are.
"""

from __future__ import annotations

USUAL = {"UDP": 5060, "TCP": 5060, "SCTP": 5060, "TLS": 5061}
"""The port of SIP by transport (RFC 3261 19.1.2)."""
IN_USE = frozenset((5080, 5081, 5160, 5161))
"""Defaults of servers, one stroke from 5060: FreeSWITCH's external profile, the second SIP driver of FreePBX."""
OF_TLS = 5061


def meant(port: int, transport: str) -> int | None:
    """The port that was probably meant; None where `port` is the usual one, another server's default, or far from it.

    5061 without TLS counts as a slip: it is the port of SIP over TLS."""
    usual = USUAL.get(transport)
    if usual is None or port == usual or port in IN_USE:
        return None
    if port == OF_TLS or (transport == "TLS" and port == USUAL["UDP"]):
        return usual
    return usual if is_one_stroke(str(port), str(usual)) else None


def is_one_stroke(one: str, other: str) -> bool:
    """Whether two strings differ by one insertion, deletion or substitution, or by two characters changed about."""
    if len(one) == len(other):
        at = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        return len(at) == 1 or (len(at) == 2 and one[at[0]] == other[at[1]] and one[at[1]] == other[at[0]])
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))

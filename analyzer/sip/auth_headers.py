"""Which header carries what when somebody has to prove who he is (RFC 3261 22); names are canonical keys.

A registrar or user agent server asks with 401 and WWW-Authenticate and is answered in Authorization (22.2); a proxy
asks with 407 and Proxy-Authenticate and is answered in Proxy-Authorization (22.3).
"""

from __future__ import annotations

CREDENTIALS = ("authorization", "proxy-authorization")
"""The header fields that carry credentials (RFC 3261 20.7, 20.28)."""
CHALLENGES = ("www-authenticate", "proxy-authenticate")
"""The header fields that carry challenges (RFC 3261 20.44, 20.27)."""
HEADER_NAMES = {
    "authorization": "Authorization",
    "proxy-authorization": "Proxy-Authorization",
    "www-authenticate": "WWW-Authenticate",
    "proxy-authenticate": "Proxy-Authenticate",
}
"""Their usual spelling."""
ANSWERED_IN = dict(zip(CHALLENGES, CREDENTIALS, strict=True))
"""Header of a challenge -> header of the credentials for it (RFC 3261 22.2, 22.3)."""
CHALLENGED_IN = {401: "www-authenticate", 407: "proxy-authenticate"}
"""Status that asks for credentials -> header of its challenge (RFC 3261 21.4.2, 21.4.8)."""
REFUSED_IN = {status: ANSWERED_IN[header] for status, header in CHALLENGED_IN.items()}
"""Status that asks for credentials -> header whose credentials it does not accept (RFC 3261 22.2, 22.3)."""
INFO_OF = {"authorization": "authentication-info", "proxy-authorization": "proxy-authentication-info"}
"""Header of credentials -> header in which who accepts them may say more (RFC 7616 3.5, RFC 3261 20.6)."""

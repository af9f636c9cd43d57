"""The parameters of rules that several of them have, or that the catalogue gives numbers for (docs/rules/conventions.md
5). Times are nanoseconds."""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.register import scanners

AGAIN = 60 * SECOND
"""Within it credentials that were refused are sent again by the phone itself (R3261-22.1-same-credentials)."""
HUMAN_RETRY = 15 * SECOND
"""What comes later than this may be somebody who typed the password anew."""

PROVEN = 5
"""Different responses to one challenge, all else being equal, from which on passwords are guessed (DET-brute-user)."""
BRUTE = 20
"""Refused tries for one user within `BRUTE_WINDOW` that are guessing, where they do not look like one phone."""
BRUTE_WINDOW = 600 * SECOND
BRUTE_DAY = 100
"""... and within a day."""
BRUTE_HOSTS = 5
"""Addresses, or contacts, from which on refused tries for one user do not look like one phone."""
SCANNERS = (*scanners.SCANNERS, "vaxsipuseragent")
"""What tools for scanning call themselves in User-Agent, lower-case."""

ENUM_USERS = 10
"""Users from one source within `ENUM_WINDOW` from which on it may be looking for users (DET-enum-users)."""
ENUM_WINDOW = 300 * SECOND
ENUM_FAILED = 0.9
"""... if so many of them get nothing."""
FLOOD_RATE = 10
"""New REGISTER transactions a second from one source, over ten seconds, that are a flood (DET-register-flood)."""
FLOOD_USERS = 3
"""... for no more users than these: a site behind one address has more."""
FLOOD_TOTAL = 50
"""REGISTERs a second of all together, over ten seconds, that are a flood ..."""
FLOOD_FACTOR = 5
"""... if the usual load is so many times less."""
HERD = 20
"""Clients of a server from which on their times can be called alike (DET-herd)."""
HERD_LENGTH = 0.5
"""Mean resultant length of their phases from which on they are."""
HERD_CHANCE = 0.001
"""Chance (Rayleigh) below which that is none."""
AVALANCHE_WINDOW = 60 * SECOND
AVALANCHE_SHARE = 0.3
"""Share of the clients of a server that begin anew within `AVALANCHE_WINDOW` from which on it is an avalanche."""
SHORT_SHARE, SHORT_REFRESH = 0.25, 120 * SECOND
"""Refreshes this much earlier than the binding's end, and this fast, are too fast (DET-short-refresh)."""
SHORT_GRANT = 60
"""Seconds below which a granted interval is short."""
SHORT_INTERVALS = 5
"""Intervals by which the pace of a client is told."""
CHURN_HOSTS, CHURN_PORTS = 3, 5
"""Addresses, or UDP ports of one, within a granted interval under one Call-ID, from which on a registration keeps
moving (DET-source-churn)."""
HIJACK_WINDOW = 60 * SECOND
"""Within it a stranger removes a contact and registers its own (DET-hijack)."""


def is_scanner(user_agent: str) -> bool:
    """Whether a User-Agent is the name of a tool for scanning: it begins so (`BetterSIPClient` is none)."""
    return user_agent.lower().startswith(SCANNERS)

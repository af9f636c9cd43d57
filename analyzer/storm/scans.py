"""Who guesses: names, or the password of a name.

A guesser differs from phones with wrong passwords in that hardly any of its tries gets in, and in that it takes a new
Call-ID for each (a phone keeps one, RFC 3261 10.2). It may send all from one transport address, take a port for each
guess, or come from many hosts against one name; so the same is asked of each transport address, each host, each name,
and each name at a host. Phones behind one NAT have one host: there, nobody at all may have got in.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analyzer.storm.traffic import Codes, Flags, Ints, Traffic

_NAMES, _GUESSES = 10, 30
_LET_IN = 0.1
_DENIED = 0.5
_OWN_CALLS = 0.3
"""A tool's challenge and the guess that answers it share a Call-ID; so do not ask for one of its own for each row."""
_SCANNERS = r"(?<![a-z])(?:friendly-scanner|sipvicious|sundayddr|sipcli|sip-scan|iwar|pplsip|smap)"


def scans_of(traffic: Traffic, success: Flags) -> Flags:
    """The transactions of guessers, and of what calls itself by the name of a tool for that."""
    by_source = _guessing(traffic, success, traffic.source, names=_NAMES, let_in=_LET_IN)
    scan = by_source[traffic.source]
    for group in (traffic.host, traffic.user, traffic.client):
        scan |= _guessing(traffic, success, group, names=_GUESSES, let_in=0.0)[group]
    named = traffic.agents.str.lower().str.contains(_SCANNERS, regex=True)
    found: Flags = scan | np.asarray(named, dtype=bool)[traffic.agent]
    return found


def _guessing(traffic: Traffic, success: Flags, group: Codes, *, names: int, let_in: float) -> Flags:
    """For each code of `group` whether it guesses: at least so many names or Call-IDs, of which few are let in."""
    size = int(group.max(initial=-1)) + 1
    denied = (traffic.status >= 400) & (traffic.status < 500) | (traffic.status >= 600)
    rows, refused = (np.bincount(group[which], minlength=size) for which in (slice(None), denied))
    calls = _different(group, traffic.call, size)
    # Most are out already: only of those that may guess is the rest counted.
    maybe = (refused >= _DENIED * rows) & (calls >= _OWN_CALLS * rows) & (rows >= _NAMES)
    if not maybe.any():
        return maybe
    kept = maybe[group]
    users = _different(group[kept], traffic.user[kept], size)
    within = _different(group[kept & success], traffic.user[kept & success], size)
    guesses: Flags = maybe & (within <= let_in * users) & ((users >= names) | (calls >= _GUESSES))
    return guesses


def _different(group: Codes, values: Codes, size: int) -> Ints:
    """How many different values each code of `group` has."""
    pairs = group.astype(np.int64) * (int(values.max(initial=0)) + 1) + values
    return np.bincount(pd.unique(pairs) // (int(values.max(initial=0)) + 1), minlength=size)

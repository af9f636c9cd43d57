"""A challenge names a realm that is the server's own, and a nonce that nobody can guess or has seen before.

The realm is the name of the user database. It is part of what is hashed, and it tells the phone which password to use,
so it should be unique in the world: the standards suggest the server's domain. `asterisk`, a bare word or an IP address
is shared with thousands of other servers; a table of hashes that was computed once then serves against all of them
(`realm-generic`). It is legal to choose a short realm, so this is for information. Changing it later means that every
stored hash (not the plain passwords) must be made anew.

The nonce is a random number that is good for one challenge. With fewer than 64 bits it can be guessed (`nonce-short`).
The same one for several phones (`nonce-reused`), for an hour or for three phones (`nonce-constant`), or one that
counts up (`nonce-sequential`), lets a recorded answer be used again, or one be prepared in advance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NO_VALUES,
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.challenges import NonceUse, by_realm
from analyzer.register.subjects import MessageSubject
from analyzer.sip.grammar import LHEX
from analyzer.sip.hosts import is_address
from analyzer.sip.text import clip

_BITS = 64
_LONGEST_USE = 3600 * SECOND
_STEPS = 3
"""Small steps up in a row that make a counter; drawn at random it would be a miracle."""
_HEX = re.compile(f"{LHEX}*")
_DEFAULTS = ("asterisk", "freeswitch", "sip", "pbx", "voip", "opensips", "kamailio", "3cxphonesystem", "localhost")


class _Told(NamedTuple):
    """What is said of one sub-code."""

    detail: str
    values: Values = NO_VALUES


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Judge realm and nonce of each Digest challenge (RFC 3261 22.1, RFC 7616 3.3): one answer for each realm."""
    challenges = by_realm(subject.message)
    if not challenges:
        yield NOT_APPLICABLE
        return
    server = subject.transaction.destination.host
    for realm, rows in challenges.items():
        found = dict(_realm(realm))
        for nonce in dict.fromkeys(row.nonce or "" for row in rows):
            found |= {**_nonce(nonce), **_uses(server, realm, nonce, context), **found}
        yield _violated(found, (server, realm)) if found else PASSED


def _violated(found: dict[str, _Told], per: tuple[str, str]) -> Violated:
    shared = any(sub in found for sub in ("nonce-reused", "nonce-constant", "nonce-sequential"))
    severity: Severity = "warning" if shared else "info"
    detail = "; ".join(one.detail for one in found.values())
    known = [one.values for one in found.values() if one.values.observed]
    values = Values("; ".join(one.observed for one in known), "; ".join(one.expected for one in known))
    return Violated(detail, sub=",".join(found), severity=severity, group_key=per, values=values)


@lru_cache(maxsize=256)
def _realm(realm: str) -> dict[str, _Told]:
    why = ""
    if not realm:
        why = "is empty"
    elif realm.lower() in _DEFAULTS:
        why = "is a default that thousands of servers share"
    elif _is_address(realm):
        why = "is an IP address"
    elif "." not in realm:
        why = "is no domain"
    if not why:
        return {}
    values = Values(clip(realm) or "empty", "the server's domain or host name")
    return {"realm-generic": _Told(f"the realm {clip(realm)!r} {why}", values)}


def _is_address(realm: str) -> bool:
    return is_address(realm.strip("[]") if realm.count(":") != 1 else realm.partition(":")[0])


def _nonce(nonce: str) -> dict[str, _Told]:
    """Count 4 bits for a hexadecimal digit, else 6 for a character: what the nonce can hold, not what it does."""
    bits = len(nonce) * (4 if _HEX.fullmatch(nonce) else 6)
    if bits >= _BITS:
        return {}
    return {"nonce-short": _Told(f"the nonce {clip(nonce)!r} has at most {bits} bits, too few by far")}


def _uses(server: str, realm: str, nonce: str, context: CaptureContext) -> dict[str, _Told]:
    """What the capture shows of this nonce and of the ones before it."""
    found: dict[str, _Told] = {}
    use = context.challenges.use(server, realm, nonce)
    if use is not None and _is_reused(use, context):
        calls = len(use.call_ids)
        detail = f"the nonce {clip(nonce)!r} was given to {calls} different Call-IDs"
        values, constant = Values(f"one nonce for {calls} Call-IDs", "a new nonce each time"), calls >= 3
        found["nonce-reused"] = _Told(detail, NO_VALUES if constant else values._replace(expected="a nonce for each"))
        if constant:
            found["nonce-constant"] = _Told("that is no nonce but a constant", values)
    if use is not None and use.span > _LONGEST_USE:
        span = use.span // SECOND
        detail = f"the nonce {clip(nonce)!r} was still given out after {span} s"
        found["nonce-constant"] = _Told(detail, Values(f"one nonce for {span} s", "a new nonce each time"))
    if context.challenges.run(server, realm) >= _STEPS:
        values = Values(clip(nonce) or "empty", "a nonce that nobody can guess")
        found["nonce-sequential"] = _Told(f"the nonces only count up, at last to {clip(nonce)!r}", values)
    return found


def _is_reused(use: NonceUse, context: CaptureContext) -> bool:
    """Several Call-IDs had it. Within a tick one client may: a nonce made of the time is equal for its two lines."""
    return len(use.call_ids) > 1 and (len(use.hosts) > 1 or use.span > max(SECOND, context.resolution))


_OTHER = (
    "From: <sip:eve@example.com>;tag=e1\nTo: <sip:eve@example.com>\nCall-ID: eve@192.0.2.20\n"
    "Contact: <sip:eve@192.0.2.20>"
)
_THIRD = _OTHER.replace("eve", "mal").replace("192.0.2.20", "192.0.2.30")
_SAME = 'WWW-Authenticate: Digest realm="example.com", nonce="ea9c8e88df84f1cec4341ae6cbe5a359", qop="auth"'


def _counting(*nonces: str) -> str:
    """A phone that is challenged again and again, with these nonces."""
    header = 'WWW-Authenticate: Digest realm="example.com", nonce='
    return "\n".join(
        f'@{60 * number} > REGISTER sip:example.com\n< 401\n{header}"{nonce}"' for number, nonce in enumerate(nonces)
    )


RULE = Rule(
    id="R7616-3.3-challenge-quality",
    title="Weak realm or nonce",
    short_title="Weak realm or nonce",
    question="whether realm and nonces are strong",
    clause="RFC 3261 §22.1 (realm globally unique); RFC 7616 §3.3 (nonce unique per 401), §5.2, §5.4",
    force="MUST",
    severity="info",
    at_fault="registrar",
    group="F",
    subject="message",
    check=check,
    applies_if=marks.CHALLENGE,
    observed_at="last",
    join_subs=True,
    why="Precomputation and replay; shared realm confuses key rings.",
    fix="name your domain as the realm (Asterisk: `realm=` in sip.conf, `default_realm=` in the [global] section of "
    "pjsip.conf; Kamailio: the first argument of www_challenge()), and use a server that draws a long random nonce for "
    "each challenge (Asterisk: chan_pjsip, for chan_sip knows only eight digits; Kamailio: `one_time_nonce`, or phones "
    "that come in the same second share one)",
    stacks=("Kamailio 5.6.3, Asterisk 22.10: one nonce for everybody who asks in the same second",),
    examples=(
        bad(
            """
            > REGISTER sip:10.49.0.2
            < 401
            WWW-Authenticate: Digest algorithm=MD5, realm="xivo", nonce="360fd7e8"
            > REGISTER sip:10.49.0.2
            Authorization: {kk80ei secret}
            < 200
            """,
            "realm-generic,nonce-short",
            title="Asterisk chan_sip",
            severity="info",
            log=True,
        ),
        bad(_counting("ea9c8e88df84f1ce").replace("example.com", "198.51.100.1"), "realm-generic", title="an address"),
        bad(_counting("ea9c8e88df84f1ce").replace('"example.com"', '"asterisk"'), "realm-generic", title="a default"),
        bad(_counting("ea9c8e88df84f1ce").replace('"example.com"', '""'), "realm-generic", title="an empty realm"),
        bad(_counting("aGVsbG8gd/"), "nonce-short", title="ten characters of base64"),
        bad(
            f"> REGISTER sip:example.com\n< 401\n{_SAME}\nsrc=192.0.2.20:5060 > REGISTER sip:example.com\n{_OTHER}\n"
            f"< 401\n{_SAME}",
            "nonce-reused",
            title="one nonce for two phones",
            severity="warning",
        ),
        bad(
            f"> REGISTER sip:example.com\n< 401\n{_SAME}\nsrc=192.0.2.20:5060 > REGISTER sip:example.com\n{_OTHER}\n"
            f"< 401\n{_SAME}\nsrc=192.0.2.30:5060 > REGISTER sip:example.com\n{_THIRD}\n< 401\n{_SAME}",
            "nonce-reused,nonce-constant",
            title="one nonce for three phones",
            severity="warning",
        ),
        bad(
            f"> REGISTER sip:example.com\n< 401\n{_SAME}\n@3700 > REGISTER sip:example.com\n< 401\n{_SAME}",
            "nonce-constant",
            title="one nonce for more than an hour",
            severity="warning",
        ),
        bad(
            _counting("00000000000010f0", "00000000000010f1", "00000000000010f3", "00000000000010f4"),
            "nonce-sequential",
            title="a counter",
            severity="warning",
        ),
        bad(
            _counting("1490873751000000", "1490873751000060", "1490873751000120", "1490873751000180"),
            "nonce-sequential",
            title="a clock",
        ),
        good(
            '> REGISTER sip:h\n< 401\nWWW-Authenticate: Digest realm="atlanta.example.com", '
            'nonce="ea9c8e88df84f1cec4341ae6cbe5a359"'
        ),
        good(_counting("aGVsbG8gd/8"), title="eleven characters of base64"),
        good("> REGISTER sip:h\n< 401\n@0.5 > again\n< again", title="the same 401 again for a retransmission"),
        good(
            f"> REGISTER sip:h\n< 401\n{_SAME}, algorithm=SHA-256\n{_SAME}, algorithm=MD5",
            title="both algorithms of one answer",
        ),
        good(
            f"> REGISTER sip:example.com\n< 401\n{_SAME}\n> REGISTER sip:example.com\n"
            f"Call-ID: second-line@192.0.2.10\n< 401\n{_SAME}",
            title="two lines of one phone within a second: a nonce made of the time",
        ),
        good(_counting("00000000000010f0", "00000000000010f1"), title="two in a row may be chance"),
        good(
            _counting(*("ea9c8e88df84f1ce", "1b9c8e88df84f1ce", "779c8e88df84f1ce", "f09c8e88df84f1ce")), title="rising"
        ),
        good("> REGISTER sip:h\n< 200", title="no challenge"),
    ),
)

"""Via: the way a response takes back, and the transaction's name (RFC 3261 20.42, 8.1.1.7, 18.2.1; RFC 3581).

Nearly every Via is as the grammar's examples have it, and one pattern reads it; any other goes piece by piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analyzer.defect import Defect
from analyzer.sip.params import NO_PARAMS, PLAIN_PARAMS, Params, parse_params, plain_params
from analyzer.sip.text import LWS, clip, is_token
from analyzer.sip.uri import canonical_host, port_number, split_hostport

MAGIC_COOKIE = "z9hG4bK"
"""What a branch of RFC 3261 begins with (8.1.1.7)."""

# Ports of sent-by where none is written: RFC 3261 18.1.1, 19.1.2; RFC 7118 4.2.1; RFC 4168.
_DEFAULT_PORTS = {"TLS": 5061, "TLS-SCTP": 5061, "WS": 80, "WSS": 443}


# Lower-case host, so that it is its own canonical form, and no IPv6 address.
_PLAIN = re.compile(rf"SIP/2\.0/([A-Z]+) ([a-z0-9.\-]+)(?::([1-9][0-9]{{0,3}}|[1-5][0-9]{{4}}))?({PLAIN_PARAMS})")


@dataclass(slots=True, unsafe_hash=True)
class Via:
    """One Via value: `protocol` is `SIP/2.0` without blanks, `transport` upper-case, `host` without IPv6 brackets.

    `branch` is the parameter as written, None without one; `sent_by` is `host:port`, the host canonical, the
    transport's default port filled in; `has_cookie` tells whether the branch names a transaction by RFC 3261, with
    magic cookie and more (RFC 4475 3.2.1).
    """

    raw: str
    protocol: str = ""
    transport: str = ""
    host: str = ""
    port: int | None = None
    params: Params = NO_PARAMS
    defects: tuple[Defect, ...] = ()
    branch: str | None = field(default=None, compare=False, repr=False)
    sent_by: str = field(default=":5060", compare=False, repr=False)
    has_cookie: bool = field(default=False, compare=False, repr=False)

    @staticmethod
    def parse(text: str) -> Via:
        """Parse one Via value (not a list). Never raises."""
        plain = _PLAIN.fullmatch(text)
        if plain is not None:
            transport, host, port, tail = plain.groups()
            params = plain_params(tail) if tail else NO_PARAMS
            if params is not None:
                return _via(text, "SIP/2.0", transport, host, int(port) if port else None, params, (), host)
        return Via._parse(text)

    @staticmethod
    def _parse(text: str) -> Via:
        head, semicolon, tail = text.strip(LWS).partition(";")
        words = _sent(head)
        params = parse_params(semicolon + tail)
        if words is None:
            bad = Defect("bad-via", f"no sent-protocol and sent-by in {clip(text)!r}")
            return _via(text, "", "", "", None, params, (bad, *params.defects), "")
        name, version, transport, sent_by = words
        host, port = split_hostport(sent_by)
        number = None if port is None else port_number(port)
        protocol = f"{name}/{version}"
        wrong = _wrong(protocol, transport, host, sent_by.startswith("["), port is not None and number is None)
        canonical = canonical_host(host)
        shown = f"[{canonical}]" if ":" in canonical else canonical
        return _via(text, protocol, transport.upper(), host, number, params, wrong + params.defects, shown)

    @property
    def received(self) -> str | None:
        """The source address that the receiving side saw (18.2.1)."""
        return self.params.get("received")

    @property
    def rport(self) -> str | None:
        """None if absent, "" if asked for (`;rport`), else the source port that the receiving side saw (RFC 3581)."""
        value = self.params.get("rport", "absent")
        return None if value == "absent" else value or ""

    def __str__(self) -> str:
        return self.raw


def _via(
    raw: str,
    protocol: str,
    transport: str,
    host: str,
    port: int | None,
    params: Params,
    defects: tuple[Defect, ...],
    shown: str,
) -> Via:
    """Put a Via together with what is asked of it for every message; `shown` is the host as `sent_by` has it."""
    branch = params.get("branch")
    sent_by = f"{shown}:{_DEFAULT_PORTS.get(transport, 5060) if port is None else port}"
    cookie = branch is not None and branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE)
    return Via(raw, protocol, transport, host, port, params, defects, branch, sent_by, cookie)


def _sent(head: str) -> tuple[str, str, str, str] | None:
    """Cut `SIP / 2.0 / UDP  host : port` at its two slashes and the blank after the transport."""
    name, _, rest = head.partition("/")
    version, slash, rest = rest.partition("/")
    words = rest.split(None, 1)
    if not slash or len(words) != 2:
        return None
    return name.strip(LWS), version.strip(LWS), words[0], words[1].strip(LWS)


def _wrong(protocol: str, transport: str, host: str, bracketed: bool, bad_port: bool) -> tuple[Defect, ...]:
    reasons = []
    if protocol.upper() != "SIP/2.0":
        reasons.append(f"the protocol is {clip(protocol)!r}, not SIP/2.0")
    if not is_token(transport):
        reasons.append(f"the transport {clip(transport)!r} is no token")
    if not host or any(c in host for c in ' \t\r\n"<>@,/') or (":" in host and not bracketed):
        reasons.append(f"{clip(host)!r} is no host")
    if bad_port:
        reasons.append("the port is no number from 0 to 65535")
    return (Defect("bad-via", "; ".join(reasons)),) if reasons else ()

"""Via: the way a response takes back, and the transaction's name (RFC 3261 20.42, 8.1.1.7, 18.2.1; RFC 3581).

Every message has one, and hardly two are equal, so reading it is on the hot path: nearly every Via is as the grammar's
examples have it, and one pattern reads what each message is asked for. Any other goes piece by piece, and the
parameters are parsed when somebody asks.
"""

from __future__ import annotations

import re

from analyzer.defect import Defect
from analyzer.escape import visible
from analyzer.sip.grammar import LWS, PLAIN_PORT, TOKEN
from analyzer.sip.params import Params, parse_params
from analyzer.sip.text import clip, is_token, segments
from analyzer.sip.transports import SIP_PORT, default_port
from analyzer.sip.uri import canonical_host, port_number, split_hostport

MAGIC_COOKIE = "z9hG4bK"
"""What a branch of RFC 3261 begins with (8.1.1.7)."""

# A lower-case host is its own canonical form; beside branch only what a server or RFC 3581 adds.
_ADDED = r"(?:;rport(?:=[0-9]++)?|;received=[0-9.]++)*"
_COMMON_FORM = re.compile(
    rf"SIP/2\.0/([A-Z]+) ([a-z0-9.\-]+)(?::({PLAIN_PORT}))?"
    rf"({_ADDED});branch=({TOKEN})({_ADDED})"
)


class Via:
    """One Via value: `protocol` is `SIP/2.0` without blanks, `transport` upper-case, `host` without IPv6 brackets.

    `branch` is the parameter as written, None without one; `sent_by` is `host:port`, the host canonical, the
    transport's default port filled in; `has_cookie` tells whether the branch names a transaction by RFC 3261, with
    magic cookie and more (RFC 4475 3.2.1).
    """

    __slots__ = (
        "_added",
        "_params",
        "branch",
        "defects",
        "has_cookie",
        "host",
        "port",
        "protocol",
        "raw",
        "sent_by",
        "transport",
    )

    def __init__(
        self,
        raw: str,
        protocol: str,
        transport: str,
        host: str,
        port: int | None,
        branch: str | None,
        sent_by: str,
        params: Params | None = None,
        defects: tuple[Defect, ...] = (),
        added: str | None = None,
    ) -> None:
        self.raw = raw
        self.protocol = protocol
        self.transport = transport
        self.host = host
        self.port = port
        self.branch = branch
        self.sent_by = sent_by
        self.defects = defects
        self._params = params
        self._added = added
        self.has_cookie = branch is not None and branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE)

    @staticmethod
    def parse(text: str) -> Via:
        """Parse one Via value (not a list). Never raises."""
        plain = _COMMON_FORM.fullmatch(text)
        if plain is None:
            return _parse(text)
        transport, host, port, before, branch, after = plain.groups()
        added = before + after
        if added.count(";rport") > 1 or added.count(";received") > 1:
            return _parse(text)
        number = int(port) if port else None
        sent_by = f"{host}:{port}" if port else f"{host}:{default_port(transport)}"
        return Via(text, "SIP/2.0", transport, host, number, branch, sent_by, added=added)

    @property
    def params(self) -> Params:
        """The parameters."""
        if self._params is None:
            self._params = parse_params(self.raw[self.raw.index(";") :])
        return self._params

    @property
    def received(self) -> str | None:
        """The source address that the receiving side saw (18.2.1)."""
        added = self._added
        return self.params.get("received") if added is None else _of(added, ";received")

    @property
    def rport(self) -> str | None:
        """None if absent, "" if asked for (`;rport`), else the source port that the receiving side saw (RFC 3581)."""
        added = self._added
        if added is not None:
            return _of(added, ";rport")
        value = self.params.get("rport", "absent")
        return None if value == "absent" else value or ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Via) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __str__(self) -> str:
        return visible(self.raw)

    def __repr__(self) -> str:
        return f"<Via {clip(self.raw)!r}>"


def parse_vias(value: str) -> list[Via]:
    """Parse every Via of one row, in order; empty list elements leave none."""
    if value and value[0] > " " and value[-1] > " " and "," not in value:
        return [Via.parse(value)]
    return [Via.parse(part.strip(LWS)) for part in segments(value) if part.strip(LWS)]


def _of(added: str, name: str) -> str | None:
    """A parameter of the common form, which is written so and comes once: None if absent, "" without a value."""
    _, is_there, rest = added.partition(name)
    return rest.partition(";")[0][1:] if is_there else None


def _parse(text: str) -> Via:
    head, semicolon, tail = text.strip(LWS).partition(";")
    words = _sent(head)
    params = parse_params(semicolon + tail)
    branch = params.get("branch")
    if words is None:
        bad = Defect("bad-via", f"no sent-protocol and sent-by in {clip(text)!r}")
        return Via(text, "", "", "", None, branch, f":{SIP_PORT}", params, (bad, *params.defects))
    name, version, transport, sent_by = words
    host, port = split_hostport(sent_by)
    number = None if port is None else port_number(port)
    protocol = f"{name}/{version}"
    wrong = _wrong(protocol, transport, host, sent_by.startswith("["), port is not None and number is None)
    transport = transport.upper()
    canonical = canonical_host(host)
    shown = f"[{canonical}]" if ":" in canonical else canonical
    filled = f"{shown}:{default_port(transport) if number is None else number}"
    return Via(text, protocol, transport, host, number, branch, filled, params, wrong + params.defects)


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

"""Flow text: a registration written in a few lines, for the rules' examples and for tests.

A step begins with an optional time (`@1800`, seconds from the start, else 10 ms after the step before), options
(`src=192.0.2.10:5060 dst=198.51.100.1:5060 transport=TCP stream=1 body=v=0`), and an arrow: `>` the client's request,
`<` the registrar's response to the latest request. Header lines below it replace the defaults of that header, `-Name`
leaves it out. `> again` and `< again` repeat the last one octet for octet; `! icmp` is a network error for the last
request; `. ` (a dot) only lets time pass. `~ ping` is a keep-alive of the client, `~ pong` one of the registrar.

    > REGISTER sip:example.com
    < 401
    > REGISTER sip:example.com
    Authorization: {bob secret}
    < 200

The defaults make a clean registration of `sip:bob@example.com`: Via with a branch of its own, one Call-ID, CSeq
counting up by one for each Call-ID, a Contact, `Expires: 3600`; an answer copies what it must (RFC 3261 8.2.6.2), a 401
challenges, a 200 lists the asked contacts and tells the time. `{user password name=value ...}` is replaced by digest
credentials for the latest challenge; named values override what is sent and hashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import formatdate

from analyzer.evidence import SECOND, Endpoint, Fidelity, Frame, Item, NetworkError, RawMessage
from analyzer.register.digest.arithmetic import Reading, expected
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secret
from analyzer.register.requested import requested_expiry
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.sniff import PING, PONG

START = 1_500_000_000 * SECOND
"""The instant `@0`, nanoseconds since the epoch."""
CLIENT = Endpoint("192.0.2.10", 5060)
REGISTRAR = Endpoint("198.51.100.1", 5060)
_STEP = re.compile(r"(?:@(?P<at>[\d.]+)\s+)?(?P<options>(?:\w+=\S+\s+)*)(?P<arrow>[><!.~])\s*(?P<rest>.*)")
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    423: "Interval Too Brief",
}
_CREDENTIALS = re.compile(r"\{(.*)\}")
_HASHED = ("username", "realm", "nonce", "uri", "algorithm", "qop", "nc", "cnonce", "opaque")
_BARE = ("algorithm", "qop", "nc")  # RFC 7616 3.4: these are tokens, not quoted


def read_flow(text: str, *, tail: float = 0.0, log: bool = False) -> Iterator[Item]:
    """The datagrams of a flow, in order; `tail` seconds pass after the last; `log` makes it a printed one-second log.

    Raises ValueError for a line that is no flow text: flows are written by us, not met on the wire.
    """
    writer = _Writer(log=log)
    for step, headers in _steps(text):
        yield writer.step(step, headers)
    if tail:
        yield writer.passing(tail)


def _steps(text: str) -> Iterator[tuple[re.Match[str], list[str]]]:
    step: re.Match[str] | None = None
    headers: list[str] = []
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        found = _STEP.fullmatch(line)
        if found is None:
            if step is None:
                raise ValueError(f"not flow text: {line!r}")
            headers.append(line)
            continue
        if step is not None:
            yield step, headers
        step, headers = found, []
    if step is not None:
        yield step, headers


class _Writer:
    """The state of a flow being written: time, counters, the latest request and challenge."""

    def __init__(self, *, log: bool) -> None:
        self.now = START
        self.number = 0
        self.cseq: dict[str, int] = {}
        self.requests: list[RawMessage] = []
        self.answers: list[RawMessage] = []
        self.challenge: Message | None = None
        self.log = log

    def step(self, step: re.Match[str], headers: list[str]) -> Item:
        """Write one step."""
        self.number += 1
        self.now = START + int(float(step["at"]) * SECOND) if step["at"] else self.now + SECOND // 100
        options = dict(option.split("=", 1) for option in step["options"].split())
        arrow, rest = step["arrow"], step["rest"]
        if arrow == ".":
            return self.passing(0)
        if arrow == "!":
            last = self.requests[-1]
            return NetworkError(
                self._time(),
                self._place(),
                last.source,
                last.destination,
                last.transport,
                "icmp",
                rest,
                stream=last.stream,
            )
        if arrow == "~":
            return self._kept(rest)
        history = self.requests if arrow == ">" else self.answers
        if rest == "again":
            source = _endpoint(options.get("src")) or history[-1].source
            return self._datagram(
                history[-1].payload, source, _endpoint(options.get("dst")) or history[-1].destination, options
            )
        if arrow == ">":
            return self._request(rest, headers, options)
        return self._answer(rest, headers, options)

    def passing(self, seconds: float) -> RawMessage:
        """A request of another phone, by which the capture is seen to go on."""
        self.now += int(seconds * SECOND)
        other = Endpoint("203.0.113.99", 5060)
        lines = [
            "OPTIONS sip:example.com SIP/2.0",
            f"Via: SIP/2.0/UDP {other};branch=z9hG4bKother{self.number}",
            "From: <sip:other@example.com>;tag=o",
            "To: <sip:other@example.com>",
            f"Call-ID: other-{self.number}",
            "CSeq: 1 OPTIONS",
            "Max-Forwards: 70",
            "Content-Length: 0",
        ]
        return self._datagram(_octets(lines), other, REGISTRAR, {})

    def _kept(self, what: str) -> RawMessage:
        """A keep-alive of a connection, or the answer to one (RFC 5626 3.5.1), the way of the latest request."""
        last = self.requests[-1]
        ends = (last.source, last.destination) if what == "ping" else (last.destination, last.source)
        options = {"transport": last.transport, "stream": str(last.stream)}
        return self._datagram(PING if what == "ping" else PONG, *ends, options)

    def _request(self, start: str, headers: list[str], options: dict[str, str]) -> RawMessage:
        source = _endpoint(options.get("src")) or CLIENT
        given = _given(headers)
        method = start.split(" ", 1)[0]
        call_id = "".join(given.get("call-id", ["call-1@192.0.2.10"])[:1])
        given_cseq = "".join(given.get("cseq", [])[:1]).split()
        number = self.cseq.get(call_id, 0) + 1
        if given_cseq and given_cseq[0].isdecimal():
            number = int(given_cseq[0])
        self.cseq[call_id] = number
        transport = options.get("transport", "UDP")
        defaults = {
            "Via": f"SIP/2.0/{transport} {source.written};rport;branch=z9hG4bK{self.number}",
            "Max-Forwards": "70",
            "From": "<sip:bob@example.com>;tag=f1",
            "To": "<sip:bob@example.com>",
            "Call-ID": call_id,
            "CSeq": f"{number} {method}",
            "Contact": f"<sip:bob@{CLIENT}>",
            "Expires": "3600",
            "Content-Length": "0",
        }
        if len(given_cseq) == 1 and given_cseq[0].isdecimal():
            given["cseq"][0] = f"{number} {method}"
        lines = [f"{start} SIP/2.0", *_merge(defaults, given)]
        lines = [_CREDENTIALS.sub(lambda found: self._credentials(found[1], start), line) for line in lines]
        raw_message = self._datagram(_octets(lines), source, _endpoint(options.get("dst")) or REGISTRAR, options)
        self.requests.append(raw_message)
        return raw_message

    def _answer(self, start: str, headers: list[str], options: dict[str, str]) -> RawMessage:
        request = self.requests[int(options["to"]) - 1 if "to" in options else -1]
        asked = parse_bytes(request.payload)
        status = int(start.split()[0])
        reason = start.partition(" ")[2] or _REASONS.get(status, "Whatever")
        to = asked.first("to") or ""
        defaults = {
            "Via": (asked.first("via") or "").replace(
                ";rport;", f";received={request.source.host};rport={request.source.port};"
            ),
            "From": asked.first("from") or "",
            "To": to if status < 200 or ";tag=" in to.partition(">")[2] else f"{to};tag=r1",
            "Call-ID": asked.call_id,
            "CSeq": asked.first("cseq") or "",
        }
        if status in (401, 407):
            name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
            nonce = f"{self.number:08x}" * 4
            defaults[name] = f'Digest realm="example.com", nonce="{nonce}", algorithm=MD5, qop="auth"'
        contacts = _granted(asked) if 200 <= status < 300 else ""
        if contacts:
            defaults["Contact"] = contacts
        if 200 <= status < 300 and asked.method == "REGISTER":
            defaults["Date"] = formatdate(self.now // SECOND, usegmt=True)
        defaults["Content-Length"] = "0"
        lines = [f"SIP/2.0 {status} {reason}", *_merge(defaults, _given(headers))]
        source = _endpoint(options.get("src")) or request.destination
        destination = _endpoint(options.get("dst")) or request.source
        raw_message = self._datagram(_octets(lines), source, destination, {"transport": request.transport} | options)
        message = parse_bytes(raw_message.payload)
        self.challenge = message if message.challenges else self.challenge
        self.answers.append(raw_message)
        return raw_message

    def _credentials(self, given: str, start: str) -> str:
        user, password, *pairs = given.split()
        named = dict(pair.split("=", 1) for pair in pairs)
        challenge = self.challenge.challenges[0] if self.challenge else None
        values = {
            "realm": (challenge.realm if challenge else None) or "example.com",
            "nonce": (challenge.nonce if challenge else None) or "",
            "uri": start.split()[1],
            "algorithm": (challenge.algorithm if challenge else None) or "MD5",
            "qop": "auth" if challenge and "auth" in challenge.qop_options else "",
        } | {key: value for key, value in named.items() if key != "response"}
        if values["qop"]:
            values = {"nc": "00000001", "cnonce": "c0ffee"} | values
        values = {"username": user} | values
        hashed = {name: value for name, value in values.items() if name in _HASHED}
        digest = DigestInput(method=start.split()[0], response="", **hashed)  # type: ignore[arg-type]
        right = expected(Reading(digest, (digest.nonce, digest.cnonce)), Secret(password, username=digest.username))
        values["response"] = named.get("response") or right or ""
        written = ((name, value if name in _BARE else f'"{value}"') for name, value in values.items() if value)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in written)

    def _datagram(self, payload: bytes, source: Endpoint, destination: Endpoint, options: dict[str, str]) -> RawMessage:
        return RawMessage(
            payload + options.get("body", "").encode(),
            self._time(),
            self._place(),
            source,
            destination,
            options.get("transport", "UDP"),
            Fidelity.TEXT_LOG if self.log else Fidelity.WIRE,
            ip_id=int(options.get("ip_id", self.number)),
            stream=int(options.get("stream", 0)),
        )

    def _time(self) -> int:
        return self.now // SECOND * SECOND if self.log else self.now

    def _place(self) -> Frame:
        return Frame("flow", self.number)


def _given(headers: list[str]) -> dict[str, list[str]]:
    """Header lines by canonical lower-case name; a left-out header has an empty list."""
    given: dict[str, list[str]] = {}
    for line in headers:
        if line.startswith("-"):
            given[line[1:].strip().lower()] = []
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"not a header: {line!r}")
        key = parse_bytes(f"OPTIONS sip:x SIP/2.0\r\n{name}: x\r\n\r\n".encode()).headers[0].key
        given.setdefault(key, []).append(value.strip())
        given.setdefault(f"name of {key}", []).append(name)
    return given


def _merge(defaults: dict[str, str], given: dict[str, list[str]]) -> Iterator[str]:
    known = {name.lower() for name in defaults}
    for name, value in defaults.items():
        rows = given.get(name.lower(), [value])
        names = given.get(f"name of {name.lower()}", [name] * len(rows))
        yield from (f"{written}: {row}" for written, row in zip(names, rows, strict=True))
    for key, rows in given.items():
        if key not in known and not key.startswith("name of "):
            yield from (f"{name}: {row}" for name, row in zip(given.get(f"name of {key}", []), rows, strict=True))


def _granted(asked: Message) -> str:
    rows = []
    for contact in asked.contacts:
        expiry = requested_expiry(contact, asked.expires)
        if not contact.star and contact.uri is not None and expiry != 0:
            rows.append(f"<{contact.uri.text}>;expires={3600 if expiry is None else expiry}")
    return ", ".join(rows)


def _octets(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def _endpoint(text: str | None) -> Endpoint | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    return Endpoint(host.strip("[]"), int(port))

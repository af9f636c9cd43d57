"""Checks of messages and of what is inside them."""

from __future__ import annotations

from dataclasses import replace

from analyzer.evidence import Endpoint, Fidelity, Frame, RawMessage
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import judge
from analyzer.run.pipeline import analyze_items
from analyzer.sip.auth import AuthValue, parse_auth_params, parse_challenges, parse_credentials
from analyzer.sip.message import Message, parse
from analyzer.sip.text import text
from tests.fuzz.invariant import bounded, sound_defects

CLIENT, SERVER = Endpoint("192.0.2.10", 5060), Endpoint("198.51.100.1", 5060)
LAZY = (
    "has_mandatory", "uri", "call_id", "cseq", "vias", "via", "from_", "to", "contacts", "expires", "min_expires",
    "retry_after", "max_forwards", "user_agent", "credentials", "challenges", "date", "is_register", "cut_header",
)  # fmt: skip
SECRETS = Secrets(
    [Secret("s3cret", username="bob"), Secret("0" * 32, username="eve", realm="r", kind="ha1")],
    for_all=Secret("other"),
)


def force(message: Message) -> None:
    """Read every value that is parsed on demand, and what can be asked of it."""
    for name in LAZY:
        value = getattr(message, name)
        for one in value if isinstance(value, list) else [value]:
            str(one)
            sound_defects(getattr(one, "defects", ()))
    for via in message.vias:
        assert via.sent_by
        via.has_cookie, via.received, via.rport, hash(via)
    for address in [*message.contacts, *filter(None, (message.from_, message.to))]:
        address.tag, address.expires, address.q, hash(address)
    for auth in [*message.credentials, *message.challenges]:
        _ask(auth)
    sound_defects(defect for _, defect in message.located_defects())
    sound_defects(message.all_defects())
    repr(message)


def _ask(auth: AuthValue) -> None:
    for name in dir(type(auth)):
        if not name.startswith("_") and isinstance(getattr(type(auth), name), property):
            getattr(auth, name)
    sound_defects(auth.defects)


def whole(message: Message) -> bool:
    """Whether the message can be put together again from its parts."""
    rows, raw = message.headers, message.raw
    start = rows[0].start if rows else message.head_end
    parts = raw[:start] + b"".join(raw[row.start : row.end] for row in rows)
    return parts + raw[message.head_end : message.body_start] + message.body + message.trailing == raw


def check_message(octets: bytes) -> None:
    """A message from the wire, the same cut by a capture, the same from a log, the same out of a stream."""
    wire = RawMessage(octets, None, Frame("file", 1), CLIENT, SERVER)
    forms = (wire, replace(wire, missing=7), replace(wire, fidelity=Fidelity.TEXT_LOG), replace(wire, transport="TCP"))
    for raw_message in forms:
        with bounded(len(octets), calls=30, copies=400, start=20_000):
            message = parse(raw_message)
            force(message)
        assert whole(message)
        assert len(message.defects) <= 200
        assert len(message.headers) <= len(octets)


CHALLENGED = (
    b"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK%d\r\nFrom: <sip:bob@x>;tag=1\r\n"
    b"To: <sip:bob@x>;tag=2\r\nCall-ID: c\r\nCSeq: %d REGISTER\r\nWWW-Authenticate: %b\r\nContent-Length: 0\r\n\r\n"
)
REQUEST = (
    b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK%d\r\nFrom: <sip:bob@x>;tag=1\r\n"
    b"To: <sip:bob@x>\r\nCall-ID: c\r\nCSeq: %d REGISTER\r\nContact: <sip:bob@192.0.2.10>\r\nAuthorization: %b\r\n"
    b"Content-Length: 0\r\n\r\n"
)


def check_digest(octets: bytes) -> None:
    """A challenge and credentials, set apart by a zero octet: parsed, judged, and in the talk that holds them."""
    challenge, _, credentials = octets.partition(b"\0")
    with bounded(len(octets), calls=80, copies=600, start=20_000):
        found = parse_credentials("authorization", text(credentials))
        _ask(found)
        challenges = parse_challenges("www-authenticate", text(challenge))
        for one in challenges:
            _ask(one)
        assert len(challenges) <= len(challenge) + 1
        assert len(parse_auth_params(text(octets))) <= len(octets)
    with bounded(len(octets), calls=4000, copies=20_000, start=2_000_000):
        verdict = judge(from_credentials(found, "REGISTER", b""), SECRETS)
        assert verdict.reason or verdict.verdict.value == "match"
        _talk(challenge, credentials, SECRETS if len(octets) % 8 == 0 else Secrets())  # the diagnosis is slow


def _talk(challenge: bytes, credentials: bytes, secrets: Secrets) -> None:
    at = Frame("flow", 1)
    items = [
        RawMessage(REQUEST % (1, 1, credentials), 10**18, at, CLIENT, SERVER),
        RawMessage(CHALLENGED % (1, 1, challenge), 10**18 + 1, at, SERVER, CLIENT),
        RawMessage(REQUEST % (2, 2, credentials), 10**18 + 2, at, CLIENT, SERVER),
        RawMessage(CHALLENGED % (2, 2, challenge), 10**18 + 3, at, SERVER, CLIENT),
    ]
    report = analyze_items(items, secrets=secrets)
    assert not report.failed, [finding.detail for finding in report.findings]

"""Traffic in which every place that a sender fills says something hostile: as a capture, and as a server's log."""

from __future__ import annotations

import random

from tests.capture.build import ALICE, REGISTRAR, ethernet, ip4, pcap, udp

MARK = "Mk7"
"""Stands beside the hostile text, so that a test can see that the place was shown at all."""

TEXTS = {
    "clear screen": "\x1b[2J\x1b[H",
    "colour": "\x1b[31;5m",
    "title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;http://evil.invalid\x1b\\",
    "device": "\x1bP1$r\x1b\\\x1b[6n\x1bc",
    "C1 in UTF-8": "\x9b2J\x9d0;x\x9c\x90\x85\x8d",
    "C1 in octets": "\udc9b2J\udc9d0;x\udc9c\udc85",
    "C0": "".join(map(chr, range(1, 32))).replace("\n", "").replace("\r", "") + "\x7f",
    "NUL": "a\0b",
    "CR": "over\rwrite",
    "backspace": "abc\b\b\b\x07",
    "bidi": "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",
    "zero width": "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f",
    "separators": "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\x1f",
    "lone surrogates": "\udced\udca0\udc80\udcff\udcfe",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "marks": "e" + "\u0301" * 40 + "\u20dd",
    "wide": "日本語" * 30 + "👨\u200d👩\u200d👧",
    "formula": "=HYPERLINK(0)+@SUM(1)-cmd|' /C calc'!A0",
    "markup": "[red]x[/red][link=x]:smile:<script>alert(1)</script>&amp;",
    "formats": "%s%n{0}{name}%(x)s\\x41\\u202e\\n$HOME`id`",
    "json": '"},{"x":1}\\"\\',
}
_BREAKING = ("json", "wide", "marks", "markup", "CR", "formula")
EVERYTHING = "".join(text for name, text in TEXTS.items() if name not in _BREAKING)
"""All that leaves a message readable where it stands: no quotes, commas or brackets, and no end of a line."""

PLACES = (
    "method", "uri", "via", "branch", "display", "user", "tag", "domain", "call_id", "cseq", "contact",
    "agent", "header", "value", "reason", "realm", "nonce", "qop", "algorithm", "opaque", "username", "response",
    "warning", "body",
)  # fmt: skip

_REQUEST = """\
REGISTER sip:{uri}lab.invalid SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1{via};branch=z9hG4bK{number}{branch}
Max-Forwards: 70
From: "{display}" <sip:{user}bob@{domain}lab.invalid>;tag=f1{tag}
To: "{display}" <sip:{user}bob@{domain}lab.invalid>
Call-ID: c1{call_id}
CSeq: {number} REGISTER{cseq}
Contact: <sip:bob{contact}@10.0.0.1:5060>
User-Agent: phone {agent}
X-{header}: {value}
Expires: 3600
{authorization}Content-Length: 0

"""
_AUTHORIZATION = (
    'Authorization: Digest username="bob{username}", realm="lab{realm}", nonce="n1{nonce}", '
    'uri="sip:lab.invalid{uri}", response="0123456789abcdef0123456789abcdef{response}", '
    'algorithm=MD5{algorithm}, qop=auth{qop}, nc=00000001, cnonce="x", opaque="o{opaque}"\n'
)
_ANSWER = """\
SIP/2.0 {status} {phrase}{reason}
Via: SIP/2.0/UDP 10.0.0.1{via};branch=z9hG4bK{number}{branch}
From: "{display}" <sip:{user}bob@{domain}lab.invalid>;tag=f1{tag}
To: "{display}" <sip:{user}bob@{domain}lab.invalid>;tag=t1
Call-ID: c1{call_id}
CSeq: {number} REGISTER{cseq}
Server: registrar {agent}
{challenge}Warning: 399 lab "{warning}"
Content-Length: 0

"""
_CHALLENGE = (
    'WWW-Authenticate: Digest realm="lab{realm}", nonce="n1{nonce}", algorithm=MD5{algorithm}, qop="auth{qop}", '
    'opaque="o{opaque}"\n'
)
_OTHER = """\
NOTIFY{method} sip:{uri}lab.invalid SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1{via};branch=z9hG4bKn
From: <sip:{user}bob@{domain}lab.invalid>;tag=f2
To: <sip:{user}bob@{domain}lab.invalid>
Call-ID: c2{call_id}
CSeq: 1 NOTIFY{method}
Content-Length: 20

{body}
"""
_ASKED = """\
REGISTER sip:lab.invalid SIP/2.0
Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKg
Max-Forwards: 70
From: <sip:{user}carol@lab.invalid>;tag=f3
To: <sip:{user}carol@lab.invalid>
Call-ID: c3{call_id}
CSeq: 1 REGISTER
Contact: <sip:carol{contact}@10.0.0.1:5060>
Expires: 60
Content-Length: 0

"""
_GRANTED = """\
SIP/2.0 200 OK{reason}
Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKg
From: <sip:{user}carol@lab.invalid>;tag=f3
To: <sip:{user}carol@lab.invalid>;tag=t3
Call-ID: c3{call_id}
CSeq: 1 REGISTER
Contact: <sip:carol{contact}@10.0.0.1:5060>;expires=60
Content-Length: 0

"""


def dialogue(places: dict[str, str]) -> list[tuple[bool, str]]:
    """A refused registration with a wrong digest, another request, and a registration that is granted: (from the
    phone, message with LF)."""
    said = dict.fromkeys(PLACES, "") | places
    answer = {"challenge": "", "phrase": "Forbidden"} | said
    authorization, challenge = _AUTHORIZATION.format(**said), _CHALLENGE.format(**said)
    unauthorized = answer | {"challenge": challenge, "phrase": "Unauthorized"}
    return [
        (True, _REQUEST.format(number=1, authorization="", **said)),
        (False, _ANSWER.format(number=1, status=401, **unauthorized)),
        (True, _REQUEST.format(number=2, authorization=authorization, **said)),
        (False, _ANSWER.format(number=2, status=403, **answer)),
        (True, _OTHER.format(**said)),
        *((from_phone, message.format(**said)) for from_phone, message in ((True, _ASKED), (False, _GRANTED))),
    ]


def capture(places: dict[str, str]) -> bytes:
    """The dialogue as a pcap, and damage at its end."""
    frames = []
    for from_phone, message in dialogue(places):
        ends = (ALICE, REGISTRAR) if from_phone else (REGISTRAR, ALICE)
        octets = message.replace("\n", "\r\n").encode("utf-8", "surrogateescape")
        frames.append(ethernet(ip4(udp(octets), 17, *ends)))
    return pcap(frames) + b"cut"


def log(places: dict[str, str]) -> bytes:
    """The dialogue as Asterisk's chan_sip prints it."""
    blocks = []
    for from_phone, message in dialogue(places):
        if from_phone:
            blocks.append(f"\n<--- SIP read from UDP:10.0.0.1:5060 --->\n{message}\n<------------->\n")
        else:
            blocks.append(f"\n<--- Transmitting (no NAT) to 10.0.0.1:5060 --->\n{message}\n<------------>\n")
    return "".join(blocks).encode("utf-8", "surrogateescape")


def filled(text: str, *places: str) -> dict[str, str]:
    """`text` with the mark around it in these places (all of them by default)."""
    return dict.fromkeys(places or PLACES, f"{MARK}{text}{MARK}")


def shuffled(seed: int) -> dict[str, str]:
    """A hostile text of the table in each place, another one in another run."""
    chance = random.Random(seed)
    return {place: f"{MARK}{chance.choice(list(TEXTS.values()))}" for place in PLACES}

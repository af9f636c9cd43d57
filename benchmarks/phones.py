"""What phones and their registrar say: one template per kind of phone, in that kind's own header order and habits.

Modelled on the traffic of real phones against Kamailio; names and numbers are made up. The fields of a template are
octets: `user`, `host` and `port` (where the phone believes to be), `branch`, `tag`, `call_id`, `cseq`, `expires`,
`uuid`, and `authorization`, a whole header line or nothing.
"""

from __future__ import annotations

from typing import NamedTuple

DOMAIN = b"example.com"
CRLF = b"\r\n"

_URI = b"sip:%(user)b@" + DOMAIN
_CREDENTIALS = b'Authorization: Digest username="%(user)b", realm="' + DOMAIN + b'", nonce="%(nonce)b", '
_TARGET = b'uri="sip:' + DOMAIN + b'", response="%(response)b", '
# Two habits of order and quoting; both are good grammar (RFC 3261 25.1).
CREDENTIALS = (
    _CREDENTIALS + _TARGET + b'algorithm=MD5, cnonce="%(cnonce)b", qop=auth, nc=00000001' + CRLF,
    _CREDENTIALS + b'qop=auth, cnonce="%(cnonce)b", nc=00000001, ' + _TARGET + b"algorithm=MD5" + CRLF,
)


class Phone(NamedTuple):
    """A kind of phone: its REGISTER, what an answer repeats of it (RFC 3261 8.2.6.2), its Contact value, how it writes
    credentials, and whether it sits behind a NAT."""

    register: bytes
    echo: bytes
    contact: bytes
    credentials: bytes
    behind_nat: bool


def _phone(contact: str, lines: str, *, credentials: int, behind_nat: bool = False) -> Phone:
    """A phone from its header lines, one per line; `CONTACT` and `URI` stand for the values."""
    value = contact.encode()
    text = lines.strip().encode().replace(b"URI", _URI).replace(b"CONTACT", value)
    text = text.replace(b"\nAUTHORIZATION", b"\n%(authorization)b").replace(b"\n", CRLF)
    text = text.replace(b"%(authorization)b" + CRLF, b"%(authorization)b")  # the line brings its own end
    start = b"REGISTER sip:" + DOMAIN + b" SIP/2.0" + CRLF
    return Phone(start + text + CRLF * 2, _echo(text), value, CREDENTIALS[credentials], behind_nat)


def _echo(text: bytes) -> bytes:
    """The header lines that a response repeats, Via with where the request came from (RFC 3581 4), To with a tag."""
    lines = []
    for line in text.replace(b"%(authorization)b", b"").split(CRLF):
        if line.startswith(b"Via:"):
            line = line.replace(b";rport", b";rport=%(seen_port)d;received=%(seen_host)b")
        elif line.startswith(b"To:"):
            line += b";tag=%(to_tag)b"
        elif not line.startswith((b"From:", b"Call-ID:", b"CSeq:")):
            continue
        lines.append(line + CRLF)
    return b"".join(lines)


_PLAIN = "<sip:%(user)b@%(host)b:%(port)d>"

PHONES = (
    _phone(
        _PLAIN,
        """
Via: SIP/2.0/UDP %(host)b:%(port)d;branch=%(branch)b;rport
From: "%(user)b" <URI>;tag=%(tag)b
To: "%(user)b" <URI>
Call-ID: %(call_id)b@%(host)b
CSeq: %(cseq)d REGISTER
Contact: CONTACT
AUTHORIZATION
Allow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, MESSAGE
Max-Forwards: 70
User-Agent: Yealink SIP-T46S 66.86.0.15
Expires: %(expires)d
Allow-Events: talk,hold,conference,refer,check-sync
Content-Length: 0
""",
        credentials=0,
        behind_nat=True,
    ),
    _phone(
        '<sip:%(user)b@%(host)b:%(port)d>;reg-id=1;+sip.instance="<urn:uuid:%(uuid)b>"',
        """
Via: SIP/2.0/UDP %(host)b:%(port)d;branch=%(branch)b;rport
From: <URI>;tag=%(tag)b
To: <URI>
Call-ID: %(call_id)b
CSeq: %(cseq)d REGISTER
Contact: CONTACT
AUTHORIZATION
Max-Forwards: 70
User-Agent: Grandstream GXP2160 1.0.11.10
Supported: path
Expires: %(expires)d
Allow: INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE, MESSAGE
Content-Length: 0
""",
        credentials=1,
    ),
    _phone(
        '<sip:%(user)b@%(host)b:%(port)d>;methods="INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, SUBSCRIBE, NOTIFY, REFER"',
        """
Via: SIP/2.0/UDP %(host)b:%(port)d;rport;branch=%(branch)b
From: "Line %(user)b" <URI>;tag=%(tag)b
To: <URI>
CSeq: %(cseq)d REGISTER
Call-ID: %(call_id)b
Contact: CONTACT
User-Agent: PolycomVVX-VVX_410-UA/5.9.5.0614
Accept-Language: en
AUTHORIZATION
Max-Forwards: 70
Expires: %(expires)d
Content-Length: 0
""",
        credentials=0,
        behind_nat=True,
    ),
    _phone(
        '<sip:%(user)b-0x55de4ce5bd30@%(host)b:%(port)d>;expires=%(expires)d;+sip.instance="<urn:uuid:%(uuid)b>"',
        """
Via: SIP/2.0/UDP %(host)b:%(port)d;branch=%(branch)b;rport
Contact: CONTACT
Max-Forwards: 70
AUTHORIZATION
To: <URI>
From: <URI>;tag=%(tag)b
Call-ID: %(call_id)b
CSeq: %(cseq)d REGISTER
User-Agent: baresip v1.0.0 (x86_64/linux)
Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER
Content-Length: 0
""",
        credentials=1,
    ),
    _phone(
        "<sip:%(user)b@%(host)b:%(port)d;ob>",
        """
Via: SIP/2.0/UDP %(host)b:%(port)d;rport;branch=%(branch)b
Max-Forwards: 70
From: <URI>;tag=%(tag)b
To: <URI>
Call-ID: %(call_id)b
CSeq: %(cseq)d REGISTER
User-Agent: MicroSIP/3.21.3
Supported: outbound, path
Contact: CONTACT
Expires: %(expires)d
Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS
AUTHORIZATION
Content-Length: 0
""",
        credentials=0,
        behind_nat=True,
    ),
)

_ANSWER_END = "Server: kamailio (5.6.3 (x86_64/linux))\r\nContent-Length: 0\r\n\r\n"


def _answer(status: str, more: str) -> bytes:
    """A response of the registrar: what it repeats of the request (RFC 3261 8.2.6.2), then `more`."""
    return (f"SIP/2.0 {status}\r\n%(echo)b{more}" + _ANSWER_END).encode()


CHALLENGE = _answer(
    "401 Unauthorized", f'WWW-Authenticate: Digest realm="{DOMAIN.decode()}", nonce="%(nonce)b", qop="auth"\r\n'
)
ACCEPTED = _answer("200 OK", "Contact: %(granted)b\r\n")
REFUSED = _answer("403 Wrong Password", "")

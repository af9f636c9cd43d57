"""Rows as REGISTER requests and their answers have them: which are grammar, which are not, and what is read of each."""

from __future__ import annotations

import pytest

from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.uri import aor, uri_equal

BASE = {
    "start": "REGISTER sip:example.com SIP/2.0",
    "via": "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKnashds7;rport",
    "to": "To: <sip:bob@example.com>",
    "from": "From: <sip:bob@example.com>;tag=456248",
    "call-id": "Call-ID: 843817637684230@998sdasdh09",
    "cseq": "CSeq: 1826 REGISTER",
    "max-forwards": "Max-Forwards: 70",
    "contact": "Contact: <sip:bob@192.0.2.4>",
    "end": "Content-Length: 0",
}


def register(**rows: str | None) -> Message:
    """A REGISTER whose rows are replaced (`_` for `-`), taken out (None) or added."""
    named = {name.replace("_", "-"): row for name, row in rows.items()}
    merged = {**BASE, **named}
    wire = [row for row in merged.values() if row is not None]
    return parse_bytes("\r\n".join([*wire, "", ""]).encode("utf-8", "surrogateescape"))


def codes(message: Message) -> set[str]:
    """All defect codes of a message."""
    return {defect.code for defect in message.all_defects()}


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"start": "REGISTER sip:example.com;transport=tcp SIP/2.0"},
        {"start": "REGISTER sip:[2001:db8::1]:5060 SIP/2.0"},
        {"start": "REGISTER SIP:EXAMPLE.com. SIP/2.0"},
        {"start": "REGISTER sip:alice@example.com SIP/2.0"},  # wrong by 10.2, but grammar
        {"contact": "Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>"},
        {"to": 'To: "Bob, the \\"builder\\"" <sip:bob@example.com>'},
        {"to": "t: sip:bob@biloxi.com", "from": "f: sip:bob@biloxi.com;tag=8"},
        {"to": "To: <sip:bob@biloxi.com;tag=x>"},
        {"to": "To: tel:+12125551212"},
        {"cseq": "CSeq: 0009 REGISTER"},
        {"cseq": "CSeq: 2147483647 REGISTER"},
        {"cseq": "cseq :\r\n  7\r\n\tREGISTER"},
        {"contact": "Contact: <mailto:b@h>;expires=4294967295"},
        {"contact": 'Contact: <sip:b@h>;ExPiReS=3600;q=0.5;methods="INVITE, ACK"'},
        {"contact": "Contact: *", "expires": "Expires: 0"},
        {"contact": "m:*", "expires": "Expires:00"},
        {"contact": "Contact: sip:*@host"},
        {"contact": None},
        {"contact": "Contact: <sip:+12145550100@192.0.2.4;bnc>"},
        {"contact": 'Contact: <sip:a@h;ob>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'},
        {"contact": "Contact: <sip:gsk@df7jal23ls0d.invalid;transport=ws>;reg-id=1"},
        {"contact": 'Contact: "A" <sip:a@h>;q=1,<sip:b@h>\r\n ,sip:c@h;expires=5'},
        {"call_id": "i:a84b4c76e66710"},
        {"call_id": 'Call-ID: [fe80::1%25]{x}<y>(z)"\\/?@h'},
        {"via": "Via: SIP/2.0/TCP [2001:db8::9:1];branch=z9hG4bK1;received=2001:db8::9:1, SIP / 2.0 / UDP a : 5060"},
        {"via": "Via: SIP/2.0/UDP h;rport=5060;branch=z9hG4bK1;received=192.0.2.1;alias;keep=30"},
        {"x": "X-Grandstream : \t", "y": 'P-Access-Network-Info: 3GPP-E-UTRAN; utran-cell-id-3gpp="x,;"'},
    ],
    ids=str,
)
def test_grammatical(rows: dict[str, str | None]) -> None:
    message = register(**rows)
    assert message.is_register and codes(message) == set()


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ({"start": "REGISTER <sip:example.com> SIP/2.0"}, {"bad-request-uri"}),
        ({"start": "REGISTER sip:example.com?Route=%3Csip:p%3E SIP/2.0"}, {"bad-request-uri"}),
        ({"start": "REGISTER sip: SIP/2.0"}, {"bad-request-uri"}),
        ({"contact": "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"}, {"uri-not-bracketed"}),
        ({"contact": "Contact: <sip:b@h>;expires=1h"}, {"bad-expires"}),
        ({"contact": "Contact: <sip:b@h>;expires=-1"}, {"bad-expires"}),
        ({"contact": 'Contact: <sip:b@h>;expires="Sat, 01 Jan 2030 00:00:00 GMT"'}, {"bad-expires"}),
        ({"contact": "Contact: <sip:b@h>;expires=4294967296"}, {"expires-out-of-range"}),
        ({"contact": "Contact: <sip:b@h> <sip:c@h>"}, {"bad-address"}),
        ({"contact": "Contact: <sip:b@h>;expires=5;expires=6"}, {"duplicate-parameter"}),
        ({"contact": "Contact: <sip:b@[::1>"}, {"bad-host"}),
        ({"cseq": "CSeq: 7 register"}, {"cseq-method-mismatch"}),
        ({"cseq": "CSeq: 36893488147419103232 REGISTER"}, {"cseq-out-of-range"}),
        ({"cseq": "CSeq: REGISTER 7"}, {"bad-cseq"}),
        ({"cseq": None}, {"missing-header"}),
        ({"max_forwards": None}, {"missing-header"}),
        ({"max_forwards": "Max-Forwards: seventy"}, {"bad-max-forwards"}),
        ({"expires": "Expires: 3600s"}, {"bad-expires"}),
        ({"expires": "Expires:"}, {"bad-expires"}),
        ({"second": "To: <sip:bob@example.com>"}, {"repeated-header"}),
        ({"call_id": "Call-ID: a@b@c"}, {"bad-call-id"}),
        ({"from": "From: Bob Ö <sip:bob@example.com>;tag=1"}, {"bad-display-name"}),
        ({"lost": ";tag=456248"}, {"not-a-header"}),
        ({"auth": "Authorization: Digest username='b', response=00"}, {"unquoted-value"}),
        ({"end": "Content-Length: -1"}, {"bad-content-length"}),
        ({"end": "l: 5"}, {"content-length-beyond-message"}),
    ],
    ids=str,
)
def test_not_grammatical(rows: dict[str, str | None], wanted: set[str]) -> None:
    message = register(**rows)
    assert message.is_register and codes(message) == wanted


def test_contacts_in_any_rows_come_in_order() -> None:
    message = register(contact='Contact: "x, <y>" <sip:a@h>;q=0.1 , <sip:b@h>', second="m: sip:c@h;expires=9,*")
    assert [c.uri.user if c.uri else "*" for c in message.contacts] == ["a", "b", "c", "*"]
    assert [c.expires for c in message.contacts] == [None, None, 9, None]


def test_from_and_to_of_one_registration() -> None:
    message = register(to="To: <sips:%62ob@EXAMPLE.com:5061>")
    assert message.to and message.from_ and message.to.uri and message.from_.uri
    assert aor(message.to.uri) == aor(message.from_.uri) == "sip:bob@example.com"
    assert not uri_equal(message.to.uri, message.from_.uri)

"""A message with pseudonyms: names go, wherever they stand; syntax, numbers of the protocol and faults stay."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import parse
from tests.redact.redacted import Parts

REQUEST = """\
REGISTER sip:pbx.acme-corp.de SIP/2.0
Via: SIP/2.0/UDP 192.168.7.20:5061;branch=z9hG4bK-192.168.7.20-f00;rport;received=203.0.114.9
Max-Forwards: 70
From: "Wilhelmina Harker" <sip:4711@pbx.acme-corp.de>;tag=mina4711
To: <sip:4711@pbx.acme-corp.de;user=phone>
Call-ID: 5e1f@mina-laptop.acme-corp.de
CSeq: 4711 REGISTER
Contact: <sip:4711@192.168.7.20:5061;line=abc>;expires=3600
 ;+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"
Authorization: Digest username="4711@pbx.acme-corp.de", realm="acme-corp.de", nonce="nowtheNonce7",
 uri="sip:pbx.acme-corp.de", response="0123456789abcdef0123456789abcdef", qop=auth, nc=00000001, cnonce="minacnonce"
P-Asserted-Identity: "Mina" <tel:+4930123456;phone-context=acme-corp.de>
History-Info: <sip:renfield@acme-corp.de?Reason=SIP%3Bcause%3D302>;index=1
Diversion: <sip:lucy@westenra.example.org>;reason=unconditional
X-Serial: 00:0a:95:a0:e1:28 of Harker
Warning: 399 pbx.acme-corp.de "Renfield is not allowed"
Reason: Q.850;cause=16;text="call for Renfield"
User-Agent: Acme Phone 4.2 000a95a0e128 (minas-laptop; build 77)
Subject: dinner with Renfield
Organization: Acme Corp
Expires: 3600
Content-Type: application/pidf+xml
Content-Length: 12

<harker/>123"""
NAMES = ("wilhelmina", "harker", "mina", "4711", "acme", "renfield", "lucy", "westenra", "4930123456", "000a95a0e128",
         "a0:e1:28", "192.168.7.20", "203.0.114.9", "minacnonce", "nowthenonce7", "laptop", "dinner")  # fmt: skip


def test_no_name_is_left() -> None:
    made = Parts().message(REQUEST).decode().lower()
    cseq = made.replace("cseq: 4711 register", "")
    assert [name for name in NAMES if re.search(rf"(?<![0-9a-z]){re.escape(name)}(?![0-9a-z])", cseq)] == []


def test_what_the_protocol_says_stays() -> None:
    made = Parts().message(REQUEST).decode()
    for kept in ("REGISTER sip:", " SIP/2.0\r\n", "Via: SIP/2.0/UDP ", ":5061;branch=z9hG4bK", ";rport;received=",
                 "CSeq: 4711 REGISTER", ";expires=3600\r\n ;+sip.instance=\"<urn:uuid:", "-1", "qop=auth, nc=00000001",
                 "index=1", "Warning: 399 ", "is not allowed", "Q.850;cause=16;text=\"call for ", "Expires: 3600",
                 " Phone 4.2 ", "user=phone"):  # fmt: skip
        assert kept in made, kept


def test_the_same_name_has_the_same_pseudonym_everywhere() -> None:
    made = parse(_raw(Parts().message(REQUEST)))
    assert made.to is not None and made.to.uri is not None and made.from_ is not None and made.from_.uri is not None
    user, host = made.to.uri.user, made.to.uri.host
    assert user != "4711" and made.from_.uri.user == made.contacts[0].uri.user == user  # type: ignore[union-attr]
    assert made.uri is not None and made.uri.host == host
    (credentials,) = made.credentials
    assert credentials.username == f"{user}@{host}" and credentials.realm == host.partition(".")[2]
    assert made.contacts[0].uri.host == made.vias[0].host  # type: ignore[union-attr]


def test_a_mac_address_is_the_same_in_every_form() -> None:
    made = Parts().message(REQUEST).decode().lower()
    instance = re.search(r"urn:uuid:[0-9a-f-]{24}([0-9a-f]{12})", made)
    serial = re.search(r": ((?:[0-9a-f]{2}:){5}[0-9a-f]{2}) ", made)
    agent = re.search(r"phone 4\.2 ([0-9a-f]{12})", made)
    assert instance is not None and serial is not None and agent is not None
    assert instance[1] == serial[1].replace(":", "") == agent[1] != "000a95a0e128"


def test_the_body_goes_and_its_length_with_it() -> None:
    parts = Parts()
    message = parse(_raw(parts.message(REQUEST)))
    assert message.body == b"" and message.first("content-length") == "0"
    assert parts.rewriter.bodies > 0


def test_a_kept_body_has_no_name() -> None:
    message = parse(_raw(Parts(keep_bodies=True).message(REQUEST)))
    assert len(message.body) == 12 and b"harker" not in message.body and not message.trailing


@pytest.mark.parametrize(("length", "said"), [("20", "8"), ("12", "0"), ("3", "0")])
def test_a_wrong_length_stays_wrong_by_as_much(length: str, said: str) -> None:
    before = parse(
        _raw(REQUEST.replace("Content-Length: 12", f"Content-Length: {length}").replace("\n", "\r\n").encode())
    )
    after = parse(_raw(Parts().message(REQUEST.replace("Content-Length: 12", f"Content-Length: {length}"))))
    assert after.first("content-length") == said
    assert len(after.trailing) == len(before.trailing)
    assert {one.code for one in after.defects} == {one.code for one in before.defects}


def test_agents_stay_but_for_names_and_go_if_asked() -> None:
    line = "User-Agent: Yealink SIP-T46S 66.86.0.15 000a95a0e128"
    message = (
        f"REGISTER sip:a.de SIP/2.0\nFrom: <sip:renfield@a.de>\n{line}\nServer: renfield PBX (of-renfield; linux)\n\n"
    )
    kept = Parts().message(message)
    assert b"Yealink SIP-T46S 66.86.0.15 " in kept and b" PBX (of-" in kept and b"; linux)" in kept
    assert b"renfield" not in kept and b"000a95a0e128" not in kept
    assert b"Yealink" not in Parts(keep_agents=False).message(message)


def test_an_ipv6_address_in_an_agent_goes_with_its_port() -> None:
    address = "2001:4860:1234:5678:9abc:def0:1357:2468"
    message = f"REGISTER sip:a.de SIP/2.0\nVia: SIP/2.0/UDP [{address}]:5060\nUser-Agent: Foo/1.0 {address}:5060\n\n"
    assert address.encode() not in (made := Parts().message(message)) and b"Foo/1.0 2001:db8:" in made
    assert made.rstrip().endswith(b":5060")


@pytest.mark.parametrize(
    "line",
    [
        "This line of Renfield is no header",
        "Contact: <sip:renfield",
        "Contact: sip:%72enfield@192.168.7.20",
        'Authorization: Digest username="renfield, realm="a"b", nonce=x',
        "Authorization: Basic cmVuZmllbGQ6c2VjcmV0",
        "From: renfield <<sip:renfield@@host>",
        "X-Renfield: 1",
        "Via: renfield",
        "Contact: <sips:renfield@[fd60::2]:5061>",
        "Call-ID: renfield@192.168.7.20",
        "Refer-To: <https://intranet.renfield.de/renfield?renfield=1>",
        "Identity: eyJ1c2VyIjoicmVuZmllbGQifQ",
        "Contact: <sip:alice:renfield@192.0.2.9>",
        'Contact: "ren\\"field" <sip:a@b>, "renfield',
        "Date: renfield",
        "CSeq: 1 renfield",
        'Authorization: Digest uri="renfield:1"',
    ],
)
def test_what_is_malformed_leaks_as_little(line: str) -> None:
    made = Parts().message(f"REGISTER sip:a.de SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1\n{line}\n\n").lower()
    assert b"renfield" not in made and b"%72enfield" not in made and b"192.168.7.20" not in made
    assert b"cmvuzmllbgq" not in made and b"icmvuzmllbgqi" not in made


@pytest.mark.parametrize(
    "line",
    [
        "RENFIELD sip:a SIP/2.0",
        "REGISTER renfield:a SIP/2.0",
        "renfield",
        "SIP/2.0 200 renfield",
        "REGISTER \x0brenfield sip:a SIP/2.0",
        "REGISTER <sip:renfield@a SIP/2.0",
        "A renfield",
    ],
)
def test_a_start_line_leaks_nothing(line: str) -> None:
    assert b"renfield" not in Parts().message(f"{line}\nVia: SIP/2.0/UDP 192.0.2.1\n\n").lower()


@pytest.mark.parametrize(
    "line",
    ["From: Max Register <sip:a@b.de>", "Contact: Max <sip:a@b.de>, Max Register <sip:c@d.de>", "To: Max<sip:a@b.de>",
     'Warning: 399 a.de "call Max Register"', "Retry-After: 5 (Max is out)", 'Reason: SIP;cause=200;text="Max"'],
)  # fmt: skip
def test_a_name_that_is_a_word_of_the_protocol_goes_where_people_are_meant(line: str) -> None:
    made = Parts().message(f"REGISTER sip:a.de SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1\n{line}\n\n").lower()
    assert b"max" not in made


def test_a_cut_message_leaks_no_beginning_of_a_name() -> None:
    whole = REQUEST.replace("\n", "\r\n").encode()
    for length in range(40, len(whole), 7):
        made = Parts().message(whole[:length], missing=len(whole) - length).lower()
        assert b"wilhelm" not in made and b"renfiel" not in made and b"westenr" not in made


def test_octets_that_are_no_text_survive() -> None:
    octets = b"REGISTER sip:a.de SIP/2.0\r\nFrom: M\xfcller \xff\x00 <sip:m\xc3\xbcller@a.de>\r\n\r\n"
    made = Parts().message(octets)
    assert b"ller" not in made and b"\xc3\xbc" not in made and made.count(b"\r\n") == 3


HEADERS = [
    "Contact", "From", "Via", "Route", "Authorization", "WWW-Authenticate", "Call-ID", "CSeq", "Expires", "Allow",
    "Supported", "Retry-After", "Warning", "Reason", "Date", "Event", "Content-Type", "P-Charging-Vector", "Session-ID",
    "Identity", "Geolocation", "X-Any", "Content-Length", "k", "m", "Timestamp",
]  # fmt: skip
SIGNS = st.text(st.sampled_from(list("<>\"\\;,:=@?&()[]{}/.%-+_*!~'#| \t\x00\x0b\x7f")), max_size=8)
AROUND = st.sampled_from(["", "sip:", "SIP/2.0/UDP ", "Digest ", "realm=", 'uri="', "<urn:", "399 ", "tag=", "a=", "1"])


@settings(max_examples=400)
@given(st.sampled_from(HEADERS), AROUND, SIGNS, SIGNS, st.sampled_from(["renfield", "Ren%66ield", "RENFIELD"]))
def test_a_name_goes_whatever_stands_around_it(header: str, around: str, before: str, after: str, name: str) -> None:
    made = Parts().message(f"REGISTER sip:a SIP/2.0\n{header}: {around}{before}{name}{after}\n\n")
    assert b"renfield" not in unquote_to_bytes(made).lower()


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_anything_is_rewritten_without_an_error(junk: bytes) -> None:
    Parts().message(b"REGISTER sip:a SIP/2.0\r\n" + junk)
    Parts().message(junk)


def test_hostile_lengths_take_linear_time() -> None:
    for filling in ('"', "\\", "<sip:", "a=", "%4", ":", "(", ",", "a.", "1.2.3.4", "a=[", " "):
        value = filling * (20_000 // len(filling))
        for name in ("Contact", "Via", "Authorization", "User-Agent", "Call-ID", "Warning", "X-Any"):
            Parts().message(f"REGISTER sip:a SIP/2.0\n{name}: {value}\n\n")


def _raw(octets: bytes) -> RawMessage:
    ends = Endpoint("192.0.2.10", 5060), Endpoint("192.0.2.1", 5060)
    return RawMessage(octets, None, Frame("made", 1), *ends)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Phone of Wilhelminamurrayharker/1.0", "wilhelminamurrayharker"),
        ("Acme 4.2 on 49301234567", "49301234567"),
        ("Cisco SEP001122334455", "001122334455"),
        ("Cisco 0011.2233.4455", "2233"),
        ("Phone 5d3f2a10-aaaa-4bbb-8ccc-0a1b2c3d4e5f", "5d3f2a10"),
        ("Phone at 2001:db8::17", "2001:db8::17"),
    ],
)
def test_a_name_in_what_a_program_calls_itself_is_replaced_however_long_it_is(agent: str, name: str) -> None:
    request = REQUEST.replace("4711@pbx.acme-corp.de;user", "wilhelminamurrayharker@pbx.acme-corp.de;user")
    request = request.replace("tel:+4930123456", "tel:+49301234567")
    lines = [f"User-Agent: {agent}" if line.startswith("User-Agent") else line for line in request.split("\n")]
    made = Parts().message("\n".join(lines)).decode().lower()
    assert name not in made.partition("\nuser-agent:")[2].partition("\n")[0]


BROKEN = [
    'From: "Wilhelm Braun <sip:wilhelm@acme.de>;tag=f1f1',
    'From: ""Wilhelm" <sip:wilhelm@acme.de>;tag=f1f1',
    'From: Wilhelm" <sip:wilhelm@acme.de>;tag=f1f1',
    'To: <sip:"wilhelm@acme.de>;tag=f1f1',
    'Contact: "Wilhelm <sip:wilhelm@acme.de;ob>;expires=300;+sip.instance="<urn:x>"',
    'Via: SIP/2".0/UDP acme.de:5060;branch=z9hG4bKwilhelm;rport',
    'Via: SIP/2.0/UDP acme.de:5060;branch="z9hG4bKwilhelm;rport=5060;received=192.0.2.10',
]


@pytest.mark.parametrize("row", BROKEN)
def test_behind_a_quote_that_is_not_closed_the_words_of_the_protocol_stay_and_no_name(row: str) -> None:
    made = Parts().message(f"REGISTER sip:x SIP/2.0\n{row}\n\n").decode()
    name, _, value = made.partition("\r\n")[2].strip().partition(":")
    assert re.sub(r"[0-9a-z]", "", row.lower()) == re.sub(r"[0-9a-z]", "", f"{name}:{value}".lower())
    for word in re.findall(r"sip:|;\w+=|;rport|;ob|UDP|expires=300", row):
        assert word in made
    assert not re.search("wilhelm|braun|acme|f1f1", made, re.IGNORECASE)


@pytest.mark.parametrize("sign", ["", "\0", "\x01"])
def test_of_digests_the_parameters_stay_behind_a_quote_that_is_not_closed(sign: str) -> None:
    row = (
        f'Authorization: Digest username="wilhelm, realm="acme", nonce="abcdef0123"{sign}, uri="sip:acme.de", qop=auth'
    )
    made = Parts().message(f"REGISTER sip:x SIP/2.0\n{row}\n\n").decode()
    for word in ("username=", ', realm="', ', nonce="', ', uri="sip:', ", qop=auth"):
        assert word in made
    assert not re.search("wilhelm|acme|abcdef", made)


@pytest.mark.parametrize("address", ["2001:db8:0:0:0:0:0:1", "fd23:6d92:63c5:3576:7138:d852:9e3b:63cb", "2001:db8::1"])
def test_an_ipv6_address_without_brackets_keeps_its_port(address: str) -> None:
    text = f"REGISTER sip:{address}:5060 SIP/2.0\nX: {address}:5060\nVia: SIP/2.0/UDP [{address}]:5060\n\n"
    made = Parts().message(text).decode()
    found = re.search(r"\[(.*)\]", made)
    assert found is not None and found[1] != address
    assert f"REGISTER sip:{found[1]}:5060 SIP" in made

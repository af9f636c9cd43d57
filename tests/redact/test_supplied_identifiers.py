"""A list of identifiers that is supplied, put in every place that a sender has: none is left, in any encoding."""

from __future__ import annotations

import base64
import binascii
import quopri
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from analyzer.redact.redaction import Wishes
from tests.capture.build import REGISTRAR, ethernet, ip4, pcap, udp
from tests.redact.redacted import redacted

USER, OTHER, NUMBER = "wilhelmina", "renfield", "4915755512345"
DOMAIN, HOST = "carfaxabbey", "demeter77"
ADDRESS, SIX, MAC = "10.77.66.55", "2001:db8:77::42", "001565abcdef"
CALL, NONCE, TAG = "kq7harker9", "f00dfacecafe7788", "zz91seward"
SUPPLIED = (USER, OTHER, NUMBER, DOMAIN, HOST, ADDRESS, SIX, MAC, CALL, NONCE, TAG)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def escaped(text: str) -> str:
    return "".join(f"\\{letter}" for letter in text)


def percent(text: str) -> str:
    return "".join(f"%{octet:02x}" for octet in text.encode())


CONTACT = f"<sip:{percent(USER)}@{ADDRESS}:5060;line={NUMBER}>"
INSTANCE = f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-{MAC}>"'
DIGEST = f'realm="{DOMAIN}", nonce="{NONCE}", uri="sip:{DOMAIN}.net", response="{32 * "7"}"'
OPAQUE = b64(f"{USER}:{ADDRESS}")
MACS = "00:15:65:ab:cd:ef 00-15-65-AB-CD-EF 0015.65ab.cdef"
TURNED = ".".join(reversed(ADDRESS.split(".")))
BODY = f"c=IN IP4 {ADDRESS}\r\no={USER} 1 1 IN IP6 {SIX}\r\na=tool:{HOST} {MAC} {b64(NUMBER)}\r\n"
REGISTER = f"""\
REGISTER sip:{DOMAIN}.net;maddr={ADDRESS} SIP/2.0
Via: SIP/2.0/UDP {HOST}.{DOMAIN}.net:5060;branch=z9hG4bK{TAG};received={ADDRESS};rport=5060
Via: SIP/2.0/UDP [{SIX}]:5060;branch=z9hG4bK2
Max-Forwards: 70
From: "{USER} {OTHER.title()}" <sip:{NUMBER}@{DOMAIN}.net;user=phone>;tag={TAG}
To: {USER.upper()} <sip:+{NUMBER}@{DOMAIN}.net>
Call-ID: {CALL}@{ADDRESS}
CSeq: 1 REGISTER
Contact: "{escaped(OTHER)}" {CONTACT};{INSTANCE}
Contact: <sip:{USER[:4]}%{ord(USER[4]):02X}{USER[5:]}@[{SIX}]>;q=0.5
Authorization: Digest username="{USER}", {DIGEST}, opaque="{OPAQUE}"
Proxy-Authorization: Basic {b64(USER + ":" + OTHER)}
Route: <sip:{HOST}.{DOMAIN}.net;lr>
Path: <sip:{USER}@{HOST}.{DOMAIN}.net;lr>
P-Asserted-Identity: "{OTHER}" <tel:+{NUMBER}>
P-Preferred-Identity: <sip:{OTHER}@{DOMAIN}.net>
History-Info: <sip:{USER}@{DOMAIN}.net?Reason=SIP%3Btext%3D%22{OTHER}%22>;index=1
Warning: 399 {HOST} "{USER} at {ADDRESS} is {MAC.upper()}"
Subject: {USER.encode().hex()} {NUMBER.encode().hex().upper()} {b64("x" + HOST)} {b64("xx" + OTHER)}
X-{DOMAIN}: {USER}_{NUMBER} {MACS} {TURNED}.in-addr.arpa
User-Agent: Phone/1.0 {MAC} ({HOST})
Content-Type: application/sdp
Content-Length: {len(BODY)}

"""
OK = f"""\
SIP/2.0 200 Welcome
Via: SIP/2.0/UDP {HOST}.{DOMAIN}.net:5060;branch=z9hG4bK{TAG};received={ADDRESS}
From: "{USER} {OTHER.title()}" <sip:{NUMBER}@{DOMAIN}.net;user=phone>;tag={TAG}
To: {USER.upper()} <sip:+{NUMBER}@{DOMAIN}.net>;tag={TAG}2
Call-ID: {CALL}@{ADDRESS}
CSeq: 1 REGISTER
Contact: {CONTACT};expires=60
Service-Route: <sip:{HOST}.{DOMAIN}.net;lr>
Authentication-Info: nextnonce="{NONCE}"
Server: Proxy/5 ({HOST}.{DOMAIN}.net {ADDRESS})
Content-Length: 0

"""


FROM = f"'\"{USER} {OTHER}\" <sip:{NUMBER}@{DOMAIN}.net>'"
NOTICES = [
    f"Registration from {FROM} failed for '{ADDRESS}:5060' - Wrong password",
    f"Registration from '{b64(OTHER)} {HOST}.{DOMAIN}' failed for '{SIX}' - {USER} is {MAC} at {ADDRESS}",
    f"Request 'REGISTER' from '<sip:{percent(USER)}@{HOST}.{DOMAIN}.net:5060>' failed for '[{SIX}]:5060' (callid:"
    f" {CALL}@{ADDRESS}) - No matching endpoint found",
    f"Removed contact '{CONTACT.strip('<>')}' from AOR '{NUMBER}' due to expiration",
    f"Contact {USER}/sip:{USER}@[{SIX}]:5060;x={MAC} is now Unreachable.  RTT: {OTHER}",
    f"Registration attempt from endpoint '{USER}' ({ADDRESS}:5060) to AOR '{OTHER}' will exceed max contacts of 1",
    f"Fatal response '403' received from 'sip:{HOST}.{DOMAIN}.net' on registration attempt to 'sip:{NUMBER}@{DOMAIN}',"
    " stopping outbound registration",
    f"{HOST}:{ADDRESS}: No auth objects matching realm/algorithm(s) '{DOMAIN}.net/MD5, {OTHER}' from challenge found.",
    f"Failed to create authenticated REGISTER request to server 'sip:{ADDRESS}' from client 'sip:{OTHER}@{DOMAIN}.net'",
    f'SecurityEvent="InvalidPassword",Service="PJSIP",AccountID="{USER}",SessionID="{CALL}",Challenge="{NONCE}",'
    f'RemoteAddress="IPV4/UDP/{ADDRESS}/5060",ReceivedHash="{TAG}"',
]
"""What Asterisk says of them: every kind of identifier, in every kind of place."""
UNKNOWN = f"Added contact 'sip:{USER}@{ADDRESS}' to AOR '{NUMBER}' with {NONCE} and {TAG} {MACS} {TURNED}"


def octets_of(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def source(folder: Path, kind: str) -> Path:
    path = folder / f"input.{kind}"
    if kind == "pcap":
        sent = ethernet(ip4(udp(octets_of(REGISTER) + BODY.encode()), 17, ADDRESS, REGISTRAR))
        path.write_bytes(pcap([sent, ethernet(ip4(udp(octets_of(OK)), 17, REGISTRAR, ADDRESS))]))
        return path
    said = [f"[2026-11-20 11:47:02] NOTICE[1]: chan_sip.c: {line}\n" for line in (*NOTICES, UNKNOWN)]
    blocks = [
        *said,
        f"\n<--- SIP read from UDP:{ADDRESS}:5060 --->\n{REGISTER}{BODY}\n<------------->\n",
        f"\n<--- Transmitting (no NAT) to {ADDRESS}:5060 --->\n{OK}\n<------------>\n",
    ]
    path.write_text("".join((*blocks, *said)), encoding="utf-8")
    return path


def written(text: str) -> Iterator[bytes]:
    """A text in every way in which it may stand somewhere: case, escapes, hex, base64 wherever it begins, two octets a
    letter, turned round."""
    octets = text.encode()
    for one in {octets, octets.upper(), octets.title()}:
        yield one
        yield quote(one, safe="").encode()
        yield quopri.encodestring(one)
        yield one[::-1]
        yield from (one.hex().encode(), one.hex().upper().encode(), binascii.hexlify(one, ":"))
        yield from (one.decode().encode("utf-16-le"), one.decode().encode("utf-16-be"))
        for before in range(3):
            whole = base64.b64encode(bytes(before) + one)
            begin, end = -(-before * 8 // 6), (before + len(one)) * 8 // 6
            yield whole[begin:end]
            yield whole[begin:end].translate(bytes.maketrans(b"+/", b"-_"))
    yield percent(text).encode()
    yield percent(text).upper().encode()
    yield escaped(text).encode()
    if text.count(".") == 3:
        yield ".".join(reversed(text.split("."))).encode()
        yield bytes(map(int, text.split(".")))
    if text == MAC:
        pairs = [text[at : at + 2] for at in range(0, 12, 2)]
        for between in ":-":
            yield between.join(pairs).encode()
            yield between.join(pairs).upper().encode()
        yield f"{text[:4]}.{text[4:8]}.{text[8:]}".encode()
        yield bytes.fromhex(text)


def left(octets: bytes) -> set[tuple[str, bytes]]:
    return {(text, form) for text in SUPPLIED for form in written(text) if form in octets}


@pytest.mark.parametrize("kind", ["pcap", "log"])
@pytest.mark.parametrize("keep_bodies", [False, True], ids=["without bodies", "with bodies"])
@pytest.mark.parametrize("keep_agents", [False, True], ids=["without agents", "with agents"])
def test_nothing_that_is_supplied_is_left(tmp_path: Path, kind: str, keep_bodies: bool, keep_agents: bool) -> None:
    path, out = source(tmp_path, kind), tmp_path / "out"
    assert {text for text, _ in left(path.read_bytes())} == set(SUPPLIED)  # or the test would look for nothing
    _, told = redacted(path, out, wishes=Wishes(keep_bodies=keep_bodies, keep_agents=keep_agents))
    assert told.messages == 2
    assert left(out.read_bytes()) == set()
    assert told.bodies == (0 if keep_bodies else 1)
    assert (told.notices, told.unsaid) == ((2 * len(NOTICES), 0) if kind == "log" else (0, 0))


@pytest.mark.parametrize("text", SUPPLIED)
def test_each_way_of_writing_is_one(text: str) -> None:
    forms = set(written(text))
    assert len(forms) > 10
    assert min(map(len, forms)) >= 4
    for before in range(3):
        assert any(form in base64.b64encode(b"x" * before + text.encode() + b"yz") for form in forms)

"""Raise the nonce counts of a recorded sample: `python scripts/raise_nonce_counts.py CAPTURE USERS.csv`.

SIPp says `nc=00000001` in every request, also where the nonce is that of the request before; a phone counts on (RFC
7616 3.4). This gives each further request under a nonce the next count and the response that goes with it, in place: no
length changes. USERS.csv has the passwords that were used, the wrong ones of a sample too. It takes logs, and captures
of UDP over Ethernet-like links with neither fragments nor options; the checksum of each changed datagram is made anew
(RFC 768).
"""

from __future__ import annotations

import re
import struct
import sys
from collections import Counter
from pathlib import Path

from analyzer.capture.opener import open_sources
from analyzer.evidence import Frame, LogLines, RawMessage
from analyzer.register.digest.arithmetic import Reading, expected, verify
from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import parse


def raised(raw: RawMessage, counts: Counter[tuple[str, str, str]], users: Secrets) -> bytes:
    """The payload with the count that its nonce has come to; as it is where that is said already."""
    message = parse(raw)
    if not message.method or not message.credentials:
        return raw.payload
    credentials = message.credentials[0]
    key = (message.call_id, credentials.realm or "", credentials.nonce or "")
    counts[key] += 1
    digest = from_credentials(credentials, message.method, message.body)._replace(nc=f"{counts[key]:08x}")
    sent = from_credentials(credentials, message.method, message.body)
    known = [one for one in users.lookup(digest.username, digest.realm) if verify(sent, one)]
    if counts[key] == 1 or not known:
        return raw.payload
    response = expected(Reading(digest, (digest.nonce, digest.cnonce)), known[0])
    assert response is not None
    return counted(raw.payload, digest.nc, response)


def counted(octets: bytes, nc: str, response: str) -> bytes:
    """The octets with another count and response in the first credentials."""
    octets = re.sub(rb"nc=[0-9a-f]{8}", b"nc=" + nc.encode(), octets, count=1)
    return re.sub(rb'response="[0-9a-f]{32}"', b'response="' + response.encode() + b'"', octets, count=1)


def checksum(octets: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def replace(capture: bytearray, offset: int, old: RawMessage, new: bytes) -> None:
    """Put a payload in the place of another of its length, and the checksum that belongs to it before it."""
    at = capture.index(old.payload, offset)
    capture[at : at + len(new)] = new
    udp = at - 8
    length = 8 + len(new)
    if capture[udp - 20] >> 4 == 4 and capture[udp - 11] == 17:
        pseudo = bytes(capture[udp - 8 : udp]) + struct.pack(">HH", 17, length)
    else:
        pseudo = bytes(capture[udp - 32 : udp]) + struct.pack(">II", length, 17)
    capture[udp + 6 : udp + 8] = b"\0\0"
    capture[udp + 6 : udp + 8] = struct.pack(">H", checksum(pseudo + bytes(capture[udp : udp + length])) or 0xFFFF)


def replace_lines(log: bytearray, place: LogLines, new: bytes) -> None:
    """Put the count and the response of a payload into the lines that print it."""
    start = 0
    for _ in range(place.first - 1):
        start = log.index(b"\n", start) + 1
    end = start
    for _ in range(place.last - place.first + 1):
        end = log.index(b"\n", end) + 1
    nc, response = re.search(rb"nc=([0-9a-f]{8})", new), re.search(rb'response="([0-9a-f]{32})"', new)
    assert nc is not None and response is not None
    log[start:end] = counted(bytes(log[start:end]), nc[1].decode(), response[1].decode())


def main(name: str, credentials: str) -> None:
    """Rewrite a capture in place."""
    path = Path(name)
    capture, counts, users = bytearray(path.read_bytes()), Counter[tuple[str, str, str]](), Secrets.load([credentials])
    changed = 0
    with open_sources([name]) as reading:
        for item in reading:
            if not isinstance(item, RawMessage) or (new := raised(item, counts, users)) == item.payload:
                continue
            if isinstance(item.place, Frame):
                replace(capture, item.place.offset, item, new)
            else:
                replace_lines(capture, item.place, new)
            changed += 1
    path.write_bytes(capture)
    print(f"{name}: {changed} requests counted on")


if __name__ == "__main__":
    main(*sys.argv[1:])

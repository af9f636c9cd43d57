"""What the tests of the deep engine share: both engines on one capture, stand-ins for tshark, TLS that is no TLS."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from analyzer.capture.opener import open_sources
from analyzer.evidence import Item, NetworkError, RawMessage, Source
from tests.capture.build import block, enhanced, interface, option, section, udp
from tests.shared import ROOT

TLS_SAMPLE = ROOT / "samples" / "tls-registration"
EXPORTED = 252
"""LINKTYPE_WIRESHARK_UPPER_PDU, which our own reader does not know."""


def both(path: Path) -> tuple[list[Item], Source, list[Item], Source]:
    """Items and source of a capture, as our own reader gives them and as the deep engine does."""
    with open_sources([path], engine="native") as reading:
        native = list(reading)
    with open_sources([path], engine="tshark") as deep_reading:
        deep = list(deep_reading)
    return native, reading.sources[0], deep, deep_reading.sources[0]


def deep_messages(path: Path, **given: str) -> tuple[list[RawMessage], list[NetworkError], Source]:
    """Messages, ends and source of a capture, by the engine that `auto` takes unless told otherwise."""
    with open_sources([path], **given) as reading:  # type: ignore[arg-type]
        items = list(reading)
    found = [item for item in items if isinstance(item, RawMessage)]
    return found, [item for item in items if isinstance(item, NetworkError)], reading.sources[0]


def exported(payload: bytes, source: bytes = b"\x0a\0\0\x01", destination: bytes = b"\x0a\0\0\x02") -> bytes:
    """An exported PDU: tags that say what carried the message, then the message."""
    first = 20 if len(source) == 4 else 22
    tags = [(12, b"sip\0"), (first, source), (first + 1, destination), (24, b"\0\0\0\x03")]
    tags += [(25, b"\0\0\x13\xce"), (26, b"\0\0\x13\xc4"), (0, b"")]
    return b"".join(struct.pack("!HH", tag, len(value)) + value for tag, value in tags) + payload


def stand_in(folder: Path, script: str) -> str:
    """A PATH whose tshark is a shell script; `real` in it is the real one's path."""
    program = folder / "tshark"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


def with_secrets(capture: bytes, keys: bytes) -> bytes:
    """A pcapng file with a Decryption Secrets Block behind its section header."""
    (size,) = struct.unpack_from("<I", capture, 4)
    secrets = struct.pack("<II", 0x544C534B, len(keys)) + keys
    return capture[:size] + block(10, secrets) + capture[size:]


def two_links(first: bytes, second: bytes, linktype: int = EXPORTED) -> bytes:
    """A capture of two interfaces: Ethernet, and one that our own reader does not know."""
    return section() + interface(1) + interface(linktype) + enhanced(first, number=0) + enhanced(second, number=1)


def commented(frame: bytes, comment: bytes) -> bytes:
    """A capture of one packet with a comment."""
    padded = frame + bytes(-len(frame) % 4)
    head = struct.pack("<IIIII", 0, 0, 1, len(frame), len(frame))
    return section() + interface(1) + block(6, head + padded + option(1, comment) + option(0, b""))


def snoop(frames: list[bytes]) -> bytes:
    """Sun's capture format (RFC 1761), which our own reader does not know."""
    out = b"snoop\0\0\0" + struct.pack("!II", 2, 4)
    for index, frame in enumerate(frames):
        padded = frame + bytes(-len(frame) % 4)
        out += struct.pack("!IIIIII", len(frame), len(frame), 24 + len(padded), 0, 1_700_000_000 + index, 250_000)
        out += padded
    return out


def sctp(payload: bytes) -> bytes:
    """An SCTP packet of one whole DATA chunk (RFC 4960 3.3.1)."""
    chunk = struct.pack("!BBHIHHI", 0, 3, 16 + len(payload), 1, 0, 0, 0) + payload
    return udp(b"")[:4] + bytes(8) + chunk + bytes(-len(chunk) % 4)

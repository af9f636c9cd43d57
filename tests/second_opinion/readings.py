"""What is compared between two readers of one capture, and how each is asked.

tshark writes PDML: one `<proto name="sip">` per message, so that several messages of a frame stay apart, and with
each field the octets that it was read from, in hex. Text is therefore compared octet for octet, and neither tshark's
escapes nor our decoding can hide a difference. The two numbers (CSeq, status) are compared as numbers, for there it is
the reading of the digits that is asked for. The start line of ours is put together from what was parsed.
"""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from analyzer.capture.opener import open_sources
from analyzer.evidence import Frame, Item, NetworkError
from analyzer.sip.message import Message, parse, parse_bytes
from analyzer.sip.sniff import Kind, kind
from analyzer.sip.text import octets


class Heard(NamedTuple):
    """One SIP message as a reader understood it. Absent parts are None; `where` is `sip`, or `icmp` for a quote.

    `cseq` is number and method, `branch` that of the topmost Via, `status` 0 for a request.
    """

    frame: int
    where: str
    start: bytes | None
    call_id: bytes | None
    cseq: tuple[int, bytes] | None
    branch: bytes | None
    status: int


# Each is asked for by name: whole trees would be four times the text.
_FIELDS = (
    "sip sip.Request-Line sip.Status-Line sip.Status-Code sip.msg_hdr sip.Call-ID"
    " sip.CSeq sip.CSeq.seq sip.CSeq.method sip.Via sip.Via.branch"
)
_HEURISTICS = [word for name in ("udp", "tcp", "sctp", "stun") for word in ("--enable-heuristic", f"sip_{name}")]
_OPTIONS = ["-n", "-o", "tcp.reassemble_out_of_order:TRUE", *_HEURISTICS]
_NO_PREFERENCES = Path(__file__).parent / "no-such-folder"
"""Preferences of whoever runs the test must not count."""


def tsharks(program: str, path: Path) -> list[Heard]:
    """What tshark reads in a capture, in its order."""
    keys = _keys(path)
    opened = ["-o", f"tls.keylog_file:{keys}", "-d", "tls.port==15061,sip"] if keys else []
    return list(_tsharks([program, "-r", str(path), *_OPTIONS, *opened, "-Y", "sip", "-T", "pdml", "-j", _FIELDS]))


def _keys(path: Path) -> Path | None:
    """The key log beside a capture, if there is one."""
    keys = path.parent / "keylog.txt"
    return keys if keys.is_file() else None


def _tsharks(command: Sequence[str]) -> Iterator[Heard]:
    environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(_NO_PREFERENCES), "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as running:
        assert running.stdout is not None
        for _, element in ElementTree.iterparse(running.stdout):
            if element.tag == "packet":
                yield from _packet(element)
                element.clear()
    assert running.returncode == 0, f"{command[0]} ended with {running.returncode}"


def _packet(packet: ElementTree.Element) -> Iterator[Heard]:
    number, where = 0, "sip"
    for element in packet.iter():
        name = element.get("name")
        if name == "num":
            number = int(element.get("show", ""))
        elif element.tag == "proto" and name in ("icmp", "icmpv6"):
            where = "icmp"
        elif element.tag == "proto" and name == "sip":
            yield _layer(element, number, where)


def _layer(layer: ElementTree.Element, number: int, where: str) -> Heard:
    first: dict[str, ElementTree.Element] = {}
    for element in layer.iter("field"):
        first.setdefault(element.get("name", ""), element)
    via = first.get("sip.Via")
    branch = None if via is None else next((one for one in via.iter("field") if one.get("name") == _BRANCH), None)
    seq, method = first.get("sip.CSeq.seq"), _value(first.get("sip.CSeq.method"))
    code = first.get("sip.Status-Code")
    return Heard(
        number,
        where,
        _value(first.get("sip.Request-Line", first.get("sip.Status-Line"))),
        _row_value(first.get("sip.Call-ID")),
        None if seq is None or method is None else (int(seq.get("show", "")), method),
        _value(branch),
        0 if code is None else int(code.get("show", "")),
    )


def _row_value(row: ElementTree.Element | None) -> bytes | None:
    """The value of a header row, of which tshark gives the octets of the whole row.

    `show` is the value alone, as it is where it is printable ASCII; elsewhere tshark's escapes cannot be undone (a TAB
    is a blank, `\\x1` may be one octet or three), and the row's octets behind the colon are taken (RFC 3261 7.3.1).
    """
    if row is None:
        return None
    value = (_value(row) or b"").partition(b":")[2].strip(b" \t\r\n")
    return row.get("show", "").encode() if value.decode("latin-1").isprintable() and value.isascii() else value


_BRANCH = "sip.Via.branch"


def _value(field: ElementTree.Element | None) -> bytes | None:
    """The octets that a field was read from."""
    return None if field is None else bytes.fromhex(field.get("value", ""))


def ours(path: Path) -> list[Heard]:
    """What we read in a capture, in its order."""
    with open_sources([path], tls_keylog=_keys(path)) as reading:
        return [heard for item in reading if (heard := _item(item)) is not None]


def _item(item: Item) -> Heard | None:
    assert isinstance(item.place, Frame)
    if not isinstance(item, NetworkError):
        return heard(parse(item), item.place.number, "sip")
    if item.reason != "icmp" or kind(item.quoted, cut=True) is not Kind.SIP:
        return None
    return heard(parse_bytes(item.quoted), item.place.number, "icmp")


def heard(message: Message, number: int, where: str = "sip") -> Heard:
    """The parts of a message of ours that are compared."""
    cseq, via = message.cseq, message.via
    return Heard(
        number,
        where,
        _start(message),
        octets(message.call_id) if message.has("call-id") else None,
        None if cseq is None else (cseq.number, octets(cseq.method)),
        None if via is None or via.branch is None else octets(via.branch),
        message.status,
    )


def _start(message: Message) -> bytes | None:
    if message.is_request:
        return octets(" ".join(part for part in (message.method, message.request_uri, message.version) if part))
    return octets(f"{message.version} {message.status:03} {message.reason}") if message.is_response else None

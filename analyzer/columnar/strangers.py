"""What is in no columns: packets for the reader of packets, and messages for the parser (docs/columnar.md).

Before anybody is called ordinary, all that will go to the object path is looked at once, for what it shares with
clients in columns: a Call-ID, a user, an address with its port, a branch, a nonce.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.columnar.clients import Strangers
from analyzer.columnar.columns import Values
from analyzer.columnar.exchanges import readable
from analyzer.columnar.facts import NO_NUMBER, number_of
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Unsuited
from analyzer.columnar.shapes import Shapes, method_of
from analyzer.evidence import Endpoint, RawMessage, Source
from analyzer.register.challenges import MOST_NUMERALS
from analyzer.sip.message import Message
from analyzer.sip.sniff import PING, Kind, is_keepalive, kind
from analyzer.sip.text import unescape
from analyzer.sip.via import MAGIC_COOKIE

MOST = 2
"""Packets and messages that are for the object path, for each that may be in columns: of more, it reads all."""


@dataclass(slots=True)
class Odd:
    """The messages that the reader of packets finds in the odd packets: the row of the record at which each comes (the
    number of records for what comes at the end), its time, and the address it comes from. `clients` counts those that
    may be of one client each. `has_short_nonce`: one of them, or of the messages that no template fits, gives out a
    nonce that may be a number. `answering` are the addresses that responses among them come from."""

    rows: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    hosts: list[int] = field(default_factory=list)
    answering: set[int] = field(default_factory=set)
    clients: int = 0
    has_short_nonce: bool = False


def record_of(packets: Packets, source: Source, row: int) -> Record:
    """One record as the reader of the file gives it."""
    records = packets.records
    at, size = int(records.at[row]), int(records.size[row])
    begin = at + records.header
    frame = records.octets[begin : begin + size].tobytes()
    interface = 0 if records.interface is None else int(records.interface[row])
    return Record(source, row + 1, at, int(records.time[row]), records.link, size, frame, interface)


def is_counted(item: object) -> bool:
    """Whether an item is a message that a run counts."""
    return isinstance(item, RawMessage) and not (len(item.payload) <= len(PING) and is_keepalive(item.payload))


def strangers_of(values: Values, shapes: Shapes) -> tuple[Strangers, Odd]:
    """All that is in no columns. Raises `Unsuited` where that is most, where messages are cut, or where something only
    begins as a message does."""
    scanned = values.scanned
    packets = scanned.packets
    is_read = readable(values, shapes)
    unread = np.flatnonzero(~is_read)
    own = np.count_nonzero(is_read)
    if len(packets.odd) + len(is_read) - own > MOST * own:
        raise Unsuited("most of it is out of the ordinary")
    strangers, odd = Strangers(), Odd()
    for shape in shapes.all:
        _hold_for_sip(shape.example)
        _hold_for_gruus(shape.example)
    _note_odd(packets, strangers, odd)
    for row in unread.tolist():
        message = scanned.message(row)
        _hold_for_sip(message)
        if _note(strangers, message):
            strangers.ends.add(int((packets.target if packets.is_response[row] else packets.source)[row]))
    odd.has_short_nonce = any(len(nonce) <= MOST_NUMERALS for nonce in strangers.nonces)
    return strangers, odd


def _note_odd(packets: Packets, strangers: Strangers, odd: Odd) -> None:
    """Let the reader of packets read the odd ones, and note what is in them."""
    scratch, at = Source(""), len(packets.records)
    packets.records.begin(scratch)
    reader = PacketReader()

    def records() -> Iterator[Record]:
        nonlocal at
        for row in packets.odd.tolist():
            at = row
            yield record_of(packets, scratch, row)
        at = len(packets.records)

    for item in reader.items(records()):
        is_client = True
        if isinstance(item, RawMessage):
            if item.missing:
                raise Unsuited("messages are cut")
            if not is_counted(item):
                continue
            odd.rows.append(at)
            odd.times.append(item.time or 0)
            odd.hosts.append(number_of(item.source.host))
            message = Message(item)
            if not message.method:
                odd.answering.add(odd.hosts[-1])
            is_client = _note(strangers, message)
            odd.clients += is_client
        for end in (item.source, item.destination) if is_client else ():
            strangers.ends.update(_number_of(end))
    if reader.copies:
        raise Unsuited("two interfaces show the same packets")


def _hold_for_sip(message: Message) -> None:
    if kind(message.raw) is not Kind.SIP:
        raise Unsuited("a packet begins as a message and is none")


def _hold_for_gruus(message: Message) -> None:
    """Raise `Unsuited` where a temporary GRUU is given out that does not show what it is (RFC 5627 3.1): a message of
    another method that names it, as `register/given.py` looks for, is told from others by its `;gr`."""
    if b"temp-gruu" in message.raw.lower():
        given = [contact.params.unquoted("temp-gruu") for contact in message.contacts]
        if any(uri and ";gr" not in uri.lower() for uri in given):
            raise Unsuited("a temporary GRUU does not show what it is")


def _number_of(end: Endpoint) -> list[int]:
    """The address and port as the columns have it; nothing for IPv6."""
    host = number_of(end.host)
    return [] if host == NO_NUMBER else [host << 16 | end.port]


def _note(strangers: Strangers, message: Message) -> bool:
    """Note what a message shares with others; False where it says nothing of a client that registers: with another
    method than REGISTER (an OPTIONS by which a way is kept open, say), unless it shows credentials, or goes by a route
    that a registrar may have given."""
    if not message.call_id or (message.is_response and message.cseq is None):
        raise Unsuited("a message has no Call-ID, or an answer no CSeq")
    if b"nextnonce" in message.raw.lower():
        raise Unsuited("an answer announces a nonce")
    _hold_for_gruus(message)
    strangers.calls.add(message.call_id)
    for via in message.vias:
        branch = via.branch or ""
        strangers.branches.add(branch.removeprefix(MAGIC_COOKIE))
    strangers.nonces.update(one.nonce for one in message.challenges if one.nonce)
    strangers.nonces.update(one.nonce for one in message.credentials if one.nonce)
    if method_of(message) != "REGISTER" and not message.carries_credentials and not message.has("route"):
        return False
    for address in (message.to, message.from_):
        if address is not None and address.uri is not None:
            strangers.users.add(unescape(address.uri.user or ""))
    return True


__all__ = ["Odd", "is_counted", "record_of", "strangers_of"]

"""Which worker takes which message: so that every registration stays whole in one of them.

All workers see every message, in the same order, and each decides alike whose it is, so nothing has to be told to the
others. What holds messages together is the Call-ID (transactions, the CSeq counter, hops) and the address-of-record
(the registration over changes of Call-ID, its bindings, its digest sessions): a Call-ID goes where it was first sent,
a new one where its address-of-record went before, and a new address-of-record where its hash says.

Rarely two groups turn out to be one after both were given away: a Call-ID used for two users that had registered under
others before. Rarely an answer cannot be told at all, cut before its Call-ID. Then nobody can keep things whole that
were parted already, and `Inseparable` says so; one worker alone has no such trouble.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping

from analyzer.evidence import RawMessage
from analyzer.register.bounded import Inseparable
from analyzer.register.identity import aor_of
from analyzer.sip.message import Message, parse
from analyzer.sip.text import octets, text
from analyzer.sip.uri import Uri
from analyzer.sip.uri import aor as canonical_aor

__all__ = ["Inseparable", "Shard", "call_id_of"]

_CALL_ID = re.compile(rb"\n(?:call-id|i)[ \t]*+:[ \t]*+([^\r\n]++)", re.IGNORECASE)
# Up to the bracket or the first parameter: a tag, which answers add, is no part of who it is.
_TO = re.compile(rb"\n(?:to|t)[ \t]*+:([^\r\n>;]*+)", re.IGNORECASE)
_MOST_PAIRS = 200_000


class Shard:
    """The share of worker `number` (from 0) of `count`."""

    def __init__(self, number: int, count: int) -> None:
        self.number = number
        self.count = count
        self._by_call: dict[str, int] = {}
        self._by_aor: dict[str, int] = {}
        self._pairs: dict[tuple[bytes, bytes], int] = {}

    def takes(self, raw_message: RawMessage) -> bool:
        """Whether the message is this worker's. Raises `Inseparable`."""
        if raw_message.missing:
            raise Inseparable("messages are cut: whose they are may be in what is missing")
        pair = _pair(raw_message.payload, self._pairs)
        owner = self._pairs.get(pair) if pair is not None else None
        if pair is None:
            return self._owner(parse(raw_message)) == self.number
        if owner is None:
            owner = self._owner_of_register(pair) if raw_message.payload.startswith(b"REGISTER ") else None
            if owner is None:
                owner = self._owner(parse(raw_message))
            if len(self._pairs) >= _MOST_PAIRS:
                self._pairs.clear()
            self._pairs[pair] = owner
        return owner == self.number

    def _owner_of_register(self, pair: tuple[bytes, bytes]) -> int | None:
        """The same for a request whose To is `<sip:...` and nothing unusual; None for any other."""
        uri = Uri.parse(text(pair[1].rpartition(b"<")[2]))
        if not uri.is_sip or uri.defects or not uri.host:
            return None
        return self._assign(text(pair[0].strip(b" \t")), canonical_aor(uri))

    def _owner(self, message: Message) -> int:
        """Whose it is, by what the message says when it is read properly."""
        call_id, aor = message.call_id, _aor(message)
        if not call_id or (message.is_response and message.cseq is None):
            raise Inseparable("a message has no Call-ID, or an answer no CSeq")
        return self._assign(call_id, aor)

    def _assign(self, call_id: str, aor: str) -> int:
        by_call, by_aor = self._by_call.get(call_id) if call_id else None, self._by_aor.get(aor) if aor else None
        if by_call is not None and by_aor is not None and by_call != by_aor:
            raise Inseparable("one Call-ID is used for users that had others before")
        owner = by_call if by_call is not None else by_aor
        if owner is None:
            owner = zlib.crc32(octets(aor or call_id)) % self.count
        if call_id:
            self._by_call[call_id] = owner
        if aor:
            self._by_aor[aor] = owner
        return owner


def call_id_of(raw: bytes) -> bytes:
    """The Call-ID as it stands in the octets; empty where it is not found at once (cut off, folded, none)."""
    end = raw.find(b"\r\n\r\n")
    found = _CALL_ID.search(raw, 0, end if end >= 0 else len(raw))
    return found[1] if found is not None else b""


def _pair(raw: bytes, known: Mapping[tuple[bytes, bytes], int]) -> tuple[bytes, bytes] | None:
    """Call-ID and To (without its tag) as they stand in the octets: the same pair is the same owner's, so a message is
    read properly only where its pair is new, and looked at closely only where it is not `known`. None where they are
    not found at once."""
    end = raw.find(b"\r\n\r\n")
    if end < 0:
        return None
    call, to = raw.find(b"\nCall-ID: ", 0, end), raw.find(b"\nTo: ", 0, end)
    if call > 0 and to > 0:
        bracket = raw.find(b">", to)
        pair = raw[call + 10 : raw.find(b"\r", call)], raw[to + 5 : bracket]
        if pair in known:
            return pair
        plain = raw.count(b"<", to, bracket) == 1 and raw.count(b'"', to, bracket) in (0, 2)
        return pair if plain and 0 < bracket < raw.find(b"\r", to) else None
    found, to_value = _CALL_ID.search(raw, 0, end), _TO.search(raw, 0, end)
    if found is None or to_value is None or b'"' in to_value[1]:
        return None
    return found[1], to_value[1]


def _aor(message: Message) -> str:
    """The address-of-record that a message belongs to: of REGISTER that in To (RFC 3261 10.2), of others the caller's,
    whose credentials they carry."""
    if message.is_register or message.from_ is None or message.from_.uri is None:
        return aor_of(message)
    return canonical_aor(message.from_.uri)

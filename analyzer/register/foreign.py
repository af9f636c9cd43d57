"""What one worker learns from the messages of another (`--jobs`), and where that is not enough to know the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.evidence import RawMessage
from analyzer.register.bounded import Inseparable
from analyzer.register.transaction import Transaction
from analyzer.sip.auth import Challenge, parse_challenges
from analyzer.sip.message import Message, parse
from analyzer.sip.text import text

_AUTHENTICATE = b"\r\nwww-authenticate: "


class ForeignChallenge(NamedTuple):
    """What counts of a response that is another worker's."""

    raw_message: RawMessage
    call_id: str
    challenges: Sequence[Challenge]


def foreign_challenge(raw_message: RawMessage) -> ForeignChallenge | None:
    """The response that goes by, if it is a final one with a challenge: its nonces are the server's, whoever was asked.

    Raises `Inseparable` for one that announces a nonce without its realm (RFC 7616 3.5): only its request tells that.
    """
    if raw_message.payload[:1] not in b"Ss\r\n":
        return None
    octets = raw_message.payload.lower()
    if b"nextnonce" in octets:
        raise Inseparable("an answer announces a nonce, whose realm is in a request of another worker")
    if b"-authenticate" not in octets:
        return None
    found = _read_plain(raw_message, octets)
    if found is not None:
        return found
    message = parse(raw_message)
    if not message.is_response or message.status < 200:
        return None
    return ForeignChallenge(raw_message, message.call_id, message.challenges)


def _read_plain(raw_message: RawMessage, octets: bytes) -> ForeignChallenge | None:
    """The same for the common 401, of which two lines have to be read: each line ends in CRLF, the Call-ID is written
    out, and one WWW-Authenticate is the only row of its kind, in one line. None for any other."""
    raw = raw_message.payload
    end = octets.find(b"\r\n\r\n")
    row, call = octets.find(_AUTHENTICATE), octets.find(b"\r\ncall-id: ")
    if not (octets.startswith(b"sip/2.0 401 ") and 0 < row < end and 0 < call < end):
        return None
    lines = octets.count(b"\n", 0, end)
    if (
        octets.count(b"\r\n", 0, end) != lines
        or octets.count(b"\r", 0, end) != lines
        or octets.count(b"-authenticate") != 1
        or octets.count(b"call-id") != 1
        or b"\ni" in octets  # its short form, or another header that one look does not tell from it
    ):
        return None
    row_end = raw.find(b"\r\n", row + 2)
    call_end = raw.find(b"\r\n", call + 2)
    if raw[row_end + 2 : row_end + 3] in b" \t" or raw[call_end + 2 : call_end + 3] in b" \t":
        return None
    value = text(raw[row + len(_AUTHENTICATE) : row_end].strip(b" \t"))
    return ForeignChallenge(
        raw_message, text(raw[call + 11 : call_end].strip(b" \t")), parse_challenges("www-authenticate", value)
    )


def check_way_back(transaction: Transaction, challenge: Message) -> None:
    """Hold a challenge against its request: who notes foreign messages it knows only who sent it to whom.

    Raises `Inseparable` where it did not come from the address that was asked, to the one that had asked.
    """
    way = challenge.raw_message.destination.host, challenge.raw_message.source.host
    if way != (transaction.source.host, transaction.destination.host):
        raise Inseparable("a challenge came from another address than the request went to")

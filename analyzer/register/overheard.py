"""What one worker learns from the messages of another (`--jobs`), and where that is not enough to know the same."""

from __future__ import annotations

from analyzer.evidence import Datagram
from analyzer.register.bounded import Inseparable
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message, parse


def overheard_challenge(datagram: Datagram) -> Message | None:
    """The answer that goes by, if it is a final one with a challenge: its nonces are the server's, whoever was asked.

    Raises `Inseparable` for one that announces a nonce without its realm (RFC 7616 3.5): only its request tells that.
    """
    if datagram.payload[:1] not in b"Ss\r\n":
        return None
    octets = datagram.payload.lower()
    if b"nextnonce" in octets:
        raise Inseparable("an answer announces a nonce, whose realm is in a request of another worker")
    if b"-authenticate" not in octets:
        return None
    message = parse(datagram)
    return message if message.is_response and message.status >= 200 else None


def check_way_back(transaction: Transaction, challenge: Message) -> None:
    """Hold a challenge against its request: who overhears it knows only who sent it to whom.

    Raises `Inseparable` where it did not come from the address that was asked, to the one that had asked.
    """
    way = challenge.datagram.destination.host, challenge.datagram.source.host
    if way != (transaction.source.host, transaction.destination.host):
        raise Inseparable("a challenge came from another address than the request went to")

"""The keys by which messages belong together (docs/rules/reconstruction.md 2), and the tests that a key leaves open.

A copy of a request is octet for octet what was sent first, but for what the way changes: the values that a receiver
writes into Via (18.2.1, RFC 3581 4), a Timestamp (8.2.6.1), blanks at the ends of lines.
"""

from __future__ import annotations

import re

from analyzer.evidence import Endpoint
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message, parse_bytes
from analyzer.sip.transaction_key import LEGACY, TransactionKey, transaction_key

Key = TransactionKey

_ON_THE_WAY = re.compile(
    rb"(?i);(?:received|rport)(?:=[^;,\s]*+)?|^timestamp[ \t]*:[^\n]*\n|(?<![ \t\r])[ \t\r]++(?=\n)", re.MULTILINE
)


def request_key(message: Message) -> Key:
    """The key of RFC 3261 17.2.3 with Call-ID and CSeq number: some clients use one branch for two requests. Without
    the magic cookie it has them already."""
    key = transaction_key(message)
    if key[0] == LEGACY:
        return key
    cseq = message.cseq
    return (*key, message.call_id, -1 if cseq is None else cseq.number)


def is_readable(message: Message) -> bool:
    """Whether a request can be told from another at all: one that was cut before branch, Call-ID or CSeq cannot, and
    octets that are equal because both were cut make no copy (docs/rules/traps.md T-FRAG)."""
    if not message.raw_message.missing or message.complete_headers:
        return True
    return message.via is not None and bool(message.via.branch and message.call_id) and message.cseq is not None


def response_key(message: Message) -> Key:
    """The key of the request that a response answers (17.1.3), if it has the cookie."""
    cseq = message.cseq
    return branch_key(message, cseq.method if cseq is not None else "")


def branch_key(message: Message, method: str) -> Key:
    """Branch, sent-by, method, Call-ID, CSeq number."""
    via, cseq = message.via, message.cseq
    number = -1 if cseq is None else cseq.number
    if via is None:
        return ("", "", method, message.call_id, number)
    return (via.branch or "", via.sent_by, method, message.call_id, number)


def call_key(transaction: Transaction) -> Key:
    """Call-ID, CSeq number, method: what the hops of one request have in common."""
    return (transaction.call_id, transaction.cseq, transaction.method)


def from_tag(message: Message) -> str:
    """The From tag, empty without one."""
    return (message.from_.tag if message.from_ else None) or ""


def answers_challenge(transaction: Transaction, message: Message) -> bool:
    """A request with the key of a challenged one, but with credentials for that challenge: a new transaction that
    reuses the branch and the CSeq number (22.2 forbids it)."""
    request = transaction.request
    if not transaction.challenged or request is None or not message.credentials:
        return False
    if not request.credentials:
        return True
    before = {credentials.nonce for credentials in request.credentials}
    now = {credentials.nonce or "" for credentials in message.credentials} - before
    return bool(now & transaction.nonces)


def is_copy(request: Message, message: Message) -> bool:
    """Whether `message` says what `request` said, but for what the way changes (docs/rules/reconstruction.md 3)."""
    if message.raw == request.raw:
        return True
    return _ON_THE_WAY.sub(b"", message.raw) == _ON_THE_WAY.sub(b"", request.raw)


def is_reverse(live: Transaction, source: Endpoint, destination: Endpoint) -> bool:
    """Whether a response from `source` to `destination` goes back the way of the request, at one end at least."""
    return source.host == live.destination.host or destination.host == live.source.host


def same_path(one: Transaction, two: Transaction) -> bool:
    """Whether one request's Via list is the tail of the other's, and their From tags are equal
    (docs/rules/reconstruction.md 4)."""
    first, second = one.request, two.request
    if first is None or second is None or from_tag(first) != from_tag(second):
        return False
    short, long = sorted(
        ([(via.branch, via.sent_by) for via in message.vias] for message in (first, second)),
        key=len,
    )
    if len(short) == len(long):  # two branches of one fork; with equal branches it is the same hop once more
        return len(short) > 1 and short[0] != long[0] and short[1:] == long[1:]
    return bool(short) and long[-len(short) :] == short


def flow_key(stream: int, source: Endpoint, destination: Endpoint) -> tuple[object, ...]:
    """What network errors hit: a connection, or the way from one address and port to another."""
    return (stream,) if stream else (source, destination)


def quoted_key(quoted: bytes) -> Key | None:
    """Branch, sent-by and method of the request that an ICMP error quotes; None where the quote ends before them."""
    message = parse_bytes(quoted)
    via = message.via
    if via is None or not via.branch or len(message.headers) < 2:  # the last row may be cut within the branch
        return None
    return (via.branch, via.sent_by, message.method)

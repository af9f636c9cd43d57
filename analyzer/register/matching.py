"""Which message belongs to which transaction (RULES 1.2, 1.3).

A request's key is the top Via's branch, its sent-by and the method (RFC 3261 17.2.3), here with Call-ID and CSeq
beside them, so that a branch used again for another request is another transaction. Requests without the magic cookie
are keyed as RFC 2543 did. Answers look for the same branch, sent-by and CSeq method; when a box on the way rewrote the
Via (or a log lost it) they fall back, with falling confidence, to Call-ID + CSeq + From tag (K3), Call-ID + CSeq (K4),
and the only open transaction of the address pair (K5). Never by address alone while a better key matches, and never by
order of arrival.

A transaction that is answered lives 64*T1 longer, to take in late copies; one that is not is called unanswered after
Timer F and a grace. All by capture time, so memory is bounded by the traffic of some 40 seconds. Where the source has no
clock, a thousand messages stand for a second.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

from analyzer.evidence import SECOND, Abort, Datagram, Endpoint
from analyzer.register.duplicates import is_same_packet
from analyzer.register.timers import GRACE, MAX_WAIT, TIMER_F
from analyzer.register.transaction import KEPT, Path, Transaction
from analyzer.sip.message import Message

_PSEUDO_TICK = SECOND // 1000
_MOST_HOPS = 32
_RINGING = 180 * SECOND  # RFC 3261 16.6 item 11: Timer C is longer than three minutes

Key = tuple[str, ...]


class Event(NamedTuple):
    """What happened to a transaction: `opened` (first request), `copied` (sent again), `answered` (first
    final answer), `silent` (no final answer in time), `closed` (forgotten; always last)."""

    kind: Literal["opened", "copied", "answered", "silent", "closed"]
    transaction: Transaction
    message: Message | None = None


class TransactionTable:
    """The live transactions. Feed it messages in the order of the source; it answers with events."""

    def __init__(self) -> None:
        self._next = 1
        self._tick = 0
        self._live: dict[Key, Transaction] = {}
        self._by_branch: dict[Key, Transaction] = {}
        self._by_call: dict[Key, dict[int, Transaction]] = defaultdict(dict)
        self._deadlines: list[tuple[int, int, Transaction]] = []
        self.answers_from: dict[str, int] = defaultdict(int)
        self.duplicates = 0
        self.end: int | None = None

    def feed(self, message: Message) -> Iterator[Event]:
        """Take in one message; yield what that did, the expiry of older transactions first."""
        yield from self._advance(message.datagram)
        if message.is_request:
            if message.method != "ACK":  # an ACK is answered by nothing (17.1.1.3)
                yield from self._request(message)
        elif message.is_response:
            yield from self._response(message)

    def abort(self, abort: Abort) -> Iterator[Transaction]:
        """Mark the transactions that a network error hits, and yield them. It does not end them: an answer to a
        later copy may still come."""
        for transaction in list(self._live.values()):
            if transaction.final is None and transaction.aborted is None and _hits(abort, transaction):
                transaction.aborted = abort
                yield transaction

    def finish(self) -> Iterator[Event]:
        """The source has ended: close everything. What had no time to be answered is `open` (T-TAIL)."""
        for transaction in sorted(set(self._live.values()), key=lambda live: live.id):
            if transaction.final is None and transaction.request is not None:
                transaction.state = self._state_without_answer(transaction, ended=True)
                yield Event("silent", transaction)
            yield Event("closed", transaction)
        self._live.clear()
        self._by_branch.clear()
        self._by_call.clear()
        self._deadlines.clear()

    def _advance(self, datagram: Datagram) -> Iterator[Event]:
        if datagram.time is None:
            self._tick += _PSEUDO_TICK
        else:
            self._tick = datagram.time
            self.end = datagram.time if self.end is None else max(self.end, datagram.time)
        while self._deadlines and self._deadlines[0][0] < self._tick:
            _, number, transaction = heapq.heappop(self._deadlines)
            if transaction.deadline >= self._tick:
                heapq.heappush(self._deadlines, (transaction.deadline, number, transaction))
                continue
            if transaction.final is None and transaction.request is not None:
                transaction.state = self._state_without_answer(transaction, ended=False)
                yield Event("silent", transaction)
            self._forget(transaction)
            yield Event("closed", transaction)

    def _state_without_answer(
        self, transaction: Transaction, *, ended: bool
    ) -> Literal["timeout", "aborted", "open", "unjudged"]:
        if transaction.aborted is not None:
            return "aborted"
        if ended and (transaction.first is None or self.end is None or self.end - transaction.first < TIMER_F):
            return "open"
        if not transaction.retransmissions and not self.answers_from[transaction.destination.host]:
            return "unjudged"  # nothing was ever seen from there: that direction may not be in the source
        return "timeout"

    def _request(self, message: Message) -> Iterator[Event]:
        key = _request_key(message)
        transaction = self._live.get(key)
        if transaction is not None and transaction.request is None:
            yield from self._late_request(transaction, message)
        elif transaction is not None and not _answers_challenge(transaction, message):
            yield from self._copy(transaction, message)
        else:
            yield self._open(key, message)

    def _open(self, key: Key, message: Message) -> Event:
        transaction = self._new(key, message)
        self._join_path(transaction)
        self._extend(transaction)
        return Event("opened", transaction)

    def _late_request(self, transaction: Transaction, message: Message) -> Iterator[Event]:
        """A log may print the answer before the request it answers."""
        datagram = message.datagram
        transaction.request = message
        transaction.source, transaction.destination = datagram.source, datagram.destination
        transaction.first, transaction.last = datagram.time, datagram.time
        transaction.via_count = len(message.vias)
        transaction.seen.append((message, transaction.tick))
        transaction.state = "open"
        self._join_path(transaction)
        yield Event("opened", transaction)
        if transaction.final is not None:
            transaction.state = "answered"
            yield Event("answered", transaction)

    def _copy(self, transaction: Transaction, message: Message) -> Iterator[Event]:
        if any(is_same_packet(seen, message) for seen, _ in transaction.seen if seen.is_request):
            self._duplicate(transaction)
            return
        self._remember(transaction, message)
        transaction.retransmissions += 1
        transaction.last = message.datagram.time
        if len(transaction.copies) < KEPT:
            transaction.copies.append(message.datagram.place)
        self._extend(transaction)
        if transaction.request is not None and message.raw != transaction.request.raw:
            transaction.changed_count += 1
            if len(transaction.changed) < KEPT:
                transaction.changed.append(message)
        yield Event("copied", transaction, message)

    def _response(self, message: Message) -> Iterator[Event]:
        transaction, pairing = self._find(message)
        if transaction is None:
            transaction = self._new(_response_key(message), message)
            transaction.deadline = self._tick + TIMER_F
            heapq.heappush(self._deadlines, (transaction.deadline, transaction.id, transaction))
        elif any(is_same_packet(seen, message) for seen, _ in transaction.seen if seen.is_response):
            self._duplicate(transaction)
            return
        else:
            self._remember(transaction, message)
            transaction.pairing = max(transaction.pairing, pairing)
        self.answers_from[message.datagram.source.host] += 1
        yield from self._answer(transaction, message)

    def _answer(self, transaction: Transaction, message: Message) -> Iterator[Event]:
        if message.status < 200:  # RFC 3261 17.1.2.2: 1xx never completes a transaction
            if len(transaction.provisional) < KEPT:
                transaction.provisional.append(message.status)
            transaction.deadline = self._tick + (_RINGING if transaction.method == "INVITE" else GRACE)
            return
        transaction.nonces.update(challenge.nonce or "" for challenge in message.challenges)
        if transaction.final is not None:
            transaction.final_copies += 1
            if message.status != transaction.status and len(transaction.later_finals) < KEPT:
                transaction.later_finals.append(message)
            return
        transaction.final = message
        transaction.answered_at = message.datagram.time
        transaction.deadline = self._tick + TIMER_F
        if transaction.request is not None:
            transaction.state = "answered"
            yield Event("answered", transaction)

    def _find(self, message: Message) -> tuple[Transaction | None, int]:
        """The transaction that an answer belongs to, and the number of the key (1 to 5) by which it was found."""
        exact = self._live.get(_response_key(message))
        if exact is not None:
            return exact, 1
        via, cseq = message.via, message.cseq
        if via is not None and via.has_cookie:
            loose = self._by_branch.get((via.branch or "", via.sent_by, cseq.method if cseq else ""))
            if loose is not None:
                return loose, 1
        if cseq is None:
            return None, 0
        source, destination = message.datagram.source, message.datagram.destination
        candidates = [
            live
            for live in self._same_call((message.call_id, str(cseq.number), cseq.method))
            if live.request is not None and self._tick - live.tick <= GRACE
        ]
        from_tag = message.from_.tag if message.from_ else None
        for live in candidates:
            request = live.request
            if (
                request
                and (request.from_.tag if request.from_ else None) == from_tag
                and _reverse(live, source, destination)
            ):
                return live, 3
        return (candidates[0], 4) if candidates else (None, 0)

    def _same_call(self, key: Key) -> list[Transaction]:
        """The live transactions of one Call-ID and CSeq, the newest first; only so many, against floods of one key."""
        return list(islice(reversed(self._by_call.get(key, {}).values()), _MOST_HOPS))

    def _new(self, key: Key, message: Message) -> Transaction:
        transaction = Transaction(self._next, message, self._tick)
        self._next += 1
        replaced = self._live.get(key)
        if replaced is not None:  # the same key again, as a retry with credentials: the newer one takes the answers
            self._live[(*key, str(replaced.id))] = replaced
        self._live[key] = transaction
        if transaction.branch:
            self._by_branch[(transaction.branch, transaction.sent_by, transaction.method)] = transaction
        self._by_call[(transaction.call_id, str(transaction.cseq), transaction.method)][transaction.id] = transaction
        transaction.seen.append((message, self._tick))
        return transaction

    def _join_path(self, transaction: Transaction) -> None:
        for other in self._same_call((transaction.call_id, str(transaction.cseq), transaction.method)):
            if other is not transaction and other.request is not None and _same_path(other, transaction):
                if other.path is None:
                    other.path = Path(other)
                other.path.join(transaction)
                return

    def _extend(self, transaction: Transaction) -> None:
        """Wait for Timer F and a grace after the first copy, and for Timer F after the last one (RULES 1.3)."""
        fresh = transaction.deadline == transaction.tick
        wait = max(transaction.tick + GRACE, self._tick + TIMER_F)
        if transaction.final is None:
            wait = min(wait, transaction.tick + MAX_WAIT)
        transaction.deadline = max(transaction.deadline, wait)
        if fresh:
            heapq.heappush(self._deadlines, (transaction.deadline, transaction.id, transaction))

    def _remember(self, transaction: Transaction, message: Message) -> None:
        transaction.seen.append((message, self._tick))
        del transaction.seen[:-4]

    def _duplicate(self, transaction: Transaction) -> None:
        transaction.duplicates += 1
        self.duplicates += 1

    def _forget(self, transaction: Transaction) -> None:
        message = transaction.request or transaction.final
        assert message is not None
        key = _request_key(message) if message.is_request else _response_key(message)
        for live_key in (key, (*key, str(transaction.id))):
            if self._live.get(live_key) is transaction:
                del self._live[live_key]
        branch_key = (transaction.branch, transaction.sent_by, transaction.method)
        if self._by_branch.get(branch_key) is transaction:
            del self._by_branch[branch_key]
        call_key = (transaction.call_id, str(transaction.cseq), transaction.method)
        same_call = self._by_call.get(call_key)
        if same_call is not None:
            same_call.pop(transaction.id, None)
            if not same_call:
                del self._by_call[call_key]
        transaction.seen.clear()


def _request_key(message: Message) -> Key:
    via, cseq = message.via, message.cseq
    number = str(cseq.number) if cseq else ""
    if via is not None and via.has_cookie:  # RFC 3261 17.2.3
        return (via.branch or "", via.sent_by, message.method, message.call_id, number)
    to, from_ = message.to, message.from_  # RFC 2543 as RFC 3261 17.2.3 keeps it
    tags = ((to.tag if to else "") or "", (from_.tag if from_ else "") or "")
    return ("2543", message.request_uri, *tags, message.call_id, number, message.method, via.raw if via else "")


def _response_key(message: Message) -> Key:
    via, cseq = message.via, message.cseq
    return (
        (via.branch or "") if via else "",
        via.sent_by if via else "",
        cseq.method if cseq else "",
        message.call_id,
        str(cseq.number) if cseq else "",
    )


def _answers_challenge(transaction: Transaction, message: Message) -> bool:
    """A request with the key of a challenged one, but with credentials: a new transaction that reuses the branch."""
    return transaction.challenged and not transaction.has_credentials and bool(message.credentials)


def _reverse(live: Transaction, source: Endpoint, destination: Endpoint) -> bool:
    return source.host == live.destination.host or destination.host == live.source.host


def _same_path(one: Transaction, two: Transaction) -> bool:
    """Whether one request's Via list is the tail of the other's, and their From tags are equal (RULES 1.4)."""
    first, second = one.request, two.request
    if first is None or second is None or one.branch == two.branch:
        return False
    if (first.from_.tag if first.from_ else None) != (second.from_.tag if second.from_ else None):
        return False
    short, long = sorted(
        ([(via.branch, via.sent_by) for via in message.vias] for message in (first, second)),
        key=len,
    )
    if len(short) == len(long):  # two branches of one fork
        return len(short) > 1 and short[1:] == long[1:]
    return bool(short) and long[-len(short) :] == short


def _hits(abort: Abort, transaction: Transaction) -> bool:
    if abort.stream or transaction.stream:
        return abort.stream == transaction.stream
    if (abort.source, abort.destination) != (transaction.source, transaction.destination):
        return False
    return (
        not abort.quoted
        or not transaction.branch
        or transaction.branch.encode() in abort.quoted
        or len(abort.quoted) < 200
    )

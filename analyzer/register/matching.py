"""Which message belongs to which transaction (docs/rules/reconstruction.md 2, 3).

A request's key is that of RFC 3261 17.2.3 (`sip/transaction_key.py`), here with Call-ID and CSeq beside it, so that a
branch used again for another request is another transaction. Answers look for the same branch, sent-by and CSeq method;
when a box on the way rewrote the Via (or a log lost it) they fall back, with falling confidence, to Call-ID + CSeq +
From tag (K3), Call-ID + CSeq (K4), and, for a response cut before these, the only open transaction of the address pair
(K5). Never by address alone while Call-ID and CSeq can be read, and never by order of arrival.

A transaction that is answered lives 64*T1 longer, to take in late copies; another is unanswered after Timer F and a
grace, by capture time, so memory holds some 40 seconds. Without a clock a thousand messages stand for a second. Up to
a message that lies between two times, the earlier one has passed; what waits for it, waits from the later one on. Ticks
are nanoseconds since the table began.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence

from analyzer.evidence import SECOND, Between, NetworkError, RawMessage, between
from analyzer.register.bounded import MessageCounter
from analyzer.register.duplicates import is_same_packet
from analyzer.register.events import Event
from analyzer.register.foreign import check_way_back
from analyzer.register.groups import Groups
from analyzer.register.keys import (
    Key,
    answers_challenge,
    branch_key,
    call_key,
    flow_key,
    from_tag,
    is_copy,
    is_readable,
    is_reverse,
    quoted_key,
    request_key,
    response_key,
    same_path,
)
from analyzer.register.old_answers import is_other_final, note_old_answer
from analyzer.register.responding import Answering
from analyzer.register.timers import GRACE, MAX_WAIT
from analyzer.register.transaction import KEPT, MOST_HOPS, Path, State, Transaction
from analyzer.sip.message import Message
from analyzer.sip.timers import TIMER_F
from analyzer.sip.transaction_key import LEGACY

_PSEUDO_TICK = SECOND // 1000
_RINGING = 180 * SECOND  # RFC 3261 16.6 item 11: Timer C is longer than three minutes
_event = tuple.__new__


class TransactionTable:
    """The live transactions, fed in the order of the source: it remembers for rules their subject's `transaction`."""

    def __init__(self, counter: MessageCounter | None = None) -> None:
        self._ordinal = counter or MessageCounter()
        self._numbers = array("Q")
        self._opened = 0
        self._tick = self._tick_at_most = 0
        self.zero: int | None = None
        self._live: dict[Key, Transaction] = {}
        self._by_branch: dict[Key, Transaction] = {}
        self._by_call: Groups[Transaction] = Groups()
        self._pending: Groups[Transaction] = Groups()
        self.deadlines: list[tuple[int, int, Transaction]] = []
        self.answering = Answering()
        self.matched: Transaction | None = None
        self.duplicates = 0
        self.end: int | None = None

    @property
    def opened(self) -> Sequence[int]:
        """The numbers of all transactions so far."""
        return self._numbers if self._ordinal.joined else range(1, self._opened + 1)

    def _number(self) -> int:
        """The number of a new transaction: one more than the last, or that of its message where others number too."""
        self._opened += 1
        if self._ordinal.joined:
            self._numbers.append(self._ordinal.number)
            return self._ordinal.number
        return self._opened

    def feed(self, message: Message) -> list[Event]:
        """Take in one message, after `advance` to its time; what that did."""
        events: list[Event] = []
        if message.method:
            if message.method != "ACK":  # an ACK is answered by nothing (17.1.1.3)
                self._request(message, events)
        elif message.version:
            self._response(message, events)
        return events

    def advance(self, time: int | None, bounds: Between | None = None) -> list[Event]:
        """Let time pass up to the next message, or to between `bounds`; what expires by that, to be judged before."""
        self._advance(time, bounds)
        return list(self._expire()) if self.deadlines and self.deadlines[0][0] < self._tick else []

    def note_foreign(self, raw_message: RawMessage) -> None:
        """Take in that a message went by which is somebody else's: servers answer."""
        begins = raw_message.payload[:4]
        if begins == b"SIP/" or raw_message.payload.lstrip(b"\r\n")[:4].upper() == b"SIP/":
            self.answering.note(raw_message)

    def abort(self, abort: NetworkError) -> list[Transaction]:
        """Mark the transactions that a network error, or a gap, hits; returns them. It does not end them: a response to
        a later copy may still come."""
        flow = flow_key(abort.stream, abort.source, abort.destination)
        named = quoted_key(abort.quoted) if abort.quoted and not abort.stream and self._pending.of(flow) else None
        if named is None:
            hit = list(self._pending.of(flow))
        else:
            one = self._by_branch.get(named)
            hit = [one] if one is not None and self._pending.holds(flow, one.id) else []
        for transaction in hit:
            if abort.reason == "gap":
                transaction.is_holed = True
                continue
            transaction.aborted = abort
            self._settle(transaction)
        return hit

    def finish(self, end: int | None = None) -> Iterator[Event]:
        """The source has ended: close everything. What had no time to be answered is `open` (T-TAIL).

        `end` is the time of the source's last packet or line, whatever that was: silence counts up to there.
        """
        if end is not None and self.zero is not None and (self.end is None or end > self.end):
            self.end = end
            self._tick = end - self.zero
            yield from self._expire()
        self._ordinal.ending = True
        for transaction in sorted(set(self._live.values()), key=lambda live: live.id):
            if transaction.final is None and transaction.request is not None:
                transaction.state = self._state_without_answer(transaction, ended=True)
                yield Event("silent", transaction)
            yield Event("closed", transaction)
        self._live.clear()
        self._by_branch.clear()
        self._by_call.clear()
        self._pending.clear()
        self.deadlines.clear()

    def _advance(self, time: int | None, bounds: Between | None) -> None:
        time, at_most = (time, time) if bounds is None else bounds
        if time is None:
            self._tick = self._tick_at_most = self._tick + _PSEUDO_TICK
            return
        if self.zero is None:  # a log may begin without clock and find one later: no time has passed by that
            self.zero = time - self._tick
        self._tick = time - self.zero
        self._tick_at_most = (at_most or time) - self.zero
        self.end = time if self.end is None else max(self.end, time)

    def _expire(self) -> Iterator[Event]:
        while self.deadlines and self.deadlines[0][0] < self._tick:
            _, number, transaction = heapq.heappop(self.deadlines)
            if transaction.deadline >= self._tick:
                heapq.heappush(self.deadlines, (transaction.deadline, number, transaction))
                continue
            if transaction.final is None and transaction.request is not None:
                transaction.state = self._state_without_answer(transaction, ended=False)
                yield Event("silent", transaction)
            self._forget(transaction)
            yield Event("closed", transaction)

    def _state_without_answer(self, transaction: Transaction, *, ended: bool) -> State:
        if transaction.aborted is not None or transaction.state == "timeout":  # as the client's own log says
            return "aborted" if transaction.aborted is not None else "timeout"
        begun = transaction.begun_at_most
        if ended and (begun is None or self.end is None or self.end - begun < TIMER_F):
            return "open"
        if begun is None and between(transaction.place) is not None:
            return "open"  # nothing tells how long it waited
        is_silence = transaction.retransmissions or self.answering.is_silence(transaction)
        return "timeout" if is_silence else "unjudged"  # where nobody is heard, that direction may not be in the source

    def _request(self, message: Message, events: list[Event]) -> None:
        key = request_key(message) if is_readable(message) else ("cut", self._opened + 1)
        transaction = self._live.get(key)
        if transaction is None and key[:1] == (LEGACY,):  # its answer, printed before it, had only the branch to go by
            transaction = self._live.get(branch_key(message, message.method))
        if transaction is not None and transaction.request is None:
            self._rekey(transaction, key)
            self._late_request(transaction, message, events)
        elif transaction is not None and transaction.key == key and not answers_challenge(transaction, message):
            self._copy(self._same_request(transaction, message), message, events)
        else:
            events.append(self._open(key, message))

    def _same_request(self, transaction: Transaction, message: Message) -> Transaction:
        """A copy may be that of an older request with the same key (a retry on the same branch and CSeq)."""
        if transaction.request is None or message.raw == transaction.request.raw:
            return transaction
        older = (live for live in self._same_call(call_key(transaction)) if live.key == transaction.key)
        return next((live for live in older if live.request and live.request.raw == message.raw), transaction)

    def _rekey(self, transaction: Transaction, key: Key) -> None:
        """The request shows that it has no magic cookie, so its copies come under another key."""
        if transaction.key != key and self._live.get(transaction.key) is transaction:
            del self._live[transaction.key]
            transaction.key = key
            self._live[key] = transaction

    def _open(self, key: Key, message: Message) -> Event:
        transaction = self._new(key, message)
        self._pending.add(_flow_of(transaction), transaction.id, transaction)
        self._join_path(transaction)
        self._extend(transaction)
        return _event(Event, ("opened", transaction, None))

    def _late_request(self, transaction: Transaction, message: Message, events: list[Event]) -> None:
        """A log may print the response before the request it answers."""
        raw_message = message.raw_message
        transaction.request, transaction.has_credentials = message, message.answers_challenge
        transaction.place = raw_message.place
        transaction.source, transaction.destination = raw_message.source, raw_message.destination
        transaction.first, transaction.last = raw_message.time, raw_message.time
        transaction.via_count = len(message.vias)
        transaction.seen += (message,)
        transaction.state = "open"
        if transaction.final is None:
            self._pending.add(_flow_of(transaction), transaction.id, transaction)
        self._join_path(transaction)
        events.append(Event("opened", transaction))
        if transaction.final is not None:
            transaction.note_way(transaction.final)
            transaction.state = "answered"
            events.append(Event("answered", transaction))

    def _copy(self, transaction: Transaction, message: Message, events: list[Event]) -> None:
        if any(is_same_packet(seen, message) for seen in transaction.seen if seen.method):
            self._duplicate(transaction, message)
            return
        transaction.seen = (*transaction.seen[-3:], message)
        transaction.note_copy(message)
        self._extend(transaction)
        if transaction.request is not None and not is_copy(transaction.request, message):
            transaction.changed_count += 1
            if len(transaction.changed) < KEPT:
                transaction.changed += (message,)
        events.append(Event("copied", transaction, message))

    def _response(self, message: Message, events: list[Event]) -> None:
        transaction, pairing = self._find(message)
        if transaction is None:
            transaction = self._new(response_key(message), message)
            transaction.deadline = self._tick_at_most + TIMER_F
            heapq.heappush(self.deadlines, (transaction.deadline, transaction.id, transaction))
        else:
            for seen in transaction.seen:
                if not seen.method and is_same_packet(seen, message):
                    self._duplicate(transaction, message)
                    return
            transaction.seen = (*transaction.seen[-3:], message)
            if pairing > transaction.pairing:
                transaction.pairing = pairing
        self.matched = transaction
        self.answering.note(message.raw_message, transaction.destination)
        self._answer(transaction, message, events)

    def _answer(self, transaction: Transaction, message: Message, events: list[Event]) -> None:
        if message.status < 200:  # RFC 3261 17.1.2.2: 1xx never completes a transaction
            transaction.note_provisional(message)
            transaction.deadline = self._tick_at_most + (_RINGING if transaction.method == "INVITE" else GRACE)
            return
        transaction.note_way(message)
        if message.has_challenge:
            if self._ordinal.shared:
                check_way_back(transaction, message)
            transaction.note_challenge(message)
        if transaction.final is not None:
            transaction.final_copies += 1
            if is_other_final(transaction.final, message) and len(transaction.later_finals) < KEPT:
                transaction.later_finals += (message,)
            events.append(Event("repeated", transaction, message))
            note_old_answer(transaction, message, self._same_call(call_key(transaction)))
            return
        self._settle(transaction)
        transaction.final, transaction.has_challenge = message, message.has_challenge
        transaction.answered_at = message.raw_message.time
        transaction.deadline = self._tick_at_most + TIMER_F
        if transaction.request is not None:
            transaction.state = "answered"
        events.append(_event(Event, ("answered" if transaction.request is not None else "lone", transaction, None)))

    def _find(self, message: Message) -> tuple[Transaction | None, int]:
        """The transaction that a response belongs to, and the number of the key (1 to 5) by which it was found."""
        exact = self._live.get(response_key(message))
        if exact is not None:
            return self._same_answer(exact, message), 1
        via, cseq = message.via, message.cseq
        if via is not None and via.has_cookie:
            method = cseq.method if cseq else "REGISTER"  # cut before CSeq: what else would we follow
            loose = self._by_branch.get((via.branch or "", via.sent_by, method))
            if loose is not None:
                return loose, 1
        if cseq is None or not message.call_id:
            return self._only_pending(message)
        return self._find_by_call(message, (message.call_id, cseq.number, cseq.method))

    def _find_by_call(self, message: Message, key: Key) -> tuple[Transaction | None, int]:
        """K2 to K4: by Call-ID and CSeq, with what else agrees; the latest request first."""
        source, destination = message.raw_message.source, message.raw_message.destination
        via, tag = message.via, from_tag(message)
        best: tuple[Transaction | None, int] = (None, 0)
        for live in self._same_call(key):
            if live.request is None or self._tick - live.tick > GRACE:
                continue
            if from_tag(live.request) != tag:
                pairing = 4
            elif via is not None and via.sent_by == live.sent_by and not via.has_cookie and live.key[:1] == (LEGACY,):
                pairing = 2  # RFC 2543
            else:
                pairing = 3 if is_reverse(live, source, destination) else 4
            if best[0] is None or pairing < best[1]:
                best = (live, pairing)
        return best

    def _same_answer(self, transaction: Transaction, message: Message) -> Transaction:
        """A copy of the challenge to an older request with the same key must not answer the retry."""
        if transaction.final is not None or not transaction.has_credentials:
            return transaction
        older = (live for live in self._same_call(call_key(transaction)) if live.key == transaction.key)
        return next((live for live in older if live.final and live.final.raw == message.raw), transaction)

    def _only_pending(self, message: Message) -> tuple[Transaction | None, int]:
        """K5: a response that was cut before Call-ID or CSeq; only if one request alone waits on its way."""
        raw_message = message.raw_message
        pending = self._pending.of(flow_key(raw_message.stream, raw_message.destination, raw_message.source))
        if len(pending) != 1:
            return None, 0
        only = next(iter(pending))
        agrees = message.call_id in ("", only.call_id) and message.cseq is None
        return (only, 5) if agrees else (None, 0)

    def _same_call(self, key: Key) -> list[Transaction]:
        """The live transactions of one Call-ID and CSeq, the newest first; only so many, against floods of one key."""
        return self._by_call.latest(key, MOST_HOPS)

    def _new(self, key: Key, message: Message) -> Transaction:
        transaction = Transaction(self._number(), message, self._tick_at_most, key)
        replaced = self._live.get(key)
        if replaced is not None:  # the same key again, as a retry with credentials: the newer one takes the answers
            self._live[(*key, replaced.id)] = replaced
        self._live[key] = transaction
        if transaction.branch:
            self._by_branch[(transaction.branch, transaction.sent_by, transaction.method)] = transaction
        self._by_call.add(call_key(transaction), transaction.id, transaction)
        transaction.seen = (message,)
        return transaction

    def _join_path(self, transaction: Transaction) -> None:
        if self._by_call.is_single(call_key(transaction)):
            return
        for other in self._same_call(call_key(transaction)):
            if other is not transaction and other.request is not None and same_path(other, transaction):
                if other.path is None:
                    other.path = Path(other)
                if other.path.join(transaction):
                    return

    def _extend(self, transaction: Transaction) -> None:
        """Wait Timer F and a grace after the first copy, Timer F after the last (docs/rules/reconstruction.md 3)."""
        fresh = transaction.deadline == transaction.tick
        wait = max(transaction.tick + GRACE, self._tick_at_most + TIMER_F)
        if transaction.final is None:
            wait = min(wait, transaction.tick + MAX_WAIT)
        transaction.deadline = max(transaction.deadline, wait)
        if fresh:
            heapq.heappush(self.deadlines, (transaction.deadline, transaction.id, transaction))

    def _duplicate(self, transaction: Transaction, message: Message) -> None:
        transaction.note_way(message)
        transaction.duplicates += 1
        self.duplicates += 1

    def _settle(self, transaction: Transaction) -> None:
        """It waits no longer: answered, or the network refused it."""
        self._pending.remove(_flow_of(transaction), transaction.id)

    def _forget(self, transaction: Transaction) -> None:
        if self._live.get(transaction.key) is transaction:
            del self._live[transaction.key]
        else:
            self._live.pop((*transaction.key, transaction.id), None)
        branch = (transaction.branch, transaction.sent_by, transaction.method)
        if self._by_branch.get(branch) is transaction:
            del self._by_branch[branch]
        self._by_call.remove(call_key(transaction), transaction.id)
        if transaction.final is None:
            self._settle(transaction)
        transaction.seen = transaction.key = ()


def _flow_of(transaction: Transaction) -> tuple[object, ...]:
    return flow_key(transaction.stream, transaction.source, transaction.destination)

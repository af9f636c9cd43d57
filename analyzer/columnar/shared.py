"""The object path for whoever is not ordinary, told of the others what it must overhear (docs/columnar.md).

A worker of `--jobs` hears of the messages of other workers one by one: that time passes, which hosts are heard, which
servers answer whom, which nonces are given out. Here the same is told from columns: a message is passed on only where
something becomes due by it, or it is the first of its kind; nonces that nobody else has are counted, and others told
one by one; who was heard when is looked up when it is asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.columnar.answering import Answering
from analyzer.columnar.clients import Clients
from analyzer.columnar.columns import Values, firsts, mixed, numbered
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import end_of, number_of
from analyzer.columnar.hearsay import Heard, Messages, Pairs, Unheard
from analyzer.columnar.nonces import Remembered, Told, count_credentials
from analyzer.columnar.others import Others
from analyzer.columnar.passing import numbered_by
from analyzer.columnar.records import Flags, Keys, Numbers, Unsuited
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.strangers import Odd, is_counted, record_of
from analyzer.columnar.template import PLACE
from analyzer.columnar.verified import Credentials
from analyzer.columnar.waiting import Waiting
from analyzer.evidence import Endpoint, Frame, RawMessage, Source
from analyzer.register import reconstruct
from analyzer.register.challenges import MOST_NONCES, MOST_NUMERALS
from analyzer.register.digest.form import Offer
from analyzer.register.registry import MOST_CLIENTS

if TYPE_CHECKING:
    from analyzer.run.partial_result import PartialResult
    from analyzer.run.pipeline import Analysis

_LAST = 2**62
MOST_STEPS = 3
"""Numeric nonces in a row that count up (`rules/r7616_3_3_challenge_quality.py`): what is said of them depends on the
order of all challenges."""


@dataclass(slots=True)
class Capture:
    """All that was read of a capture: what is in columns and what is not; `credentials` where passwords are known.
    `waiting` tells what becomes of requests that nobody answers, `answering` since when servers answer, and `early` the
    transactions that are too early for columns by that."""

    values: Values
    shapes: Shapes
    exchanges: Exchanges
    clients: Clients
    others: Others
    odd: Odd
    waiting: Waiting
    answering: Answering
    early: Flags
    credentials: Credentials | None = None

    def numbers(self, rows: Numbers) -> Numbers:
        """The numbers of messages among all messages of the capture, from 1."""
        return numbered_by(self.values.scanned.packets, self.odd, rows)

    @property
    def count(self) -> int:
        """All messages of the capture."""
        return len(self.values.scanned.packets.plain) + len(self.odd.rows)


class _Challenge(NamedTuple):
    """A challenge to a client that is not passed on: the number of its message, who gave it, and to whom: when,
    Call-ID and host. Without an `offer` it is the answer to one, by which its nonce is remembered longer; without a
    `nonce` it tells only that the server asks."""

    number: int
    server: Endpoint
    realm: str
    nonce: str
    offer: Offer | None
    to: tuple[int, str, str]


class Overhearing:
    """An analysis that is fed some messages of a capture, and told of the rest. `columnar` tells the clients whose
    messages are not passed on, `left` the Call-IDs of other methods of which this is so."""

    def __init__(self, capture: Capture, analysis: Analysis, source: Source, columnar: Flags, left: Flags) -> None:
        self.capture = capture
        self._analysis = analysis
        self._source = source
        self._reconstructor = analysis.reconstructor
        self._counter = counter = analysis.counter
        counter.shared = counter.joined = True
        scanned, exchanges = capture.values.scanned, capture.exchanges
        packets = scanned.packets
        self._left_out = int(np.count_nonzero(columnar))
        self._is_told = np.append((columnar | left)[capture.clients.of], False)[exchanges.of]
        rows = np.flatnonzero(self._is_told)
        time = packets.time(rows)
        self._told = Messages(rows, capture.numbers(rows), time, np.maximum.accumulate(time))
        self._next = self._next_challenge = self._next_answer = 0
        self._answers = self._first_answers(rows)
        self._challenges = self._given(columnar)
        self._replace_notes()
        self._reconstructor.fleet.most_users = sys.maxsize  # columns count those of all
        count_credentials(capture, columnar, self._reconstructor, lambda: self._counter.number)

    def _replace_notes(self) -> None:
        packets, rows = self.capture.values.scanned.packets, self._told.row
        source, target = packets.source[rows] >> 16, packets.target[rows] >> 16
        hosts, which = np.unique(source, return_inverse=True)
        is_answer, answering = packets.is_response[rows], self._reconstructor.table.answering
        names = [end_of(int(host) << 16).host for host in hosts]
        heard = Heard(reconstruct.MOST_HOSTS, self._counter, names, which.astype(np.int64), self._told)
        self._reconstructor.heard = self._reconstructor.lapses.heard = heard
        answering.pairs = Pairs(self._counter, is_answer, source, target, self._told)
        ends = np.where(is_answer, packets.source[rows], -1), packets.target[rows]
        answering.unheard = Unheard(self._counter, *ends, self._told)

    def _first_answers(self, rows: Numbers) -> list[tuple[int, int]]:
        """Number and row of the first answer of each server."""
        packets = self.capture.values.scanned.packets
        answers = rows[packets.is_response[rows]]
        _, first = np.unique(packets.source[answers], return_index=True)
        found = np.sort(answers[first])
        return list(zip(self.capture.numbers(found).tolist(), found.tolist(), strict=True))

    def _given(self, columnar: Flags) -> list[_Challenge]:
        """The challenges to clients that are not passed on, in order. Where nonces are numbers, which may be said to
        count up, all are told, and their use as well; else the first of each server and shape, and the others are
        counted (`nonces.py`)."""
        capture = self.capture
        exchanges, shapes, clients = capture.exchanges, capture.shapes, capture.clients
        which = np.flatnonzero(columnar[clients.of] & (shapes.statuses(exchanges.final) == 401))
        given = np.sort(exchanges.final[which])
        rows = self._told.row
        own = exchanges.of[rows]
        uses = rows[
            (capture.values.scanned.size("nonce", rows) > 0)
            & (rows != exchanges.final[own])
            & ((rows == exchanges.first[own]) | capture.values.scanned.packets.is_response[rows])
        ]
        if self._has_numeric():
            found = [*self._as_told(given, is_use=False), *self._as_told(uses, is_use=True)]
            return sorted(found, key=lambda one: one.number)
        touched = np.sort(np.concatenate([given, uses]))
        keys = capture.values.key(touched, "nonce")
        is_known = np.isin(keys, self._nonces_elsewhere())  # others have it, too: they have to hear of it
        counted = touched[~is_known]
        nonce, nonces = numbered(keys[~is_known])
        issued = np.sort(counted[firsts(nonce, nonces)])
        told = Told(capture.numbers(issued), capture.numbers(counted), nonce)
        self._reconstructor.challenges.remember(Remembered(MOST_NONCES, told, lambda: self._counter.number))
        ends = mixed(shapes.of[given], capture.values.scanned.packets.source[given])
        _, first = np.unique(ends, return_index=True)
        found = [one._replace(nonce="") for one in self._as_told(given[np.sort(first)], is_use=False)]
        known = touched[is_known]
        is_given = np.isin(known, given)
        found += self._as_told(known[is_given], is_use=False)
        found += self._as_told(known[~is_given], is_use=True)
        return sorted(found, key=lambda one: one.number)

    def _nonces_elsewhere(self) -> Keys:
        """Keys of the nonces in messages that are passed on."""
        values = self.capture.values
        rows = np.flatnonzero(~self._is_told)
        rows = rows[values.scanned.size("nonce", rows) > 0]
        return np.unique(values.key(rows, "nonce"))

    def _as_told(self, rows: Numbers, *, is_use: bool) -> list[_Challenge]:
        """Messages with a nonce, as they are told."""
        capture = self.capture
        packets, clients = capture.values.scanned.packets, capture.clients
        of = [capture.shapes.all[number] for number in capture.shapes.of[rows].tolist()]
        facts = [clients.facts[number] for number in clients.of[capture.exchanges.of[rows]].tolist()]
        numbers, times = capture.numbers(rows).tolist(), packets.time(rows).tolist()
        return [
            _Challenge(
                number,
                one.target,
                shape.realm,
                nonce,
                None if is_use else shape.offer,
                (time, one.call_id, one.source.host),
            )
            for number, nonce, shape, time, one in zip(
                numbers, capture.values.texts(rows, "nonce"), of, times, facts, strict=True
            )
            if one is not None
        ]

    def _has_numeric(self) -> bool:
        """Whether a nonce may be a number."""
        scanned = self.capture.values.scanned
        lengths = scanned.layouts.lengths[PLACE["nonce"]]
        numeric = ((lengths > 0) & (lengths <= MOST_NUMERALS))[scanned.layout]
        return self.capture.odd.has_short_nonce or bool((scanned.packets.is_response & numeric).any())

    def run(self) -> PartialResult:
        """Feed all messages that are passed on, in order, and hand over what was found."""
        analysis, odd = self._analysis, 0
        for item in PacketReader().items(self._records()):
            number = int(np.searchsorted(self._plain, self._at, "left")) + odd + 1
            self._catch_up(number)
            counted = is_counted(item)
            if counted:
                self._counter.number = number - 1
                odd += not self._is_plain
            analysis.feed(item)
        self._catch_up(_LAST)
        self._pass_last()
        self._source.messages = self.capture.count
        self._hold_apart()
        found = analysis.partial()
        if self._left_out + len(found.registrations) + found.evicted_clients > MOST_CLIENTS or found.evicted_exchanges:
            raise Unsuited("there are too many clients")  # the object path forgets some of its own
        return found

    def _hold_apart(self) -> None:
        """What a server offers must not speak of others' challenges, too; nor may a flow that it granted (RFC 5626) be
        one on which messages are told alone; and nothing of what was passed on may have been forgotten: columns forget
        nothing, and a report is one or the other."""
        heard, answering = self._reconstructor.heard, self._reconstructor.table.answering
        if any(len(notes) >= notes.limit for notes in (heard, answering.pairs, answering.ports)):
            raise Unsuited("there are too many hosts")
        if self._reconstructor.challenges.is_any_strong:
            raise Unsuited("better than MD5 is offered")
        packets = self.capture.values.scanned.packets
        ends = {number_of(way[0].host) << 16 | way[0].port for way in self._reconstructor.surroundings.flows.ways()}
        if ends and np.isin(packets.source[self._told.row], list(ends)).any():
            raise Unsuited("clients share a flow that was granted")

    @property
    def _plain(self) -> Numbers:
        return self.capture.values.scanned.packets.plain

    def _records(self) -> Iterator[Record]:
        """The records that are passed on, in order."""
        packets, source = self.capture.values.scanned.packets, self._source
        own = packets.plain[~self._is_told]
        is_plain = np.zeros(len(packets.records), np.bool_)
        is_plain[own] = True
        for row in np.sort(np.concatenate([own, packets.odd])).tolist():
            self._at, self._is_plain = row, bool(is_plain[row])
            source.messages = max(source.messages, int(np.searchsorted(packets.plain, row, "left")))
            yield record_of(packets, source, row)
        self._at, self._is_plain = len(packets.records), False
        source.other += packets.media
        packets.records.end(source)
        source.messages = max(source.messages, len(packets.plain))

    def _catch_up(self, number: int) -> None:
        """Let all pass that comes before message `number`."""
        while True:
            at = self._next_due()
            due = int(self._told.number[at]) if at < len(self._told.number) else _LAST
            self._tell(min(number, due))
            if due >= number:
                return
            self._pass(at)

    def _next_due(self) -> int:
        """The first message by which anything becomes due."""
        table, lapses, time = self._reconstructor.table, self._reconstructor.lapses, self._told.latest
        at = len(time)
        if table.deadlines:
            at = int(np.searchsorted(time, table.deadlines[0][0] + (table.zero or 0), "right"))
        if len(lapses):
            at = min(at, int(np.searchsorted(time, int(lapses.next_due), "left")))
        return max(at, self._next)

    def _tell(self, upto: int) -> None:
        """Tell the first answers and the challenges before message `upto`."""
        answers, challenges = self._answers, self._challenges
        while self._next_answer < len(answers) and answers[self._next_answer][0] < upto:
            number, row = answers[self._next_answer]
            self._next_answer += 1
            self._note(number, row, b"SIP/2.0")
        known = self._reconstructor.challenges
        while self._next_challenge < len(challenges) and challenges[self._next_challenge].number < upto:
            one = challenges[self._next_challenge]
            self._next_challenge += 1
            if one.offer is None:
                known.use(one.server.host, one.realm, one.nonce)
                continue
            if not one.nonce:
                known.asked(one.server, one.realm)
                continue
            known.overheard(one.server, one.realm, one.nonce, one.offer, one.to)
            if known.run(one.server.host, one.realm) >= MOST_STEPS:
                raise Unsuited("nonces count up")

    def _pass(self, at: int) -> None:
        self._next = at + 1
        self._note(int(self._told.number[at]), int(self._told.row[at]), b"")

    def _pass_last(self) -> None:
        """The last message of all tells how late it is."""
        if len(self._told.number) and self._told.number[-1] > self._counter.number:
            self._pass(len(self._told.number) - 1)
        self._counter.number = self.capture.count

    def _note(self, number: int, row: int, payload: bytes) -> None:
        packets = self.capture.values.scanned.packets
        frame, time = int(packets.plain[row]), int(packets.records.time[packets.plain[row]])
        ends = end_of(int(packets.source[row])), end_of(int(packets.target[row]))
        self._counter.number = number - 1
        self._reconstructor.note_foreign(RawMessage(payload, time, Frame(self._source.name, frame + 1), *ends))

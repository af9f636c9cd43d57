"""A registration storm: REGISTER, 401, REGISTER with credentials, 200, from many users at once, again and again.

Time goes in rounds. Each user registers once per round, in an order that is the seed's and stays from round to round, a
little early or late; so the rate is even, a user never meets itself, and a capture ten times as long is ten times as
many rounds of the same users. Each answer takes 5 to 255 ms (skewed to the short end, as at a busy registrar), each
second request 5 to 65 ms more, so that some hundred exchanges are in flight at once. Some requests are retransmitted
after T1 = 500 ms (RFC 3261 17.1.2.2): half of them because the answer was late, half because it was lost on its way to
the phone behind the point of capture, and then the registrar sends it again (17.2.2).

Only as much is kept as is in flight. Random numbers come from random() alone, whose sequence Python promises to
keep.
"""

from __future__ import annotations

import hashlib
import random
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from benchmarks.frames import Packet, frame, octet_sum
from benchmarks.phones import ACCEPTED, CHALLENGE, REFUSED
from benchmarks.population import LIMIT, User, response_of, user

T1 = 500_000
LATE, LOST = 1, 2
"""Why a request was retransmitted; also how many packets that adds."""

_SECOND = 1_000_000
_LEAST_ROUND = 10 * _SECOND  # longer than any exchange, so a user never has two
_JITTER = 2 * _SECOND  # what a phone is late at most; longer would keep more packets waiting
_EXPIRES = (60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True, slots=True)
class StormPlan:
    """What storm to make: packets (each one SIP message), users, registrations begun per second, share of requests
    that are retransmitted, first second since the epoch."""

    messages: int
    users: int
    seed: int = 1
    rate: float = 500.0
    retransmitted: float = 0.03
    start: int = 1_767_258_000

    @property
    def round_micros(self) -> int:
        """Microseconds in which each user registers once."""
        return max(int(self.users * _SECOND / self.rate), _LEAST_ROUND)

    @property
    def expires(self) -> int:
        """Seconds that phones ask for and are granted: they come again well before the end."""
        return next((expires for expires in _EXPIRES if expires * _SECOND >= 2 * self.round_micros), _EXPIRES[-1])


@dataclass(slots=True)
class Totals:
    """What the traffic holds, counted while it was made; the tools' answers are held against it. `requests`,
    `challenged` (401), `accepted` (200) and `refused` (403) are packets, retransmissions among them."""

    packets: int = 0
    messages: int = 0
    requests: int = 0
    retransmissions: int = 0
    challenged: int = 0
    accepted: int = 0
    refused: int = 0
    exchanges: int = 0
    exchanges_refused: int = 0
    users: int = 0
    users_refused: int = 0


class Storm:
    """The packets of a plan, in time order; `totals` is complete when they have been read to the end."""

    def __init__(self, plan: StormPlan) -> None:
        if plan.messages < 4 or not 0 < plan.users <= LIMIT:
            raise ValueError(f"a storm has at least 4 messages and 1 to {LIMIT} users")
        self.plan = plan
        self.totals = Totals()
        self._random = random.Random(plan.seed).random
        self._order = sorted(range(plan.users), key=lambda _: self._random())

    def packets(self) -> Iterator[Packet]:
        """Microseconds since the epoch and frame, one packet after the other."""
        waiting: list[tuple[int, int, bytes]] = []
        serial = 0
        for now, exchange in self._exchanges():
            while waiting and waiting[0][0] < now:
                micros, _, octets = heappop(waiting)
                yield micros, octets
            for micros, octets in exchange:
                serial += 1  # packets of one instant keep their order
                heappush(waiting, (micros, serial, octets))
        while waiting:
            micros, _, octets = heappop(waiting)
            yield micros, octets

    def _exchanges(self) -> Iterator[tuple[int, list[Packet]]]:
        """The exchanges in order of their places in the round, each with the time before which nothing more comes."""
        plan, left, chance = self.plan, self.plan.messages, self._random
        length, jitter = plan.round_micros, min(plan.round_micros // 10, _JITTER)
        begin, turn = plan.start * _SECOND, 0
        while left:
            for place, index in enumerate(self._order):
                now = begin + place * length // plan.users
                copies = self._copies(left)
                left -= 4 + sum(copies)
                yield now, self._exchange(index, turn, now + int(jitter * chance()), copies)
                if not left:
                    break
            begin, turn = begin + length, turn + 1

    def _copies(self, left: int) -> tuple[int, int]:
        """How the two requests of the next exchange are retransmitted; the last ones fill up to the exact count."""
        if left >= 12:
            return self._fate(), self._fate()
        return ((0, 0), (LATE, 0), (LOST, 0), (LOST, LATE))[left - 4 if left < 8 else 0]

    def _fate(self) -> int:
        """0, LATE or LOST by chance."""
        rest = self._random() / self.plan.retransmitted if self.plan.retransmitted else 1.0
        return 0 if rest >= 1 else LATE if rest < 0.5 else LOST

    def _exchange(self, index: int, turn: int, micros: int, copies: tuple[int, int]) -> list[Packet]:
        """REGISTER, 401, REGISTER with credentials, and 200 or 403."""
        who = user(index, self.plan.seed, self.plan.expires)
        octets = hashlib.sha512(b"exchange:%d:%d:%d" % (self.plan.seed, index, turn)).digest()
        digits = octets[28:].hex().encode()
        nonce, cnonce = b64encode(octets[:27]), digits[:8]
        fields = who.fields
        fields |= {b"branch": b"z9hG4bK" + digits[8:24], b"cseq": who.first_cseq + 2 * turn, b"nonce": nonce}
        fields |= {b"authorization": b"", b"to_tag": digits[40:50], b"cnonce": cnonce}
        packets, micros = self._transaction(who, CHALLENGE, micros, copies[0])
        fields |= {b"branch": b"z9hG4bK" + digits[24:40], b"cseq": who.first_cseq + 2 * turn + 1}
        fields |= {b"response": response_of(who.ha1, nonce, cnonce), b"to_tag": digits[50:60]}
        fields[b"authorization"] = who.phone.credentials % fields
        fields[b"granted"] = _granted(who)
        more, _ = self._transaction(who, ACCEPTED if who.right else REFUSED, micros, copies[1])
        self._count(turn, who, copies)
        return packets + more

    def _transaction(self, who: User, answer: bytes, micros: int, copies: int) -> tuple[list[Packet], int]:
        """One request with its answer and their copies, and when the phone goes on."""
        fields, chance = who.fields, self._random
        request = who.phone.register % fields
        fields[b"echo"] = who.phone.echo % fields
        response = answer % fields
        up, down = octet_sum(request), octet_sum(response)
        number = int(chance() * 65536)  # the identification of the first datagram

        def ask(when: int, copy: int) -> Packet:
            return when, frame(who.upstream, number + copy, request, up)

        def reply(when: int, copy: int) -> Packet:
            return when, frame(who.downstream, number + copy, response, down)

        def delay() -> int:
            return 5_000 + int(250_000 * chance() ** 3)

        if not copies:
            end = micros + delay()
            packets = [ask(micros, 0), reply(end, 0)]
        elif copies == LATE:
            end = micros + T1 + delay()
            packets = [ask(micros, 0), ask(micros + T1, 1), reply(end, 0)]
        else:
            end = micros + T1 + delay()
            packets = [ask(micros, 0), reply(micros + delay(), 0), ask(micros + T1, 1), reply(end, 1)]
        return packets, end + 5_000 + int(60_000 * chance())

    def _count(self, turn: int, who: User, copies: tuple[int, int]) -> None:
        totals = self.totals
        totals.messages += 4 + sum(copies)
        totals.requests += 2 + (copies[0] > 0) + (copies[1] > 0)
        totals.retransmissions += (copies[0] > 0) + (copies[1] > 0)
        totals.challenged += 1 + (copies[0] == LOST)
        totals.accepted += who.right * (1 + (copies[1] == LOST))
        totals.refused += (not who.right) * (1 + (copies[1] == LOST))
        totals.exchanges += 1
        totals.exchanges_refused += not who.right
        totals.users += turn == 0
        totals.users_refused += turn == 0 and not who.right


def _granted(who: User) -> bytes:
    """The Contact of a 200 as the registrar writes it: with the time granted, and where the phone was seen."""
    contact = who.phone.contact % who.fields
    if b";expires=" not in contact:
        contact += b";expires=%d" % who.expires
    if who.phone.behind_nat:
        contact += b';received="sip:%(seen_host)b:%(seen_port)d"' % who.fields
    return contact

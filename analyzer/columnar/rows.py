"""What a report lists of the columnar clients: registrations, transactions and credentials (docs/columnar.md).

Every value is that of a column, or of the parser where it read the shape. The same is made of the representatives, whom
the object path knows; where one of theirs differs in anything, nothing of this is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, pairwise
from types import SimpleNamespace

import numpy as np

from analyzer.columnar.classes import Slot
from analyzer.columnar.facts import Facts, token_of
from analyzer.columnar.records import Numbers
from analyzer.columnar.shapes import Shape
from analyzer.columnar.shared import Capture
from analyzer.columnar.turns import Answer, Listener, Turn, Words, conclude
from analyzer.evidence import SECOND, Endpoint, Evidence, Frame
from analyzer.register.attempt import Purpose
from analyzer.register.binding import Binding, Certainty
from analyzer.register.digest.verdict import DigestVerdict
from analyzer.register.digest_ledger import DigestRecord, accepted
from analyzer.register.history import KEPT_ATTEMPTS, AttemptRecord
from analyzer.register.identity import Client, Registrar, contact_host, instance_of
from analyzer.register.reachability import Reachability, Stretch
from analyzer.register.registration import KEPT_GAPS, KEPT_SINKING, Registration
from analyzer.register.server_words import ServerWords
from analyzer.register.translation import Translation
from analyzer.run.recording import Facts as Said
from analyzer.run.report import TransactionRow
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip, text
from analyzer.sip.transports import SIP_PORT
from analyzer.sip.via import MAGIC_COOKIE

_NO_WORDS = ServerWords()
_new = tuple.__new__


class Rows:
    """Makes the rows of a capture; `name` is its source's, `end` when that ends (nanoseconds)."""

    def __init__(self, capture: Capture, name: str, end: int, *, detail: bool, tables: bool) -> None:
        self.capture = capture
        self.name = name
        self._end = end
        self._detail = detail
        self._tables = tables
        exchanges, packets = capture.exchanges, capture.values.scanned.packets
        self._numbers = capture.numbers(exchanges.first).data
        self._first, self._final = exchanges.first.data, exchanges.final.data
        self._copies, self._after = exchanges.copies.data, exchanges.after.data
        self.waiting = capture.waiting
        self._plain, self._at, self._time = packets.plain.data, packets.records.at.data, packets.records.time.data
        self._shapes, self._of = capture.shapes.of.data, capture.clients.of.data
        self._words: dict[int, Words] = {}
        self._registrars: dict[tuple[Endpoint, str], Registrar] = {}

    def number(self, which: int) -> int:
        """The number of a transaction: that of its first message."""
        return self._numbers[which]

    def example(self, which: int) -> Message:
        """A request of the shape of a transaction's."""
        return self._asks(which).example

    def message(self, which: int) -> Message:
        """The request of a transaction itself."""
        return self.capture.values.scanned.message(self._first[which])

    def nonce(self, which: int) -> str:
        """The nonce of a transaction as sentences have it: what its challenge gives out, or its credentials have."""
        rows = np.array([self._final[which], self._first[which]])
        given, used = self.capture.values.texts(rows, "nonce")
        return clip(given or used)

    def told(self, which: int) -> tuple[str, Endpoint, Endpoint]:
        """Call-ID, source and destination of a transaction."""
        facts = self._facts(self._of[which])
        return facts.call_id, facts.source, facts.target

    def is_granted(self, which: int) -> bool:
        """Whether the final response of a transaction grants what was asked for."""
        return self._answers(which).status == 200

    def _ends_attempt(self, which: int) -> bool:
        """Whether it ends an attempt: it is no challenge, or refuses credentials that are not too old by one."""
        answers = self._answers(which)
        return answers.status != 401 or (self._asks(which).has_credentials and not answers.stale)

    def evidence(self, slot: Slot, which: int) -> Evidence:
        """Where and when a message was seen that is named by its place in the course of a client."""
        if slot.back:
            clients = self.capture.clients
            own = clients.exchanges(self._of[which])
            which = int(own[int(np.searchsorted(own, which)) - slot.back])
        return self.answer(which) if slot.is_answer else self.request(which)

    def request(self, which: int) -> Evidence:
        """Where and when the request of a transaction was seen."""
        return self._seen(self._first[which])

    def answer(self, which: int) -> Evidence:
        """The same of its final response."""
        return self._seen(self._final[which])

    def _seen(self, row: int) -> Evidence:
        record = self._plain[row]
        return _new(Evidence, (_new(Frame, (self.name, record + 1, self._at[record])), self._time[record]))

    def _begun(self, which: int) -> int:
        return self._time[self._plain[self._first[which]]]

    def _answered(self, which: int) -> int:
        return self._time[self._plain[self._final[which]]]

    def _asks(self, which: int) -> Shape:
        return self.capture.shapes.all[self._shapes[self._first[which]]]

    def _answers(self, which: int) -> Shape:
        return self.capture.shapes.all[self._shapes[self._final[which]]]

    def slot_of(self, which: int, evidence: Evidence) -> Slot | None:
        """The other way round; None for anything that is not of this transaction or the one before."""
        clients = self.capture.clients
        own = clients.exchanges(self._of[which])
        at = int(np.searchsorted(own, which))
        for back in range(min(at, 1) + 1):
            for is_answer in (False, True):
                if self.evidence(Slot(is_answer, back), which) == evidence:
                    return Slot(is_answer, back)
        return None

    def _facts(self, client: int) -> Facts:
        facts = self.capture.clients.facts[client]
        assert facts is not None
        return facts

    def _contact(self, row: int) -> str:
        """The value of the Contact of a message."""
        scanned = self.capture.values.scanned
        payload = scanned.octets_of(row)
        place = int(scanned.place("contact_place", row) - scanned.packets.start[row])
        begin = payload.rfind(b"\n", 0, place) + 1
        value = payload[begin : payload.index(b"\r\n", place)].partition(b":")[2]
        return text(value.strip(b" \t"))

    def is_troubled(self, client: int) -> bool:
        """Whether a client is refused, or has no answer, at any time."""
        clients = self.capture.clients
        return bool(clients.troubled[clients.order[clients.starts[client] + clients.sizes[client] - 1]])

    def registration(self, client: int, listener: Listener | None = None) -> Registration:
        """The registration of a client; where it is troubled, `listener` is told each of its attempts."""
        facts, own = self._facts(client), self.capture.clients.exchanges(client).tolist()
        first, last = own[0], own[-1]
        shape = self._asks(last)
        begins = self._asks(first)
        aor = facts.user.join(shape.aor)
        contact = Address.parse(self._contact(self._first[last]))
        place, time = self.request(first)
        stub = SimpleNamespace(
            source=facts.source,
            first=time,
            place=place,
            request=begins.example,
            cseq=int(self.capture.values.scanned.cseq[self._first[first]]),
        )
        registrar = self._registrar(facts.target, shape)
        one = Registration(self.number(first), aor, registrar, self._client(facts, contact, shape), stub)  # type: ignore[arg-type]
        one.call_ids = (facts.call_id,)
        one.contacts = (contact.uri.text if contact.uri else contact.raw,)
        one.user_agent = shape.example.user_agent
        one.last = self._begun(last)
        attempts = self.attempts(own)
        grants = [answers for _, answers in attempts if self.is_granted(answers)]
        is_troubled, is_certain = len(grants) < len(attempts), True
        if is_troubled:
            is_certain = self._conclude(one, own, attempts, listener or Listener())
        else:
            self._note_outcome(one, attempts)
        if grants:
            self._note_grants(one, grants)
            self._note_bindings(one, grants, contact, "present" if is_certain else "maybe")
            one.bindings[0].asked_again = last != grants[-1]
        one.translation = self._translation(facts)
        if self._detail and is_troubled:
            one._numbers = [self._numbers[which] for which in own]
        elif self._detail:
            one._numbers = [self._numbers[which] for which in own]
            one.history.attempts = self._attempts(attempts)
            one.history.unlisted = max(0, one.attempts - KEPT_ATTEMPTS)
        return one

    def _registrar(self, target: Endpoint, shape: Shape) -> Registrar:
        uri = shape.example.uri
        key = target, "" if uri is None else uri.host.lower().rstrip(".")
        known = self._registrars.get(key)
        if known is None:
            known = self._registrars[key] = Registrar(*key)
        return known

    @staticmethod
    def _client(facts: Facts, contact: Address, shape: Shape) -> Client:
        host, found, port = facts.sent_by.partition(":")
        sent_by = f"{host}:{port if found else SIP_PORT}"
        token = token_of(facts.contact_user, facts.user)
        agent = shape.example.user_agent
        return Client(instance_of(contact), token, contact_host(contact), facts.source.host, agent, sent_by)

    def _note_outcome(self, one: Registration, attempts: Sequence[tuple[int, int]]) -> None:
        grants = [answers for _, answers in attempts]
        count, last = len(grants), grants[-1]
        one.outcome, one.status, one.attempts, one.refreshes = "registered", 200, count, count - 1
        one.outcome_counts, one.reason_counts = (("registered", count),), ((200, count),)
        one.since = self._begun(attempts[0][0])
        one.since_place = self.answer(grants[0]).place
        one.success_place = self.answer(last).place
        one.credentials_place = self.request(grants[0]).place
        one.heard = True
        one.decided_by = self._numbers[attempts[-1][0]]
        one.preemptive = self._asks(attempts[-1][0]).has_credentials
        answered = [self._answered(which) for which in grants[-KEPT_GAPS - 1 :]]
        one.refresh_gaps = tuple(later - sooner for sooner, later in pairwise(answered))
        one.last_success = answered[-1]

    def _conclude(
        self, one: Registration, own: Sequence[int], attempts: Sequence[tuple[int, int]], listener: Listener
    ) -> bool:
        """Let the registration of a troubled client count its attempts, one after the other; whether what it was
        granted last is certain at the end."""
        carrying = next((which for which in own if self._asks(which).has_credentials), None)
        one.credentials_place = None if carrying is None else self.request(carrying).place
        tries = [tuple(map(self.turn, own[own.index(asks) : own.index(ends) + 1])) for asks, ends in attempts]
        return conclude(one, tries, listener, copies=self._copies[own[-1]], detail=self._detail).is_certain

    def turn(self, which: int) -> Turn:
        """A transaction, as rules look at it."""
        asks, answers = self._asks(which), self._answers(which)
        sent, (_, source, target) = int(self.capture.exchanges.sent[which]), self.told(which)
        turn = Turn(
            which, self._numbers[which], source, target, self.request(which), sent, None, None, asks.example,
            asks.has_credentials, self._copies[which] - self._after[which], self.waiting.decided(which),
        )  # fmt: skip
        if self.waiting.is_silent(which):
            turn.state = self.waiting.state(which)
            turn.copies = tuple(map(self._seen, self.waiting.copies(which)))
            return turn
        words = self._words.get(answers.number)
        if words is None:
            words = self._words[answers.number] = Words(answers.example)
        turn.final, turn.answered_at = Answer(words, self.answer(which)), self._answered(which)
        return turn

    def _note_grants(self, one: Registration, grants: Sequence[int]) -> None:
        """What it asked for and was granted, as far back as that is kept: of most the same each time."""
        kept = grants[-KEPT_SINKING - 1 :]
        several = {(self._shapes[self._first[which]], self._shapes[self._final[which]]) for which in kept}
        for which in kept if len(several) > 1 else kept[-1:]:
            one.note_grant(self._asks(which).expires, self._answers(which).expires, alone=True)

    def _note_bindings(self, one: Registration, grants: Sequence[int], contact: Address, certainty: Certainty) -> None:
        last, first = grants[-1], grants[0]
        asks, answers = self._asks(last), self._answers(last)
        binding = Binding(contact, one.id, self._begun(first))
        binding.listed_text, binding.asked_text = self._contact(self._final[last]), contact.raw
        binding.granted, binding.requested = answers.expires, asks.expires
        binding.bound_from, binding.learned = self._answered(first), self._answered(last)
        binding.end = self._answered(last) + answers.expires * SECOND
        binding.certainty = certainty
        one.bindings = (binding,)
        by = self.answer(first)
        one.reach = Reachability.of(Stretch("bound", self._answered(first), "registered", by, None, binding.end))

    def settle(self, one: Registration) -> None:
        """The source has ended: what ran out before that is over (`register/reached.py`)."""
        for binding in one.bindings:
            if binding.certainty == "present" and binding.is_over(self._end):
                binding.certainty, binding.lapsed = "absent", True
        one.reach.settle(self._end)

    @staticmethod
    def _translation(facts: Facts) -> Translation | None:
        """Where a translator lets it appear (`register/translation.py`)."""
        host, found, port = facts.sent_by.partition(":")
        if host == facts.source.host:
            return None
        return Translation(f"{host}:{port if found else SIP_PORT}", facts.call_id, facts.source)

    def attempts(self, own: Sequence[int]) -> list[tuple[int, int]]:
        """The attempts of a client whose transactions are `own`: each begins with one of them, and ends with a grant or
        a refusal; the same one where that comes at once."""
        ends = [self._ends_attempt(which) for which in own]
        begins = [which for which, is_behind in zip(own, [True, *ends], strict=False) if is_behind]
        return list(zip(begins, compress(own, ends), strict=True))

    def _attempts(self, attempts: Sequence[tuple[int, int]]) -> list[AttemptRecord]:
        found = []
        for asks, answers in attempts[-KEPT_ATTEMPTS:]:
            purpose: Purpose = "register" if asks == attempts[0][0] else "refresh"
            begin, by = self.request(asks), self.answer(answers)
            found.append(
                AttemptRecord(
                    self._numbers[asks], purpose, "registered", 200, _NO_WORDS, begin.time, by.time, begin, by, "", 0,
                    is_late_answer=False, sends=1 + self._copies[answers] - self._after[answers],
                )
            )  # fmt: skip
        return found

    def transactions(self, wanted: Numbers, registrations: dict[int, Registration]) -> list[TransactionRow]:
        """The rows of some transactions."""
        exchanges, values = self.capture.exchanges, self.capture.values
        branches = values.texts(exchanges.first[wanted], "branch")
        cseqs = values.scanned.cseq[exchanges.first[wanted]].tolist()
        return [
            self._row(which, branch, cseq, registrations[self._of[which]])
            for which, branch, cseq in zip(wanted.tolist(), branches, cseqs, strict=True)
        ]

    def _row(self, which: int, branch: str, cseq: int, one: Registration) -> TransactionRow:
        call_id, source, target = self.told(which)
        asks, answers = self._asks(which), self._answers(which)
        request, final, is_silent = self.request(which), self.answer(which), self.waiting.is_silent(which)
        return TransactionRow(
            id=self._numbers[which],
            method="REGISTER",
            call_id=call_id,
            cseq=cseq,
            branch=MAGIC_COOKIE + branch,
            aor=one.aor,
            request_uri=asks.example.request_uri,
            source=source,
            destination=target,
            transport="UDP",
            request=request.place,
            request_time=request.time,
            retransmissions=self._copies[which],
            provisional=(),
            status=answers.status,
            reason=answers.example.reason,
            final=None if is_silent else final.place,
            final_time=None if is_silent else final.time,
            state=self.waiting.state(which),
            credentials=asks.has_credentials,
            challenge=answers.example.has_challenge,
            registration=one.id,
            facts=self._said(which, asks, answers) if self._tables else None,
        )

    def _said(self, which: int, asks: Shape, answers: Shape) -> Said:
        granted = answers.expires if answers.status == 200 else None
        last_sent = int(self.capture.exchanges.sent[which])
        return Said(last_sent, asks.expires, granted, None, None, asks.example.user_agent)

    def digests(
        self, wanted: Numbers, registrations: dict[int, Registration], examples: dict[int, DigestRecord]
    ) -> list[DigestRecord]:
        """The credentials of some transactions; `examples` are records of their classes."""
        exchanges, values, kinds = self.capture.exchanges, self.capture.values, self.capture.clients.kind
        rows = exchanges.first[wanted]
        columns = [values.texts(rows, name) for name in ("username", "nonce", "response", "nc")]
        known = self.capture.credentials
        verdicts: Sequence[DigestVerdict | None] = [None] * len(wanted) if known is None else known.verdicts(wanted)
        texts: dict[str, str] = {}  # of names and counts there are few, and each would be an object of its own
        found = []
        for which, kind, verdict, username, nonce, response, nc in zip(
            wanted.tolist(), kinds[wanted].tolist(), verdicts, *columns, strict=True
        ):
            example, seen = examples[kind], self.request(which)
            status = self._answers(which).status
            found.append(
                replace(
                    example,
                    username=texts.setdefault(username, username),
                    nonce=nonce,
                    nonce_count=texts.setdefault(nc, nc) or example.nonce_count,
                    response=response,
                    judged=verdict or example.judged,
                    place=seen.place,
                    time=seen.time,
                    transaction=self._numbers[which],
                    aor=registrations[self._of[which]].aor,
                    raw="",
                    accepted=accepted(example.header, status),
                    copies=1 + self._copies[which],
                    order=self._numbers[which],
                )
            )
        return found

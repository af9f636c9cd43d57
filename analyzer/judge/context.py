"""What a rule may ask about the whole capture: its coverage (docs/rules/conventions.md 2) and the ledgers that span
clients.

A check sees one subject and this context, and keeps nothing itself: whatever has to be remembered from one subject to
the next is remembered for it by a ledger, bounded and counted, so that memory stays within limits, a run by several
workers answers the same, and two rules never remember the same thing twice. Which ledger remembers what, and where a
check reaches it:

- `register/challenges.py: Challenges` (`context.challenges`; `in_force` and `next_nonce` of a transaction): which
  nonce is in force for a client and realm, the one before it and `nextnonce`; of every nonce the first and last time
  and to whom it went; of each server's realms whether they ever offered better than MD5, and how many numeric nonces
  in a row went up by a small step; which servers ask for credentials at all.
- `register/digest_ledger.py: DigestLedger` (`digests` of a transaction): the credentials of each live transaction
  with verdict, copies, what the server made of them, and whether their nonce count rose over those before.
- `register/signs.py: SignLedgers` (`signs` of a transaction): what earlier requests of the same client or user make of
  one with credentials: that these had just been refused (`register/refused_credentials.py`), how often any were for
  this user (`register/guesses.py`), and that they were sent before from another address (`register/replays.py`).
- `register/given.py: Given` (`given` of a transaction, `context.uses_temporary_gruu`): the routes and flows that
  servers gave a user's phones, those that they took back, and the temporary GRUUs that these use; and which option
  tags a server refused.
- `register/surroundings.py: Surroundings` (`in_force` and `given` of a transaction): what counted when a transaction
  was sent, until its answer is there; it asks `Given` and `Flows`.
- `register/fleet.py: FleetLedger` (the subject of a rule about all clients): who sends many requests at once, when
  clients began anew at each server, how many showed their credentials in clear on public addresses, and which came
  from many addresses under one Call-ID.
- `register/registry.py: Registry` (`registration` of a subject; `stream` of a step): every client's registration,
  with its counts of attempts, refreshes and changes of Call-ID, and the Date that it was told last; and for each
  Call-ID (`CallIdSequence`) the latest transaction to each destination, and by how much CSeq jumped.
- `register/flows.py: Flows` (`left_flow` of a step): the latest two connections of each client that names an instance
  and a reg-id, which connections carry several instances, and when a phone was heard on a flow that it was granted
  (`flows` at the end). When keep-alives went which way the readers tell (`context.kept_alive`, `context.has_crlf`).
- `register/binding.py: BindingTable` (`event` of a binding): what each registrar said is bound, from when to when,
  and what is only `maybe`.
- `register/reached.py: Reached` (`registration` of a subject): a client's bindings, what it asked for and was granted,
  and its timeline; who took its contact away. And the binding that a request names although a later one of its Call-ID
  has made it (`overtaken` of a transaction, `register/overtaken.py`).
- `register/lone_answers.py: LoneAnswers` (`registration` of a subject): which answers without a request are an attempt
  of a client, until they are closed.
- `register/refusals.py: Refusals` (`context.refused`): which contacts of an address-of-record were refused, and not
  accepted since.
- `register/lapses.py: LapseWatch` (`event` of a binding that is `lapsed`): which bindings run out when.
- `register/responding.py: Answering` (`context.answers_from`, `context.port_answers`, `context.answers_reach`): which
  servers answered at all, from which ports, and whom: what silence has to be held against.
- `register/witnesses.py: Witnesses` (`attempt` of a transaction, its `notices`): which registrations a user of a text
  log has, so that what the log says of them in words of its own is tied to them.
- `register/retries.py: Retries` (`context.retries`): the tries of a client that failed in a row, how soon it tried
  again, and whether with the same request.
- `register/exchanges.py: Exchanges` (`earlier` and `same_call` of a step): the messages of the last exchange of the
  latest clients. Of an older one `request` and `final` are None; its numbers, times and outcome are left.
  Whether a request has the branch of one before (`reuses` of a transaction, `register/branches.py`) is told by these.
- `register/matching.py: TransactionTable` (`transaction` of a subject; `context.end`): the transactions of the last
  forty seconds, and the capture's time.
- `register/reconstruct.py: Reconstructor` (`context.last_heard`, `context.last_message`, `context.is_loose`,
  `context.cut_off`): when anything last came from a host, and from anybody, whether some times are not known, and whose
  connection the network ended.
- `register/bounded.py: MessageCounter` (`context.counter`): which message a run is at, alike for every worker.
  `Bounded` and `Notes` beside it hold no facts of their own: a ledger keeps its facts in them, and the one that was
  used longest ago (`Bounded`) or first noted (`Notes`) makes room. `register/foreign.py` says what a ledger is told
  of the messages of another worker.

A rule that needs something none of them remembers adds it to the ledger of that subject, with a bound, and a sentence
here.
"""

from __future__ import annotations

from analyzer.evidence import SECOND, Endpoint, Source, Way
from analyzer.register.binding import location
from analyzer.register.bounded import MessageCounter
from analyzer.register.challenges import Challenges
from analyzer.register.identity import Registrar
from analyzer.register.reconstruct import Reconstructor
from analyzer.register.refusals import Refused
from analyzer.register.registration import Registration
from analyzer.register.retries import Retries
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address


class CaptureContext:
    """The view of the capture as far as it was read."""

    def __init__(self, sources: list[Source], reconstructor: Reconstructor) -> None:
        self._sources = sources
        self._reconstructor = reconstructor
        self._answers_from = reconstructor.table.answering.hosts

    @property
    def resolution(self) -> int:
        """The coarsest step of the sources' clocks, nanoseconds."""
        return max((source.resolution for source in self._sources), default=SECOND)

    @property
    def is_coarse(self) -> bool:
        """Whether a clock has steps of a second or more."""
        for source in self._sources:  # noqa: SIM110  (asked for every subject: a generator costs as much as the rest)
            if source.resolution >= SECOND:
                return True
        return False

    @property
    def slack(self) -> int:
        """Tolerance for expiry, nanoseconds: 2 s, or two ticks of a coarser clock (docs/rules/conventions.md 5)."""
        return 2 * max(SECOND, self.resolution)

    @property
    def end(self) -> int | None:
        """Capture time as far as it was read."""
        return self._reconstructor.table.end

    @property
    def challenges(self) -> Challenges:
        """The challenges and the use of every nonce."""
        return self._reconstructor.challenges

    @property
    def retries(self) -> Retries:
        """What each client did after its tries failed."""
        return self._reconstructor.retries

    @property
    def counter(self) -> MessageCounter:
        """Which message the run is at."""
        return self._reconstructor.counter

    def answers_from(self, server: Endpoint) -> int:
        """How many answers were seen from this server's address."""
        return self._answers_from.get(server.host, 0)

    def port_answers(self, server: Endpoint) -> bool:
        """Whether any answer was seen from this very port."""
        return server in self._reconstructor.table.answering.ports

    def answers_reach(self, transaction: Transaction) -> bool:
        """Whether answers of this server to this client's host were seen: the source holds that direction."""
        return self._reconstructor.table.answering.reaches(transaction)

    def cut_off(self, transaction: Transaction) -> int | None:
        """When the network was last seen to end the connection of a transaction."""
        return self._reconstructor.cut_off(transaction)

    @property
    def last_message(self) -> int | None:
        """When the last message came, whoever sent it."""
        return self._reconstructor.now

    @property
    def is_loose(self) -> bool:
        """Whether of some messages it is known only between which times they came (docs/rules/traps.md T-STAMP):
        that something did not happen since a time cannot be said then."""
        return self._reconstructor.is_loose

    def kept_alive(self, way: Way) -> list[int]:
        """When keep-alives went this way, nanoseconds since the epoch; the first of them."""
        return sorted(time for source in self._sources for time in source.kept.of(way))

    def has_crlf(self, way: Way) -> bool:
        """Whether keep-alives of connections (CRLFCRLF) went this way over UDP."""
        return any(way in source.kept.crlf for source in self._sources)

    def refused(self, registrar: Registrar, aor: str, contact: Address) -> Refused | None:
        """How a contact was refused at a registrar, where it was, and not accepted since."""
        return self._reconstructor.reached.refusals.of(location(registrar), aor, contact)

    def uses_temporary_gruu(self, registration: Registration) -> bool:
        """Whether a client was seen to call itself by a temporary GRUU that it was given (RFC 5627 3.3)."""
        return self._reconstructor.surroundings.given.uses_temporary(registration)

    def last_heard(self, host: str) -> int | None:
        """When anything was last heard from a host."""
        return self._reconstructor.heard.get(host)

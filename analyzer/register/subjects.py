"""What a rule looks at (docs/architecture.md 5): subjects, complete when they are handed over."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.evidence import Evidence, Fidelity
from analyzer.register import marks
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt
from analyzer.register.binding import BindingEvent
from analyzer.register.boot import BootScore
from analyzer.register.domains import is_foreign
from analyzer.register.flows import Flow, GrantedFlow
from analyzer.register.registration import Registration
from analyzer.register.registry import CallIdSequence
from analyzer.register.retried import keeps_ids, retried
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.register.transaction_subject import TransactionSubject as TransactionSubject
from analyzer.register.transport_marks import answer_marks, request_marks
from analyzer.register.unusual import is_odd_answer, request_oddities
from analyzer.register.way_back import is_repeated_late
from analyzer.sip.auth_headers import CHALLENGED_IN
from analyzer.sip.message import Message
from analyzer.sip.uri import Uri

STEADY_GAPS = 3
"""Intervals between registrations from which on a client has a habit."""


@dataclass(slots=True)
class MessageSubject:
    """A request at its first copy, or the first final response of a transaction.

    `earlier` is, for a request, the same client's transaction before this one.
    """

    message: Message
    transaction: Transaction
    registration: Registration | None
    earlier: Transaction | None = None

    @property
    def marks(self) -> int:
        """What can be told of the message at once (`register/marks.py`)."""
        return self._request_marks() if self.message.method else self._answer_marks()

    def _request_marks(self) -> int:
        message = self.message
        to, from_, uri = message.to, message.from_, message.uri
        found = marks.REQUEST
        if to is None or from_ is None or uri is None or not message.has_mandatory:
            found |= marks.ODD_HEADERS
        if uri is not None and uri.user is not None:
            found |= marks.RURI_USER
        if to is not None and "tag" in to.params:
            found |= marks.TO_TAG
        if from_ is not None and not from_.params.get("tag"):
            found |= marks.NO_FROM_TAG
        if self.earlier is not None and self.earlier.call_id != message.call_id:
            found |= marks.NEW_CALL_ID
        contacts = message.contacts
        if len(contacts) != 1:
            found |= marks.SEVERAL if contacts else marks.OTHER_PURPOSE
        for contact in contacts:
            own = contact.uri
            if not (message.expires if contact.expires is None else contact.expires):
                found |= marks.OTHER_PURPOSE
            if own is not None and not own.is_sip:
                found |= marks.OTHER_SCHEME
            if contact.star:
                found |= marks.STAR
            elif "q" in contact.params or (to is not None and own is not None and _may_be_same(own, to.uri)):
                found |= marks.SEVERAL
        return found | request_oddities(message) | request_marks(message)

    def _answer_marks(self) -> int:
        message = self.message
        found = marks.RESPONSE
        if 200 <= message.status < 300:
            found |= marks.SUCCESS
            if self.registration is None or self.registration.success_place is None:
                found |= marks.FIRST_SUCCESS
            if self.transaction.set_back is not None:
                found |= marks.SET_BACK
        if not message.is_plainly_tagged("to"):
            found |= marks.NO_TO_TAG
        if is_odd_answer(message):
            found |= marks.ODD_VALUES
        found |= answer_marks(message)
        if message.has_challenge:
            found |= marks.CHALLENGE
        if message.status in CHALLENGED_IN:
            found |= marks.ASKS if _is_usable(message) else marks.ASKS | marks.NO_CHALLENGE
        return found

    @property
    def evidence(self) -> Evidence:
        """Where and when the message was seen."""
        return self.message.raw_message.evidence


def _is_usable(message: Message) -> bool:
    """Whether a 401 or 407 has one challenge, and that is a Digest of its own kind with realm and nonce."""
    challenges = message.challenges
    if len(challenges) != 1:
        return False
    only = challenges[0]
    return only.header == CHALLENGED_IN[message.status] and only.is_plain and bool(only.realm and only.nonce)


@dataclass(slots=True)
class AttemptSubject:
    """An attempt that has its outcome; `registration` already counts it."""

    attempt: Attempt
    registration: Registration

    @property
    def marks(self) -> int:
        """What can be told of the attempt at once (`register/marks.py`)."""
        failed = 0 if self.attempt.outcome in SUCCESSFUL_OUTCOMES else marks.FAILED
        if self.registration.choice is not None:
            failed |= marks.CHOICE
        return failed | marks.TOO_BRIEF if self.attempt.too_brief else failed

    @property
    def transaction(self) -> Transaction:
        """The last transaction of the attempt."""
        return self.attempt.last

    @property
    def evidence(self) -> Evidence:
        """Where and when the attempt began."""
        return self.attempt.first.evidence


@dataclass(slots=True)
class TransitionSubject:
    """A new transaction of a client, with the ones before it.

    `earlier` is the client's (address-of-record, registrar) transaction before this one, None for its first;
    `same_call` the latest of the same Call-ID to the same destination; `stream` the Call-ID with its counter over all
    destinations, whose `last` is still the transaction before. `same_attempt` tells a retry from a new attempt.
    `boot` is scored when the Call-ID changed. `namesake` is, where the stream begins with this transaction, another one
    that has used its Call-ID. `left_flow` is the flow that the client leaves, where it goes back to a connection that
    it had used before that one.
    """

    earlier: Transaction | None
    later: Transaction
    same_call: Transaction | None
    stream: CallIdSequence
    registration: Registration
    attempt: Attempt
    same_attempt: bool
    call_id_changed: bool
    boot: BootScore | None
    namesake: CallIdSequence | None = None
    left_flow: Flow | None = None

    @property
    def marks(self) -> int:
        """What can be told of the step at once (`register/marks.py`)."""
        later, same_call, earlier, last = self.later, self.same_call, self.earlier, self.stream.last
        found = marks.CALL_ID_CHANGED if self.call_id_changed else 0
        if self.namesake is not None:
            found |= marks.NAMESAKE
        if self.left_flow is not None:
            found |= marks.LEFT_FLOW
        if last is not None and last.cseq >= 0 and later.cseq > last.cseq:
            found |= marks.COUNTED if later.cseq == last.cseq + 1 else marks.COUNTED | marks.JUMPED
        if same_call is not None and same_call.cseq >= 0 and later.cseq >= 0:
            found |= marks.RETRY if self.answers_challenge else marks.NO_RETRY
            if later.cseq <= same_call.cseq:
                found |= marks.NOT_RAISED
        if earlier is not None:
            if not self.same_attempt:
                found |= marks.FOLLOWS
            if earlier.final is not None and earlier.final.status >= 300 and not earlier.challenged:
                found |= marks.AFTER_REFUSAL
            if last is not earlier and last is not None and last.destination != later.destination:
                found |= marks.OTHER_SERVER
            if earlier.request is not None and earlier.first is not None and later.first is not None:
                found |= marks.AFTER_REQUEST if earlier.final is not None else marks.AFTER_REQUEST | marks.PENDING
            before = self.retried
            if before is not None:
                found |= marks.RETRIED if keeps_ids(before, later) else marks.RETRIED | marks.NEW_IDS
        return found

    @property
    def retried(self) -> Transaction | None:
        """The transaction whose request the new one tries again, changed as the answer asks (`retries.py`)."""
        return retried(self.later, self.attempt, self.earlier)

    @property
    def transaction(self) -> Transaction:
        """The new transaction."""
        return self.later

    @property
    def answers_challenge(self) -> bool:
        """The new transaction brings credentials after the 401/407 of the one before under the same Call-ID."""
        earlier, later = self.same_call, self.later
        if earlier is None or not earlier.challenged or not later.has_credentials:
            return False
        if later.first is None or earlier.answered_at is None:
            return True
        return later.first - earlier.answered_at <= AUTH_LINK

    @property
    def evidence(self) -> Evidence:
        """Where and when the new transaction was first seen."""
        return self.later.evidence


@dataclass(slots=True)
class BindingSubject:
    """Something happened to a binding; `step` is the step of the request that did it, if it opened an attempt."""

    event: BindingEvent
    registration: Registration
    step: TransitionSubject | None

    @property
    def marks(self) -> int:
        """What can be told of the event at once (`register/marks.py`)."""
        kind, owner = self.event.kind, self.event.binding.registration
        if kind in ("renewal", "lapsed"):
            is_foreign_owner = kind == "renewal" and owner is not None and owner != self.registration.id
            found = marks.ASKED_AGAIN | marks.FOREIGN if is_foreign_owner else marks.ASKED_AGAIN
            return found | marks.TEMPORARY if "temp-gruu" in self.event.binding.listed_text.lower() else found
        if kind == "added":
            return marks.FOREIGN_DOMAIN if is_foreign(self.event.transaction) else 0
        return marks.REMOVED if kind in ("removed", "unlisted") else 0

    @property
    def transaction(self) -> Transaction:
        """The transaction that did it."""
        return self.event.transaction

    @property
    def evidence(self) -> Evidence:
        """Where and when that transaction was first seen."""
        return self.event.transaction.evidence


@dataclass(slots=True)
class ClosedSubject:
    """A REGISTER transaction with its final response, 64*T1 after that: all copies of both are in by then. One without
    a final response is closed, too, where its branch was used before or its copies differ."""

    transaction: Transaction
    registration: Registration | None
    attempt: Attempt | None

    @property
    def marks(self) -> int:
        """What can be told of its copies at once (`register/marks.py`)."""
        transaction = self.transaction
        found = marks.ASTRAY if transaction.response_ways else 0
        if transaction.later_finals:
            found |= marks.ODD_ECHO
        if transaction.reuses is not None or transaction.changed:
            found |= marks.REUSED_BRANCH
        if self.registration is not None and len(self.registration.bindings) > 1 and 200 <= transaction.status < 300:
            found |= marks.SEVERAL
        return found | marks.LATE_COPIES if is_repeated_late(transaction) else found

    @property
    def went_on(self) -> Transaction | None:
        """The client's next request, where it brings credentials for a nonce of this one's challenge: it arrived."""
        transaction = self.transaction
        links = self.attempt.transactions if self.attempt is not None else []
        later = links[links.index(transaction) + 1 :] if transaction in links else []
        return next((link for link in later[:1] if link.has_credentials or not transaction.challenged), None)

    @property
    def evidence(self) -> Evidence:
        """Where and when the request was seen."""
        return self.transaction.evidence


@dataclass(slots=True)
class EndSubject:
    """A client at the end of the source, with its latest transaction; `cut_off`: since then the network was seen to
    end its connection, or to refuse what it or its registrar sent; `flows` are those that it was granted."""

    registration: Registration
    transaction: Transaction
    cut_off: bool = False
    flows: tuple[GrantedFlow, ...] = ()

    @property
    def marks(self) -> int:
        """What can be told of the client at once (`register/marks.py`)."""
        found = marks.TIMED_FLOW if self.flows else 0
        return found | marks.STEADY if len(self.registration.refresh_gaps) >= STEADY_GAPS else found

    @property
    def evidence(self) -> Evidence:
        """Where and when its latest transaction was first seen."""
        return self.transaction.evidence


Subject = (
    MessageSubject
    | TransactionSubject
    | AttemptSubject
    | TransitionSubject
    | BindingSubject
    | ClosedSubject
    | EndSubject
)


def _may_be_same(contact: Uri, aor: Uri | None) -> bool:
    """Whether a contact may be its address-of-record, as far as their text tells."""
    if aor is None or "%" in contact.text or "%" in aor.text or ":" in contact.host:
        return True  # escapes, and IPv6 addresses, have many spellings (RFC 3261 19.1.4, RFC 5954 4.2)
    return contact.user == aor.user and contact.host.lower() == aor.host.lower()


def is_printed(subject: Subject) -> bool:
    """Whether the subject was read from a printed log."""
    transaction = subject.transaction
    message = transaction.request or transaction.final
    return message is not None and message.raw_message.fidelity is Fidelity.TEXT_LOG

"""What a rule looks at (docs/architecture.md 5): subjects, complete when they are handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.evidence import Evidence, Fidelity
from analyzer.register import marks
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt
from analyzer.register.binding import BindingEvent
from analyzer.register.boot import BootScore
from analyzer.register.challenges import Challenged, for_header
from analyzer.register.digest.syntax import is_suspicious
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.domains import is_foreign
from analyzer.register.grants import is_plain_grant
from analyzer.register.odd_values import has_password, is_odd
from analyzer.register.old_answers import is_echo
from analyzer.register.registration import Registration
from analyzer.register.registry import CallIdSequence
from analyzer.register.retried import keeps_ids, retried
from analyzer.register.signs import NO_SIGNS, Signs
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.register.transport_marks import answer_marks, request_marks, transport_marks
from analyzer.register.unusual import is_odd_answer, is_odd_exchange, request_oddities
from analyzer.register.way_back import is_repeated_late
from analyzer.sip.auth_headers import CHALLENGED_IN, INFO_OF
from analyzer.sip.message import Message
from analyzer.sip.timers import TRYING_DUE
from analyzer.sip.uri import Uri

_ACCEPTED = marks.DIGESTS | marks.SUCCESS
_AUTHENTICATION = marks.DIGESTS | marks.CHALLENGE
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
        if len(contacts) > 1:
            found |= marks.SEVERAL
        for contact in contacts:
            own = contact.uri
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
class TransactionSubject:
    """A transaction with its first final response, or without one after 64*T1.

    `digests` are the credentials that it carried, `in_force` the challenges that stood for its client when it was
    first sent, by realm, the latest first; `next_nonce` the nonce that an answer had announced, by realm. `signs` is
    what earlier requests make of it.
    """

    transaction: Transaction
    registration: Registration | None
    attempt: Attempt | None
    digests: list[DigestRecord] = field(default_factory=list)
    in_force: dict[str, Sequence[Challenged]] = field(default_factory=dict)
    next_nonce: dict[str, str] = field(default_factory=dict)
    signs: Signs = NO_SIGNS

    def challenged(self, record: DigestRecord) -> list[Challenged]:
        """The challenges in force that these credentials are to answer, the latest first."""
        return for_header(self.in_force.get(record.realm, ()), record.header)

    @property
    def marks(self) -> int:
        """What can be told of the transaction at once (`register/marks.py`)."""
        transaction = self.transaction
        found = self._digest_marks() if self.digests else 0
        if self.signs is not NO_SIGNS:
            found |= marks.SIGNS
        final = transaction.final
        found |= marks.UNANSWERED if final is None or transaction.request is None else marks.ANSWERED
        if final is not None and 200 <= final.status < 300:
            found |= self._success_marks() | self._granting_marks(final)
        if transaction.has_challenge:
            found |= marks.CHALLENGE
        if final is not None and final.status not in CHALLENGED_IN:
            found |= self._deciding_marks(final)
        if self._has_odd_values(found):
            found |= marks.ODD_CREDENTIALS
        if found & _ACCEPTED == _ACCEPTED and final is not None and any(map(final.has, INFO_OF.values())):
            found |= marks.MORE_TOLD
        if found & _AUTHENTICATION and self._may_be_malformed(found & _AUTHENTICATION == _AUTHENTICATION):
            found |= marks.MALFORMED
        if is_odd_exchange(transaction):
            found |= marks.ODD_EXCHANGE
        found |= transport_marks(transaction)
        if transaction.retransmissions or transaction.provisional or _is_slow(transaction):
            found |= marks.UNEVEN
        return found if is_echo(transaction) else found | marks.ODD_ECHO

    def _granting_marks(self, final: Message) -> int:
        """What can be told at once of a 2xx."""
        transaction, found = self.transaction, 0
        request = transaction.request
        if request is None:
            return marks.ODD_LIST
        if transaction.method != "REGISTER":
            return 0
        if not is_plain_grant(request, final):
            found |= marks.ODD_LIST | _star_mark(request)
        if self.digests:
            to = request.to
            if len(self.digests) > 1 or to is None or to.uri is None or self.digests[0].username != to.uri.user:
                found |= marks.OTHER_USER
        return found

    def _deciding_marks(self, final: Message) -> int:
        """What can be told at once of a final response that does not ask for credentials."""
        found, status = 0 if self.digests else marks.BARE, final.status
        if self.transaction.overtaken is not None:
            found |= marks.OVERTAKEN
        if status >= 300:
            if status == 423:
                found |= marks.TOO_BRIEF
            elif status >= 600:
                found |= marks.GLOBAL_FAILURE
            elif status == 400 and self.transaction.request is not None:
                found |= _star_mark(self.transaction.request)
            if final.has("contact"):
                found |= marks.ODD_LIST
        return found

    def _success_marks(self) -> int:
        """What can be told of a 2xx at once."""
        transaction, registration = self.transaction, self.registration
        found = marks.SUCCESS
        if transaction.request is not None and not transaction.request.has("contact"):
            found |= marks.NO_CONTACT
        if registration is not None:
            if registration.sinking:
                found |= marks.SINKING
            for binding in registration.bindings:
                if binding.form and binding.transaction is transaction:
                    found |= marks.OTHER_FORM
        return found

    def _has_odd_values(self, found: int) -> bool:
        """What can be told of the values in credentials, challenges and URIs at once."""
        request, final = self.transaction.request, self.transaction.final
        if found & marks.CHALLENGE and final is not None and any(not one.is_plain for one in final.challenges):
            return True
        if found & marks.DIGESTS and (len(self.digests) > 1 or is_odd(self.digests[0])):
            return True
        return request is not None and has_password(request)

    def _may_be_malformed(self, is_both: bool) -> bool:
        """What can be told of the form of the headers at once; not where there `is_both` credentials and challenge."""
        transaction = self.transaction
        request, final = transaction.request, transaction.final
        if is_both or transaction.path is not None or (request is not None and request.raw_message.missing):
            return True
        if self.digests:
            return request is None or any(map(is_suspicious, request.credentials))
        return final is None or any(map(is_suspicious, final.challenges))

    def _digest_marks(self) -> int:
        """What can be told of the credentials at once. Nearly always there is one, as it was asked for; of anything
        else the rules ask themselves."""
        transaction, only = self.transaction, self.digests[0]
        found = marks.DIGESTS | marks.REFUSED if transaction.challenged else marks.DIGESTS
        if len(self.digests) > 1 or only.is_empty or only.is_cut:
            return found | marks.ODD_FORM | marks.OTHER_URI | marks.OTHER_NONCE | marks.LACKING
        if only.lacking:
            found |= marks.LACKING
        if only.form.word != "as-asked" or only.counted_before is not None:
            found |= marks.ODD_FORM
        request, in_force = transaction.request, self.in_force.get(only.realm)
        is_own_uri = request is not None and only.uri == request.request_uri != ""
        if not is_own_uri or transaction.via_count != 1 or not transaction.is_first_hop:
            found |= marks.OTHER_URI
        newest = in_force[0] if in_force else None
        if newest is None or newest.header != only.header or only.nonce not in newest.nonces:
            found |= marks.OTHER_NONCE
        if only.place != transaction.place:
            found |= marks.OTHER_NONCE
        return found | marks.OTHER_NONCE if self.next_nonce.get(only.realm) else found

    @property
    def evidence(self) -> Evidence:
        """Where and when the request was seen (or the response, if it alone was)."""
        return self.transaction.evidence


def _star_mark(request: Message) -> int:
    return marks.STAR if any(contact.star for contact in request.contacts) else 0


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
    that has used its Call-ID.
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

    @property
    def marks(self) -> int:
        """What can be told of the step at once (`register/marks.py`)."""
        later, same_call, earlier, last = self.later, self.same_call, self.earlier, self.stream.last
        found = marks.CALL_ID_CHANGED if self.call_id_changed else 0
        if self.namesake is not None:
            found |= marks.NAMESAKE
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
            return marks.ASKED_AGAIN | marks.FOREIGN if is_foreign_owner else marks.ASKED_AGAIN
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
    end its connection, or to refuse what it or its registrar sent."""

    registration: Registration
    transaction: Transaction
    cut_off: bool = False

    @property
    def marks(self) -> int:
        """What can be told of the client at once (`register/marks.py`)."""
        return marks.STEADY if len(self.registration.refresh_gaps) >= STEADY_GAPS else 0

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


def _is_slow(transaction: Transaction) -> bool:
    """Whether its final response says that there was none, or came when a provisional one was due (RFC 4320 4)."""
    first, answered = transaction.first, transaction.answered_at
    return transaction.status == 408 or (first is not None and answered is not None and answered - first > TRYING_DUE)


def is_printed(subject: Subject) -> bool:
    """Whether the subject was read from a printed log."""
    transaction = subject.transaction
    message = transaction.request or transaction.final
    return message is not None and message.raw_message.fidelity is Fidelity.TEXT_LOG

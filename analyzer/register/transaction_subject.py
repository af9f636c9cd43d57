"""A transaction as rules look at it, with what was in force when it was sent, and its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.evidence import Evidence
from analyzer.register import marks
from analyzer.register.attempt import Attempt
from analyzer.register.challenges import Challenged, for_header
from analyzer.register.digest.syntax import is_suspicious
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.given import NO_GUIDANCE, Guidance
from analyzer.register.grants import is_plain_grant
from analyzer.register.odd_values import has_password, is_odd
from analyzer.register.old_answers import is_echo
from analyzer.register.registration import Registration
from analyzer.register.signs import NO_SIGNS, Signs
from analyzer.register.transaction import Transaction
from analyzer.register.transport_marks import transport_marks
from analyzer.register.unusual import is_odd_exchange
from analyzer.sip.auth_headers import CHALLENGED_IN, INFO_OF
from analyzer.sip.message import Message
from analyzer.sip.timers import TRYING_DUE

_ACCEPTED = marks.DIGESTS | marks.SUCCESS
_AUTHENTICATION = marks.DIGESTS | marks.CHALLENGE


@dataclass(slots=True)
class TransactionSubject:
    """A transaction with its first final response, or without one after 64*T1.

    `digests` are the credentials that it carried, `in_force` the challenges that stood for its client when it was
    first sent, by realm, the latest first; `next_nonce` the nonce that an answer had announced, by realm. `signs` is
    what earlier requests make of it, `given` what its client had been given by servers.
    """

    transaction: Transaction
    registration: Registration | None
    attempt: Attempt | None
    digests: list[DigestRecord] = field(default_factory=list)
    in_force: dict[str, Sequence[Challenged]] = field(default_factory=dict)
    next_nonce: dict[str, str] = field(default_factory=dict)
    signs: Signs = NO_SIGNS
    given: Guidance = NO_GUIDANCE

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
        if transaction.method == "REGISTER":
            found |= marks.REGISTRATION
        if self.given is not NO_GUIDANCE:
            found |= marks.GUIDED
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
        if only.place != transaction.place or only.malformed:
            found |= marks.OTHER_NONCE
        return found | marks.OTHER_NONCE if self.next_nonce.get(only.realm) else found

    @property
    def evidence(self) -> Evidence:
        """Where and when the request was seen (or the response, if it alone was)."""
        return self.transaction.evidence


def _star_mark(request: Message) -> int:
    return marks.STAR if any(contact.star for contact in request.contacts) else 0


def _is_slow(transaction: Transaction) -> bool:
    """Whether its final response says that there was none, or came when a provisional one was due (RFC 4320 4)."""
    first, answered = transaction.first, transaction.answered_at
    return transaction.status == 408 or (first is not None and answered is not None and answered - first > TRYING_DUE)

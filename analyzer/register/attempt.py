"""An attempt: the chain of transactions by which one client tries one thing, with one outcome
(docs/rules/reconstruction.md 5).

REGISTER, 401, REGISTER with credentials, 200 is one attempt of two transactions. A chain goes on when the next
transaction answers the last one's challenge, raises an expiry that was too brief (423), drops an extension (420), or
agrees on security (494). It ends at any other final response, and where credentials for the attempt's own challenge
were refused without `stale=true`: what a phone does then is the next attempt, or a wrong password would make one
endless chain.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Literal

from analyzer.evidence import SECOND, Evidence, LogNotice
from analyzer.register.contact_relations import is_similar
from analyzer.register.contacts import same_contact
from analyzer.register.requested import purpose_of, requested_expiry
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import NO_NONCES, Transaction
from analyzer.sip.address import Address
from analyzer.sip.auth_headers import ANSWERED_IN, REFUSED_IN
from analyzer.sip.message import Message

Purpose = Literal["register", "refresh", "change", "remove", "query"]
"""What a REGISTER is for: see `history.purpose_of`."""
Outcome = Literal["registered", "removed", "fetched", "rejected", "timeout", "abandoned", "open", "unknown"]
SUCCESSFUL_OUTCOMES: frozenset[Outcome] = frozenset(("registered", "removed", "fetched"))
"""Outcomes by which the client has what it asked for: a 2xx (RFC 3261 10.2.1, 10.2.2, 10.2.3)."""
LINKING = (401, 407, 420, 421, 423, 494)
"""Final responses after which the client is expected to try again at once."""
_MOST_PAIRS = 400
LONGEST = 12
"""Transactions of one attempt; what goes on longer is a loop, and each round an attempt of its own."""

_AT_ONCE = 2 * SECOND
"""Nanoseconds within which a client that has nothing to wait for goes on."""


class Attempt:
    """One try of one client at one registrar. `outcome` is `open` until it is concluded; `inherited` are the nonces of
    the challenge that ended the attempt before; `too_brief`: one of its answers was a 423. `told` is what a log says of
    it beside its responses, `unseen` an answer to a request of it that the source has not got, and what that means."""

    __slots__ = ("ended", "inherited", "outcome", "purpose", "status", "told", "too_brief", "transactions", "unseen")

    def __init__(self, first: Transaction, inherited: Set[str] | None = None) -> None:
        self.transactions = [first]
        self.inherited: Set[str] = inherited or NO_NONCES
        self.purpose: Purpose = "register"
        self.outcome: Outcome = "open"
        self.status = 0
        self.ended = False
        self.too_brief = False
        self.told: tuple[LogNotice, ...] = ()
        self.unseen: tuple[Transaction, Outcome] | None = None

    @property
    def first(self) -> Transaction:
        """The transaction that began the attempt."""
        return self.transactions[0]

    @property
    def last(self) -> Transaction:
        """The latest transaction."""
        return self.transactions[-1]

    @property
    def notices(self) -> tuple[LogNotice, ...]:
        """What the writer of a log says of it, in the order of its transactions; empty but for logs."""
        finals = [transaction.final for transaction in self.transactions if transaction.final is not None]
        with_responses = [one for final in finals for one in final.raw_message.notices if not one.alone]
        return (*with_responses, *self.told) if with_responses or self.told else ()

    @property
    def decided_by(self) -> Evidence:
        """What shows how it went: its last answer, or the request that has none."""
        last = self.last
        return last.final.raw_message.evidence if last.final is not None else last.evidence

    @property
    def credentialed(self) -> bool:
        """Whether any request of the attempt carried credentials that answer a challenge."""
        return any(transaction.has_credentials for transaction in self.transactions)

    def continued_by(self, transaction: Transaction) -> bool:
        """Whether `transaction` is the next link of this chain."""
        last = self.last
        if self.ended or last.final is None or len(self.transactions) >= LONGEST or last.status not in LINKING:
            return False
        if (
            transaction.first is not None
            and last.answered_at is not None
            and transaction.first - last.answered_at > AUTH_LINK
        ):
            return False
        if not last.challenged:
            return True
        if self.refused or not (transaction.has_credentials or _may_have_credentials(transaction)):
            return False
        return transaction.call_id == last.call_id or bool(_nonces(transaction) & last.nonces)

    @property
    def refused(self) -> bool:
        """The last request answered a challenge that was seen, and was challenged again without `stale=true`."""
        last = self.last
        if not last.challenged or not last.has_credentials or last.final is None:
            return False
        if any(challenge.stale for challenge in last.final.challenges):
            return False
        answered = _nonces_refused(last)
        return bool(answered & self.inherited) or any(answered & before.nonces for before in self.transactions[:-1])

    @property
    def asks_too(self) -> bool:
        """The last response to credentials is a challenge of somebody who had not asked before: of another header or
        realm. None of them is refused by that, and nothing that was asked for is left out (RFC 3261 22.3)."""
        last = self.last
        if not (last.challenged and last.has_credentials and last.final is not None and last.request is not None):
            return False
        asked = {(ANSWERED_IN[one.header], one.realm or "") for one in last.final.challenges}
        known = {(one.header, one.realm or "") for one in last.request.credentials}
        finals = [before.final for before in self.transactions[:-1] if before.final is not None]
        before = {(ANSWERED_IN[one.header], one.realm or "") for final in finals for one in final.challenges}
        return bool(asked) and known <= before and not asked & before

    @property
    def is_late_answer(self) -> bool:
        """It began with credentials for a challenge that ended the attempt before: the client took its time."""
        return bool(self.inherited) and self.first.has_credentials and bool(_nonces(self.first) & self.inherited)

    @property
    def is_refused_again(self) -> bool:
        """More than once it brought credentials and was challenged anew: that is a refusal, whatever `stale` says."""
        return sum(one.challenged and one.has_credentials for one in self.transactions) > 1

    @property
    def asked_since(self) -> int | None:
        """Since when its client asks without a pause of its own: the first request of those each of which followed at
        once on an answer (nanoseconds)."""
        since = self.last.first
        for link in reversed(self.transactions[:-1]):
            if since is None or link.answered_at is None or since - link.answered_at > _AT_ONCE:
                break
            since = link.first
        return since

    def answered(self) -> bool:
        """Take in the last transaction's final response; True if that concludes the attempt
        (docs/rules/reconstruction.md 5)."""
        status = self.last.status
        self.too_brief |= status == 423
        if 200 <= status < 300:
            return self._conclude(_success(self.last), status)
        if status not in LINKING or self.refused:
            return self._conclude("rejected", status)
        self.status = status
        return False

    def silent(self) -> bool:
        """Take in that the last transaction has no final response; always concludes."""
        state = self.last.state
        outcome: Outcome = "timeout" if state in ("timeout", "aborted") else "open" if state == "open" else "unknown"
        return self._conclude(outcome, 0)

    def given_up(self, *, ended: bool = False) -> bool:
        """The client did not go on after a response that asked it to; `ended`: the source ended before it had to."""
        if self.ended:
            return False
        if self.last.final is None:
            return self._conclude("open", 0)
        if self.unseen is not None and self.unseen[0].cseq > self.last.cseq:
            self.transactions.append(self.unseen[0])
            return self._conclude(self.unseen[1], self.last.status)
        if self.last.challenged and self.last.is_overdue:
            return self._conclude("timeout", 0)
        if ended and not self.is_refused_again and listed_all_the_same(self.last) is None:
            return self._conclude("open", self.last.status)
        outcome: Outcome = "abandoned" if self.last.challenged and not self.credentialed else "rejected"
        return self._conclude(outcome, self.last.status)

    def may_go_on_unseen(self, answer: Transaction) -> bool:
        """Whether an answer whose request was not seen is to the next link of this chain."""
        last = self.last
        is_next = last.call_id == answer.call_id and last.destination == answer.destination and last.cseq < answer.cseq
        return is_next and not self.ended and last.status in LINKING

    def goes_on_unseen(self, answer: Transaction) -> None:
        """It went on by a request that was not seen, whose `answer` tells how it ended; `answer.request` stands for it.
        Whether credentials were refused by a challenge is not known."""
        known = _success(answer) if 200 <= answer.status < 300 else "rejected"
        self.unseen = answer, "unknown" if answer.challenged else known

    def _conclude(self, outcome: Outcome, status: int) -> bool:
        if self.ended:
            return False
        self.outcome, self.status, self.ended = outcome, status, True
        return True


def _success(transaction: Transaction) -> Outcome:
    """What a 2xx means: fetch (10.2.3), removal (10.2.2), registration."""
    request = transaction.request
    if request is None:
        return "unknown"
    purpose = purpose_of(request)
    if purpose == "query":
        return "unknown" if is_cut(request) else "fetched"
    if purpose == "removal":
        return "rejected" if _is_still_listed(request, transaction.final) else "removed"
    return "registered" if _is_positive(request, transaction.final) else "rejected"


def _is_still_listed(request: Message, final: Message | None) -> bool:
    """Whether a 2xx to a removal lists what was to be removed, with time left (10.3 steps 6 to 8)."""
    if final is None or not final.contacts or len(request.contacts) * len(final.contacts) > _MOST_PAIRS:
        return False
    left = [one for one in final.contacts if one.uri is not None and requested_expiry(one, final.expires) != 0]
    return any(asked.star or any(same_contact(asked, one) for one in left) for asked in request.contacts if left)


def _is_positive(request: Message, final: Message | None) -> bool:
    """Whether a 2xx to a registration leaves the client bound: not if it lists other contacts alone, or its own with no
    time left (10.3 step 8, docs/rules/reconstruction.md 7 step 2). A contact that a box on the way rewrote still has
    its user part; an answer that lists nothing, or was cut, tells nothing."""
    if final is None or not final.contacts or final.raw_message.missing:
        return True
    asked = [contact for contact in request.contacts if not contact.star and contact.uri is not None]
    if len(asked) != len(request.contacts) or len(asked) * len(final.contacts) > _MOST_PAIRS:
        return True
    listed = [contact for contact in final.contacts if contact.uri is not None]
    own = [one for one in listed if any(same_contact(one, contact) for contact in asked)]
    if own:
        return any(one.expires != 0 for one in own)
    if any(contact.uri is not None and contact.uri.user is None for contact in asked):
        return True  # nothing of it may be left by which it would be known again
    return any(is_similar(contact, one, request) for contact in asked for one in listed)


def listed_all_the_same(transaction: Transaction) -> Address | None:
    """The client's contact as a refusal lists it with time left: it is bound although the registrar refused. A
    redirect's contacts are where to go (RFC 3261 21.3)."""
    request, final = transaction.request, transaction.final
    if request is None or final is None or final.status < 400 or not final.contacts:
        return None
    asked = [contact for contact in request.contacts if not contact.star and contact.uri is not None]
    if len(asked) * len(final.contacts) > _MOST_PAIRS:
        return None
    listed = (one for one in final.contacts if any(same_contact(one, contact) for contact in asked))
    return next((one for one in listed if requested_expiry(one, final.expires) != 0), None)


def _may_have_credentials(transaction: Transaction) -> bool:
    return transaction.request is not None and is_cut(transaction.request)


def is_cut(message: Message) -> bool:
    """The message ends within its headers because the rest was not captured: what is missing may have been there."""
    return message.raw_message.missing > 0 and not message.complete_headers


def _nonces(transaction: Transaction) -> set[str]:
    request = transaction.request
    return {credentials.nonce or "" for credentials in request.credentials} if request else set()


def _nonces_refused(transaction: Transaction) -> set[str]:
    """The nonces that the challenge to `transaction` refuses: of its realm, in the header that its status asks for.
    Behind a proxy a phone answers 407 and then 401, each once, and none is refused (RFC 3261 22.3). Nor is a SIM that
    asks for another challenge (RFC 3310 3.4: `auts`): it is given one."""
    request, final = transaction.request, transaction.final
    if request is None or final is None:
        return set()
    header = REFUSED_IN.get(final.status)
    realms = {challenge.realm for challenge in final.challenges}
    sent = (one for one in request.credentials if one.header == header and one.realm in realms and not one.get("auts"))
    return {one.nonce or "" for one in sent}

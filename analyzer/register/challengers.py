"""Several that ask for credentials: a proxy with 407 and a registrar with 401, or both in one response (RFC 3261 22.3).

Each looks at the credentials for its own challenge, in a header of its own, and a request that has them for one alone
is challenged by the other. So a phone that drops the credentials of one realm as soon as another asks goes on for ever,
with the right password and right responses, and neither of the two is to blame.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Attempt
from analyzer.register.challenges import Challenges, for_header
from analyzer.register.registration import Registration
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.sip.auth_headers import ANSWERED_IN, CREDENTIALS, HEADER_NAMES
from analyzer.sip.text import clip

MOST_LEFT_OUT = 8
"""Challengers whose credentials are missing that are named for one request."""


class LeftOut(NamedTuple):
    """Credentials that a request does not have: the header that they belong into, and their realm."""

    header: str
    realm: str

    def __str__(self) -> str:
        whose = "a proxy" if self.header == CREDENTIALS[1] else "the registrar"
        return f"{HEADER_NAMES[self.header]} for realm {clip(self.realm)!r}, which {whose} asks for"


def left_out(
    transaction: Transaction, attempt: Attempt | None, registration: Registration, challenges: Challenges
) -> tuple[LeftOut, ...]:
    """The credentials that a challenged request left out though its client had been asked for them before, and brought
    others that were asked for: ask before its final response is taken in.

    A phone may begin anew without any, and be asked by one after the other (22.3 has "should"): what counts is what was
    asked for since then, and since what it wanted was granted.
    """
    request, final = transaction.request, transaction.final
    if request is None or final is None or not (transaction.challenged and transaction.has_credentials):
        return ()
    sent = {(one.header, one.realm or "") for one in request.credentials if not one.is_empty}
    if not any(for_header(challenges.in_force(registration.id, realm), header) for header, realm in sent):
        return ()  # they are for nobody who asked: a realm that was spelled in another way, say
    asked = dict.fromkeys((ANSWERED_IN[one.header], one.realm or "") for one in final.challenges if one.is_digest)
    anew = attempt is not None and (registration.outcome in SUCCESSFUL_OUTCOMES or not attempt.first.has_credentials)
    begun = attempt.first.id if attempt is not None and anew else 0
    found = []
    for header, realm in asked:
        before = for_header(challenges.in_force(registration.id, realm), header)
        if (header, realm) in sent or not before or before[0].transaction < begun:
            continue
        then, now = before[0].time, transaction.first
        if then is None or now is None or 0 <= now - then <= AUTH_LINK:
            found.append(LeftOut(header, realm))
    return tuple(found[:MOST_LEFT_OUT])

"""Questions that an exchange puts to a registrar (RFC 3261 10.3)."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.judge.conformance.client_questions import query, several, third_party, with_user
from analyzer.judge.conformance.exchange import Exchange, Granted, key_of
from analyzer.register.domains import is_foreign
from analyzer.sip.address import Address
from analyzer.sip.auth_headers import CHALLENGED_IN


def accepted_one(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that binds one contact."""
    return exchange.is_accepted and len(exchange.added) == 1


def accepted_several(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that binds several contacts."""
    return exchange.is_accepted and several(exchange)


def accepted_beside_others(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that binds a contact while another is bound."""
    named = {key_of(contact) for contact in exchange.added}
    return exchange.is_accepted and bool(named) and bool(set(exchange.bound) - named)


def accepted_third_party(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER by somebody else than the user."""
    return exchange.is_accepted and third_party(exchange)


def accepted_anew(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that binds a contact which was not bound, while others are."""
    named = {key_of(contact) for contact in exchange.added}
    return exchange.is_accepted and bool(named - set(exchange.bound)) and bool(exchange.bound)


def accepted_query(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER without Contact."""
    return exchange.is_accepted and query(exchange)


def accepted_refresh(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER for a contact that is bound."""
    return exchange.is_accepted and any(key_of(contact) in exchange.bound for contact in exchange.added)


def accepted_by_header(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that says in the Expires header how long."""
    return exchange.is_accepted and bool(exchange.added) and (exchange.request.expires or 0) > 0


def accepted_by_parameter(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that says in a Contact how long."""
    return exchange.is_accepted and any(contact.expires for contact in exchange.added)


def accepted_without_expiry(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER that does not say how long."""
    return exchange.is_accepted and any(seconds is None for _, seconds in exchange.asked)


def accepted_apart(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER whose contacts say each for itself how long."""
    return exchange.is_accepted and len({contact.expires for contact in exchange.added if contact.expires}) > 1


def _same_call(exchange: Exchange, contacts: Iterable[Address]) -> list[bool | None]:
    """Of each contact: bound by this Call-ID with a lower CSeq (True), by it with one as high (None), by another
    Call-ID (False)."""
    held = [exchange.bound[key_of(contact)] for contact in contacts if key_of(contact) in exchange.bound]
    return [_is_newer(exchange, granted) for granted in held]


def _is_newer(exchange: Exchange, granted: Granted) -> bool | None:
    if granted.call_id != exchange.transaction.call_id:
        return False
    return True if exchange.transaction.cseq > granted.cseq else None


def updated_by_other_call(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER for a contact that another Call-ID had bound."""
    return exchange.is_accepted and False in _same_call(exchange, exchange.added)


def removed_by_other_call(exchange: Exchange) -> bool:
    """A 2xx to the removal of a contact that another Call-ID had bound."""
    return exchange.is_accepted and False in _same_call(exchange, exchange.removed)


def updated_by_same_call(exchange: Exchange) -> bool:
    """A 2xx to a REGISTER with a higher CSeq for a contact that the same Call-ID had bound."""
    return exchange.is_accepted and True in _same_call(exchange, exchange.added)


def removed_by_same_call(exchange: Exchange) -> bool:
    """A 2xx to the removal, with a higher CSeq, of a contact that the same Call-ID had bound."""
    return exchange.is_accepted and True in _same_call(exchange, exchange.removed)


def old_update(exchange: Exchange) -> bool:
    """An answered REGISTER with an old CSeq for a contact of the same Call-ID."""
    return exchange.status >= 200 and None in _same_call(exchange, exchange.added)


def old_removal(exchange: Exchange) -> bool:
    """An answered removal with an old CSeq of a contact of the same Call-ID."""
    return exchange.status >= 200 and None in _same_call(exchange, exchange.removed)


def _proper_star(exchange: Exchange) -> bool:
    return exchange.star and len(exchange.request.contacts) == 1 and exchange.request.expires == 0


def _star_over(exchange: Exchange, newer: bool | None) -> bool:
    answered = exchange.status >= 200 and exchange.status not in CHALLENGED_IN
    held = [_is_newer(exchange, granted) for granted in exchange.bound.values()]
    return answered and _proper_star(exchange) and newer in held


def star_over_other_call(exchange: Exchange) -> bool:
    """`*` with Expires: 0, over a contact that another Call-ID had bound."""
    return _star_over(exchange, False)


def star_over_same_call(exchange: Exchange) -> bool:
    """`*` with Expires: 0 and a higher CSeq, over a contact that the same Call-ID had bound."""
    return _star_over(exchange, True)


def old_star(exchange: Exchange) -> bool:
    """`*` with Expires: 0 and an old CSeq, over a contact that the same Call-ID had bound."""
    return _star_over(exchange, None)


def star_beside_others(exchange: Exchange) -> bool:
    """`*` beside another contact."""
    answered = exchange.status >= 200 and exchange.status not in CHALLENGED_IN
    return answered and exchange.star and len(exchange.request.contacts) > 1


def star_that_stays(exchange: Exchange) -> bool:
    """`*` with another lifetime than 0, or none."""
    answered = exchange.status >= 200 and exchange.status not in CHALLENGED_IN
    return answered and exchange.star and exchange.request.expires != 0


def unauthenticated(exchange: Exchange) -> bool:
    """An answered REGISTER without credentials."""
    return exchange.status >= 200 and not exchange.transaction.has_credentials


def refused_credentials(exchange: Exchange) -> bool:
    """Credentials that the registrar answers with a challenge."""
    return exchange.transaction.has_credentials and exchange.status in CHALLENGED_IN


def wrong_credentials(exchange: Exchange) -> bool:
    """Credentials whose digest is not that of the known password."""
    return exchange.is_wrong


def accepted_credentials(exchange: Exchange) -> bool:
    """Credentials that the registrar accepts."""
    return exchange.transaction.has_credentials and exchange.is_accepted


def forbidden_credentials(exchange: Exchange) -> bool:
    """Credentials that the registrar answers with 403."""
    return exchange.transaction.has_credentials and exchange.status == 403


def dated_answer(exchange: Exchange) -> bool:
    """A 2xx with a Date."""
    return exchange.is_accepted and exchange.transaction.final is not None and exchange.transaction.final.has("date")


def user_answered(exchange: Exchange) -> bool:
    """A Request-URI with a user part, and a final response that is no challenge."""
    return with_user(exchange) and exchange.status >= 200 and exchange.status not in CHALLENGED_IN


def foreign_user(exchange: Exchange) -> bool:
    """A 404, or another final response to a REGISTER for a user of another domain."""
    if exchange.status in CHALLENGED_IN:
        return False
    return exchange.status == 404 or (exchange.status >= 200 and is_foreign(exchange.transaction))


def not_found(exchange: Exchange) -> bool:
    """A 404."""
    return exchange.status == 404


def lists_others(exchange: Exchange) -> bool:
    """The 2xx lists all that is bound."""
    final = exchange.transaction.final
    listed = {key_of(contact) for contact in final.contacts} if final is not None else set()
    named = {key_of(contact) for contact, _ in exchange.asked}
    return set(exchange.bound) - named <= listed


def lists_bound(exchange: Exchange) -> bool:
    """The 2xx lists all that is bound, and something is."""
    return bool(exchange.bound) and lists_others(exchange)

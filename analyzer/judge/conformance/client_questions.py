"""Questions that an exchange puts to a user agent, but for its retransmissions (`copy_questions.py`)."""

from __future__ import annotations

from analyzer.judge.conformance.exchange import Exchange, key_of
from analyzer.register.requested import purpose_of
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.uri import aor

_MULTICAST = ("224.0.1.75", "ff02::", "ff05::", "ff0e::")
"""Where RFC 3261 10.2.6 lets a client look for a registrar (sip.mcast.net), and what stands for it in IPv6."""


def any_request(exchange: Exchange) -> bool:
    """A REGISTER."""
    return True


def by_domain(exchange: Exchange, *, own: bool) -> bool:
    """Whether the Request-URI names the address-of-record's own host."""
    uri, to = exchange.request.uri, exchange.request.to
    if uri is None or to is None or to.uri is None:
        return False
    return (uri.host.lower().rstrip(".") == to.uri.host.lower().rstrip(".")) is own


def own_domain(exchange: Exchange) -> bool:
    """A Request-URI with the host of the address-of-record."""
    return by_domain(exchange, own=True)


def other_domain(exchange: Exchange) -> bool:
    """A Request-URI with another host."""
    return by_domain(exchange, own=False)


def multicast(exchange: Exchange) -> bool:
    """A request to a multicast group of SIP."""
    return exchange.transaction.destination.host.startswith(_MULTICAST)


def with_user(exchange: Exchange) -> bool:
    """A Request-URI with a user part."""
    return exchange.request.uri is not None and exchange.request.uri.user is not None


def third_party(exchange: Exchange) -> bool:
    """From and To are two users."""
    from_, to = exchange.request.from_, exchange.request.to
    if from_ is None or to is None or from_.uri is None or to.uri is None:
        return False
    return aor(from_.uri) != aor(to.uri)


def again(exchange: Exchange) -> bool:
    """A REGISTER whose Call-ID was used before."""
    return exchange.before is not None


def after_silence(exchange: Exchange) -> bool:
    """A REGISTER after one of the same client that had to be sent more than once."""
    return exchange.previous is not None and exchange.previous.retransmissions > 0


def refresh(exchange: Exchange) -> bool:
    """A REGISTER for a contact that was granted before."""
    return any(key_of(contact) in exchange.known for contact in exchange.added)


def removal(exchange: Exchange) -> bool:
    """A REGISTER that removes."""
    return purpose_of(exchange.request) == "removal"


def query(exchange: Exchange) -> bool:
    """A REGISTER without Contact, of a user at least."""
    return not exchange.request.contacts and exchange.request.to is not None


def states_expiry(exchange: Exchange) -> bool:
    """A REGISTER that binds a contact and says for how long."""
    return any(seconds for _, seconds in exchange.asked)


def several(exchange: Exchange) -> bool:
    """A REGISTER that binds more than one contact."""
    return len(exchange.added) > 1


def challenge_answered(exchange: Exchange) -> bool:
    """A REGISTER with credentials that are the first to answer a challenge."""
    return exchange.transaction.has_credentials and exchange.answers_challenge


def _answers(exchange: Exchange, header: str) -> bool:
    return exchange.transaction.has_credentials and exchange.request.has(header)


def registrar_credentials(exchange: Exchange) -> bool:
    """A REGISTER with credentials for the registrar."""
    return _answers(exchange, CREDENTIALS[0])


def proxy_credentials(exchange: Exchange) -> bool:
    """A REGISTER with credentials for a proxy."""
    return _answers(exchange, CREDENTIALS[1])


def never(exchange: Exchange) -> bool:
    """Nothing that goes over the wire."""
    del exchange
    return False

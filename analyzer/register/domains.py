"""Whether the domain of an address-of-record has anything to do with that of the Request-URI (RFC 3261 10.3 step 5)."""

from __future__ import annotations

import re

from analyzer.register.transaction import Transaction

_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.?")


def is_foreign(transaction: Transaction) -> bool:
    """Whether To and Request-URI name domains that do not even share their last two labels. Names of one label, and
    addresses, are no domains: such a host may stand for any."""
    request = transaction.request
    if request is None or request.uri is None or request.to is None or request.to.uri is None:
        return False
    asked, at = request.to.uri.host, request.uri.host
    if asked == at:
        return False
    return _is_domain(asked) and _is_domain(at) and last_labels(asked) != last_labels(at)


def _is_domain(host: str) -> bool:
    return _NAME.fullmatch(host) is not None and not host.rstrip(".").rpartition(".")[2].isdigit()


def last_labels(host: str) -> list[str]:
    """The last two labels of a name, in small letters: names that share them are of one domain."""
    return host.lower().rstrip(".").split(".")[-2:]

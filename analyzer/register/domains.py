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
    one, two = _last_labels(asked), _last_labels(at)
    return bool(one and two) and one != two


def _last_labels(host: str) -> list[str]:
    if _NAME.fullmatch(host) is None or host.rstrip(".").rpartition(".")[2].isdigit():
        return []
    return host.lower().rstrip(".").split(".")[-2:]

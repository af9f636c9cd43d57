"""What hardly any credentials are like, told at one look, so that the rules about it are not asked of the others."""

from __future__ import annotations

import re

from analyzer.register.digest_ledger import DigestRecord
from analyzer.sip.message import Message

_COMMON = re.compile("[0-9a-f]{32}")


def is_odd(record: DigestRecord) -> bool:
    """Whether credentials are no Digest with MD5 and a plain user name, whose response looks as it should."""
    return (
        _COMMON.fullmatch(record.response) is None
        or record.algorithm not in ("", "MD5")
        or record.qop not in ("", "auth")
        or record.scheme != "Digest"
        or bool(record.malformed)
        or "userhash" in record.raw
        or "username*" in record.raw
    )


def has_password(request: Message) -> bool:
    """Whether a URI of a request that names a user holds a password (RFC 3261 19.1.1)."""
    to, from_ = request.to, request.from_
    if to is not None and to.uri is not None and to.uri.password is not None:
        return True
    if from_ is not None and from_.uri is not None and from_.uri.password is not None:
        return True
    for one in request.contacts:  # noqa: SIM110  (asked of every request: a generator costs more than the rest)
        if one.uri is not None and one.uri.password is not None:
            return True
    return False

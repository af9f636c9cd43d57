"""Storms whose registrar makes nonces of the time alone: all that ask within a second are given the same one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import md5

from tests.columnar.captures import SECOND, Packet

_NONCE = re.compile(rb'nonce="([^"]+)"')


def shared_nonces(several: Sequence[Packet], *, seconds: float = 1.0) -> list[Packet]:
    """The same storm with one nonce for each so many seconds; who uses a nonce uses the one that stands for it."""
    span = int(seconds * SECOND)
    instead: dict[bytes, bytes] = {}
    found = []
    for one in several:
        nonce = _NONCE.search(one.message)
        if nonce is None:
            found.append(one)
            continue
        if nonce[1] not in instead:
            tick = one.time // span
            drawn = md5(b"%d" % tick, usedforsecurity=False).hexdigest().encode()
            instead[nonce[1]] = (drawn * 3)[: len(nonce[1])]
        found.append(one.saying(_NONCE.sub(b'nonce="%s"' % instead[nonce[1]], one.message)))
    return found

"""Storms whose phones keep a nonce: they register anew with it, which the registrar grants at once, or calls stale."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from tests.columnar.captures import Packet

_CALL = re.compile(rb"\r\nCall-ID: ([^\r]+)")
_CSEQ = re.compile(rb"\r\nCSeq: (\d+)")
_CREDENTIALS = re.compile(rb"\r\nAuthorization: [^\r]+")
_CHALLENGE = re.compile(rb"(\r\nWWW-Authenticate: [^\r]+)")


def _read(pattern: re.Pattern[bytes], message: bytes) -> bytes:
    found = pattern.search(message)
    return found[1] if found else b""


def _counted(credentials: bytes, number: int, seed: int) -> bytes:
    """The same nonce once more: another count, and so another response."""
    response = random.Random(seed).randbytes(16).hex().encode()
    again = re.sub(rb"nc=\w+", b"nc=%08x" % number, credentials)
    return re.sub(rb'response="\w+"', b'response="%s"' % response, again)


class _Phone:
    """What a phone has by now: its credentials, and how often their nonce was used."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.credentials = b""
        self.uses = 0
        self.numbers: dict[bytes, int] = {}
        self.kept: dict[bytes, bytes] = {}
        self.gone: set[bytes] = set()
        self.turns = 0

    def request(self, message: bytes, chance: random.Random) -> bytes | None:
        """A request as it is sent; None for one that is not."""
        cseq = _read(_CSEQ, message)
        if _CREDENTIALS.search(message) is None:
            return self._asks(message, cseq, chance)
        if cseq in self.kept:  # no new challenge came: the nonce that it has
            message = _CREDENTIALS.sub(lambda _: self.kept[cseq], message)
        else:
            found = _CREDENTIALS.search(message)
            assert found is not None
            if found[0] != self.credentials:
                self.credentials, self.uses = found[0], 1
        return message

    def _asks(self, message: bytes, cseq: bytes, chance: random.Random) -> bytes | None:
        if not self.credentials:
            return message
        if cseq in self.gone:
            return None
        if cseq not in self.kept:
            self.uses += 1
            self.turns += 1
            again = _counted(self.credentials, self.uses, self.turns * 1000 + len(message))
            if chance.random() < self.share:
                self.gone.add(cseq)
                self.kept[b"%d" % (int(cseq) + 1)] = again
                return None
            self.kept[cseq] = again
        return message.replace(b"\r\nContent-Length", self.kept[cseq] + b"\r\nContent-Length", 1)

    def answer(self, message: bytes) -> bytes | None:
        """An answer as it is given."""
        cseq = _read(_CSEQ, message)
        if cseq in self.gone:
            return None
        if message.startswith(b"SIP/2.0 401") and cseq in self.kept:
            return _CHALLENGE.sub(rb"\1, stale=true", message)
        return message

    def numbered(self, message: bytes) -> bytes:
        """The message with the next number, where others are gone."""
        cseq = _read(_CSEQ, message)
        first = min(map(int, self.numbers), default=int(cseq))
        number = self.numbers.setdefault(cseq, first + len(self.numbers))
        return _CSEQ.sub(b"\r\nCSeq: %d" % number, message)


def kept_nonces(several: Sequence[Packet], *, at_once: float, seed: int = 1) -> list[Packet]:
    """A storm whose phones send their last nonce again; of these requests the share `at_once` is granted at once."""
    return list(_changed(several, at_once, random.Random(seed)))


def _changed(several: Sequence[Packet], share: float, chance: random.Random) -> Iterator[Packet]:
    phones: dict[bytes, _Phone] = {}
    for one in several:
        message = one.message
        phone = phones.setdefault(_read(_CALL, message), _Phone(share))
        is_request = message.startswith(b"REGISTER")
        changed = phone.request(message, chance) if is_request else phone.answer(message)
        if changed is not None:
            yield one.saying(phone.numbered(changed))

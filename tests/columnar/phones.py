"""Phones that are all of one kind, each of which does what a test tells it, when it tells it."""

from __future__ import annotations

import struct
from hashlib import md5

from tests.columnar.captures import SECOND, Packet

START = 1_767_258_000 * SECOND
_SERVER = (192 << 24 | 2 << 8 | 10, 5060)
_REGISTER = (
    "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {end};branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n"
    "From: <sip:{user}@example.com>;tag=f{user}\r\nTo: <sip:{user}@example.com>\r\nCall-ID: call{user}\r\n"
    "CSeq: {cseq} REGISTER\r\nContact: <sip:{user}@{end}>\r\nExpires: 3600\r\n{more}Content-Length: 0\r\n\r\n"
)
_ANSWER = (
    "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP {end};branch=z9hG4bK{branch}\r\n"
    "From: <sip:{user}@example.com>;tag=f{user}\r\nTo: <sip:{user}@example.com>;tag=t{branch}\r\n"
    "Call-ID: call{user}\r\nCSeq: {cseq} REGISTER\r\n{more}Content-Length: 0\r\n\r\n"
)


def _frame(source: tuple[int, int], target: tuple[int, int], message: str) -> bytes:
    octets = message.encode()
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(octets), 0) + octets
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source[0], target[0])
    return bytes(12) + b"\x08\x00" + ip + udp


class Phone:
    """A phone at a port of a host (the last octet of an address). `packets` are those that it exchanged so far. Times
    are seconds."""

    def __init__(self, number: int, *, host: int = 20, port: int = 0) -> None:
        self.packets: list[Packet] = []
        self._user = 1_000_000 + number
        self._end = (203 << 24 | 113 << 8 | host, port or 10_000 + number)
        self._cseq = self._uses = 0
        self._nonce = ""

    def challenged(self, at: float, nonce: str = "", *, stale: bool = False) -> Packet:
        """It asks (with the nonce that it has where that is called stale), and is given a nonce; gives the answer."""
        more = self._credentials() if stale else ""
        self._nonce = nonce or md5(f"{self._user}/{at}".encode(), usedforsecurity=False).hexdigest() * 2
        self._uses = 0
        word = ", stale=true" if stale else ""
        header = f'WWW-Authenticate: Digest realm="example.com", nonce="{self._nonce}", qop="auth"{word}\r\n'
        return self._exchange(at, more, "401 Unauthorized", header)

    def granted(self, at: float) -> Packet:
        """It registers with the nonce that it has; gives the answer."""
        return self._exchange(at, self._credentials(), "200 OK", f"Contact: <{self._contact}>;expires=3600\r\n")

    def refused(self, at: float, status: int, *, brings: bool = False) -> Packet:
        """It is refused, though it brings credentials for the challenge before, or without being asked; by a 401 with
        the next nonce. Gives the answer."""
        more = self._credentials() if brings else ""
        if status != 401:
            return self._exchange(at, more, f"{status} No", "")
        self._nonce, self._uses = md5(f"{self._user}/{at}".encode(), usedforsecurity=False).hexdigest() * 2, 0
        header = f'WWW-Authenticate: Digest realm="example.com", nonce="{self._nonce}", qop="auth"\r\n'
        return self._exchange(at, more, "401 Unauthorized", header)

    def registers(self, at: float, nonce: str = "") -> None:
        """It is challenged, and then registers."""
        self.challenged(at, nonce)
        self.granted(at + 0.05)

    @property
    def _at(self) -> str:
        host, port = self._end
        return f"203.0.113.{host & 255}:{port}"

    @property
    def _contact(self) -> str:
        return f"sip:{self._user}@{self._at}"

    def _credentials(self) -> str:
        self._uses += 1
        response = md5(f"{self._nonce}{self._uses}".encode(), usedforsecurity=False).hexdigest()
        return (
            f'Authorization: Digest username="{self._user}", realm="example.com", nonce="{self._nonce}", '
            f'uri="sip:example.com", response="{response}", qop=auth, cnonce="abcd", nc={self._uses:08x}\r\n'
        )

    def _exchange(self, at: float, asks: str, status: str, answers: str) -> Packet:
        self._cseq += 1
        time = START + int(at * SECOND)
        of = {"end": self._at, "branch": f"{self._user}x{self._cseq:06}", "user": self._user, "cseq": 100 + self._cseq}
        request = _frame(self._end, _SERVER, _REGISTER.format(more=asks, **of))
        answer = _frame(_SERVER, self._end, _ANSWER.format(status=status, more=answers, **of))
        self.packets += [Packet(time, request), Packet(time + SECOND // 50, answer)]
        return self.packets[-1]


def saying(several: list[Packet], old: bytes, new: bytes) -> list[Packet]:
    """The same packets with other words in their messages."""
    return [one.saying(one.message.replace(old, new)) if old in one.message else one for one in several]


def together(*phones: Phone) -> list[Packet]:
    """The packets of some phones, in order of time."""
    return sorted((one for phone in phones for one in phone.packets), key=lambda one: one.time)

"""The users of the traffic: each is made anew from the seed and its number, so a million of them take no memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.frames import Flow, flow
from benchmarks.phones import DOMAIN, PHONES, Phone

WRONG_EVERY, _WRONG_REMAINDER = 200, 7
"""One user of so many types a wrong password: 0.5%."""

SERVER, SERVER_PORT = bytes([192, 0, 2, 10]), 5060
_SERVER_MAC, _GATEWAY_MAC = bytes.fromhex("02005e100001"), bytes.fromhex("02005e1000fe")
TO_SERVER, FROM_SERVER = _SERVER_MAC + _GATEWAY_MAC, _GATEWAY_MAC + _SERVER_MAC
_CLIENTS = 100 << 24 | 64 << 16  # 100.64.0.0/10 (RFC 6598): four million addresses
LIMIT = 1 << 22
_HA2 = hashlib.md5(b"REGISTER:sip:" + DOMAIN).hexdigest()  # noqa: S324 - the digest of RFC 7616 is about MD5


class User(NamedTuple):
    """A phone and who it registers: `fields` fill the phone's templates, the flows are those of its packets."""

    phone: Phone
    fields: dict[bytes, bytes | int]
    ha1: bytes
    right: bool
    first_cseq: int
    expires: int
    upstream: Flow
    downstream: Flow


def is_right(index: int) -> bool:
    """Whether user `index` types the right password."""
    return index % WRONG_EVERY != _WRONG_REMAINDER


def name_of(index: int) -> bytes:
    """The user part of the address-of-record."""
    return b"%d" % (1_000_000 + index)


def password_of(index: int, seed: int) -> bytes:
    """The password that the registrar knows."""
    return hashlib.sha256(b"password:%d:%d" % (seed, index)).hexdigest()[:12].encode()


def user(index: int, seed: int, expires: int) -> User:
    """User `index` of the seed; its phone asks for `expires` seconds."""
    digits = hashlib.sha256(b"user:%d:%d" % (seed, index)).hexdigest().encode()
    chance = int(digits[:8], 16)
    phone = PHONES[chance % len(PHONES)]
    address = (_CLIENTS + index).to_bytes(4)
    seen_host = b"%d.%d.%d.%d" % tuple(address)
    seen_port = 20_000 + (chance >> 8) % 40_000 if phone.behind_nat else SERVER_PORT
    host = b"192.168.%d.%d" % (chance >> 16 & 1, 2 + (chance >> 24) % 250) if phone.behind_nat else seen_host
    fields: dict[bytes, bytes | int] = {
        b"user": name_of(index),
        b"host": host,
        b"port": SERVER_PORT,
        b"seen_host": seen_host,
        b"seen_port": seen_port,
        b"tag": digits[8:18],
        b"call_id": digits[18:42],
        b"uuid": b"00000000-0000-1000-8000-" + digits[42:54],
        b"expires": expires,
    }
    typed = password_of(index, seed) if is_right(index) else b"mistyped"
    ha1 = hashlib.md5(b"%b:%b:%b" % (name_of(index), DOMAIN, typed)).hexdigest().encode()  # noqa: S324
    upstream = flow(TO_SERVER, address, SERVER, seen_port, SERVER_PORT)
    downstream = flow(FROM_SERVER, SERVER, address, SERVER_PORT, seen_port)
    first_cseq = 1 + (chance >> 4) % 50_000
    return User(phone, fields, ha1, is_right(index), first_cseq, expires, upstream, downstream)


def response_of(ha1: bytes, nonce: bytes, cnonce: bytes) -> bytes:
    """The digest response with MD5 and qop=auth for a first use of `nonce` (RFC 7616 3.4.1)."""
    text = b"%b:%b:00000001:%b:auth:%b" % (ha1, nonce, cnonce, _HA2.encode())
    return hashlib.md5(text).hexdigest().encode()  # noqa: S324


def write_users(path: Path, users: int, seed: int) -> None:
    """Write the registrar's passwords as sipcheck reads them: CSV `username,realm,password`."""
    with path.open("wb") as out:
        out.writelines(_user_lines(users, seed))


def _user_lines(users: int, seed: int) -> Iterator[bytes]:
    yield b"username,realm,password\n"
    for index in range(users):
        yield b"%b,%b,%b\n" % (name_of(index), DOMAIN, password_of(index, seed))

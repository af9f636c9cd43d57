"""Phones that keep their way open, and whoever else sends other methods, are ordinary all the same."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.columnar.captures import SECOND, Both, Packet, assert_same, packets, storm, write
from tests.columnar.keeping_open import asked, between, ends_of, ping

_USER = re.compile(rb"\r\nTo: [^<\r]*<sip:([^@>]+)@")
_ROUTE = "Route: <sip:192.0.2.77;lr>\r\n"
_CREDENTIALS = (
    'Authorization: Digest username="{user}", realm="example.com", nonce="n0", uri="sip:example.com", '
    'response="0123456789abcdef0123456789abcdef"\r\n'
)


def _phones(several: list[Packet]) -> dict[str, tuple[bytes, bytes]]:
    """The two ends of each user's first request."""
    found: dict[str, tuple[bytes, bytes]] = {}
    for one in several:
        user = _USER.search(one.message)
        if user is not None and one.message.startswith(b"REGISTER"):
            found.setdefault(user[1].decode(), ends_of(one))
    return found


def _kept(
    path: Path, folder: Path, what: Callable[[bytes, bytes, int, str], list[Packet]], *, every: float = 3.0
) -> Both:
    """Both reports of a storm whose phones, every third left out, do something each `every` seconds."""
    several = packets(path)
    begin, end = several[0].time, several[-1].time
    for number, (user, (source, target)) in enumerate(_phones(several).items()):
        if number % 3:
            time = begin + 7_000 * number
            while time < end:
                several += what(source, target, time, user)
                time += int(every * SECOND)
    several.sort(key=lambda one: one.time)
    return assert_same(write(folder / "kept.pcap", several))


_KINDS: dict[str, Callable[[bytes, bytes, int, str], list[Packet]]] = {
    "options of the phone": asked,
    "options without an answer": lambda *way: asked(*way, status=""),
    "options that are refused": lambda *way: asked(*way, status="404 Not Found"),
    "options that are challenged": lambda *way: asked(
        *way,
        status="401 Unauthorized",
        answer='WWW-Authenticate: Digest realm="example.com", nonce="of-options-alone"\r\n',
    ),
    "options to the phone": lambda source, target, *rest: asked(target, source, *rest, by_phone=False),
    "options to the phone without an answer": lambda source, target, *rest: asked(
        target, source, *rest, by_phone=False, status=""
    ),
    "notify to the phone": lambda source, target, *rest: asked(
        target, source, *rest, method="NOTIFY", by_phone=False, more="Event: keep-alive\r\n"
    ),
    "subscribe": lambda *way: asked(*way, method="SUBSCRIBE", status="489 Bad Event", more="Event: x\r\n"),
    "invite that finds nobody": lambda source, target, *rest: asked(
        target, source, *rest, method="INVITE", by_phone=False, status="480 Temporarily Unavailable"
    ),
    "pings": lambda source, target, time, _: ping(source, target, time),
    "pings both ways": lambda source, target, time, _: [
        *ping(source, target, time),
        *ping(target, source, time + 20_000, b"\r\n"),
    ],
    "pings of STUN": lambda source, target, time, _: ping(
        source, target, time, b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"tid%09d" % (time % 10**9)
    ),
}


@pytest.mark.parametrize("kind", list(_KINDS))
def test_who_keeps_a_way_open_is_ordinary(kind: str, folder: Path, tmp_path: Path) -> None:
    path = storm(folder, 1200, 80, seed=1, rate=60.0)
    found = _kept(path, tmp_path, _KINDS[kind])
    assert found.columnar >= assert_same(path).columnar - 5 > 30, found.why


@pytest.mark.parametrize(
    "more",
    [{"more": _ROUTE}, {"more": _CREDENTIALS}, {"more": _CREDENTIALS, "status": "401 Unauthorized"}],
    ids=["a route", "credentials", "credentials that are refused"],
)
def test_who_shows_credentials_or_a_route_is_for_the_object_path(
    more: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        said = {name: value.format(user=user) for name, value in more.items()}
        return asked(source, target, time, user, method="MESSAGE", **said)

    path = storm(folder, 1600, 80, seed=1, rate=60.0)
    found = _kept(path, tmp_path, what, every=5.0)
    assert 0 < found.columnar < assert_same(path).columnar / 2, found.why


@pytest.mark.parametrize("seed", range(2))
def test_all_of_it_together(seed: int, folder: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        return chance.choice(list(_KINDS.values()))(source, target, time, user)

    found = _kept(storm(folder, 1600, 80, seed=seed + 3, rate=60.0), tmp_path, what)
    assert found.columnar > 30, found.why


def test_where_nearly_all_is_of_other_methods_the_object_path_reads(folder: Path, tmp_path: Path) -> None:
    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        return asked(source, target, time, user, method="MESSAGE")

    found = _kept(storm(folder, 1200, 80, seed=1, rate=60.0), tmp_path, what, every=0.3)
    assert found.why == "most of it is out of the ordinary"


@pytest.mark.parametrize("kind", ["options of the phone", "options to the phone", "notify to the phone", "subscribe"])
def test_other_methods_are_counted_in_columns(kind: str, folder: Path, tmp_path: Path) -> None:
    found = _kept(storm(folder, 1200, 80, seed=1, rate=60.0), tmp_path, _KINDS[kind])
    assert found.capture is not None and found.parts
    all_of_them, known = (part.summary.methods for part in found.parts)  # joined into the first of them
    (method,) = set(known) - {"REGISTER"}
    assert 0.8 * all_of_them[method] < known[method] < all_of_them[method]


_Change = Callable[[list[Packet], bytes, bytes, int, str], list[Packet]]


def _saying(several: list[Packet], old: bytes, new: bytes) -> list[Packet]:
    return [one.saying(one.message.replace(old, new)) for one in several]


_CALL, _BRANCH = re.compile(rb"\r\nCall-ID: ([^\r]*)"), re.compile(rb"branch=z9hG4bK([^;\r]*)")


def _like(pattern: re.Pattern[bytes], several: list[Packet], others: list[Packet]) -> list[Packet]:
    """The same packets with the value that another has."""
    own, other = pattern.search(several[0].message), pattern.search(others[-1].message)
    assert own is not None and other is not None
    return _saying(several, own[1], other[1])


_CHANGES: dict[str, _Change] = {
    "a Call-ID for all": lambda own, _s, _t, _at, _u: _saying(own, _call(own), b"always-the-same"),
    "a branch for all": lambda own, _s, _t, _at, _u: _saying(own, _branch(own), b"always-the-same"),
    "copies": lambda own, _s, _t, _at, _u: [*own, own[0]._replace(time=own[0].time + SECOND // 2)],
    "answers twice": lambda own, _s, _t, _at, _u: [*own, own[1]._replace(time=own[1].time + SECOND // 3)],
    "the same packet": lambda own, _s, _t, _at, _u: [*own, own[0]._replace(time=own[0].time + 20)],
    "an answer first": lambda own, _s, _t, at, _u: [own[0]._replace(time=at + SECOND), own[1]],
    "a late answer": lambda own, _s, _t, at, _u: [own[0], own[1]._replace(time=at + 9 * SECOND)],
    "an answer alone": lambda own, _s, _t, _at, _u: own[1:],
    "provisional": lambda own, _s, _t, _at, _u: [own[0], *_saying(own[1:], b"200 OK", b"100 Trying"), own[1]],
    "an answer from elsewhere": lambda own, s, t, at, _u: [
        own[0], between(t[:4] + b"\x13\x89", s, at + 10_000, own[1].message)
    ],
    "absurd places": lambda own, _s, _t, _at, _u: _saying(own, b";branch", b"9;branch"),
    "a GRUU": lambda own, _s, _t, _at, _u: _saying(
        own, b"Max-Forwards", b"Contact: <sip:a@b.example;gr=x>\r\nMax-Forwards"
    ),
    "two Vias": lambda own, _s, _t, _at, _u: _saying(
        own, b"\r\nFrom", b"\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKfar\r\nFrom"
    ),
    "malformed": lambda own, _s, _t, _at, _u: [*_saying(own[:1], b"CSeq: 7", b"CSeq: x7"), own[1]],
    "another method in CSeq": lambda own, _s, _t, _at, _u: _saying(own, b"7 OPTIONS", b"7 REGISTER"),
    "of REGISTER": lambda own, _s, _t, _at, _u: _saying(own, b"OPTIONS", b"REGISTER"),
}  # fmt: skip


def _call(several: list[Packet]) -> bytes:
    found = _CALL.search(several[0].message)
    assert found is not None
    return found[1]


def _branch(several: list[Packet]) -> bytes:
    found = _BRANCH.search(several[0].message)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", list(_CHANGES))
def test_whatever_is_odd_about_them_is_told_alike(name: str, folder: Path, tmp_path: Path) -> None:
    """One of five is odd; the rest is not."""
    turn = count()

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        own = asked(source, target, time, user)
        return _CHANGES[name](own, source, target, time, user) if next(turn) % 5 == 0 else own

    found = _kept(storm(folder, 1200, 80, seed=2, rate=60.0), tmp_path, what)
    assert found.columns is not None, found.why


@pytest.mark.parametrize("pattern", [_CALL, _BRANCH], ids=["the Call-ID", "the branch"])
def test_what_they_share_with_a_client(pattern: re.Pattern[bytes], folder: Path, tmp_path: Path) -> None:
    path = storm(folder, 1200, 80, seed=2, rate=60.0)
    requests = [one for one in packets(path) if one.message.startswith(b"REGISTER")]
    chance = random.Random(5)

    def what(source: bytes, target: bytes, time: int, user: str) -> list[Packet]:
        own = asked(source, target, time, user)
        return _like(pattern, own, [chance.choice(requests)]) if chance.random() < 0.1 else own

    found = _kept(path, tmp_path, what)
    assert found.columns is not None, found.why
    assert 0 < found.columnar < assert_same(path).columnar

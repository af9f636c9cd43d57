"""Phones that keep their way open, and whoever else sends other methods, are ordinary all the same."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.columnar.captures import SECOND, Both, Packet, assert_same, packets, storm, write
from tests.columnar.keeping_open import asked, ends_of, ping

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
    found = _kept(storm(folder, 1600, 80, seed=1, rate=60.0), tmp_path, asked, every=0.3)
    assert found.why == "most of it is out of the ordinary"

"""A message that is taken in one piece is the one that is read line by line."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from analyzer.capture.text import rows
from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.capture.text.whole import MOST, block_at, is_framed, is_plain
from analyzer.evidence import RawMessage, Source
from tests.capture.printing import NAMES, example, with_body, with_header
from tests.fuzz.on_plugins import samples
from tests.plugins.folders import loaded

BANNER = "2026/11/20 11:53:43.746947 192.0.2.10:5060 -> 192.0.2.1:5060\n"
HEAD = "REGISTER sip:pbx.example.com SIP/2.0\nCall-ID: a1\nCSeq: 1 REGISTER\nContent-Length: 0\n"


def read(module: Any, octets: bytes, *, whole: bool) -> tuple[list[RawMessage], Source]:
    source = Source("log", kind="log")
    found = block_at if whole else lambda *_: None
    with mock.patch.object(rows, "block_at", found):
        return [item for item in module.read(io.BytesIO(octets), source) if isinstance(item, RawMessage)], source


def same(module: Any, octets: bytes) -> bool:
    return read(module, octets, whole=True) == read(module, octets, whole=False)


def variants(name: str) -> Iterator[bytes]:
    text = example(name)
    yield from (text, text * 3, text.replace(b"\n", b"\r\n"), text[:-40], text.replace(b"\n\n", b"\n"), text[5:])
    yield text.replace(b"Content-Length: 0", b"Content-Length: 7")
    yield text.replace(b"Content-Length: 0", b"l: 0\r")
    yield text.replace(b"Call-ID", b" folded\nCall-ID")
    yield with_header(name, b"X-Other: " + text.split(b"\n")[0])
    yield with_header(name, b"Content-Length: 9")
    if name != "wireshark":
        yield with_body(name, [b"v=0", text.split(b"\n")[0]])
    dice = random.Random(name)
    for _ in range(20):
        at = dice.randrange(len(text))
        yield text[:at] + dice.choice([b"\n", b"\r", b"\0", b"SIP/2.0", b"\x1b[0m", b":", b""]) + text[at + 1 :] + text


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_say_the_same(name: str) -> None:
    module = loaded("dialect", name)
    for octets in variants(name):
        assert same(module, octets)


@pytest.mark.parametrize("name", NAMES)
def test_both_ways_say_the_same_of_every_sample(name: str) -> None:
    module = loaded("dialect", name)
    for octets in samples():
        if module.looks_like(octets[: 1 << 18]):
            assert same(module, octets[: 1 << 19])


def found(text: str) -> bytes:
    octets = text.encode()
    end = octets.find(b"\n")
    block = block_at(octets, 0, end, octets.find(b"\n", end + 1), len(octets))
    return b"" if block is None else b"\n".join(block[1].lines)


def test_a_plain_message_is_taken() -> None:
    assert found(BANNER + HEAD + "\n") == HEAD.encode()
    assert found((BANNER + HEAD + "\n").replace("\n", "\r\n")) == HEAD.encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Content-Length: 0", "Content-Length: 1"),
        ("Content-Length: 0", "Content-Length: 1\nContent-Length: 0"),
        ("Content-Length: 0", "Expires: 0"),
        ("Call-ID", " folded\nCall-ID"),
        ("Call-ID", "a word\nCall-ID"),
        ("a1\n", "a1\r\n"),
        ("a1", "\x1b[0m"),
        ("a1", "a" * MOST),
        ("SIP/2.0", "SIP/3.0"),
    ],
)
def test_what_is_not_plain_is_left(old: str, new: str) -> None:
    assert found((BANNER + HEAD + "\n").replace(old, new, 1)) == b""
    assert found(BANNER + HEAD) == b""


def test_a_grammar_that_has_a_say_is_asked() -> None:
    octets = (BANNER + HEAD + "\n").encode()
    end = octets.find(b"\n")
    taken = block_at(octets, 0, end, octets.find(b"\n", end + 1), len(octets))
    assert taken is not None
    block, plain = taken[1], Grammar("x", lambda _: None, (b"->",))
    assert is_plain(plain, Banner(), block)
    assert is_plain(plain, Banner(size=block.octets), block)
    assert not is_plain(plain, Banner(size=block.octets + 2), block)
    assert not is_plain(plain, Banner(key=b"x"), block)
    assert not is_plain(plain, Banner(rest=b"x"), block)
    assert not is_plain(Grammar("x", lambda _: None, (b"->",), dotted=True), Banner(), block)
    assert not is_framed((plain,), block.lines)
    assert is_framed((Grammar("x", lambda _: None, (), end=lambda text: text.startswith(b"CSeq")),), block.lines)

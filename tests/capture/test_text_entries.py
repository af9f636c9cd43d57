"""Where a printed message ends: lengths go before looks, and nothing that imitates a log becomes a message.

Every dialect that a grammar reads is tried; what is printed is made of its example (`printing.py`).
"""

from __future__ import annotations

import io
from typing import Any

import pytest

from analyzer.capture.formats import discover
from analyzer.capture.text.entry import MAX_ROWS
from analyzer.capture.text.reader import SAVINGS
from analyzer.evidence import RawMessage, Source
from analyzer.sip.message import parse
from tests.capture.printing import NAMES, SIZES, example, style, with_body, with_header
from tests.plugins.folders import loaded

PRINTS_BODIES = [name for name in NAMES if name != "wireshark"]
"""Wireshark dissects a body, and does not print it."""
COUNTS_BODIES = [name for name in PRINTS_BODIES if name != "flow_text"]
"""Who writes an example down counts no octets: its body ends where something else begins."""
BLANK_BEHIND = ("asterisk_history", "homer", "tcpdump")
"""They lose carriage returns, count nothing, and put an empty line behind what they print: no cut is to be seen."""
SIZED = [name for name in NAMES if SIZES.search(example(name))]


def read(name: str, text: bytes) -> tuple[list[RawMessage], Source]:
    source = Source("log", kind="log")
    module: Any = loaded("dialect", name)
    return [item for item in module.read(io.BytesIO(text), source) if isinstance(item, RawMessage)], source


def codes(message: RawMessage) -> list[str]:
    return [defect.code for defect in message.defects]


@pytest.mark.parametrize("name", COUNTS_BODIES)
def test_a_body_that_is_a_log_is_a_body(name: str) -> None:
    """The whole example stands in the body of its request, so its banners do too."""
    body = [line.rstrip(b"\r") for line in example(name).split(b"\n")[:-1]]
    messages, _ = read(name, with_body(name, body))
    assert len(messages) == 2
    request, answer = map(parse, messages)
    assert request.method == "REGISTER" and answer.status == 200
    assert messages[0].payload.endswith(b"\r\n".join(body)[-60:] + b"\r\n")
    assert not any(codes(one) or one.missing for one in messages)


@pytest.mark.parametrize("name", NAMES)
def test_a_folded_header_that_is_a_banner_is_a_header(name: str) -> None:
    """RFC 3261 7.3.1: a line that begins with a blank goes on with the one before."""
    for line in example(name).split(b"\n")[:4]:
        if not line.strip():
            continue
        messages, _ = read(name, with_header(name, b" " + line.strip()))
        assert len(messages) == 2
        assert [parse(one).is_request for one in messages] == [True, False]


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_quotes_a_message_is_a_value(name: str) -> None:
    messages, _ = read(name, with_header(name, b'X-Note: "REGISTER sip:x SIP/2.0"'))
    assert len(messages) == 2
    assert b'X-Note: "REGISTER sip:x SIP/2.0"' in messages[0].payload


@pytest.mark.parametrize("name", PRINTS_BODIES)
@pytest.mark.parametrize("length", [7, 60_000, 99_999_999])
def test_a_wrong_content_length_swallows_nothing(name: str, length: int) -> None:
    messages, _ = read(name, with_body(name, [b"v=0", b"o=- 1 1 IN IP4 192.0.2.1"], length))
    assert [parse(one).is_request for one in messages] == [True, False]
    assert messages[0].payload.startswith(b"REGISTER ")


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("grown", [-40, -1, 40, 400, 50_000])
def test_an_announced_length_that_is_not_there_is_told(name: str, grown: int) -> None:
    """Who pastes a log edits it: the headers are there, and what was announced is not."""
    text = SIZES.sub(lambda match: b"%d" % (int(match[0]) + grown), example(name))
    messages, _ = read(name, text)
    assert [parse(one).is_request for one in messages] == [True, False]
    assert [len(one.payload) for one in messages] == [239, 188]
    assert all("byte-count" in codes(one) for one in messages)


@pytest.mark.parametrize("name", NAMES)
def test_a_log_that_ends_within_a_message(name: str) -> None:
    text = example(name)
    at = text.index(b"Call-ID: a1", text.index(b"200 OK"))
    messages, _ = read(name, text[:at].rstrip(b" \t"))
    assert [parse(one).is_request for one in messages] == [True, False]
    assert codes(messages[1]) and messages[1].missing
    assert "cut" in " ".join(codes(messages[1]))


@pytest.mark.parametrize("name", NAMES)
def test_a_message_that_is_cut_by_the_next(name: str) -> None:
    """The first message ends after its second header; the next banner begins the second message."""
    text = example(name)
    lines = text.split(b"\n")
    start = next(n for n, line in enumerate(lines) if b"From:" in line)
    end = next(n for n, line in enumerate(lines) if b"Content-Length" in line)
    messages, _ = read(name, b"\n".join([*lines[: start + 1], *lines[end + 2 :]]))
    assert [parse(one).is_request for one in messages] == [True, False]
    assert not codes(messages[1])
    assert (bool(messages[0].missing and codes(messages[0]))) is (name not in BLANK_BEHIND)


@pytest.mark.parametrize("name", NAMES)
def test_banners_without_messages(name: str) -> None:
    """Nothing but counts is left of them, and the work is that of their lines."""
    lines = example(name).split(b"\n")
    via = next(n for n, line in enumerate(lines) if b"Via:" in line)
    start = max(n for n in range(via) if b"REGISTER sip:" in lines[n])
    banner = b"\n".join(lines[:start]) + b"\n"
    if not banner.strip():
        pytest.skip("the start line is the banner")
    messages, source = read(name, banner * 500 + b"Via: SIP/2.0/UDP a\n")
    assert messages == []
    assert source.other + source.keepalives <= 1000
    assert source.hint


@pytest.mark.parametrize("name", PRINTS_BODIES)
def test_a_lie_in_each_message_costs_no_square(name: str) -> None:
    """Each says that much more follows: what is read again is paid by lines that were read."""
    one = with_body(name, [b"v=0"], 65_000)
    messages, source = read(name, one * 300)
    assert len(messages) == 600
    assert source.frames >= 300 * (one.count(b"\n") - 2)
    assert SAVINGS < 300 * MAX_ROWS


@pytest.mark.parametrize("name", NAMES)
def test_a_message_without_any_end(name: str) -> None:
    text = example(name)
    how = style(text)
    at = text.index(b"Content-Length:")
    at = text.rindex(b"\n", 0, at) + 1
    messages, _ = read(name, text[:at] + how.lines([b"X-Pad: %d" % n for n in range(3 * MAX_ROWS)]))
    assert messages
    assert max(len(one.payload) for one in messages) < 1 << 19


@pytest.mark.parametrize("name", NAMES)
def test_windows_line_ends(name: str) -> None:
    text = example(name).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    messages, _ = read(name, text)
    assert [parse(one).is_request for one in messages] == [True, False]
    assert [len(one.payload) for one in messages] == [len(one.payload) for one in read(name, example(name))[0]]


@pytest.mark.parametrize("name", NAMES)
def test_two_dialects_line_by_line(name: str) -> None:
    """Nothing good can come of it, and nothing bad does."""
    mine = example(name).split(b"\n")
    for other in NAMES:
        theirs = example(other).split(b"\n")
        mixed = b"\n".join(line for pair in zip(mine, theirs, strict=False) for line in pair)
        messages, source = read(name, mixed)
        assert all(one.place.first <= one.place.last <= source.frames for one in messages)  # type: ignore[union-attr]


def test_the_dialects_tried_are_all() -> None:
    known = {form.name.replace("-", "_") for form in discover() if form.kind == "log"}
    assert {*NAMES, "asterisk_chan_sip", "asterisk_pjsip", "hexdump"} == known

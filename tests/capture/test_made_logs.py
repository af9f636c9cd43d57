"""Made logs of ten programs give the same messages however a width broke them, and what imitates one gives none."""

from __future__ import annotations

import pytest

from analyzer.capture.text.wraps import Wrap
from tests.capture.broken_lines import WAYS, WIDTHS
from tests.capture.made_logs import (
    KINDS,
    PROGRAMS,
    exchanges,
    log,
    log_with_imitation,
    outline,
    read,
)

EACH = 10
"""Of the widths each log gets one in so many, and every log others."""
LOGS = [(program, kind) for program in PROGRAMS for kind in KINDS]


def some(number: int) -> list[int]:
    """The widths for the log of a number."""
    return [width for width in WIDTHS if (width + number) % EACH == 0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("program", "kind"), LOGS)
def test_messages_come_back(program: str, kind: str, way: str) -> None:
    text = log(program, kind)
    plain = outline(read(text))
    assert len(plain) == 16
    for width in some(LOGS.index((program, kind))):
        assert outline(read(WAYS[way](text, width))) == plain, width


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [61, 62])
@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "freeswitch"])
def test_a_value_that_goes_on_with_dashes(program: str, width: int, way: str) -> None:
    """`branch=z9hG4bK-0001-524287-1---7b3e...;rport` was broken before its dashes, which no framing are."""
    text = log(program, "short")
    assert outline(read(WAYS[way](text, width))) == outline(read(text))


@pytest.mark.parametrize(
    ("kind", "way", "width"), [("contacts", "words", 69), ("contacts", "cut", 69), ("routes", "cut", 76)]
)
def test_a_dot_of_ngrep_alone_on_a_line(kind: str, way: str, width: int) -> None:
    """It is the end of the line before, and not the empty line behind the headers."""
    text = log("ngrep", kind)
    assert outline(read(WAYS[way](text, width))) == outline(read(text))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("in_header", [False, True], ids=["body", "header"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_imitates_a_message_is_none(program: str, way: str, *, in_header: bool) -> None:
    text = log_with_imitation(program, in_header=in_header)
    assert len(read(text) or ()) == 20
    for width in some([*PROGRAMS].index(program)):
        told = read(WAYS[way](text, width)) or ()
        assert len(told) == 20, width
        assert not any(b"\r\nCall-ID: 00000009" in one.payload.partition(b"\r\n\r\n")[0] for one in told)


@pytest.mark.parametrize(
    ("program", "way", "width"),
    [
        ("asterisk-chan_sip", "cut", 72),
        ("asterisk-chan_sip", "words", 70),
        ("asterisk-chan_sip", "words", 73),
        ("linphone", "words", 76),
        ("linphone", "words", 80),
    ],
)
def test_where_the_count_was_broken(program: str, way: str, width: int) -> None:
    """`--- (10 headers 17 lines)` and the sign behind it are what tells the end of chan_sip's."""
    assert len(read(WAYS[way](log_with_imitation(program, in_header=False), width)) or ()) == 20


@pytest.mark.parametrize("width", [60, 61, 66, 72, 78])
@pytest.mark.parametrize("program", ["asterisk-pjsip", "pjsua", "sipp"])
def test_a_body_that_lost_blanks_is_one_all_the_same(program: str, width: int) -> None:
    """A mail program takes blanks off the ends of lines: the octets are not those that were announced, by a few."""
    write = PROGRAMS[program]
    forged = write(exchanges("short", first=9, count=1)[-1])
    line = "xxxxxxxxxxxxxxxxxxxx there are words in this line of the body, and it is long \n"
    body = f"a few words and more of them \n{line}{line}{forged}\nend".replace("\n", "\r\n")
    other = exchanges("short", first=3, count=1, body=body)
    text = "".join(map(write, (*exchanges("names", count=2), *other, *exchanges("names", first=5, count=2))))
    told = read(WAYS["words"](text.encode(), width)) or []
    plain = read(text.encode()) or []
    assert len(told) == len(plain) == 20
    assert [one[0] for one in outline(told)] == [one[0] for one in outline(plain)]


@pytest.mark.parametrize(
    ("line", "rest", "goes_on"),
    [
        (b"[Nov 20 15:00:31] VERBOSE[18974] chan_sip.c: --- (10 headers 17 lines)", b"---", True),
        (b"[Nov 20 15:00:31] VERBOSE[18974] chan_sip.c: --- (10 headers 17 lines)", b"--", False),
        (b"[Nov 20 15:00:31] VERBOSE[18974] chan_sip.c: --- (10 headers 17 lines) -", b"--", True),
        (b"[Nov 20 15:00:31] VERBOSE[18974] chan_sip.c: --- (10 headers 17 lines) -", b"---", False),
        (b"[Nov 20 15:00:31] VERBOSE[18974] chan_sip.c: --- (10 headers 17 lines)", b"SIP/2.0 200 OK", False),
    ],
)
@pytest.mark.parametrize("is_hard", [False, True], ids=["words", "cut"])
def test_signs_behind_a_count(line: bytes, rest: bytes, *, goes_on: bool, is_hard: bool) -> None:
    wrap = Wrap(len(line), b"", is_cut=is_hard, is_hard=is_hard)
    assert (len(list(wrap.joined([line, rest]))) == 1) is goes_on

"""What is read of a text whose lines were broken to a width is what is read of the text, whatever program wrote it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.capture.dialects import cisco
from analyzer.capture.opener import open_sources
from analyzer.capture.text.grammar import Banner
from analyzer.capture.text.trials import is_clean
from analyzer.capture.text.widths import wrap_of, wraps_of
from analyzer.capture.text.wraps import Wrap
from analyzer.evidence import RawMessage
from tests.capture.broken_lines import WIDTHS, cut, name_of, outline, pairs, texts
from tests.shared import ROOT

TEXTS = texts()
LOST = {("ngrep-single.txt", 62)}
"""Here most line ends that ngrep shows stand at the width."""
WIDE = 8
"""Of the widths each text gets one in so many, and every text others, so that all widths are read."""


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_text_on_a_narrow_terminal(path: Path, tmp_path: Path) -> None:
    plain = outline(path, path.parent / "users.csv")
    assert plain is not None
    widths = [width for width in WIDTHS if (width + TEXTS.index(path)) % WIDE == 0]
    widths = [width for width in widths if (name_of(path), width) not in LOST]
    for _, width, told in pairs(path, (("cut", width) for width in widths), tmp_path):
        assert told is not None, width
        assert told[:3] == plain[:3], width


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_a_text_in_a_mail(path: Path, tmp_path: Path) -> None:
    plain = outline(path, path.parent / "users.csv")
    assert plain is not None
    widths = [width for width in WIDTHS if (width + TEXTS.index(path)) % WIDE == 3]
    for _, width, told in pairs(path, (("words", width) for width in widths), tmp_path):
        assert told is not None, width
        assert told[:3] == plain[:3], width


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("ngrep-single.txt", (60, 61, 66, 70, 72, 76, 80)),
        ("ngrep-plain.txt", (60, 66, 72)),
        ("ngrep-frag.txt", (60, 70, 77)),
        ("ngrep-tcp.txt", (69, 71, 75)),
        ("ngrep-tcp-quiet.txt", (68, 71)),
        ("tcpdump-A.txt", (66, 67, 68)),
        ("pjsip-log", (63,)),
    ],
)
def test_words_that_begin_no_header(name: str, widths: tuple[int, ...], tmp_path: Path) -> None:
    """Rows of ngrep have no header at the beginning of a line; a number of a packet, a piece of a message, or the end
    of a start line stands behind the break; parts of a word begin alike."""
    path = next(path for path in TEXTS if name_of(path) == name)
    plain = outline(path, path.parent / "users.csv")
    for _, width, told in pairs(path, (("words", width) for width in widths), tmp_path):
        assert told == plain, width


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("text-snom", 66),
        ("text-cisco", 62),
        ("text-homer", 72),
        ("text-history", 66),
        ("text-freeswitch", 74),
        ("text-pjsua", 64),
        ("text-sipp", 74),
        ("text-linphone", 60),
        ("text-tcpdump", 72),
        ("text-wireshark-follow", 67),
        ("text-hexdump", 66),
        ("asterisk-console-few-stamps", 63),
        ("pjsip-log", 60),
    ],
)
def test_a_line_that_ends_at_the_width_by_chance(name: str, width: int, tmp_path: Path) -> None:
    """At these widths a line that opens a message, or a header, fills the width and is whole; or it is broken where
    what is left looks like something else."""
    path = next(path for path in TEXTS if name_of(path) == name)
    plain = outline(path, path.parent / "users.csv")
    assert plain is not None
    [(_, _, told)] = pairs(path, iter((("cut", width),)), tmp_path)
    assert told is not None
    assert told[:3] == plain[:3]


def messages_of(octets: bytes, dialect: str) -> list[RawMessage]:
    """The messages of a text of a dialect that is named."""
    with open_sources([io.BytesIO(octets)], kind="log", dialect=dialect) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


HEAD = b"""Nov 29 15:03:3%d.123: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Sent:
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: %d REGISTER
Authorization: Digest username="bob", realm="example.com", nonce="f00f00f00f00f00f00f00f00f00f00f00f", uri="sip:a"
"""
IMITATION = b"""Nov 29 15:03:35.123: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Received:
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK9
From: <sip:eve@example.com>;tag=f1
To: <sip:eve@example.com>;tag=9
Call-ID: eve
CSeq: 1 REGISTER
Content-Length: 0

"""


@pytest.mark.parametrize("lines", [0, 1, 3, 20])
@pytest.mark.parametrize("width", [60, 66, 80])
def test_a_body_that_imitates_a_log_is_a_body_where_lines_were_broken(width: int, lines: int) -> None:
    """Lines of the body that fill the width are joined with the next: its octets are not those that were counted."""
    body = (b"b" * width + b"\nrest\n") * lines + IMITATION + b"end\n"
    length = len(body) + body.count(b"\n")
    other = HEAD % (3, 3, 3) + b"Content-Type: text/plain\nContent-Length: %d\n\n" % length + body + b"\n"
    text = b"".join(HEAD % (n, n, n) + b"Content-Length: 0\n\n" for n in (1, 2)) + other
    text += HEAD % (4, 4, 4) + b"Content-Length: 0\n\n"
    told = messages_of(cut(text, width), "cisco")
    assert len(told) == 4
    assert not any(b"\nCall-ID: eve" in one.payload.partition(b"\r\n\r\n")[0] for one in told)
    assert all("repaired-wraps" in [defect.code for defect in one.defects] for one in told)


def test_a_log_in_a_body_is_no_reason_to_join() -> None:
    """Its start lines are read as those of a body: they are not lost, and no other way to read is looked for."""
    body = IMITATION * 2
    text = HEAD % (1, 1, 1) + b"Content-Length: %d\n\n" % (len(body) + body.count(b"\n")) + body
    [message] = messages_of(text, "cisco")
    assert not message.is_repaired


def test_a_line_over_a_message_that_a_body_imitates_shows_no_width() -> None:
    """It is nearly as long as the longest one, and a line of SDP behind it looks like the rest of a header."""
    over = (
        b"[2026-07-06 15:53:%02d] VERBOSE[12345] logger.c: <--- %b SIP request (%b bytes) from UDP:192.0.2.9:5060 --->"
    )
    real = over % (0, b"Transmitting", b"301")
    imitated = over % (33, b"Received", b"300")
    assert 0 < len(real) - len(imitated) < 5
    head = (real, b"REGISTER sip:example.com SIP/2.0", b"Call-ID: 1", b"", b"SIP/2.0 200 OK", imitated)
    assert wrap_of(b"\n".join((*head, b"o=- 1 1 IN IP4 192.0.2.7", b"", b"end"))) is None
    header = b"Subject: a ".ljust(len(imitated), b"x")
    assert wrap_of(b"\n".join((*head[:-1], header, b"o=- 1 1 IN IP4 192.0.2.7", b"", b"end"))) is not None


def test_a_line_of_another_thread_behind_the_longest_header_is_left() -> None:
    text = b"".join(HEAD % (n, n, n) + b"a word of mine\nContent-Length: 0\n\n" for n in (1,))
    text += HEAD % (2, 2, 2) + b"Content-Length: 0\n\n"
    assert not any(one.is_repaired for one in messages_of(text, "cisco"))


def test_what_opens_a_message_tells_which_line_goes_on() -> None:
    """The second banner fills the width, and its rest would be a line of its own."""
    lines = [b"Nov 29 15:03:33.123: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMs", b"g:", b"Sent:"]
    full = [b"Nov 29 15:03:33.123: //-12/xxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg", b":", b"Sent:"]
    whole = [b"Nov 29 15:03:33.123: //-1/xxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:", b"Sent:", b"REGISTER sip:a SIP/2.0"]
    for given, count in ((lines, 2), (full, 2), (whole, 3)):
        wrap = Wrap(len(given[0]), b"", is_cut=True, is_hard=True).opening(cisco.GRAMMAR.opens)
        joined = [line for _, line in wrap.joined(given)]
        assert len(joined) == count, joined
        assert b"".join(joined) == b"".join(given)


def test_a_rule_of_one_sign_is_not_the_beginning_of_a_line() -> None:
    opens = lambda text: Banner() if text.startswith(b"=") else None  # noqa: E731
    wrap = Wrap(60, b"", is_cut=True, is_hard=True).opening(opens)
    assert [line for _, line in wrap.joined([b"=" * 60, b"Follow: udp", b"a"])] == [b"=" * 60, b"Follow: udp", b"a"]


def test_a_method_that_was_broken_is_no_start_line_of_its_own() -> None:
    banner = b"15:03:33.486703 IP 127.0.0.1.56610 > 127.0.0.1.5060: SIP: REGI"
    wrap = Wrap(len(banner), b"", is_cut=True, is_hard=True)
    assert [count for count, _ in wrap.joined([banner, b"STER sip:127.0.0.1 SIP/2.0", b"E..4"])] == [2, 1]


def test_lines_that_fill_a_width_without_end_are_joined_in_parts() -> None:
    """A text without an end to its lines costs what it is long."""
    wrap = Wrap(60, b"", is_cut=True, is_hard=True)
    longest = max(len(line) for _, line in wrap.joined([b"ab" * 30] * 5000))
    assert longest < 1 << 16


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_no_text_is_joined_that_was_not_broken(path: Path) -> None:
    with open_sources([io.BytesIO(path.read_bytes())], kind="log") as reading:
        found = [item for item in reading if isinstance(item, RawMessage)]
    own = path.name == "ngrep-plain.txt"  # ngrep itself breaks it
    assert own or not any("repaired-wraps" in [defect.code for defect in one.defects] for one in found)


def test_a_width_is_guessed_only_where_a_line_goes_on() -> None:
    text = (ROOT / "samples" / "text-snom" / "input.txt").read_bytes()
    assert [one.is_hard for one in wraps_of(cut(text, 66))] == [False, True]
    assert not any(one.is_hard for one in wraps_of(text.replace(b"\n\n\n", b"\n\n")))


def test_a_clean_head_is_headers_alone() -> None:
    assert is_clean(b"REGISTER sip:a SIP/2.0\r\nVia: a\r\n folded\r\nTo : b\r\n\r\nbody\r\n")
    assert not is_clean(b"REGISTER sip:a SIP/2.0\r\nVia: a\r\n633892\r\n\r\n")
    assert not is_clean(b"E..4REGISTER sip:a SIP/2.0\r\n\r\n")


def test_a_header_that_cannot_be_joined_again_is_told() -> None:
    """The line before had room: no width broke it, and what the line is, nobody knows."""
    text = HEAD % (1, 1, 1) + b"Content-Length: 0\n\n"
    [whole] = messages_of(text, "cisco")
    [message] = messages_of(text.replace(b"z9hG4bK1\n", b"z9hG4\nbK1\n"), "cisco")
    assert "broken-lines" not in [defect.code for defect in whole.defects]
    assert "broken-lines" in [defect.code for defect in message.defects]

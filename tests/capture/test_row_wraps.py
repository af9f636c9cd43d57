"""Rows of ngrep, a message in each, that a mail program broke at words, are put together again."""

from __future__ import annotations

import io

import pytest

from analyzer.capture.dialects import ngrep
from analyzer.capture.opener import open_sources
from analyzer.capture.text.row_wraps import RowWrap, in_rows
from analyzer.capture.text.widths import wrap_of, wraps_of
from analyzer.evidence import RawMessage
from tests.capture.broken_lines import WIDTHS, cut, words
from tests.shared import DATA

SINGLE = (DATA / "texts" / "ngrep-single.txt").read_bytes()
PLAIN = (DATA / "texts" / "ngrep-plain.txt").read_bytes()
ROW = (
    b"U 2026/11/20 11:53:4%d.746947 192.0.2.7:5071 -> 192.0.2.1:5060 REGISTER sip:example.com SIP/2.0..Via: "
    b'SIP/2.0/UDP 192.0.2.7:5071;branch=z9hG4bK%d..From: "Bob Example of Somewhere" <sip:bob@example.com>;tag=1..To: '
    b"<sip:bob@example.com>..Call-ID: a%d..CSeq: %d REGISTER..Contact: <sip:bob@192.0.2.7:5071>..Content-Length: %b"
)


def rows(body: bytes = b"0....") -> bytes:
    """Three messages in rows."""
    return b"#\n" + b"#\n".join(ROW % (n, n, n, n, body) + b"\n" for n in range(1, 4))


def read(octets: bytes) -> list[RawMessage]:
    """The messages of a text of ngrep."""
    with open_sources([io.BytesIO(octets)], kind="log", dialect="ngrep") as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


def ends(message: RawMessage) -> tuple[object, ...]:
    """When a message went from where to where."""
    return message.time, message.source, message.destination


def unspaced(told: list[RawMessage]) -> list[bytes]:
    """The octets of messages without blanks: two of them are one, once words were broken there."""
    return [one.payload.replace(b" ", b"") for one in told]


def lines_of(text: bytes) -> list[bytes]:
    """The lines of a text."""
    return text.split(b"\n")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("text", [SINGLE, rows()], ids=["real", "made"])
def test_rows_come_back_to_the_octet(text: bytes, width: int) -> None:
    told, plain = read(words(text, width)), read(text)
    assert [one.payload.replace(b":  0", b": 0") for one in plain] == [
        one.payload.replace(b":  0", b": 0") for one in told
    ]
    assert [ends(one) for one in told] == [ends(one) for one in plain]
    assert all("repaired-wraps" in [defect.code for defect in one.defects] for one in told)


@pytest.mark.parametrize("width", [60, 66, 72, 76])
def test_rows_that_ngrep_had_broken_itself(width: int) -> None:
    """A blank that a mail program took off where ngrep broke a word is none of the word's."""
    told, plain = read(words(PLAIN, width)), read(PLAIN)
    assert unspaced(told) == unspaced(plain)
    assert not any(b"CA NCEL" in one.payload or b" ," in one.payload for one in told)


def test_where_the_printer_broke_is_found() -> None:
    wrap = in_rows(lines_of(words(PLAIN, 66)), b"")
    assert isinstance(wrap, RowWrap)
    assert wrap.own == 77
    single = in_rows(lines_of(words(SINGLE, 66)), b"")
    assert isinstance(single, RowWrap)
    assert single.own == 0


@pytest.mark.parametrize("text", [SINGLE, PLAIN, rows()], ids=["single", "plain", "made"])
def test_rows_that_nobody_broke(text: bytes) -> None:
    assert in_rows(lines_of(text), b"") is None
    assert not any(isinstance(one, RowWrap) for one in wraps_of(text))


@pytest.mark.parametrize("width", [60, 70, 80])
def test_rows_that_a_terminal_broke_are_not_broken_at_words(width: int) -> None:
    assert in_rows(lines_of(cut(SINGLE, width)), b"") is None


def test_lines_that_had_room_are_no_rests() -> None:
    text = b"#\n".join(b"SIP/2.0 200 OK..Via: a..\nTo: b..\nFrom: c....\n" * 4 for _ in range(3))
    assert in_rows(lines_of(text.ljust(60, b"x")), b"") is None


def test_a_quoted_mail(width: int = 68) -> None:
    broken = b"\n".join(b"> " + line for line in words(SINGLE, width).split(b"\n")) + b"\n"
    wrap = wrap_of(broken)
    assert isinstance(wrap, RowWrap)
    assert (wrap.lead, wrap.width) == (b"> ", width + 2)
    assert unspaced(read(broken)) == unspaced(read(SINGLE))


def test_what_ngrep_says_behind_the_last_row_is_none_of_it() -> None:
    wrap = RowWrap(60, b"", is_cut=False).opening(ngrep.GRAMMAR.opens)
    row = b"SIP/2.0 200 OK..Call-ID: a..CSeq: 1 REGISTER..Content-Length: 0....".rjust(60, b"x")[-60:]
    assert [count for count, _ in wrap.joined([row, b"exit"])] == [1, 1]


def test_two_rows_without_a_mark_between_are_two() -> None:
    """What opens a message is the rest of none."""
    text = rows().replace(b"#\n", b"")
    broken = words(text, 62)
    wrap = RowWrap(62, b"", is_cut=False).opening(ngrep.GRAMMAR.opens)
    assert [line for _, line in wrap.joined(lines_of(broken))] == lines_of(text)


def test_without_an_opener_a_row_ends_at_its_mark() -> None:
    wrap = RowWrap(62, b"", is_cut=False)
    assert [line for _, line in wrap.joined(lines_of(words(rows(), 62)))] == lines_of(rows())


@pytest.mark.parametrize("width", [60, 67, 74])
def test_a_body_that_imitates_a_row_is_a_body(width: int) -> None:
    body = b"imitation U 2026/11/20 11:53:49.1 -> 192.0.2.1:5060 SIP/2.0 200 OK..Via: SIP/2.0/UDP a..Call-ID: eve...."
    text = rows(b"%d....%b" % (len(body), body))
    told = read(words(text, width))
    assert len(told) == 3
    assert not any(b"\nCall-ID: eve" in one.payload.partition(b"\r\n\r\n")[0] for one in told)


def test_hostile_rows_end() -> None:
    """The joining looks at each line once, and keeps no more of a row than is believed."""
    wrap = RowWrap(60, b"", is_cut=False).opening(ngrep.GRAMMAR.opens)
    longest = max(len(line) for _, line in wrap.joined([b"..Via:" + b"x" * 54] * 5000))
    assert longest < 1 << 16
    assert in_rows([b"SIP/2.0.." + b"(" * 60] * 2000, b"") is None

"""The parts of the log reader by themselves: lines, prefixes, banners, stamps, line ends."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.asterisk.banners import Banner, Kind, is_trailer, match_banner, match_count
from analyzer.capture.text.lines import physical_lines
from analyzer.capture.text.measure import Tally
from analyzer.capture.text.payload import Printed
from analyzer.capture.text.stamps import Stamp, parse_date, parse_stamp
from analyzer.capture.text.wrappers import Line, unwrap
from analyzer.evidence import Endpoint
from tests.capture.asterisk_text import Dribble


def split(content: bytes, limit: int = 100) -> tuple[list[bytes], list[int]]:
    long: list[int] = []
    return list(physical_lines(io.BytesIO(content), long.append, limit)), long


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\r\nb\r\r\n", [b"a\r", b"b\r\r"]),
        (b"a\rb\n", [b"a\rb"]),
        (b"a\n\0", [b"a", b""]),
        (b"a\0b\n", [b"a\0b"]),
    ],
)
def test_only_a_line_feed_ends_a_line(content: bytes, lines: list[bytes]) -> None:
    assert split(content) == (lines, [])


def test_long_lines_are_cut_and_counted_once() -> None:
    lines, long = split(b"a\n" + b"x" * 300_000 + b"\nb\n" + b"y" * 101)
    assert [len(line) for line in lines] == [1, 100, 1, 100]
    assert long == [2, 4]


@given(st.binary(max_size=300), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_lines_do_not_depend_on_how_the_stream_is_cut(content: bytes, sizes: list[int]) -> None:
    dribbled = list(physical_lines(Dribble(content, sizes), lambda number: None))  # type: ignore[arg-type]
    assert dribbled == split(content, 1000)[0]


def one(physical: bytes, number: int = 7) -> Line:
    (line,) = unwrap(number, physical, lambda code, text: None, match_banner)
    return line


@pytest.mark.parametrize(
    ("physical", "stamp", "thread", "text"),
    [
        (b"[Nov 20 11:53:45] VERBOSE[18974] chan_sip.c: ", b"Nov 20 11:53:45", b"[18974]", b""),
        (b"[Nov 20 11:53:45] VERBOSE[18974] chan_sip.c:", b"Nov 20 11:53:45", b"[18974]", b""),
        (b"[Nov  2 11:53:45] VERBOSE[1][C-0000000a] chan_sip.c: x", b"Nov  2 11:53:45", b"[1][C-0000000a]", b"x"),
        (b"[2026-11-20 11:56:12.449] NOTICE[2] a/b.c:    -- x", b"2026-11-20 11:56:12.449", b"[2]", b"   -- x"),
        (
            b"[Nov 20 11:22:20] VERBOSE[27725]: chan_sip.c:29470 handle_request_do: x",
            b"Nov 20 11:22:20",
            b"[27725]",
            b"x",
        ),
        (b"[Nov 20 11:22:20] VERBOSE[3]: chan_sip.c:1 in f: Via: x", b"Nov 20 11:22:20", b"[3]", b"Via: x"),
        (b"[Nov 20 11:22:20] VERBOSE[3] chan_sip.c: Via: x", b"Nov 20 11:22:20", b"[3]", b"Via: x"),
        (b"[Nov 20 12:02:28] WARNING[4]: pjproject: <?>: \t sip", b"Nov 20 12:02:28", b"[4]", b"\t sip"),
        (b"[whatever] ERROR[5] x.c: y", b"whatever", b"[5]", b"y"),
        (b"  > [Nov 20 11:53:45] NOTICE[6] x.c: y", b"Nov 20 11:53:45", b"[6]", b"y"),
        (b"VERBOSE[7] x.c: y", b"", b"[7]", b"y"),
        (b"Nov 20 11:47:42 pbx asterisk[9]: VERBOSE[8]: x.c:1 in f: y", b"Nov 20 11:47:42", b"[8]", b"y"),
        (
            b"\x1b[1mvm*CLI> \r\x1b[0K[Nov 20 11:53:45] \x1b[1;33mNOTICE\x1b[0m[9]: x.c:1 f: y",
            b"Nov 20 11:53:45",
            b"[9]",
            b"y",
        ),
    ],
)
def test_prefixes_of_entries(physical: bytes, stamp: bytes, thread: bytes, text: bytes) -> None:
    line = one(physical)
    assert (line.stamp, line.thread, line.text, line.entry, line.number) == (stamp, thread, text, True, 7)


@pytest.mark.parametrize(
    ("physical", "stamp", "text", "returns"),
    [
        (b"[Nov 20 11:53:45] Via: x\r\r", b"Nov 20 11:53:45", b"Via: x", 2),
        (b"[Nov 20 11:53:45] ", b"Nov 20 11:53:45", b"", 0),
        (b"[Nov 20 11:53:45]", b"Nov 20 11:53:45", b"", 0),
        (b"Nov 20 11:47:42 pbx asterisk[9]: Via: x", b"Nov 20 11:47:42", b"Via: x", 0),
        (b"2026-11-20T11:47:42.123456+01:00 pbx asterisk: x", b"2026-11-20T11:47:42.123456+01:00", b"x", 0),
        (b"\r\x1b[Kvm*CLI> \r\x1b[0K<--- SIP", b"", b"<--- SIP", 0),
        (b"pbx-1.example.com*CLI> Via: x\r", b"", b"Via: x", 1),
        (b"\0Asterisk cleanly ending", b"", b"Asterisk cleanly ending", 0),
        (b"Contact: <sip:[::1]:5060>", b"", b"Contact: <sip:[::1]:5060>", 0),
        (b"[x] Via: y", b"", b"[x] Via: y", 0),
        (b" folded", b"", b" folded", 0),
        (b"{not json", b"", b"{not json", 0),
    ],
)
def test_other_lines(physical: bytes, stamp: bytes, text: bytes, returns: int) -> None:
    line = one(physical)
    assert (line.stamp, line.text, line.returns, line.entry) == (stamp, text, returns, False)


def test_only_the_first_line_of_a_file_has_a_byte_order_mark() -> None:
    assert one(b"\xef\xbb\xbfx", 1).text == b"x"
    assert one(b"\xef\xbb\xbfx", 2).text == b"\xef\xbb\xbfx"


def test_a_json_entry_is_content_while_a_block_is_open() -> None:
    entry = b'{"hostname":"","timestamp":"Nov 20 11:53:45","identifiers":{"lwp":1},"logmsg":{"message":"a\\nb\\r\\n"}}'
    lines = list(unwrap(1, entry, lambda code, text: None, match_banner))
    assert [(line.text, line.returns, line.entry, line.whole) for line in lines] == [
        (b"a", 0, True, True),
        (b"b", 1, False, True),
    ]
    (kept,) = unwrap(1, entry, lambda code, text: None, match_banner, inside=True)
    assert kept.text == entry


@pytest.mark.parametrize(
    ("text", "kind", "received", "peer", "transport", "resend", "size"),
    [
        (b"<--- SIP read from UDP:10.0.0.1:5060 --->", Kind.READ, True, "10.0.0.1", "UDP", None, None),
        (b"<--- SIP read from udp:h.example:5060 --->", Kind.READ, True, "h.example", "UDP", None, None),
        (b"<--- Transmitting (NAT) to [::1]:5060 --->", Kind.SENT, False, "::1", "", None, None),
        (b"<--- Transmitting (no NAT) to 10.0.0.1:5060 --->", Kind.SENT, False, "10.0.0.1", "", None, None),
        (b"Retransmitting #4 (no NAT) to 10.0.0.1:5060:", Kind.REQUEST, False, "10.0.0.1", "", 4, None),
        (b"Transmitting (no NAT) to 10.0.0.1:5060:", Kind.REQUEST, False, "10.0.0.1", "", None, None),
        (
            b"<--- Received SIP response (337 bytes) from TCP:10.0.0.1:5060 --->",
            Kind.PJSIP,
            True,
            "10.0.0.1",
            "TCP",
            None,
            337,
        ),
        (
            b"<--- Transmitting SIP request (9 bytes) to wss:10.0.0.1:5060 --->",
            Kind.PJSIP,
            False,
            "10.0.0.1",
            "WSS",
            None,
            9,
        ),
    ],
)
def test_banners(
    text: bytes, kind: Kind, received: bool, peer: str, transport: str, resend: int | None, size: int | None
) -> None:
    banner = match_banner(text)
    assert banner is not None
    assert banner == Banner(kind, received, Endpoint(peer, 5060), transport, b"", resend, size)
    assert match_banner(b"x" + text) is None
    assert match_banner(text + b"x") is None
    assert match_banner(b" > " + text) == banner._replace(lead=b" > ")


def test_trailers_and_counts() -> None:
    assert is_trailer(b"<------------->", Kind.READ)
    assert is_trailer(b"<------------>", Kind.SENT)
    assert is_trailer(b"---", Kind.REQUEST)
    assert not is_trailer(b"---", Kind.READ)
    assert not is_trailer(b"<------------->", Kind.REQUEST)
    assert not is_trailer(b"<------------->", Kind.PJSIP)
    assert not is_trailer(b"<--- x --->", Kind.READ)
    assert match_count(b"--- (11 headers 0 lines) ---") == (11, 0)
    assert match_count(b"--- (11 headers, 3 lines) ---") == (11, 3)
    assert match_count(b"REGISTER 11 headers, 0 lines") is None


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        (b"Nov  2 11:53:45", Stamp(None, 11, 2, 42825, 0, None, 10**9)),
        (b"Nov 20 2026 11:53:45", Stamp(2026, 11, 20, 42825, 0, None, 10**9)),
        (b"2026-11-20 11:53:45.449", Stamp(2026, 11, 20, 42825, 449_000_000, None, 10**6)),
        (b"2026-11-20T11:53:45,5-0330", Stamp(2026, 11, 20, 42825, 500_000_000, -12600, 10**8)),
    ],
)
def test_stamps(text: bytes, stamp: Stamp) -> None:
    assert parse_stamp(text) == stamp


def test_dates() -> None:
    assert parse_date(b" Thu, 30 Mar 2017 11:35:51 GMT") == 1490873751
    assert parse_date(b"Thu, 30 Mar 2017 11:35:51 GMT;x") is None


def test_a_body_gets_the_line_ends_that_fit_its_length() -> None:
    texts = [b"MESSAGE sip:a SIP/2.0", b"", b"ab", b"cd", b""]
    for length, body in ((6, b"ab\ncd\n"), (8, b"ab\r\ncd\r\n"), (5, b"ab\ncd"), (99, b"ab\r\ncd"), (0, b"ab\r\ncd")):
        printed = Printed([texts[0], b"Content-Length: %d" % length, *texts[1:]], None)
        assert printed.octets().partition(b"\r\n\r\n")[2] == body


def test_headers_read_from_a_printed_message() -> None:
    printed = Printed(
        [b"", b"SIP/2.0 200 OK", b"v: SIP/2.0/TLS a", b"DATE:  x", b"l : 3", b"", b"v: SIP/2.0/UDP b"], None
    )
    assert (printed.transport(), printed.date(), printed.content_length()) == ("TLS", b"  x", 3)
    assert (printed.skipped, printed.has_end_of_headers) == (1, True)


def test_the_measure_of_a_block() -> None:
    tally = Tally()
    for text in (b"MESSAGE sip:a SIP/2.0", b"Content-Length: 4", b"", b"a", b"b"):
        tally.add(text, 2)
    assert (tally.head, tally.lines, tally.length, tally.total) == (2, 2, 4, 50)
    assert tally.fits()
    assert tally.counted((2, 2))
    assert not tally.counted((3, 2))
    assert not tally.counted((2, 1))
    assert tally.measures(50, 2)
    assert tally.measures(48, 2)
    assert not tally.measures(49, 2)

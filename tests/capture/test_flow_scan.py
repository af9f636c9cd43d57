"""Messages of a document: what stands above each, where it ends, which header a line belongs to."""

from __future__ import annotations

import pytest

from analyzer.capture.flows.mending import mended
from analyzer.capture.flows.scan import MOST_LEGEND, MOST_OCTETS, Found, Scanner
from tests.capture.call_flows import REGISTER, message

HEAD = "F1 REGISTER Eva -> Server\n\n"


def scanned(text: str) -> tuple[list[Found], Scanner]:
    scanner = Scanner()
    lines = (line for number, one in enumerate(text.split("\n"), 1) for line in mended(number, one.encode()))
    found = list(scanner.messages(lines))
    for one in found:
        one.headers.close()
    return found, scanner


def rows(text: str) -> list[bytes]:
    (found,), _ = scanned(text)
    return found.headers.rows


@pytest.mark.parametrize(
    ("line", "number", "left", "right"),
    [
        ("F1 REGISTER Bob -> SIP Server", 1, b"REGISTER Bob", b"SIP Server"),
        ("F12: 401 Unauthorized SIP Server -> Bob", 12, b"401 Unauthorized SIP Server", b"Bob"),
        ("F 3. Register UA1 --> P1", 3, b"Register UA1", b"P1"),
        ("**F4 200 OK Server => Bob**", 4, b"200 OK Server", b"Bob"),
        ("### F5 REGISTER", 5, b"", b""),
        ("Message 6: REGISTER A -> B", 6, b"REGISTER A", b"B"),
        ("(7) REGISTER A -> B", 7, b"REGISTER A", b"B"),
        ("[8] 200 OK B -> A", 8, b"200 OK B", b"A"),
        ("9) REGISTER A -> B", 9, b"REGISTER A", b"B"),
        ("F2 Bob <- Server: 401", 2, b"Server: 401", b"Bob"),
        ("F1 Bob -> Server: REGISTER", 1, b"Bob", b"Server: REGISTER"),
    ],
)
def test_headings(line: str, number: int, left: bytes, right: bytes) -> None:
    (found,), _ = scanned(f"{line}\n\n{message(REGISTER)}")
    assert found.heading is not None
    assert (found.heading.number, found.heading.left, found.heading.right) == (number, left, right)


@pytest.mark.parametrize(
    "line",
    [
        "F3 key is pressed",
        "1. REGISTER",
        "200 OK -> foo",
        "|   REGISTER F1   |",
        "Figure 1: a flow",
        "F1",
        "1 -> 2",
        "F1234 BYE",
    ],
)
def test_lines_that_are_no_heading(line: str) -> None:
    (found,), scanner = scanned(f"{line}\n\n{message(REGISTER)}")
    assert found.heading is None
    assert scanner.other == 0


def test_a_heading_without_a_message_is_counted() -> None:
    found, scanner = scanned("F1 REGISTER A -> B\n\nOne\n\nTwo\n\nThree\n\nFour\n\n" + message(REGISTER))
    assert [one.heading for one in found] == [None]
    assert scanner.other == 1


def test_a_start_line_without_headers_is_no_message() -> None:
    found, scanner = scanned(f"{HEAD}{REGISTER}\n\nThat is the start line.\n")
    assert (found, scanner.other) == ([], 1)


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("From: <sip:b@h>\n;tag=1", b"From: <sip:b@h>;tag=1"),
        ("From: <sip:b@h>\n\n;tag=1", b"From: <sip:b@h>;tag=1"),
        ("From: Bob\n <sip:b@h>;tag=1", b"From: Bob <sip:b@h>;tag=1"),
        ("From: Bob\n<sip:b@h>;tag=1", b"From: Bob <sip:b@h>;tag=1"),
        ("Contact: <sip:b@client.\nexample.com>", b"Contact: <sip:b@client.example.com>"),
        ("Contact:\n\n<sip:b@h>", b"Contact: <sip:b@h>"),
        ("Contact:\n*", b"Contact: *"),
        ("Call-ID: a1b2c3@very.long.\nexample.com", b"Call-ID: a1b2c3@very.long.example.com"),
        ("Call-ID: a1b2\nc3@h", b"Call-ID: a1b2c3@h"),
        ("Via: SIP/2.0/TCP\nh.example:5060;branch=z9hG4bK1", b"Via: SIP/2.0/TCP h.example:5060;branch=z9hG4bK1"),
        ("Via: SIP/2.0/TCP h;branch=z9hG4\nbK1", b"Via: SIP/2.0/TCP h;branch=z9hG4bK1"),
        ('Authorization: Digest\nusername="b"', b'Authorization: Digest username="b"'),
        ('Authorization: Digest username="b",\n\nrealm="r"', b'Authorization: Digest username="b", realm="r"'),
        ('Authorization: Digest realm="r"\n\nnonce="n"', b'Authorization: Digest realm="r" nonce="n"'),
        ('Authorization: Digest nonce="0123\n4567"', b'Authorization: Digest nonce="01234567"'),
        ("Allow: INVITE,\nACK", b"Allow: INVITE, ACK"),
        ("User-Agent: A Phone\nof Some Kind", b"User-Agent: A Phone of Some Kind"),
        ("Subject: \u201cto be\n continued\u201d", b'Subject: "to be continued"'),
    ],
)  # fmt: skip
def test_a_row_that_goes_on(written: str, row: bytes) -> None:
    found = rows(f"{HEAD}{REGISTER}\nCSeq: 1 REGISTER\n{written}\nMax-Forwards: 70\nContent-Length: 0\n")
    assert found == [b"CSeq: 1 REGISTER", row, b"Max-Forwards: 70", b"Content-Length: 0"]


@pytest.mark.parametrize(
    "after",
    [
        "The server answers.",
        "Note: that is all.",
        "Bob sends a request to the server, which",
        "2.2. Another Flow",
        "|          REGISTER F1          |",
        "|------------------------------>|",
        "http://example.com/",
        "< Prev   Next >",
        "# Another",
        "F2 200 OK Server -> Eva",
        "SIP/2.0 200 OK",
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_where_a_message_ends(after: str, gap: str) -> None:
    found, _ = scanned(f"{HEAD}{message(REGISTER).rstrip()}{gap}{after}\n")
    assert found[0].headers.rows[-1] == b"Content-Length: 0"
    assert len(found[0].headers.rows) == 7
    assert not found[0].is_cut


@pytest.mark.parametrize("after", ["Note: that is all.", "The server answers.", "Figure 2: a flow"])
def test_a_message_without_its_length_ends_at_a_sentence(after: str) -> None:
    found, _ = scanned(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\nMax-Forwards: 70\n\n{after}\n")
    assert found[0].headers.rows == [b"To: <sip:b@h>", b"Max-Forwards: 70"]
    assert not found[0].is_cut


def test_headers_behind_content_length_belong_to_the_message() -> None:
    found = rows(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\nContent-Length: 0\n\nExpires: 60\n;q=1\n\nAnd so on: it ends.\n")
    assert found == [b"To: <sip:b@h>", b"Content-Length: 0", b"Expires: 60;q=1"]


def test_a_message_that_the_next_cuts() -> None:
    found, _ = scanned(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\nF2 200 OK Server -> Eva\n{message('SIP/2.0 200 OK')}")
    assert [one.is_cut for one in found] == [True, False]


def test_a_start_line_that_was_wrapped() -> None:
    (found,), _ = scanned(f"{HEAD}REGISTER sips:example.com\nSIP/2.0\nTo: <sip:b@h>\n")
    assert found.start == b"REGISTER sips:example.com SIP/2.0"
    assert found.codes == {"repaired-wrapping"}
    nothing, scanner = scanned(f"{HEAD}REGISTER sips:example.com\nis what it sends\nTo: <sip:b@h>\n")
    assert (nothing, scanner.other) == ([], 1)


@pytest.mark.parametrize(
    "page",
    [
        "\n\n\nMeyer, et al.       Standards Track              [Page 12]\n\x0c\nRFC 9999    A Title   May 2026\n\n",
        "\n12\n",
        "\nPage 12 of 40\n",
        "\n- 7 -\n",
    ],
)
def test_the_end_of_a_page_within_a_message(page: str) -> None:
    (found,), _ = scanned(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\n{page}\nCall-ID: a1\nContent-Length: 0\n")
    assert found.headers.rows == [b"To: <sip:b@h>", b"Call-ID: a1", b"Content-Length: 0"]
    assert found.codes == {"repaired-page-break"}


def test_a_number_that_a_header_waits_for_is_no_page() -> None:
    found = rows(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\nContent-Length:\n0\n")
    assert found == [b"To: <sip:b@h>", b"Content-Length: 0"]
    (one,), _ = scanned(f"{HEAD}{REGISTER}\nTo: <sip:b@h>\nContent-Length:\n0\nF2 200 OK B -> A\n")
    assert not one.is_cut


def test_bodies() -> None:
    sdp = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\n\nt=0 0\n"
    (first, second), _ = scanned(
        "F1 INVITE A -> B\n\nINVITE sip:b@h SIP/2.0\nTo: <sip:b@h>\nContent-Type: application/sdp\n"
        f"Content-Length: 99\n\n{sdp}\nThat was SDP.\nF2 200 OK B -> A\n\nSIP/2.0 200 OK\nTo: <sip:b@h>\n"
        "Content-Type: text/plain\nContent-Length: 8\n\nhello\n\nmore\n"
    )
    assert first.body == [b"v=0", b"o=- 1 1 IN IP4 192.0.2.1", b"s=-", b"t=0 0"]
    assert second.body == [b"hello", b"more"]


@pytest.mark.parametrize(
    ("before", "title", "is_section"),
    [
        ("2.1.  Successful Registration\n\nBob   Server\n|      |\n", b"Successful Registration", True),
        ("2.1 Successful Registration\n", b"Successful Registration", True),
        ("## Successful Registration ##\n\nText that goes on.\n\n", b"Successful Registration", False),
        ("\n\n**Successful Registration**\n\n", b"Successful Registration", False),
        ("A TALK\n\nOn SIP\n\n", b"On SIP", False),
        ("The phone asks.\n\n", b"", False),
        ("Table of contents\n\n2.1 One ........ 5\n\nMessage Details\n\n", b"", False),
        ("some words\n\n", b"", False),
    ],
)
def test_titles(before: str, title: bytes, is_section: bool) -> None:
    (found,), _ = scanned(f"\n{before}\n{HEAD}{message(REGISTER)}")
    assert (found.title, found.is_section) == (title, is_section)


def test_the_legend() -> None:
    _, scanner = scanned(
        "Biloxi - biloxi.example.com\n**Atlanta** = atlanta.example.com\nServer: 192.0.2.1\nBob - a phone\n"
    )
    assert scanner.legend == {
        b"Biloxi": b"biloxi.example.com",
        b"Atlanta": b"atlanta.example.com",
        b"Server": b"192.0.2.1",
    }
    _, scanner = scanned("\n".join(f"N{number} - host{number}.example.com" for number in range(100)))
    assert len(scanner.legend) == MOST_LEGEND


def test_a_message_without_any_end() -> None:
    (found,), _ = scanned(f"{HEAD}{REGISTER}\n" + "".join(f"X-Pad: {number}\n" for number in range(60_000)))
    assert sum(map(len, found.headers.rows)) <= MOST_OCTETS

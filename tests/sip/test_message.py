"""Messages: start lines, rows, folding and line ends, bodies, values on demand."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint, Fidelity, Frame, RawMessage
from analyzer.sip import message as module
from analyzer.sip.message import Message, parse, parse_bytes

REGISTER = (
    b"REGISTER sip:registrar.biloxi.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bKnashds7\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: Bob <sip:bob@biloxi.com>\r\n"
    b"From: Bob <sip:bob@biloxi.com>;tag=456248\r\n"
    b"Call-ID: 843817637684230@998sdasdh09\r\n"
    b"CSeq: 1826 REGISTER\r\n"
    b"Contact: <sip:bob@192.0.2.4>\r\n"
    b"Expires: 7200\r\n"
    b"Content-Length: 0\r\n\r\n"
)
COMPACT = (
    b"REGISTER sip:h SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards:70\r\nt:<sip:b@h>\r\n"
    b"f:<sip:b@h>;tag=1\r\ni:x@y\r\nCSeq:1 REGISTER\r\nm:*\r\nl:0\r\n\r\n"
)


def message_with(*rows: bytes, start: bytes = b"REGISTER sip:h SIP/2.0", body: bytes = b"") -> Message:
    """A message of a start line, the given rows and a body."""
    return parse_bytes(b"\r\n".join((start, *rows, b"", body)))


def whole(message: Message) -> bytes:
    """The octets put together again out of the parts."""
    start = message.headers[0].start if message.headers else message.head_end
    rows = b"".join(message.raw[h.start : h.end] for h in message.headers)
    separator = message.raw[message.head_end : message.body_start]
    return message.raw[:start] + rows + separator + message.body + message.trailing


def codes(message: Message) -> set[str]:
    """All defect codes of a message."""
    return {defect.code for defect in message.all_defects()}


def test_rfc_3261_register() -> None:
    message = parse_bytes(REGISTER)
    assert (message.method, message.request_uri, message.version) == ("REGISTER", "sip:registrar.biloxi.com", "SIP/2.0")
    assert (message.status, message.reason, message.is_request, message.is_response) == (0, "", True, False)
    assert message.is_register and message.complete_headers and message.all_defects() == []
    assert message.uri and message.uri.host == "registrar.biloxi.com"
    assert message.via and message.via.branch == "z9hG4bKnashds7" and len(message.vias) == 1
    assert message.to and message.from_ and message.to.tag is None and message.from_.tag == "456248"
    assert message.call_id == "843817637684230@998sdasdh09"
    assert message.cseq and (message.cseq.number, message.cseq.method) == (1826, "REGISTER")
    assert [c.raw for c in message.contacts] == ["<sip:bob@192.0.2.4>"]
    assert (message.expires, message.max_forwards, message.min_expires, message.date) == (7200, 70, None, None)
    assert message.user_agent == "" and message.credentials == [] and message.challenges == []
    assert repr(message) == "<Message REGISTER sip:registrar.biloxi.com frame 1 of bytes>"


def test_response() -> None:
    message = message_with(
        b"CSeq: 1 REGISTER",
        b'WWW-Authenticate: Digest realm="a", nonce="n"',
        b'Proxy-Authenticate: Digest realm="b", nonce="n", Basic realm="c"',
        b"Server: s 1.0",
        b"Min-Expires: 60",
        b"Retry-After: 18 (in a meeting);duration=3600",
        b"Date: Thu, 30 Mar 2017 11:35:51 GMT",
        start=b"SIP/2.0 401 Not  you ",
    )
    assert (message.method, message.status, message.reason) == ("", 401, "Not  you ")
    assert message.is_response and message.is_register and message.uri is None
    assert [(c.header, c.realm) for c in message.challenges] == [
        ("www-authenticate", "a"),
        ("proxy-authenticate", "b"),
        ("proxy-authenticate", "c"),
    ]
    assert (message.user_agent, message.min_expires, message.retry_after) == ("s 1.0", 60, 18)
    assert message.date == 1490873751 and codes(message) == {"missing-header"}


def test_credentials_of_both_headers() -> None:
    message = message_with(b'Authorization: Digest username="a"', b'Proxy-Authorization: Digest username="b"')
    assert [(c.header, c.username) for c in message.credentials] == [
        ("authorization", "a"),
        ("proxy-authorization", "b"),
    ]


def test_compact_forms() -> None:
    message = parse_bytes(COMPACT)
    assert message.all_defects() == [] and message.call_id == "x@y" and message.contacts[0].star
    assert [h.key for h in message.headers][:4] == ["via", "max-forwards", "to", "from"]
    assert message.headers[0].name == b"v"


@pytest.mark.parametrize(
    ("short", "key"), [(b"k", "supported"), (b"O", "event"), (b"x", "session-expires"), (b"B", "referred-by")]
)
def test_more_compact_forms(short: bytes, key: str) -> None:
    assert message_with(short + b": v").first(key) == "v"


def test_long_and_compact_rows_are_one_header() -> None:
    message = message_with(b"Via: SIP/2.0/UDP a, SIP/2.0/UDP b", b"v: SIP/2.0/TCP c", b"VIA : SIP/2.0/TLS d")
    assert [via.host for via in message.vias] == ["a", "b", "c", "d"]
    assert message.all("via")[1] == "SIP/2.0/TCP c" and len(message.values("via")) == 4


def test_offsets_and_spelling() -> None:
    message = parse_bytes(REGISTER)
    row = message.headers[3]
    assert row.name == b"From" and message.raw[row.start : row.end] == b"From: Bob <sip:bob@biloxi.com>;tag=456248\r\n"


def test_folding() -> None:
    message = message_with(b"Subject: first", b"  second", b"\tthird  ", b"To:", b" <sip:b@h>", b"   ", b"\t;tag=1")
    assert message.first("subject") == "first second third"
    assert message.to and message.to.tag == "1" and message.to.uri and message.to.uri.text == "sip:b@h"
    assert whole(message) == message.raw and not {"not-a-header", "bad-address"} & codes(message)


def test_a_fold_that_continues_nothing() -> None:
    message = message_with(b" lost", b"Expires: 1")
    assert message.expires == 1 and "not-a-header" in codes(message) and whole(message) == message.raw


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n"])
def test_other_line_ends(end: bytes) -> None:
    message = parse_bytes(REGISTER.replace(b"\r\n", end))
    assert message.method == "REGISTER" and message.expires == 7200 and len(message.headers) == 9
    assert message.complete_headers and whole(message) == message.raw
    assert codes(message) == ({"bare-lf"} if end == b"\n" else {"bare-cr"})


def test_mixed_line_ends() -> None:
    message = parse_bytes(REGISTER.replace(b"70\r\n", b"70\n").replace(b"7200\r\n", b"7200\r\r\n"))
    assert message.max_forwards == 70 and message.expires == 7200 and codes(message) == {"bare-lf", "bare-cr"}
    assert [message.raw[d.offset or 0] for d in message.defects] == [10, 13]
    assert {key for key, _ in message.located_defects()} == {""}


def test_a_bare_lf_inside_a_header_ends_it() -> None:
    message = message_with(b'Contact: <sip:a@h>;+sip.instance="<urn:uuid:1\n>"', b"Expires: 5")
    assert message.expires == 5 and {"bare-lf", "not-a-header", "unterminated-quote"} <= codes(message)
    assert whole(message) == message.raw


def test_a_bare_cr_stays_in_the_value() -> None:
    message = message_with(b"Subject: a\rb", b"Expires: 5")
    assert message.first("subject") == "a\rb" and "bare-cr" in codes(message) and message.expires == 5


def test_the_first_empty_line_ends_the_headers() -> None:
    message = parse_bytes(b"REGISTER sip:h SIP/2.0\nExpires: 5\n\nTo: x\r\n\r\nrest")
    assert message.body == b"To: x\r\n\r\nrest" and message.to is None and len(message.headers) == 1


def test_lines_that_are_no_headers() -> None:
    message = message_with(b"Foobar roobar", b": value", b"  x", b"Expires: 5", b"Bad name: 1", b"J\xf6rg: 2")
    assert message.expires == 5 and [h.key for h in message.headers[:2]] == ["", ""]
    assert {"not-a-header", "bad-header-name"} <= codes(message)
    assert message.first("bad name") == "1" and message.first("j\udcf6rg") == "2" and whole(message) == message.raw


def test_a_spelling_learnt_once_complains_every_time_if_bad() -> None:
    for _ in range(2):
        assert "bad-header-name" in codes(message_with(b"a(b: 1"))
        assert "bad-header-name" not in codes(message_with(b"X-Good : 1"))


def test_octets_that_are_no_ascii() -> None:
    message = message_with(b'To: "J\xf6rgen" <sip:j@h>', "Subject: Jörgen".encode())
    assert message.to and message.to.display == "J\udcf6rgen" and message.first("subject") == "Jörgen"
    assert message.to.defects == ()


def test_repeated_single_headers() -> None:
    rows = b"To: <sip:a@h>", b"t: <sip:b@h>", b"Expires: 1", b"Expires: 2", b"Contact: <sip:c@h>", b"m: <sip:d@h>"
    message = message_with(*rows)
    assert [d.text for d in message.defects if d.code == "repeated-header"] == [
        "to comes 2 times",
        "expires comes 2 times",
    ]
    assert [key for key, d in message.located_defects() if d.code == "repeated-header"] == ["to", "expires"]
    assert message.to and message.to.uri and message.to.uri.user == "a" and message.expires == 1
    assert len(message.contacts) == 2


@pytest.mark.parametrize(
    ("start", "method", "uri", "status", "wanted"),
    [
        (b"REGISTER sip:h SIP/2.0", "REGISTER", "sip:h", 0, set()),
        (b"register sip:h SIP/2.0", "register", "sip:h", 0, set()),
        (b"REGISTER sip:h sip/2.0", "REGISTER", "sip:h", 0, {"bad-version"}),
        (b"REGISTER sip:h SIP/3.0", "REGISTER", "sip:h", 0, {"bad-version"}),
        (b"REG(ISTER sip:h SIP/2.0", "REG(ISTER", "sip:h", 0, {"bad-method"}),
        (b" REGISTER sip:h SIP/2.0", "REGISTER", "sip:h", 0, {"start-line-whitespace"}),
        (b"REGISTER\tsip:h SIP/2.0", "REGISTER", "sip:h", 0, {"start-line-whitespace"}),
        (b"REGISTER sip:h  ;lr SIP/2.0", "REGISTER", "sip:h  ;lr", 0, {"bad-request-uri"}),
        (b"REGISTER sip:h;method=X SIP/2.0", "REGISTER", "sip:h;method=X", 0, {"bad-request-uri"}),
        (b"REGISTER sip:h:x SIP/2.0", "REGISTER", "sip:h:x", 0, {"bad-request-uri"}),
        (b"REGISTER sip:h", "REGISTER", "sip:h", 0, {"bad-start-line"}),
        (b"SIP/2.0 200 OK", "", "", 200, set()),
        (b"SIP/2.0 200", "", "", 200, {"missing-reason-sp"}),
        (b"SIP/2.0  200 OK", "", "", 200, {"start-line-whitespace"}),
        (b"sip/2.0 200 OK", "", "", 200, {"bad-version"}),
        (b"SIP/2.0 99 OK", "", "", 0, {"bad-status"}),
        (b"SIP/2.0 700 OK", "", "", 0, {"bad-status"}),
        (b"SIP/2.0 2x0 OK", "", "", 0, {"bad-status"}),
        (b"SIP/2.0 ", "", "", 0, {"bad-status"}),
        (b"SIP/2.0", "", "", 0, {"bad-status"}),
        (b"HTTP/1.1 200 OK", "", "", 0, {"bad-start-line"}),
        (b"GET / HTTP/1.1", "", "", 0, {"bad-start-line"}),
        (b" sip:h SIP/2.0", "", "", 0, {"bad-start-line"}),
        (b"\xff\xfe\x00", "", "", 0, {"bad-start-line"}),
        (b"", "", "", 0, {"bad-start-line"}),
    ],
)
def test_start_lines(start: bytes, method: str, uri: str, status: int, wanted: set[str]) -> None:
    message = parse_bytes(start + b"\r\nX: y\r\n\r\n")
    if start:
        assert (message.method, message.request_uri, message.status) == (method, uri, status)
        assert message.is_request == (method != "") and message.is_response == (start[:4].upper() == b"SIP/")
    assert codes(message) - {"missing-header"} == wanted or not start
    assert whole(message) == message.raw


@pytest.mark.parametrize(
    "raw", [b"", b"\r\n", b"\n", b"\r", b"\0", b"jaK", b"\r\n\r\n", b"REGISTER sip:h SIP/2.0\r\n\r\n", b":\r\n\r\n"]
)
def test_hardly_anything(raw: bytes) -> None:
    message = parse_bytes(raw)
    message.all_defects()
    assert whole(message) == raw


def test_leading_empty_lines_are_for_streams() -> None:
    for transport, wanted in (("UDP", {"leading-crlf"}), ("TCP", set())):
        nowhere = Endpoint("", 0)
        message = parse(RawMessage(b"\r\n\r\n" + REGISTER, 0, Frame("x", 1), nowhere, nowhere, transport))
        assert message.is_register and codes(message) == wanted and whole(message) == message.raw
    printed = RawMessage(b"\n" + REGISTER, 0, Frame("x", 1), nowhere, nowhere, fidelity=Fidelity.TEXT_LOG)
    assert codes(parse(printed)) == set()


@pytest.mark.parametrize(
    ("length", "body", "kept", "trailing", "wanted"),
    [
        (b"3", b"abc", b"abc", b"", set()),
        (b"0003", b"abc", b"abc", b"", set()),
        (b"2", b"abc", b"ab", b"c", {"trailing-octets"}),
        (b"4", b"abc", b"abc", b"", {"content-length-beyond-message"}),
        (b"9" * 100, b"abc", b"abc", b"", {"content-length-beyond-message"}),
        (b"-1", b"abc", b"abc", b"", {"bad-content-length"}),
        (b"", b"abc", b"abc", b"", {"bad-content-length"}),
        (b"3 3", b"abc", b"abc", b"", {"bad-content-length"}),
    ],
)
def test_bodies(length: bytes, body: bytes, kept: bytes, trailing: bytes, wanted: set[str]) -> None:
    message = message_with(b"Content-Length: " + length, body=body)
    assert (message.body, message.trailing) == (kept, trailing) and whole(message) == message.raw
    assert {defect.code for defect in message.defects} == wanted


def test_no_content_length_takes_the_rest() -> None:
    assert message_with(b"X: y", body=b"a\r\n\r\nb").body == b"a\r\n\r\nb"


def test_what_the_capture_lost_is_not_held_against_the_sender() -> None:
    nowhere = Endpoint("", 0)
    cut = parse(RawMessage(REGISTER[:150], 0, Frame("x", 1), nowhere, nowhere, missing=300))
    assert not cut.complete_headers and codes(cut) == set()
    for end in range(len(REGISTER)):
        assert codes(parse(RawMessage(REGISTER[:end], 0, Frame("x", 1), nowhere, nowhere, missing=1))) == set()
    body = REGISTER.replace(b"Length: 0", b"Length: 9")
    assert codes(parse(RawMessage(body, 0, Frame("x", 1), nowhere, nowhere, missing=9))) == set()
    printed = RawMessage(body.replace(b"\r\n", b"\n"), 0, Frame("x", 1), nowhere, nowhere, fidelity=Fidelity.TEXT_LOG)
    assert codes(parse(printed)) == set()
    assert codes(parse_bytes(REGISTER[:-2])) == {"headers-not-terminated"}


@pytest.mark.parametrize(
    ("row", "key", "code"),
    [
        (b"CSeq: x", "cseq", "bad-cseq"),
        (b"CSeq: 1 register", "cseq", "cseq-method-mismatch"),
        (b"Call-ID: a b", "call-id", "bad-call-id"),
        (b"Call-ID: ", "call-id", "bad-call-id"),
        (b"Call-ID: a@b@c", "call-id", "bad-call-id"),
        (b"Max-Forwards: -1", "max-forwards", "bad-max-forwards"),
        (b"Max-Forwards: 256", "max-forwards", "max-forwards-out-of-range"),
        (b"Expires: Sat, 01 Jan 2030 00:00:00 GMT", "expires", "bad-expires"),
        (b"Min-Expires: x", "min-expires", "bad-min-expires"),
        (b"Retry-After: soon", "retry-after", "bad-retry-after"),
        (b"Date: now", "date", "bad-date"),
        (b'Warning: 1812 h "x"', "warning", "bad-warning"),
        (b"To: *", "to", "bad-address"),
        (b"Contact: ", "contact", "empty-list-element"),
        (b"Contact: <sip:a@h>,", "contact", "empty-list-element"),
        (b"Via: x", "via", "bad-via"),
        (b"Authorization: Digest username=x", "authorization", "unquoted-value"),
        (b'WWW-Authenticate: Digest realm="x', "www-authenticate", "cut-value"),
    ],
)
def test_value_defects_name_their_header(row: bytes, key: str, code: str) -> None:
    located = [(k, d.code) for k, d in message_with(row).located_defects() if d.code != "missing-header"]
    assert (key, code) in located and {k for k, _ in located} == {key}


def test_lazy_values_are_kept() -> None:
    message = parse_bytes(REGISTER)
    assert message.vias is message.vias and message.to is message.to and message.contacts is message.contacts
    assert message.first("nothing") is None and message.all("nothing") == [] and message.values("nothing") == []


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "raw",
    [
        b"REGISTER sip:h SIP/2.0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"REGISTER sip:h SIP/2.0\n" + b"X: y\n" * 100_000 + b"\n",
        b"REGISTER sip:h SIP/2.0\r" + b"X: y\r" * 100_000 + b"\r",
        b"REGISTER sip:h SIP/2.0\r\n" + b"junk\r\n" * 100_000,
        b"REGISTER sip:h SIP/2.0\r\nX: y\r\n" + b" folded\r\n" * 100_000 + b"\r\n",
        b"REGISTER sip:h SIP/2.0\r\nTo: " + b"<" * MEGABYTE + b"\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nVia: " + b" " * MEGABYTE + b"x\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nVia: " + b"SIP/2.0/UDP h," * 30_000 + b"\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nCSeq: " + b"9" * MEGABYTE + b" REGISTER\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nContact: " + b"*," * 50_000 + b"\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nCall-ID: " + b"a@" * 300_000 + b"\r\n\r\n",
        b"REGISTER sip:h SIP/2.0\r\nX" + b" " * MEGABYTE + b":\r\n\r\n",
        b"\r" * MEGABYTE,
        b"A " * 300_000,
    ],
    ids=range(14),
)
def test_hostile_sizes_are_linear(raw: bytes) -> None:
    started = time.perf_counter()
    message = parse_bytes(raw)
    assert len(message.all_defects()) < 1000
    assert whole(message) == raw
    assert time.perf_counter() - started < 8


def test_the_head_of_the_module_lists_every_code() -> None:
    listed = set(re.findall(r"[a-z]+(?:-[a-z]+)+", (module.__doc__ or "").partition("Defect codes.")[2]))
    folder = Path(module.__file__).parent
    names = ("address", "auth", "check", "cseq", "headers", "layout", "message", "params", "startline", "uri", "via")
    source = "".join((folder / f"{name}.py").read_text() for name in names)
    written = set(re.findall(r'(?:Defect\(|_note\((?:defects, )?)"([a-z-]+)"', source))
    scalars = {"max-forwards", "expires", "min-expires", "retry-after"}
    written |= {f"bad-{key}" for key in scalars} | {f"{key}-out-of-range" for key in scalars}
    assert written <= listed and listed - written <= {"empty-list-element"}

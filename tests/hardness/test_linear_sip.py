"""Messages made to be expensive: work grows with their length, not with its square."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analyzer.register.digest.input import from_credentials
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.register.digest.verdict import judge
from analyzer.sip.auth import parse_challenges, parse_credentials
from analyzer.sip.message import parse_bytes
from tests.fuzz.on_sip import force
from tests.hardness.growth import squares, trap

Run = Callable[[], object]

HEAD = (
    b"REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:b@x>\r\n"
    b"Call-ID: c\r\nCSeq: 1 REGISTER\r\n"
)


def message(*parts: bytes) -> Run:
    """Everything that can be asked of a message with these header rows."""
    octets = HEAD + b"".join(parts) + b"\r\n"
    return lambda: force(parse_bytes(octets))


def row(name: bytes, value: bytes) -> bytes:
    return name + b": " + value + b"\r\n"


@trap(20_000)
def a_long_header(n: int) -> Run:
    return message(row(b"Subject", b"x" * n), row(b"X" * n, b"y"))


@trap(20_000)
def a_long_start_line(n: int) -> Run:
    octets = b"REGISTER sip:" + b"x " * n + b" SIP/2.0" + HEAD
    return lambda: force(parse_bytes(octets))


@trap(20_000)
def long_values(n: int) -> Run:
    names = (b"Contact", b"To", b"Via", b"From", b"Call-ID", b"CSeq", b"Date", b"Warning", b"Retry-After", b"Allow")
    return message(*(row(name, filler * n) for name in names for filler in (b"x", b" x", b"(", b"@", b"%")))


@trap(2_000)
def many_parameters(n: int) -> Run:
    values = b"".join(b";p%d=%d" % (number, number) for number in range(n))
    return message(row(b"Contact", b"<sip:b@h>" + values), row(b"Via", b"SIP/2.0/UDP h" + values))


@trap(2_000)
def one_parameter_many_times(n: int) -> Run:
    return message(row(b"Contact", b"<sip:b@h>" + b";a" * n), row(b"Contact", b"<sip:b@h" + b";a" * n + b">"))


@trap(2_000)
def empty_parameters(n: int) -> Run:
    return message(row(b"Contact", b"<sip:b@h>" + b";" * n), row(b"Via", b"SIP/2.0/UDP h" + b";=" * n))


@trap(500, full=100_000)
def many_contacts(n: int) -> Run:
    rows = b"".join(row(b"Contact", b"<sip:b@h%d>;expires=%d" % (number, number)) for number in range(n))
    return message(rows)


@trap(500, full=100_000)
def many_contacts_in_a_row(n: int) -> Run:
    return message(row(b"Contact", b", ".join(b'"n" <sip:b@h%d>;q=0.5' % number for number in range(n))))


@trap(500)
def many_vias(n: int) -> Run:
    vias = [b"SIP/2.0/UDP h%d;branch=z9hG4bK%d" % (number, number) for number in range(n)]
    return message(*(row(b"Via", via) for via in vias), row(b"v", b",".join(vias)))


@trap(5_000)
def commas(n: int) -> Run:
    return message(row(b"Contact", b"," * n), row(b"Via", b", " * n), row(b"Allow", b"," * n))


@trap(5_000)
def quotes(n: int) -> Run:
    closed, open_ = b'""' * n, b'"' * (2 * n + 1)
    return message(row(b"Contact", closed + b" <sip:b@h>"), row(b"Contact", open_), row(b"To", open_ + b"<sip:b@h>"))


@trap(5_000)
def backslashes(n: int) -> Run:
    pairs = b"\\x" * n
    closed, open_ = b'"' + pairs + b'" <sip:b@h>', b'"' + pairs + b"\\"
    rows = [row(b"Contact", value) for value in (closed, open_, b"<sip:b@h>;a=" + closed, b"<sip:b@h>;a=" + open_)]
    return message(*rows, row(b"Authorization", b"Digest username=" + open_), row(b"From", open_))


@trap(5_000)
def brackets(n: int) -> Run:
    rows = [row(b"Contact", b"<" * n), row(b"To", b"<" * n + b">" * n), row(b"Via", b"SIP/2.0/UDP " + b"[" * n)]
    return message(*rows, row(b"Contact", b"<>" * n), row(b"Contact", b"<sip:b@h>" * n), row(b"m", b"<,>" * n))


@trap(5_000)
def comments(n: int) -> Run:
    nested = b"(" * n + b")" * n
    return message(row(b"User-Agent", nested), row(b"Retry-After", b"5" + nested), row(b"Date", nested))


@trap(2_000)
def many_headers(n: int) -> Run:
    return message(b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(n)))


@trap(500, full=100_000)
def one_header_many_times(n: int) -> Run:
    names = (b"Call-ID", b"CSeq", b"Content-Length", b"Expires", b"Authorization", b"WWW-Authenticate")
    return message(*(row(name, b"1") * n for name in names))


@trap(1_500, full=100_000)
def lines_that_are_no_headers(n: int) -> Run:
    return message(b"no header\r\n" * n, b": \r\n" * n, b" folded\r\n" * n)


@trap(2_000, full=300_000)
def folded_lines(n: int) -> Run:
    octets = HEAD + b"Contact: <sip:b@h>" + b"\r\n ;a" * n + b"\r\nVia: x" + b"\r\n " * n + b"\r\n\r\n"
    return lambda: force(parse_bytes(octets))


@trap(20_000)
def line_ends(n: int) -> Run:
    wholes = [end * n + HEAD.replace(b"\r\n", end) + end for end in (b"\r", b"\n", b"\r\r\n", b"\n\r")]

    def run() -> None:
        for octets in wholes:
            force(parse_bytes(octets))

    return run


@trap(20_000)
def digits(n: int) -> Run:
    names = (b"Expires", b"Min-Expires", b"Max-Forwards", b"Retry-After", b"Content-Length", b"Date")
    many = b"9" * n
    contact = b"<sip:b@h:" + many + b">;expires=" + many + b";q=0." + many
    rows = [*(row(name, many) for name in names), row(b"CSeq", many + b" REGISTER"), row(b"Contact", contact)]
    return message(*rows, row(b"Via", b"SIP/2.0/UDP h:" + many))


@trap(10_000)
def escapes(n: int) -> Run:
    user = b"%41" * n
    return message(row(b"Contact", b"<sip:" + user + b":" + user + b"@h?" + b"a=b&" * n + b">"))


@trap(2_000, full=100_000)
def hosts(n: int) -> Run:
    rows = [row(b"Contact", b"<sip:b@" + part * n + b">") for part in (b"a.", b"1.", b"-", b":", b"[", b"@", b"b:c@")]
    return message(*rows)


@trap(400, full=100_000)
def many_digest_parameters(n: int) -> Run:
    shapes = (b'p%d="v", ', b"p%d=v,", b"p%d = v ", b"p%d ", b'p%d="\\v" ', b"qop=auth, auth-int,%d,")
    values = [b"Digest " + b"".join(shape % number for number in range(n)) for shape in shapes]
    both = (b"Authorization", b"WWW-Authenticate")
    return message(*(row(name, value) for name in both for value in values))


@trap(1_000)
def digest_parameters_in_one_header(n: int) -> Run:
    return message(row(b"Authorization", b"Digest " + b", ".join(b"p%d=v" % number for number in range(n))))


@trap(1_000, full=100_000)
def many_challenges(n: int) -> Run:
    text = ", ".join(f'Digest realm="r{number}", nonce="n{number}"' for number in range(n))
    return lambda: parse_challenges("www-authenticate", text)


@trap(800, full=100_000)
def digest_junk(n: int) -> Run:
    texts = [junk * n for junk in (" ", ",", ", ", "a ", "=", '"', '""', "\\", "Digest ", "a=", 'a="b" ', "a b=c ")]
    return lambda: [parse(key, text) for text in texts for key, parse in PARSERS]


PARSERS = (("www-authenticate", parse_challenges), ("authorization", parse_credentials))


@trap(2_000)
def a_digest_to_judge(n: int) -> Run:
    text = f'Digest username="{"u" * n}", realm="r", nonce="{"n" * n}", uri="sip:{"h" * n}", response="{"0" * 32}"'
    found = parse_credentials("authorization", text + ", a=b" * n)
    return lambda: judge(from_credentials(found, "REGISTER", b"x" * n), Secrets(for_all=Secret("p")))


@pytest.mark.timeout(600)
def test_work_grows_with_the_message() -> None:
    assert squares(__name__) == {}

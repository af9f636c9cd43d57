"""Lines of documents: what is taken off, replaced and parted, and what is left as it is."""

from __future__ import annotations

import io

import pytest

from analyzer.capture.flows.mending import REPAIRS, is_known, mended
from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from tests.plugins.folders import loaded


def texts(line: str | bytes) -> list[bytes]:
    return [one.text for one in mended(1, line.encode() if isinstance(line, str) else line)]


def codes(line: str) -> set[str]:
    return set().union(*(one.codes for one in mended(1, line.encode())))


@pytest.mark.parametrize(
    ("line", "wanted", "code"),
    [
        ("From: Bob &lt;sip:b@h&gt;;tag=1", "From: Bob <sip:b@h>;tag=1", "repaired-escapes"),
        ("F1 REGISTER A -&gt; B", "F1 REGISTER A -> B", "repaired-escapes"),
        ("a&#x3c;b&#62;&amp;&quot;", 'a<b>&"', "repaired-escapes"),
        ("realm=\u201cexample\u201d, qop=\u2018auth\u2019", "realm=\"example\", qop='auth'", "repaired-escapes"),
        ("Max\u2011Forwards:\u00a070", "Max-Forwards: 70", "repaired-escapes"),
        ("\ufeffVia:\u200b x", "Via: x", "repaired-escapes"),
        ("F1 REGISTER A \u2192 B", "F1 REGISTER A -> B", "repaired-escapes"),
        ("Call-ID\uff1a a1", "Call-ID: a1", "repaired-escapes"),
        ("<b>Via</b>: x<br />", "Via: x", "repaired-escapes"),
        ('To: <a href="sip:b@h">sip:b@h</a>', "To: sip:b@h", "repaired-escapes"),
        ("<allOneLine>", "", "repaired-escapes"),
        ("\u2022 Via: x", " Via: x", "repaired-markup"),
        ("* ;branch=z9hG4bK1", ";branch=z9hG4bK1", "repaired-markup"),
        ("o To: <sip:b@h>", "To: <sip:b@h>", "repaired-markup"),
        ("12. CSeq: 1 REGISTER", "CSeq: 1 REGISTER", "repaired-markup"),
        ('- realm="x",', 'realm="x",', "repaired-markup"),
        ("```sip", "", "repaired-markup"),
        ("`Via: x`", "Via: x", "repaired-markup"),
    ],
)
def test_what_is_put_right(line: str, wanted: str, code: str) -> None:
    assert [one.strip() for one in texts(line)] == [wanted.strip().encode()]
    assert codes(line) == {code} or codes(line) == {code, "repaired-escapes"}


@pytest.mark.parametrize(
    "line",
    [
        "Contact: *",
        "Contact: <sip:bob@h>;expires=60",
        "To: Bob <sip:bob@h>",
        "From: <i@h>",  # no tag: it has no blank, slash or end
        "Subject: a & b; c &c; &unknown;",
        "- not a header",
        "o nothing",
        "1 REGISTER",
        "* a list",
        "User-Agent: A*B/1 (C*D)",
        "   SIP/2.0 200 OK",
        "\tVia: SIP/2.0/UDP h;branch=z9hG4bK1",
        "http://example.com/?a=1&lt=2",
    ],
)
def test_what_is_left_as_it_is(line: str) -> None:
    found = texts(line)
    assert len(found) == 1
    assert found[0].strip() == line.strip().encode() or "&" in line
    assert not codes(line) or "&" in line


def test_emphasis_stays_for_the_legend() -> None:
    assert texts("Via: SIP/2.0/TLS client.**Biloxi**:5061") == [b"Via: SIP/2.0/TLS client.**Biloxi**:5061"]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("Max-Forwards: 70 From: <sip:b@h>;tag=1 To: <sip:b@h>", 3),
        ("REGISTER sip:h SIP/2.0 Via: SIP/2.0/UDP h;branch=z9hG4bK1 CSeq: 1 REGISTER", 3),
        ("F1 REGISTER A -> B REGISTER sip:h SIP/2.0 Via: SIP/2.0/UDP h", 3),
        ("Content-Length: 0 F2 200 OK B -> A SIP/2.0 200 OK Via: SIP/2.0/UDP h", 4),
        ("Content-Length: 0 And so on, says the author: nothing more", 2),
        ("SIP/2.0 401 Unauthorized Via: SIP/2.0/UDP h WWW-Authenticate: Digest realm=x", 3),
        ('Authorization: Digest username="a To: b", realm="c" CSeq: 1 REGISTER', 2),
    ],
)
def test_lost_line_ends(line: str, parts: int) -> None:
    found = texts(line)
    assert len(found) == parts
    assert b" ".join(found) == line.encode()
    assert "repaired-line-ends" in codes(line)


@pytest.mark.parametrize(
    "line",
    [
        'User-Agent: "a To: b"',
        "Subject: Re: To: b",
        "Contact: <sip:b@h>, <sip:c@h>",
        "The To: header names the user, the From: header who asks",
        "Via: SIP/2.0/UDP a, SIP/2.0/UDP b",
    ],
)
def test_one_header_is_one_header(line: str) -> None:
    assert texts(line) == [line.encode()]


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r",
        b"\x00\xff\xfe",
        b"&" * 5000,
        b"<" * 5000,
        b"*" * 5000,
        b"`" * 5000,
        b"<a " * 2000,
        b"Via: " * 2000,
        b"**a" * 2000,
        b"F1 REGISTER " * 500,
        b"\xc2\xa0" * 2000,
        b"\x93\x94\xa0\x96",
    ],
)
def test_any_octets_are_lines(octets: bytes) -> None:
    found = list(mended(7, octets))
    assert found
    assert all(one.number == 7 for one in found)
    assert sum(len(one.text) for one in found) <= len(octets)
    assert set().union(*(one.codes for one in found)) <= set(REPAIRS)


def test_characters_of_windows_without_its_name() -> None:
    """Word's quotes in CP1252, in a text that is no UTF-8."""
    assert texts(b"realm=\x93a\x94") == [b'realm="a"']


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (b"Via", True), (b"v", True), (b"CALL-ID", True), (b"P-Asserted-Identity", True), (b"X-Anything", True),
        (b"Note", False), (b"Figure", False), (b"http", False), (b"q", False),
    ],
)  # fmt: skip
def test_names_of_headers(name: bytes, known: bool) -> None:
    assert is_known(name) is known


FLOW = loaded("dialect", "flow_text").EXAMPLE
HASHES = b"""   Authorization: Digest username="carol", realm="example.com",
    nonce="ea9c8e88df84f1cec43
    41ae6cbe5a359", uri="sip:pbx.example.com",
    response="dfe56131d1958046689d83306477
    ecc1"
"""


def of_flow(text: bytes) -> RawMessage:
    """The first message of a document."""
    with open_sources([io.BytesIO(text)]) as reading:
        return next(item for item in reading if isinstance(item, RawMessage))


def test_a_digest_is_joined_where_a_line_parted_it() -> None:
    message = of_flow(FLOW.replace(b"   Call-ID: a1\n", HASHES + b"   Call-ID: a1\n", 1))
    assert b'nonce="ea9c8e88df84f1cec4341ae6cbe5a359", uri=' in message.payload
    assert b'response="dfe56131d1958046689d83306477ecc1"' in message.payload
    assert "repaired-wrapping" in [defect.code for defect in message.defects]


def test_a_remark_between_headers_is_none() -> None:
    message = of_flow(FLOW.replace(b"   Call-ID: a1\n", b"   (see section 3 for the tag)\n   Call-ID: a1\n", 1))
    assert message.payload == of_flow(FLOW).payload
    assert [defect.code for defect in message.defects] == ["repaired-remarks"]


@pytest.mark.parametrize("name", ["Call-ID", "CSeq", "Contact", "From"])
def test_words_alone_between_headers_are_a_remark(name: str) -> None:
    """Behind an address they would be a header that nobody sent so."""
    line = f"   {name}:".encode()
    remark = b"   see the note below on the next header.\n"
    message = of_flow(FLOW.replace(line, remark + line, 1))
    assert message.payload == of_flow(FLOW).payload


@pytest.mark.parametrize(
    "rest", [b";expires=60 and more of it", b"<sip:carol@example.com>", b"q=0.7", b"UDP 192.0.2.1"]
)
def test_what_has_the_signs_of_a_header_is_no_remark(rest: bytes) -> None:
    message = of_flow(FLOW.replace(b"   Call-ID: a1\n", b"   " + rest + b"\n   Call-ID: a1\n", 1))
    assert rest in message.payload
    assert "repaired-remarks" not in [defect.code for defect in message.defects]


def test_a_comment_of_a_header_is_no_remark() -> None:
    agent = b"   User-Agent: Phone\n   (firmware of Sunday)\n"
    message = of_flow(FLOW.replace(b"   Call-ID: a1\n", agent + b"   Call-ID: a1\n", 1))
    assert b"User-Agent: Phone (firmware of Sunday)\r\n" in message.payload

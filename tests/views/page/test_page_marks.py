"""Which octets a finding marks: the value that it tells, in the headers of the message that it names, nowhere else."""

from __future__ import annotations

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.sip.message import Message, parse_bytes
from analyzer.views.page.letter import LONGEST_LINE, MOST_BODY, MOST_LINES, letter_of
from analyzer.views.page.marks import START_LINE, Focus, Segment, focus_of, marked
from tests.views.findings import finding
from tests.views.page.pages import analyzed, drawn, page_of, shown_of

REGISTER = b"""REGISTER sip:bob@example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK5\r
From: <sip:bob@example.com>;tag=5\r
CSeq: 5 REGISTER\r
Authorization: Digest username="bob", realm="x", response="abc"\r
Content-Length: 0\r
\r
"""


def message(octets: bytes = REGISTER) -> Message:
    return parse_bytes(octets)


def marks(focus: Focus, octets: bytes = REGISTER) -> dict[str, list[str]]:
    """What is marked, by header."""
    letter = letter_of(message(octets), [focus])
    found = {line.name: [one.text for one in line.segments if one.kind == "mark"] for line in letter.lines}
    return {name: texts for name, texts in found.items() if texts}


def test_a_finding_is_about_the_headers_that_it_names() -> None:
    focus = focus_of(finding(short_title="CSeq goes down", title="", detail="the CSeq is 5 after Call-ID x"))
    assert {"cseq", "call-id"} <= focus.keys
    assert "via" not in focus.keys
    assert START_LINE not in focus.keys


def test_a_finding_about_the_request_uri_is_about_the_start_line() -> None:
    assert START_LINE in focus_of(finding()).keys


def test_a_finding_about_a_digest_is_about_the_credentials() -> None:
    assert "authorization" in focus_of(finding(rule="R7616-digest-verify", detail="it does not match")).keys


def test_the_value_is_marked_in_the_header_that_is_named() -> None:
    assert marks(Focus(frozenset(("cseq",)), "5")) == {"CSeq": ["5"]}


def test_a_value_is_not_marked_within_another_word() -> None:
    assert marks(Focus(frozenset(("via",)), "z9hG4b")) == {}


def test_the_request_uri_is_marked_in_the_start_line() -> None:
    assert marks(Focus(frozenset((START_LINE,)), "sip:bob@example.com")) == {"": ["sip:bob@example.com"]}


def test_a_header_without_the_value_is_marked_as_a_whole() -> None:
    letter = letter_of(message(), [Focus(frozenset(("from",)), "no such value")])
    assert [line.name for line in letter.lines if line.is_about] == ["From"]


@pytest.mark.parametrize("value", ["", "(", "[a-z]*", "\\", "$^", "a" * 400])
def test_any_value_can_be_looked_for(value: str) -> None:
    segments, is_about = marked("via", "a(b", [Focus(frozenset(("via",)), value)])
    assert "".join(segment.text for segment in segments) == "a(b"
    assert is_about


def test_marks_that_overlap_are_one_after_the_other() -> None:
    focuses = [Focus(frozenset(("via",)), "a;b"), Focus(frozenset(("via",)), "b;c")]
    segments, _ = marked("via", "a;b;c", focuses)
    assert segments == [Segment("a;b", "mark"), Segment(";c")]


def test_what_is_malformed_is_marked_and_said() -> None:
    letter = letter_of(message(REGISTER.replace(b"CSeq: 5 REGISTER", b"CSeq: five REGISTER")), [])
    assert [line.name for line in letter.lines if line.is_about] == ["CSeq"]
    assert letter.defects


@pytest.mark.parametrize("scheme", ["Basic", "bearer", "NTLM", ""])
def test_credentials_that_are_no_digest_are_not_shown(scheme: str) -> None:
    octets = REGISTER.replace(b"Digest username", scheme.encode() + b" Sesame username")
    line = next(line for line in letter_of(message(octets), []).lines if line.name == "Authorization")
    assert "Sesame" not in "".join(one.text for one in line.segments)
    assert line.segments[-1].kind == "mask"


def test_folding_is_shown_as_it_was_sent() -> None:
    octets = REGISTER.replace(b"UDP 192", b"UDP\r\n 192")
    line = next(line for line in letter_of(message(octets), []).lines if line.name == "Via")
    assert "UDP\\r\\n 192" in "".join(one.text for one in line.segments)


def test_a_message_is_cut_and_says_so() -> None:
    long = b"X-Long: " + b"a" * (LONGEST_LINE + 500) + b"\r\n"
    many = b"".join(b"X-%d: y\r\n" % number for number in range(MOST_LINES + 10))
    octets = REGISTER.replace(b"Content-Length: 0\r\n\r\n", long + many + b"\r\n" + b"b" * (MOST_BODY + 7))
    letter = letter_of(message(octets), [])
    assert len(letter.lines) == MOST_LINES + 1
    assert "15 more headers not shown" in letter.notes
    assert "7 octets of the body not shown" in letter.notes
    assert [len(line) for line in letter.body] == [MOST_BODY]
    text = next("".join(one.text for one in line.segments) for line in letter.lines if line.name == "X-Long")
    assert "more octets)" in text
    assert len(text) < LONGEST_LINE + 60


def test_a_body_keeps_its_lines_and_nothing_else_of_it_is_obeyed() -> None:
    items = [one for one in read_flow("> REGISTER sip:example.com\n< 200") if isinstance(one, RawMessage)]
    items[0].payload = items[0].payload.replace(b"Content-Length: 0", b"Content-Length: 12") + b"a\r\n\x1b<i>\r\n\rb"
    page = drawn(shown_of(analyzed(items), items))
    assert "<pre>a\n\\x1b&lt;i&gt;\n\\rb\n</pre>" in page


def test_what_is_no_message_is_shown_too() -> None:
    for octets in (b"", b"\r\n\r\n", b"\xff\xfe\0", b"REGISTER", b"A: b", b"SIP/2.0 200", b": \r\n\r\n"):
        assert letter_of(message(octets), []).lines


def test_the_bad_examples_of_all_rules_can_be_shown() -> None:
    """The flows that each rule must complain about: pages of them hold, and most rules mark something."""
    marking = shown = 0
    for rule in all_rules():
        for example in rule.examples:
            if example.expect:
                secrets = Secrets.of(example.passwords) if example.passwords else None
                page = page_of(example.flow, rules=[rule], secrets=secrets, log=example.log)
                shown += 1
                marking += "<mark>" in page or 'class="row about"' in page
    assert marking > shown / 2

"""A message on its way to the wire: its octets stay until an edit says otherwise, and every change is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Fidelity, LogLines, RawMessage
from analyzer.sip.message import Message, parse, parse_bytes
from replay.message_editor import Edit, MessageEditor, spelled
from tests.replay.said import READABLE

REQUEST = (
    b"REGISTER sip:example.com SIP/2.0\r\nv:SIP/2.0/UDP  10.0.0.1;branch=z9hG4bK1 \r\n"
    b'FROM : "B\xc3\xb6b"\r\n <sip:bob@example.com>;tag=f\r\nt: <sip:bob@example.com>\r\nCall-ID:c\r\n'
    b"CSeq: 1\tREGISTER\r\nContact: <sip:bob@10.0.0.1>\r\nX-Odd: \xff\xfe\r\nContact: <sip:bob@10.0.0.2>\r\n"
    b"Content-Length: 4\r\n\r\nbody"
)


def draft_of(octets: bytes = REQUEST) -> MessageEditor:
    return MessageEditor(parse_bytes(octets))


def samples() -> list[tuple[str, Message]]:
    """Every SIP message of the samples, with a name."""
    found = []
    for path in READABLE:
        with open_sources([path]) as reading:
            for item in reading:
                if isinstance(item, RawMessage):
                    found.append((f"{path.parent.name} {item.place}", parse(item)))
    return found


MESSAGES = samples()
ON_WIRE = [(name, one) for name, one in MESSAGES if one.raw_message.fidelity is not Fidelity.TEXT_LOG]
TEXT_LOG = [(name, one) for name, one in MESSAGES if one.raw_message.fidelity is Fidelity.TEXT_LOG]


def test_samples_have_messages_of_both_kinds() -> None:
    assert len(ON_WIRE) > 100 and len(TEXT_LOG) > 50
    assert {one.is_request for _, one in ON_WIRE} == {True, False}


def test_nothing_changed_is_every_octet_kept_in_all_samples() -> None:
    kept = {name: MessageEditor(one).octets() == one.raw for name, one in ON_WIRE}
    assert [name for name, same in kept.items() if not same] == []


def test_printed_messages_become_what_was_on_the_wire_in_all_samples() -> None:
    for name, one in TEXT_LOG:
        octets = MessageEditor(one).octets()
        again = parse_bytes(octets)
        head = octets.partition(b"\r\n\r\n")[0]  # a body has its own line ends
        assert b"\n" not in head.replace(b"\r\n", b""), name
        assert [(row.key, row.value) for row in again.headers] == [(row.key, row.value) for row in one.headers], name
        assert MessageEditor(again).octets() == octets, name


def test_an_unchanged_draft_of_odd_octets_is_them() -> None:
    editor = draft_of()
    assert editor.octets() == REQUEST and editor.edits == []


HEADER = st.sampled_from([b"Via", b"v", b"From", b"t", b"CSeq", b"Contact", b"m", b"X-Odd", b"l"])
VALUE = st.binary(max_size=12).map(lambda octets: octets.translate(None, b"\r\n\0"))


@given(st.lists(st.tuples(HEADER, st.sampled_from([b":", b": ", b" : "]), VALUE), max_size=8), st.binary(max_size=20))
def test_any_message_that_is_not_changed_keeps_its_octets(rows: list[tuple[bytes, bytes, bytes]], body: bytes) -> None:
    head = b"".join(b"%b%b%b\r\n" % row for row in rows)
    octets = b"REGISTER sip:x SIP/2.0\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
    message = parse_bytes(octets)
    assert MessageEditor(message).octets() == octets[: len(octets) - len(message.trailing)]


@given(st.binary(max_size=200))
def test_no_octets_make_it_raise(octets: bytes) -> None:
    editor = draft_of(octets)
    editor.change("call-id", "x")
    assert b"x" in editor.octets()


def test_line_ends_that_are_no_crlf_are_kept_on_the_wire() -> None:
    octets = b"REGISTER sip:x SIP/2.0\r\nVia: a\nFrom: b\r\n\r\n"
    assert draft_of(octets).octets() == octets


def test_printed_folding_gets_crlf() -> None:
    octets = b"REGISTER sip:x SIP/2.0\nSubject: a\n b\nFrom: c\n\n"
    ends = Endpoint("", 0)
    editor = MessageEditor(
        parse(RawMessage(octets, None, LogLines("log", 1, 5), ends, ends, fidelity=Fidelity.TEXT_LOG))
    )
    assert editor.octets() == octets.replace(b"\n", b"\r\n")


def test_a_change_touches_its_row_alone_and_is_told() -> None:
    editor = draft_of()
    editor.change("to", "<sip:carol@example.com>", "R1", "because")
    assert editor.octets() == REQUEST.replace(b"\r\nt: <sip:bob@", b"\r\nt: <sip:carol@")
    assert editor.edits == [Edit("To", "<sip:bob@example.com>", "<sip:carol@example.com>", "R1", "because")]


def test_a_change_unfolds_its_own_row() -> None:
    editor = draft_of()
    editor.change("from", "<sip:x@y>;tag=1")
    assert b"\r\nFROM: <sip:x@y>;tag=1\r\nt: <sip" in editor.octets()


def test_a_change_to_what_is_there_is_none() -> None:
    editor = draft_of()
    editor.change("call-id", "c")
    editor.restart("REGISTER sip:example.com SIP/2.0", "Request-URI", "a", "b")
    editor.drop("route")
    assert editor.octets() == REQUEST and editor.edits == []


def test_several_rows_become_one() -> None:
    editor = draft_of()
    editor.change("contact", "*")
    assert editor.all("contact") == ["*"]
    assert editor.edits == [Edit("Contact", "<sip:bob@10.0.0.1>, <sip:bob@10.0.0.2>", "*")]
    assert editor.octets().count(b"Contact:") == 1 and b"Contact: *\r\nX-Odd: \xff\xfe\r\n" in editor.octets()


@pytest.mark.parametrize(("key", "place"), [("via", 0), ("max-forwards", 3)])
def test_a_new_row_finds_its_place(key: str, place: int) -> None:
    editor = draft_of(b"REGISTER sip:x SIP/2.0\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\nl: 0\r\n\r\n")
    editor.change(key, "new", "R", "missing")
    assert [line.key for line in editor.lines].index(key) == place
    assert editor.edits == [Edit(spelled(key), "", "new", "R", "missing")]


def test_a_new_row_comes_last_without_content_length() -> None:
    editor = draft_of(b"REGISTER sip:x SIP/2.0\r\nFrom: a\r\n\r\n")
    editor.change("expires", "60")
    assert editor.octets() == b"REGISTER sip:x SIP/2.0\r\nFrom: a\r\nExpires: 60\r\n\r\n"


def test_a_dropped_row_is_told_with_all_its_values() -> None:
    editor = draft_of()
    editor.drop("contact", "R", "why")
    assert editor.edits == [Edit("Contact", "<sip:bob@10.0.0.1>, <sip:bob@10.0.0.2>", "", "R", "why")]
    assert b"Contact" not in editor.octets() and editor.first("contact") is None and editor.all("contact") == []


def test_a_new_start_line_is_told() -> None:
    editor = draft_of()
    editor.restart("REGISTER sip:y SIP/2.0", "Request-URI", "sip:example.com", "sip:y", "R", "why")
    assert editor.octets() == REQUEST.replace(b"sip:example.com SIP", b"sip:y SIP")
    assert editor.edits == [Edit("Request-URI", "sip:example.com", "sip:y", "R", "why")]


def test_adding_is_silent_and_for_answers() -> None:
    editor = draft_of(b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    editor.add("contact", "<sip:a@b>")
    editor.add("contact", "<sip:c@d>")
    assert editor.all("contact") == ["<sip:a@b>", "<sip:c@d>"]
    assert editor.edits == [] and not editor.is_request


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("call-id", "Call-ID"),
        ("cseq", "CSeq"),
        ("www-authenticate", "WWW-Authenticate"),
        ("mime-version", "MIME-Version"),
        ("max-forwards", "Max-Forwards"),
        ("via", "Via"),
    ],
)
def test_spelling_is_the_usual_one(key: str, name: str) -> None:
    assert spelled(key) == name


def test_a_wire_octet_that_is_no_utf8_survives_a_change_of_its_neighbour() -> None:
    editor = draft_of()
    editor.change("call-id", "other")
    assert b"X-Odd: \xff\xfe\r\n" in editor.octets() and b'"B\xc3\xb6b"' in editor.octets()


def test_octets_that_are_no_utf8_survive_a_change_of_their_own_row() -> None:
    editor = draft_of()
    editor.change("x-odd", f"{editor.first('x-odd')}!")
    assert b"X-Odd: \xff\xfe!\r\n" in editor.octets()

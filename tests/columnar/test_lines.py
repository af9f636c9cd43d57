"""Lines, templates and shapes: everything that columns hold is what the parser reads."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar import scan as scan_module
from analyzer.columnar.columns import Values, by_length, firsts, mixed, numbered, same_rows
from analyzer.columnar.layouts import MOST_LINES
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.records import Unsuited
from analyzer.columnar.scan import Scanned, _line_ends, scan
from analyzer.columnar.shapes import Shapes, shapes_of
from analyzer.columnar.template import COLUMNS, PLACE, spans_of, values_of
from analyzer.sip.message import parse_bytes
from tests.columnar.captures import packets, write

REQUEST = (
    b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bKabc.1\r\n"
    b'From: "Bob" <sip:bob@example.com>;tag=a1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1@192.0.2.1\r\n'
    b'CSeq: 12 REGISTER\r\nContact: <sip:bob@192.0.2.1:5060;ob>;expires=60;+sip.instance="<urn:uuid:0a-1>"\r\n'
    b'Authorization: Digest username="bob",realm="r",cnonce="cc",nc=00000001,qop=auth,uri="sip:example.com",'
    b'nonce="nn+/=",response="00000000000000000000000000000000",algorithm=MD5\r\n'
    b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
READ = {
    "branch": b"abc.1",
    "sent_by": b"192.0.2.1:5060",
    "from_name": b"Bob",
    "from_user": b"bob",
    "from_tag": b"a1",
    "to_user": b"bob",
    "call_id": b"c1",
    "call_host": b"192.0.2.1",
    "cseq": b"12",
    "contact_user": b"bob",
    "contact_place": b"192.0.2.1:5060",
    "instance": b"0a-1",
    "username": b"bob",
    "cnonce": b"cc",
    "nc": b"00000001",
    "nonce": b"nn+/=",
    "response": b"0" * 32,
}


@pytest.fixture(scope="module")
def scanned(calm: Path) -> Scanned:
    return scan(packets_of(records_of(calm)))


@pytest.fixture(scope="module")
def shapes(scanned: Scanned) -> Shapes:
    return shapes_of(scanned)


def test_values_are_what_the_parser_reads() -> None:
    assert values_of(parse_bytes(REQUEST)) == READ


def test_spans_lie_where_the_values_are() -> None:
    spans = spans_of(parse_bytes(REQUEST))
    assert {COLUMNS[one.column]: REQUEST[one.start : one.end] for one in spans} == READ
    assert all(one.end <= two.start for one, two in pairwise(spans))


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (b"bob@example.com>;tag", b"b%6Fb@example.com>;tag", "from_user"),
        (b"tag=a1", b"tag=a~1", "from_tag"),
        (b'username="bob"', b'username="b ob"', "username"),
        (b"c1@", b"c(1)@", "call_id"),
        (b"192.0.2.1:5060;rport", b"host.example;rport", "sent_by"),
    ],
)
def test_a_value_of_other_characters_stays_literal(old: bytes, new: bytes, column: str) -> None:
    assert column not in {COLUMNS[one.column] for one in spans_of(parse_bytes(REQUEST.replace(old, new, 1)))}


def test_every_column_of_every_message_is_what_the_parser_reads(scanned: Scanned) -> None:
    assert scanned.known.all()
    for row in range(0, len(scanned.known), 7):
        message = scanned.message(row)
        values = values_of(message)
        for name, column in PLACE.items():
            start = int(scanned.place(name, row) - scanned.packets.start[row])
            length = int(scanned.layouts.lengths[column, scanned.layout[row]])
            if length:
                assert message.raw[start : start + length] == values[name]
        assert message.cseq is not None
        assert scanned.cseq[row] == message.cseq.number


def test_shapes_are_few_and_certified(shapes: Shapes) -> None:
    assert 20 <= len(shapes.all) <= 30
    for shape in shapes.all:
        assert shape.why == ""  # 403 among them: who is refused is ordinary
        assert shape.status == shape.example.status
    assert {shape.status for shape in shapes.all if shape.status} == {200, 401, 403}
    assert {shape.expires for shape in shapes.all if shape.status not in (401, 403)} == {60}


def test_a_message_of_its_own_is_unknown_or_a_shape_of_its_own(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    odd = several[8].message
    for at, text in enumerate(
        (
            odd.replace(b"\r\n", b"\n"),
            odd[:-2],
            odd + b"v=0\r\n",
            odd.replace(b"CSeq", b"CSeq "),
            b"\r\n" + odd,
            odd.replace(b"Max-Forwards: 70", b"Max-Forwards: 070"),
            odd.replace(b"Max-Forwards: 70\r\n", b""),
            odd.replace(b"Call-ID:", b"i:"),
            odd.replace(b"REGISTER sip", b"REGISTER  sip"),
        )
    ):
        changed = [*several[:8], several[8].saying(text), *several[9:]]
        found = scan(packets_of(records_of(write(tmp_path / f"{at}.pcap", changed))))
        if len(found.known) < len(several):
            continue  # it does not begin as a request: the reader of packets has it
        assert not found.known[8] or not _is_common(found, 8)


def _is_common(scanned: Scanned, row: int) -> bool:
    shapes = shapes_of(scanned)
    return int((shapes.of == shapes.of[row]).sum()) > 1


def test_too_many_kinds_of_lines_are_not_learned(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    made_up = [
        one.saying(one.message.replace(b"Max-Forwards: 70", b"X-Header-%05d: 1" % at)) for at, one in enumerate(several)
    ]
    found = scan(packets_of(records_of(write(tmp_path / "many.pcap", made_up))))
    assert 0 < (~found.known).sum() < len(several)


def test_keys_and_equality(scanned: Scanned) -> None:
    values = Values(scanned)
    rows = np.arange(len(scanned.known))
    texts = values.texts(rows, "call_id")
    which, count = numbered(values.key(rows, "call_id"))
    assert count == len(set(texts))
    assert all(texts[one] == texts[two] for one, two in zip(rows, firsts(which, count)[which], strict=True))
    same = values.equal(rows[:-1], rows[1:], "call_id")
    assert same.tolist() == [one == two for one, two in pairwise(texts)]
    assert values.key(rows, "call_id").tolist() == values.keys_of([(text,) for text in texts]).tolist()
    users = values.texts(rows, "to_user")
    together = values.keys_of(list(zip(texts, users, strict=True)))
    assert values.key(rows, "call_id", "to_user").tolist() == together.tolist()
    assert len(values.keys_of([])) == 0 and len(values.keys_of([("", "x" * 1000)])) == 1
    assert values.text(3, "call_id") == texts[3]
    assert values.copies(rows, rows).all()
    assert not values.copies(rows[:-1], rows[1:]).any()


def test_an_equal_key_decides_nothing(monkeypatch: pytest.MonkeyPatch, scanned: Scanned) -> None:
    monkeypatch.setattr("analyzer.columnar.columns._mixed", lambda key: key * np.uint64(0))
    monkeypatch.setattr("analyzer.columnar.layouts._WEIGHTS", np.zeros(MOST_LINES, np.uint64))
    with pytest.raises(Unsuited, match="one key"):
        shapes_of(scanned)
    with pytest.raises(Unsuited, match="one key"):
        same_rows(np.array([1, 2]), np.array([3, 3]))


def test_groups_and_mixtures() -> None:
    assert [(length, rows.tolist()) for length, rows in by_length(np.array([2, 1, 2]))] == [(1, [1]), (2, [0, 2])]
    one, two = np.array([1, 1, 2]), np.array([5, 5, 5])
    keys = mixed(one, two)
    assert keys[0] == keys[1] != keys[2]
    assert same_rows(one, two)[0].tolist() in ([0, 0, 1], [1, 1, 0])
    assert firsts(np.array([1, 0, 1, 0]), 3).tolist() == [1, 0, -1]


@pytest.mark.parametrize("sparse", [0, 10**9], ids=["gathered", "in their places"])
def test_lines_are_found_among_anything(
    calm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sparse: int
) -> None:
    """Media between messages, line feeds in it, and messages of no octets make no difference."""
    several = packets(calm)[:300]
    empty = several[7].saying(b"")
    several[7] = empty._replace(frame=empty.frame + b"REGISTER ")  # what the link adds to it is no message
    mixed = [each for one in several for each in (one, one.saying(b"\x80" + b"a\r\n" * 400))]
    packed = packets_of(records_of(write(tmp_path / "mixed.pcap", mixed)))
    found = _line_ends(packed.records.octets, packed.start, packed.length)
    monkeypatch.setattr(scan_module, "_SPARSE", sparse)
    other = _line_ends(packed.records.octets, packed.start, packed.length)
    assert all((one == two).all() for one, two in zip(found, other, strict=True))
    told = [one.message.count(b"\n") for one in several]
    told[7] = 0
    assert np.bincount(other[1], minlength=len(several)).tolist() == told
    assert set(packed.records.octets[other[0]].tolist()) == {10}

"""Who is ordinary, and who is not."""

from __future__ import annotations

import re
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar import partial
from analyzer.columnar.clients import Strangers, clients_of
from analyzer.columnar.facts import end_of, token_of
from analyzer.columnar.partial import capture_of
from analyzer.columnar.records import Unsuited
from analyzer.columnar.shared import Capture
from analyzer.evidence import Endpoint
from analyzer.memory import memory
from analyzer.run.pipeline import analyze
from tests.columnar.captures import SECOND, Both, Packet, assert_same, packets, write

_USER = b"1000012"


def test_transactions_are_those_of_the_object_path(calm: Path, calmly: Both) -> None:
    rows = analyze(calm, tables=False, columnar="never").transactions
    assert calmly.capture is not None
    exchanges, packets_ = calmly.capture.exchanges, calmly.capture.values.scanned.packets
    assert len(rows) == len(exchanges)
    for row, first, copies, begun, answered in zip(
        rows,
        (packets_.plain[exchanges.first] + 1).tolist(),
        exchanges.copies.tolist(),
        exchanges.begun.tolist(),
        exchanges.answered.tolist(),
        strict=True,
    ):
        assert row.request is not None
        assert (row.request[1], row.retransmissions, row.request_time, row.final_time) == (
            first,
            copies,
            begun,
            answered,
        )


def test_clients_are_those_of_the_object_path(calm: Path, calmly: Both) -> None:
    registrations = analyze(calm, tables=False, columnar="never").registrations
    assert calmly.capture is not None
    clients = calmly.capture.clients
    known = {one.call_id: one for one in registrations}
    for number, facts in enumerate(clients.facts):
        if facts is None:
            continue
        one = known[facts.call_id]
        assert (f"sip:{facts.user}@example.com", facts.source) == (one.aor, one.source)
        assert clients.ordinary[number]
        assert len(clients.exchanges(number)) == len(one.transactions)
    assert any(one.outcome == "rejected" for one in registrations)
    assert len(known) == clients.ordinary.sum()


def _again(capture: Capture, strangers: Strangers) -> int:
    end = int(capture.values.scanned.packets.records.time[-1])
    found = clients_of(capture.values, capture.shapes, capture.exchanges, strangers, end)
    return int(capture.clients.ordinary.sum() - found.ordinary.sum())


def test_whoever_shares_with_strangers_is_not_ordinary(calmly: Both) -> None:
    capture = calmly.capture
    assert capture is not None
    client = int(np.flatnonzero(capture.clients.ordinary)[3])
    facts = capture.clients.facts[client]
    assert facts is not None
    first = int(capture.clients.exchanges(client)[0])
    row, final = int(capture.exchanges.first[first]), int(capture.exchanges.final[first])
    source = int(capture.values.scanned.packets.source[row])
    assert _again(capture, Strangers()) == 0
    assert _again(capture, Strangers(calls={facts.call_id})) == 1
    assert _again(capture, Strangers(users={facts.user})) == 1
    assert _again(capture, Strangers(ends={source})) == 1
    assert _again(capture, Strangers(branches={capture.values.text(row, "branch")})) == 1
    assert _again(capture, Strangers(nonces={capture.values.text(final, "nonce")})) == 1
    assert _again(capture, Strangers(users={"nobody"}, calls={"none@here"}, nonces={"x"})) == 0


def _with(several: list[Packet], user: bytes, old: bytes, new: bytes) -> list[Packet]:
    """All messages of a user say something else, in the same way."""
    return [
        one.saying(re.sub(old, new, one.message)) if b"sip:" + user + b"@" in one.message else one for one in several
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"sip:1000012@example", b"sip:1000013@example"),
        (rb"Call-ID: [^\r]+", b"Call-ID: same"),
        (rb"expires([:=] ?)\d+", rb"expires\g<1>3"),
        (rb'nonce="[^"]{9}[^"]+"', b'nonce="abcdefgh"'),
    ],
    ids=["the user of another", "one Call-ID", "seconds alone are granted", "a short nonce for ever"],
)
def test_other_ways_of_life(calm: Path, tmp_path: Path, old: bytes, new: bytes) -> None:
    assert_same(write(tmp_path / "other.pcap", _with(packets(calm), _USER, old, new)))


def test_two_phones_with_one_call_id(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    for user in (b"1000012", b"1000013"):
        several = _with(several, user, rb"Call-ID: [^\r]+", b"Call-ID: same")
    found = assert_same(write(tmp_path / "twins.pcap", several))
    assert found.capture is not None
    assert all(one is None or one.call_id != "same" for one in found.capture.clients.facts)


def test_nonces_that_are_numbers(calm: Path, tmp_path: Path) -> None:
    """A counter is found by the order of all challenges, so the object path has to see them all."""
    several = packets(calm)
    count = 0
    known: dict[bytes, bytes] = {}
    changed = []
    for one in several:
        found = re.search(rb' nonce="([^"]+)"', one.message)
        message = one.message
        if found is not None:
            count += found[1] not in known
            number = known.setdefault(found[1], b"%032d" % (7_000 + count))
            message = message.replace(found[1], number)
        changed.append(one.saying(message))
    found_both = assert_same(write(tmp_path / "counter.pcap", changed))
    assert found_both.why == "nonces count up"


def _dated(one: Packet, ahead: int = 0) -> Packet:
    """A 200 that tells the time."""
    written = formatdate(one.time // SECOND + ahead, usegmt=True).encode()
    return one.saying(one.message.replace(b"\r\nServer:", b"\r\nDate: %b\r\nServer:" % written))


def test_answers_that_tell_the_time(calm: Path, calmly: Both, tmp_path: Path) -> None:
    dated = [_dated(one) if one.message.startswith(b"SIP/2.0 200") else one for one in packets(calm)]
    found = assert_same(write(tmp_path / "dated.pcap", dated))
    assert found.capture is not None
    assert calmly.capture is not None
    lost = calmly.capture.clients.ordinary.sum() - found.capture.clients.ordinary.sum()
    assert 0 <= lost < 30  # whose answer was sent again a second later, with another time in it


@pytest.mark.parametrize("ahead", [59, 60, 61, 3000, 100_000, -61])
def test_answers_that_tell_another_time(calm: Path, tmp_path: Path, ahead: int) -> None:
    dated = [
        _dated(one, ahead if at > 60 else 0) if one.message.startswith(b"SIP/2.0 200") else one
        for at, one in enumerate(packets(calm))
    ]
    assert_same(write(tmp_path / "skewed.pcap", dated))


def test_answers_with_a_date_that_is_none(calm: Path, tmp_path: Path) -> None:
    dated = []
    for at, one in enumerate(packets(calm)):
        changed = _dated(one) if one.message.startswith(b"SIP/2.0 200") else one
        text = changed.message.replace(b"GMT", b"CET") if at % 9 == 0 else changed.message
        text = re.sub(rb"Date: \w{3},", b"Date: Sun,", text) if at % 7 == 0 else text
        dated.append(changed.saying(text))
    assert_same(write(tmp_path / "undated.pcap", dated))


@pytest.mark.parametrize("most", [100, 180])
def test_nonces_are_forgotten_in_the_same_order(calm: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    for name in ("register.challenges", "columnar.shared", "columnar.clients", "columnar.course"):
        monkeypatch.setattr(f"analyzer.{name}.MOST_NONCES", most)
    found = assert_same(calm)
    assert found.columns is not None
    assert "nonces were forgotten" in found.objects


def test_a_user_that_is_written_otherwise(calm: Path, tmp_path: Path) -> None:
    """An escaped user is the same user (RFC 3261 19.1.4), in a request that no column has."""
    several = packets(calm)
    other = next(one for one in several if one.message.startswith(b"REGISTER") and b"sip:1000012@" in one.message)
    text = other.message.replace(b"sip:1000012@", b"sip:100001%32@").replace(b"Call-ID: ", b"Call-ID: x")
    text = text.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
    for at in (30, 400):
        changed = [*several[:at], several[at]._replace(frame=other.frame).saying(text), *several[at:]]
        found = assert_same(write(tmp_path / f"escaped-{at}.pcap", changed))
        assert found.capture is not None
        assert all(one is None or one.user != "1000012" for one in found.capture.clients.facts)


def test_hexadecimal_nonces(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    changed = []
    for one in several:
        message = re.sub(
            rb' nonce="([^"]+)"', lambda found: b' nonce="%b"' % found[1].hex().encode()[7:39], one.message
        )
        changed.append(one.saying(message))
    assert assert_same(write(tmp_path / "hex.pcap", changed)).columns is not None


def test_one_address_for_all(calm: Path, tmp_path: Path) -> None:
    """All phones behind one translator, each at a port of its own; and all at one port."""
    several = packets(calm)
    number = {one.frame[26:30] if one.frame[26] != 192 else one.frame[30:34]: 0 for one in several}
    for at, address in enumerate(number):
        number[address] = 20_000 + at
    for name, port_of in (("ports", number.__getitem__), ("port", lambda _: 5060)):
        changed = [_behind(one, port_of) for one in several]
        assert_same(write(tmp_path / f"{name}.pcap", changed))


def _behind(one: Packet, port_of: object) -> Packet:
    frame = bytearray(one.frame)
    is_answer = frame[26] == 192
    own = bytes(frame[30:34] if is_answer else frame[26:30])
    at, place = (30, 36) if is_answer else (26, 34)
    old_port = int.from_bytes(frame[place : place + 2])
    port = port_of(own)  # type: ignore[operator]
    frame[at : at + 4] = bytes((203, 0, 113, 9))
    frame[place : place + 2] = port.to_bytes(2)
    old = b"%d.%d.%d.%d" % tuple(own)
    message = one.message.replace(b"received=" + old, b"received=203.0.113.9")
    message = message.replace(b"rport=%d" % old_port, b"rport=%d" % port)
    message = message.replace(b'received="sip:%b:%d"' % (old, old_port), b'received="sip:203.0.113.9:%d"' % port)
    return Packet(one.time, bytes(frame)).saying(message)


def test_ends_and_tokens() -> None:
    assert end_of(192 << 40 | 168 << 32 | 5 << 16 | 5060) == Endpoint("192.168.0.5", 5060)
    assert token_of("bob", "bob") == ""
    assert token_of("1000-0x55de4ce5bd30", "1000") == "user=1000-0x55de4ce5bd30"


def test_too_few_messages(calm: Path) -> None:
    with pytest.raises(Unsuited, match="too few"):
        capture_of(calm, least=10_000)


def test_too_many_messages(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "OF_MESSAGE", memory())
    with pytest.raises(Unsuited, match="too many"):
        capture_of(calm)

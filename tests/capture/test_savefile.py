"""Messages as a capture: read again they are the same transactions, whatever they came from."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.pcapng_options import SAID_OF_TLS
from analyzer.capture.savefile import SaveFile
from analyzer.evidence import SECOND, Endpoint, Fidelity, Frame, NetworkError, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report, TransactionRow
from analyzer.sip.transports import SECURED
from tests.register.loose import loose
from tests.register.traffic import request
from tests.shared import ROOT
from tests.tools import Tool

SAMPLES = sorted(
    path
    for path in (ROOT / "samples").glob("*/input.*")
    if path.suffix in (".pcap", ".pcapng", ".txt", ".log", ".json", ".ansi") and "tls" not in path.parent.name
)


def saved(items: list[RawMessage], path: Path) -> Path:
    with path.open("wb") as file:
        target = SaveFile(file)
        for item in items:
            target.add(item)
        target.finish()
    assert target.written == len(items)
    return path


def read(path: Path) -> list[RawMessage]:
    with open_sources([path]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


def told(row: TransactionRow) -> tuple[object, ...]:
    """What a transaction is, apart from where it was seen."""
    said = (row.aor, row.request_uri, row.status, row.reason, row.provisional, row.credentials, row.challenge)
    return (row.id, row.registration, row.call_id, row.cseq, row.branch, row.retransmissions, *said)


def outcome(report: Report) -> list[tuple[object, ...]]:
    return [(one.aor, one.outcome, one.status, one.attempts) for one in report.registrations]


ONE_CAPTURE = [path for path in SAMPLES if not path.parent.name.startswith("flow-text-")]
"""A document shows several captures, which `sipcheck export` says it mixes."""


@pytest.mark.parametrize("path", ONE_CAPTURE, ids=lambda path: path.parent.name)
def test_every_sample_is_the_same_again(path: Path, tmp_path: Path) -> None:
    items = read(path)
    once, again = analyze(path, rules=()), analyze(saved(items, tmp_path / "x.pcap"), rules=())
    assert again.summary.messages == once.summary.messages == len(items) > 0
    assert again.sources[0].defects == 0
    assert list(map(told, again.transactions)) == list(map(told, once.transactions))
    if all(item.time is not None for item in items):
        assert [row.request_time for row in again.transactions] == [row.request_time for row in once.transactions]
    if "aborted" not in once.summary.states:  # an ICMP error is no message
        assert outcome(again) == outcome(once)


def test_octets_addresses_and_nanoseconds_are_kept(tmp_path: Path) -> None:
    for name in ("ipv6", "tcp-split", "retransmissions"):
        items = read(next(path for path in SAMPLES if path.parent.name == name))
        again = read(saved(items, tmp_path / f"{name}.pcap"))
        for one, other in zip(items, again, strict=True):
            assert (one.payload, one.time, one.source, one.destination) == (
                other.payload,
                other.time,
                other.source,
                other.destination,
            )
            assert (one.transport, one.ip_id or 0) == (other.transport, other.ip_id or 0)


def test_what_a_log_does_not_say_is_filled_in(tmp_path: Path) -> None:
    printed = [
        replace(item, source=Endpoint("asterisk", 0), time=None, fidelity=Fidelity.TEXT_LOG)
        for item in (request(0), request(1, branch="z9hG4bKy"), request(0))
    ]
    first, second, copy = read(saved(printed, tmp_path / "x.pcap"))
    assert first.source == Endpoint("192.0.2.1", 5060)
    assert (first.time, second.time, copy.time) == (1_000_000, 2_000_000, 3_000_000)
    assert analyze(tmp_path / "x.pcap").summary.retransmissions == 1  # and no packet that was captured twice


def test_a_name_beside_an_ipv6_address_has_one_too(tmp_path: Path) -> None:
    one = replace(request(0), source=Endpoint("pbx", 0), destination=Endpoint("2001:db8:1::5", 5070))
    two = replace(request(1), source=Endpoint("192.0.2.77", 5060), destination=Endpoint("2001:db8:1::5", 5070))
    first, second = read(saved([one, two], tmp_path / "x.pcap"))
    assert (first.source, first.destination) == (Endpoint("2001:db8::1", 5060), Endpoint("2001:db8:1::5", 5070))
    assert second.source.host in ("::ffff:192.0.2.77", "::ffff:c000:24d")


def test_a_message_that_was_cut_is_cut_again(tmp_path: Path) -> None:
    cut = replace(request(0), missing=40)
    (again,) = read(saved([cut], tmp_path / "x.pcap"))
    assert (again.payload, again.missing) == (cut.payload, 40)


@pytest.mark.parametrize("host", ["192.0.2.9", "2001:db8::9"])
def test_what_was_lost_of_a_stream_is_seen_again(host: str, tmp_path: Path) -> None:
    """Though nothing that is written comes behind it; and a message that was cut tells how much is missing."""
    phone, server = Endpoint(host, 1), Endpoint(host, 5060)
    whole = replace(request(1), source=phone, destination=server, transport="TCP", time=1, stream=1)
    cut = replace(whole, payload=whole.payload[:80], missing=40)
    path = tmp_path / "x.pcap"
    with path.open("wb") as file:
        target = SaveFile(file)
        for item in (whole, NetworkError(2, Frame("made", 1), server, phone, "TCP", "gap", ""), cut, whole):
            target.add_error(item) if isinstance(item, NetworkError) else target.add(item)
        target.finish()
    with open_sources([path]) as reading:
        items = [
            (item.reason, "") if isinstance(item, NetworkError) else (item.missing, item.payload) for item in reading
        ]
    gap, lost = ("gap", ""), (40, cut.payload)
    assert items == [(0, whole.payload), gap, lost, gap, (0, whole.payload)]


def test_a_message_beyond_a_datagram_is_cut_and_counted() -> None:
    out = io.BytesIO()
    target = SaveFile(out)
    large = replace(request(0), payload=request(0).payload + b"x" * 70_000)
    target.add(large)
    assert (target.written, target.cut) == (1, 1)
    target.add(replace(large, transport="TCP"))
    assert (target.written, target.cut) == (2, 1)


def test_a_long_message_over_a_stream_is_whole(tmp_path: Path) -> None:
    (start,) = read_flow("> REGISTER sip:example.com")
    assert isinstance(start, RawMessage)
    body = b"x" * 100_000
    payload = start.payload.replace(b"Content-Length: 0", b"Content-Length: 100000") + body
    (again,) = read(saved([replace(start, payload=payload, transport="TLS")], tmp_path / "x.pcap"))
    assert again.payload == payload and again.transport == "TCP"


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("pair", SECURED.items())
def test_what_was_within_tls_is_known_again(pair: tuple[str, str], tmp_path: Path) -> None:
    """Beside a message without it, over streams of their own; the end of the connection, too."""
    bare, within = pair
    phone, other, server = Endpoint("192.0.2.10", 5070), Endpoint("192.0.2.11", 5070), Endpoint("192.0.2.1", 5061)
    items = [
        RawMessage(request(0).payload, 1_000 * SECOND, Frame("x", 1, 0), phone, server, within),
        RawMessage(request(0).payload, 1_001 * SECOND, Frame("x", 2, 0), other, server, bare),
    ]
    error = NetworkError(1_002 * SECOND, Frame("x", 3, 0), phone, server, within, "reset")
    found = {}
    for tells_tls in (True, False):
        out = tmp_path / f"{tells_tls}.cap"
        with out.open("wb") as file:
            target = SaveFile(file, tells_tls=tells_tls)
            for item in items:
                target.add(item)
            target.add_error(error)
            target.finish()
        with open_sources([out], engine="native") as reading:
            found[tells_tls] = [(item.source, item.transport, item.time) for item in reading]
            assert reading.sources[0].quality.count(SAID_OF_TLS) == tells_tls
    times = [item.time for item in items] + [error.time]
    assert found[True] == list(zip((phone, other, phone), (within, bare, within), times, strict=True))
    assert found[False] == list(zip((phone, other, phone), (bare, bare, bare), times, strict=True))


def test_an_interface_for_tls_without_packets_is_nothing_to_tell(tmp_path: Path) -> None:
    out = tmp_path / "none.pcapng"
    with out.open("wb") as file:
        target = SaveFile(file, tells_tls=True)
        target.add(request(1))
        target.finish()
    with open_sources([out], engine="native") as reading:
        assert [item.transport for item in reading] == ["UDP"]
        assert reading.sources[0].secured == {1} and reading.sources[0].quality == []


def test_tshark_reads_it_without_complaint(tmp_path: Path, tool: Tool) -> None:
    for name in ("asterisk-first-registration", "tcp-split", "ipv6"):
        items = read(next(path for path in SAMPLES if path.parent.name == name))
        path = saved(items, tmp_path / f"{name}.pcap")
        command = [tool("tshark"), "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]
        command += ["-o", "tcp.check_checksum:TRUE", "-T", "fields", "-e", "sip.Call-ID"]
        command += ["-e", "ip.checksum.status", "-e", "udp.checksum.status", "-e", "tcp.checksum.status"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        rows = [line.split("\t") for line in lines]
        assert len(rows) == len(items)
        assert all(row[0] and set(row[1:]) <= {"", "1"} for row in rows), rows  # 1: good


def test_messages_before_the_first_time_stand_just_before_it(tmp_path: Path) -> None:
    flow = "> REGISTER sip:example.com\n< 401\n@9 > REGISTER sip:example.com\nCSeq: 9\n< 200"
    first, second, third, fourth = (item for item in read_flow(flow) if isinstance(item, RawMessage))
    items = [replace(first, time=None), replace(second, time=None), third, fourth]
    again = read(saved(items, tmp_path / "x.pcap"))
    assert third.time is not None
    assert [item.time for item in again] == [third.time - 2_000_000, third.time - 1_000_000, third.time, fourth.time]


def test_without_any_time_they_stand_a_millisecond_apart(tmp_path: Path) -> None:
    items = [replace(request(n), time=None) for n in range(3)]
    assert [item.time for item in read(saved(items, tmp_path / "x.pcap"))] == [1_000_000, 2_000_000, 3_000_000]


def test_what_lies_between_two_times_stands_at_the_earlier_one(tmp_path: Path) -> None:
    flow = "> REGISTER sip:example.com\n< 401\n@9 > REGISTER sip:example.com\nCSeq: 9\n< 200"
    items = loose(flow, {1, 2})
    again = read(saved(items, tmp_path / "x.pcap"))
    start = items[0].time
    assert start is not None
    assert [item.time for item in again] == [start, start + 1_000_000, start + 2_000_000, items[3].time]

"""Before `auto` answers that a capture holds no SIP, it asks tshark about what was not opened, and says so."""

from __future__ import annotations

import bz2
import io
import json
from pathlib import Path

import pytest

from analyzer import analyze
from analyzer.capture import tally, unopened
from analyzer.capture.opener import open_sources
from analyzer.evidence import Frame, Item, NetworkError, RawMessage, Source
from tests.capture.build import (
    EPOCH,
    OK,
    REGISTER,
    RTP,
    at,
    enhanced,
    ethernet,
    frame,
    interface,
    ip4,
    message,
    pcap,
    read,
    section,
    udp,
    write,
)
from tests.capture.deep import EXPORTED, exported, sctp, stand_in
from tests.capture.test_icmp import error
from tests.tools import Tool

needs_tshark = pytest.mark.needs_tool("tshark")
SCTP = [ethernet(ip4(sctp(message(number)), 132)) for number in range(3)]
ESP = [ethernet(ip4(b"x" * 60, 50))] * 2
NO_TSHARK = "tshark is not installed, or not on PATH"


def looked_at(path: Path, **given: str) -> tuple[list[Item], Source]:
    """All items of a capture, and its source."""
    with open_sources([path], **given) as reading:  # type: ignore[arg-type]
        items = list(reading)
    return items, reading.sources[0]


@needs_tshark
def test_what_tshark_opens_is_read(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    items, source = looked_at(write(tmp_path, "sctp.pcap", pcap([frame(RTP), *SCTP, frame(b"\r\n\r\n")])))
    messages = [one for one in items if isinstance(one, RawMessage)]
    assert [one.payload for one in messages] == [message(0), message(1), message(2)]
    assert [(one.place, one.time) for one in messages] == [
        (Frame(source.name, number, one.place.offset), at(number - 1))  # type: ignore[union-attr]
        for number, one in enumerate(messages, 2)
    ]
    assert {one.transport for one in messages} == {"SCTP"}
    assert (source.messages, source.frames, source.keepalives) == (3, 5, 1)
    assert (source.first, source.last) == (at(0), at(4))
    (said,) = source.quality
    assert said.startswith("read by tshark ")
    assert "because sipcheck finds no SIP and does not open 3 packets of IP protocol 132 (SCTP)" in said


@needs_tshark
@pytest.mark.parametrize("pack", [bz2.compress, bytes])
def test_where_tshark_finds_none_it_is_said(tmp_path: Path, pack: object, tool: Tool) -> None:
    assert callable(pack)
    tool("tshark")
    items, source = looked_at(write(tmp_path, "esp.pcap", pack(pcap(ESP))))
    assert (items, source.messages, source.frames) == ([], 0, 2)
    (said,) = source.quality
    assert said.startswith("not opened: 2 packets of IP protocol 50 (ESP); tshark ")
    assert said.endswith(" finds no SIP there either")


@needs_tshark
def test_a_link_type_that_is_described_late(tmp_path: Path, tool: Tool) -> None:
    """Behind the first packet: when the file was opened, nobody knew."""
    tool("tshark")
    octets = (
        section() + interface(1) + enhanced(frame(RTP)) + interface(EXPORTED) + enhanced(exported(REGISTER), number=1)
    )
    items, source = looked_at(write(tmp_path, "late.pcapng", octets))
    assert [one.payload for one in items if isinstance(one, RawMessage)] == [REGISTER]
    assert "does not open 1 packet of link type 252" in source.quality[0]


def test_without_tshark_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    _, source = looked_at(write(tmp_path, "sctp.pcap", pcap(SCTP)))
    assert source.quality == [f"not opened: 3 packets of IP protocol 132 (SCTP); tshark may open more: {NO_TSHARK}"]


def test_a_stream_cannot_be_asked_about() -> None:
    _, _, reading = read(pcap(SCTP))
    assert reading.sources[0].quality == [
        "not opened: 3 packets of IP protocol 132 (SCTP); tshark was not asked: it needs a file"
    ]


def test_our_own_engine_alone_says_what_it_did_not_open(tmp_path: Path) -> None:
    _, source = looked_at(write(tmp_path, "sctp.pcap", pcap(SCTP[:1])), engine="native")
    assert source.quality == ["not opened: 1 packet of IP protocol 132 (SCTP)"]


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once tshark was run."""
    mark = tmp_path / "asked"
    monkeypatch.setenv("PATH", stand_in(tmp_path, f"touch {mark}\nexit 1\n"))
    return mark


CALM = {
    "SIP": [frame(), *SCTP],
    "media": [frame(RTP)] * 3,
    "keep-alives": [frame(b"\r\n\r\n")],
    "neighbours": [ethernet(bytes(28), 0x0806), ethernet(b"\x42\x42\x03" + bytes(40), 0x0026)],
    "routing": [ethernet(ip4(bytes(40), 89)), ethernet(ip4(bytes(40), 2))],
    "names": [frame(b"\x12\x34\1\0\0\1" + bytes(30), sport=40000, dport=53)],
    "TLS": [ethernet(ip4(b"\x9c\x40\x13\xc5" + bytes(8) + b"\x50\x10" + bytes(6) + b"\x16\3\1\0\5hello", 6))],
}


@pytest.mark.parametrize("name", CALM)
def test_tshark_is_not_asked_without_need(name: str, tmp_path: Path, asked: Path) -> None:
    _, source = looked_at(write(tmp_path, "calm.pcap", pcap(CALM[name])))
    assert not asked.exists()
    assert not any("opened:" in said for said in source.quality)


NEED = {
    "SIP's port": frame(b"\xf8 compressed", dport=5060),
    "a tunnel's port": frame(b"\1\0\0\x12\1" + bytes(40), dport=37008),
    "SIP somewhere": frame(b"\x05\xff " + REGISTER, dport=7),
    "an ethertype": ethernet(bytes(60), 0x88E5),
    "no ethertype": b"\1",
    "GRE of something": ethernet(ip4(b"\0\0\x88\x0b" + bytes(40), 47)),
}


@pytest.mark.parametrize("name", NEED)
def test_tshark_is_asked_where_there_is_need(name: str, tmp_path: Path, asked: Path) -> None:
    _, source = looked_at(write(tmp_path, "need.pcap", pcap([NEED[name], frame(RTP)])))
    assert asked.exists()
    assert [said.split(";")[0] for said in source.quality] == [f"not opened: 1 packet of {source.unopened[0][0]}"]


def test_a_capture_beside_one_that_holds_sip_is_not_asked_about(tmp_path: Path, asked: Path) -> None:
    paths = [write(tmp_path, "one.pcap", pcap([frame()])), write(tmp_path, "two.pcap", pcap(SCTP))]
    with open_sources(paths) as reading:
        assert len(list(reading)) == 1
    assert not asked.exists()


@needs_tshark
def test_several_captures_are_all_asked_about(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    late = pcap(SCTP, times=[(EPOCH + 1, 500_000)] * 3)
    paths = [write(tmp_path, "one.pcap", pcap(SCTP)), write(tmp_path, "two.pcap", late)]
    with open_sources(paths) as reading:
        found = [one for one in reading if isinstance(one, RawMessage)]
    assert [one.place.source for one in found] == [str(paths[place]) for place in (0, 0, 1, 1, 1, 0)]


@needs_tshark
def test_errors_of_the_network_are_given_once(tmp_path: Path, tool: Tool) -> None:
    """Ours are held back, since tshark finds them as well; where it finds no SIP, they are given all the same."""
    tool("tshark")
    lost = error(ip4(udp(REGISTER)))
    items, _ = looked_at(write(tmp_path, "sctp.pcap", pcap([lost, *SCTP])))
    assert [isinstance(one, NetworkError) for one in items] == [True, False, False, False]
    items, _ = looked_at(write(tmp_path, "esp.pcap", pcap([lost, *ESP])))
    assert [isinstance(one, NetworkError) for one in items] == [True]


@needs_tshark
def test_several_processes_give_the_same_report(tmp_path: Path, tool: Tool) -> None:
    tool("tshark")
    for name, frames in (("sctp", SCTP), ("esp", ESP)):
        path = write(tmp_path, f"{name}.pcap", pcap(frames))
        one, two = (analyze(path, jobs=jobs).to_dict() for jobs in (1, 2))
        assert json.dumps(one) == json.dumps(two)


def test_a_tshark_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = (
        'case "$*" in *--version*) echo "TShark (Wireshark) 4.0.17" ;; *) echo "tshark: broken." >&2; exit 2 ;; esac\n'
    )
    monkeypatch.setenv("PATH", stand_in(tmp_path, version))
    items, source = looked_at(write(tmp_path, "sctp.pcap", pcap(SCTP)))
    assert items == []
    assert source.quality == ["not opened: 3 packets of IP protocol 132 (SCTP); tshark ended with exit code 2: broken"]


def test_many_kinds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "_MAX_KINDS", 10)
    _, _, reading = read(
        pcap([ethernet(bytes(60), 0x6000 + kind) for kind in range(300)] + [ethernet(bytes(60), 0x6003)])
    )
    assert reading.sources[0].unopened[0] == ("ethertype 0x6003", 2)
    assert len(reading.sources[0].unopened) == 5


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("", (b"\1\2", 1000, 2000)),
        ("UDP port 4500 (ESP)", (b"\1\2", 1000, 4500)),
        ("UDP port 2152", (b"\1\2", 2152, 4500)),
        ("UDP port 5061, which are no SIP", (b"\1\2", 5061, 7)),
        ("UDP that hold SIP somewhere", (OK[4:] + OK, 5060, 7)),
    ],
)
def test_what_a_packet_is_called(said: str, given: tuple[bytes, int, int]) -> None:
    payload, *ports = given
    assert unopened.of_udp((ports[0], ports[1]), payload) == said


def test_a_source_that_was_read_says_nothing_of_it() -> None:
    with open_sources([io.BytesIO(pcap([*SCTP, frame()]))]) as reading:
        assert len(list(reading)) == 1
    assert (reading.sources[0].quality, reading.sources[0].unopened) == ([], [])

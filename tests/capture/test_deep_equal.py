"""Two engines, one reading: the deep engine gives the same items as our own, or the difference is named here."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.evidence import Fidelity, RawMessage
from tests.capture import build
from tests.capture.build import ACK, FIN, REGISTER, ethernet, fragment6, ip4, ip6, message, pcap, pcapng, udp, write
from tests.capture.deep import both, sctp
from tests.capture.tcp_talk import Talk
from tests.capture.test_hep import ENDS, TIME, chunk, hep
from tests.capture.test_icmp import error, error6
from tests.capture.test_websocket import ASK
from tests.capture.test_websocket import frame as of_websocket
from tests.shared import ROOT, lab_file, shared

pytestmark = pytest.mark.needs_tool("tshark")

SAMPLES = ["tcp-split", "udp-fragments", "ipv6", "vlan", "wrong-password", "server-down"]
LAB = [
    "6-sll/capture.pcap",
    "6-gzip/capture.pcap.gz",
    "2a-pjsip-asterisk16/capture.pcapng",
    "1b-chansip-sipp-matrix/capture.pcapng",
]
PUBLIC = [
    "arkime__arkime/tests/pcap/gtp-iphone.pcap",
    "OISF__suricata-verify/tests/sip-body-large/sip-body-large.pcap",
    "OISF__suricata-verify/tests/sip-tcp-pattern-matching/sip.pcap",
    "zeek__zeek/testing/btest/Traces/sip/sip-junk-before-request.pcap",
    "zeek__zeek/testing/btest/Traces/sip/invalid-content-length.pcap",
]

GRANT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
ONE, TWO = message(1), message(2, b"x" * 30)
LONG = message(3, b"y" * 3000)
HALVES = udp(b"\r\n\r\n" + message(4, b"z" * 2000))


def same(path: Path) -> None:
    """Items, frames, times and damage agree; what our own reader says of the rest is for `auto` to keep."""
    native, ours, deep, theirs = both(path)
    assert native == deep != []
    for name in ("frames", "messages", "first", "last", "resolution", "defects", "damaged", "format"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str) -> None:
    (path,) = (ROOT / "samples" / name).glob("input.*")
    same(path)


@pytest.mark.parametrize("name", LAB)
def test_lab_captures(name: str) -> None:
    same(lab_file(name))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_captures(name: str) -> None:
    same(shared("captures", "public", name))


def streams() -> list[bytes]:
    """A first line in two segments, several messages in one, ends of both kinds, the same sockets again."""
    start = len(ONE + TWO) + 20
    talk = Talk().open().up(0, ONE + TWO + ONE[:20]).up(start, ONE[20:] + TWO).fin(start + len(ONE + TWO) - 20, 0)
    other = Talk(client=40001).open().up(0, ONE).reset(0)
    return talk.frames + other.frames + Talk(isn=77777).open().up(0, ONE).frames


def swapped() -> list[bytes]:
    """The second half of a message and the next one come before its first half."""
    return Talk().open().up(0, ONE).up(len(ONE) + 40, TWO[40:] + ONE).up(len(ONE), TWO[:40]).frames


def websocket() -> list[bytes]:
    """The upgrade, then messages: masked and cut, two in one segment."""
    up, down = of_websocket(ONE, mask=b"abcd"), of_websocket(TWO)
    talk = Talk(server=9999).open().up(0, ASK).down(0, GRANT, ack=len(ASK))
    talk.up(len(ASK), up[:50], ack=len(GRANT)).up(len(ASK) + 50, up[50:], ack=len(GRANT))
    return talk.down(len(GRANT), down + down, ack=len(ASK) + len(up)).reset(len(GRANT) + 2 * len(down)).frames


def quotes() -> list[bytes]:
    """Requests, and errors that quote them, whole and cut."""
    request = ip4(udp(REGISTER, 5070))
    return [build.frame(sport=5070), error(request), error(request[:28]), error6(ip6(udp(REGISTER)))]


def fragments() -> list[bytes]:
    """A message in three fragments, in both versions of IP."""
    four, six = udp(LONG), udp(LONG, 5062)
    cuts = [(0, 1480), (1480, 2960), (2960, len(four))]
    frames = [ethernet(ip4(four[a:b], more=b < len(four), offset=a)) for a, b in cuts]
    return frames + [ethernet(ip6(fragment6(six[a:b], 17, a, b < len(six)), 44)) for a, b in cuts]


def tunnels() -> list[bytes]:
    """GRE, IP in IP, tags."""
    inner = ip4(udp(REGISTER), source="192.0.2.1", destination="192.0.2.2")
    gre = ip4(b"\0\0\x08\0" + inner, 47)
    return [ethernet(gre), ethernet(ip4(inner, 4)), ethernet(ip6(inner, 4)), ethernet(inner, tags=(0x88A8, 0x8100))]


BUILT: dict[str, Callable[[], list[bytes]]] = {
    "streams": streams,
    "websocket": websocket,
    "quotes": quotes,
    "fragments": fragments,
    "tunnels": tunnels,
    "ports": lambda: [build.frame(message(n), sport=n, dport=n + 1) for n in (53, 1234, 2152, 5061, 40000)],
    "hep": lambda: [build.frame(hep(ENDS, TIME, chunk(15, REGISTER)), dport=9060)],
    "lines-before": lambda: [build.frame(b"\r\n\r\n" + REGISTER, sport=7000, dport=port) for port in (5060, 7001)],
    "trailing": lambda: [build.frame(REGISTER + b"\r\n\r\nrest"), build.frame(REGISTER + REGISTER)],
}


@pytest.mark.parametrize("name", BUILT)
def test_built_captures(name: str, tmp_path: Path) -> None:
    same(write(tmp_path, f"{name}.pcapng", pcapng(BUILT[name]())))


def test_what_waited_for_another_packet_is_whole_for_our_own_reader_alone(tmp_path: Path) -> None:
    native, _, deep, _ = both(write(tmp_path, "swapped.pcap", pcap(swapped())))
    ours = [item for item in native if isinstance(item, RawMessage)]
    theirs = [item for item in deep if isinstance(item, RawMessage)]
    assert [item.fidelity for item in ours] == [Fidelity.WIRE, Fidelity.REASSEMBLED, Fidelity.WIRE]
    assert [item.fidelity for item in theirs] == [Fidelity.WIRE, Fidelity.REASSEMBLED, Fidelity.REASSEMBLED]
    assert [replace(item, fidelity=Fidelity.WIRE) for item in ours] == [
        replace(item, fidelity=Fidelity.WIRE) for item in theirs
    ]


def test_what_the_snap_length_cut(tmp_path: Path) -> None:
    path = write(tmp_path, "cut.pcap", pcap([build.frame(LONG), build.frame(REGISTER)], snap=150))
    same(path)
    _, ours, deep, theirs = both(path)
    assert [item.missing for item in deep if isinstance(item, RawMessage)] == [len(LONG) - 108, len(REGISTER) - 108]
    assert set(ours.quality) < set(theirs.quality)


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    path = write(tmp_path, "early.pcap", pcap([build.frame(), build.frame(message(2))])[:-7])
    same(path)
    _, _, _, theirs = both(path)
    assert [defect.code for _, defect in theirs.defect_list] == ["truncated-record"]


# What differs: frames -> messages of our own reader, of the deep engine, and why.
NAMED: dict[str, tuple[Callable[[], list[bytes]], int, int, str]] = {
    "packed-hep": (
        lambda: [build.frame(hep(ENDS, chunk(16, zlib.compress(REGISTER))), dport=9060)], 1, 0,
        "tshark has no HEP, and what is packed does not say that it is SIP",
    ),
    "lines-before-fragments": (
        lambda: [ethernet(ip4(HALVES[:1480], more=True)), ethernet(ip4(HALVES[1480:], offset=1480))], 1, 0,
        "tshark wants the start line first, and of what it put together only SIP is taken",
    ),
    "sctp": (lambda: [ethernet(ip4(sctp(REGISTER), 132))], 0, 1, "our own reader does not know SCTP"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_named_differences(name: str, tmp_path: Path) -> None:
    make, ours, theirs, _ = NAMED[name]
    native, _, deep, _ = both(write(tmp_path, "named.pcap", pcap(make())))
    assert (len(native), len(deep)) == (ours, theirs)


def test_keep_alives_are_not_counted_and_that_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "alive.pcap", pcap([build.frame(), build.frame(b"\r\n\r\n")]))
    _, ours, _, theirs = both(path)
    assert (ours.keepalives, theirs.keepalives) == (1, 0)
    assert "does not count keep-alives" in theirs.quality[0]


def test_sctp_has_ends(tmp_path: Path) -> None:
    *_, deep, _ = both(write(tmp_path, "sctp.pcap", pcap([ethernet(ip4(sctp(REGISTER), 132))])))
    assert isinstance(deep[0], RawMessage)
    assert (deep[0].transport, str(deep[0].source), deep[0].payload) == ("SCTP", "10.0.0.1:5060", REGISTER)
    assert deep[0].fidelity is Fidelity.WIRE


def test_flags_beside_the_ends_do_not_end(tmp_path: Path) -> None:
    frames = Talk().open().up(0, ONE).up(len(ONE), b"", flags=FIN | ACK).up(len(ONE), b"", flags=FIN | ACK).frames
    same(write(tmp_path, "fin.pcap", pcap(frames)))

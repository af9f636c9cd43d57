"""Tunnels over UDP, told by what they hold, wherever they go; L2TP of version 3, which says little of itself."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import udp_tunnels
from analyzer.capture.opener import open_sources
from analyzer.evidence import Frame, RawMessage
from tests.capture.build import OK, REGISTER, RTP, ethernet, ip4, ip6, messages, pcap, read, udp
from tests.capture.test_ip import DATAGRAM, geneve, l2tp, l2tp3, tzsp, vxlan
from tests.shared import DATA

INSIDE = {
    "IPv4": ethernet(ip4(DATAGRAM)),
    "IPv6": ethernet(ip6(DATAGRAM)),
    "a tag": ethernet(ip4(DATAGRAM), tags=[0x8100]),
}
HEADS: dict[str, Callable[[bytes], bytes]] = {
    "VXLAN": vxlan,
    "GENEVE": geneve,
    "TZSP": tzsp,
    "TZSP, to be sent": lambda frame: tzsp(frame, b"\x29\2\0\7").replace(b"\1\0\0\1", b"\1\1\0\1", 1),
    "L2TP 3": l2tp3,
    "L2TP 3, sublayer": lambda frame: l2tp3(frame, bytes(4)),
    "L2TP 3, cookie": lambda frame: l2tp3(frame, b"cookie!!"),
    "L2TP 3, both": lambda frame: l2tp3(frame, b"\x80cookie!!\0\0\7"),
}


def moved(datagram: bytes, sport: int = 4000, dport: int = 8472) -> bytes:
    """The same on other ports."""
    return struct.pack("!HH", sport, dport) + datagram[4:]


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("head", HEADS)
def test_on_its_port_and_on_any_other(head: str, inside: str) -> None:
    datagram = HEADS[head](INSIDE[inside])
    found = messages([ethernet(ip4(one)) for one in (datagram, moved(datagram), moved(datagram, 37008, 9))])
    assert [one.payload for one in found] == [REGISTER] * 3


@pytest.mark.parametrize("words", [1, 15, 16, 20, 31, 63])
def test_options_of_geneve(words: int) -> None:
    """Their length is in the first octet: with some, it is one that DTLS begins with."""
    datagram = geneve(INSIDE["IPv4"], options=bytes(4 * words))
    assert len(messages([ethernet(ip4(datagram)), ethernet(ip4(moved(datagram)))])) == 2


def test_dtls_is_other_traffic() -> None:
    frames = [ethernet(ip4(udp(bytes([kind]) + b"\xfe\xfd" + bytes(90), 7, 9))) for kind in range(20, 64)]
    _, _, reading = read(pcap(frames))
    assert (reading.sources[0].other, reading.sources[0].messages) == (len(frames), 0)


@pytest.mark.parametrize("between", [b"", bytes(4), b"cookie!!", b"\x80cookie!!\0\0\7"])
def test_l2tp_3_over_ip(between: bytes) -> None:
    packets = [
        ip4(b"\0\0\0\x09" + between + frame, 115) for frame in (*INSIDE.values(), b"\xff\x03\0\x21" + ip4(DATAGRAM))
    ]
    assert [one.payload for one in messages([ethernet(one) for one in packets])] == [REGISTER] * 4


def test_control_messages_of_l2tp_are_no_tunnel() -> None:
    over_ip = ip4(b"\0\0\0\0" + ethernet(ip4(DATAGRAM)), 115)
    over_udp = ip4(udp(b"\xc8\x02\0\x14\0\0\0\0\0\0\0\0\x80\x08\0\0\0\0\0\1", 1701, 1701))
    found, _, reading = read(pcap([ethernet(over_ip), ethernet(over_udp)]))
    assert (found, reading.sources[0].defects) == ([], 0)


@pytest.mark.parametrize("head", HEADS)
def test_every_cut_packet_says_what_is_missing(head: str) -> None:
    packet = ip4(moved(HEADS[head](INSIDE["IPv4"])))
    found, _, _ = read(pcap([ethernet(packet)[:size] for size in range(14, len(packet) + 15)]))
    assert len(found) > len(REGISTER) // 2
    for one in found:
        assert one.payload + REGISTER[len(REGISTER) - one.missing :] == REGISTER


@pytest.mark.parametrize("head", HEADS)
def test_media_inside_is_counted(head: str) -> None:
    _, _, reading = read(pcap([ethernet(ip4(moved(HEADS[head](ethernet(ip4(udp(RTP)))))))] * 3))
    assert (reading.sources[0].other, reading.sources[0].messages) == (3, 0)


def test_a_tunnel_in_fragments() -> None:
    datagram = moved(tzsp(ethernet(ip4(udp(REGISTER + b"x" * 1300)))))
    parts = [ip4(datagram[:1200], more=True), ip4(datagram[1200:], offset=1200)]
    assert [one.payload[: len(REGISTER)] for one in messages([ethernet(one) for one in parts])] == [REGISTER]


def test_a_packet_in_fragments_inside_of_a_tunnel() -> None:
    parts = [ip4(DATAGRAM[:80], more=True), ip4(DATAGRAM[80:], offset=80)]
    assert [one.payload for one in messages([ethernet(ip4(tzsp(ethernet(one)))) for one in parts])] == [REGISTER]


@pytest.mark.parametrize("port", sorted(udp_tunnels.PORTS))
@pytest.mark.parametrize(
    "payload", [REGISTER, OK, OK.replace(b"SIP", b"sip"), REGISTER.replace(b"REGISTER", b"INVITE")]
)
def test_sip_on_the_port_of_a_tunnel_is_sip(port: int, payload: bytes) -> None:
    """A phone may take any port for its own."""
    found = messages([ethernet(ip4(udp(payload, port, 5060))), ethernet(ip4(udp(payload, 5060, port)))])
    assert [one.payload for one in found] == [payload] * 2


WRONG = {
    "a version of TZSP that there is not": udp(b"\2\0\0\1\1" + INSIDE["IPv4"], 1, 2),
    "TZSP without a last tag": udp(b"\1\0\0\1" + bytes(40), 1, 2),
    "TZSP with tags behind its end": udp(b"\1\0\0\1\x0a\xff", 1, 2),
    "TZSP of a wireless frame": udp(b"\1\0\0\x12\1" + INSIDE["IPv4"], 1, 2),
    "a keep-alive of TZSP": udp(b"\1\4\0\1\0\0\0\0", 1, 37008),
    "GENEVE with reserved bits": moved(geneve(INSIDE["IPv4"])).replace(b"\0\0\x65\x58", b"\0\1\x65\x58", 1),
    "GENEVE of another kind": moved(geneve(b"x" * 60, 0x1234)),
    "VXLAN with reserved bits": moved(vxlan(INSIDE["IPv4"])).replace(b"\x08\0\0\0", b"\x08\0\0\1", 1),
    "VXLAN of no IP": moved(vxlan(ethernet(b"\x45" + bytes(40), 0x0806))),
    "a length that does not fit": moved(vxlan(ethernet(ip4(DATAGRAM, total=len(DATAGRAM) + 21)))),
    "a header that is too short": moved(vxlan(ethernet(b"\x44" + ip4(DATAGRAM)[1:]))),
    "L2TP with reserved bits": moved(l2tp(ip4(DATAGRAM), 0x10)),
    "L2TP of version 1": moved(l2tp(ip4(DATAGRAM)).replace(b"\0\2\0\1", b"\0\1\0\1", 1)),
    "L2TP of another protocol": moved(l2tp(ip4(DATAGRAM), framing=b"\xff\x03\xc0\x21")),
    "L2TP whose padding is not there": moved(l2tp(b"", 0x02, b"\0\1\0\2\xff\xff", b"")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_agree_is_other_traffic(name: str) -> None:
    found, _, reading = read(pcap([ethernet(ip4(WRONG[name]))]))
    source = reading.sources[0]
    assert (found, source.defects, source.other + source.keepalives) == ([], 0, 1)


def test_what_rtp_begins_with_costs_no_look() -> None:
    assert not any(udp_tunnels.FIRST[0x80:0xC0])


def test_a_mirror_of_mikrotik() -> None:
    """A real flow in TZSP: eight messages, of which one lies in two fragments inside, and the TCP ones in segments."""
    with open_sources([DATA / "real" / "tunnel-tzsp-made.pcap"]) as reading:
        items = list(reading)
    found = [one for one in items if isinstance(one, RawMessage)]
    places = [one.place.number for one in found if isinstance(one.place, Frame)]
    assert places == [1, 2, 3, 4, 6, 7, 15, 17]
    assert reading.sources[0].defects == 0


@given(st.binary(max_size=60), st.sampled_from(sorted(udp_tunnels.PORTS)))
def test_noise_never_raises(noise: bytes, port: int) -> None:
    heads = (b"", b"\1\0\0\1", b"\0\0\x65\x58", b"\x08\0\0\0", b"\0\2", b"\0\3\0\0", b"\x30\xff")
    frames = [ethernet(ip4(udp(head + noise, 7, place))) for head in heads for place in (port, 9)]
    read(pcap([*frames, ethernet(ip4(noise, 115))]))

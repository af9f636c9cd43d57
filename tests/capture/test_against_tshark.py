"""A second opinion: the frames that hold messages are those in which tshark shows them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Datagram, Frame
from tests.capture.build import ACK, FIN, message, pcap, pcapng, write
from tests.capture.tcp_talk import Talk
from tests.shared import shared
from tests.tools import Tool

CAPTURES = [
    "lab/6-tcp-split/capture.pcapng",
    "lab/6-udp-fragments/capture.pcapng",
    "lab/6-vlan-synthetic/capture.pcap",
    "lab/2a-pjsip-asterisk16/capture.pcapng",
    "public/arkime__arkime/tests/pcap/gtp-iphone.pcap",
    "public/OISF__suricata-verify/tests/sip-body-large/sip-body-large.pcap",
    "public/MichalCab__ISA/sip.pcap.pcapng",
]


def frames(path: str) -> set[int]:
    with open_sources([path]) as reading:
        places = [item.place for item in reading if isinstance(item, Datagram)]
    return {place.number for place in places if isinstance(place, Frame)}


def tshark(program: str, path: str) -> set[int]:
    """Numbers of the frames that hold SIP; what ICMP quotes left out."""
    options = ["-o", "tcp.reassemble_out_of_order:TRUE", "-Y", "sip && !icmp && !icmpv6"]
    done = subprocess.run(
        [program, "-r", path, *options, "-T", "fields", "-e", "frame.number"],
        capture_output=True,
        check=True,
        text=True,
    )
    return {int(number) for number in done.stdout.split()}


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("name", CAPTURES)
def test_the_same_frames(name: str, tool: Tool) -> None:
    path = str(shared("captures", *name.split("/")))
    assert frames(path) == tshark(tool("tshark"), path) != set()


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize("make", [pcap, pcapng], ids=["pcap", "pcapng"])
def test_the_same_frames_of_built_segments(
    make: Callable[[list[bytes]], bytes], tmp_path_factory: pytest.TempPathFactory, tool: Tool
) -> None:
    one, two = message(1, b"x" * 30), message(2)
    both = one + two
    talk = Talk().open().up(0, both[:50]).up(100, both[100:]).up(50, both[50:100]).down(0, ack=len(both))
    talk.up(len(both), one + two + one[:9]).up(len(both) * 2, one[:40]).up(
        len(both) * 2 + 40, one[40:], flags=FIN | ACK
    )
    path = str(write(tmp_path_factory.mktemp("built"), "capture", make(talk.frames)))
    assert frames(path) == tshark(tool("tshark"), path) == {6, 8, 10}

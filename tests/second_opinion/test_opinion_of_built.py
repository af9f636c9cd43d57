"""A second opinion on what no capture at hand holds: links, tunnels, streams, WebSocket, quotes, and odd messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.capture.build import EPOCH, OK, REGISTER, enhanced, ethernet, interface, ip4, ip6, message, section, tcp, udp
from tests.capture.tcp_talk import Talk
from tests.capture.test_deflate import Sender
from tests.capture.test_icmp import error, error6
from tests.capture.test_ip import PACKETS
from tests.capture.test_links import FRAMES
from tests.capture.test_pcap_layouts import LAYOUTS, aix, written
from tests.capture.test_websocket import frame as websocket
from tests.second_opinion.differences import WHOLE, Known, differences, unnamed
from tests.second_opinion.odd_messages import KNOWN, ODD
from tests.second_opinion.readings import Heard, ours, tsharks
from tests.tools import Tool

pytestmark = pytest.mark.needs_tool("tshark")
ONE, TWO, THREE = message(1, b"x" * 30), message(2), message(3)
START = ONE.partition(b"\r\n")[0]
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n"
ASK = b"GET / HTTP/1.1\r\nHost: lab.invalid\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + UPGRADE + b"\r\n"
GRANT = b"HTTP/1.1 101 Switching Protocols\r\n" + UPGRADE + b"\r\n"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate%s\r\n\r\n"


def captured(frames: Sequence[tuple[int, bytes]]) -> bytes:
    """A pcapng capture of frames of any link types."""
    kinds = sorted({linktype for linktype, _ in frames})
    packets = [
        enhanced(octets, (EPOCH + second) * 10**6, kinds.index(kind)) for second, (kind, octets) in enumerate(frames)
    ]
    return section() + b"".join(interface(kind) for kind in kinds) + b"".join(packets)


def both(folder: Path, program: str, frames: Sequence[tuple[int, bytes]]) -> tuple[list[Heard], list[Heard]]:
    """What tshark reads in frames, and what we read."""
    path = folder / "built.pcapng"
    path.write_bytes(captured(frames))
    return tsharks(program, path), ours(path)


def hold(folder: Path, program: str, named: Mapping[str, bytes], known: Mapping[str, Sequence[Known]]) -> int:
    """Hold both readings of a frame each against each other; the number of messages that we read."""
    theirs, own = both(folder, program, [(1, octets) for octets in named.values()])
    assert unnamed(differences(theirs, own), dict(enumerate(named, 1)), known) == []
    return len(own)


def test_links(tmp_path: Path, tool: Tool) -> None:
    theirs, own = both(tmp_path, tool("tshark"), list(FRAMES.values()))
    assert differences(theirs, own) == []
    assert [one.frame for one in own] == list(range(1, len(FRAMES) + 1))


def test_tunnels(tmp_path: Path, tool: Tool) -> None:
    assert hold(tmp_path, tool("tshark"), {name: ethernet(one) for name, one in PACKETS.items()}, {}) == len(PACKETS)


def compressed(parameters: bytes, *, up: bool, down: bool) -> Talk:
    """Compressed both ways, with context takeover or without; tshark inflates what both heads speak of."""
    ask, grant = ASK[:-2] + DEFLATE % b"; client_max_window_bits", GRANT[:-2] + DEFLATE % parameters
    talk, at, back = Talk(server=8088).open().up(0, ask).down(0, grant, ack=len(ask)), len(ask), len(grant)
    client, server = Sender(takeover=up), Sender(takeover=down)
    for one in (ONE, TWO, ONE, THREE):
        sent, answer = client.frame(one, b"abcd"), server.frame(one)
        talk.up(at, sent, ack=back).down(back, answer, ack=at + len(sent))
        at, back = at + len(sent), back + len(answer)
    return talk


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_pcap(layout: str, order: str, tmp_path: Path, tool: Tool) -> None:
    """Wireshark tries the same layouts."""
    path = tmp_path / "built.pcap"
    path.write_bytes(written([ethernet(ip4(udp(one))) for one in (ONE, TWO, OK, THREE)], layout, order))
    theirs, own = tsharks(tool("tshark"), path), ours(path)
    assert differences(theirs, own) == []
    assert [one.frame for one in own] == [1, 2, 3, 4]


def test_pcap_of_aix(tmp_path: Path, tool: Tool) -> None:
    path = tmp_path / "built.pcap"
    path.write_bytes(aix([ethernet(ip4(udp(one))) for one in (ONE, TWO)]))
    theirs, own = tsharks(tool("tshark"), path), ours(path)
    assert differences(theirs, own) == []
    assert len(own) == 2


UP = websocket(ONE, mask=b"abcd")
TALKS = {
    "one after the other": Talk().open().up(0, ONE).down(0, OK).up(len(ONE), TWO),
    "three in a segment": Talk().open().up(0, ONE + TWO + THREE),
    "in pieces": Talk()
    .open()
    .up(0, ONE[:20])
    .up(20, ONE[20:70])
    .up(70, ONE[70:] + TWO[:10])
    .up(len(ONE) + 10, TWO[10:]),
    "its beginning unseen": Talk().up(500, ONE).up(500 + len(ONE), TWO),
    "on a port of its own": Talk(server=7777).open().up(0, ONE).down(0, OK),
    "sent twice": Talk().open().up(0, ONE).up(0, ONE).up(len(ONE), TWO),
    "the second piece first": Talk().open().up(50, ONE[50:]).up(0, ONE[:50]).up(len(ONE), TWO),
    "a piece and a whole": Talk().open().up(0, ONE[:50]).up(50, ONE[50:] + TWO + THREE),
    "keep-alives between": Talk().open().up(0, ONE).up(len(ONE), b"\r\n\r\n").up(len(ONE) + 4, TWO),
    "keep-alive first": Talk().open().up(0, b"\r\n\r\n" + ONE),
    "websocket": Talk(server=8088)
    .open()
    .up(0, ASK)
    .down(0, GRANT, ack=len(ASK))
    .up(len(ASK), UP[:50], ack=len(GRANT))
    .up(len(ASK) + 50, UP[50:], ack=len(GRANT))
    .down(len(GRANT), websocket(TWO) + websocket(THREE), ack=len(ASK) + len(UP)),
    "compressed": compressed(b"", up=True, down=True),
    "compressed, the server forgets": compressed(b"; server_no_context_takeover", up=True, down=False),
    "compressed, the client forgets": compressed(b"; client_no_context_takeover", up=False, down=True),
}
SENT = dict.fromkeys(TALKS, (1, 2)) | {
    "three in a segment": (1, 2, 3),
    "on a port of its own": (1,),
    "a piece and a whole": (1, 2, 3),
    "keep-alive first": (1,),
    "websocket": (1, 2, 3),
    "compressed": (1, 1, 2, 2, 1, 1, 3, 3),
    "compressed, the server forgets": (1, 1, 2, 2, 1, 1, 3, 3),
    "compressed, the client forgets": (1, 1, 2, 2, 1, 1, 3, 3),
}
"""The numbers of the requests in each."""
OTHER_SIDE = Known(
    WHOLE, None, START, "RFC 7692 7.1.1: each side forgets by itself; tshark 4.0 lets the other one forget as well"
)
TALKS_KNOWN = {
    "compressed, the server forgets": {frame: [OTHER_SIDE] for frame in ("8", "10", "12")},
    "compressed, the client forgets": {frame: [OTHER_SIDE] for frame in ("9", "11", "13")},
    "keep-alive first": {
        "4": [
            Known(
                WHOLE, None, START, "RFC 3261 7.5: CRLF before a start line is ignored; tshark takes none of it for SIP"
            )
        ]
    },
}


@pytest.mark.parametrize("name", TALKS)
def test_streams(name: str, tmp_path: Path, tool: Tool) -> None:
    theirs, own = both(tmp_path, tool("tshark"), [(1, octets) for octets in TALKS[name].frames])
    assert unnamed(differences(theirs, own), {}, TALKS_KNOWN.get(name, {})) == []
    assert [one.cseq for one in own if one.status == 0] == [(number, b"REGISTER") for number in SENT[name]]


QUOTES = {
    "whole": error(ip4(udp(REGISTER))),
    "IPv6": error6(ip6(udp(REGISTER))),
    "time exceeded": error(ip4(udp(OK)), 11, 0),
    "cut": error(ip4(udp(REGISTER), total=28 + len(REGISTER))[:90]),
    "ports alone": error(ip4(udp(REGISTER))[:28]),
    "TCP": error(ip4(tcp(REGISTER, 5), 6)),
}
REGISTER_LINE = REGISTER.partition(b"\r\n")[0]
QUOTES_KNOWN = {
    "TCP": [
        Known(WHOLE, None, REGISTER_LINE, "RFC 792: the quote holds what it holds; tshark never opens a quoted stream")
    ]
}


def test_quotes_of_icmp(tmp_path: Path, tool: Tool) -> None:
    assert hold(tmp_path, tool("tshark"), QUOTES, QUOTES_KNOWN) == len(QUOTES) - 1  # ports are no message


def test_odd_messages(tmp_path: Path, tool: Tool) -> None:
    frames = {name: ethernet(ip4(udp(octets))) for name, octets in ODD.items()}
    assert hold(tmp_path, tool("tshark"), frames, KNOWN) == len(ODD) - 1  # one is no SIP to us

"""A TCP conversation to be written down packet by packet, in whatever order a test likes."""

from __future__ import annotations

from analyzer.evidence import NetworkError, RawMessage
from tests.capture.build import ACK, ALICE, FIN, REGISTRAR, RST, SYN, codes, ethernet, ip4, pcap, read, tcp

CLIENT, SERVER = 40000, 5060


class Talk:
    """Both ends of a connection; `frames` is the capture so far. Sequence numbers are relative to the SYN + 1."""

    def __init__(self, isn: int = 1000, back: int = 9000, client: int = CLIENT, server: int = SERVER) -> None:
        self.isn, self.back, self.client, self.server = isn, back, client, server
        self.frames: list[bytes] = []

    def up(self, at: int, octets: bytes = b"", *, flags: int = ACK, ack: int = 0) -> Talk:
        """The client sends."""
        segment = tcp(octets, self.isn + 1 + at, self.back + 1 + ack, flags, self.client, self.server)
        self.frames.append(ethernet(ip4(segment, 6)))
        return self

    def down(self, at: int, octets: bytes = b"", *, flags: int = ACK, ack: int = 0) -> Talk:
        """The server sends."""
        segment = tcp(octets, self.back + 1 + at, self.isn + 1 + ack, flags, self.server, self.client)
        self.frames.append(ethernet(ip4(segment, 6, REGISTRAR, ALICE)))
        return self

    def open(self) -> Talk:
        """The three packets of a connection's beginning."""
        return self.up(-1, flags=SYN).down(-1, flags=SYN | ACK).up(0)

    def fin(self, up: int, down: int) -> Talk:
        """The client closes, then the server."""
        return self.up(up, flags=FIN | ACK).down(down, flags=FIN | ACK, ack=up + 1)

    def reset(self, at: int = 0) -> Talk:
        """The server resets."""
        return self.down(at, flags=RST)


def heard(talk: Talk) -> tuple[list[RawMessage], list[NetworkError], list[str]]:
    """Messages, ends and defect codes of what was captured."""
    found, aborts, reading = read(pcap(talk.frames))
    return found, aborts, codes(reading)

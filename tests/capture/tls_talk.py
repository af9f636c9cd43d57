"""TLS between two ends in memory, written down as packets: no socket, and no certificate (anonymous key exchange)."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.capture.tcp_talk import Talk


class TlsTalk:
    """A conversation over TLS 1.2; `frames` is the capture so far, the keys go to `keylog`."""

    def __init__(self, keylog: Path, server: int = 5061, client: int = 40000) -> None:
        self._talk = Talk(server=server, client=client).open()
        self._sent = [0, 0]  # octets of client and server
        self._wires = [ssl.MemoryBIO() for _ in range(2)]  # towards client, towards server
        sides = (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER)
        contexts = [ssl.SSLContext(side) for side in sides]
        for context in contexts:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("AECDH-AES256-SHA:ADH-AES256-GCM-SHA384:@SECLEVEL=0")
        contexts[0].keylog_filename = str(keylog)
        self._ends = [
            contexts[0].wrap_bio(self._wires[0], self._wires[1], server_side=False),
            contexts[1].wrap_bio(self._wires[1], self._wires[0], server_side=True),
        ]
        self._shake_hands()

    @property
    def frames(self) -> list[bytes]:
        """The packets so far."""
        return self._talk.frames

    def up(self, octets: bytes) -> TlsTalk:
        """The client says something, in one record and one packet."""
        return self._say(0, octets)

    def down(self, octets: bytes) -> TlsTalk:
        """The server says something."""
        return self._say(1, octets)

    def _say(self, end: int, octets: bytes) -> TlsTalk:
        self._ends[end].write(octets)
        self._note(end)
        self._ends[1 - end].read(1 << 20)
        return self

    def _note(self, end: int) -> None:
        """Write down what `end` has put on its wire, and leave it there for the other."""
        wire = self._wires[1 - end]
        octets = wire.read()
        wire.write(octets)
        if not octets:
            return
        say = self._talk.down if end else self._talk.up
        say(self._sent[end], octets, ack=self._sent[1 - end])
        self._sent[end] += len(octets)

    def _shake_hands(self) -> None:
        done = [False, False]
        while not all(done):
            for end in range(2):
                try:
                    if not done[end]:
                        self._ends[end].do_handshake()
                        done[end] = True
                except ssl.SSLWantReadError:
                    pass
                self._note(end)

"""Link layers: one file each, plug-ins alone. `LinkLayer` says what one declares; what several share lies beside."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from analyzer import plugins

Decoder = Callable[[bytes], tuple[int, int]]

IPV4 = 0x0800
IPV6 = 0x86DD


class LinkLayer(Protocol):
    """A module of this folder: one header before IP.

    `DLTS` are its LINKTYPE_ numbers (tcpdump.org/linktypes.html); no two modules may have the same. `EXAMPLE` is a
    header of the first of them before an IPv4 packet, with the first octet of that (0x45): the tests put packets behind
    it, and ask tshark about them.
    """

    EXAMPLE: bytes

    @property
    def DLTS(self) -> tuple[int, ...]:
        """The link types that `decode` takes."""

    def decode(self, frame: bytes) -> tuple[int, int]:
        """What the frame carries and where: ethertype, and offset in octets.

        Ethertype 0 means: cannot say. Raw IP is answered with the ethertype of its version, so that what follows need
        not know where the packet came from. `frame` may be empty, cut anywhere and hold anything: never raises.
        """


def table() -> dict[int, Decoder]:
    """The decoder of each link type, built from the files of this folder. Two files with one number: ValueError."""
    decoders: dict[int, Decoder] = {}
    folder = sys.modules[__name__]
    for name in plugins.names(folder):
        layer = plugins.load(folder, name, LinkLayer)
        for number in layer.DLTS:
            if number in decoders:
                raise ValueError(f"link type {number} is declared twice, once by {name}")
            decoders[number] = layer.decode
    return decoders

"""A second opinion on whatever lies in a folder of plug-ins: tshark on the packets of each link layer, and on the
messages that each dialect read out of its example and of the samples. Nothing here names a plug-in.

A view has none: what it should say has no second reader. Its texts are held by `tests/fuzz` and `tests/views`.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from analyzer.capture import dialects, links
from analyzer.evidence import RawMessage, Source
from tests.capture.build import OK, REGISTER, ethernet, ip4, udp
from tests.fuzz.on_plugins import samples
from tests.fuzz.test_discovered import LOG
from tests.plugins.added import added
from tests.plugins.folders import FOLDERS, found, loaded
from tests.second_opinion.differences import differences
from tests.second_opinion.readings import Heard
from tests.second_opinion.test_opinion_of_built import both
from tests.tools import Tool

pytestmark = pytest.mark.needs_tool("tshark")
MOST = 200
"""Messages of a dialect that are compared."""


def framed(name: str) -> list[tuple[int, bytes]]:
    """A request and an answer behind the header of a link layer, by its first number."""
    layer = loaded("link", name)
    return [(layer.DLTS[0], layer.EXAMPLE[:-1] + ip4(udp(octets))) for octets in (REGISTER, OK)]


def read_by(name: str) -> list[bytes]:
    """The messages that a dialect reads in its example and in the samples that look like it."""
    module = loaded("dialect", name)
    payloads: list[bytes] = []
    for octets in [module.EXAMPLE, *(one for one in samples() if module.looks_like(one[: 1 << 18]))]:
        items = module.read(io.BytesIO(octets), Source("log", kind="log"))
        payloads += [item.payload for item in items if isinstance(item, RawMessage)]
    return list(dict.fromkeys(payloads))[:MOST]


def opinions(payloads: list[bytes], folder: Path, program: str) -> tuple[list[Heard], list[Heard]]:
    """What tshark and we understand of messages, each in a UDP packet of its own."""
    return both(folder, program, [(1, ethernet(ip4(udp(octets)))) for octets in payloads])


@pytest.mark.parametrize("name", FOLDERS["link"].names())
def test_packets_of_a_link_layer(name: str, tmp_path: Path, tool: Tool) -> None:
    frames = framed(name)
    theirs, own = both(tmp_path, tool("tshark"), frames)
    assert differences(theirs, own) == []
    assert [one.frame for one in own] == list(range(1, len(frames) + 1))


@pytest.mark.parametrize("name", FOLDERS["dialect"].names())
def test_messages_of_a_dialect(name: str, tmp_path: Path, tool: Tool) -> None:
    payloads = read_by(name)
    theirs, own = opinions(payloads, tmp_path, tool("tshark"))
    assert differences(theirs, own) == []
    assert len(own) == len(payloads) > 1


@pytest.mark.parametrize(("statement", "same"), [("pass", True), ("line = line.replace(b'SIP/2.0', b'sap')", False)])
def test_a_new_dialect_is_asked_about(
    statement: str, same: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: Tool
) -> None:
    """What it hands on as a message has to be one, to us and to tshark."""
    with added(dialects, "line_log", LOG % statement, monkeypatch, tmp_path):
        assert ("dialect", "line_log") in found("dialect")
        payloads = read_by("line_log")
    assert len(payloads) == 2
    theirs, own = opinions(payloads, tmp_path, tool("tshark"))
    assert (differences(theirs, own) == [] and len(own) == len(payloads)) is same


LINK = '''"""Eight octets, then IP."""
DLTS = (147,)
EXAMPLE = bytes(8) + b"\\x45"

def decode(frame):
    return (0x0800, 8)
'''


def test_a_new_link_layer_is_asked_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: Tool) -> None:
    """Of a link type for private use tshark reads nothing: that is a difference."""
    with added(links, "eight", LINK, monkeypatch, tmp_path):
        assert "eight" in FOLDERS["link"].names()
        theirs, own = both(tmp_path, tool("tshark"), framed("eight"))
    assert (len(theirs), len(own)) == (0, 2)
    assert len(differences(theirs, own)) == 2

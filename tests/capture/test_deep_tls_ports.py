"""What TLS carries is told by its content: SIP on the port of the web, WebSocket beside it, records cut anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.evidence import RawMessage
from tests.capture.build import message, pcapng, write
from tests.capture.deep import deep_messages
from tests.capture.test_deep_equal import GRANT
from tests.capture.test_websocket import ASK
from tests.capture.test_websocket import frame as of_websocket
from tests.capture.tls_talk import TlsTalk

pytestmark = pytest.mark.needs_tool("tshark")

ONE, TWO, LONG = message(1), message(2, b"x" * 300), message(3, b"y" * 20000)


@pytest.fixture
def keylog(tmp_path: Path) -> Path:
    """Where the keys go."""
    return tmp_path / "keys.txt"


def opened(frames: list[bytes], keylog: Path) -> tuple[list[RawMessage], list[str]]:
    """The messages of a capture, and what is said of it beyond the engine's name."""
    found, _, source = deep_messages(write(keylog.parent, "tls.pcapng", pcapng(frames)), tls_keylog=str(keylog))
    assert source.defects == 0
    return found, source.quality[1:]


@pytest.mark.parametrize("port", [443, 8443, 45000])
def test_sip_on_any_port(port: int, keylog: Path) -> None:
    found, said = opened(TlsTalk(keylog, port).up(ONE).down(TWO).frames, keylog)
    assert [(item.payload, item.transport) for item in found] == [(ONE, "TLS"), (TWO, "TLS")]
    assert (found[0].destination.port, found[1].source.port, said) == (port, port, [])


def test_records_cut_anywhere(keylog: Path) -> None:
    talk = TlsTalk(keylog).up(ONE[:20]).up(ONE[20:] + TWO + ONE).up(TWO[:90]).up(TWO[90:]).down(LONG)
    found, said = opened(talk.frames, keylog)
    assert [item.payload for item in found] == [ONE, TWO, ONE, TWO, LONG]
    assert said == []


def test_websocket_over_tls_beside_sip(keylog: Path) -> None:
    web = TlsTalk(keylog, 443).up(ASK).down(GRANT).up(of_websocket(ONE, mask=b"abcd")).down(of_websocket(TWO))
    plain = TlsTalk(keylog, 5061, client=40001).up(ONE)
    found, said = opened(web.frames + plain.frames, keylog)
    assert [(item.payload, item.transport) for item in found] == [(ONE, "WSS"), (TWO, "WSS"), (ONE, "TLS")]
    assert said == []


def test_what_is_no_sip_is_opened_and_of_no_interest(keylog: Path) -> None:
    talk = TlsTalk(keylog, 443).up(b"GET / HTTP/1.1\r\nHost: lab.invalid\r\n\r\n").down(b"HTTP/1.1 404 No\r\n\r\n")
    assert opened(talk.frames, keylog) == ([], [])

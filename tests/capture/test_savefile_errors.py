"""What ends an exchange is written so that its reader finds the same: ICMP errors, ends of connections, losses."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.savefile import SaveFile
from analyzer.evidence import PROHIBITED, Endpoint, Frame, Item, NetworkError, RawMessage
from tests.shared import DATA, ROOT

PHONE, SERVER = Endpoint("192.0.2.10", 5061), Endpoint("192.0.2.1", 5060)
PHONE_6, SERVER_6 = Endpoint("2001:db8::10", 5061), Endpoint("2001:db8::1", 5060)
REGISTER = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5061\r\nContent-Length: 0\r\n\r\n"
PLACE = Frame("made", 1)


def message(ends: tuple[Endpoint, Endpoint] = (PHONE, SERVER), transport: str = "UDP", time: int = 10**9) -> RawMessage:
    return RawMessage(REGISTER, time, PLACE, *ends, transport, stream=0 if transport == "UDP" else 1)


def error(
    reason: str, text: str = "", *, quoted: bytes = b"", six: bool = False, transport: str = "UDP"
) -> NetworkError:
    ends = (PHONE_6, SERVER_6) if six else (PHONE, SERVER)
    return NetworkError(2 * 10**9, PLACE, *ends, transport, reason, text, quoted)  # type: ignore[arg-type]


def again(items: list[Item], folder: Path) -> list[Item]:
    path = folder / "x.pcap"
    with path.open("wb") as file:
        saved = SaveFile(file)
        for item in items:
            saved.add(item) if isinstance(item, RawMessage) else saved.add_error(item)
        saved.finish()
    with open_sources([str(path)]) as reading:
        return list(reading)


@pytest.mark.parametrize(
    "text",
    ["network unreachable", "host unreachable", "protocol unreachable", "port unreachable", "packet too big",
     "time exceeded", "parameter problem", "administratively prohibited"],
)  # fmt: skip
@pytest.mark.parametrize("quoted", [b"", REGISTER[:20], REGISTER])
def test_an_icmp_error_is_read_again(text: str, quoted: bytes, tmp_path: Path) -> None:
    _, found = again([message(), error("icmp", text, quoted=quoted)], tmp_path)
    assert isinstance(found, NetworkError)
    assert (found.reason, found.text, found.source, found.destination, found.quoted, found.time) == (
        "icmp", text, PHONE, SERVER, quoted, 2 * 10**9,
    )  # fmt: skip


def test_an_icmp_error_keeps_its_sender(tmp_path: Path) -> None:
    _, found = again(
        [message(), replace(error("icmp", "time exceeded", quoted=REGISTER), sender="203.0.113.9")], tmp_path
    )
    assert isinstance(found, NetworkError)
    assert found.said == "time exceeded, from 203.0.113.9"


@pytest.mark.parametrize(
    "text",
    ["network unreachable", "host unreachable", "port unreachable", "packet too big", "time exceeded", PROHIBITED],
)
def test_so_is_one_of_version_6(text: str, tmp_path: Path) -> None:
    _, found = again([message((PHONE_6, SERVER_6)), error("icmp", text, quoted=REGISTER, six=True)], tmp_path)
    assert isinstance(found, NetworkError)
    assert (found.text, found.source, found.quoted) == (text, PHONE_6, REGISTER)


@pytest.mark.parametrize("reason", ["reset", "closed"])
def test_the_end_of_a_connection_is_read_again(reason: str, tmp_path: Path) -> None:
    items: list[Item] = [message(transport="TCP"), error(reason, transport="TCP")]
    _, found = again(items, tmp_path)
    assert isinstance(found, NetworkError) and (found.reason, found.source) == (reason, PHONE)


def test_what_follows_a_close_is_another_connection(tmp_path: Path) -> None:
    first, ended, second = again(
        [message(transport="TCP"), error("reset", transport="TCP"), message(transport="TCP", time=3 * 10**9)], tmp_path
    )
    assert isinstance(first, RawMessage) and isinstance(second, RawMessage) and isinstance(ended, NetworkError)
    assert second.payload == REGISTER


def test_lost_octets_are_missing(tmp_path: Path) -> None:
    lost = NetworkError(2 * 10**9, PLACE, SERVER, PHONE, "TCP", "gap")
    path = tmp_path / "x.pcap"
    with path.open("wb") as file:
        saved = SaveFile(file)
        saved.add(message(transport="TCP"))
        saved.add_error(lost)
        saved.add(message(transport="TCP", time=3 * 10**9))
        saved.finish()
    with open_sources([str(path)]) as reading:
        assert sum(isinstance(item, RawMessage) for item in reading) == 2
        assert reading.sources[0].gaps == 1


def test_a_websocket_is_one_again(tmp_path: Path) -> None:
    long = RawMessage(REGISTER[:-2] + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n", 4 * 10**9, PLACE, SERVER, PHONE, "WS")
    short = RawMessage(b"SIP/2.0 200 OK\r\n\r\n", 5 * 10**9, PLACE, SERVER, PHONE, "WS")
    items: list[Item] = [message(transport="WS"), long, short]
    found = again(items, tmp_path)
    assert [one.payload for one in found if isinstance(one, RawMessage)] == [
        one.payload for one in items if isinstance(one, RawMessage)
    ]
    assert {one.transport for one in found} == {"WS"}
    assert [one.source for one in found] == [PHONE, SERVER, SERVER]


def test_checksums_are_right() -> None:
    out = io.BytesIO()
    saved = SaveFile(out)
    saved.add(message())
    saved.add_error(error("icmp", "port unreachable", quoted=REGISTER))
    saved.finish()
    out.seek(0)
    *_, (_, octets) = dpkt.pcap.Reader(out)
    assert dpkt.in_cksum(octets[:20]) == 0 and dpkt.in_cksum(octets[20:]) == 0


@pytest.mark.parametrize(
    "path",
    [ROOT / "samples" / "server-down" / "input.pcapng", *sorted(DATA.glob("real/*lost*.pcap"))],
    ids=lambda path: path.name,
)
def test_the_errors_of_a_capture_are_the_same_again(path: Path, tmp_path: Path) -> None:
    with open_sources([str(path)]) as reading:
        items = list(reading)
    told = [
        [(one.reason, one.text, one.source, one.destination, one.time) for one in some if isinstance(one, NetworkError)]
        for some in (items, again(items, tmp_path))
    ]
    assert told[0] == told[1] != []

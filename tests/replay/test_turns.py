"""One peer that says a thousand things at once, beside a phone; and peers that are gone before they are answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from replay.machine import Command
from replay.net import connections as bounds
from replay.net.boundary import IoBoundary
from tests.replay.crowds import held, register, reset, strange_lines
from tests.replay.test_listen import Played, open_tcp, read_answer, tcp_request
from tests.replay.tls_front import TlsKeys


def test_who_says_much_at_once_is_heard_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone that asks while another's thousand messages are being handled is served between them."""
    order: list[str] = []
    most, served_between = 1000, asyncio.Event()

    async def talk(to: Endpoint) -> None:
        loud, phone = await open_tcp(to), await open_tcp(to)
        loud[1].write(b"".join(tcp_request(call_id="loud", user="loud", cseq=one + 1) for one in range(most)))
        await asyncio.wait_for(served_between.wait(), 20)
        phone[1].write(tcp_request(call_id="phone", user="phone"))
        assert (await read_answer(phone[0])).status == 200
        for _ in range(most):
            assert (await read_answer(loud[0])).status == 200
        for _, writer in (loud, phone):
            writer.close()

    played = Played("TCP")
    receive = played.machine.receive

    def noted(octets: bytes, peer: Endpoint, now: int) -> list[Command]:
        order.append("phone" if b"Call-ID: phone" in octets else "loud")
        if len(order) == 1:
            asyncio.get_running_loop().call_soon(served_between.set)
        return receive(octets, peer, now)

    monkeypatch.setattr(type(played.machine), "receive", lambda _, *given: noted(*given))
    played.run(talk)
    assert Counter(order) == {"loud": most, "phone": 1}
    assert order.index("phone") <= 10 * bounds.A_TURN
    assert not played.machine.turned_away


class Wire(asyncio.Transport):
    """A transport that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.lost = self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.asked.append("write")

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.closing = True

    close = abort


async def _loud(count: int) -> tuple[Played, bounds.Connection, Wire]:
    """A connection that has just said so many messages in one read."""
    played, wire = Played("TCP"), Wire()
    boundary = IoBoundary(played.machine, played.events.append, asyncio.get_running_loop())
    played.machine.bound(Endpoint("127.0.0.1", 1), "TCP", 0)
    crowd = bounds.Connections(boundary, 9, None)
    peer = Endpoint("127.0.0.1", 9)
    one = bounds.Connection(boundary, crowd, peer)
    crowd._by_peer[peer] = one
    crowd._strangers[one] = None
    one.connection_made(wire)
    one.data_received(b"".join(tcp_request(cseq=number + 1) for number in range(count)))
    return played, one, wire


def test_reading_is_paused_while_messages_wait() -> None:
    async def run() -> None:
        played, one, wire = await _loud(3 * bounds.A_TURN)
        assert (wire.asked, one._patience) == (["write", "pause"], None), "its time does not run: it waits for us"
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert wire.asked[2:] == ["write", "write", "resume"]
        assert hasattr(one._patience, "when") and not played.machine.turned_away
        one.abort()

    asyncio.run(run())


@pytest.mark.parametrize("count", [1, bounds.A_TURN])
def test_few_messages_pause_nothing(count: int) -> None:
    async def run() -> None:
        _, one, wire = await _loud(count)
        assert wire.asked == ["write"]
        one.abort()

    asyncio.run(run())


def test_what_a_lost_connection_leaves_is_counted() -> None:
    async def run() -> None:
        played, one, wire = await _loud(3 * bounds.A_TURN)
        wire.closing = True
        one.connection_lost(None)
        await asyncio.sleep(0)
        one.crowd._send(b"late", one.peer)
        assert played.machine.turned_away == {bounds.UNHANDLED: 2 * bounds.A_TURN, bounds.UNSENT: 1}
        assert wire.asked == ["write", "pause"]

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_who_goes_in_the_midst_leaves_no_complaint_of_asyncio(
    transport: str, tls_keys: TlsKeys, tmp_path: Path
) -> None:
    """Each answer to a peer that is gone is a failed write, of which asyncio would warn."""
    with held(transport, tmp_path, tls_keys if transport == "tls" else None) as registrar:
        for phone in ("first", "second", "third"):
            loud = registrar.connect()
            loud.sendall(b"".join(register(f"loud{number}") for number in range(200)))
            reset(loud)
            assert registrar.registers(phone)
        _, lines = registrar.finish()
    assert strange_lines(lines) == [], "\n".join(strange_lines(lines)[:30])

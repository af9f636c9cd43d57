"""Many peers and few descriptors, and peers that leave at a bad moment: what it costs, and what is said of it."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from replay.net import connections as bounds
from replay.net import descriptors, door
from replay.net.descriptors import LOOP_NEEDS, MOST_CONNECTIONS, RESERVE, afford, most_connections
from replay.net.leftovers import line_of
from replay.registrar_events import TurnedAway
from replay.uas import MOST_KINDS
from replay.views.registrar import told as line
from tests.replay.crowds import be_rude, crowd_of, held, register, strange_lines
from tests.replay.registrar_stage import START, house
from tests.replay.registrar_stage import told as said
from tests.replay.test_listen import Played, open_tcp, read_answer, tcp_request
from tests.replay.tls_front import TlsKeys

CROWD = 350


# Real processes with `ulimit -n 256`.


@pytest.mark.parametrize(
    ("transport", "octets"),
    [("tcp", b""), ("tcp", b"REGISTER sip:x SIP/2.0\r\nVia: "), ("tls", b"\x16\x03\x01"), ("tls", None)],
    ids=["silent", "slow", "half a handshake", "a handshake"],
)
def test_a_crowd_of_more_than_there_are_descriptors(
    transport: str, octets: bytes | None, tls_keys: TlsKeys, tmp_path: Path
) -> None:
    """`octets` None: each makes its handshake, and says nothing then."""
    crowd_of(CROWD)
    keys = tls_keys if transport == "tls" else None
    with held(transport, tmp_path, keys) as registrar, ExitStack() as open_ones:
        for _ in range(CROWD):
            one = open_ones.enter_context(registrar.connect(tls=octets is None))
            if octets:
                one.sendall(octets)
        assert registrar.registers("well-behaved")
        assert registrar.registers("another")
        if os.path.isdir("/proc/self/fd"):
            assert len(os.listdir(f"/proc/{registrar.process.pid}/fd")) < 256
        result, lines = registrar.finish()
    assert registrar.process.returncode == 130
    assert strange_lines(lines) == [] and len(lines) < 15, "\n".join(lines[:40])
    (note,) = [note for note in result["notes"] if "make room" in note]
    served, gone = int(note.split("cut off: ")[1].split()[0]), int(note.split()[-3])
    assert served <= 256 - RESERVE
    assert gone - (CROWD + 2 - served) in (0, -1), "the first phone may have gone before the second one came"
    assert [client["outcome"] for client in result["clients"]] == ["registered", "registered"]


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("seed", [1, 2])
def test_peers_that_leave_at_random_leave_no_traceback(
    transport: str, seed: int, tls_keys: TlsKeys, tmp_path: Path
) -> None:
    keys = tls_keys if transport == "tls" else None
    with held(transport, tmp_path, keys) as registrar:
        with ThreadPoolExecutor(8) as crew:
            list(crew.map(lambda number: be_rude(registrar, random.Random(f"{seed}/{number}")), range(120)))
        assert registrar.registers("well-behaved")
        waiting = registrar.connect(tls=False)  # a handshake that is under way when the end comes
        unread = registrar.connect()
        unread.sendall(register("unread"))
        _, lines = registrar.finish()
        waiting.close()
        unread.close()
    assert registrar.process.returncode == 130
    assert strange_lines(lines) == [], "\n".join(strange_lines(lines)[:30])


# How many, and who goes first.


@pytest.mark.parametrize(
    ("allowed", "opened", "most"),
    [
        (256, 8, 256 - 8 - RESERVE),
        (1024, 10, MOST_CONNECTIONS),
        (10**6, 10, MOST_CONNECTIONS),
        (64, 10, 27),
        (20, 10, 5),
        (8, 8, 1),
        (3, 9, 1),
    ],
)
def test_the_system_says_how_many(allowed: int, opened: int, most: int) -> None:
    assert most_connections(allowed, opened) == most
    assert most == 1 or most <= allowed - opened - min(RESERVE, (allowed - opened) // 2)


def test_the_limit_of_this_process_counts() -> None:
    assert 1 <= most_connections() <= MOST_CONNECTIONS
    assert most_connections(256) <= 256 - RESERVE


def test_what_is_tried_out_is_given_back() -> None:
    before = len(os.listdir("/dev/fd"))
    afford(LOOP_NEEDS)
    assert len(os.listdir("/dev/fd")) == before
    with pytest.raises(OSError, match=r"[Tt]oo many") as caught:
        afford((descriptors.descriptors_allowed() or 10**6) + 1)
    assert caught.value.errno == errno.EMFILE and len(os.listdir("/dev/fd")) == before


def test_a_crowd_that_only_connects_displaces_no_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "MOST_CONNECTIONS", 4)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200
        strangers = []
        for _ in range(50):
            strangers.append(await open_tcp(to))
            strangers[-1][1].write(b"\r\n\r\n")  # keep-alives make nobody known
            assert await strangers[-1][0].read(2) == b"\r\n"
        writer.write(tcp_request(cseq=2))
        assert (await read_answer(reader)).status == 200
        for _, one in (*strangers, (reader, writer)):
            one.transport.abort()
        await asyncio.sleep(0)

    played = Played("TCP")
    played.run(talk)
    assert sum(played.machine.turned_away.values()) == 51 - 4


def test_of_those_that_are_known_the_silent_one_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "MOST_CONNECTIONS", 2)

    async def talk(to: Endpoint) -> None:
        pairs = [await open_tcp(to) for _ in range(2)]
        for number in (0, 1, 0):
            pairs[number][1].write(tcp_request(call_id=f"c{number}", user=f"u{number}", cseq=number + 1))
            await read_answer(pairs[number][0])
        third = await open_tcp(to)
        third[1].write(tcp_request(call_id="third", user="third"))
        assert (await read_answer(third[0])).status == 200
        with pytest.raises(ConnectionResetError):
            if await pairs[1][0].read() == b"":
                raise ConnectionResetError
        assert not pairs[0][0].at_eof()
        for _, writer in (*pairs, third):
            writer.close()

    Played("TCP").run(talk)


# Time.


async def _is_cut_off(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), 8) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", b"\r\n\r\n" * 20, b"\0" * 400, b"REG", b"garbage\r\n"])
def test_who_says_no_whole_message_is_cut_off(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "FIRST_MESSAGE", 0.2)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(said)
        assert await _is_cut_off(reader)
        writer.close()

    played = Played("TCP")
    played.run(talk)
    assert played.machine.turned_away == {"a connection was cut off: no whole message came in time": 1}


def test_octets_now_and_then_gain_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a header without end comes, the alarm that was set by its first octet is the one that counts."""
    monkeypatch.setattr(bounds, "LONGEST_WAIT", 0.3)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(tcp_request() + b"REGISTER")
        await read_answer(reader)
        gone = asyncio.create_task(_is_cut_off(reader))
        for _ in range(2000):
            if gone.done():
                break
            writer.write(b"x")
            await asyncio.sleep(0.01)
        assert gone.done() and await gone
        writer.close()

    played = Played("TCP")
    played.run(talk)
    assert played.machine.turned_away == {"a connection was cut off: a message took too long": 1}


def test_who_is_busy_is_not_taken_for_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read ends within a message, as over a busy connection of a proxy: each message has its own time."""
    monkeypatch.setattr(bounds, "LONGEST_WAIT", 0.5)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        octets = tcp_request(method="OPTIONS")
        writer.write(octets + octets[:40])
        for _ in range(8):
            assert (await read_answer(reader)).status == 200
            await asyncio.sleep(0.1)
            writer.write(octets[40:] + octets[:40])
        writer.close()

    played = Played("TCP")
    played.run(talk)
    assert not played.machine.turned_away


def test_silence_after_a_message_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LONGEST_SILENCE", 0.2)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(tcp_request())
        await read_answer(reader)
        assert await _is_cut_off(reader)
        writer.close()

    played = Played("TCP")
    played.run(talk)
    assert played.machine.turned_away == {"a connection was cut off: nothing came for a long time": 1}


# Where the system has no means.


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL])
def test_the_door_does_not_spin(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PAUSE", 0.05)
    calls = Counter[str]()

    async def talk(to: Endpoint) -> None:
        real = socket.socket.accept

        def failing(listening: socket.socket) -> tuple[socket.socket, object]:
            calls["accept"] += 1
            if calls["accept"] <= 3:
                raise OSError(number, os.strerror(number))
            return real(listening)

        monkeypatch.setattr(socket.socket, "accept", failing)
        first = await open_tcp(to)
        for _ in range(30):
            await asyncio.sleep(0)
        assert calls["accept"] == 1, "one try, and then a pause"
        reader, writer = await open_tcp(to)
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200, "when there are means again, it is open again"
        writer.close()
        first[1].close()

    played = Played("TCP")
    played.run(talk)
    (why,) = [why for why in played.machine.turned_away if "door" in why]
    assert played.machine.turned_away[why] == 3 and os.strerror(number).lower() in why


def test_a_peer_that_is_gone_before_it_is_let_in_costs_no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PAUSE", 3600.0)
    gone = [errno.ECONNABORTED] * 5

    async def talk(to: Endpoint) -> None:
        real = socket.socket.accept

        def failing(listening: socket.socket) -> tuple[socket.socket, object]:
            if gone:
                raise OSError(gone.pop(), "gone")
            return real(listening)

        monkeypatch.setattr(socket.socket, "accept", failing)
        for call_id in ("one", "two"):
            reader, writer = await open_tcp(to)
            writer.write(tcp_request(call_id=call_id))
            assert (await read_answer(reader)).status == 200
            writer.close()

    Played("TCP").run(talk)
    assert not gone


# What is said of it.


def test_each_reason_is_told_once_and_counted() -> None:
    machine = house(transport="TCP")
    commands = [command for _ in range(1000) for command in machine.turn_away("too many", START)]
    assert [line(one) for one in said(commands, TurnedAway)] == ["too many (told once; the rest are counted)"]
    assert machine.turned_away == {"too many": 1000}


def test_reasons_are_bounded_whoever_makes_them_up() -> None:
    machine = house(transport="TCP")
    commands = [command for number in range(5000) for command in machine.turn_away(f"reason {number}", START)]
    assert len(commands) == MOST_KINDS + 1 == len(machine.turned_away)
    assert sum(machine.turned_away.values()) == 5000


def test_what_asyncio_would_trace_is_a_line() -> None:
    hostile = OSError(5, "bad\r\nthing" + "x" * 500)
    shown = line_of({"message": "Fatal error on transport\n", "exception": hostile, "transport": object()})
    assert shown.startswith("an error of the network: Fatal error on transport : OSError [Errno 5] bad  thingx")
    assert len(shown) < 200 and "\n" not in shown and "\r" not in shown
    assert line_of({}) == "an error of the network: no more is known"

"""One client that does something else is found as before, and it alone leaves the columns."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.columnar.captures import CHANGES, SECOND, Both, Packet, assert_same, packets, storm, write
from tests.columnar.shared_nonces import shared_nonces

Fault = Callable[[list[Packet]], list[Packet]]
_PHONE = b"1000012"
"""The user whose phone is at fault."""


def _own(several: list[Packet]) -> list[int]:
    return [at for at, one in enumerate(several) if b"sip:" + _PHONE + b"@" in one.message]


def _changed(several: list[Packet], which: int, pattern: bytes, new: bytes) -> list[Packet]:
    """One message of the phone says something else."""
    at = _own(several)[which]
    message, count = re.subn(pattern, new, several[at].message, count=1)
    assert count == 1
    return [*several[:at], several[at].saying(message), *several[at + 1 :]]


def _gone(several: list[Packet], which: int) -> list[Packet]:
    at = _own(several)[which]
    return [*several[:at], *several[at + 1 :]]


def _late(several: list[Packet], begin: int, seconds: float) -> list[Packet]:
    """From one of its messages on, the phone is late."""
    own = set(_own(several)[begin:])
    moved = [
        one._replace(time=one.time + int(seconds * SECOND)) if at in own else one for at, one in enumerate(several)
    ]
    return sorted(moved, key=lambda one: one.time)


def _again(several: list[Packet], which: int, seconds: float) -> list[Packet]:
    """One of its packets is there once more, later."""
    one = several[_own(several)[which]]
    return sorted([*several, one._replace(time=one.time + int(seconds * SECOND))], key=lambda one: one.time)


def _elsewhere(several: list[Packet], which: int) -> list[Packet]:
    """One of its packets comes from the address beside the true one, as of a server with two."""
    at = _own(several)[which]
    frame = bytearray(several[at].frame)
    frame[29] ^= 1
    return [*several[:at], several[at]._replace(frame=bytes(frame)), *several[at + 1 :]]


FAULTS: dict[str, Fault] = {
    "CSeq is not raised": lambda several: _changed(several, 6, rb"CSeq: \d+", b"CSeq: 1"),
    "CSeq jumps": lambda several: _changed(several, 4, rb"CSeq: \d+", b"CSeq: 2000000"),
    "another nonce is answered": lambda several: _changed(several, 6, rb'nonce="[^"]{6}', b'nonce="AAAAAA'),
    "a nonce is given to it that another had": lambda several: _changed(
        several, 5, rb'nonce="[^"]+"', re.findall(rb'nonce="[^"]+"', several[1].message)[0]
    ),
    "another Contact": lambda several: _changed(several, 4, rb"Contact: <sip:(\w+)@", rb"Contact: <sip:\1x@"),
    "another Contact is listed": lambda several: _changed(several, 3, rb"Contact: <sip:(\w+)@", rb"Contact: <sip:\1x@"),
    "less is granted": lambda several: _changed(several, 3, rb"expires=\d+", b"expires=30"),
    "nothing is granted": lambda several: _changed(several, 7, rb"expires=\d+", b"expires=0"),
    "it signs off": lambda several: _changed(several, 6, rb"(?i)expires(: |=)\d+", rb"Expires\g<1>0"),
    "another Call-ID": lambda several: _changed(several, 4, rb"Call-ID: \w", b"Call-ID: Q"),
    "the Call-ID of an answer": lambda several: _changed(several, 5, rb"Call-ID: \w", b"Call-ID: Q"),
    "another branch in the answer": lambda several: _changed(several, 5, rb"branch=z9hG4bK..", b"branch=z9hG4bK00"),
    "a tag in To": lambda several: _changed(several, 4, rb"(To: [^\r]*)", rb"\1;tag=x"),
    "no To tag in the answer": lambda several: _changed(several, 3, rb"(To: [^\r]*);tag=\w+", rb"\1"),
    "it is refused": lambda several: _changed(several, 7, rb"SIP/2.0 200 OK", b"SIP/2.0 403 Forbidden"),
    "it is told to wait": lambda several: _changed(
        several, 7, rb"SIP/2.0 200 OK", b"SIP/2.0 503 Busy\r\nRetry-After: 5"
    ),
    "the time is too brief": lambda several: _changed(
        several, 7, rb"SIP/2.0 200 OK", b"SIP/2.0 423 Brief\r\nMin-Expires: 90"
    ),
    "a stale nonce": lambda several: _changed(several, 5, rb'qop="auth"', b'qop="auth", stale=true'),
    "SHA-256 is offered": lambda several: _changed(several, 5, rb'qop="auth"', b'qop="auth", algorithm=SHA-256'),
    "no qop": lambda several: _changed(several, 5, rb', qop="auth"', b""),
    "another realm": lambda several: _changed(several, 5, rb'realm="[^"]+"', b'realm="elsewhere.example"'),
    "a flow is granted": lambda several: _changed(
        several, 3, rb"Server:", b"Require: outbound\r\nFlow-Timer: 20\r\nServer:"
    ),
    "the next nonce is told": lambda several: _changed(
        several, 3, rb"Server:", b'Authentication-Info: nextnonce="x"\r\nServer:'
    ),
    "a request is missing": lambda several: _gone(several, 4),
    "a challenge is missing": lambda several: _gone(several, 5),
    "an answer is missing": lambda several: _gone(several, 7),
    "late by a second": lambda several: _late(several, 4, 1),
    "a late refresh": lambda several: _late(several, 8, 75),
    "a very late refresh": lambda several: _late(several, 8, 400),
    "a slow answer": lambda several: _late(several, 5, 4),
    "a challenge left for a minute": lambda several: _late(several, 6, 61),
    "a packet twice": lambda several: _again(several, 4, 0.001),
    "an answer twice": lambda several: _again(several, 5, 0.3),
    "its nonce count jumps": lambda several: _changed(several, 6, rb"nc=00000001", b"nc=00028811"),
    "its nonce count has one digit": lambda several: _changed(several, 6, rb"nc=00000001", b"nc=1"),
    "its CSeq begins with a nought": lambda several: _changed(several, 4, rb"CSeq: \d", b"CSeq: 0"),
    "the answer's CSeq begins with a nought": lambda several: _changed(several, 5, rb"CSeq: (\d+)", rb"CSeq: 0\1"),
    "a word of extensions in its nonce": lambda several: _changed(several, 5, rb'nonce="....', b'nonce="gruu'),
    "an extension is refused": lambda several: _changed(
        several, 7, rb"SIP/2.0 200 OK", b"SIP/2.0 420 Bad Extension\r\nUnsupported: path"
    ),
    "another address answers": lambda several: _elsewhere(several, 5),
    "a request again, at once": lambda several: _again(several, 4, 0.05),
    "a request again, late": lambda several: _again(several, 4, 3.2),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_one_client(quiet: Path, quietly: Both, tmp_path: Path, fault: Fault) -> None:
    after = assert_same(write(tmp_path / "fault.pcap", fault(packets(quiet))))
    if after.capture is None:
        assert after.why  # all is for the object path
        return
    assert quietly.capture is not None
    left = int(quietly.capture.clients.ordinary.sum()) - int(after.capture.clients.ordinary.sum())
    assert left <= 2  # it, and who shares with it what the fault is about


def test_the_phone_is_ordinary_before(quietly: Both) -> None:
    assert quietly.capture is not None
    users = {one.user for one in quietly.capture.clients.facts if one is not None}
    assert _PHONE.decode() in users


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
@pytest.mark.parametrize("seed", range(2))
def test_mutated_messages(
    calm: Path, tmp_path: Path, change: Callable[[bytes, random.Random], bytes], seed: int
) -> None:
    chance = random.Random(f"{seed}")
    several = packets(calm)
    for at in chance.sample(range(len(several)), chance.choice((1, 3, 12))):
        several[at] = several[at].saying(change(several[at].message, chance))
    assert_same(write(tmp_path / "mutated.pcap", several))


@pytest.mark.parametrize("seed", range(3))
def test_lost_and_doubled_packets(calm: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    several = packets(calm)
    lost = set(chance.sample(range(len(several)), 5))
    twice = [
        one._replace(time=one.time + chance.choice((0, 5, 4999, 5001, 250_000, 700_000)))
        for one in chance.sample(several, 5)
    ]
    left = [one for at, one in enumerate(several) if at not in lost]
    assert_same(write(tmp_path / "lossy.pcap", sorted([*left, *twice], key=lambda one: one.time)))


@pytest.mark.parametrize("seconds", [5, 33, 61, 500])
def test_a_pause_of_everybody(calm: Path, tmp_path: Path, seconds: int) -> None:
    several = packets(calm)
    paused = [one._replace(time=one.time + seconds * SECOND) if at > 400 else one for at, one in enumerate(several)]
    assert_same(write(tmp_path / "paused.pcap", paused))


def test_a_clock_that_is_set_back(calm: Path, tmp_path: Path) -> None:
    several = packets(calm)
    stepped = [one._replace(time=one.time - 5 * SECOND) if at > 400 else one for at, one in enumerate(several)]
    assert assert_same(write(tmp_path / "stepped.pcap", stepped)).why == "times step back"


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("most", [50, 20_000, 900_000])
def test_times_that_step_back_a_little(calm: Path, tmp_path: Path, seed: int, most: int) -> None:
    """As where several processors capture: some packets have an earlier time than the one before."""
    chance = random.Random(seed)
    several = packets(calm)
    for at in chance.sample(range(1, len(several)), 20):
        several[at] = several[at]._replace(time=several[at - 1].time - chance.randint(1, most))
    found = assert_same(write(tmp_path / "back.pcap", several))
    assert found.columns is not None or found.why == "times step back", found.why


@pytest.mark.parametrize("seconds", [0.05, 1.0])
def test_times_that_step_back_where_nonces_are_shared(folder: Path, tmp_path: Path, seconds: float) -> None:
    several = shared_nonces(packets(storm(folder, 2400, 150)), seconds=seconds)
    for at in range(600, 900, 3):
        several[at] = several[at]._replace(time=several[at - 1].time - 400)
    assert assert_same(write(tmp_path / "back.pcap", several)).columns is not None


def test_what_is_found_of_many_clients_at_the_end_names_the_first_of_them(folder: Path, tmp_path: Path) -> None:
    """A short grant is told once for a server, with the places of the clients that came first."""
    several = [
        one.saying(re.sub(rb"expires=\d+", b"expires=30", one.message)) if b"SIP/2.0 200" in one.message else one
        for one in packets(storm(folder, 2400, 60, rate=30.0, lost=0.0))
    ]
    found = assert_same(write(tmp_path / "short.pcap", several))
    short = [one for one in json.loads(found.objects)["findings"] if one["rule"] == "DET-short-refresh"]
    assert short and len(short[0]["evidence"]) > 5 and found.columnar > 10

"""A console that stamps some lines alone: what is known of the time of the others, and no more."""

from __future__ import annotations

import io
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer.capture.asterisk.held import OwnWords, nonce_second
from analyzer.capture.asterisk.reader import OWN_WORDS, Reader
from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, Between, RawMessage, Source, between
from analyzer.sip.message import parse
from tests.capture.asterisk_text import REGISTER, octets, paste, pjsip
from tests.shared import LAB

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC).timestamp()
ELEVEN = 1795172400  # Fri Nov 20 11:00:00 2026 UTC
NONCE = "{}/79b0457fd78fc6351c35ad14c11bf6c6"
CHALLENGE = (
    "SIP/2.0 401 Unauthorized\r\n"
    "Via: SIP/2.0/UDP 10.9.0.2:5071;branch=z9hG4bK{branch};received=10.9.0.2;rport=5071\r\n"
    "From: <sip:alice@10.9.0.1>;tag=dd7c\r\n"
    "To: <sip:alice@10.9.0.1>;tag=as22\r\n"
    "Call-ID: 1550c5bf\r\n"
    "CSeq: 57693 REGISTER\r\n"
    'WWW-Authenticate: Digest realm="lab.invalid",nonce="{nonce}",algorithm=MD5,qop="auth"\r\n'
    "Content-Length: 0\r\n\r\n"
)
OK = CHALLENGE.replace("401 Unauthorized", "200 OK").replace("WWW-Authenticate: Digest realm", "X: Digest realm")


def at(second: int) -> str:
    """A line of no interest with a stamp, `second` seconds after eleven."""
    hour, rest = divmod(second, 3600)
    return f"[Nov 20 {11 + hour}:{rest // 60:02}:{rest % 60:02}] NOTICE[1]: x.c:1 f: Peer 'alice' is now Reachable\n"


def asked() -> str:
    return paste(pjsip(REGISTER))


def challenged(second: int, branch: str = "54b0") -> str:
    """A challenge whose nonce was made `second` seconds after eleven."""
    nonce = NONCE.format(ELEVEN + second)
    return paste(pjsip(CHALLENGE.format(branch=branch, nonce=nonce), incoming=False))


def theirs(second: int) -> str:
    """The same of somebody else, whose clock is his own."""
    return challenged(second, "b").replace("Transmitting", "Received").replace(" to UDP", " from UDP")


def answered(second: int) -> str:
    """A 200 with a Date header."""
    date = datetime.fromtimestamp(ELEVEN + second, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = OK.format(branch="54b0", nonce="x").replace("Content-Length", f"Date: {date}\r\nContent-Length")
    return paste(pjsip(text, incoming=False))


def read(*parts: str) -> tuple[list[RawMessage], Source]:
    source = Source("log")
    return list(Reader(source, NOW).read(io.BytesIO(octets("".join(parts))))), source


def known(found: list[RawMessage]) -> list[object]:
    """Seconds after eleven: a number where the time is known, a pair where it lies between two, None without either."""
    shown: list[object] = []
    for raw_message in found:
        bounds = between(raw_message.place)
        if bounds is not None:
            assert raw_message.time is None
            latest = None if bounds.latest is None else bounds.latest // SECOND - ELEVEN
            shown.append((bounds.earliest // SECOND - ELEVEN, latest))
        else:
            shown.append(None if raw_message.time is None else raw_message.time // SECOND - ELEVEN)
    return shown


# A challenge in the first second tells the zone; what follows is about the rest.
ZONE = at(0) + challenged(0, "zone")


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ((at(5), asked(), at(5)), [5]),
        ((at(5), asked(), at(20)), [(5, 20)]),
        ((at(5), asked(), asked(), at(20), asked(), at(20)), [(5, 20), (5, 20), 20]),
        ((at(5), asked()), [(5, None)]),
        ((at(5), asked(), challenged(9, "b")), [(5, 9), 9]),
        ((at(5), challenged(9, "b"), asked(), at(20)), [9, (9, 20)]),
        ((at(5), asked(), answered(8), asked(), at(20)), [(5, 8), 8, (8, 20)]),
        ((at(5), answered(8), asked(), answered(8).replace("54b0", "54b1"), at(20)), [8, 8, 8]),
        # printed again, it is a copy, and tells nothing of its own time
        ((at(5), challenged(9, "b"), at(12), challenged(9, "b"), at(20)), [9, (12, 20)]),
        # the clock of somebody else
        ((at(5), theirs(9), at(20)), [(5, 20)]),
        # a second that lies beyond the next stamp is none that can be believed
        ((at(5), challenged(50, "b"), at(20)), [(5, 20)]),
        # two threads overtook each other
        ((at(6), asked(), at(5), asked(), at(5)), [6, 5]),
        # the clock was set back
        ((at(600), asked(), at(5)), [(600, None)]),
    ],
)  # fmt: skip
def test_the_time_is_known_or_lies_between_two(parts: tuple[str, ...], wanted: list[object]) -> None:
    found, source = read(ZONE, *parts)
    assert known(found) == [0, *wanted]
    assert source.zone == ("UTC, from Date headers" if "Date" in "".join(parts) else source.zone)


def test_a_request_comes_after_the_nonce_that_it_uses() -> None:
    used = REGISTER.replace(
        "Content-Length", f'Authorization: Digest nonce="{NONCE.format(ELEVEN + 12)}"\r\nContent-Length'
    )
    found, _ = read(ZONE, at(5), paste(pjsip(used)), at(20))
    assert known(found) == [0, (12, 20)]
    forged = used.replace(str(ELEVEN + 12), str(ELEVEN + 4000))
    assert known(read(ZONE, at(5), paste(pjsip(forged)), at(20))[0]) == [0, (5, 20)]


def test_before_the_first_stamp_nothing_is_known() -> None:
    found, source = read(asked(), ZONE)
    assert known(found) == [None, 0]
    assert source.quality == []


def test_stamps_of_an_unknown_zone_cannot_be_held_against_utc() -> None:
    """A nonce sixteen minutes after the stamp is of no zone, so it tells nothing."""
    found, source = read(at(5), challenged(1000), at(2000))
    assert "local time" in source.zone
    assert between(found[0].place) is not None


def test_the_nonces_tell_the_zone() -> None:
    found, source = read(at(3600), challenged(0))
    assert source.zone == "UTC+1, from the nonces of its challenges"
    assert known(found) == [0]
    assert read(at(3600), challenged(0), answered(0))[1].zone == "UTC+1, from Date headers"


def test_a_log_without_any_stamp_is_dated_by_the_server_itself() -> None:
    found, source = read(asked(), challenged(3), asked(), answered(3), asked(), answered(7))
    assert known(found) == [None, 3, 3, 3, (3, 7), 7]
    assert source.quality[0] == OWN_WORDS
    assert (source.zone, source.utc_offset) == ("UTC, from Date headers", 0)
    assert (source.first, source.last) == ((ELEVEN + 3) * SECOND, (ELEVEN + 7) * SECOND)


def test_a_finer_clock_does_not_make_a_second_unknown() -> None:
    line = "[2026-11-20 11:00:05.{}] NOTICE[1]: chan_sip.c:1 f: x\n"
    found, source = read(line.format("100"), asked(), line.format("140"))
    assert found[0].time is not None
    assert source.resolution == SECOND
    assert read(line.format("100"), asked(), line.format("100"))[1].resolution == SECOND // 1000


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 message has no time stamp of its own: its time is known only to lie between two stamps."),
        (2, "2 messages have no time stamp of their own: their time is known only to lie between two stamps."),
    ],
)
def test_what_is_not_known_is_said(count: int, said: str) -> None:
    assert read(ZONE, at(5), asked() * count, at(20))[1].quality == [said]


def test_what_waits_for_a_stamp_is_bounded() -> None:
    content = octets(ZONE + at(5) + asked() * 20_100)
    found = Reader(Source("log"), NOW).read(io.BytesIO(content))
    assert known([next(found), next(found)]) == [0, (5, None)]


def test_an_absurd_bound_is_none() -> None:
    stamp = "[2199-11-20 11:00:{:02}] NOTICE[1] x.c: y\n"
    with open_sources([io.BytesIO(octets(stamp.format(1) + asked() + stamp.format(30)))], kind="log") as reading:
        (one,) = reading
    assert (one.time, between(one.place)) == (None, None)


def test_own_words() -> None:
    words, text = OwnWords(), octets(CHALLENGE.format(branch="b", nonce=NONCE.format(ELEVEN)))
    assert words.told(text, None) == ELEVEN
    assert words.told(text, None) is None
    assert words.told(text.replace(b"z9hG4bKb", b"z9hG4bKc"), ELEVEN + 1) == ELEVEN + 1
    assert words.told(b"REGISTER sip:x SIP/2.0\r\n\r\n", ELEVEN) is None


@pytest.mark.parametrize(
    ("nonce", "second"),
    [
        (NONCE.format(ELEVEN), ELEVEN),
        ("39907f80", None),
        (f"{ELEVEN}", None),
        (f"{ELEVEN}/79b0", None),
        ("12/79b0457fd78fc6351c35ad14c11bf6c6", None),
        ("ZoQ1fWaENFH5oLAkmhRJd9EG0rXKyUBO", None),
    ],
)
def test_the_nonce_of_res_pjsip_begins_with_its_second(nonce: str, second: int | None) -> None:
    assert nonce_second(f'WWW-Authenticate: Digest realm="x",nonce="{nonce}"'.encode()) == second


# The lab's captures have the true times of what its consoles printed.
CONSOLES = sorted(
    console for capture in LAB.glob("*/capture.pcapng") for console in capture.parent.glob("console-*.txt")
)
_EARLY, _LATE = SECOND // 20, SECOND // 3  # threads, and the way to the logger


def _key(raw_message: RawMessage) -> tuple[object, ...]:
    message = parse(raw_message)
    via = message.via
    return message.method or message.status, message.call_id, message.cseq, via.branch if via else ""


def _read(path: Path) -> list[RawMessage]:
    with open_sources([path]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("console", CONSOLES, ids=lambda path: str(path.relative_to(LAB)))
def test_the_true_time_is_the_one_told_or_between_the_two(console: Path) -> None:
    true: dict[object, list[int]] = defaultdict(list)
    for raw_message in _read(console.parent / "capture.pcapng"):
        assert raw_message.time is not None
        true[_key(raw_message)].append(raw_message.time)
    held, seen = 0, defaultdict[object, int](int)
    for raw_message in _read(console):
        times = true.get(key := _key(raw_message))
        if times is None:
            continue
        time = times[min(seen[key], len(times) - 1)]
        seen[key] += 1
        bounds = between(raw_message.place)
        if bounds is not None:
            assert bounds.earliest - _EARLY <= time
            assert bounds.latest is None or time <= bounds.latest + _LATE
        elif raw_message.time is not None:
            assert -_EARLY <= time - raw_message.time < SECOND + _LATE
        held += 1
    assert held > 1


def test_bounds_are_values() -> None:
    assert Between(1, None) == (1, None)

"""Messages and notices as a log of Asterisk: read again as the same ones, with their times or between the same two."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.asterisk.reader import LOCAL
from analyzer.capture.opener import open_sources
from analyzer.capture.savelog import SaveLog
from analyzer.evidence import SECOND, Between, Endpoint, Fidelity, Frame, LogLines, NetworkError, RawMessage, between
from tests.shared import DATA, ROOT

LOGS = sorted(
    path
    for folder in (ROOT / "samples", DATA / "reports")
    for path in folder.glob("*/input.*")
    if path.suffix in (".log", ".txt", ".json", ".ansi")
    and path.parent.name.startswith(("asterisk-", "pjsip-", "chan-sip"))
)
PHONE = Endpoint("192.0.2.10", 5061)
SIX = Endpoint("2001:db8::1", 5060)
HEAD = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5061\r\n"
REGISTER = HEAD + b"Content-Length: 0\r\n\r\n"
NOW = 1_795_175_623 * SECOND
NOTICE = b"Registration from '<sip:bob@example.com>' failed for '192.0.2.10:5061' - Wrong password"


def message(
    time: int | None = NOW,
    *,
    payload: bytes = REGISTER,
    peer: Endpoint = PHONE,
    lies: Between | None = None,
    resend: int | None = None,
    missing: int = 0,
) -> RawMessage:
    """One that the phone sent; with `resend` one that was sent to it."""
    ends = (LOCAL, peer) if resend is not None else (peer, LOCAL)
    place = LogLines("made", 1, 1, lies)
    return RawMessage(payload, time, place, *ends, "UDP", Fidelity.TEXT_LOG, missing, resend=resend)


def written(
    *items: RawMessage | tuple[int | None, bytes], timed: bool = True, step: int = SECOND, **ends: int
) -> bytes:
    out = io.BytesIO()
    saved = SaveLog(out, timed=timed, step=step, **ends)
    for item in items:
        if isinstance(item, RawMessage):
            saved.add(item)
        else:
            saved.add_notice(item[0], "chan_sip", item[1])
    saved.finish()
    return out.getvalue()


def read(log: bytes) -> list[RawMessage]:
    with open_sources([io.BytesIO(log)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.parent.name)
def test_every_log_is_the_same_again(path: Path) -> None:
    heard: list[tuple[int, bytes]] = []
    out = io.BytesIO()
    with open_sources([str(path)]) as reading:
        reading.sources[0].hear = lambda line, text, when: heard.append((line, text))
        items = [item for item in reading if isinstance(item, RawMessage)]
        source = reading.sources[0]
    timed = all(item.time is not None for item in items)
    saved = SaveLog(out, timed=timed, step=source.resolution, first=source.first, last=source.last)
    for item in items:
        while heard and isinstance(item.place, LogLines) and heard[0][0] < item.place.first:
            saved.add_notice(None, "chan_sip", heard.pop(0)[1])
        saved.add(item)
    for _, text in heard:
        saved.add_notice(None, "chan_sip", text)
    saved.finish()
    with open_sources([io.BytesIO(out.getvalue())], kind="log") as reading:
        again = [item for item in reading if isinstance(item, RawMessage)]
        after = reading.sources[0]
    assert saved.written == len(items) == len(again)
    assert sum(one.count for one in after.notices) == sum(one.count for one in source.notices) <= saved.notices
    for one, other in zip(items, again, strict=True):
        assert (one.payload, one.time, between(one.place)) == (other.payload, other.time, between(other.place))
        assert (one.source, one.destination, one.resend) == (other.source, other.destination, other.resend)
        said = [[said.notice.cause for said in each.notices if not said.alone] for each in (one, other)]
        assert said[0] == said[1]
    assert (after.first, after.last, after.resolution) == (source.first, source.last, source.resolution)


def test_the_lines_are_those_of_asterisk() -> None:
    log = written(message(), (NOW + SECOND, NOTICE)).decode()
    assert log.startswith("[2026-11-20 11:53:43+0000] VERBOSE[1] res_pjsip_logger.c: <--- Received SIP request (")
    assert "bytes) from UDP:192.0.2.10:5061 --->\nREGISTER sip:example.com SIP/2.0\r\n" in log
    assert f"[2026-11-20 11:53:44+0000] NOTICE[1] chan_sip.c: {NOTICE.decode()}\n" in log


def test_a_message_between_two_times_lies_between_them_again() -> None:
    lies, later = Between(NOW, NOW + 9 * SECOND - 1), Between(NOW + 20 * SECOND, None)
    items = [message(None, lies=lies), message(None, lies=lies), message(NOW + 15 * SECOND), message(None, lies=later)]
    again = read(written(*items, timed=False))
    assert [between(one.place) for one in again] == [lies, lies, None, later]
    assert [one.time for one in again] == [None, None, NOW + 15 * SECOND, None]


def test_what_the_notices_tell_is_not_told_twice() -> None:
    lies = Between(NOW, NOW + 9 * SECOND - 1)
    log = written((NOW, NOTICE), message(None, lies=lies), (NOW + 8 * SECOND, NOTICE), timed=False)
    assert b"logger.c: -" not in log and between(read(log)[0].place) == lies


def test_a_message_without_any_time_has_none() -> None:
    again = read(written(message(None), message(NOW), timed=False, first=NOW - SECOND))
    assert [one.time for one in again] == [None, NOW]


def test_when_the_log_began_and_ended_is_kept() -> None:
    log = written(message(), first=NOW - 9 * SECOND, last=NOW + 7 * SECOND)
    with open_sources([io.BytesIO(log)]) as reading:
        assert len(list(reading)) == 1
        assert (reading.sources[0].first, reading.sources[0].last) == (NOW - 9 * SECOND, NOW + 7 * SECOND)


@pytest.mark.parametrize("step", [SECOND, SECOND // 1000, 1000, 1])
def test_the_clock_has_the_same_steps(step: int) -> None:
    time = NOW + 123_456_789 // step * step
    with open_sources([io.BytesIO(written(message(time), step=step))]) as reading:
        assert [item.time for item in reading] == [time]
        assert reading.sources[0].resolution == step


def test_a_counted_copy_and_a_cut_one_and_a_long_address_are_kept() -> None:
    copy = message(payload=b"SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n", resend=3)
    cut = message(payload=HEAD + b"Content-Length: 9\r\n\r\nabc", peer=SIX, missing=6)
    again = read(written(copy, cut, message()))
    assert [(one.resend, one.missing) for one in again] == [(3, 0), (None, 6), (None, 0)]
    assert again[1].source == SIX and again[0].destination == PHONE


@given(st.lists(st.sampled_from([b"abc", b"", b"<------------>", b"---", NOTICE, b"--- (3 headers 0 lines) ---",
    b"<--- Received SIP request (9 bytes) from UDP:192.0.2.66:5060 --->", b"SIP/2.0 200 OK",
    b"[2026-11-20 11:53:43+0000] VERBOSE[1] res_pjsip_logger.c: <--- Received SIP request (9 bytes) from UDP:6:6 --->",
    b"[2026-11-20 11:53:43+0000] NOTICE[1] chan_sip.c: " + NOTICE]), max_size=6))  # fmt: skip
def test_a_body_forges_neither_message_nor_notice(lines: list[bytes]) -> None:
    body = b"\r\n".join(lines)
    items = [message(payload=HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body), message()]
    again = read(written(*items))
    assert [one.payload for one in again] == [one.payload for one in items]
    assert not [said for one in again for said in one.notices]


def test_an_error_is_not_written() -> None:
    out = io.BytesIO()
    SaveLog(out, timed=True, step=1).add_error(NetworkError(1, Frame("made", 1), PHONE, SIX, "UDP", "icmp", "x"))
    assert not out.getvalue()

"""A log that lists the newest message first is turned round; one that steps back here and there is not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.capture import newest_first
from analyzer.capture.newest_first import CODE, TOO_LONG, TURNED, TURNED_UNTIMED, in_time_order
from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, Endpoint, Item, LogLines, NetworkError, RawMessage, Source
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report

REQUEST = b"""REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: %d REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

"""
ANSWER = b"""SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%d
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: %d REGISTER
Contact: <sip:bob@192.0.2.10:5060>;expires=60
Content-Length: 0

"""
PHONE, SERVER = "192.0.2.10:5060", "192.0.2.1:5060"


class Kept(tuple[str, str, str, bytes]):
    """A message with its stamp and its ends."""


def kept(exchanges: int) -> list[Kept]:
    """Requests and their answers, half a minute apart."""
    told = []
    for n in range(exchanges):
        minute, second = divmod(30 * n, 60)
        stamp = f"2026-11-29T15:{minute:02}:{second:02}"
        told.append(Kept((f"{stamp}.486703Z", PHONE, SERVER, REQUEST % (n, n + 1))))
        told.append(Kept((f"{stamp}.487587Z", SERVER, PHONE, ANSWER % (n, n + 1))))
    return told


def homer(messages: list[Kept]) -> bytes:
    """As Homer exports text."""
    lines = (
        f"proto:UDP {stamp}  {source} ---> {end}\n\n".encode() + text + b"\n\n" for stamp, source, end, text in messages
    )
    return b"".join(lines)


def ngrep(messages: list[Kept]) -> bytes:
    """As ngrep prints packets."""
    found = b"interface: eth0\n"
    for stamp, source, end, text in messages:
        time = stamp.replace("-", "/").replace("T", " ").rstrip("Z")
        found += f"#\nU {time} {source} -> {end}\n".encode() + text.replace(b"\n", b".\n") + b"\n"
    return found


def lines_of_json(messages: list[Kept]) -> bytes:
    """As Loki (`logcli -o jsonl`) and other servers of logs give out lines that were kept."""
    return b"".join(
        json.dumps({"labels": {"app": "proxy"}, "line": homer([one]).decode(), "timestamp": one[0]}).encode() + b"\n"
        for one in messages
    )


def table(messages: list[Kept]) -> bytes:
    """As Kibana and Graylog save a search."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["@timestamp", "host", "message"])
    for one in messages:
        writer.writerow([one[0], "proxy", homer([one]).decode()])
    return out.getvalue().encode()


WAYS: dict[str, Callable[[list[Kept]], bytes]] = {
    "homer": homer,
    "ngrep": ngrep,
    "json": lines_of_json,
    "table": table,
}


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    """The messages of a text."""
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def outline(report: Report) -> object:
    """What a report says of messages, clients and findings."""
    return (
        report.summary.messages,
        [(row.method, row.call_id, row.cseq, row.status) for row in report.transactions],
        [one.outcome for one in report.registrations],
        sorted({(one.rule, one.sub) for one in report.findings}),
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_a_text_that_lists_the_newest_first_is_turned_round(way: str, count: int) -> None:
    plain, source = read(WAYS[way](kept(count)))
    told, other = read(WAYS[way](kept(count)[::-1]))
    assert len(plain) == 2 * count
    assert [(one.payload, one.time, one.source) for one in told] == [
        (one.payload, one.time, one.source) for one in plain
    ]
    assert all(one.defects[0].code == CODE and one.is_repaired for one in told)
    assert TURNED in other.quality
    assert TURNED not in source.quality
    assert not any(CODE in [defect.code for defect in one.defects] for one in plain)
    assert (other.first, other.last) == (source.first, source.last)


@pytest.mark.parametrize("way", WAYS)
def test_the_report_is_that_of_the_text_in_order(way: str, tmp_path: Path) -> None:
    one, other = tmp_path / "one.log", tmp_path / "other.log"
    one.write_bytes(WAYS[way](kept(10)))
    other.write_bytes(WAYS[way](kept(10)[::-1]))
    assert outline(analyze(str(other))) == outline(analyze(str(one)))


def test_places_are_the_lines_where_messages_stand() -> None:
    text = homer(kept(3)[::-1])
    told, _ = read(text)
    starts = [n for n, line in enumerate(text.split(b"\n"), 1) if b"SIP/2.0" in line and b"Via" not in line]
    assert [one.place[1] for one in told] == starts[::-1]


def test_messages_of_one_time_are_turned_with_the_others() -> None:
    """Stamps of whole seconds: the answer has that of its request, and stands above it."""
    whole = [Kept((f"{one[0][:19]}Z", *one[1:])) for one in kept(4)]
    told, _ = read(homer(whole[::-1]))
    assert [one.payload for one in told] == [one.payload for one in read(homer(whole))[0]]


@pytest.mark.parametrize("place", range(1, 12))
def test_one_step_back_stays_one(place: int) -> None:
    """The clock was set back, or two logs stand one behind the other."""
    messages = kept(6)
    mixed = messages[place:] + messages[:place]
    told, source = read(homer(mixed))
    stamps = [one[0] for one in mixed]
    assert [one.payload for one in told] == [one.payload for one in read(homer(messages))[0][place:]] + [
        one.payload for one in read(homer(messages))[0][:place]
    ]
    assert TURNED not in source.quality
    assert stamps != sorted(stamps)


@pytest.mark.parametrize("place", range(1, 11))
def test_one_step_forward_is_enough_to_leave_a_text_as_it_is(place: int) -> None:
    messages = kept(6)[::-1]
    messages[place], messages[place - 1] = messages[place - 1], messages[place]
    told, source = read(homer(messages))
    assert [one.time for one in told] != sorted(one.time or 0 for one in told)
    assert TURNED not in source.quality
    assert not any(CODE in [defect.code for defect in one.defects] for one in told)


def test_two_requests_of_which_the_second_is_earlier_are_left() -> None:
    """Nothing but one step back."""
    first, _, second, _ = kept(2)
    told, source = read(homer([second, first]))
    assert [one.time for one in told] == sorted((one.time or 0 for one in told), reverse=True)
    assert TURNED not in source.quality


def message(time: int | None, text: bytes = b"REGISTER sip:a SIP/2.0\r\n\r\n") -> RawMessage:
    """A message of a log."""
    return RawMessage(text, time, LogLines("a", 1, 2), Endpoint("a", 1), Endpoint("b", 1))


def test_what_has_no_time_is_left() -> None:
    for times in ([None, None, None], [5, 4, None, 3], [5, 4, 3, None]):
        items: list[Item] = [message(time and time * SECOND) for time in times]
        source = Source("a", "log")
        assert [id(one) for one in in_time_order(iter(items), source)] == [id(one) for one in items]
        assert not source.quality


def test_a_log_in_order_is_not_kept() -> None:
    """The first step forward gives out what was kept: of a log that is read while it is long, no more is held."""
    taken: list[int] = []

    def items() -> Iterator[Item]:
        for n in range(1000):
            taken.append(n)
            yield message(n * SECOND)

    told = in_time_order(items(), Source("a", "log"))
    assert next(told).time == 0
    assert len(taken) == 2
    assert len(list(told)) == 999


def test_a_log_that_is_still_written_is_not_kept() -> None:
    source = Source("a", "log", goes_on=lambda: True)
    items: list[Item] = [message(time * SECOND) for time in (5, 4, 3)]
    assert [one.time for one in in_time_order(iter(items), source)] == [5 * SECOND, 4 * SECOND, 3 * SECOND]
    assert not source.quality


@pytest.mark.parametrize(("name", "most"), [("MOST", 10), ("MOST_OCTETS", 260)])
def test_memory_is_bounded(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is longer than what is kept is given out as it stands, and that is said once."""
    monkeypatch.setattr(newest_first, name, most)
    source = Source("a", "log")
    items: list[Item] = [message((100 - n) * SECOND) for n in range(50)]
    told = list(in_time_order(iter(items), source))
    assert [one.time for one in told] == [one.time for one in items]
    assert source.quality == [TOO_LONG]


def test_what_was_read_before_ctrl_c_is_turned_round() -> None:
    def items() -> Iterator[Item]:
        yield from (message(time * SECOND) for time in (5, 4, 3))
        raise KeyboardInterrupt

    told: list[Item] = []
    source = Source("a", "log")
    with pytest.raises(KeyboardInterrupt):
        told.extend(in_time_order(items(), source))
    assert [one.time for one in told] == [3 * SECOND, 4 * SECOND, 5 * SECOND]
    assert source.quality == [TURNED]


def test_what_is_no_message_is_turned_with_the_messages() -> None:
    ends = Endpoint("a", 1), Endpoint("b", 1)
    error = NetworkError(4 * SECOND, LogLines("a", 1, 1), *ends, "UDP", "icmp")
    items: list[Item] = [message(5 * SECOND), error, message(3 * SECOND)]
    told = list(in_time_order(iter(items), Source("a", "log")))
    assert [one.time for one in told] == [3 * SECOND, 4 * SECOND, 5 * SECOND]
    assert told[1] is error


def test_hostile_heads_show_nothing() -> None:
    """One step back, and no exchange that could be told."""
    for text in (b"", b"SIP/2.0 200", b"REGISTER\r\nCall-ID\r\nCSeq:", b"\r\nCall-ID: \r\nCSeq: \r\n"):
        items: list[Item] = [message(5 * SECOND, text), message(4 * SECOND, text)]
        assert [one.time for one in in_time_order(iter(items), Source("a", "log"))] == [5 * SECOND, 4 * SECOND]


def calls(seconds: list[list[int]]) -> list[list[Kept]]:
    """A call each: a request, a refusal, a request, an answer, at these seconds."""
    told = []
    for n, (one, two, three, four) in enumerate(seconds):
        call = b"call-%d" % n
        parts = [
            (one, PHONE, SERVER, REQUEST % (10 * n + 1, 1)),
            (two, SERVER, PHONE, (ANSWER % (10 * n + 1, 1)).replace(b"200 OK", b"401 Unauthorized")),
            (three, PHONE, SERVER, REQUEST % (10 * n + 2, 2)),
            (four, SERVER, PHONE, ANSWER % (10 * n + 2, 2)),
        ]
        told.append(
            [
                Kept((f"2026-11-29T15:{at // 60:02}:{at % 60:02}.000000Z", source, end, text.replace(b"a1", call)))
                for at, source, end, text in parts
            ]
        )
    return told


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "seconds",
    [
        [[1, 1, 1, 1], [21, 21, 21, 21], [41, 41, 41, 41]],
        [[1, 1, 2, 2], [21, 21, 22, 22], [41, 42, 43, 44]],
        [[1, 1, 1, 1], [21, 21, 22, 22], [22, 22, 22, 22]],
    ],
)
def test_calls_that_are_listed_newest_first_keep_the_order_of_their_messages(
    way: str, seconds: list[list[int]]
) -> None:
    listed = calls(seconds)
    told, source = read(WAYS[way]([one for call in reversed(listed) for one in call]))
    plain, _ = read(WAYS[way]([one for call in listed for one in call]))
    ordered = sorted(plain, key=lambda one: one.time or 0)
    assert {one.payload for one in told} == {one.payload for one in plain}
    assert [one.time for one in told] == [one.time for one in ordered]
    for n in range(3):
        name = b"call-%d" % n
        assert [one.payload for one in told if name in one.payload] == [one.payload for one in listed_octets(listed[n])]
    assert TURNED in source.quality
    assert all(one.defects[0].code == CODE for one in told)


def listed_octets(call: list[Kept]) -> list[RawMessage]:
    """The messages of a call, as they are read in its order."""
    return read(homer(call))[0]


def test_a_call_that_goes_on_below_a_step_back_is_that_of_a_clock() -> None:
    """The number of CSeq rises from one stretch to the next: the clock was set back, twice."""
    stretches = [[40, 40, 41, 41], [20, 20, 21, 21], [1, 1, 2, 2]]
    messages = [one for call in calls(stretches) for one in call]
    rising = []
    for n, one in enumerate(messages):
        text = one[3].replace(b"call-%d" % (n // 4), b"one")
        number = b"CSeq: %d" % (n // 2 + 1)
        rising.append(Kept((*one[:3], text.replace(b"CSeq: 1", number).replace(b"CSeq: 2", number))))
    told, source = read(homer(rising))
    assert [one.time for one in told] != sorted(one.time or 0 for one in told)
    assert TURNED not in source.quality


def untimed(messages: list[Kept]) -> bytes:
    """The messages alone."""
    return b"\n".join(one[3] for one in messages)


def test_messages_without_times_are_turned_by_their_exchanges() -> None:
    ordered = kept(3)
    told, source = read(untimed(ordered[::-1]))
    assert [one.payload for one in told] == [one.payload for one in read(untimed(ordered))[0]]
    assert TURNED_UNTIMED in source.quality
    assert TURNED_UNTIMED not in read(untimed(ordered))[1].quality
    mixed = [*ordered[:2], *ordered[:1:-1]]
    assert TURNED_UNTIMED not in read(untimed(mixed))[1].quality
    assert TURNED_UNTIMED not in read(untimed(kept(1)[::-1]))[1].quality


@pytest.mark.parametrize("form", ["%H:%M:%S.%f", "%b %d %H:%M:%S.%f"])
@pytest.mark.parametrize("hours", [[0, 3, 6, 9], [1, 2, 7, 14], [13, 14, 15, 16]])
def test_stamps_without_date_or_year_are_followed_back(form: str, hours: list[int]) -> None:
    """Over midnight and New Year's Eve, and over gaps of more than two hours."""
    begin = datetime(2025, 12, 31, 10, 53, 43, 746_000)  # noqa: DTZ001 - the log is read in the zone of the machine
    messages = []
    for n, hour in enumerate(hours):
        when = (begin + timedelta(hours=hour)).strftime(form)
        messages += [
            f"{when} {PHONE} -> {SERVER}\n".encode() + REQUEST % (n, n + 1),
            f"{when} {SERVER} -> {PHONE}\n".encode() + ANSWER % (n, n + 1),
        ]
    plain, _ = read(b"\n".join(messages))
    told, source = read(b"\n".join(messages[::-1]))
    assert [one.payload for one in told] == [one.payload for one in plain]
    gaps = [(other.time or 0) - (one.time or 0) for one, other in pairwise(told)]
    assert gaps[1::2] == [(later - hour) * 3600 * SECOND for hour, later in pairwise(hours)]
    assert not any(gaps[::2])
    assert TURNED in source.quality


def test_date_headers_tell_the_day_of_a_text_that_is_turned() -> None:
    messages = []
    for n, clock in enumerate((b"22:10:00", b"23:40:00", b"00:50:00")):
        day = b"Mon, 30" if n < 2 else b"Tue, 31"
        date = b"CSeq: %d REGISTER\nDate: %b Mar 2026 %b GMT" % (n + 1, day, clock)
        answer = (ANSWER % (n, n + 1)).replace(b"CSeq: %d REGISTER" % (n + 1), date)
        messages += [
            b"%b.100 %b -> %b\n" % (clock, PHONE.encode(), SERVER.encode()) + REQUEST % (n, n + 1),
            b"%b.200 %b -> %b\n" % (clock, SERVER.encode(), PHONE.encode()) + answer,
        ]
    told, source = read(b"\n".join(messages[::-1]))
    days = [datetime.fromtimestamp((one.time or 0) // SECOND, UTC).strftime("%d %H:%M") for one in told[::2]]
    assert days == ["30 22:10", "30 23:40", "31 00:50"]
    assert source.zone == "UTC, from Date headers"

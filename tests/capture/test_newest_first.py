"""A log that lists the newest message first is turned round; one that steps back here and there is not."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analyzer.capture import newest_first
from analyzer.capture.newest_first import CODE, TOO_LONG, TURNED, in_time_order
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

"""Texts that list the newest line first are turned round before they are read, whatever keeps their lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import NamedTuple

import pytest

from analyzer.capture import upside_down
from analyzer.capture.newest_first import CODE
from analyzer.capture.opener import open_sources
from analyzer.capture.upside_down import TOO_LONG, TURNED, is_upside_down
from analyzer.defect import SourceError
from analyzer.evidence import SECOND, LogLines, RawMessage, Source
from tests.capture.test_pasted_texts import BEGIN, CLIENT, CLOCKS, MESSAGES, OCTETS, REGISTRAR, STAMPS, size

MILLISECONDS = [100, 140, 180, 220]


class Line(NamedTuple):
    """A line of a log, and when it was written."""

    stamp: str
    nanosecond: int
    text: str


def lines() -> list[Line]:
    """A log of which each line is kept by itself."""
    found = []
    for n, stamp in enumerate(STAMPS):
        ends = (REGISTRAR, CLIENT) if n % 2 else (CLIENT, REGISTRAR)
        for at, text in enumerate((f"{stamp} {ends[0]} -> {ends[1]}", *MESSAGES[n])):
            found.append(Line(f"{stamp.replace(' ', 'T')}Z", BEGIN * SECOND + MILLISECONDS[n] * 10**6 + at, text))
    return found


def json_lines(log: list[Line]) -> str:
    return "".join(json.dumps({"@timestamp": one.stamp, "message": one.text}) + "\n" for one in log)


def loki(log: list[Line], indent: int | None = None) -> str:
    """What Loki answers, which gives the newest first where nobody asks for another order."""
    values = [[str(one.nanosecond), one.text] for one in log]
    whole = {"status": "success", "data": {"resultType": "streams", "result": [{"stream": {}, "values": values}]}}
    return json.dumps(whole, indent=indent) + "\n"


def elastic(log: list[Line], indent: int | None = None) -> str:
    hits = [{"_source": {"@timestamp": one.stamp, "message": one.text}} for one in log]
    return json.dumps({"hits": {"hits": hits}}, indent=indent) + "\n"


def table(log: list[Line]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["@timestamp", "host", "message"])
    writer.writerows((one.stamp, "sbc", one.text) for one in log)
    return out.getvalue()


def syslog(log: list[Line]) -> str:
    return "".join(f"<134>Nov 20 {one.stamp[11:19]} sbc sip[723]: {one.text}\n" for one in log)


def plain(log: list[Line]) -> str:
    return "".join(f"{one.text}\n" for one in log)


def journal(log: list[Line]) -> str:
    return "".join(f"__REALTIME_TIMESTAMP={one.nanosecond // 1000}\n_PID=1\nMESSAGE={one.text}\n\n" for one in log)


WAYS: dict[str, Callable[[list[Line]], str]] = {
    "lines of JSON": json_lines,
    "Loki": loki,
    "Loki, printed over lines": lambda log: loki(log, 2),
    "Elasticsearch": elastic,
    "Elasticsearch, printed over lines": lambda log: elastic(log, 1),
    "a table": table,
    "syslog": syslog,
    "tac": plain,
    "journalctl -r -o export": journal,
    "Windows line ends": lambda log: plain(log).replace("\n", "\r\n"),
}


def read(octets: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(octets)], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("way", WAYS)
def test_messages_times_and_ends_come_back(way: str) -> None:
    ordered, source = read(WAYS[way](lines()).encode())
    turned, other = read(WAYS[way](lines()[::-1]).encode())
    assert [one.payload for one in turned] == [one.payload for one in ordered] == OCTETS
    assert [one.time and one.time // 10**6 for one in turned] == [BEGIN * 1000 + at for at in MILLISECONDS]
    assert [(one.source, one.destination) for one in turned] == [(one.source, one.destination) for one in ordered]
    assert all(one.defects[0].code == CODE and one.is_repaired for one in turned)
    assert not any(defect.code == CODE for one in ordered for defect in one.defects)
    assert TURNED in other.quality
    assert TURNED not in source.quality


def test_logs_of_programs_are_turned_too() -> None:
    """Yealink's lines in syslog, newest first, as its web page and viewers show them."""
    heads = [f"Message {'recv: (from src' if n % 2 else 'sent: (to dest'}={REGISTRAR} len={size(n)})" for n in range(4)]
    text = [
        f"<134>Nov 20 {CLOCKS[n][:8]} phone sua [723:723]: DLG <6+info  > [000] {line}\n"
        for n in range(4)
        for line in (heads[n], *MESSAGES[n])
    ]
    messages, source = read("".join(reversed(text)).encode())
    assert source.format == "yealink"
    assert [one.payload for one in messages] == OCTETS


@pytest.mark.parametrize("way", ["lines of JSON", "a table", "tac"])
def test_places_are_the_lines_of_the_text(way: str) -> None:
    text = WAYS[way](lines()[::-1]).split("\n")
    for one, octets in zip(read("\n".join(text).encode())[0], OCTETS, strict=True):
        assert isinstance(one.place, LogLines)
        assert octets.split(b"\r\n")[0].decode() in text[one.place.last - 1]
        assert "Content-Length" in text[one.place.first - 1]


def test_texts_in_their_order_are_left() -> None:
    """The first lines of the first message may be missing; an outline of the flow may stand above it."""
    log = plain(lines()).split("\n")
    assert is_upside_down(line.encode() for line in reversed(log))
    for begin in range(len(log) - 2):
        assert not is_upside_down(line.encode() for line in log[begin:])
    outline = [message[0] for message in MESSAGES]
    assert not is_upside_down(line.encode() for line in (*outline, *log))
    assert not is_upside_down([b"Via: SIP/2.0/UDP a", *[b"X: y"] * 9, b"REGISTER sip:a SIP/2.0"])
    assert not is_upside_down([])


def test_records_that_hold_whole_messages_are_left() -> None:
    record = json.dumps({"message": f"{STAMPS[0]} {CLIENT} -> {REGISTRAR}\n" + "\n".join(MESSAGES[0])}) + "\n"
    messages, source = read(record.encode() * 3)
    assert len(messages) == 3
    assert TURNED not in source.quality


@pytest.mark.parametrize(("name", "most"), [("MOST_OCTETS", 1000), ("MOST_LINES", 20)])
def test_what_is_too_long_is_left_and_said(name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upside_down, name, most)
    try:
        messages, source = read(plain(lines()[::-1]).encode())
    except SourceError:
        return
    assert not messages
    assert TOO_LONG in source.quality


def test_notices_of_a_server_have_the_lines_of_the_text() -> None:
    notice = "[2026-11-20 11:53:44] NOTICE[2301] chan_sip.c: Registration from 'x <sip:1001@pbx>' failed for "
    text = [f"{notice}'192.0.2.10:5060' - Wrong password", *plain(lines()).split("\n")[:-1]]
    stamped = [f"[2026-11-20 11:53:44] VERBOSE[2301] chan_sip.c: {line}" for line in text[1:]]
    asterisk = [text[0], *stamped]
    for at, head in ((1, "<--- SIP read from UDP:192.0.2.10:5060 --->"),):
        asterisk[at] = f"[2026-11-20 11:53:44] VERBOSE[2301] chan_sip.c: {head}"
    _, source = read(("\n".join(reversed(asterisk)) + "\n").encode())
    assert [(one.first_line, one.last_line) for one in source.notices] == [(len(asterisk), len(asterisk))]

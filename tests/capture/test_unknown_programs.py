"""Logs of programs that no dialect knows, by their forms: where they put a time, and what they put around a message.

Made for these tests, in the form of logs of their kind; no log of anybody is among them.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from analyzer.capture.text.carriers import Carriers
from analyzer.capture.text.guessing import found
from analyzer.capture.text.said import stamp_in
from analyzer.capture.text.stamps import parse_stamp
from analyzer.capture.text.written import unescaped
from tests.capture.test_more_pastes import Paste, each, read, times_in
from tests.capture.test_pasted_texts import AT_SERVER, BEGIN, BOTH, CLOCKS, MESSAGES, MS, OCTETS, STAMPS, body, size


def yate(n: int, _: str, __: str) -> str:
    stamp = STAMPS[n].replace("-", "").replace(":", "").replace(" ", "") + "000"
    said = "sending" if n % 2 else f"received {size(n)} bytes SIP message"
    way = "to" if n % 2 else "from"
    return f"{stamp} <sip:INFO> 'udp:0.0.0.0:5060' {said} {way} 192.0.2.10:5060 [0x7f10]\n------\n{body(n)}------\n"


def avaya(n: int, _: str, __: str) -> str:
    """What describes a message stands between the time and it."""
    return (
        f"20/11/2026 {CLOCKS[n]} --> \noctets: {size(n)}, Body Length: 0\n"
        f"{'egress' if n % 2 else 'ingress'}: {{ L192.0.2.1:5060/R192.0.2.10:5060/UDP/0x2a }}\n"
        f"{body(n)}--------------------\n"
    )


def piped(n: int, source: str, destination: str) -> str:
    """A sign stands before the lines of messages, and of them alone."""
    lines = "".join(f"| {line}\n" for line in MESSAGES[n][:-1])
    return f"{CLOCKS[n]} {'RX' if n % 2 else 'TX'} <UDP> {source} -> {destination}\n{lines}\n"


def logfmt(n: int, source: str, destination: str) -> str:
    octets = json.dumps(OCTETS[n].decode())
    return f'time=2026-11-20T{CLOCKS[n]}Z level=DEBUG peer="{source} -> {destination}" msg={octets}\n'


def uccapi(n: int, _: str, __: str) -> str:
    """Date and time before each line, with a stroke between them."""
    what = (
        f"Sending Packet - 192.0.2.10:5060 {size(n)} bytes" if n % 2 else f"Data Received - 192.0.2.10:5060 {size(n)}"
    )
    lines = (f"{what}:", *MESSAGES[n])
    return "".join(f"11/20/2026|{CLOCKS[n]} 1A2C:1B40 INFO  :: {line}\n" for line in lines)


def form(n: int, _: str, __: str) -> str:
    """The ends stand on lines of their own, which look like headers."""
    return (
        f"=== {'SENT' if n % 2 else 'RECEIVED'} @ 2026/11/20 {CLOCKS[n]} ===\nLocal : 192.0.2.1:5060\n"
        f"Remote: 192.0.2.10:5060\n\n{body(n)}=== END ===\n\n"
    )


def log4j(n: int, _: str, __: str) -> str:
    said = f"{'Sent to' if n % 2 else 'Received from'} 192.0.2.10:5060"
    time = f"{BEGIN}{STAMPS[n][-3:]}"
    return (
        f'<log4j:event logger="sip" timestamp="{time}" level="DEBUG"><log4j:message><![CDATA[{said}\n'
        f"{body(n)}]]></log4j:message></log4j:event>\n"
    )


def page(n: int, source: str, destination: str) -> str:
    """A row of a table, its cells one behind the other."""
    ends = f"<td>{source}</td><td>-&gt;</td><td>{destination}</td>"
    return f"<tr><td>{CLOCKS[n]}</td>{ends}<td><pre>{html.escape(body(n))}</pre></td></tr>\n"


def paragraphs(n: int, source: str, destination: str) -> str:
    """A mail of Outlook, in one line."""
    lines = (f"{STAMPS[n]} {source} -> {destination}", *MESSAGES[n])
    return "".join(f"<p class=MsoNormal>{html.escape(line)}<o:p></o:p></p>" for line in lines)


def inspected(n: int, source: str, destination: str) -> str:
    """What node prints of an object: a string for each line, joined with `+`."""
    lines = " +\n".join(f'    {json.dumps(line)[:-1]}\\r\\n"' for line in MESSAGES[n])
    return f"{STAMPS[n]} {source} -> {destination} {{\n  data:\n{lines} }}\n"


PASTES = {
    "strings joined": Paste(each(inspected), "announced", BOTH, MS),
    "the ends on lines of their own": Paste(each(form), "announced", BOTH, MS),
    "log4j": Paste(each(log4j), "announced", AT_SERVER, MS),
    "a table of a web page": Paste(f"<table>\n{each(page)}</table>\n", "announced", BOTH, MS),
    "a mail in HTML": Paste(f"<html><body>\n{each(paragraphs)}\n</body></html>\n", "announced", BOTH, MS),
    "digits of date and time together": Paste(each(yate), "announced", AT_SERVER, MS),
    "lines that describe a message": Paste(each(avaya), "announced", AT_SERVER, MS),
    "a stroke before the lines of messages": Paste(f"2026-11-20\n{each(piped)}", "announced", BOTH, "ms"),
    "logfmt": Paste(each(logfmt), "announced", BOTH, MS),
    "a stroke between date and time": Paste(each(uccapi), "announced", AT_SERVER, MS),
}


@pytest.mark.parametrize("name", PASTES)
def test_each_message_is_read_with_its_time(name: str) -> None:
    times = times_in(PASTES[name])
    assert [time and time // 10**6 % 100_000 for time in times] == [23_100, 23_140, 23_180, 23_220]


FORMS = {
    "month, day, year": "%m/%d/%Y %H:%M:%S.%f",
    "day, month, year": "%d.%m.%Y %H:%M:%S.%f",
    "a month's name": "%d-%b-%Y %H:%M:%S.%f",
    "the day of the week": "%a %b %d %H:%M:%S.%f",
    "ISO 8601": "%Y-%m-%dT%H:%M:%S.%fZ",
    "a stroke": "%Y-%m-%d|%H:%M:%S.%f",
    "seconds": "{seconds:.6f}",
    "milliseconds": "{seconds:.3f}",
}
MIDNIGHT = datetime(2026, 10, 31, 23, 59, 59, 900_000)  # noqa: DTZ001 - the log is read as one in UTC


@pytest.mark.parametrize("name", FORMS)
def test_a_logger_dates_each_line_over_the_end_of_a_month(name: str) -> None:
    """The name of a month and of a day is no part of what stands before all lines."""
    times = [MIDNIGHT + timedelta(seconds=n * 0.4) for n in range(4)]
    seconds = [(one - datetime(1970, 1, 1)).total_seconds() for one in times]  # noqa: DTZ001
    form = FORMS[name]
    text = "".join(
        f"{time.strftime(form).format(seconds=when)} [w-{n}] DEBUG - {line}\n"
        for n, (time, when) in enumerate(zip(times, seconds, strict=True))
        for line in (f"{'Sent to' if n % 2 else 'Received from'} 192.0.2.10:5060", *MESSAGES[n])
    )
    messages, source = read(text)
    assert [one.payload for one in messages] == OCTETS
    assert [one.time and round(one.time / 10**6) for one in messages] == [round(when * 1000) for when in seconds]
    assert [(one.source, one.destination) for one in messages] == [*AT_SERVER, *AT_SERVER]
    assert source.resolution == (1_000_000 if name == "milliseconds" else 1000)


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        (b"20261120115343.746000 <sip:INFO> received", b"2026-11-20 11:53:43.746000"),
        (b"20261120115343 received", b"2026-11-20 11:53:43"),
        (b"11/20/2026|11:53:43.746 received", b"11/20/2026|11:53:43.746"),
        (b"x20261120115343 received", b""),
        (b"call 20261120115343 received", b""),  # within a line, so many digits are a number
        (b"20261120995343 received", b""),
        (b"202611201153431 received", b""),
    ],
)
def test_times_of_a_line(line: bytes, stamp: bytes) -> None:
    assert stamp_in(line) == stamp
    assert not stamp or parse_stamp(stamp) is not None


@pytest.mark.parametrize(
    ("line", "before"),
    [
        (rb'msg="A sip:x SIP/2.0\r\nVia: x\r\nTo: y\r\n"', b"msg="),
        (rb'a="b" msg="A sip:x SIP/2.0\r\nVia: x\r\nTo: y\r\n"', b'a="b" msg='),
        (rb"A sip:x SIP/2.0\r\nVia: x\r\nTo: y;a=\"b\r\n", b""),
    ],
)
def test_where_a_string_begins(line: bytes, before: bytes) -> None:
    parts = unescaped(line)
    assert parts is not None
    assert parts[0][0] == (before or b"A sip:x SIP/2.0\r")
    assert (b"A sip:x SIP/2.0\r", b"") in parts


REMARKS: dict[str, Callable[[int], str]] = {
    "no time": lambda n: "\nRX UDP 192.0.2.1:5060 -> 192.0.2.10:5060\n\n",
    "nothing but a time": lambda n: f"\n{CLOCKS[n]} so I called them\n\n",
}


@pytest.mark.parametrize("name", REMARKS)
def test_what_the_writer_of_a_mail_puts_in_between_is_left_out(name: str) -> None:
    """What stands in the midst of a message says when it went and where, or is no line of the log."""
    lines = [f"> {line}\n" for n in range(4) for line in (f"{CLOCKS[n]} received from 192.0.2.10:5060", *MESSAGES[n])]
    for at in (3, 9, 20, 33):
        messages, _ = read("".join([*lines[:at], REMARKS[name](at % 4), *lines[at:]]))
        assert [one.payload for one in messages] == OCTETS


@pytest.mark.parametrize(
    ("before", "is_name"), [("sip-1  | ", True), ("4711 | ", True), ("2026-10-31|", False), ("31.10.26 | ", False)]
)
def test_a_date_is_no_name_of_a_container(before: str, is_name: bool) -> None:
    text = "".join(f"{before}{line}\n" for n in range(4) for line in MESSAGES[n]).encode()
    carriers: Carriers = found(text, lambda head: head.startswith(b"REGISTER"))
    assert any(one.code == "repaired-compose" for one in carriers.all) is is_name

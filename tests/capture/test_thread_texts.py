"""Texts out of public threads, of one known flow: each says of it what it tells, and accuses nobody for its form.

Made for these tests, in the form of texts of their kind; no log of anybody is among them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.rows_of_homer import banner_of
from analyzer.evidence import REPAIRED, RawMessage, Source
from analyzer.run.pipeline import analyze
from tests.capture.test_pasted_texts import BEGIN, CLIENT, CLOCKS, MESSAGES, OCTETS, REGISTRAR, STAMPS, body

MS = [BEGIN * 1000 + at for at in (100, 140, 180, 220)]
CLOCK = [at % 86_400_000 for at in MS]
SECONDS = [BEGIN * 1000] * 4
WAYS = [(REGISTRAR, CLIENT) if n % 2 else (CLIENT, REGISTRAR) for n in range(4)]


class Thread(NamedTuple):
    """A text, the times that it tells (of the day, where they are less than one), whether it tells both ends, and the
    repairs that it needs."""

    text: str
    times: list[int] | None
    ends: bool = False
    repairs: tuple[str, ...] = ()


def each(write: Callable[[int], str]) -> str:
    return "".join(write(n) for n in range(4))


def head(n: int) -> str:
    return f"{STAMPS[n]} {WAYS[n][0]} -> {WAYS[n][1]}"


def saved(n: int) -> str:
    """The same as sngrep has it."""
    return f"{STAMPS[n].replace('-', '/')}000 {WAYS[n][0]} -> {WAYS[n][1]}"


def full(n: int) -> list[str]:
    """The lines of a message, without the empty one."""
    return MESSAGES[n][:-1]


def counted(form: str, *, announced: bool = False, syslog: bool = False) -> str:
    """A counter before each line, as loggers write that may send a line at a time."""
    lines = []
    for n in range(4):
        log = [head(n)] * announced + full(n)
        for at, line in enumerate(log, 1):
            before = f"<135>Nov 20 {CLOCKS[n][:8]} 192.0.2.10 sip: " if syslog else ""
            way = "RX" if n % 2 else "TX"
            lines.append(f"{before}{form.format(at=at, of=len(log), way=way)}{line}\n")
    return "".join(lines)


def table(columns: tuple[str, ...], row: Callable[[int], tuple[object, ...]], delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(columns)
    writer.writerows(row(n) for n in range(4))
    return out.getvalue()


def markdown(n: int, *cells: str) -> str:
    message = "<br>".join(full(n))
    return f"| {CLOCKS[n]} | {' | '.join(cells)} | {message}<br><br> |\n"


def parted(n: int) -> dict[str, object]:
    """A record with each part of the ends in a field of its own."""
    (source, from_port), (destination, to_port) = (end.split(":") for end in WAYS[n])
    return {"src_ip": source, "src_port": int(from_port), "dst_ip": destination, "dst_port": int(to_port)}


def cucm(n: int) -> str:
    said = f"Outgoing SIP UDP message to {CLIENT}" if n % 2 else f"Incoming SIP UDP message from {CLIENT}"
    way = said.replace(CLIENT, "192.0.2.10:[5060]")
    return f"00123.001 |{CLOCKS[n]} |AppInfo  |SIPUdp - wait_UdpDataInd: {way}:\n[{n},NET]\n{body(n)}"


def captured(n: int) -> str:
    """What `script` kept of a terminal that clears the rest of each line."""
    return "".join(f"{line}\x1b[K\r\n" for line in (f"\x1b[32m{head(n)}\x1b[0m", *MESSAGES[n]))


COLLAPSED, PREFIX = "repaired-collapsed", "repaired-prefix"
RULE = "|---|---|---|\n"
LOG = each(lambda n: f"{head(n)}\n{body(n)}\n")
THREADS = {
    "no empty lines": Thread(each(lambda n: "\n".join(full(n)) + "\n"), None, repairs=(COLLAPSED,)),
    "no empty lines, announced": Thread(
        each(lambda n: "\n".join((head(n), *full(n))) + "\n"), MS, True, repairs=(COLLAPSED,)
    ),
    "no empty lines, sngrep": Thread(
        each(lambda n: "\n".join((saved(n), *full(n))) + "\n"), MS, True, repairs=(COLLAPSED,)
    ),
    "lines counted in brackets": Thread(counted("[{at}/{of}] "), None, repairs=(PREFIX, COLLAPSED)),
    "lines counted in parentheses": Thread(
        counted("({at}/{of}) ", announced=True), MS, True, repairs=(PREFIX, COLLAPSED)
    ),
    "parts": Thread(counted("part {at} of {of}: ", announced=True), MS, True, repairs=(PREFIX, COLLAPSED)),
    "lines counted in syslog": Thread(
        counted("[{at:02}/{of:02}] ", syslog=True), SECONDS, repairs=("repaired-syslog",)
    ),
    "a counter and the way": Thread(counted("[{at}/{of}] {way} "), None, repairs=(PREFIX, COLLAPSED)),
    "the way and a counter": Thread(
        counted("{way} ({at}/{of}) ", announced=True), MS, True, repairs=(PREFIX, COLLAPSED)
    ),
    "a table with both ends": Thread(
        table(("Time", "Source", "Destination", "Message"), lambda n: (STAMPS[n], *WAYS[n], body(n))), MS, True
    ),
    "a table with the start line": Thread(
        table(
            ("time", "from", "to", "method", "message"), lambda n: (STAMPS[n], *WAYS[n], MESSAGES[n][0], body(n)), ";"
        ),
        MS,
        True,
    ),
    "a table that dates rows by itself": Thread(
        table(("date", *parted(0), "msg"), lambda n: (STAMPS[n], *parted(n).values(), body(n))), MS, True
    ),
    "JSON with both ends": Thread(
        each(
            lambda n: (
                json.dumps({"ts": STAMPS[n], "src": WAYS[n][0], "dst": WAYS[n][1], "msg": OCTETS[n].decode()}) + "\n"
            )
        ),
        MS,
        True,
    ),
    "a document of Kibana": Thread(
        json.dumps(
            [{"_source": {"@timestamp": STAMPS[n], **parted(n), "message": body(n)}} for n in range(4)], indent=1
        ),
        MS,
        True,
    ),
    "a table in Markdown": Thread(f"| time | from | text |\n{RULE}" + each(lambda n: markdown(n, WAYS[n][0])), CLOCK),
    "a table in Markdown with the start line": Thread(
        f"| time | start | text |\n{RULE}" + each(lambda n: markdown(n, MESSAGES[n][0])), CLOCK
    ),
    "a line with tabs, its message escaped": Thread(
        each(lambda n: "\t".join((str(n), STAMPS[n], MESSAGES[n][0], body(n).replace("\n", "\\n"))) + "\n"), MS
    ),
    "code fences": Thread(
        "Hi, my phone does not register.\n\n"
        + each(lambda n: f"**{CLOCKS[n]}** {WAYS[n][0]} \u2192 {WAYS[n][1]}\n```text\n{body(n)}```\n"),
        CLOCK,
        True,
    ),
    "a row that shows the start line": Thread(each(lambda n: f"{head(n)} {MESSAGES[n][0]}\n{body(n)}\n"), MS, True),
    "numbered rows that show the start line": Thread(
        each(lambda n: f"{n}. {head(n).replace('->', '>')} {MESSAGES[n][0]}\n{body(n)}\n"), MS, True
    ),
    "a heading with the start line": Thread(
        each(lambda n: f"=== {MESSAGES[n][0]} ===\n{head(n)}\n{body(n)}\n"), MS, True
    ),
    "an outline above the log": Thread(
        each(lambda n: f"{n}  {head(n)}  SIP  Request: {MESSAGES[n][0]}\n") + "\n" + LOG, MS, True
    ),
    "CUCM": Thread(each(cucm), CLOCK),
    "a terminal": Thread("Script started\n" + each(captured), MS, True, repairs=("repaired-colours",)),
    "less -N": Thread(
        "".join(f"{at:7} {line}\n" for at, line in enumerate(LOG.split("\n"), 1)), MS, True, repairs=("repaired-grep",)
    ),
    "less -N, the blanks at the ends taken off": Thread(
        "".join(f"{at:7} {line}".rstrip() + "\n" for at, line in enumerate(LOG.split("\n"), 1)), MS, True
    ),
}


def read(text: str) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(text.encode())], kind="log") as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("name", THREADS)
def test_messages_are_those_of_the_flow(name: str) -> None:
    thread = THREADS[name]
    messages, _ = read(thread.text)
    assert [one.payload for one in messages] == OCTETS
    codes = [defect.code for one in messages for defect in one.defects]
    assert all(code.startswith(REPAIRED) for code in codes)
    assert set(thread.repairs) <= set(codes)
    assert not any(one.missing for one in messages)


@pytest.mark.parametrize("name", THREADS)
def test_times_and_ends_are_told_or_unknown(name: str) -> None:
    thread = THREADS[name]
    messages, _ = read(thread.text)
    times = [None if one.time is None else one.time // 10**6 for one in messages]
    if thread.times == CLOCK:
        times = [None if time is None else time % 86_400_000 for time in times]
    elif thread.times == SECONDS:
        times = [None if time is None else time // 1000 * 1000 for time in times]
    wanted: list[int | None] = [*(thread.times or ())] or [None] * 4
    assert times == wanted
    for one, (source, destination) in zip(messages, WAYS, strict=True):
        if thread.ends:
            assert (str(one.source), str(one.destination)) == (source, destination)
        assert str(one.source) != destination
        assert str(one.destination) != source


def test_nobody_is_accused_for_the_form_of_a_text(tmp_path: Path) -> None:
    def said(text: str) -> tuple[object, set[str]]:
        path = tmp_path / "a.log"
        path.write_bytes(text.encode())
        report = analyze(str(path))
        rows = [(row.method, row.cseq, row.status) for row in report.transactions]
        return (rows, [one.outcome for one in report.registrations]), {finding.rule for finding in report.findings}

    flow, findings = said(LOG)
    for name, thread in THREADS.items():
        told, more = said(thread.text)
        assert (name, told) == (name, flow)
        assert (name, more - findings) == (name, set())


@pytest.mark.parametrize("row", [{}, {"timeSeconds": "x"}, {"timestamp": "soon"}, {"timestamp": 12}])
def test_a_row_without_a_time_has_none(row: dict[str, object]) -> None:
    assert banner_of({**parted(0), **row}).startswith("proto:- -  192.0.2.10:5060 ---> 192.0.2.1:5060\n")
    text = json.dumps({**parted(0), **row, "raw": body(0)}) + "\n"
    [message] = read(text)[0]
    assert message.time is None
    assert message.transport == "UDP"  # as Via says


def test_empty_lines_are_given_back_where_there_are_none_at_all() -> None:
    """One that has such lines shows where headers end, and a message that has none there is not whole."""
    collapsed = "\n".join((head(0), *full(0), head(1), *full(1))) + "\n"
    messages, _ = read(f"{collapsed}{head(2)}\n{body(2)}\n")
    assert [one.missing for one in messages] == [1, 1, 0]
    assert not any(defect.code == COLLAPSED for one in messages for defect in one.defects)


def test_a_body_that_is_announced_is_not_given_up() -> None:
    """Where a text lost its empty lines, nothing tells a body from the headers: the message is not whole."""
    lines = [line.replace("Content-Length: 0", "Content-Length: 5") for line in full(0)]
    messages, _ = read("\n".join((head(0), *lines, "v=0", head(1), *full(1))) + "\n")
    assert len(messages) == 2
    assert messages[0].missing
    assert messages[1].payload == OCTETS[1]


def test_a_banner_that_stands_among_headers_opens_nothing() -> None:
    """A sender's line that looks like sngrep's, in a text that has its empty lines."""
    forged = [saved(1), "REGISTER sip:evil SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bK6", ""]
    text = "".join(f"{saved(n)}\n" + "".join(f"{line}\r\n" for line in (*full(0), *forged)) + "\n" for n in (0, 2))
    messages, source = read(text)
    assert source.format == "sngrep"
    assert [one.payload[:36] for one in messages] == [OCTETS[0][:36]] * 2

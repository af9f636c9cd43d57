"""Texts that are kept in records: exports of log servers, tables, journals, mails. Each dialect in each of them."""

from __future__ import annotations

import base64
import csv
import io
import json
import quopri
import tracemalloc
from collections.abc import Callable

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.records import joiners_of
from analyzer.evidence import RawMessage, Source
from tests.capture.printing import NAMES, example
from tests.plugins.folders import FOLDERS, loaded

STAMP = "2026-11-29T15:03:33.486703+01:00"
SECONDS = 1795961013


def texts(text: bytes) -> list[str]:
    return [line.decode().rstrip("\r") for line in text.split(b"\n")[:-1]]


def _doubled(text: bytes) -> str:
    return "\n".join(texts(text)).replace('"', '""')


def table(names: list[str], row: Callable[[str], list[str]], quoting: int = csv.QUOTE_ALL) -> Callable[[bytes], bytes]:
    def made(text: bytes) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(names)
        writer.writerows(map(row, texts(text)))
        return out.getvalue().encode()

    return made


def printed(row: Callable[[list[str]], object]) -> Callable[[bytes], bytes]:
    return lambda text: json.dumps(row(texts(text)), indent=2).encode() + b"\n"


def journal(text: bytes) -> bytes:
    return b"".join(
        b"__CURSOR=s=a;i=%x\n__REALTIME_TIMESTAMP=%d486703\n_PID=12\nMESSAGE=%b\n\n" % (at, SECONDS, line.encode())
        for at, line in enumerate(texts(text))
    )


def journal_of_octets(text: bytes) -> bytes:
    """What holds control characters has its length told, and no name=value form."""
    octets = text.replace(b"\r\n", b"\n")
    return (
        b"__CURSOR=s=a;i=1\n__REALTIME_TIMESTAMP=%d486703\nMESSAGE\n" % SECONDS
        + len(octets).to_bytes(8, "little")
        + octets
        + b"\n_PID=1\n\n"
    )


def verbose(text: bytes) -> bytes:
    return "".join(
        f"Sun 2026-11-29 14:03:33.486703 UTC [s=ab;i={at:x};b=1;m=2;t=3;x=4]\n    PRIORITY=6\n    MESSAGE={line}\n"
        for at, line in enumerate(texts(text))
    ).encode()


def mail(coding: str, body: bytes) -> bytes:
    head = f"From: a@example.com\nSubject: log\nContent-Type: text/plain\nContent-Transfer-Encoding: {coding}\n\n"
    return head.encode() + body


def quoted(text: bytes) -> bytes:
    return quopri.encodestring(text.replace(b"\r\n", b"\n"))


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "CloudWatch": (
        "repaired-json",
        printed(lambda all_: {"events": [{"timestamp": SECONDS * 1000 + 486, "message": one} for one in all_]}),
    ),
    "Elasticsearch": (
        "repaired-json",
        printed(lambda all_: {"hits": [{"_source": {"@timestamp": STAMP, "message": one}} for one in all_]}),
    ),
    "Google": ("repaired-json", printed(lambda all_: [{"textPayload": one, "timestamp": STAMP} for one in all_])),
    "Loki": ("repaired-json", printed(lambda all_: {"values": [[f"{SECONDS}486703000", one] for one in all_]})),
    "Loki on one line": (
        "repaired-json",
        lambda text: json.dumps({"values": [[f"{SECONDS}486703000", one] for one in texts(text)]}).encode() + b"\n",
    ),
    "a list of lines": ("repaired-json", printed(lambda all_: all_)),
    "journalctl -o json-pretty": (
        "repaired-json",
        lambda text: b"".join(
            json.dumps({"__REALTIME_TIMESTAMP": f"{SECONDS}486703", "MESSAGE": one}, indent=8).encode() + b"\n"
            for one in texts(text)
        ),
    ),
    "Splunk": (
        "repaired-json",
        lambda text: b"".join(
            json.dumps({"preview": False, "result": {"_time": STAMP, "_raw": one}}).encode() + b"\n"
            for one in texts(text)
        ),
    ),
    "Grafana's table": ("repaired-table", table(["Time", "Line"], lambda one: [STAMP, one])),
    "CloudWatch Insights": (
        "repaired-table",
        table(["@timestamp", "@message"], lambda one: ["2026-11-29 14:03:33.486Z", one], csv.QUOTE_MINIMAL),
    ),
    "Splunk's table": (
        "repaired-table",
        table(["_serial", "_time", "host", "_raw"], lambda one: ["0", STAMP, "a", one]),
    ),
    "Kibana's table": (
        "repaired-table",
        table(["@timestamp", "message"], lambda one: ["Nov 29, 2026 @ 14:03:33.486Z", one]),
    ),
    "a table whose field has lines": (
        "repaired-table",
        lambda text: f'"time","text"\n"{STAMP}","{_doubled(text)}\n"\n'.encode(),
    ),
    "journalctl -o export": ("repaired-journal", journal),
    "the same of octets": ("repaired-journal", journal_of_octets),
    "journalctl -o verbose": ("repaired-journal", verbose),
    "quoted-printable": ("repaired-mail", lambda text: mail("quoted-printable", quoted(text))),
    "base64": ("repaired-mail", lambda text: mail("base64", base64.encodebytes(text))),
    "quoted-printable without its head": ("repaired-mail", quoted),
}
DATED = [way for way, (code, _) in WAYS.items() if code != "repaired-mail" and way != "a list of lines"]
ALL = FOLDERS["dialect"].names()


def read(text: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(text)]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("way", WAYS)
def test_any_record_around_any_dialect(name: str, way: str) -> None:
    code, kept = WAYS[way]
    text: bytes = loaded("dialect", name).EXAMPLE
    plain, source = read(text)
    messages, told = read(kept(text))
    assert told.format == source.format
    assert [one.payload for one in messages] == [one.payload for one in plain]
    assert [(one.source, one.destination) for one in messages] == [(one.source, one.destination) for one in plain]
    for one in messages:
        codes = [defect.code for defect in one.defects if defect.code.startswith("repaired")]
        assert codes[:1] == [code] and (codes == [code] or name == "flow_text")
    lines = kept(text).split(b"\n")
    assert all(0 < one.place.first <= one.place.last <= len(lines) for one in messages)  # type: ignore[union-attr]


@pytest.mark.parametrize("way", DATED)
def test_a_record_dates_what_has_no_time(way: str) -> None:
    messages, _ = read(WAYS[way][1](example("baresip")))
    assert [one.time is not None and one.time // 10**9 for one in messages] == [SECONDS, SECONDS]


@pytest.mark.parametrize("way", ["CloudWatch", "Google", "Grafana's table", "journalctl -o json-pretty"])
def test_a_message_stands_where_the_file_has_it(way: str) -> None:
    text = WAYS[way][1](example("sngrep"))
    lines = text.split(b"\n")
    for one in read(text)[0]:
        first = lines[one.place.first - 1]  # type: ignore[union-attr]
        assert b"REGISTER sip:" in first or b"SIP/2.0 200 OK" in first


@pytest.mark.parametrize("name", NAMES)
def test_a_message_in_one_field(name: str) -> None:
    """Who logs whole messages in JSON has line ends escaped in one text."""
    plain, _ = read(example(name))
    rows = [{"level": "debug", "note": "x", "data": one.payload.decode(), "time": STAMP} for one in plain]
    text = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    messages, source = read(text)
    assert source.format == "bare"
    assert [one.payload for one in messages] == [one.payload for one in plain]
    assert [one.place[1:3] for one in messages] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{\n",
        b"[\n" * 9999,
        b'{\n"message": "SIP/2.0\n',
        b'"time","message"\n"' + b"x\n" * 5000,
        b"__CURSOR=a\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\x7fSIP/2.0\n",
        b"Content-Transfer-Encoding: base64\n\nSIP/2.0=\n!!!!\n",
        b"    MESSAGE=SIP/2.0\n" * 3,
        b'[{"message": 1}, [[[[[[[[[["SIP/2.0"]]]]]]]]]]]',
    ],
)
def test_what_is_no_record_is_none(text: bytes) -> None:
    for joiner in joiners_of(text):
        lines = text.split(b"\n")
        assert sum(count for count, _ in joiner.joined(lines)) == len(lines)


def test_a_row_without_an_end_is_bounded() -> None:
    """A quote that nobody closes swallows no file."""
    text = b'"time","message"\n"' + b"x" * 60 + b"\n"
    joiner = next(iter(joiners_of(text)))
    tracemalloc.start()
    longest = max(len(whole) for _, whole in joiner.joined(text.split(b"\n")[:2] + [b"y" * 99] * 50_000) if whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert longest < 1 << 19
    assert peak < 1 << 23

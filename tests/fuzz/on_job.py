"""Checks of the whole job: octets in, every view out."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from typing import NoReturn

from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import SECOND, Fidelity, Frame, Item, NetworkError, RawMessage
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view, view_names
from tests.fuzz.invariant import bounded, sound_source
from tests.fuzz.on_sip import CLIENT, SECRETS, SERVER

OPTIONS = (ViewOptions(width=80, all=True), ViewOptions(leads_with="digests"))
_LONGEST_FACTOR = 200  # what a view writes, per octet read


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_RULES = 400_000
"""Characters that a view may need for the texts of all rules (SARIF has them), whatever was read."""


def sound_report(report: Report, size: int) -> None:
    """No rule failed, and every view shows the report without anything that a terminal obeys."""
    assert not report.failed, [finding.detail for finding in report.findings if finding.at_fault == "sipcheck"]
    for source in report.sources:
        sound_source(source)
    assert len(report.findings) <= 10_000
    for name in view_names():
        out = io.StringIO()
        load_view(name)(report, out, OPTIONS[size % len(OPTIONS)])
        written = out.getvalue()
        assert len(written) <= _RULES + _LONGEST_FACTOR * size, name
        assert all(character.isprintable() or character == "\n" for character in written), name
        if name == "json":
            json.loads(written, parse_constant=_refuse)


def check_file(octets: bytes) -> None:
    """A file of any kind, opened by its content."""
    with bounded(len(octets), calls=400, copies=7_000, start=400_000):
        try:
            with open_sources([io.BytesIO(octets)]) as reading:
                analysis = Analysis(reading.sources, secrets=SECRETS)
                for item in reading:
                    analysis.feed(item)
                report = analysis.finish()
        except SourceError as error:
            assert "\n" not in str(error)
            return
        sound_report(report, len(octets))


_HEAD = struct.Struct("!BBHH")  # flags, address, time step in units of 10 ms, size
_BACK, _ABORT, _TCP, _PRINTED, _CUT, _CLOCKLESS, _HOUR = (1 << bit for bit in range(7))


def items_of(octets: bytes) -> Iterator[Item]:
    """The items that `octets` describe: messages either way, network errors, at times that step on."""
    at, time, number = 0, 1_500_000_000 * SECOND, 0
    while at + _HEAD.size <= len(octets):
        flags, address, step, size = _HEAD.unpack_from(octets, at)
        payload = octets[at + _HEAD.size : at + _HEAD.size + size]
        at += _HEAD.size + size
        number += 1
        time += step * (3600 * SECOND if flags & _HOUR else SECOND // 100)
        client = CLIENT._replace(port=5060 + address % 4)
        ends = (SERVER, client) if flags & _BACK else (client, SERVER)
        transport, stream = ("TCP", 1 + address % 2) if flags & _TCP else ("UDP", 0)
        now = None if flags & _CLOCKLESS else time
        if flags & _ABORT:
            yield NetworkError(now, Frame("flow", number), *ends, transport, "icmp", quoted=payload, stream=stream)
            continue
        fidelity = Fidelity.TEXT_LOG if flags & _PRINTED else Fidelity.WIRE
        missing = 5 if flags & _CUT else 0
        yield RawMessage(payload, now, Frame("flow", number), *ends, transport, fidelity, missing, stream=stream)


def item(payload: bytes, flags: int = 0, address: int = 0, step: int = 10) -> bytes:
    """One item for `items_of`."""
    return _HEAD.pack(flags, address, step, len(payload)) + payload


def check_talk(octets: bytes) -> None:
    """Messages and network errors between a few clients and a registrar."""
    with bounded(len(octets), calls=400, copies=7_000, start=400_000):
        sound_report(analyze_items(items_of(octets), secrets=SECRETS), len(octets))

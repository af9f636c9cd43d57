"""What else a capture of the same traffic might have been: begun later, with a packet lost, of one direction, with each
packet twice, or taken where the traffic also crosses a proxy."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Item, RawMessage, Source
from analyzer.judge.findings import Finding
from analyzer.run.pipeline import Analysis
from tests.shared import DATA, LAB, ROOT

MOST_OCTETS = 100_000
MOST = int(os.environ.get("SIPCHECK_PARTIAL_VIEWS", "4"))
"""Packets of one capture that are lost in turn, and places where it begins; the environment may ask for more."""
FOLDERS = (ROOT / "samples", LAB, DATA / "clients", DATA / "real", DATA / "texts", DATA / "reports")
_PROXY = Endpoint("192.0.2.77", 5060)
_MICROSECOND = 1000
_VIA = re.compile(rb"(?im)^(?:via|v)[ \t]*:")
_BRANCH = re.compile(rb"(?i)branch=([^;\s,]+)")
_HOPS = re.compile(rb"(?im)^(max-forwards[ \t]*:[ \t]*)(\d+)")
View = Callable[[Sequence[Item]], Iterator[tuple[str, list[Item]]]]


def captures() -> list[Path]:
    """The captures that are small enough to be read many times."""
    found = [path for folder in FOLDERS for path in sorted(folder.rglob("*.pcap*"))]
    return [path for path in found if path.is_file() and path.stat().st_size <= MOST_OCTETS]


def items_of(path: Path) -> list[Item]:
    """What a capture holds."""
    with open_sources([path], engine="native") as reading:
        return list(reading)


def findings(items: Sequence[Item]) -> list[Finding]:
    """The findings on items, as a capture."""
    analysis = Analysis([Source(items[0].place[0])], detail=False)
    for item in items:
        analysis.feed(replace(item) if isinstance(item, RawMessage) else item)
    return analysis.finish().findings


def names(found: Sequence[Finding], *severities: str) -> set[tuple[str, str]]:
    """Rule and sub-code of the findings, of some severities or of all."""
    return {(one.rule, one.sub) for one in found if not severities or one.severity in severities}


def begun_later(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The capture begins in the middle."""
    for part in range(1, MOST):
        yield f"without the first {part}/{MOST}", list(items[len(items) * part // MOST :])


def with_a_loss(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The capture lacks one packet: some of them in turn, spread evenly."""
    places = [at for at, item in enumerate(items) if isinstance(item, RawMessage)]
    for at in places[:: max(1, len(places) // MOST)]:
        yield f"without item {at}", [*items[:at], *items[at + 1 :]]


def of_one_direction(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The capture shows what clients sent, or what servers did."""
    for name, answers in (("requests alone", False), ("answers alone", True)):
        yield name, [one for one in items if not isinstance(one, RawMessage) or _is_answer(one) is answers]


def twice(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The capture holds each packet twice, as a mirror port gives it."""
    doubled: list[Item] = []
    for item in items:
        doubled.append(item)
        if isinstance(item, RawMessage):
            doubled.append(replace(item, time=None if item.time is None else item.time + 1000 * _MICROSECOND))
    yield "each packet twice", doubled


def over_a_proxy(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """The capture shows the way from phone to proxy, and from there to the registrar."""
    seen: list[Item] = []
    for item in items:
        seen.append(item)
        if not isinstance(item, RawMessage) or item.transport != "UDP" or item.time is None:
            continue
        payload = _with_via(item.payload)
        if _is_answer(item):
            seen.append(replace(item, destination=_PROXY, payload=payload, time=item.time - _MICROSECOND))
        else:
            payload = _HOPS.sub(lambda found: found[1] + b"%d" % max(0, int(found[2]) - 1), payload)
            seen.append(replace(item, source=_PROXY, payload=payload, time=item.time + _MICROSECOND))
    yield "over a proxy", sorted(seen, key=lambda one: one.time or 0)


def _is_answer(item: RawMessage) -> bool:
    return item.payload.startswith(b"SIP/2.0")


def _with_via(payload: bytes) -> bytes:
    """A message as it is above the proxy: with a Via of its own, by which the answer finds back."""
    via, branch = _VIA.search(payload), _BRANCH.search(payload)
    if via is None:
        return payload
    own = blake2b(branch[1] if branch else payload, digest_size=6).hexdigest().encode()
    return (
        payload[: via.start()] + b"Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK%s\r\n" % own + payload[via.start() :]
    )


VIEWS: tuple[View, ...] = (begun_later, with_a_loss, of_one_direction, twice, over_a_proxy)

"""The check of a replay's plan: captured messages in, every view of what would be sent out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import zip_longest
from xml.etree import ElementTree

from analyzer.evidence import RawMessage
from analyzer.sip.message import Message, parse
from analyzer.views import ViewOptions
from replay.flow import Exchange, Flow
from replay.preview import preview
from replay.record import Result
from replay.views import load_view, view_names
from tests.fuzz.invariant import bounded
from tests.fuzz.on_job import items_of
from tests.fuzz.on_sip import SECRETS

OPTIONS = (ViewOptions(width=80, all=True), ViewOptions())


def exchanges_of(messages: list[Message]) -> Iterator[Exchange]:
    """Each REGISTER, with the response that follows it at once."""
    for number, (request, after) in enumerate(zip_longest(messages, messages[1:]), 1):
        if request.method == "REGISTER":
            final = after if after is not None and after.is_response and after.status >= 200 else None
            times = request.raw_message.time, final.raw_message.time if final else None
            yield Exchange(number, request, final, (), 0, *times)


def planned(octets: bytes) -> Result | None:
    """What would be sent again of the messages that `octets` describe (`items_of`)."""
    messages = [parse(item) for item in items_of(octets) if isinstance(item, RawMessage)]
    exchanges = tuple(exchanges_of(messages))
    if not exchanges:
        return None
    return preview(Flow("sip:bob@example.com", "registered", 1, exchanges, sources=("flow",)), SECRETS)


def check_replay(octets: bytes) -> None:
    """A plan can be made of any registration, and every view shows it without anything that its reader obeys."""
    with bounded(len(octets), calls=600, copies=10_000, start=400_000):
        result = planned(octets)
        for name in view_names() if result else ():
            assert result is not None
            sound_view(name, result, len(octets))


def sound_view(name: str, result: Result, size: int) -> None:
    """One view of a replay: bounded, harmless, and well formed where it has a form."""
    out = io.StringIO()
    load_view(name)(result, out, OPTIONS[size % len(OPTIONS)])
    written = out.getvalue()
    assert written.endswith("\n"), name
    assert len(written) <= 100_000 + 200 * size, name
    assert all(character.isprintable() or character == "\n" for character in written), name
    if written.startswith("{"):
        json.loads(written)
    elif written.startswith("<?xml"):
        ElementTree.fromstring(written.encode())

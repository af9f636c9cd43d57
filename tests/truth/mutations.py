"""Lab captures changed in one place: an answer lost by the capture, or late; a port moved; a grant shortened; a list in
another order. And what the answers say by themselves: who was bound when, read by another way than the product's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, Endpoint, Frame, Item, RawMessage, Source
from analyzer.register.reachability import SLACK
from analyzer.register.registration import Registration
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from tests.shared import LAB
from tests.truth.timelines import Span, merged

FOREVER = 2**62
TO, CALL, CSEQ = (re.compile(rb"(?im)^(?:%s)[ \t]*:[ \t]*([^\r\n]*)" % n) for n in (b"to|t", b"call-id|i", b"cseq"))
CONTACT = re.compile(rb"(?im)^(?:contact|m)[ \t]*:[ \t]*([^\r\n]*)\r?\n")
EXPIRES = re.compile(rb"(?im)^expires[ \t]*:[ \t]*(\d+)")
PARAMETER = re.compile(rb";[ \t]*expires[ \t]*=[ \t]*\"?(\d+)", re.IGNORECASE)


@cache
def items_of(case: str) -> tuple[Item, ...]:
    """What a capture of the lab holds."""
    with open_sources([next((LAB / case).glob("capture.p*"))]) as reading:
        return tuple(reading)


def is_answer(item: Item, *statuses: int) -> bool:
    """Whether an item is a final response to a REGISTER (with one of these statuses)."""
    if not isinstance(item, RawMessage) or not item.payload.startswith(b"SIP/2.0 ") or item.payload[8:9] == b"1":
        return False
    cseq = CSEQ.search(item.payload)
    return cseq is not None and b"REGISTER" in cseq[1] and (not statuses or int(item.payload[8:11]) in statuses)


def answers(items: Sequence[Item], *statuses: int) -> list[int]:
    """Where they are."""
    return [at for at, item in enumerate(items) if is_answer(item, *statuses)]


def without(items: Sequence[Item], gone: int) -> list[Item]:
    """The capture lost an answer, all copies of it."""
    lost = items[gone]
    assert isinstance(lost, RawMessage)
    return [item for item in items if not (isinstance(item, RawMessage) and item.payload == lost.payload)]


def later(items: Sequence[Item], at: int, seconds: float) -> list[Item]:
    """An answer comes later, but not behind what the phone did upon it, nor behind the next answer of its
    address-of-record: a registrar that says one thing after the other is heard so."""
    late = items[at]
    assert isinstance(late, RawMessage) and late.time is not None
    call = CALL.search(late.payload)
    messages = [one for one in items[at + 1 :] if isinstance(one, RawMessage)]
    after = [
        one
        for one in messages
        if (call and call[1] in one.payload) or (is_answer(one) and _aor(one.payload) == _aor(late.payload))
    ]
    until = min([late.time + round(seconds * SECOND), *(one.time - 1 for one in after if one.time is not None)])
    moved = replace(late, time=max(late.time, until))
    return sorted([*items[:at], moved, *items[at + 1 :]], key=lambda one: one.time or 0)


def moved(items: Sequence[Item], client: Endpoint, after: int) -> list[Item]:
    """From some item on the phone's packets come from another port, and answers go there: a NAT that forgot."""
    there = Endpoint(client.host, (client.port + 1) % 65536 or 1)

    def place(end: Endpoint) -> Endpoint:
        return there if end == client else end

    return [
        replace(item, source=place(item.source), destination=place(item.destination))
        if at >= after and isinstance(item, RawMessage)
        else item
        for at, item in enumerate(items)
    ]


def shortened(items: Sequence[Item], at: int, seconds: int) -> list[Item]:
    """A registrar grants less: every number of seconds in one 2xx."""
    item = items[at]
    assert isinstance(item, RawMessage)

    def less(found: re.Match[bytes]) -> bytes:
        return found[0].replace(found[1], b"%d" % min(int(found[1]), seconds))

    payload = EXPIRES.sub(less, PARAMETER.sub(less, item.payload))
    return [*items[:at], replace(item, payload=payload), *items[at + 1 :]]


def swapped(items: Sequence[Item]) -> list[Item]:
    """Every list of contacts the other way round."""
    return [_reversed(item) if is_answer(item, 200) and isinstance(item, RawMessage) else item for item in items]


def _reversed(item: RawMessage) -> RawMessage:
    rows = [found[0] for found in CONTACT.finditer(item.payload)]
    turned = iter(reversed(rows))
    payload = CONTACT.sub(lambda _: next(turned), item.payload) if len(rows) > 1 else item.payload
    one = CONTACT.search(payload) if len(rows) == 1 else None
    if one is not None and b'"' not in one[1]:
        payload = payload.replace(one[1], b",".join(part.strip() for part in reversed(one[1].split(b","))), 1)
    return replace(item, payload=payload)


def with_tail(items: Sequence[Item], seconds: int = 7200) -> list[Item]:
    """The capture goes on for so long, without a word of the phones."""
    last, end = max((item.time or 0 for item in items), default=0), Endpoint("192.0.2.99", 5060)
    other = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKtail\r\nCSeq: 1 OPTIONS\r\n\r\n"
    first = next(item for item in items if isinstance(item, RawMessage))
    place, time = Frame(first.place[0], 4_000_000), last + seconds * SECOND
    return [*items, replace(first, payload=other, time=time, place=place, source=end, destination=end)]


def reported(items: Sequence[Item], *, rules: bool = False) -> Report:
    """The report on items, with tables."""
    name = next(item.place[0] for item in items)
    analysis = Analysis([Source(name, kind="capture")], rules=all_rules() if rules else [], tables=True)
    for item in items:
        analysis.feed(replace(item) if isinstance(item, RawMessage) else item)
    return analysis.finish()


def _aor(payload: bytes) -> bytes:
    found = TO.search(payload)
    value = found[1] if found is not None else b""
    inside = re.search(rb"<sips?:([^>;?]*)", value) or re.search(rb"sips?:([^;?\s]*)", value)
    return re.sub(rb":506[01]$", b"", inside[1]) if inside is not None else value


def is_shared(items: Sequence[Item], at: int) -> bool:
    """Whether some list of that address-of-record has several contacts: what one answer says, others say, too."""
    item = items[at]
    assert isinstance(item, RawMessage)
    same = (one for one in items if is_answer(one, 200) and isinstance(one, RawMessage))
    return any(len(list(_contacts(one.payload))) > 1 for one in same if _aor(one.payload) == _aor(item.payload))


def bound_by_words(items: Sequence[Item]) -> dict[tuple[str, bytes], list[Span]]:
    """When anything was bound of each address-of-record at each server: by the numbers in the 200s alone."""
    until: dict[tuple[str, bytes], int] = {}
    spans: dict[tuple[str, bytes], list[Span]] = defaultdict(list)
    for item in items:
        if not is_answer(item, 200) or not isinstance(item, RawMessage) or item.time is None:
            continue
        key = (str(item.source), _aor(item.payload))
        seconds = [_seconds(row, item.payload) for row in _contacts(item.payload)]
        end = item.time + max(seconds, default=0) * SECOND
        if key in until and spans[key] and spans[key][-1][0] <= item.time <= until[key] + SLACK:
            spans[key][-1] = (spans[key][-1][0], end if seconds else item.time)
        elif end > item.time:
            spans[key].append((item.time, end))
        until[key] = end
    return {key: merged(span for span in found if span[1] > span[0]) for key, found in spans.items()}


def _contacts(payload: bytes) -> Iterator[bytes]:
    for found in CONTACT.finditer(payload):
        yield from re.split(rb",(?=\s*[\"<]|\s*sips?:)", found[1])


def _seconds(contact: bytes, payload: bytes) -> int:
    own = PARAMETER.search(contact.partition(b">")[2] if b">" in contact else contact)
    header = EXPIRES.search(payload)
    return int(own[1]) if own is not None else int(header[1]) if header is not None else 0


def bound_by_timelines(report: Report) -> dict[tuple[str, bytes], list[Span]]:
    """The same by the timelines of all clients of an address-of-record."""
    spans: dict[tuple[str, bytes], list[Span]] = defaultdict(list)
    for one in report.registrations:
        key = (str(one.registrar.endpoint), one.aor.partition(":")[2].encode())
        for start, end in _spans(one, "bound"):
            spans[key].append((start, end))
    return {key: merged(found) for key, found in spans.items()}


def same_client(one: Registration, report: Report) -> Registration | None:
    """The client of another report that is this one."""
    calls = set(one.call_ids)
    return next(
        (
            other
            for other in report.registrations
            if (other.aor, other.registrar) == (one.aor, one.registrar) and calls & set(other.call_ids)
        ),
        None,
    )


def _spans(one: Registration, state: str) -> list[Span]:
    """The times with a state; what lasts at the end lasts for ever, and a binding until it runs out."""
    found = []
    for stretch in one.reach.stretches:
        lasts = stretch.expires if stretch.state == "bound" and stretch.expires is not None else FOREVER
        if stretch.state == state:
            found.append((stretch.start, stretch.end if stretch.end is not None else lasts))
    return found


def untruths(report: Report, truth: Report) -> list[str]:
    """What the timelines of a report say that another one, of the whole capture, has otherwise."""
    found = []
    for one in report.registrations:
        known = same_client(one, truth)
        if known is None:
            found.append(f"{one} is no client of the whole capture")
            continue
        if set(one.call_ids) != set(known.call_ids):
            continue  # without that answer others seem to be the same phone
        for said, real in (("bound", "unbound"), ("unbound", "bound")):
            for start, end in _spans(one, said):
                for since, until in _spans(known, real):
                    if min(end, until) - max(start, since) > SLACK:
                        found.append(
                            f"{one} is said to be {said} from {start} to {end}; {real} from {since} to {until}"
                        )
    return found

"""An instance names a phone for good, and a reg-id one of its flows.

By `+sip.instance` a registrar knows a phone again, whatever its address (RFC 5626 4.1), and by the reg-id beside it
which of the phone's flows a registration replaces (4.2.1). So the instance is a URN in brackets and quotes, the reg-id
a number from 1 (`form`): what is written otherwise no two programs compare alike. It has to stay the same over restarts
and refreshes: a phone that draws a new one each time (`instance-changes`), or counts its reg-id up (`regid-changes`),
adds a binding with each refresh; the old ones ring until they run out, and a call forks to connections that are gone.

Two connections that stay open with one instance and one reg-id take the flow from each other: each registration
replaces the other's, and calls go to whoever registered last. It shows where a client goes back to a connection that it
had left for another one: under two Call-IDs it is two flows that would need a reg-id each (`regid-clash`); under one
the phone refreshes now here, now there (`other-flow`, for information). A connection that carries several instances is
that of a proxy, and is not looked at. And where one instance registers users of different domains at one server, from
two addresses and with two Contacts at the same time (`duplicate-instance`), two phones were made from one image.

That an instance changed is only told of one phone for certain: under one Call-ID, from one address and port, by one
program. A reg-id is held against the one before it under the same Call-ID to the same server, for the same Contact. A
reconnection that takes its reg-id along does what it must, a phone may have several flows, and several lines share one
instance. A UUID compares without case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from analyzer.evidence import Endpoint, Evidence, Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    InProfile,
    Need,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.fleet import FleetSubject
from analyzer.register.identity import domain_of, instance_of
from analyzer.register.registration import Registration
from analyzer.register.subjects import MessageSubject, TransitionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.scalar import decimal
from analyzer.sip.text import clip

_INSTANCE = "+sip.instance"
_WELL_FORMED = re.compile(r'"<urn:[a-z0-9][a-z0-9-]{0,31}:[^\s<>"]+>"', re.IGNORECASE)
_HIGHEST = 2**31 - 1
_FEW = 20
"""Registrations of one instance that are held against each other."""


def check(
    subject: MessageSubject | TransitionSubject | FleetSubject, context: CaptureContext | None
) -> Iterator[Answer]:
    """Look at the form of instance and reg-id, hold them against the client's request before, and look who else has
    them (RFC 5626 4.1)."""
    del context
    if isinstance(subject, FleetSubject):
        yield from _twins(subject)
        return
    if isinstance(subject, TransitionSubject):
        yield _returned(subject)
        return
    message, earlier = subject.message, subject.earlier
    contacts = [one for one in message.contacts if _INSTANCE in one.params or "reg-id" in one.params]
    if not message.method or not contacts:
        yield NOT_APPLICABLE
        return
    printed = message.raw_message.fidelity is Fidelity.TEXT_LOG  # which may have cut a long line
    found = [("form", *wrong) for contact in contacts if not printed and (wrong := _malformed(contact)) is not None]
    if not found and earlier is not None and earlier.request is not None:
        found = list(_changes(subject.transaction, message, earlier, earlier.request))
    for sub, detail, values in found:
        related = (earlier.evidence,) if sub != "form" and earlier is not None else ()
        yield Violated(detail, sub, related=related, values=values)
    if not found:
        yield PASSED


def _returned(step: TransitionSubject) -> Answer:
    """A client is back on a connection that it had left: both were open at once."""
    left, later = step.left_flow, step.later
    if left is None:
        return NOT_APPLICABLE
    urn, _, number = left.instance.partition("#")
    which = f"instance {clip(urn)} and reg-id {clip(number)}"
    if left.call_id != later.call_id:
        detail = f"two connections that are open at once register {which}: each takes the flow of the other"
        values = Values(f"reg-id={clip(number)} on two connections", "a reg-id for each")
        return Violated(detail, "regid-clash", related=(left.evidence,), values=values)
    detail = f"{which} is refreshed over two connections in turn, both of them open"
    values = Values("two connections", "one connection for each reg-id")
    return Violated(detail, "other-flow", "info", related=(left.evidence,), values=values)


def _twins(fleet: FleetSubject) -> Iterator[Answer]:
    """One instance for users of different domains, from two places at the same time."""
    groups: dict[tuple[Endpoint, str], list[Registration]] = {}
    for one in fleet.registrations:
        urn = one.client.instance.partition("#")[0]
        if urn and len(one.contacts) == 1:  # who had several may have moved
            groups.setdefault((one.registrar.endpoint, urn), []).append(one)
    found = False
    for (server, urn), several in groups.items():
        pair = next(((one, two) for one, two in combinations(several[:_FEW], 2) if _are_twins(one, two)), None)
        if pair is not None:
            found = True
            places = " and ".join(f"{clip(one.aor, 60)} from {one.source.host}" for one in pair)
            yield Violated(
                f"the instance {clip(urn)} registers {places} at the same time: two phones have one instance",
                "duplicate-instance",
                confidence=Confidence.MEDIUM,
                at=Evidence(pair[0].place, pair[0].first),
                related=(Evidence(pair[1].place, pair[1].first),),
                group_key=(server.host, urn),
                values=Values(clip(urn), "an instance for each phone"),
            )
    if not found:
        yield PASSED if groups else NOT_APPLICABLE


def _are_twins(one: Registration, two: Registration) -> bool:
    """Whether two registrations of one instance are those of two phones that are there at the same time."""
    if one.source.host == two.source.host or one.client.contact == two.client.contact:
        return False
    if domain_of(one.aor) == domain_of(two.aor):
        return False
    times = one.first, one.last, two.first, two.last
    if any(time is None for time in times):
        return False
    first, last, other_first, other_last = (time or 0 for time in times)
    return first < other_last and other_first < last


def _malformed(contact: Address) -> tuple[str, Values] | None:
    """What is wrong with the form of a contact's instance or reg-id; None for nothing."""
    instance, number = contact.params.get(_INSTANCE), contact.params.get("reg-id")
    if _INSTANCE in contact.params and not _WELL_FORMED.fullmatch(instance or ""):
        shown, due = clip(instance or "empty"), "URN in brackets and quotes"
        return f"+sip.instance is {shown}, no {due}", Values(shown, f"a {due}")
    if "reg-id" in contact.params and not 1 <= (decimal(number or "") or 0) <= _HIGHEST:
        shown = clip(number or "empty")
        return f"reg-id is {shown}, no number from 1 to 2^31 - 1", Values(shown, f"1 to {_HIGHEST}")
    return None


def _changes(
    transaction: Transaction, message: Message, earlier: Transaction, before: Message
) -> Iterator[tuple[str, str, Values]]:
    if earlier.call_id != transaction.call_id or earlier.destination != transaction.destination:
        return
    if before.has_lines_of(message, "contact") and len(message.contacts) == 1:
        return  # the very same, which is told without reading the one before again
    old, new = _first(before), _first(message)
    if old is None or new is None:
        return
    (was, _, was_id), (now, _, now_id) = (instance_of(one).partition("#") for one in (old, new))
    if was and now and was != now:
        socket = (transaction.source, transaction.sent_by, message.user_agent)
        if socket == (earlier.source, earlier.sent_by, before.user_agent) and transaction.source.port:
            detail = f"the phone was {clip(was)}, and is now {clip(now)} under the same Call-ID"
            yield "instance-changes", detail, apart(clip(now), clip(was))
    elif was and was_id and now_id and was_id != now_id and _uri(old) == _uri(new):
        detail = f"the refresh of {clip(_uri(new))} has reg-id {clip(now_id)}, the request before had {clip(was_id)}"
        yield "regid-changes", detail, apart(clip(now_id), clip(was_id))


def _first(message: Message) -> Address | None:
    """The only contact of a request; None where there are several, or none."""
    return message.contacts[0] if len(message.contacts) == 1 else None


def _uri(contact: Address) -> str:
    return contact.uri.text if contact.uri is not None else ""


def _urn(last: str) -> str:
    return f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{last}>"'


_AT = "> REGISTER sip:h\nContact: <sip:bob@192.0.2.10>"


def _on(stream: int, call_id: str) -> str:
    """A registration over one of several connections."""
    where = f"src=192.0.2.10:{5060 + stream} transport=TCP stream={stream} {_AT};reg-id=1;{_urn('a')}"
    return f"{where}\nCall-ID: {call_id}\n< 200\n"


def _of(domain: str, host: int) -> str:
    """A registration of a user of one domain, from a host of its own."""
    contact = f"Contact: <sip:bob@192.0.2.{host}>;{_urn('a')}"
    user = f"From: <sip:bob@{domain}>;tag=1\nTo: <sip:bob@{domain}>\nCall-ID: {domain}"
    return f"src=192.0.2.{host}:5060 > REGISTER sip:h\n{user}\n{contact}\n< 200\n"


RULE = Rule(
    id="R5626-4.1-instance-regid",
    title="Instance-ID or reg-id not stable / not unique",
    short_title="The phone does not keep its instance or reg-id",
    sub_titles={
        "form": "The instance or reg-id is malformed",
        "regid-changes": "The phone changes its reg-id on a refresh",
        "regid-clash": "Two flows that are open have one reg-id",
        "other-flow": "The phone refreshes over two connections in turn",
        "duplicate-instance": "Two phones have the same instance",
    },
    question="whether phones keep instance and reg-id",
    clause="RFC 5626 §4.1, §4.2.1, §4.2.2, §4.5",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="H",
    subject="message",
    check=check,
    also=("step", "fleet"),
    applies_if=marks.INSTANCE | marks.LEFT_FLOW,
    # 3GPP TS 24.229 5.1.1.2 lets a phone have an IMEI there, which some write in a form of their own.
    profiles=(InProfile("ims", ("form",), "info"),),
    needs=(Need.WHOLE,),
    supersedes=("R3261-8.1.1.4-callid-collision",),
    why="Old flows are not replaced; ghost bindings fork calls.",
    fix="let the phone draw its instance once and keep it (a UUID of version 1, 4 or 5 as urn:uuid:...), and give each "
    "flow a reg-id that stays",
    examples=(
        bad(f"{_AT};+sip.instance=00112233\n< 200", "form", severity="warning"),
        bad(f'{_AT};+sip.instance="urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"\n< 200', "form", title="no brackets"),
        good(f"{_AT};+sip.instance=00112233\n< 200", title="what a log printed", log=True),
        bad(f"{_AT};reg-id=0;{_urn('a')}\n< 200", "form"),
        bad(
            f"{_AT};{_urn('a')}\n< 200\n@1800 {_AT};{_urn('b')}\n< 200",
            "instance-changes",
            title="a new one with each refresh",
        ),
        bad(
            f"{_AT};reg-id=1;{_urn('a')}\n< 200\n@1800 {_AT};reg-id=2;{_urn('a')}\n< 200\n"
            f"@3600 {_AT};reg-id=3;{_urn('a')}\n< 200",
            "regid-changes",
            title="it counts its refreshes",
        ),
        bad(
            f"{_on(1, 'c1')}@60 {_on(2, 'c2')}@120 {_on(1, 'c1')}",
            "regid-clash",
            severity="warning",
            title="two connections in turn, each with a Call-ID of its own",
        ),
        bad(f"{_on(1, 'c1')}@60 {_on(2, 'c1')}@120 {_on(1, 'c1')}", "other-flow", severity="info"),
        bad(
            f"{_of('a.example.com', 10)}@60 {_of('b.example.com', 20)}@120 {_of('a.example.com', 10)}",
            "duplicate-instance",
            severity="warning",
        ),
        good(
            f"{_of('a.example.com', 10)}@60 {_of('b.example.com', 10)}@120 {_of('a.example.com', 10)}",
            title="two lines of one phone",
        ),
        good(f"{_of('a.example.com', 10)}@60 {_of('b.example.com', 20)}", title="a phone that has moved"),
        good(f"{_on(1, 'c1')}@60 {_on(2, 'c1')}@120 {_on(3, 'c1')}", title="a new connection each time"),
        good(f"{_AT};reg-id=1;{_urn('a')}\n< 200\n@1800 {_AT};reg-id=1;{_urn('a')}\n< 200"),
        good(f"{_AT};{_urn('a')}\n< 200\n@1800 {_AT};{_urn('A')}\n< 200", title="the case of a UUID"),
        good(
            f"{_AT};reg-id=1;{_urn('a')}\n< 200\n@60 src=192.0.2.10:5099 {_AT};reg-id=1;{_urn('a')}\n< 200",
            title="the connection was lost, and a new one takes the reg-id along",
        ),
        good(
            f"{_AT};reg-id=1;{_urn('a')}\n< 200\ndst=198.51.100.2:5060 {_AT};reg-id=2;{_urn('a')}\n< 200",
            title="a second flow, over another proxy",
        ),
        good(
            f"{_AT};{_urn('a')}\n< 200\n@60 src=192.0.2.10:5070 {_AT[:-1]}:5070>;{_urn('b')}\n< 200",
            title="perhaps two phones",
        ),
    ),
)

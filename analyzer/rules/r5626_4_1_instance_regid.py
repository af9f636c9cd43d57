"""An instance names a phone for good, and a reg-id one of its flows.

By `+sip.instance` a registrar knows a phone again, whatever its address (RFC 5626 4.1), and by the reg-id beside it
which of the phone's flows a registration replaces (4.2.1). So the instance is a URN in brackets and quotes, the reg-id
a number from 1 (`form`): what is written otherwise no two programs compare alike. It has to stay the same over restarts
and refreshes: a phone that draws a new one each time (`instance-changes`), or counts its reg-id up (`regid-changes`),
adds a binding with each refresh; the old ones ring until they run out, and a call forks to connections that are gone.

That an instance changed is only told of one phone for certain: under one Call-ID, from one address and port, by one
program. A reg-id is held against the one before it under the same Call-ID to the same server, for the same Contact. A
reconnection that takes its reg-id along does what it must, a phone may have several flows, and several lines share one
instance. A UUID compares without case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.evidence import Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Need, Rule, Violated, bad, good
from analyzer.register import marks
from analyzer.register.identity import instance_of
from analyzer.register.subjects import MessageSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.scalar import decimal
from analyzer.sip.text import clip

_INSTANCE = "+sip.instance"
_WELL_FORMED = re.compile(r'"<urn:[a-z0-9][a-z0-9-]{0,31}:[^\s<>"]+>"', re.IGNORECASE)
_HIGHEST = 2**31 - 1


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the form of instance and reg-id, and hold them against the client's request before (RFC 5626 4.1)."""
    del context
    message, earlier = subject.message, subject.earlier
    contacts = [one for one in message.contacts if _INSTANCE in one.params or "reg-id" in one.params]
    if not message.method or not contacts:
        yield NOT_APPLICABLE
        return
    printed = message.raw_message.fidelity is Fidelity.TEXT_LOG  # which may have cut a long line
    found = [("form", detail) for contact in contacts if not printed and (detail := _malformed(contact))]
    if not found and earlier is not None and earlier.request is not None:
        found = list(_changes(subject.transaction, message, earlier, earlier.request))
    for sub, detail in found:
        related = (earlier.evidence,) if sub != "form" and earlier is not None else ()
        yield Violated(detail, sub, related=related)
    if not found:
        yield PASSED


def _malformed(contact: Address) -> str:
    """What is wrong with the form of a contact's instance or reg-id; empty for nothing."""
    instance, number = contact.params.get(_INSTANCE), contact.params.get("reg-id")
    if _INSTANCE in contact.params and not _WELL_FORMED.fullmatch(instance or ""):
        return f"+sip.instance is {clip(instance or 'empty')}, no URN in brackets and quotes"
    if "reg-id" in contact.params and not 1 <= (decimal(number or "") or 0) <= _HIGHEST:
        return f"reg-id is {clip(number or 'empty')}, no number from 1 to 2^31 - 1"
    return ""


def _changes(
    transaction: Transaction, message: Message, earlier: Transaction, before: Message
) -> Iterator[tuple[str, str]]:
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
            yield "instance-changes", f"the phone was {clip(was)}, and is now {clip(now)} under the same Call-ID"
    elif was and was_id and now_id and was_id != now_id and _uri(old) == _uri(new):
        detail = f"the refresh of {clip(_uri(new))} has reg-id {clip(now_id)}, the request before had {clip(was_id)}"
        yield "regid-changes", detail


def _first(message: Message) -> Address | None:
    """The only contact of a request; None where there are several, or none."""
    return message.contacts[0] if len(message.contacts) == 1 else None


def _uri(contact: Address) -> str:
    return contact.uri.text if contact.uri is not None else ""


def _urn(last: str) -> str:
    return f'+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000{last}>"'


_AT = "> REGISTER sip:h\nContact: <sip:bob@192.0.2.10>"

RULE = Rule(
    id="R5626-4.1-instance-regid",
    title="Instance-ID or reg-id not stable / not unique",
    short_title="The phone does not keep its instance or reg-id",
    sub_titles={
        "form": "The instance or reg-id is malformed",
        "regid-changes": "The phone changes its reg-id on a refresh",
    },
    question="whether phones keep instance and reg-id",
    clause="RFC 5626 §4.1, §4.2.1, §4.2.2, §4.5",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="H",
    subject="message",
    check=check,
    applies_if=marks.INSTANCE,
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

"""Who asks for a flow sends all that makes one.

With outbound (RFC 5626) a phone registers the connection itself, and calls come back over it through any NAT. It asks
for that by a reg-id in its Contact, which counts only together with an instance (`no-instance`; 4.1, 4.2.1), with
`outbound` (`no-outbound`) and `path` (`no-path`) in Supported, so that registrar and edge proxy may act on it, and with
one contact to be bound in the request (`multi`). Otherwise the registrar takes it for a registration like any other,
answers 400, or 439 where it cannot tell what the first hop is able to do; the phone is called at its Contact, which
behind a NAT is nowhere.

An instance without reg-id is legal (GRUU), `;ob` in the Contact's URI is for dialogs, and other contacts may be removed
in the same request. `*` has no parameters (`star`). Who registers for somebody else must not ask for a flow
(`third-party`): the calls would come to him.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Need,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.extensions import flow_contacts, has_instance, tags
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import MessageSubject
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import same_aor

_ERRORS = ("star", "third-party")


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at what goes with a reg-id in a request (RFC 5626 4.2.1)."""
    del context
    message = subject.message
    if not message.method or not any("reg-id" in one.params or _is_odd_star(one.raw) for one in message.contacts):
        yield NOT_APPLICABLE
        return
    found = list(_faults(message))
    for sub, detail, values in found:
        severity: Severity | None = "error" if sub in _ERRORS else None
        yield Violated(detail, sub, severity, values=values)
    if not found:
        yield PASSED


def _is_odd_star(raw: str) -> bool:
    if not raw.lstrip().startswith("*"):
        return False
    lower = raw.lower()
    return "sip.instance" in lower or "reg-id" in lower


def _faults(message: Message) -> Iterator[tuple[str, str, Values]]:
    star = next((one.raw for one in message.contacts if _is_odd_star(one.raw)), None)
    if star is not None:
        yield "star", f"the Contact {clip(star)!r} is `*` and asks for a flow", Values(clip(star), "*")
    flows = flow_contacts(message)
    if not flows:
        return
    bare = next((one for one in flows if not has_instance(one)), None)
    if bare is not None:
        values = Values("no +sip.instance", "+sip.instance")
        yield "no-instance", f"the Contact {clip(bare.raw)} has reg-id and no +sip.instance", values
    known = tags(message, "supported", "require")
    for tag in ("outbound", "path"):
        if tag not in known:
            values = Values(f"no {tag} in Supported", f"Supported: {tag}")
            yield f"no-{tag}", f"the Contact has reg-id, and Supported does not name {tag}", values
    count = len(requested_contacts(message))
    if count > 1:
        values = Values(f"{count} contacts", "1 contact")
        yield "multi", f"the request asks for a flow and names {count} contacts to be bound", values
    own = message.from_.uri if message.from_ is not None else None
    to = message.to.uri if message.to is not None else None
    if own is not None and to is not None and own.is_sip and to.is_sip and not same_aor(own, to):
        yield (
            "third-party",
            f"{clip(own.text)} asks for a flow for {clip(to.text)}",
            apart(clip(own.text), clip(to.text)),
        )


_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
_BOTH = "Supported: path, outbound\n"
_AT = "> REGISTER sip:h\n"
_BOB = "Contact: <sip:bob@192.0.2.10>"

RULE = Rule(
    id="R5626-4.2.1-outbound-request",
    title="Outbound registration request incomplete",
    short_title="The phone asks for a flow and leaves something out",
    sub_titles={
        "multi": "The phone asks for a flow for several contacts",
        "star": "The phone asks for a flow for `*`",
        "third-party": "The phone asks for a flow for somebody else",
    },
    question="whether requests for a flow are complete",
    clause="RFC 5626 §4.2.1, §4.2.3, §6",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="H",
    subject="message",
    check=check,
    applies_if=marks.EXTENDED,
    needs=(Need.WHOLE,),
    explains=(400, 439),
    why="Registrar ignores reg-id or answers 400/439.",
    fix="let the phone send +sip.instance, reg-id, `Supported: path, outbound` and one Contact, or switch outbound off",
    examples=(
        bad(f"{_AT}{_BOTH}{_BOB};reg-id=1\n< 200", "no-instance", severity="warning"),
        bad(f"{_AT}Supported: path\n{_BOB};reg-id=1;{_URN}\n< 200", "no-outbound"),
        bad(f"{_AT}Supported: outbound\n{_BOB};reg-id=1;{_URN}\n< 200", "no-path"),
        bad(f"{_AT}{_BOTH}{_BOB};reg-id=1;{_URN}, <sip:bob@192.0.2.11>\n< 400", "multi"),
        bad(f"{_AT}{_BOTH}Contact: *;reg-id=1;{_URN}\nExpires: 0\n< 400", "star", severity="error"),
        bad(
            f"{_AT}{_BOTH}From: <sip:eve@example.com>;tag=1\n{_BOB};reg-id=1;{_URN}\n< 200",
            "third-party",
            severity="error",
        ),
        good(f"{_AT}{_BOTH}{_BOB};reg-id=1;{_URN}\n< 200"),
        good(f"{_AT}k: outbound, path\n{_BOB};reg-id=1;{_URN}\n< 200", title="the compact form"),
        good(f"{_AT}{_BOB};{_URN}\n< 200", title="an instance alone"),
        good(f"{_AT}Contact: <sip:bob@192.0.2.10;ob>\n< 200", title="ob is for dialogs"),
        good(
            f"{_AT}{_BOTH}{_BOB};reg-id=1;{_URN}, <sip:bob@192.0.2.11>;expires=0\n< 200",
            title="another contact is removed",
        ),
        good(f"{_AT}{_BOB};reg-id=1;expires=0\n< 200", title="a removal needs less"),
    ),
)

"""A REGISTER that removes everything says `Contact: *` and `Expires: 0`, and nothing beside it.

`Contact: *` stands for every contact of the address-of-record, those of other phones too. So that nobody wipes a user's
registrations by accident, the star has one legal form: it is the only Contact value of the request, it has no
parameters, and the Expires header (the header, not the parameter) says 0. A registrar that reads the standard answers
any other form with 400, and then nothing is removed: the phone believes that it is gone, and it goes on ringing.

The usual slips are a phone that leaves its ordinary `Expires: 3600` in the request, and one that writes
`Contact: *;expires=0`, because that is how a single contact is removed.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for a star that is not alone, has parameters, or comes without `Expires: 0` (RFC 3261 10.2.2)."""
    del context
    message = subject.message
    star = next((contact for contact in message.contacts if contact.star), None) if message.is_request else None
    if star is None:
        yield NOT_APPLICABLE
        return
    wrong = list(_wrong(message, star))
    yield from wrong or (PASSED,)


def _wrong(message: Message, star: Address) -> Iterator[Violated]:
    others = len(message.contacts) - 1
    if others:
        more = f"{others} other Contact value{'s' * (others > 1)}"
        yield Violated(f"Contact: * stands beside {more}", sub="mixed", values=Values(f"* and {more}", "* alone"))
    if star.params:
        shown = f"Contact: {clip(star.raw.strip())}"
        detail = f"the star has parameters of its own: {shown}"
        yield Violated(detail, sub="param", values=Values(shown, "Contact: *"))
    header = message.first("expires")
    if header is None and "expires" not in star.params:
        detail = "Contact: * comes without an Expires header"
        yield Violated(detail, sub="no-expires", values=Values("no Expires", "Expires: 0"))
    elif header is not None and message.expires != 0:
        detail = f"Contact: * comes with Expires: {clip(header)}, which must be 0"
        yield Violated(detail, sub="nonzero", values=Values(f"Expires: {clip(header)}", "Expires: 0"))


RULE = Rule(
    id="R3261-10.2.2-star-form",
    title="`Contact: *` not accompanied by `Expires: 0`, or not alone",
    short_title="Contact: * in the wrong form",
    question="whether Contact: * has its right form",
    clause="RFC 3261 §10.2.2, §10.3 step 6, §20.10/§25.1 (STAR)",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400, 500),
    applies_if=marks.STAR,
    needs=(Need.WHOLE,),
    why="Meant to remove everything; a conforming registrar answers 400 and nothing is removed.",
    fix="update the phone's firmware, or turn off its option to remove all bindings (often `unregister on boot`): the "
    "request must carry `Contact: *` alone and the header `Expires: 0`",
    etsi=("RG_RT_V_013",),
    examples=(
        bad("> REGISTER sip:example.com\nContact: *\nExpires: 3600", "nonzero", severity="error"),
        bad("> REGISTER sip:example.com\nContact: *;expires=0\n-Expires", "param"),
        bad("> REGISTER sip:example.com\nContact: *\n-Expires", "no-expires"),
        bad("> REGISTER sip:example.com\nContact: *\nContact: <sip:bob@192.0.2.10>\nExpires: 0", "mixed"),
        bad("> REGISTER sip:example.com\nContact: *, <sip:bob@192.0.2.10>\nExpires: 0", "mixed", title="a comma list"),
        bad("> REGISTER sip:example.com\nContact: *, *\nExpires: 0", "mixed", title="one value in total"),
        bad("> REGISTER sip:example.com\nm: *;expires=0\nExpires: 60", "param", "nonzero", title="compact name"),
        bad("> REGISTER sip:example.com\nContact: *;q=1\n-Expires", "param", "no-expires", title="q replaces nothing"),
        bad("> REGISTER sip:example.com\nContact: *\nExpires: none", "nonzero", title="what is no number is not 0"),
        good("> REGISTER sip:example.com\nExpires: 0\nm: *"),
        good("> REGISTER sip:example.com\nContact: *\nExpires:   000", title="leading zeros and blanks are fine"),
        good("> REGISTER sip:example.com\nContact: <sip:*@192.0.2.10>", title="a star as user part is an ordinary URI"),
        good("> REGISTER sip:example.com\nContact: sip:*@192.0.2.10;expires=60", title="the same without brackets"),
        good("> REGISTER sip:example.com\n-Contact\n-Expires", title="a query has no Contact at all"),
    ),
)

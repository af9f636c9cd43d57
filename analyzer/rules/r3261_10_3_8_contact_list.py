"""A 200 to a REGISTER lists every binding that now exists, the one just made among them.

The list is how a phone learns that it is registered and for how long: it looks for its own contact among the Contact
values and reads the expiry beside it. If its contact is not there, the phone cannot know whether it was registered at
all, and when it has to ask again. Some then ask once a minute, some believe the 200 and drop off after an hour.

A list that shows other phones of the same user and not this one is no better than an empty one. A registrar that keeps
only so many contacts for a user and quietly refuses the next one must say so with an error, not with a 200. Where the
contact is listed in a rewritten form (another address or port, as some routers do), another finding says so.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.contact_relations import MOST_PAIRS, is_listed, is_similar
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for each contact that was asked for in the list of the 2xx (RFC 3261 10.3 step 8)."""
    del context
    request, final = subject.transaction.request, subject.transaction.final
    if request is None or final is None or not 200 <= final.status < 300:
        return NOT_APPLICABLE
    asked = requested_contacts(request)
    if not asked:
        return NOT_APPLICABLE  # a query or a removal
    if not final.is_whole:
        return NotJudged(Need.WHOLE.value)
    listed = [contact for contact in final.contacts if not contact.star]
    if any(contact.uri is None or contact.defects for contact in (*asked, *listed)):
        return NotJudged("a Contact cannot be read")
    if len(asked) * len(listed) > MOST_PAIRS:
        return NotJudged("too many contacts")
    lost = [contact for contact in asked if not any(is_listed(contact, other) for other in listed)]
    if not lost:
        return PASSED
    # What is listed for another contact of the request is not this one rewritten.
    rest = [other for other in listed if not any(is_listed(contact, other) for contact in asked)]
    gone = [contact for contact in lost if not any(is_similar(contact, other, request) for other in rest)]
    if not gone:
        return NOT_APPLICABLE  # listed, but rewritten: R3261-10.2.4-contact-mangled
    told, when = final.raw_message.evidence, final.raw_message.time
    gap = (when, when) if when is not None and len(gone) == len(asked) else None
    contact = clip(gone[0].uri.text if gone[0].uri else gone[0].raw)
    told_as = without_password(contact)
    values = Values(f"no {told_as}", told_as)
    return Violated(_sentence(contact, listed, final), related=(told,), gap=gap, values=values)


def _sentence(contact: str, listed: list[Address], final: Message) -> str:
    if not listed:
        return f"{contact} was registered, and the {final.status} lists no Contact at all"
    others = ", ".join(clip(other.uri.text) for other in listed[:3] if other.uri) + ", ..." * (len(listed) > 3)
    return f"{contact} was registered, and the {final.status} lists only {others}"


RULE = Rule(
    id="R3261-10.3-8-contact-list",
    title="200 does not list the binding just registered",
    short_title="The 200 does not list what it registered",
    question="whether the 200 lists the new binding",
    clause="RFC 3261 §10.3 step 8, §10.2.1",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    explains=("gap",),
    applies_if=marks.SUCCESS,
    violates_only_if=marks.ODD_LIST,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Client cannot know whether it is registered nor for how long.",
    fix="let the registrar's own code write the 200 (Kamailio: `save()` must send it, not `sl_send_reply`), and raise "
    "the limit of contacts per user (`max_contacts`) or let it answer 403 when it is reached",
    etsi=(
        "RG_RT_V_002",
        "RG_RR_V_001",
        "RG_RR_V_002",
        "RG_RR_V_003",
        "RG_RR_V_005",
        "RG_RR_V_012",
        "RG_RR_V_013",
        "RG_RR_V_015",
    ),
    stacks=("Twisted 26.10: of two contacts in a request, binds and lists the first",),
    examples=(
        bad("> REGISTER sip:example.com\nContact: <sip:b@h1>\n< 200\n-Contact", severity="error"),
        bad(
            """
            > REGISTER sip:example.com
            Contact: <sip:b@h1>
            < 200
            Contact: <sip:c@h9>;expires=50, <sip:d@h8>;expires=60
            """,
            title="a list of others: a limit of contacts that is kept in silence",
        ),
        bad("> REGISTER sip:example.com\n-Expires\n< 202 Accepted\n-Contact", title="any 2xx, and no expiry said"),
        bad(
            """
            > REGISTER sip:example.com
            Contact: <sip:b@h1>;expires=0, <sip:e@h2>;expires=60
            < 200
            -Contact
            """,
            title="one removed and one added",
        ),
        bad(
            """
            > REGISTER sip:example.com
            Contact: <sip:b@h1>, <sip:b@h2>
            < 200
            Contact: <sip:b@h1>;expires=60
            """,
            title="the first of two alone",
        ),
        good(
            "> REGISTER sip:example.com\nContact: <sip:b@h1>\n"
            "< 200\nContact: <sip:c@h9>;expires=50, <sip:b@h1>;expires=3600",
            title="found in a comma list",
        ),
        good("> REGISTER sip:example.com\nm: <sip:b@h1>\n< 200\nm: <sip:b@H1>;expires=60", title="compact, other case"),
        good(
            "> REGISTER sip:example.com\nContact: <sip:%62ob@H;x=1>\n"
            '< 200\nContact: <sip:bob@h>;expires=60;received="sip:203.0.113.7:40001"',
            title="escapes and unknown parameters do not make it another",
        ),
        good(
            '> REGISTER sip:example.com\nContact: <sip:b@h1>;+sip.instance="<urn:uuid:1>";reg-id=1\n'
            '< 200\nContact: <sip:x@h2>;+sip.instance="<urn:uuid:1>";reg-id=1;expires=60',
            title="the same instance",
        ),
        good(
            "> REGISTER sip:example.com\nContact: <sip:b@192.168.1.5:5060>\n"
            "< 200\nContact: <sip:b@203.0.113.7:40001>;expires=60",
            title="rewritten: told by another rule",
        ),
        good("> REGISTER sip:example.com\n-Contact\n< 200", title="a query"),
        good("> REGISTER sip:example.com\nExpires: 0\n< 200", title="a removal"),
        good("> REGISTER sip:example.com\nContact: *\nExpires: 0\n< 200", title="a removal of everything"),
        good("> REGISTER sip:example.com\nContact: <sip:192.0.2.10;bnc>\n< 200\n-Contact", title="a bulk contact"),
        good("> REGISTER sip:example.com\nContact: <sip:b@>\n< 200\n-Contact", title="a Contact that cannot be read"),
        good("> REGISTER sip:example.com\n< 403", title="a refusal lists nothing"),
    ),
)

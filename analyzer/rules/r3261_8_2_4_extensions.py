"""Extensions are agreed on by their option tags, and refused by name.

A phone names the extensions that it knows in Supported, and those without which it wants no answer in Require, or for
proxies in Proxy-Require. A server that does not know one of these answers 420 and names it in Unsupported (RFC 3261
8.2.2.3, 21.4.15), so that the phone can try without it. A 420 that names none (`420-no-unsupported`), or one that was
not demanded (`420-undemanded`), leaves it without a way to go on. So does a 421 without Require (`421-no-require`;
21.4.16): it says that the server wants an extension, and not which.

In a 2xx a server may only use what the phone knows: a tag in its Require that the request names neither in Supported
nor in Require (`uninvited`; 8.2.4) asks for what the phone cannot do. A registrar that refuses the Path of a proxy
because the phone does not support it says 420 with `path`, and is right (RFC 3327 5.3); what a proxy took out of the
request on the way (sec-agree; RFC 3329) was demanded all the same, so only what is seen at the registrar counts.
`outbound` has a rule of its own.

A registrar that took a demand for something which it had refused to know before (`ignored-require`) does not do what
the phone relies on: behind one address stand programs that differ, or it does not look at Require. A tag that is
demanded and that IANA does not list (`draft-tag`, for information) is one of a draft, or of a vendor: others refuse it.
What is only supported costs nothing, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Severity, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.extensions import OPTION_TAGS, demanded_tags, tags
from analyzer.register.given import Guidance
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transport_marks import extended_exchange, is_about_tags
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_REMOVED_ON_THE_WAY = "sec-agree"
_OWN_RULE = "outbound"
_WEIGHTS: dict[str, Severity] = {"420-undemanded": "warning", "ignored-require": "warning", "draft-tag": "info"}

_Fault = tuple[str, str, Values]
"""Sub-code, sentence and values."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the option tags of a final response against those of its request (RFC 3261 8.2.2.3, 8.2.4)."""
    del context
    transaction = subject.transaction
    request, final = extended_exchange(transaction) or (None, None)
    if final is None or not is_about_tags(transaction):
        yield NOT_APPLICABLE
        return
    found = [*_faults(request, final), *_of_request(request, final, subject.given)]
    for sub, detail, values in found:
        severity: Severity = _WEIGHTS.get(sub, "error")
        if sub == "draft-tag":
            agent = request.user_agent if request is not None else ""
            yield Violated(
                detail, sub, severity, force="none", at_fault="UAC", group_key=(agent, detail), values=values
            )
            continue
        at, related = final.raw_message.evidence, (transaction.evidence,)
        yield Violated(detail, sub, severity, at=at, related=related, values=values)
    if not found:
        yield PASSED


def _faults(request: Message | None, final: Message) -> Iterator[_Fault]:
    if final.status == 420:
        refused = tags(final, "unsupported")
        if not refused:
            values = Values(_lack(final, "Unsupported"), "Unsupported with what is refused")
            yield "420-no-unsupported", "the 420 names no extension in Unsupported", values
        elif request is not None and (strange := refused - _demanded(request)):
            values = Values(f"Unsupported: {_listed(strange)}", "what the request demands")
            yield "420-undemanded", f"the 420 refuses {_listed(strange)}, which the request does not demand", values
    elif final.status == 421 and not tags(final, "require"):
        values = Values(_lack(final, "Require"), "Require with what is needed")
        yield "421-no-require", "the 421 names no extension in Require", values
    elif 200 <= final.status < 300 and request is not None and final.has("require"):
        known = tags(request, "supported", "require", "proxy-require")
        uninvited = tags(final, "require") - known - {_OWN_RULE}
        if uninvited:
            shown = _listed(uninvited)
            values = Values(f"Require: {shown}", f"no {shown}")
            yield "uninvited", f"the {final.status} requires {shown}, which the request does not support", values


def _of_request(request: Message | None, final: Message, given: Guidance) -> Iterator[_Fault]:
    """What the request demands: against what the server refused before, and against IANA's list."""
    demanded = demanded_tags(request) if request is not None else frozenset()
    refused = frozenset(tag for tag, _ in given.refused if tag in demanded)
    if refused and 200 <= final.status < 300:
        detail = f"the {final.status} takes a request that demands {_listed(refused)}, refused with a 420 before"
        yield "ignored-require", detail, Values(str(final.status), "420")
    strange = demanded - OPTION_TAGS
    if strange:
        values = Values(_listed(strange), "an option tag that IANA lists")
        yield "draft-tag", f"the request demands {_listed(strange)}, which IANA does not list", values


def _demanded(request: Message) -> frozenset[str]:
    demanded = demanded_tags(request) | {_REMOVED_ON_THE_WAY}
    return demanded | {"path"} if request.has("path") else demanded


def _lack(message: Message, name: str) -> str:
    return f"an empty {name}" if message.has(name.lower()) else f"no {name}"


def _listed(names: frozenset[str]) -> str:
    return clip(", ".join(sorted(names)))


RULE = Rule(
    id="R3261-8.2.4-extensions",
    title="Option-tag negotiation broken (Require / Unsupported / Supported)",
    short_title="The answer disagrees on extensions",
    sub_titles={
        "420-no-unsupported": "The 420 does not say what is not supported",
        "420-undemanded": "The 420 refuses what was not demanded",
        "421-no-require": "The 421 does not say what it requires",
        "ignored-require": "The registrar ignores what the phone demands",
        "draft-tag": "The phone demands what IANA does not list",
        "uninvited": "The answer requires what the phone does not support",
    },
    question="whether extensions are agreed on by name",
    clause="RFC 3261 §8.2.2.3, §8.2.4, §10.3 step 2, §20.32, §21.4.15, §8.1.1.9, §19.2",
    force="MUST",
    severity="warning",
    at_fault="registrar / UAC",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.TAGGED,
    observed_at="last",
    explains=(420, 421),
    needs=(Need.S2C,),
    why="Client cannot recover from 420, or gets an extension it did not ask for.",
    fix="let the registrar name in Unsupported what the request demands and it does not know, in Require of a 421 what "
    "it wants, and use nothing that the phone's Supported does not name",
    stacks=(
        "Asterisk 22.10, Kamailio 6.1.5: 200 to Require: foo",
        "Asterisk 22.10 with support_path=yes: a 420 without Unsupported",
    ),
    examples=(
        bad("> REGISTER sip:h\nRequire: gruu\n< 420 Bad Extension", "420-no-unsupported", severity="error"),
        bad("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported:", "420-no-unsupported", title="an empty header"),
        bad("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: outbound", "420-undemanded"),
        bad("> REGISTER sip:h\nSupported: path\n< 421 Extension Required", "421-no-require"),
        bad("> REGISTER sip:h\nSupported: path\n< 200\nRequire: gruu", "uninvited"),
        bad("> REGISTER sip:h\nSupported:\n< 200\nRequire: path", "uninvited", title="an empty Supported is none"),
        bad(
            "> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: gruu\n> REGISTER sip:h\nRequire: gruu\n< 200",
            "ignored-require",
            severity="warning",
        ),
        bad("> REGISTER sip:h\nRequire: x-turbo\n< 420\nUnsupported: x-turbo", "draft-tag", severity="info"),
        good("> REGISTER sip:h\nSupported: x-turbo, replaces\n< 200", title="supported, and not demanded"),
        good("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: gruu\n> REGISTER sip:h\n< 200", title="without"),
        good("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: gruu"),
        good("> REGISTER sip:h\nProxy-Require: Path\n< 420\nUnsupported: path", title="by a proxy, in other letters"),
        good("> REGISTER sip:h\nPath: <sip:p;lr>\n< 420\nUnsupported: path", title="RFC 3327 5.3"),
        good("> REGISTER sip:h\nk: path, gruu\n< 200\nRequire: gruu", title="the compact form"),
        good("> REGISTER sip:h\nSupported: path\n< 421\nRequire: sec-agree"),
        good(
            "> REGISTER sip:h\nRequire: gin\nProxy-Require: gin\nSupported: path\n< 200\nRequire: gin",
            title="RFC 6140",
        ),
    ),
)

"""What is said of a finding in text that was copied from a document: in which flow it is, whether the text was mended,
and whether the document itself is known to have it.

RFC 3665 2 shows five registrations, and breaks rules in them that were no concern of its authors. Everybody copies
them; so that nobody hunts for a fault of his own there, what is in the RFC as printed is tagged
(docs/rules/documents.md 3) and does not make a run fail. It is looked for as anywhere else: the tag is given to what
was found, and takes nothing away.
"""

from __future__ import annotations

from analyzer.evidence import FlowStep, Place, RawMessage
from analyzer.judge.findings import Finding
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

NORMALISED = "importer-normalised"
"""Tag of a finding in a message that its reader had to mend."""
KNOWN_IN_RFC3665 = "known-in-rfc3665"
"""Tag of a finding that RFC 3665 has as it was printed."""

_BRANCH = "z9hg4bknashd"
"""How the branches of RFC 3665 2 begin: no flow of another document has them under the same title."""
_DATE = (2, "R3261-20.17-date")
_RFC_3665: dict[str, frozenset[tuple[int, str]]] = {
    "successful new registration": frozenset(
        (
            (2, "DET-weak-md5"),
            (3, "R3261-8.1.3.5-retry-ids"),
            (3, "R3261-25-digest-syntax"),
            (3, "R3261-22.4-qop-returned"),
            (3, "R8760-2.7-response-form"),
            (4, "R3261-20.17-date"),
        )
    ),
    "update of contact list": frozenset(
        ((1, "R3261-25-digest-syntax"), (1, "R2617-3.2.2-cnonce-nc"), _DATE),
    ),
    "request for current contact list": frozenset((_DATE,)),
    "cancellation of registration": frozenset((_DATE,)),
    "unsuccessful registration": frozenset(
        (
            (1, "R3261-8.1.1-mandatory"),
            (1, "R3581-4-received-rport"),
            (2, "DET-weak-md5"),
            (3, "R3261-8.1.3.5-retry-ids"),
            (3, "R3261-22.4-qop-returned"),
        )
    ),
}
"""The flows of RFC 3665 2.1 to 2.5 by their titles: number of the message, and rule."""
_ITS_OWN = {
    "R3261-8.1.1-mandatory": ("max-forwards",),
    "R3261-25-digest-syntax": ("no-comma", "quoted"),
    "R2617-3.2.2-cnonce-nc": ("incomplete",),
    "R3261-22.4-qop-returned": ("omitted",),
}
"""Of these rules what the RFC has is one fault; another in the same message is whoever's copied it. By sub-code."""


def is_known(finding: Finding) -> bool:
    """Whether a published document has it so: nobody's fault here, and no reason for a run to fail."""
    return KNOWN_IN_RFC3665 in finding.tags


def told_of_flow(transaction: Transaction, place: Place, finding: Finding) -> tuple[FlowStep | None, tuple[str, ...]]:
    """Where in a document the message at `place` stands, and the tags of a finding in it; None and no tags for all but
    messages of documents."""
    raw_message = _at(transaction, place)
    step = None if raw_message is None else raw_message.flow_step
    if raw_message is None or step is None:
        return None, ()
    normalised = (NORMALISED,) if raw_message.is_repaired else ()
    return step, normalised + ((KNOWN_IN_RFC3665,) if _is_known(transaction, step, finding.rule, finding.sub) else ())


def _is_known(transaction: Transaction, step: FlowStep, rule: str, sub: str) -> bool:
    if not {*sub.split(",")} <= {*_ITS_OWN.get(rule, sub.split(","))}:
        return False
    if (step.step, rule) not in _RFC_3665.get(" ".join(step.title.lower().split()), ()):
        return False
    return any(_branch(message).startswith(_BRANCH) for message in (transaction.request, transaction.final))


def _branch(message: Message | None) -> str:
    via = None if message is None else message.via
    return (via.branch or "").lower() if via is not None else ""


def _at(transaction: Transaction, place: Place) -> RawMessage | None:
    """The message at a place; the request (or what there is) where it is neither of the two."""
    messages = [one.raw_message for one in (transaction.request, transaction.final) if one is not None]
    return next((one for one in messages if one.place == place), messages[0] if messages else None)

"""A REGISTER got no final response in the 32 seconds that a phone waits for one.

A phone sends its request again after 0.5, 1.5, 3.5, 7.5 and 11.5 s and so on, 11 times in all over UDP, and gives up
after 32 s. A capture shows that nothing came back, and sometimes a hint why: nobody got an answer from this server
(`dead-server`: it is down, or the address is wrong); others did (`selective`: a firewall, a ban list or an unknown user
that the server ignores on purpose); the network itself reported an error (`icmp`: port closed, connection reset).
Packets may also have been lost on the way, or the recording missed them, so the blame stays open.

Where not one packet from the server is in the recording and the phone does not repeat itself, the recording probably
holds one direction only (`one-way`): that is said once for each server, for information. A request too close to the end
of the recording is not judged. A log that a server wrote of itself always has both directions.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Effect,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.lapse import lapse
from analyzer.judge.silence import advice, how_it_ended, listens, torn
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject, is_printed
from analyzer.register.timers import GRACE
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import TIMER_F

_HUNG_UP = "the client hung up"
_WENT_ON = "the client went on as if it was answered"
_NOT_REPEATED = "the request was not repeated: its answer may be missing"

_SAID_FOR_IT: tuple[Effect, ...] = ("silence", 408, 500, 503, 504)
"""What a client gets of a proxy whose request behind it nobody answers (RFC 3261 16.7, 16.8)."""

_DUE = "a final response"
_NONE_CAME = Values("no final response", _DUE)


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Classify a transaction without a final response (RFC 3261 17.1.2.2, Timer F)."""
    transaction = subject.transaction
    if transaction.request is None:
        return NOT_APPLICABLE
    if transaction.final is not None:
        return PASSED
    deeper = _deeper(transaction)
    if deeper is not None and deeper.final is None:
        return NOT_APPLICABLE  # the hop nearer the registrar is told instead (docs/rules/traps.md T-FORK)
    match transaction.state:
        case "aborted":
            return _aborted(transaction, context)
        case "timeout":
            return _timeout(subject, context, deeper)
        case "unjudged":
            return _one_way(subject, context)
        case _:
            return NotJudged(_why_open(transaction))


def _deeper(transaction: Transaction) -> Transaction | None:
    """The same request on the hop nearest the registrar, if that is another hop than this one."""
    last = transaction.path.last if transaction.path else transaction
    return last if last.via_count > transaction.via_count else None


def _aborted(transaction: Transaction, context: CaptureContext) -> Answer:
    abort = transaction.aborted
    assert abort is not None
    if abort.reason != "icmp" and abort.source == transaction.source:
        return NotJudged(_HUNG_UP)
    text = f"the request to {transaction.destination} {how_it_ended(abort)}"
    sub = "selective" if abort.reason == "closed" else "icmp"  # who closes properly is alive
    values = Values({"icmp": "an ICMP error"}.get(abort.reason, f"connection {abort.reason}"), _DUE)
    return Violated(text, sub=sub, related=(abort.evidence,), fix=advice(transaction, context), values=values)


def _timeout(subject: TransactionSubject, context: CaptureContext, deeper: Transaction | None) -> Answer:
    transaction = subject.transaction
    confidence = Confidence.HIGH if _is_told(subject) else _confidence(transaction, context.end)
    if confidence is None:
        return NotJudged(_why_open(transaction))
    if _went_on(subject):
        return NotJudged(_WENT_ON)
    copies = f"{transaction.retransmissions + 1} cop{'ies' if transaction.retransmissions else 'y'}"
    took = lapse(transaction.first, transaction.last, context.resolution)
    within = f" in {took}" if took else ""
    asked = f"{copies} of the request to {transaction.destination}{within}, no final answer in time{torn(transaction)}"
    if deeper is not None:
        text = f"{asked}, though {deeper.destination} answered {deeper.status} to the proxy"
        return Violated(text, sub="selective", confidence=confidence, at_fault="proxy / network", values=_NONE_CAME)
    if not context.port_answers(transaction.destination):
        text = f"{asked}; nobody had got an answer from there by then"
        if context.answers_from(transaction.destination):
            port = transaction.destination.port
            text = f"{asked}; nobody had got an answer from port {port} by then, though other ports of that host answer"
        behind = None if transaction.is_first_hop else _SAID_FOR_IT
        copied, fix = tuple(transaction.copies), advice(transaction, context)
        return Violated(
            text, sub="dead-server", confidence=confidence, related=copied, fix=fix, explains=behind, values=_NONE_CAME
        )
    text = f"{asked}; {_others(transaction, context)}{_failed_before(subject)}"
    behind = None if transaction.is_first_hop else _SAID_FOR_IT
    copied, fix = tuple(transaction.copies), advice(transaction, context)
    return Violated(
        text, sub="selective", confidence=confidence, related=copied, fix=fix, explains=behind, values=_NONE_CAME
    )


def _why_open(transaction: Transaction) -> str:
    """Why it cannot be said that no answer came in time: nobody knows when it began, or the source ends too early."""
    return Need.CLOCK.value if transaction.begun_at_most is None else Need.TAIL.value


def _is_told(subject: TransactionSubject) -> bool:
    """Whether the client's own log says that no response came."""
    return subject.attempt is not None and any(one.notice.state == "no answer" for one in subject.attempt.told)


def _confidence(transaction: Transaction, end: int | None) -> Confidence | None:
    """How sure it is that no answer came; None where the source ends too early, or has no clock (T-TAIL)."""
    begun = transaction.begun_at_most
    if begun is None or end is None:
        return None
    if transaction.first is None or transaction.last is None:  # it lies between two times
        return Confidence.MEDIUM if end - begun >= GRACE else None
    if end - transaction.last >= TIMER_F:
        confidence = Confidence.HIGH
    elif end - transaction.first >= GRACE:
        confidence = Confidence.MEDIUM  # copies go on, but the user agent itself has given up
    else:
        return None
    stopped_early = transaction.transport == "UDP" and transaction.last - transaction.first < TIMER_F // 2
    return confidence.lowered() if stopped_early else confidence  # the client may know of an answer that we miss


def _went_on(subject: TransactionSubject) -> bool:
    """The client's next request under this Call-ID came in time with credentials: we missed the challenge (T-LOSS)."""
    transaction, registration = subject.transaction, subject.registration
    later = registration.last_transaction if registration else None
    if later is None or later is transaction or later.final is None or transaction.retransmissions:
        return False
    if later.call_id != transaction.call_id or later.destination != transaction.destination:
        return False
    if later.first is None or transaction.first is None:
        return False
    return later.has_credentials and 0 <= later.first - transaction.first < TIMER_F


def _others(transaction: Transaction, context: CaptureContext) -> str:
    heard = context.last_heard(transaction.destination.host)
    if heard is not None and transaction.first is not None and heard < transaction.first and not context.is_loose:
        before = lapse(heard, transaction.first, context.resolution)
        return f"the server was last heard {before} before the request".replace("  ", " ")
    if transaction.provisional:
        return f"no more than {transaction.provisional[-1]} came back"
    return "the server answers other requests"


def _failed_before(subject: TransactionSubject) -> str:
    """A registrar may drop what comes from a banned address without a word."""
    registration, transaction = subject.registration, subject.transaction
    own = transaction.path.first.evidence.place if transaction.path is not None else transaction.place
    failures = registration.failures if registration else ()
    count = sum(1 for failure in failures if failure.status and failure.evidence.place != own)
    if not count:
        return ""
    return (
        f"; {count} attempt{'s' * (count > 1)} of this client failed before, so it may be banned (fail2ban, pike, ACL)"
    )


def _one_way(subject: TransactionSubject, context: CaptureContext) -> Answer:
    if is_printed(subject):
        return NotJudged(Need.S2C.value)  # a server's own log has both directions
    if context.answers_reach(subject.transaction):
        return NotJudged(_WENT_ON if _went_on(subject) else _NOT_REPEATED)
    server, client = subject.transaction.destination, subject.transaction.source
    text = (
        f"not one answer from {server} to {client.host} was seen by then, and the request was not repeated: "
        "this direction may not be recorded"
    )
    return Violated(text, sub="one-way", severity="info", confidence=Confidence.LOW, group_key=("one-way", server.host))


_COPIES = "\n".join(f"@{at} > again" for at in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5))
_ALONE = f"@0 > REGISTER sip:example.com\n{_COPIES}"
_EVE = (
    "From: <sip:eve@example.com>;tag=e1\nTo: <sip:eve@example.com>\nCall-ID: eve@192.0.2.20\n"
    "Contact: <sip:eve@192.0.2.20>\n"
)


RULE = Rule(
    id="R3261-17.2-unanswered",
    title="REGISTER transaction without a final response",
    short_title="No answer",
    sub_titles={"one-way": "No answer was recorded"},
    question="whether every request is answered",
    clause="RFC 3261 §8.2.6, §17.2.2, §17.1.2.2 (Timer F), §8.1.3.1",
    force="none",
    severity="warning",
    at_fault="registrar / network",
    group="D",
    subject="transaction",
    check=check,
    explains=("no answer",),
    violates_only_if=marks.UNANSWERED,
    observed_at="any",
    why="Service-affecting, but the observer cannot tell loss from refusal to answer.",
    fix=listens("UDP"),
    examples=(
        bad(
            f"{_ALONE}\n@33 src=192.0.2.20:5060 > REGISTER sip:example.com\n{_EVE}< 401",
            "selective",
            title="11 copies, and another phone gets its 401",
            severity="warning",
            tail=40,
        ),
        bad(_ALONE, "dead-server", title="nobody gets an answer", severity="warning", tail=40),
        bad(_ALONE, "dead-server", title="the source ends after the user agent gave up", tail=9),
        bad(
            f"@0 > REGISTER sip:example.com\n< 200\n{_ALONE.replace('@0 ', '@0.3 ')}",
            "selective",
            title="a server that went down",
            tail=40,
        ),
        bad("> REGISTER sip:example.com\n! icmp", "icmp", title="nothing listens there", severity="warning", tail=40),
        bad("> REGISTER sip:example.com\n< 100\n" + _COPIES, "selective", title="only a provisional answer", tail=80),
        bad("> REGISTER sip:example.com", "one-way", title="one direction only", severity="info", tail=60),
        bad(
            "> REGISTER sip:example.com\n@60 > REGISTER sip:example.com\n@120 > REGISTER sip:example.com",
            "one-way",
            title="said once for each server",
            tail=60,
        ),
        bad(
            "> REGISTER sip:example.com\n< 403\n@600 > REGISTER sip:example.com\n@600.5 > again\n@601.5 > again",
            "selective",
            title="silence after a refusal: perhaps a ban",
            tail=40,
        ),
        good("> REGISTER sip:example.com", title="sent 3 s before the end of the capture", tail=3),
        good(_ALONE, title="the last copy is too close to the end", tail=3),
        good("> REGISTER sip:example.com", title="a log has both directions: nothing to tell", tail=60, log=True),
        good("> REGISTER sip:example.com\n@8 > again\n@9 < 401", title="a late answer is an answer"),
        good(
            "src=192.0.2.10:40001 > REGISTER sip:example.com\ndst=192.0.2.10:5060 < 401",
            title="an answer to another port is found by its branch",
        ),
        good("> REGISTER sip:example.com\n! icmp\n@0.5 > again\n< 401", title="an ICMP error, and then an answer"),
        good(
            """
            > REGISTER sip:example.com
            @0.1 > REGISTER sip:example.com
            Authorization: Digest username="bob", realm="example.com", nonce="x", uri="sip:example.com", response="y"
            < 200
            """,
            title="the 401 between them was missed by the capture",
            tail=60,
        ),
    ),
)

"""What the rules on the form of a digest share: each asks for some kinds of difference, and says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Effect, Need, NotJudged, Values, Violated
from analyzer.register.digest.form import NOT_SEEN, Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject

UNSENT = "values that a response may have been made with were not sent"
"""Why a digest is not judged that leaves out what goes with qop."""
Teller = Callable[[DigestRecord, Difference, TransactionSubject], Violated]
"""The violation that a difference is."""
REFUSALS: tuple[Effect, ...] = (400, 401, 403, 407)
"""How a registrar refuses a digest in a form that it did not ask for."""
_ANOTHER_VALUE = frozenset(("uninvited", "not-offered", "incomplete", "algorithm"))
"""Differences with which the response is another value than the one that the registrar computes, or none at all."""


def by_form(subject: TransactionSubject, kinds: tuple[str, ...], tell: Teller) -> Iterator[Answer]:
    """One answer for each credentials of the transaction that answer anything."""
    answering = [record for record in subject.digests if not record.is_empty]
    if not answering:
        yield NOT_APPLICABLE
    for record in answering:
        differences = record.form.of_kind(*kinds)
        if differences:
            told = _with_values(tell(record, differences[0], subject), differences[0])
            yield told if _is_reason(record, differences[0]) else replace(told, explains=())
        elif record.form.word == "unknown":
            yield NotJudged(Need.HEAD.value if record.form == NOT_SEEN else record.form.why)
        else:
            yield PASSED


def _with_values(told: Violated, difference: Difference) -> Violated:
    return replace(told, values=Values(difference.sent, difference.asked)) if difference.sent else told


def _is_reason(record: DigestRecord, difference: Difference) -> bool:
    """Whether a difference is why these credentials were refused. A wrong password is reason enough by itself; and
    where the password is not known, only a form in which the response cannot be right is."""
    if record.accepted is not False or record.verdict == "mismatch":
        return False
    return record.verdict == "match" or difference.kind in _ANOTHER_VALUE


def without_challenge(answers: Iterator[Answer]) -> Iterator[Answer]:
    """The same for what the credentials alone show: that their challenge was not seen does not matter there."""
    for answer in answers:
        yield PASSED if answer == NotJudged(Need.HEAD.value) else answer


def refused_though_right(record: DigestRecord) -> bool:
    """Whether the digest is right for the password given, and the server did not take it: so the form was the reason,
    and what it costs is proven."""
    return record.verdict == "match" and record.accepted is False

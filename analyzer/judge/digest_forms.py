"""What the rules on the form of a digest share: each asks for some kinds of difference, and says what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Violated
from analyzer.register.digest.form import NOT_SEEN, Difference
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.subjects import TransactionSubject

UNSENT = "values that a response may have been made with were not sent"
"""Why a digest is not judged that leaves out what goes with qop."""
Teller = Callable[[DigestRecord, Difference, TransactionSubject], Violated]
"""The violation that a difference is."""


def by_form(subject: TransactionSubject, kinds: tuple[str, ...], tell: Teller) -> Iterator[Answer]:
    """One answer for each credentials of the transaction that answer anything."""
    answering = [record for record in subject.digests if not record.is_empty]
    if not answering:
        yield NOT_APPLICABLE
    for record in answering:
        differences = record.form.of_kind(*kinds)
        if differences:
            yield tell(record, differences[0], subject)
        elif record.form.word == "unknown":
            yield NotJudged(Need.HEAD.value if record.form == NOT_SEEN else record.form.why)
        else:
            yield PASSED


def without_challenge(answers: Iterator[Answer]) -> Iterator[Answer]:
    """The same for what the credentials alone show: that their challenge was not seen does not matter there."""
    for answer in answers:
        yield PASSED if answer == NotJudged(Need.HEAD.value) else answer


def refused_though_right(record: DigestRecord) -> bool:
    """Whether the digest is right for the password given, and the server did not take it: so the form was the reason,
    and what it costs is proven."""
    return record.verdict == "match" and record.accepted is False

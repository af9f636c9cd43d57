"""Digests in the table: right, wrong and not known, with and without secrets, and what `verify-digest` says first."""

from __future__ import annotations

from collections import Counter

import pytest

from analyzer.evidence import Frame
from analyzer.register.digest.verdict import DigestVerdict, Verdict
from analyzer.register.digest_ledger import DigestRecord
from analyzer.views.table.digests import checked, passwords, rows_of
from tests.views.reports import LOGIN, REGISTERED, drawn, lines_with, report_of

MATCH, MISMATCH, UNKNOWN = Verdict.MATCH, Verdict.MISMATCH, Verdict.UNKNOWN


def record(
    name: str,
    verdict: Verdict = MATCH,
    *,
    reason: str = "why",
    accepted: bool | None = True,
    realm: str = "r",
    frame: int = 3,
) -> DigestRecord:
    return DigestRecord(
        header="authorization",
        scheme="Digest",
        username=name,
        realm=realm,
        algorithm="",
        qop="",
        method="REGISTER",
        uri="sip:r",
        nonce="n",
        nonce_count="",
        response="0" * 32,
        judged=DigestVerdict(verdict, reason, username=name),
        place=Frame("flow", frame),
        time=None,
        transaction=1,
        aor="",
        raw="",
        accepted=accepted,
    )


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        ({"match": 1}, "1 response checked: right."),
        ({"match": 24}, "24 responses checked: all right."),
        ({"match": 22, "mismatch": 2}, "24 responses checked: 22 right, 2 wrong."),
        ({"match": 1200, "mismatch": 2, "unknown": 1}, "1,203 responses checked: 1,200 right, 2 wrong, 1 not known."),
        ({"unknown": 2}, "2 responses checked: all not known."),
    ],
)
def test_responses_are_counted(verdicts: dict[str, int], sentence: str) -> None:
    assert checked(Counter(verdicts)) == sentence


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([("alice", MATCH)], "alice's password is right."),
        ([("alice", MISMATCH)], "alice's digest does not match the password given."),
        ([("a", MATCH), ("b", MATCH)], "Both passwords are right."),
        ([("a", MATCH), ("b", MATCH), ("c", MATCH)], "All 3 passwords are right."),
        ([("alice", MISMATCH), ("b", MATCH), ("c", MATCH)], "2 of 3 passwords are right; alice's does not match."),
        ([("a", MISMATCH), ("b", MISMATCH), ("c", MATCH)], "1 of 3 passwords is right; a's and b's do not match."),
        ([("a", MISMATCH), ("b", MISMATCH)], "Neither password matches the digests."),
        ([("a", MATCH), ("a", MISMATCH)], "a's password is right in some responses and wrong in others."),
        ([("a", MATCH), ("b", UNKNOWN)], "a's password is right; for 1 user there is no verdict."),
        ([("a", MATCH), ("a", UNKNOWN)], "a's password is right."),
        ([("a", UNKNOWN)], "No password could be judged."),
        ([(f"u{n}", MISMATCH) for n in range(5)] + [("x", MATCH)], "1 of 6 passwords is right; 5 do not match."),
    ],
)  # fmt: skip
def test_the_sentence_of_verify_digest(records: list[tuple[str, Verdict]], sentence: str) -> None:
    assert passwords([record(name, verdict) for name, verdict in records]) == sentence


def test_a_password_may_be_right_and_wrong() -> None:
    records = [record("a", MATCH), record("a", MISMATCH), record("b", MATCH), record("c", MISMATCH)]
    parts = passwords(records).split("; ")
    assert parts == [
        "1 of 3 passwords is right",
        "c's does not match",
        "a's is right in some responses and wrong in others.",
    ]


def test_rows_are_distinct_users_realms_and_verdicts_the_wrong_first() -> None:
    records = [record("a"), record("a"), record("a", MISMATCH), record("b", UNKNOWN), record("a", realm="other")]
    rows = [(row.first.username, row.first.realm, row.first.verdict, row.number) for row in rows_of(records)]
    assert rows == [
        ("a", "r", "mismatch", 1),
        ("b", "r", "unknown", 1),
        ("a", "r", "match", 2),
        ("a", "other", "match", 1),
    ]


def test_what_was_tried_in_vain_makes_no_rows() -> None:
    reasons = ["wrong password or unknown cause", "wrong password or unknown cause (tried D01-D37 alone)"]
    assert len(rows_of(record("a", MISMATCH, reason=reason) for reason in reasons)) == 1


def test_verify_digest_begins_with_the_passwords() -> None:
    report = report_of(LOGIN % 200, passwords={"bob": "secret"}, detail=True)
    text = drawn(report, leads_with="digests")
    assert text.index("bob's password is right.") < text.index("1 client, registered.")


def test_wrong_ones_are_listed_with_the_registrars_decision() -> None:
    report = report_of(LOGIN % 403, passwords={"bob": "other"})
    report.digests[:] = [
        record("bob", MISMATCH, reason="wrong password or unknown cause", accepted=False) for _ in "12"
    ]
    report.summary.digests = Counter({"match": 1, "mismatch": 2})
    text = drawn(report)
    assert "3 responses checked: 1 right, 2 wrong." in text
    assert lines_with(text, "✗ wrong") == [
        "✗ wrong  bob in r  twice, refused                                      frame 3"
    ]
    assert "wrong password or unknown cause" in text


def test_what_contradicts_is_said_aloud() -> None:
    report = report_of(LOGIN % 200, passwords={"bob": "secret"})
    report.digests[:] = [
        record("a", MISMATCH, accepted=True),
        record("b", MATCH, accepted=False),
        record("c", MATCH, accepted=None),
        record("d", MATCH),
        record("d", MATCH, accepted=False),
    ]
    text = drawn(report, 120, leads_with="digests")
    assert "once, accepted all the same" in text
    assert "once, refused all the same" in text
    assert "once, without a decision" in text
    assert "twice: 1 accepted, 1 refused all the same" in text


def test_right_ones_need_no_line_but_for_verify_digest() -> None:
    report = report_of(LOGIN % 200, passwords={"bob": "secret"})
    report.digests[:] = [record("bob")]
    assert not lines_with(drawn(report), "✓ right")
    assert lines_with(drawn(report, leads_with="digests"), "✓ right")


def test_without_secrets_it_says_what_to_give() -> None:
    text = drawn(report_of(LOGIN % 200))
    assert "1 digest was not checked: no password given (--credentials FILE)." in text
    report = report_of(LOGIN % 200)
    report.summary.digests = Counter({"unknown": 24})
    assert "24 digests were not checked" in drawn(report)


def test_without_digests_secrets_have_nothing_to_do() -> None:
    assert "No digest response was seen" not in drawn(report_of(REGISTERED))
    assert "No digest response was seen" in drawn(report_of(REGISTERED, passwords={"bob": "x"}))
    assert "No digest response was seen" in drawn(report_of(REGISTERED), leads_with="digests")


def test_a_wrong_password_is_named_beside_the_client() -> None:
    report = report_of(LOGIN % 403, passwords={"bob": "not-a-default-1"})
    wrong = report.digests[0]
    wrong.judged = DigestVerdict(MISMATCH, "wrong password or unknown cause", username="bob")
    assert "WRONG PASSWORD OR UNKNOWN CAUSE: the response does not match the" in drawn(report, 160)


def test_no_password_is_drawn() -> None:
    for given in ("secret", "unlike-hunter2"):
        report = report_of(LOGIN % 403, passwords={"bob": given}, detail=True)
        for every in (False, True):
            assert given not in drawn(report, 200, all=every, leads_with="digests")

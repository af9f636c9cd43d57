"""What a registration says of its client: outcome, since when, counts; the boot score (docs/rules/reconstruction.md 6,
T-REBOOT)."""

from __future__ import annotations

import pytest

from analyzer.evidence import SECOND
from analyzer.judge.flowtext import START
from analyzer.register.boot import RESTART, BootScore
from analyzer.register.registration import KEPT_CALL_IDS, KEPT_FAILURES
from tests.register.watch import put, raw_messages, start, watch

ONE = "> REGISTER sip:a\n"
AUTH = "> REGISTER sip:a\nAuthorization: {bob secret}\n"
NEXT = "> REGISTER sip:a\nCall-ID: b\nCSeq: 1\n"


def since(flow: str) -> tuple[str, int, float, int]:
    """Outcome, status, since when in seconds of the flow, and the frame of the answer (or request) that shows it."""
    registration = watch(flow).registration
    assert registration.since is not None
    return (
        registration.outcome,
        registration.status,
        (registration.since - START) / SECOND,
        registration.since_place[1],
    )


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (f"@1 {ONE}< 401\n{AUTH}< 200\n@1800 {ONE}< 401\n{AUTH}< 200", ("registered", 200, 1, 4)),
        (f"@1 {ONE}< 200\n@1800 {ONE}< 403", ("rejected", 403, 1800, 4)),
        (f"@1 {ONE}< 403\n@60 {ONE}< 403\n@120 {ONE}< 403", ("rejected", 403, 1, 2)),
        (f"@1 {ONE}< 403\n@60 {ONE}< 404", ("rejected", 404, 60, 4)),
        (f"@1 {ONE}< 200\n@60 {ONE}-Contact\n< 200", ("registered", 200, 1, 2)),  # a fetch decides nothing
        (f"@1 {ONE}-Contact\n< 200", ("fetched", 200, 1, 2)),
        (f"@1 {ONE}< 200\n@60 {ONE}Expires: 0\n< 200", ("removed", 200, 60, 4)),
        (f"@1 {ONE}< 200\n@60 {ONE}", ("registered", 200, 1, 2)),  # what is open decides nothing
        (f"@1 {ONE}", ("open", 0, 1, 1)),
    ],
)
def test_outcome_and_since(flow: str, expected: tuple[str, int, float, int]) -> None:
    assert since(flow) == expected


def test_counts() -> None:
    flow = f"{ONE}< 401\n{AUTH}< 200\n@1800 {AUTH}< 200\n@3600 {ONE}< 403\n@3700 {ONE}< 503\n"
    registration = watch(flow).registration
    assert (registration.attempts, registration.refreshes, registration.failure_count) == (4, 2, 2)
    assert registration.outcomes == {"registered": 2, "rejected": 2}
    assert registration.reasons == {200: 2, 403: 1, 503: 1}
    assert registration.transactions == [1, 2, 3, 4, 5]
    assert registration.preemptive
    assert [(failure.status, failure.credentialed) for failure in registration.failures] == [(403, False), (503, False)]
    assert registration.failing_since == registration.failures[0].time


def test_a_success_ends_the_row_of_failures() -> None:
    registration = watch(f"{ONE}< 403\n{ONE}< 403\n{ONE}< 200\n@60 {ONE}< 503").registration
    assert (registration.failure_count, len(registration.failures)) == (1, 1)
    assert registration.failing_since == START + 60 * SECOND


def test_what_is_kept_of_a_client_is_bounded() -> None:
    flow = "".join(
        f"{ONE}Call-ID: c{number}\nContact: <sip:bob@192.0.2.10:{number + 5000}>, <sip:same@192.0.2.10>\n< 403\n"
        for number in range(1, 120)
    )
    for registration in watch(flow).registrations:
        assert len(registration.call_ids) <= KEPT_CALL_IDS
        assert len(registration.contacts) <= KEPT_CALL_IDS
        assert len(registration.failures) <= KEPT_FAILURES


def test_without_detail_no_transaction_numbers_are_kept() -> None:
    watched = put(start(detail=False), raw_messages(f"{ONE}< 401\n{AUTH}< 200"))
    assert not watched.registration.transactions
    assert watched.reconstructor.digests.records == []


def test_contacts_and_agent_as_last_seen() -> None:
    registration = watch(
        f"{ONE}User-Agent: A 1\n< 200\n{ONE}-Contact\n< 200\n{ONE}User-Agent: A 2\nContact: *\nExpires: 0\n< 200"
    ).registration
    assert registration.contacts == ("sip:bob@192.0.2.10:5060", "*")
    assert registration.user_agent == "A 2"
    assert registration.call_id == "call-1@192.0.2.10"


def boot(flow: str) -> BootScore:
    """The score of the last step."""
    score = watch(flow).steps[-1].boot
    assert score is not None
    return score


HOUR = f"@0 {ONE}CSeq: 9\n< 200\n"


@pytest.mark.parametrize(
    ("flow", "points"),
    [
        (f"{HOUR}@1800 {ONE}Call-ID: b\nCSeq: 10\n", 0),
        (f"{HOUR}@1800 {NEXT}", 1),  # CSeq starts again
        (f"@0 {ONE}CSeq: 500\n< 200\n@1800 {ONE}Call-ID: b\nCSeq: 399\n", 1),  # and drops by a lot
        (f"@0 {ONE}CSeq: 500\n< 200\n@1800 {ONE}Call-ID: b\nCSeq: 450\n", 0),
        (f"{HOUR}@3700 {NEXT}", 3),  # silent for longer than was granted
        (f"{HOUR}@1800 {ONE}CSeq: 10\nExpires: 0\n< 200\n@1890 {NEXT}", 3),  # removed its binding before
        (f"{HOUR}@1800 {NEXT}User-Agent: other\nContact: <sip:bob@192.0.2.10:5060;line=7>\n", 1),
        (f"@0 {ONE}CSeq: 9\n< 403\n@200 {NEXT}", 1),
        (f"@0 {ONE}CSeq: 9\n< 403\n@400 {NEXT}", 3),  # nothing was granted: five minutes count
        (f"{HOUR}@1800 src=203.0.113.1:5060 {NEXT}", 2),  # another address
        (f"{HOUR}@1800 {AUTH}CSeq: 10\n< 200\n@1900 {NEXT}", 2),  # no credentials, though it sent them unasked
        (f"@0 stream=1 transport=TCP {ONE}CSeq: 9\n< 200\n@1800 stream=2 transport=TCP {NEXT}", 2),
        (f"@0 stream=1 transport=TCP {ONE}CSeq: 9\n< 200\n@1800 stream=1 transport=TCP {NEXT}", 1),
    ],
)
def test_boot_score(flow: str, points: int) -> None:
    if "other" in flow:  # another User-Agent is another client, unless a token joins them
        flow = flow.replace("CSeq: 9\n", "CSeq: 9\nContact: <sip:bob@192.0.2.10:5060;line=7>\n")
        points += 1
    score = boot(flow)
    assert score.points == points, score.signs
    assert score.is_restart is (points >= RESTART)


def test_changes_are_counted_apart_from_restarts() -> None:
    registration = watch(f"{HOUR}@1800 {NEXT}< 200\n@5500 {ONE}Call-ID: c\nCSeq: 1\n< 200\n").registration
    assert (registration.call_id_changes, registration.boot_changes) == (2, 0)  # silence alone is no restart
    registration = watch(f"{HOUR}@3700 {NEXT}< 200\n@3800 {ONE}Call-ID: c\nCSeq: 5\n< 200\n").registration
    assert (registration.call_id_changes, registration.boot_changes) == (1, 1)


def test_a_step_knows_what_lies_before_it() -> None:
    watched = watch(f"{ONE}< 401\n{AUTH}< 200\n@1800 {NEXT}< 200\n")
    retry, change = watched.steps
    assert (retry.same_attempt, retry.answers_challenge, retry.call_id_changed, retry.boot) == (True, True, False, None)
    assert (retry.earlier, retry.same_call) == (watched.transactions[0], watched.transactions[0])
    assert (change.same_attempt, change.answers_challenge, change.call_id_changed) == (False, False, True)
    assert (change.earlier, change.same_call) == (watched.transactions[1], None)


def test_the_first_request_of_a_client_is_no_step() -> None:
    """docs/rules/traps.md T-MID: nothing is said of what came before the capture."""
    assert watch(f"{ONE}CSeq: 77\nAuthorization: {{bob secret}}\n< 200").steps == []


def test_addresses_of_record_that_share_a_call_id_are_no_steps_of_one_another() -> None:
    """A user agent may register several under one Call-ID, with one counter: what is missing here was used there."""
    other = "To: <sip:sales@example.com>\nFrom: <sip:sales@example.com>;tag=f1\n"
    watched = watch(f"{ONE}< 200\n{ONE}{other}< 200\n{ONE}< 200")
    assert [registration.attempts for registration in watched.registrations] == [2, 1]
    assert [(step.same_call.cseq, step.later.cseq) for step in watched.steps if step.same_call] == [(1, 3)]
    assert [(step.stream.aor, step.stream.is_shared, step.namesake is None) for step in watched.steps] == [
        ("sip:sales@example.com", True, False),
        ("sip:bob@example.com", True, True),
    ]
    assert [one.holes for one in watched.registrations] == [0, 0]


def test_streams_count_steps_and_gaps() -> None:
    stream = watch("".join(f"{ONE}CSeq: {cseq}\n< 200\n" for cseq in (1, 2, 4, 6, 9, 8))).steps[0].stream
    assert (stream.steps, stream.gaps) == (4, {2: 2, 3: 1})

"""What each transaction is worth: literal cases, and every mark against a plain loop over each client's story."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings

from analyzer.storm.marks import NEVER, Marks, marks_of, order_by
from analyzer.storm.traffic import UNKNOWN, traffic_of
from tests.dataframes.talks import Said, any_talk, nanoseconds, talk

FEW = settings(max_examples=150, deadline=None)


def marked(*said: Said) -> Marks:
    """The marks of these transactions, which stand in the order of time."""
    return marks_of(traffic_of(talk(*said)))


@dataclass
class Told:
    """What a loop makes of the client of one transaction up to it."""

    success: bool
    refused: bool
    failed: bool
    begins: bool
    failures: int
    retry: bool
    before: float | None = None
    lifetime: int | None = None
    fresh: bool = True
    following: float | None = None
    regained: float | None = None


@dataclass
class Client:
    """What a loop remembers of a client."""

    rows: list[int] = field(default_factory=list)
    failures: int = 0
    challenged: bool = False
    success: Said | None = None


def by_loops(said: list[Said]) -> list[Told]:
    """The story of each client, told one transaction after the other."""
    clients: dict[tuple[str, str], Client] = {}
    told: list[Told] = []
    for row, one in enumerate(said):
        client = clients.setdefault(one.client, Client())
        success = 200 <= one.status < 300
        challenge = one.status in (401, 407) and not one.credentials
        denied = (400 <= one.status < 500 or one.status >= 600) and one.status != 423
        refused = denied and (not challenge or client.challenged)
        silent = one.status == 0 and _end(said) - one.time > 0.5 and (_heard(said) or one.copies > 0)
        failed = refused or silent or one.status >= 500
        before = client.success
        told.append(
            Told(
                success=success,
                refused=refused,
                failed=failed,
                begins=not client.challenged,
                failures=0 if success else client.failures + failed,
                retry=client.failures > 0,
                before=before.answered if before else None,
                lifetime=before.granted if before else None,
                fresh=before is None or before.call != one.call,
            )
        )
        client.failures = 0 if success else client.failures + failed
        client.challenged = challenge
        for earlier in client.rows:
            if success:
                known = told[earlier].regained
                told[earlier].regained = one.answered if known is None else min(known, one.time + one.took)
        if client.rows:
            told[client.rows[-1]].following = one.time
        told[row].regained = one.answered if success else None
        client.rows.append(row)
        client.success = one if success else client.success
    return told


def _end(said: list[Said]) -> float:
    schedule = [0.0, 0.5, 1.5, 3.5]
    return max(one.answered if one.answered is not None else one.time + schedule[one.copies] for one in said)


def _heard(said: list[Said]) -> bool:
    return any(one.status for one in said)


@FEW
@given(any_talk())
def test_the_marks_are_those_of_a_plain_loop(said: list[Said]) -> None:
    marks, told = marked(*said), by_loops(said)
    for name in ("success", "refused", "failed", "begins", "fresh"):
        assert getattr(marks, name).tolist() == [getattr(one, name) for one in told], name
    # After a success the count begins anew; that of the success itself is nobody's business.
    kept = [row for row, one in enumerate(told) if not one.success]
    assert marks.failures[kept].tolist() == [told[row].failures for row in kept]
    assert marks.retry[kept].tolist() == [told[row].retry for row in kept]


@FEW
@given(any_talk())
def test_times_of_the_same_client_are_those_of_a_plain_loop(said: list[Said]) -> None:
    marks, told = marked(*said), by_loops(said)
    for row, (one, its) in enumerate(zip(said, told, strict=True)):
        assert marks.before[row] == (UNKNOWN if its.before is None else nanoseconds(its.before))
        assert marks.next_time[row] == (UNKNOWN if its.following is None else nanoseconds(its.following))
        assert marks.regained[row] == (NEVER if its.regained is None else nanoseconds(its.regained))
        since = math.nan if its.before is None else one.time - its.before
        assert marks.since[row] == pytest.approx(since, abs=1e-6, nan_ok=True)
        granted = math.nan if its.lifetime is None else its.lifetime
        assert marks.lifetime[row] == pytest.approx(granted, nan_ok=True)


@FEW
@given(any_talk())
def test_distress_is_between_needed_and_needless(said: list[Said]) -> None:
    marks = marked(*said)
    assert ((marks.distress >= 0) & (marks.distress <= 1)).all()
    assert (marks.distress[marks.loop | marks.silent | marks.late | marks.scan] == 1).all()
    assert not (marks.loop & marks.success).any()
    assert not (marks.refresh & marks.fresh).any()


@FEW
@given(any_talk())
def test_a_part_of_the_marks_stands_alone(said: list[Said]) -> None:
    marks = marked(*said)
    rows = slice(len(said) // 3, len(said) - len(said) // 4)
    part = marks.part(rows)
    assert part.distress.tolist() == marks.distress[rows].tolist()
    assert part.next_time.tolist() == marks.next_time[rows].tolist()


def test_the_order_by_codes_finds_the_marked_before() -> None:
    codes = np.array([1, 0, 1, 0, 1], dtype=np.int32)
    order = order_by(codes)
    assert order.rows.tolist() == [1, 3, 0, 2, 4]
    assert order.first.tolist() == [0, 0, 2, 2, 2]
    places = order.previous(np.array([True, False, True, False, False]))
    assert places.tolist() == [-1, 0, -1, 2, 2]


def test_the_third_refusal_at_once_is_a_loop() -> None:
    said = [Said(time, 403) for time in (0, 1, 2, 3)]
    assert marked(*said).loop.tolist() == [False, False, True, True]


def test_who_waits_is_in_no_loop() -> None:
    said = [Said(time, 403) for time in (0, 40, 80, 120)]
    assert marked(*said).loop.tolist() == [False] * 4


def test_a_success_ends_a_loop() -> None:
    statuses = (403, 403, 200, 403, 403, 403)
    said = [Said(time, status) for time, status in enumerate(statuses)]
    assert marked(*said).loop.tolist() == [False, False, False, False, False, True]


def test_a_first_challenge_is_no_refusal_a_second_is() -> None:
    plain = [Said(time, 401, credentials=False) for time in (0, 1)]
    assert marked(*plain).refused.tolist() == [False, True]
    taken = [Said(0, 401, credentials=False), Said(1, 401), Said(2, 401, credentials=False)]
    assert marked(*taken).refused.tolist() == [False, True, False]


def test_too_brief_is_needless_but_no_refusal() -> None:
    marks = marked(*(Said(time, 423) for time in range(5)))
    assert marks.refused.tolist() == [False] * 5
    assert marks.loop.tolist() == [False] * 5
    assert marks.short.tolist() == [1.0] * 5


@pytest.mark.parametrize(("wait", "part"), [(0.0, 1.0), (3.0, 0.8), (7.5, 0.5), (15.0, 0.0), (600.0, 0.0)])
def test_a_refresh_too_soon_is_needless_in_part(wait: float, part: float) -> None:
    """Half of a lifetime of 30 s is 15 s: a refresh after 3 s is one of five in that time."""
    assert marked(Said(0, took=0.01), Said(0.01 + wait)).short[1] == pytest.approx(part)


def test_a_registration_with_a_new_call_id_is_no_refresh() -> None:
    marks = marked(Said(0), Said(2, call="new"), Said(4, call="new"))
    assert marks.fresh.tolist() == [True, True, False]
    assert marks.refresh.tolist() == [False, False, True]
    assert marks.short[1] == 0.0


def test_removals_are_no_refreshes() -> None:
    removal = marked(Said(0), Said(2, requested=0, granted=0), Said(4))
    assert removal.short.tolist() == [0.0, 0.0, 0.0]


def test_the_challenge_of_a_removal_is_none_either() -> None:
    said = [Said(0), Said(2, 401, credentials=False), Said(2.1, requested=0, granted=0)]
    assert marked(*said).short.tolist() == [0.0, 0.0, 0.0]


def test_a_refresh_begins_with_its_challenge() -> None:
    said = [Said(0), Said(100, 401, credentials=False), Said(100.1), Said(200, 401, credentials=False), Said(200.1)]
    assert marked(*said).refresh.tolist() == [False, True, False, True, False]
    assert marked(*said).begins.tolist() == [True, True, False, True, False]


@pytest.mark.parametrize(("took", "copies", "late"), [(0.4, 0, False), (0.6, 0, True), (0.4, 1, True)])
def test_late_is_after_t1_or_after_a_copy(took: float, copies: int, late: bool) -> None:
    assert bool(marked(Said(0.1, took=took, copies=copies)).late[0]) is late


def test_the_last_request_of_a_capture_may_still_be_answered() -> None:
    marks = marked(Said(0, 0, copies=3), Said(10), Said(10.2, 0, user="b"))
    assert marks.silent.tolist() == [True, False, False]


def test_one_direction_alone_is_no_silence_unless_requests_are_repeated() -> None:
    marks = marked(Said(0, 0), Said(1, 0, user="b", copies=2), Said(60, 0, user="c"))
    assert marks.silent.tolist() == [False, True, False]

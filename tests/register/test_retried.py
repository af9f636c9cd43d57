"""Which request a new one stands in for, and what it has to keep of it."""

from __future__ import annotations

import pytest

from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject
from tests.register.watch import watch
from tests.rules.cases import run, subs

_RULE = "R3261-8.1.3.5-retry-ids"
_RETRY = "> REGISTER sip:h\nAuthorization: {bob x}\n"


def _steps(flow: str) -> list[TransitionSubject]:
    return [one for one in watch(flow).subjects if isinstance(one, TransitionSubject)]


@pytest.mark.parametrize("status", [401, 407, 420])
def test_within_an_attempt(status: int) -> None:
    header = "Proxy-Authorization" if status == 407 else "Authorization"
    (step,) = _steps(f"> REGISTER sip:h\n< {status}\n> REGISTER sip:h\n{header}: {{bob x}}\n< 200")
    assert step.retried is not None
    assert step.retried.status == status
    assert step.marks & (marks.RETRIED | marks.NEW_IDS) == marks.RETRIED


@pytest.mark.parametrize(("status", "pause", "is_retry"), [(413, 1, True), (415, 31, True), (416, 60, False)])
def test_at_once_after_what_ends_an_attempt(status: int, pause: int, is_retry: bool) -> None:
    (step,) = _steps(f"> REGISTER sip:h\n< {status}\n@{pause} > REGISTER sip:h\n< 200")
    assert (step.retried is not None) is is_retry
    assert bool(step.marks & marks.RETRIED) is is_retry


@pytest.mark.parametrize("status", [200, 403, 404, 423, 500])
def test_other_answers_ask_for_no_such_request(status: int) -> None:
    (step,) = _steps(f"> REGISTER sip:h\n< {status}\nMin-Expires: 60\n> REGISTER sip:h\n< 200")
    assert step.retried is None
    assert not step.marks & marks.RETRIED


def test_without_answers_nothing_is_a_retry() -> None:
    """One direction alone (docs/rules/traps.md T-ONESIDE): who knows what was answered."""
    flow = f"> REGISTER sip:h\nCall-ID: a\n{_RETRY}Call-ID: b"
    assert run(_RULE, flow).findings == []
    assert run(_RULE, flow).outcomes[_RULE].violated == 0


def test_a_copy_of_the_challenged_request_is_between() -> None:
    flow = f"> REGISTER sip:h\n< 401\n> again\n< again\n{_RETRY}From: <sip:bob@example.com>;tag=other\n< 200"
    (finding,) = run(_RULE, flow).findings
    assert (finding.sub, finding.severity, finding.count) == ("from-tag", "info", 1)
    assert finding.detail == "the tag of From changes from f1 to other in the retry after the 401"
    assert len(finding.evidence) == 2


def test_all_that_changes_is_named() -> None:
    flow = f"> REGISTER sip:h\nCall-ID: a\n< 401\n{_RETRY}Call-ID: b\nFrom: <sip:al@h>;tag=2\n< 200"
    assert subs(run(_RULE, flow)) == ["callid", "from", "from-tag"]


def test_a_phone_that_does_so_each_time_is_one_finding() -> None:
    flow = f"> REGISTER sip:h\n< 401\n{_RETRY}From: <sip:bob@example.com>;tag=t\n< 200\n@1800 "
    report = run(_RULE, (flow + flow.replace("@1800 ", "")).replace("tag=t\n< 200\n@1800 >", "tag=t\n< 200\n@1800 >"))
    assert [(one.sub, one.count) for one in report.findings] == [("from-tag", 2)]


def test_in_a_log_it_is_less_sure() -> None:
    flow = f"> REGISTER sip:h\nCall-ID: a\n< 401\n{_RETRY}Call-ID: b\n< 200"
    (wire,), (log,) = run(_RULE, flow).findings, run(_RULE, flow, log=True).findings
    assert (wire.sub, log.sub) == ("callid", "callid")
    assert log.confidence < wire.confidence

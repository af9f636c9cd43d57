"""How a transaction ends without an answer, and by whose clock (docs/rules/reconstruction.md 3, T-TAIL, T-ONESIDE,
T-CLOCK, T-TCP)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Endpoint, NetworkError, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR
from analyzer.register.timers import GRACE, MAX_WAIT
from analyzer.sip.timers import T1, TIMER_F, retransmissions_due
from tests.register.watch import put, raw_messages, shifted, start, summary, watch, without_clock

ONE = "> REGISTER sip:a"
AGAIN = "\n@0.5 > again"
HEARD = "> OPTIONS sip:a\nCall-ID: o\n< 200\n"


@pytest.mark.parametrize(
    ("seconds", "due"), [(0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (3.5, 3), (7.5, 4), (11.5, 5), (31.5, 10), (600, 10)]
)
def test_timer_e_as_17_1_2_2_has_it(seconds: float, due: int) -> None:
    assert retransmissions_due(int(seconds * SECOND)) == due


def test_timers_hang_together() -> None:
    assert T1 < TIMER_F < GRACE == 40 * SECOND < MAX_WAIT


@pytest.mark.parametrize(
    ("flow", "tail", "state"),
    [
        (HEARD + ONE + AGAIN, 60, "timeout"),
        (HEARD + ONE + AGAIN, 33, "timeout"),
        (HEARD + ONE, 60, "unjudged"),  # a client that hears nothing repeats itself: the answer may be missing
        (HEARD + "transport=TCP " + ONE, 60, "timeout"),  # nothing is repeated there
        (HEARD + ONE + AGAIN, 31, "open"),  # docs/rules/traps.md T-TAIL: it had no time to be answered
        (HEARD + ONE, 0, "open"),
        (ONE, 60, "unjudged"),  # docs/rules/traps.md T-ONESIDE: nothing was ever seen from there
        (ONE + "\n@0.5 > again", 60, "timeout"),  # it was sent again, so its sender saw no answer either
        (HEARD + ONE + "\n! icmp", 60, "aborted"),
        (HEARD + ONE + "\n! icmp", 0, "aborted"),
        (HEARD + ONE + "\n! icmp\n@0.5 > again\n@0.6 < 200", 60, "answered"),
    ],
)
def test_states(flow: str, tail: float, state: str) -> None:
    assert watch(flow, tail=tail).only.state == state


@pytest.mark.parametrize(
    ("flow", "tail", "outcome"),
    [
        (HEARD + ONE + AGAIN, 60, "timeout"),
        (HEARD + ONE, 60, "unknown"),
        (HEARD + ONE, 5, "open"),
        (ONE, 60, "unknown"),
        (ONE + "\n! icmp", 60, "timeout"),
    ],
)
def test_what_that_makes_of_the_attempt(flow: str, tail: float, outcome: str) -> None:
    watched = watch(flow, tail=tail)
    assert watched.attempts == [(outcome, 0, 1)]
    assert watched.registration.outcome == outcome


def test_silence_is_told_by_capture_time_alone() -> None:
    """The end of the source is not waited for."""
    watched = start()
    put(watched, raw_messages(f"{HEARD}{ONE}{AGAIN}\n@30 > OPTIONS sip:a\nCall-ID: p"))
    assert watched.attempts == []
    put(watched, raw_messages("@60 > OPTIONS sip:a\nCall-ID: q"))
    assert watched.attempts == [("timeout", 0, 1)]


def test_a_retransmitted_request_is_waited_for_from_its_last_copy() -> None:
    """Timer F of the last copy: an answer 31 s after it is still its answer."""
    assert summary(watch(f"{ONE}\n@30 > again\n@61 < 200").only) == ("answered", 200, 1, 0)


def test_a_request_that_is_sent_for_ever_is_called_unanswered() -> None:
    flow = HEARD + ONE + "".join(f"\n@{second} > again" for second in range(4, 200, 4))
    first = watch(flow).transactions[0]
    assert first.state == "timeout"
    assert first.retransmissions <= 25


def test_without_clock_nothing_times_out_at_the_end() -> None:
    assert watch(without_clock(raw_messages(HEARD + ONE))).only.state == "open"


def test_without_clock_a_thousand_messages_are_a_second() -> None:
    """So that a log without times is read in bounded memory too."""
    watched = start()
    put(watched, without_clock(raw_messages(HEARD + ONE)))
    other = without_clock(raw_messages("> OPTIONS sip:a\nCall-ID: o2"))
    put(watched, other * 39_000)
    assert watched.attempts == []
    put(watched, other * 2_000)
    assert watched.attempts == [("timeout", 0, 1)]


def icmp(last: RawMessage, quoted: bytes = b"") -> NetworkError:
    """An ICMP error for a request."""
    return NetworkError(
        last.time, last.place, last.source, last.destination, last.transport, "icmp", "port", quoted, last.stream
    )


def states(*items: RawMessage | NetworkError) -> list[str]:
    """The states of the transactions."""
    return [one.state for one in watch(items).transactions]


def test_an_icmp_error_without_quote_hits_what_waits_on_its_way() -> None:
    first, second, answered, answer, other = raw_messages(
        "> REGISTER sip:a\n> REGISTER sip:a\n> REGISTER sip:a\n< 200\nsrc=192.0.2.11:5060 > REGISTER sip:a\nCall-ID: z"
    )
    found = states(first, second, answered, answer, other, icmp(second))
    assert found == ["aborted", "aborted", "answered", "open"]


def test_an_icmp_error_hits_the_request_that_it_quotes() -> None:
    first, second = raw_messages("> REGISTER sip:a\n> REGISTER sip:a")
    assert states(first, second, icmp(second, second.payload[:300])) == ["open", "aborted"]
    assert states(first, second, icmp(second, second.payload[:110])) == ["open", "aborted"]
    assert states(first, second, icmp(second, second.payload[:28])) == ["aborted", "aborted"]


def test_an_icmp_error_that_quotes_a_stranger_hits_nobody() -> None:
    first, second = raw_messages("> REGISTER sip:a\n> REGISTER sip:a")
    assert states(first, icmp(first, second.payload)) == ["open"]


@pytest.mark.parametrize(
    "quoted", [b"\xff" * 300, b"REGISTER sip:\xed\xa0\x80 SIP/2.0\r\nVia: \xff;branch=\xed\xa0\x80\r\nX: 1\r\n"]
)
def test_a_hostile_quote_does_no_harm(quoted: bytes) -> None:
    (first,) = raw_messages("> REGISTER sip:a\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK\udced")
    assert states(first, icmp(first, quoted)) in (["open"], ["aborted"])


def test_a_reset_connection_ends_its_own_requests_only() -> None:
    """docs/rules/traps.md T-TCP: an address and port are used again, a connection is not."""
    first, second = raw_messages("stream=1 transport=TCP > REGISTER sip:a\nstream=2 transport=TCP > REGISTER sip:a")
    reset = NetworkError(second.time, second.place, REGISTRAR, CLIENT, "TCP", "reset", stream=1)
    assert states(first, second, reset) == ["aborted", "open"]
    assert states(first, second, replace(reset, stream=3)) == ["open", "open"]


def test_a_clock_that_steps_back_loses_no_answer() -> None:
    """docs/rules/traps.md T-CLOCK: half an hour back between request and answer."""
    request, answer, *later = raw_messages(
        f"@4000 {ONE}\n< 401\n> REGISTER sip:a\nAuthorization: {{bob secret}}\n< 200"
    )
    watched = watch([request, *shifted([answer, *later], -1800 * SECOND)])
    assert [summary(one) for one in watched.transactions] == [("answered", 401, 0, 0), ("answered", 200, 0, 0)]
    assert watched.attempts == [("registered", 200, 2)]


def test_after_a_step_back_silence_is_still_found() -> None:
    before = raw_messages(f"@4000 {HEARD}")
    after = raw_messages(f"{ONE}{AGAIN}\n@60 > OPTIONS sip:a\nCall-ID: q")
    watched = start()
    put(watched, [*before, *after])
    assert watched.attempts == [("timeout", 0, 1)]


def test_the_port_of_a_translator_may_change_between_request_and_retry() -> None:
    """docs/rules/traps.md T-NAT: identity is never the 5-tuple."""
    flow = (
        "src=203.0.113.1:40000 > REGISTER sip:a\n< 401\nsrc=203.0.113.1:41111 > REGISTER sip:a\n"
        "Authorization: {bob secret}\n< 200\n@1800 src=203.0.113.2:42222 > REGISTER sip:a\n< 200"
    )
    watched = watch(flow)
    assert watched.registration.outcomes == {"registered": 2}
    assert watched.registration.source == Endpoint("203.0.113.2", 42222)


def test_who_is_never_heard_and_never_repeats_itself_waits_so() -> None:
    """One answer may be missing in the capture; of two in a row that is no explanation any more."""
    every_minute = "".join(f"@{60 * number} {ONE}\nCSeq: {number + 1} REGISTER\n" for number in range(1, 5))
    watched = watch(HEARD + every_minute, tail=60)
    assert [one.state for one in watched.transactions] == ["unjudged", "timeout", "timeout", "timeout"]
    between = every_minute.replace("CSeq: 3 REGISTER", "CSeq: 3 REGISTER\n< 200")
    watched = watch(HEARD + between, tail=60)
    assert [one.state for one in watched.transactions] == ["unjudged", "answered", "unjudged", "timeout"]

"""Figures: what they count, when they differ, and when they are not compared."""

from __future__ import annotations

from array import array

import pytest

from analyzer.compare.clients import client_changes
from analyzer.compare.figures import figures, quantile_of
from analyzer.compare.side import Side, StormFigures
from analyzer.compare.values import Figure, Reached
from analyzer.evidence import SECOND
from tests.compare.sides import client, of_clients, side

MILLISECOND = SECOND // 1000
HOUR = 3600 * SECOND
TAKEN = """\
@{at} > REGISTER sip:example.com
Call-ID: {number}
To: <sip:u{number}@example.com>
@{then} < 200
"""


def compare(before: Side, after: Side) -> dict[str, Figure]:
    return {one.name: one for one in figures(before, after, client_changes(before, after))}


def answers(*seconds: float) -> Side:
    flow = "".join(
        TAKEN.format(at=10 * number, then=10 * number + taken, number=number) for number, taken in enumerate(seconds)
    )
    return side(flow, rules=())


def test_latencies_are_those_of_the_answers() -> None:
    made = answers(0.01, 0.02, 0.03)
    assert list(made.final_responses) == [10 * MILLISECOND, 20 * MILLISECOND, 30 * MILLISECOND]


def test_a_provisional_answer_is_the_first_and_not_the_final() -> None:
    flow = "@0 > REGISTER sip:example.com\n@0.1 < 100\n@2 < 200\n"
    made = side(flow, rules=())
    assert (list(made.first_responses), list(made.final_responses)) == ([100 * MILLISECOND], [2 * SECOND])


def test_a_registrar_that_grew_slow_is_worse() -> None:
    found = compare(answers(*[0.01] * 30), answers(*[0.4] * 30))
    assert found["final response, median"].verdict == "worse"
    assert found["final response, 95th percentile"].verdict == "worse"
    assert compare(answers(*[0.4] * 30), answers(*[0.01] * 30))["final response, median"].verdict == "better"


def test_what_nobody_notices_is_the_same() -> None:
    assert compare(answers(*[0.001] * 30), answers(*[0.02] * 30))["final response, median"].verdict == "same"


def test_few_answers_say_nothing_of_a_percentile() -> None:
    found = compare(answers(*[0.01] * 6), answers(*[0.9] * 6))
    assert found["final response, median"].verdict == "worse"
    slow = found["final response, 95th percentile"]
    assert (slow.verdict, slow.reason) == ("not compared", "there are too few answers")


@pytest.mark.parametrize(("quantile", "value"), [(0.5, 5), (0.95, 10), (0.05, 1), (1.0, 10)])
def test_quantiles_are_values_that_were_seen(quantile: float, value: int) -> None:
    assert quantile_of(array("q", range(1, 11)), quantile) == value
    assert quantile_of(array("q"), quantile) is None


def test_repeats_are_counted_over_requests() -> None:
    one = "@{at} > REGISTER sip:example.com\nCall-ID: c{n}\n@{late} > again\n@{end} < 200\n"
    plain = side("".join(TAKEN.format(at=10 * n, then=10 * n + 0.1, number=n) for n in range(50)), rules=())
    repeated = side(
        "".join(one.format(at=10 * n, late=10 * n + 0.5, end=10 * n + 0.6, n=n) for n in range(50)), rules=()
    )
    figure = compare(plain, repeated)["retransmissions"]
    assert (figure.before, figure.after, figure.verdict) == (0, 0.5, "worse")


def test_a_log_and_a_capture_have_no_losses_or_latencies_in_common() -> None:
    wire = answers(*[0.1] * 30)
    log = side("".join(TAKEN.format(at=10 * n, then=10 * n + 5, number=n) for n in range(30)), rules=(), log=True)
    assert log.kind == "log"
    found = compare(wire, log)
    for name in ("retransmissions", "requests without an answer", "final response, median"):
        assert found[name].verdict == "not compared" and "log" in found[name].reason


def test_two_logs_of_whole_seconds_have_no_latencies() -> None:
    log = side("".join(TAKEN.format(at=10 * n, then=10 * n + 5, number=n) for n in range(30)), rules=(), log=True)
    assert "second" in compare(log, log)["final response, median"].reason


def test_reachability_is_that_of_the_clients_in_both() -> None:
    well, ill = Reached(bound=HOUR), Reached(bound=HOUR // 2, unbound=HOUR // 2, gaps=1)
    before = of_clients(client("bob", reached=well), client("gone", reached=ill), seconds=3600)
    after = of_clients(client("bob", reached=ill), client("new", reached=ill), seconds=3600)
    figure = compare(before, after)["time bound"]
    assert (figure.before, figure.after, figure.verdict, figure.basis) == (1.0, 0.5, "worse", (1, 1))


def test_time_that_nobody_knows_of_is_not_counted() -> None:
    assert Reached(bound=3, unbound=1, unknown=100).share == 0.75
    assert Reached(unknown=100).share is None


def test_a_client_that_signed_off_wants_no_binding() -> None:
    flow = (
        "@0 > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10>\n@0.1 < 200\n"
        "Contact: <sip:bob@192.0.2.10>;expires=3600\n"
        "@10 > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10>;expires=0\n@10.1 < 200\n"
    )
    (one,) = side(flow, rules=(), tail=100).clients
    assert one.reached.bound > 0 and one.reached.unbound == 0


def test_without_a_clock_there_are_no_rates() -> None:
    before, after = of_clients(client()), of_clients(client())
    before.span = None
    found = compare(before, after)
    assert found["REGISTERs per client"].reason == "one of them has no clock"


def test_a_moment_has_no_rate_of_hours() -> None:
    found = compare(of_clients(client(), seconds=2), of_clients(client(), seconds=3600))
    assert found["REGISTERs per client"].reason == "one of them is shorter than a minute"


def test_storms_are_worse_where_there_are_more() -> None:
    calm, stormy = of_clients(client()), of_clients(client())
    calm.storms, stormy.storms = StormFigures(), StormFigures(2, 50, 100.0)
    found = compare(calm, stormy)
    assert found["storms"].verdict == found["users without a binding, at worst"].verdict == "worse"
    assert compare(stormy, calm)["storms"].verdict == "better"
    assert "storms" not in compare(calm, calm)


def test_the_peak_is_the_most_in_any_second() -> None:
    flow = "".join(f"@{at} > REGISTER sip:example.com\nCall-ID: {at}\n" for at in (1, 1.5, 1.9, 2.4, 9))
    assert side(flow, rules=()).peak_rate == 3

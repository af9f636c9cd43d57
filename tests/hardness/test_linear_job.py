"""The whole job on hostile traffic, with every rule, a password list and every view: work grows with the traffic."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pytest

from analyzer.evidence import Item, NetworkError
from analyzer.judge.flowtext import CLIENT, REGISTRAR
from analyzer.register.digest.secrets import Secret, Secrets
from analyzer.run.pipeline import analyze_items
from analyzer.views import ViewOptions, load_view, view_names
from tests.hardness.growth import squares, trap
from tests.register import test_flood
from tests.register.traffic import answer, request

Run = Callable[[], object]


def job(items: Iterable[Item]) -> Run:
    """Analysis and every view of `items`."""
    kept = list(items)

    def run() -> None:
        report = analyze_items(kept, secrets=Secrets(for_all=Secret("s3cret")))
        assert not report.failed
        for name in view_names():
            load_view(name)(report, io.StringIO(), ViewOptions(all=True))

    return run


def pair(extra: str) -> Iterator[Item]:
    """A registration and its answer, with more header rows."""
    yield request(0, extra=extra)
    yield answer(0.1, extra=extra)


@trap(300, full=100_000)
def contacts_in_a_message(n: int) -> Run:
    return job(pair("".join(f"Contact: <sip:u{number}@h{number}>;expires=60\r\n" for number in range(n))))


@trap(300, full=100_000)
def the_same_contact(n: int) -> Run:
    return job(pair("Contact: <sip:bob@192.0.2.10>;expires=60\r\n" * n))


@trap(300, full=100_000)
def vias_in_a_message(n: int) -> Run:
    return job(pair("".join(f"Via: SIP/2.0/UDP h{number};branch=z9hG4bK{number}\r\n" for number in range(n))))


@trap(1_000)
def headers_in_a_message(n: int) -> Run:
    return job(pair("".join(f"X-{number}: x\r\n" for number in range(n))))


@trap(1_000)
def parameters_in_a_message(n: int) -> Run:
    parameters = "".join(f";p{number}=v" for number in range(n))
    return job(pair(f"Contact: <sip:b@h{parameters}>{parameters}\r\n"))


@trap(300, full=100_000)
def challenges_in_an_answer(n: int) -> Run:
    rows = "".join(test_flood.CHALLENGE.format(number) for number in range(n))
    items = [request(0), answer(0.1, 401, extra=rows), request(0.2, cseq=2, branch="z9hG4bKb")]
    return job(items)


@trap(200, full=100_000)
def realms_in_an_answer(n: int) -> Run:
    rows = "".join(f'WWW-Authenticate: Digest realm="r{number}", nonce="n"\r\n' for number in range(n))
    again = test_flood.AUTHORIZATION.format("n")
    return job([request(0), answer(0.1, 401, extra=rows), request(0.2, cseq=2, branch="z9hG4bKb", extra=again)])


@trap(100, full=10_000)
def credentials_in_a_request(n: int) -> Run:
    rows = "".join(test_flood.AUTHORIZATION.format(number) for number in range(n))
    return job([request(0, extra=rows), answer(0.1, 403)])


@trap(300)
def digest_parameters(n: int) -> Run:
    rest = ", a=b" * n + "\r\n"
    return job(
        pair(test_flood.AUTHORIZATION.strip().format("n") + rest + test_flood.CHALLENGE.strip().format("n") + rest)
    )


@trap(20_000)
def long_values(n: int) -> Run:
    names = ("User-Agent", "Contact", "Date", "Expires", "Call-ID", "Authorization", "WWW-Authenticate", "To", "From")
    return job(pair("".join(f"{name}: {'9' * n}\r\n" for name in names)))


@trap(100, full=20_000)
def methods(n: int) -> Run:
    first = request(0)
    others = (request(number / 100, branch=f"z9hG4bK{number}", call=f"c{number}") for number in range(n))
    items: list[Item] = [first]
    for number, one in enumerate(others):
        one.payload = one.payload.replace(b"REGISTER", b"METHOD%d" % number)
        items.append(one)
    return job(items)


@trap(100, full=20_000)
def network_errors_that_name_nothing(n: int) -> Run:
    requests = [request(number / 1e4, branch=f"z9hG4bK{number}", call=f"c{number}") for number in range(n)]
    return job(
        [
            *requests,
            *(NetworkError(requests[-1].time, requests[0].place, CLIENT, REGISTRAR, "UDP", "icmp") for _ in requests),
        ]
    )


@trap(100, full=20_000)
def resets_of_a_stream(n: int) -> Run:
    one = [request(number / 1e4, branch=f"z9hG4bK{number}", call=f"c{number}", stream=1) for number in range(n)]
    return job(
        [*one, *(NetworkError(one[-1].time, one[0].place, REGISTRAR, CLIENT, "TCP", "reset", stream=1) for _ in one)]
    )


@trap(100, full=20_000)
def user_agents(n: int) -> Run:
    rows = (f"User-Agent: agent {number}\r\n" for number in range(n))
    return job(one for number, row in enumerate(rows) for one in _talk(number, row))


def _talk(number: int, extra: str) -> Iterator[Item]:
    at, branch, call = number / 10, f"z9hG4bK{number}", f"c{number}"
    yield request(at, branch=branch, call=call, user=f"u{number}", extra=extra)
    yield answer(at + 0.01, 404, branch=branch, call=call, user=f"u{number}")


def _flooded(flood: Callable[[int], Iterator[Item]]) -> None:
    def build(n: int) -> Run:
        return job(flood(n))

    build.__name__ = flood.__name__
    trap(50, full=20_000)(build)


for _flood in test_flood.FLOODS:
    _flooded(_flood)


@pytest.mark.timeout(600)
def test_work_grows_with_the_traffic() -> None:
    assert squares(__name__) == {}

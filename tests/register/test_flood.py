"""Memory that depends on what is alive, not on what was read; time that grows with the input, not with its square."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from analyzer.evidence import SECOND, Endpoint, Item, NetworkError
from analyzer.judge.flowtext import CLIENT, REGISTRAR, START
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor
from analyzer.sip.message import parse
from tests.hardness.growth import squares, trap
from tests.register.traffic import answer, message, request

CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="{}"\r\n'
AUTHORIZATION = 'Authorization: Digest username="u", realm="r", nonce="{}", uri="sip:example.com", response="00"\r\n'


def run(items: Iterable[Item], finish: bool = False) -> Reconstructor:
    """Feed items without keeping anything."""
    reconstructor = Reconstructor(Secrets(), lambda *_: None, detail=False)
    for item in items:
        if isinstance(item, NetworkError):
            reconstructor.abort(item)
        else:
            reconstructor.feed(parse(item))
    if finish:
        reconstructor.finish()
    return reconstructor


def sizes(reconstructor: Reconstructor) -> dict[str, int]:
    """What is kept of transactions."""
    table = reconstructor.table
    return {
        "live": len(table._live),
        "by branch": len(table._by_branch),
        "by call": len(table._by_call),
        "pending": len(table._pending),
        "deadlines": len(table.deadlines),
        "owner": len(reconstructor._owner),
        "before": len(reconstructor.surroundings._before),
        "digests": len(reconstructor.digests._live),
        "lapses": len(reconstructor.lapses),
    }


def fifty_clients(rounds: int) -> Iterator[Item]:
    """Each minute each of fifty clients: request, challenge, retry, answer; some lost, repeated, or refused."""
    cseq = 0
    for turn in range(rounds):
        cseq += 2
        for number in range(50):
            at = turn * 60 + number
            given: dict[str, Any] = {"user": f"u{number}", "call": f"c{number}", "contact": f"10.0.0.{number}"}
            nonce = f"n{turn}x{number}"
            first, second = f"z9hG4bKa{turn}x{number}", f"z9hG4bKb{turn}x{number}"
            yield request(at, branch=first, cseq=cseq, **given)
            if turn % 7 == number % 7:
                yield request(at + 0.5, branch=first, cseq=cseq, **given)
                continue
            yield answer(at + 0.1, 401, branch=first, cseq=cseq, extra=CHALLENGE.format(nonce), **given)
            yield request(at + 0.2, branch=second, cseq=cseq + 1, extra=AUTHORIZATION.format(nonce), **given)
            if number % 5:
                yield answer(at + 0.3, 200 if number % 3 else 403, branch=second, cseq=cseq + 1, **given)
            else:
                yield answer(at + 0.3, 200, branch=f"{second}-lost", cseq=cseq + 9, **given)


def test_memory_is_that_of_the_last_forty_seconds() -> None:
    """Three hours of fifty clients, 36,000 messages: what is kept is what was alive a minute before."""
    reconstructor = run(fifty_clients(200))
    assert reconstructor.requests > 18_000
    for name, size in sizes(reconstructor).items():
        assert size <= 250, name
    assert len(reconstructor.registry) == 50


def test_nothing_is_kept_after_a_quiet_time() -> None:
    reconstructor = run(fifty_clients(5))
    reconstructor.feed(parse(message("OPTIONS sip:a SIP/2.0", 7200, call="last")))
    left = sizes(reconstructor)
    assert left.pop("lapses") <= 50
    assert set(left.values()) <= {0, 1}


def test_nothing_is_kept_after_the_end() -> None:
    left = sizes(run(fifty_clients(5), finish=True))
    assert left.pop("lapses") <= 50
    assert set(left.values()) == {0}


def one_call_id(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number / 1e4, branch=f"z9hG4bK{number}")


def one_branch(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number / 1e4, cseq=number)
        yield answer(number / 1e4, cseq=number)


def one_branch_without_cookie(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number / 1e4, cseq=number, branch="1")
        yield answer(number / 1e4, cseq=number, branch="1")


def changed_copies(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number / 1e4, extra=AUTHORIZATION.format(number))


def challenges_of_one_request(count: int) -> Iterator[Item]:
    yield request(0)
    for number in range(count):
        yield answer(number / 1e4, 401, extra=CHALLENGE.format(number))


def retries_on_one_key(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number / 1e4, extra=AUTHORIZATION.format(number - 1))
        yield answer(number / 1e4, 401, extra=CHALLENGE.format(number))


def one_aor(count: int) -> Iterator[Item]:
    for number in range(count):
        given: dict[str, Any] = {"call": f"c{number}", "branch": f"z9hG4bK{number}", "contact": f"h{number}.example"}
        source = Endpoint(f"10.0.{number >> 8}.{number & 255}", 5060)
        yield request(number / 1e4, source=source, **given)
        yield answer(number / 1e4, destination=source, **given)


def one_client_many_call_ids(count: int) -> Iterator[Item]:
    for number in range(count):
        yield request(number * 2, call=f"c{number}", branch=f"z9hG4bK{number}")
        yield answer(number * 2, call=f"c{number}", branch=f"z9hG4bK{number}")


def orphans(count: int) -> Iterator[Item]:
    for number in range(count):
        yield answer(number / 1e4, branch="other", cseq=1, call=f"c{number % 3}")


def forks(count: int) -> Iterator[Item]:
    yield request(0)
    for number in range(count):
        lower = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKx\r\n"
        yield request(number / 1e4, branch=f"z9hG4bK{number}", extra=lower)


def network_errors(count: int) -> Iterator[Item]:
    for number in range(count):
        one = request(number / 1e4, branch=f"z9hG4bK{number}", call=f"c{number}")
        yield one
        quoted = request(0, branch=f"z9hG4bKnone{number}").payload if number % 2 else one.payload
        yield NetworkError(one.time, one.place, CLIENT, REGISTRAR, "UDP", "icmp", quoted=quoted)


def many_contacts(count: int) -> Iterator[Item]:
    rows = "".join(f"Contact: <sip:bob@192.0.2.10;x={number}>;expires=60\r\n" for number in range(count // 20))
    for number in range(20):
        given: dict[str, Any] = {"cseq": number, "branch": f"z9hG4bK{number}", "extra": rows}
        yield request(number, **given)
        yield answer(number, **given)


def clock_steps(count: int) -> Iterator[Item]:
    for number in range(count):
        at = (number % 2) * 5000 + number / 1e4
        yield request(at, call=f"c{number}", branch=f"z9hG4bK{number}", user=f"u{number}")
        yield answer(at, call=f"c{number}", branch=f"z9hG4bK{number}", user=f"u{number}")


FLOODS: list[Callable[[int], Iterator[Item]]] = [
    one_call_id,
    one_branch,
    one_branch_without_cookie,
    changed_copies,
    challenges_of_one_request,
    retries_on_one_key,
    one_aor,
    one_client_many_call_ids,
    orphans,
    forks,
    network_errors,
    many_contacts,
    clock_steps,
]


def _trap(flood: Callable[[int], Iterator[Item]]) -> None:
    @trap(250, full=100_000)
    @functools.wraps(flood)
    def build(count: int) -> Callable[[], object]:
        items = list(flood(count))
        return lambda: run(items, finish=True)


for _flood in FLOODS:
    _trap(_flood)


@pytest.mark.timeout(600)
def test_no_flood_costs_the_square_of_its_length() -> None:
    assert squares(__name__) == {}


def test_a_reset_of_a_connection_with_many_requests() -> None:
    items: list[Item] = [
        request(number / 1e3, call=f"c{number}", branch=f"z9hG4bK{number}", stream=1) for number in range(99)
    ]
    items.append(NetworkError(START + SECOND, items[0].place, REGISTRAR, CLIENT, "TCP", "reset", stream=1))
    reconstructor = run(items)
    assert len(reconstructor.table._pending) == 0
    assert all(live.aborted for live in reconstructor.table._live.values())


def test_a_stream_at_many_destinations_is_bounded() -> None:
    items = (
        request(number, branch=f"z9hG4bK{number}", destination=Endpoint(f"10.1.0.{number}", 5060))
        for number in range(200)
    )
    (stream,) = run(items).registry._sequences.get("c") or []
    assert len(stream.others or ()) <= 64


def test_clients_side_by_side_on_one_call_id_are_bounded() -> None:
    items = (
        message(
            "REGISTER sip:example.com SIP/2.0",
            number,
            branch=f"z9hG4bK{number}",
            contact=f"h{number}",
            source=Endpoint(f"10.1.{number >> 8}.{number & 255}", 5060),
        )
        for number in range(300)
    )
    assert len(run(items).registry._sequences.get("c") or []) <= 64


def test_what_is_kept_of_a_closed_transaction_is_its_octets() -> None:
    """Parsed values come again when they are asked for: a client that is remembered costs little."""
    reconstructor = run(fifty_clients(2), finish=True)
    for registration in reconstructor.registry:
        last = registration.last_transaction
        assert last is not None
        assert last.request is not None
        assert last.request.__dict__ == {}
        assert last.request.call_id == registration.call_id

"""Whatever the order and whatever the octets: nothing raises, and every request is counted once."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Fidelity, Item, NetworkError, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze_items
from analyzer.sip.message import parse
from tests.register.watch import Watched, raw_messages, shifted, watch, without_clock

FLOW = """
    > REGISTER sip:example.com
    < 100
    < 401
    > REGISTER sip:example.com
    Authorization: {bob secret}
    @0.6 > again
    < 200
    < 401
    src=198.51.100.7:5060 > REGISTER sip:example.com
    CSeq: 2
    Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK4
    @60 > REGISTER sip:example.com
    Contact: <sip:bob@192.0.2.10>, <sip:bob@192.0.2.11>;expires=0
    < 423
    Min-Expires: 7200
    > REGISTER sip:example.com
    Via: SIP/2.0/UDP 192.0.2.10:5060
    Expires: 7200
    < 200
    @3600 > REGISTER sip:example.com
    Call-ID: b
    ! icmp
    @3700 src=192.0.2.20:5060 > REGISTER sip:example.com
    Call-ID: c
    Contact: *
    Expires: 0
    < 200
    @3800 > OPTIONS sip:example.com
    Call-ID: d
    < 200
"""
ITEMS = list(read_flow(FLOW))
SWEEP = settings(max_examples=60)


def counted(watched: Watched, fed: list[Item]) -> None:
    """Every REGISTER request is the first of a transaction, or a retransmission, or a duplicate."""
    requests = [item for item in fed if isinstance(item, RawMessage) and _is_register(item)]
    firsts = sum(transaction.request is not None for transaction in watched.closed)
    copies = sum(transaction.retransmissions for transaction in watched.closed)
    assert firsts + copies == watched.reconstructor.requests
    assert watched.reconstructor.requests + watched.reconstructor.table.duplicates >= len(requests)
    assert watched.reconstructor.requests <= len(requests)
    assert len({transaction.id for transaction in watched.closed}) == len(watched.closed)
    assert sum(registration.attempts for registration in watched.registrations) == len(watched.attempts)


def _is_register(item: RawMessage) -> bool:
    message = parse(item)
    return message.is_request and message.is_register


@SWEEP
@given(st.permutations(ITEMS))
def test_any_order(items: list[Item]) -> None:
    counted(watch(items), items)


@SWEEP
@given(st.permutations(ITEMS))
def test_any_order_without_clock(items: list[Item]) -> None:
    counted(watch(without_clock(items)), items)


@SWEEP
@given(st.lists(st.sampled_from(ITEMS), max_size=60))
def test_any_selection(items: list[Item]) -> None:
    """Losses, repetitions, one direction only."""
    counted(watch(items), items)


@SWEEP
@given(st.lists(st.tuples(st.sampled_from(ITEMS), st.integers(-(10**12), 10**15)), max_size=40))
def test_any_clock(pairs: list[tuple[Item, int]]) -> None:
    items: list[Item] = [replace(item, time=time) for item, time in pairs]
    counted(watch(items), items)


@SWEEP
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_any_octets(chance: random.Random, edits: int) -> None:
    items: list[Item] = []
    for item in ITEMS:
        if isinstance(item, NetworkError):
            items.append(item)
            continue
        octets = bytearray(item.payload)
        for _ in range(edits):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        items.append(replace(item, payload=bytes(octets), fidelity=chance.choice(list(Fidelity))))
    counted(watch(items), items)
    assert not analyze_items(items).failed


@SWEEP
@given(st.lists(st.binary(max_size=200).filter(lambda octets: b"REGISTER" not in octets), max_size=20))
def test_no_sip_at_all(payloads: list[bytes]) -> None:
    shape = raw_messages("> REGISTER sip:a")[0]
    assert watch([replace(shape, payload=payload) for payload in payloads]).registrations == []


@SWEEP
@given(st.lists(st.integers(0, 400), min_size=len(ITEMS), max_size=len(ITEMS)))
def test_cut_anywhere(cuts: list[int]) -> None:
    items: list[Item] = [
        item
        if isinstance(item, NetworkError)
        else replace(item, payload=item.payload[:-cut], missing=cut)
        if cut
        else item
        for item, cut in zip(ITEMS, cuts, strict=True)
    ]
    counted(watch(items), items)
    assert not analyze_items(items).failed


def test_an_hour_later_once_more_doubles_the_counts() -> None:
    once, twice = watch(ITEMS), watch([*ITEMS, *shifted(ITEMS, 7200 * SECOND)])
    counted(twice, [*ITEMS, *ITEMS])
    assert twice.reconstructor.requests == 2 * once.reconstructor.requests
    assert len(twice.closed) == 2 * len(once.closed)
    assert twice.reconstructor.responses == once.reconstructor.responses + once.reconstructor.responses
    assert len(twice.registrations) == len(once.registrations)


def test_two_captures_of_one_link_are_one() -> None:
    """Each packet twice, a microsecond apart: counted once, and the rest is as before."""
    both: list[Item] = []
    for item in ITEMS:
        both += [item, item if isinstance(item, NetworkError) else replace(item, time=(item.time or 0) + 1000)]
    once, twice = watch(ITEMS), watch(both)
    assert twice.reconstructor.requests == once.reconstructor.requests
    assert twice.reconstructor.responses == once.reconstructor.responses
    assert twice.attempts == once.attempts
    assert twice.reconstructor.table.duplicates == sum(isinstance(item, RawMessage) for item in ITEMS)

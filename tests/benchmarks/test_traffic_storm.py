"""The storm generator: same seed, same bytes; exact counts; traffic that sipcheck itself finds nothing wrong with."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import dpkt
import pytest

import analyzer
from analyzer.run.report import Report
from benchmarks.frames import Packet
from benchmarks.phones import PHONES
from benchmarks.population import WRONG_EVERY, is_right, password_of, user, write_users
from benchmarks.storm import Storm, StormPlan, Totals
from benchmarks.traffic import EDITION, make_storm

PLAN = StormPlan(messages=3000, users=100)


def packets_of(plan: StormPlan) -> list[Packet]:
    """The packets of a plan."""
    return list(Storm(plan).packets())


def digest_of(packets: list[Packet]) -> str:
    """One hash over times and frames."""
    whole = hashlib.sha256()
    for micros, octets in packets:
        whole.update(micros.to_bytes(8) + octets)
    return whole.hexdigest()


def payload_of(octets: bytes) -> bytes:
    """What a frame carries."""
    return bytes(dpkt.ethernet.Ethernet(octets).ip.udp.data)


def value_of(payload: bytes, name: bytes) -> bytes:
    """The first value of a header."""
    return payload.partition(b"\r\n" + name + b": ")[2].partition(b"\r\n")[0]


@pytest.fixture(scope="module")
def stormed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Totals, Report]:
    """What the generator counted, and what sipcheck reads with the right passwords at hand."""
    folder: Path = tmp_path_factory.mktemp("storm")
    totals = make_storm(folder / "storm.pcap", PLAN)
    write_users(folder / "users.csv", PLAN.users, PLAN.seed)
    return totals, analyzer.analyze(str(folder / "storm.pcap"), credentials=str(folder / "users.csv"))


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    hashes = set()
    for name in ("one.pcap", "two.pcap"):
        make_storm(tmp_path / name, PLAN)
        hashes.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_bytes_are_those_of_this_edition() -> None:
    """Who changes the traffic raises EDITION, so that no kept capture is taken for the new one, and figures compare."""
    expected = {1: "d54fa641ce61bd3f2cd1dc98334121dc2fc333679a1da174e065c357c68f634d"}
    assert digest_of(packets_of(StormPlan(messages=400, users=40))) == expected[EDITION]


@pytest.mark.parametrize("other", [StormPlan(3000, 100, seed=2), StormPlan(3000, 101), StormPlan(3000, 100, rate=400)])
def test_other_plan_gives_other_bytes(other: StormPlan) -> None:
    assert other.round_micros >= 10_000_000
    if other.rate == PLAN.rate:
        assert digest_of(packets_of(other)) != digest_of(packets_of(PLAN))
    else:  # a hundred users have their round of ten seconds at either rate
        assert other.round_micros == PLAN.round_micros


@pytest.mark.parametrize("messages", [4, 5, 6, 7, 8, 9, 11, 12, 13, 400, 1001, 1002, 1003])
@pytest.mark.parametrize("share", [0.0, 0.03, 1.0])
def test_count_is_exact(messages: int, share: float) -> None:
    storm = Storm(StormPlan(messages, users=7, retransmitted=share))
    packets = list(storm.packets())
    assert len(packets) == messages == storm.totals.messages


@pytest.mark.parametrize(("messages", "users"), [(3, 1), (4, 0), (4, (1 << 22) + 1)])
def test_impossible_plan_is_refused(messages: int, users: int) -> None:
    with pytest.raises(ValueError, match="at least 4 messages"):
        Storm(StormPlan(messages, users))


def test_time_never_runs_back_and_exchanges_overlap() -> None:
    times = [micros for micros, _ in packets_of(PLAN)]
    assert times == sorted(times)
    calls = [value_of(payload_of(octets), b"Call-ID") for _, octets in packets_of(PLAN)]
    neighbours = sum(first != second for first, second in pairwise(calls))
    assert neighbours > len(calls) / 4


def test_sipcheck_counts_what_was_made(stormed: tuple[Totals, Report]) -> None:
    totals, report = stormed
    summary = report.summary
    assert (summary.messages, report.sources[0].frames) == (totals.messages, totals.packets) == (3000, 3000)
    assert (summary.register_requests, summary.retransmissions) == (totals.requests, totals.retransmissions)
    assert summary.responses == {401: totals.challenged, 200: totals.accepted, 403: totals.refused}
    assert totals.requests + totals.challenged + totals.accepted + totals.refused == totals.messages
    assert summary.transactions == 2 * totals.exchanges
    assert not report.sources[0].quality


def test_sipcheck_sees_who_registered(stormed: tuple[Totals, Report]) -> None:
    totals, report = stormed
    assert totals.users == PLAN.users
    wrong = sum(not is_right(index) for index in range(PLAN.users))
    assert totals.users_refused == wrong == 1
    assert report.summary.outcomes == {"registered": PLAN.users - wrong, "rejected": wrong}


def test_every_digest_is_as_it_was_typed(stormed: tuple[Totals, Report]) -> None:
    totals, report = stormed
    right = totals.exchanges - totals.exchanges_refused
    assert report.summary.digests == {"match": right, "mismatch": totals.exchanges_refused}


def test_only_wrong_passwords_are_errors(stormed: tuple[Totals, Report]) -> None:
    _, report = stormed
    assert {finding.rule for finding in report.findings if finding.severity == "error"} == {"R7616-digest-verify"}


def test_share_of_retransmissions_is_the_stated_one() -> None:
    storm = Storm(StormPlan(40_000, 500))
    for _ in storm.packets():
        pass
    assert storm.totals.retransmissions / (2 * storm.totals.exchanges) == pytest.approx(0.03, abs=0.006)


def test_wrong_passwords_are_one_in_two_hundred() -> None:
    assert sum(not is_right(index) for index in range(20 * WRONG_EVERY)) == 20


def test_users_keep_their_call_and_raise_their_cseq() -> None:
    seen: dict[bytes, list[int]] = {}
    calls: dict[bytes, set[bytes]] = {}
    for _, octets in packets_of(StormPlan(4000, 50, retransmitted=0)):
        payload = payload_of(octets)
        if payload.startswith(b"REGISTER"):
            who = value_of(payload, b"From").partition(b"<")[2].partition(b">")[0]
            seen.setdefault(who, []).append(int(value_of(payload, b"CSeq").split()[0]))
            calls.setdefault(who, set()).add(value_of(payload, b"Call-ID"))
    assert len(seen) == 50
    assert all(numbers == list(range(numbers[0], numbers[0] + 40)) for numbers in seen.values())
    assert all(len(ids) == 1 for ids in calls.values())


def test_ten_times_as_long_is_the_same_users_again() -> None:
    def callers(messages: int) -> Counter[bytes]:
        packets = packets_of(StormPlan(messages, 50, retransmitted=0))
        return Counter(value_of(payload_of(octets), b"Call-ID") for _, octets in packets)

    short, long = callers(400), callers(4000)
    assert set(short) == set(long)
    assert {call: 10 * count for call, count in short.items()} == long


def test_little_waits_however_many_users() -> None:
    """Nothing of a later place in the round is made before it is due: the packets come as the file is written."""
    storm = Storm(StormPlan(400_000, 100_000))
    packets = storm.packets()
    for _ in range(1000):
        next(packets)
    assert storm.totals.messages < 10_000


def test_each_kind_of_phone_is_there_and_whole() -> None:
    agents = set()
    for _, octets in packets_of(PLAN):
        payload = payload_of(octets)
        assert payload.endswith(b"\r\n\r\n")
        assert b"%(" not in payload
        assert b"\n" not in payload.replace(b"\r\n", b"")
        agents.add(value_of(payload, b"User-Agent"))
    assert len(agents - {b""}) == len(PHONES)


@pytest.mark.parametrize(
    ("users", "rate", "expires"), [(100, 500.0, 60), (30_000, 500.0, 120), (1_000_000, 500.0, 3600), (5_000, 50.0, 300)]
)
def test_bindings_last_until_the_next_refresh(users: int, rate: float, expires: int) -> None:
    plan = StormPlan(4, users, rate=rate)
    assert plan.expires == expires
    assert plan.expires * 1_000_000 > plan.round_micros


def test_users_file_holds_the_right_passwords(tmp_path: Path) -> None:
    write_users(tmp_path / "users.csv", 3, seed=5)
    lines = (tmp_path / "users.csv").read_text().splitlines()
    assert lines[0] == "username,realm,password"
    assert lines[1] == f"1000000,example.com,{password_of(0, 5).decode()}"
    assert len(lines) == 4
    assert user(0, 5, 60).fields[b"user"] == b"1000000"

"""Clients that somebody makes up do not take all memory, nor the place of real ones; all of them are counted."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from analyzer.evidence import Endpoint, Item, Source
from analyzer.register import bounded, digest_ledger, exchanges, registration, registry
from analyzer.register.bounded import LONG, Bounded, brief
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor
from analyzer.run.partial_result import report_of
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import Report
from analyzer.run.shard import Shard
from analyzer.sip.message import parse
from analyzer.views import ViewOptions, load_view
from tests.register.traffic import answer, request

CAP = 80
CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="{}"\r\n'


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", CAP)


def scan(count: int, start: int = 0, status: int = 0, prefix: str = "x", every: int = 1, **more: Any) -> Iterator[Item]:
    """Each second (or `every` so many) a client that was never seen before and never comes again."""
    for number in range(count):
        name = f"{prefix}{number}"
        given: dict[str, Any] = {"user": name, "call": name, "branch": f"z9hG4bK{name}", "contact": f"{name}.invalid"}
        yield request(start + every * number, **given, **more)
        if status:
            yield answer(start + every * number, status, **given)


def phones(count: int, start: int, status: int = 200, turn: int = 0) -> Iterator[Item]:
    for number in range(count):
        given: dict[str, Any] = {"user": f"phone{number}", "call": f"p{number}", "contact": f"10.1.0.{number}"}
        given |= {"branch": f"z9hG4bKp{number}x{turn}", "cseq": turn + 1}
        yield request(start, **given)
        yield answer(start, status, **given)


def mixed(made_up: int) -> Iterator[Item]:
    """Ten phones that register, a scan, and the phones again at its end."""
    yield from phones(10, 0)
    yield from scan(made_up, 100)
    yield from phones(10, 200 + made_up, turn=1)


def names(report: Report) -> set[str]:
    return {one.aor.partition("@")[0].removeprefix("sip:") for one in report.registrations}


def printed(report: Report, view: str) -> str:
    out = io.StringIO()
    load_view(view)(report, out, ViewOptions(width=100, color=False, all=True))
    return out.getvalue()


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("status", [0, 404, 401])
def test_a_scan_is_counted_and_the_phones_stay(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [*phones(10, 0), *scan(700, 100, status), *phones(10, 900, turn=1)]
    report = analyze_items(items)
    monkeypatch.undo()
    whole = analyze_items(items)
    assert len(report.registrations) <= CAP + CAP // 8 + 45, "as many as may be kept, and those alive"
    assert {f"phone{number}" for number in range(10)} <= names(report)
    assert report.summary.registrations == whole.summary.registrations == 710
    assert report.summary.outcomes == whole.summary.outcomes
    assert all(one.refreshes == 1 for one in report.registrations if "phone" in one.aor)
    (note,) = [note for note in report.notes if "not listed" in note]
    left_out = 710 - len(report.registrations)
    assert note.startswith(f"{left_out} registrations were counted but are not listed, those first that never succee")
    assert not any("listed" in note for note in whole.notes)


@pytest.mark.usefixtures("tight")
def test_the_views_tell_of_all() -> None:
    report = analyze_items(mixed(700))
    assert "710 clients: 10 registered, 699 without an answer, 1 unclear." in printed(report, "table").replace(
        "\n", " "
    )
    for view in ("json", "csv", "sarif", "junit", "ndjson"):
        if view in ("json", "ndjson"):
            assert '"registrations": 710' in printed(report, view).replace('":', '": ').replace("  ", " ")


def test_below_the_cap_nothing_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", 710)
    report = analyze_items(mixed(700))
    assert len(report.registrations) == 710
    assert report.notes == []
    assert not report.unlisted


@pytest.mark.usefixtures("tight")
def test_numbers_stay_those_of_the_order() -> None:
    """Registrations are numbered as they began, whoever of them is listed."""
    report = analyze_items(mixed(700))
    numbers = [one.id for one in report.registrations]
    assert numbers[:10] == list(range(1, 11))
    assert numbers == sorted(set(numbers))
    last = max(report.registrations, key=lambda one: one.id)
    assert (last.id, last.aor) == (710, "sip:x699@example.com")


@pytest.mark.usefixtures("tight")
def test_phones_that_fail_go_after_clients_of_one_try() -> None:
    """A phone with a wrong password comes again; what a scan makes up does not."""
    turns = [list(phones(10, 300 * turn, 403, turn)) for turn in range(4)]
    items = [*itertools.chain(*turns[:2]), *scan(700, 1000), *turns[2]]
    listed = names(analyze_items(items))
    assert {f"phone{number}" for number in range(10)} <= listed


@pytest.mark.usefixtures("tight")
def test_of_real_ones_the_oldest_go_last_of_all() -> None:
    """Where all succeeded, those go that were seen longest ago."""
    report = analyze_items([*scan(300, 0, 200), *phones(3, 500, 404)])
    listed = names(report)
    assert not any(f"phone{number}" in listed for number in range(3)) or len(listed) <= CAP + 45
    assert "x299" in listed
    assert "x0" not in listed
    assert report.summary.outcomes["registered"] == 300


@pytest.mark.usefixtures("tight")
def test_nobody_goes_who_is_alive() -> None:
    """A thousand within a second: all of them wait for an answer, and none is given up before that ended."""
    report = analyze_items(scan(1000, every=0))
    assert report.summary.registrations == 1000
    assert len(report.registrations) == 1000


@pytest.mark.usefixtures("tight")
def test_who_was_given_up_and_comes_again_is_new() -> None:
    report = analyze_items([*scan(300), *scan(1, 1000)])
    assert report.summary.registrations == 301
    assert [one.id for one in report.registrations if one.aor == "sip:x0@example.com"] == [301]


@pytest.mark.usefixtures("tight")
def test_another_client_of_the_same_address_stays() -> None:
    def two_of_one_user(at: int) -> Iterator[Item]:
        for number in range(2):
            given: dict[str, Any] = {"user": "both", "call": f"b{number}", "contact": f"10.2.0.{number}"}
            source = Endpoint(f"10.2.0.{number}", 5060)
            yield request(at, branch=f"z9hG4bKb{number}", source=source, **given)
            if number:
                yield answer(at, branch=f"z9hG4bKb{number}", destination=source, **given)

    report = analyze_items([*two_of_one_user(0), *scan(300, 100)])
    kept = [one for one in report.registrations if one.aor == "sip:both@example.com"]
    assert [one.outcome for one in kept] == ["registered"]
    assert len(kept[0].bindings) == 1


def reconstructed(items: Iterable[Item]) -> Reconstructor:
    reconstructor = Reconstructor(Secrets(), lambda *_: None, detail=False)
    for item in items:
        reconstructor.feed(parse(item))  # type: ignore[arg-type]
    return reconstructor


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("status", [0, 200, 401])
def test_nothing_of_them_stays_behind(status: int) -> None:
    reconstructor = reconstructed(scan(1000, 0, status))
    kept = CAP + CAP // 8 + 45
    assert len(reconstructor.registry) <= kept
    assert len(reconstructor.registry._clients) <= kept
    assert len(reconstructor.exchanges._kept) <= kept
    assert len(reconstructor.bindings._sets) <= kept
    assert len(reconstructor.lapses) <= kept


@pytest.mark.usefixtures("tight")
def test_making_room_looks_at_each_client_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    weight = registry._weight

    def weighed(one: registration.Registration) -> int:
        looked.append(one.id)
        return weight(one)

    monkeypatch.setattr(registry, "_weight", weighed)
    reconstructed(scan(2000))
    assert 0 < len(looked) <= 20 * 2000
    looked.clear()
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", 800)
    reconstructed(scan(2000, every=0))
    assert 0 < len(looked) <= 20 * 2000, "also where all are alive and none can go"


def test_long_names_count_by_their_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", 400)
    long = "y" * 20_480
    reconstructor = reconstructed(scan(300, prefix=long))
    assert len(reconstructor.registry) <= 400 // 20 + 60
    assert reconstructor.registry.unlisted["timeout"] + reconstructor.registry.unlisted["unknown"] >= 200


def test_memory_does_not_follow_a_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five thousand made-up clients more take no more memory than the first (by which all small caches are full)."""
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", 300)
    monkeypatch.setattr(registry, "MOST_STREAMS", 300)
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", 300)
    monkeypatch.setattr("analyzer.judge.judge.MAX_FINDINGS", 300)
    analysis = Analysis([Source("scan")], detail=False)
    tracemalloc.start()
    held = []
    for number, item in enumerate(scan(10_000)):
        analysis.feed(item)
        if number in (4999, 9999):
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] < held[0] * 1.1


def parts_of(items: list[Item], jobs: int) -> Report:
    partials = []
    for number in range(jobs):
        analysis = Analysis([Source("flow")], shard=Shard(number, jobs))
        for item in items:
            analysis.feed(item)
        partials.append(analysis.partial())
    return report_of(partials, analysis.rules)


def test_several_processes_count_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker keeps its own; the numbers are those of one process, and the sum is the same."""
    items = list(scan(600))
    whole = analyze_items(items)
    assert printed(parts_of(items, 3), "json").partition('"registrations": [')[2] != ""
    monkeypatch.setattr(registry, "MOST_REGISTRATIONS", CAP)
    several = parts_of(items, 3)
    assert several.summary.registrations == whole.summary.registrations == 600
    assert several.summary.outcomes == whole.summary.outcomes
    assert len(several.registrations) < 600
    numbers = {one.aor: one.id for one in whole.registrations}
    assert all(numbers[one.aor] == one.id for one in several.registrations)
    of = {one.call_id: one.registration for one in whole.findings if one.registration is not None}
    assert all(of[one.call_id] == one.registration for one in several.findings if one.registration is not None)


def test_exchanges_are_kept_by_their_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "MOST_OCTETS", 100_000)
    long = "X-Long: " + "x" * 10_000 + "\r\n"
    reconstructor = reconstructed([*scan(100, extra=long), *scan(1, 300)])
    kept = reconstructor.exchanges
    assert 0 < len(kept._kept) <= 10
    assert kept._octets <= 100_000
    assert kept.evicted >= 90
    whole = [one for one in reconstructor.registry if one.last_transaction and one.last_transaction.request]
    assert len(whole) <= 10 + 1


def test_an_older_exchange_does_not_replace_a_newer_one() -> None:
    """The first request is never answered, the next one is: it ends first, and its words stay."""
    items: list[Item] = [
        request(0, branch="z9hG4bK1", cseq=1),
        request(1, branch="z9hG4bK2", cseq=2),
        answer(1.1, 403, branch="z9hG4bK2", cseq=2),
        request(200, user="other", call="other", branch="z9hG4bK3"),
    ]
    reconstructor = reconstructed(items)
    first = next(iter(reconstructor.registry))
    ((owner, kept, _),) = reconstructor.exchanges._kept.values()
    assert owner is first
    assert kept is first.last_transaction
    assert kept.cseq == 2


def test_one_client_of_ever_new_call_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchanges of Call-IDs that it left behind are let go too, and long Call-IDs are not all kept."""
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", 5)
    items = [
        request(40 * number, call=f"{number}" + "c" * 5000, branch=f"z9hG4bK{number}", cseq=number)
        for number in range(60)
    ]
    reconstructor = reconstructed(items)
    (one,) = reconstructor.registry
    assert sum(map(len, one.call_ids[:-1])) <= registration.KEPT_OCTETS
    assert one.call_id.startswith("59c")
    streams = [stream for several in reconstructor.registry._sequences._entries.values() for stream in several]
    assert sum(1 for stream in streams if stream.last and stream.last.request) <= 5 + 2


def test_long_nonces_go_with_the_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanges, "MOST_EXCHANGES", 1)

    def challenged() -> Iterator[Item]:
        for number in range(20):
            name = f"u{number}"
            nonce = f"{number}" + "n" * (5000 if number % 2 else 10)
            given: dict[str, Any] = {"user": name, "call": name, "branch": f"z9hG4bK{name}"}
            yield request(60 * number, **given)
            yield answer(60 * number, 401, extra=CHALLENGE.format(nonce), **given)

    reconstructor = reconstructed(challenged())
    kept = [one.last_transaction.nonces for one in reconstructor.registry if one.last_transaction]
    assert sum(1 for nonces in kept if any(len(nonce) > LONG for nonce in nonces)) <= 3
    assert sum(1 for nonces in kept if nonces) >= 10, "those of ordinary length stay"


def test_a_table_of_long_values_is_bounded_by_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_OCTETS", 10_000)
    table: Bounded[int, str] = Bounded(1000, lambda _, value: len(value))
    for number in range(100):
        table[number] = "x" * 1000
    assert (len(table), table.evicted, table._octets) == (10, 90, 10_000)
    for number in range(99, 94, -1):
        table[number] = "short"
    assert (len(table), table._octets) == (10, 5000)
    table.pop(90)
    assert table._octets == 4000
    table[0] = "x" * 100_000
    assert (len(table), table._octets) == (1, 100_000), "one is always kept"
    light: Bounded[int, str] = Bounded(1000, lambda _, value: len(value))
    for number in range(1000):
        light[number] = "x" * LONG
    assert (len(light), light._octets, light._long) == (1000, 0, {}), "those count by their number"


def test_brief_tells_values_apart() -> None:
    one, other = brief("n" * 5000 + "1"), brief("n" * 5000 + "2")
    assert one != other
    assert one == brief("n" * 5000 + "1")
    assert len(one) < LONG
    assert brief("n" * LONG) == "n" * LONG
    assert brief("\udcff" * 500)


def test_findings_are_kept_by_their_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.judge.judge.MOST_OCTETS", 100_000)
    report = analyze_items(scan(100, prefix="y" * 10_000))
    assert len(report.findings) < 20
    assert any("more findings were counted but not kept" in note for note in report.notes)


def test_mismatches_beyond_a_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_ledger, "KEPT_MISMATCHES", 5)
    rows = 'Authorization: Digest username="u", realm="r", nonce="{}", uri="sip:a", response="{:032x}"\r\n'
    items = [
        request(number, user="u", cseq=number, branch=f"z9hG4bK{number}", extra=rows.format(number, number))
        for number in range(12)
    ]
    secrets = Secrets.of({"u": "p"})
    report = analyze_items(items, secrets=secrets, detail=False)
    assert (len(report.digests), report.summary.digests["mismatch"]) == (5, 12)
    assert "7 more responses that do not match were counted but are not listed" in report.notes
    assert len(analyze_items(items, secrets=secrets).digests) == 12, "who asks for all gets all"

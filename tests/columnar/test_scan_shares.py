"""Several processes that share the scan of lines (`--jobs`): what they read is what one reads, and so is the report."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from analyzer.columnar import exchanges, layouts, learner
from analyzer.columnar import scan as scan_module
from analyzer.columnar.crew import Crew
from analyzer.columnar.learner import Learner
from analyzer.columnar.packets import Packets, packets_of, records_of
from analyzer.columnar.records import Unsuited
from analyzer.columnar.scan import Scanned, scan
from analyzer.run import forks
from analyzer.run.pipeline import analyze
from tests.columnar.captures import CHANGES, Both, Packet, as_json, packets, write

PARENT = os.getpid()
FIRST = 60
"""Messages that one process reads before several do, in these tests."""
Line = Callable[[Packet, int], Packet]


class Spread:
    """How many processes had a share, each time when work was shared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self._spread = forks.spread
        monkeypatch.setattr(forks, "spread", self)

    def __call__(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        self.sizes.append(len(works))
        return self._spread(works)


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Spread:
    """Have small captures shared, too."""
    monkeypatch.setattr(scan_module, "_CHUNK", 150)
    monkeypatch.setattr(scan_module, "_FIRST", FIRST)
    monkeypatch.setattr(scan_module, "_LEAST_SHARE", 50)
    monkeypatch.setattr(exchanges, "_LEAST_PART", 100)
    return Spread(monkeypatch)


def packed(path: Path) -> Packets:
    return packets_of(records_of(path))


def changed(path: Path, out: Path, change: Line) -> Path:
    """A capture with some of its messages changed."""
    return write(out, [change(one, at) for at, one in enumerate(packets(path))])


def with_header(one: Packet, name: bytes) -> Packet:
    """A message with one header more."""
    return one.saying(one.message.replace(b"CSeq:", name + b": 1\r\nCSeq:", 1))


def values_of(scanned: Scanned) -> Any:
    """Where the values of each message lie, and how long they are: (2, columns, messages)."""
    return np.stack([scanned.layouts.starts[:, scanned.layout], scanned.layouts.lengths[:, scanned.layout]])


def assert_alike(one: Scanned, other: Scanned) -> None:
    """Whatever its layouts and kinds are numbered, the one tells the same of each message as the other."""
    assert (one.cseq == other.cseq).all()
    assert (one.known == other.known).all()
    assert (values_of(one) == values_of(other)).all()
    pairs = {
        pair
        for mine, its in zip(one.layouts.kinds[one.layout], other.layouts.kinds[other.layout], strict=True)
        for pair in zip(mine.tolist(), its.tolist(), strict=True)
    }
    assert len(pairs) == len({mine for mine, _ in pairs}) == len({its for _, its in pairs})


@pytest.mark.parametrize("jobs", [1, 2, 3, 4])
def test_the_report_is_that_of_one(calm: Path, calmly: Both, shares: Spread, jobs: int) -> None:
    assert as_json(analyze(calm, tables=False, columnar="always", jobs=jobs)) == calmly.objects
    assert shares.sizes == ([jobs, jobs] if jobs > 1 else [])
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("jobs", [2, 3, 4, 200])
def test_columns_are_those_of_one(calm: Path, shares: Spread, jobs: int) -> None:
    assert_alike(scan(packed(calm), Crew(jobs)), scan(packed(calm)))
    assert shares.sizes == [min(jobs, (1000 - FIRST) // 50)]


@pytest.mark.parametrize("jobs", [2, 3, 4])
def test_what_is_new_in_the_last_share_is_learned_there(calm: Path, tmp_path: Path, shares: Spread, jobs: int) -> None:
    def change(one: Packet, at: int) -> Packet:
        return with_header(one, b"X-New") if at >= 950 and at % 2 else one

    path = changed(calm, tmp_path / "last.pcap", change)
    found = scan(packed(path), Crew(jobs))
    assert_alike(found, scan(packed(path)))
    assert found.known.all() and not set(found.layout[951::2].tolist()) & set(found.layout[:950].tolist())
    several = as_json(analyze(path, tables=False, columnar="always", jobs=jobs))
    assert several == as_json(analyze(path, tables=False, columnar="never"))
    assert shares.sizes == [jobs] * 3


def test_what_two_learn_alike_is_known_once(calm: Path, tmp_path: Path, shares: Spread) -> None:
    """All learn the same header, which the first messages do not have, and one of their own."""

    def change(one: Packet, at: int) -> Packet:
        own = with_header(one, b"X-Own-%d" % (at // 250)) if at % 5 == 0 else one
        return with_header(own, b"X-Same") if at >= FIRST else one

    packets = packed(changed(calm, tmp_path / "alike.pcap", change))
    several, one = _learners(packets, 4)
    assert several.state()._replace(reads=0) == one.state()._replace(reads=0)
    assert several.reads > one.reads
    contents = [template._replace(number=0) for template in several.table.templates]
    assert len(contents) == len(set(contents))
    assert [template.number for template in several.table.templates] == list(range(1, len(contents) + 1))
    assert [several.table.templates[one.number - 1] for one in _all(several)] == _all(several)
    assert shares.sizes == [4]
    again, _ = _learners(packets, 4)
    assert _all(again) == _all(several), "what is learned is numbered in the order of the shares"
    assert_alike(scan(packets, Crew(4)), scan(packets))


def _learners(packets: Packets, jobs: int) -> tuple[Learner, Learner]:
    """What several learn, and what one does."""
    several = scan_module._by_several(packets, Crew(jobs))
    assert several is not None
    one = Learner(packets, np.zeros(len(packets.plain), np.uint32), np.zeros(len(packets.plain), np.uint32))
    scan_module._read(one, 0, len(packets.plain))
    return several, one


def _all(learner: Learner) -> list[Any]:
    return [one for templates in learner.templates.values() for one in templates]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_sent(calm: Path, tmp_path: Path, shares: Spread, seed: int) -> None:
    """Where a line fits several templates, the first that was learned has it. So who is ordinary may depend on who
    reads what; the report does not."""
    chance = random.Random(seed)

    def change(one: Packet, at: int) -> Packet:
        del at
        return one.saying(chance.choice(CHANGES)(one.message, chance)) if chance.random() < 0.2 else one

    path = changed(calm, tmp_path / "any.pcap", change)
    for jobs in (2, 3, 4):
        assert (scan(packed(path), Crew(jobs)).known == scan(packed(path)).known).all()
    several = as_json(analyze(path, tables=False, columnar="always", jobs=3))
    assert several == as_json(analyze(path, tables=False, columnar="never"))
    assert shares.sizes[:4] == [2, 3, 4, 3]


BOUNDS = [(learner, "_MOST_TEMPLATES"), (learner, "_MOST_KINDS"), (learner, "_MANY_NEW"), (layouts, "MOST_LAYOUTS")]


@pytest.mark.parametrize(("module", "bound"), BOUNDS, ids=[name for _, name in BOUNDS])
def test_beyond_a_bound_one_reads_all(
    calm: Path, tmp_path: Path, shares: Spread, monkeypatch: pytest.MonkeyPatch, module: Any, bound: str
) -> None:
    """Every message behind the first has a header of its own, more than a learner may learn."""
    path = changed(calm, tmp_path / "many.pcap", lambda one, at: with_header(one, b"X-%03d" % at) if at > 200 else one)
    monkeypatch.setattr(module, bound, {"_MOST_TEMPLATES": 20}.get(bound, 200))
    one = scan(packed(path))
    assert 200 < one.known.sum() < 900
    for jobs in (2, 3, 4):
        assert_alike(scan(packed(path), Crew(jobs)), one)
    assert shares.sizes == [2, 3, 4]


@pytest.mark.parametrize(("module", "bound"), BOUNDS, ids=[name for _, name in BOUNDS])
def test_beyond_a_bound_together_one_reads_all(
    calm: Path, tmp_path: Path, shares: Spread, monkeypatch: pytest.MonkeyPatch, module: Any, bound: str
) -> None:
    """Each share alone is within it."""
    del shares
    path = changed(
        calm, tmp_path / "some.pcap", lambda one, at: with_header(one, b"X-%03d" % at) if at % 27 == 26 else one
    )
    packets = packed(path)
    several, one = _learners(packets, 4)
    share = scan_module._shares(packets, 4)[0]
    alone = Learner(packets, several.layout.copy(), several.cseq.copy())
    scan_module._read(alone, 0, share[1])
    whole, part = (
        {
            "_MOST_TEMPLATES": max(map(len, own.templates.values())),
            "_MOST_KINDS": own.state().kinds,
            "_MANY_NEW": own.state().reads,
            "MOST_LAYOUTS": own.state().layouts,
        }[bound]
        for own in (one, alone)
    )
    assert part < (part + whole) // 2 < whole
    monkeypatch.setattr(module, bound, (part + whole) // 2)
    assert scan_module._by_several(packets, Crew(4)) is None
    assert_alike(scan(packets, Crew(4)), scan(packets))


def test_bounds_hold_for_the_first_messages_too(calm: Path, shares: Spread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner, "_MANY_NEW", 30)
    assert_alike(scan(packed(calm), Crew(2)), scan(packed(calm)))
    assert shares.sizes == [], "there is no use in forks"


def in_forks(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have each fork do something when it begins to read."""
    read_rows = scan_module._read

    def reading(learner: Learner, begin: int, end: int) -> None:
        if os.getpid() != PARENT:
            act()
        read_rows(learner, begin, end)

    monkeypatch.setattr(scan_module, "_read", reading)


@pytest.mark.usefixtures("shares")
def test_a_fork_that_is_killed_costs_time_and_nothing_else(
    calm: Path, calmly: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_forks(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    report = analyze(calm, tables=False, columnar="always", jobs=3)
    note = "a worker process was killed by SIGKILL, so the capture was read again by one process alone"
    assert report.notes[-1] == note
    report.notes.remove(note)
    assert as_json(report) == calmly.objects
    assert multiprocessing.active_children() == []


def test_forks_that_die_are_told_once(calm: Path, shares: Spread, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they die at several steps."""
    in_forks(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
    put_together = exchanges._exchanges

    def dying(*given: Any) -> Any:
        return put_together(*given) if os.getpid() == PARENT else os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(exchanges, "_exchanges", dying)
    report = analyze(calm, tables=False, columnar="always", jobs=2)
    assert shares.sizes == [2, 2]
    assert sum("worker process" in note for note in report.notes) == 1


@pytest.mark.parametrize("error", [Unsuited("not today"), MemoryError("of a fork")])
def test_what_a_fork_raises_is_raised_here(
    calm: Path, shares: Spread, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails() -> NoReturn:
        raise error

    in_forks(monkeypatch, fails)
    with pytest.raises(type(error), match=str(error)):
        scan(packed(calm), Crew(2))
    assert shares.sizes == [2] and multiprocessing.active_children() == []


@pytest.mark.usefixtures("shares")
def test_what_a_fork_cannot_read_the_object_path_does(
    calm: Path, calmly: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsuited() -> NoReturn:
        raise Unsuited("not today")

    in_forks(monkeypatch, unsuited)
    assert as_json(analyze(calm, tables=False, columnar="always", jobs=2)) == calmly.objects


@pytest.mark.usefixtures("shares")
def test_ctrl_c_while_forks_read_ends_all(calm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_rows = scan_module._read

    def reading(learner: Learner, begin: int, end: int) -> None:
        if os.getpid() != PARENT:
            time.sleep(1000)
        if begin >= FIRST:
            os.kill(os.getpid(), signal.SIGINT)
        read_rows(learner, begin, end)

    monkeypatch.setattr(scan_module, "_read", reading)
    report = analyze(calm, tables=False, columnar="always", jobs=3)
    assert report.interrupted and report.summary.messages == 0
    assert multiprocessing.active_children() == []


def test_small_captures_are_not_shared(calm: Path, calmly: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    spread = Spread(monkeypatch)
    assert as_json(analyze(calm, tables=False, columnar="always", jobs=4)) == calmly.objects
    assert spread.sizes == []


def test_without_forks_one_reads_all(calm: Path, calmly: Both, shares: Spread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "can_fork", lambda: False)
    assert as_json(analyze(calm, tables=False, columnar="always", jobs=4)) == calmly.objects
    assert shares.sizes == []


class Sizes:
    """Packets of which nothing but the lengths is asked for."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.length = np.array(lengths, np.int32)
        self.plain = np.arange(len(lengths))


@pytest.mark.usefixtures("shares")
@pytest.mark.parametrize("jobs", [2, 3, 4, 7])
@pytest.mark.parametrize("large", [range(0), range(500), range(900, 1000)], ids=["even", "at first", "at last"])
def test_shares_are_of_as_many_octets(jobs: int, large: range) -> None:
    lengths = [5000 if at in large else 500 for at in range(1000)]
    found = scan_module._shares(Sizes(lengths), jobs)  # type: ignore[arg-type]
    assert [begin for begin, _ in found] == [FIRST, *(end for _, end in found[:-1])]
    assert len(found) == jobs and found[-1][1] == 1000
    octets = [sum(lengths[begin:end]) for begin, end in found]
    assert max(octets) - min(octets) <= 2 * 5000


@pytest.mark.parametrize(("count", "jobs", "shares"), [(0, 4, 0), (48_191, 2, 0), (48_192, 4, 2), (68_192, 4, 3)])
def test_a_share_is_worth_a_process(count: int, jobs: int, shares: int) -> None:
    assert len(scan_module._shares(Sizes([500] * count), jobs)) == shares  # type: ignore[arg-type]

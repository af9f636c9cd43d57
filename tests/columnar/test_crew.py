"""The processes of a crew: works in order, whoever does them; and every command that takes `--jobs` has one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import analyzer
from analyzer.cli import sipcheck
from analyzer.columnar import crew as crew_module
from analyzer.columnar import door, exchanges
from analyzer.columnar import scan as scan_module
from analyzer.columnar.columns import Values
from analyzer.columnar.crew import Crew
from analyzer.columnar.exchanges import Exchanges, exchanges_of
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.scan import scan
from analyzer.columnar.shapes import Shapes, shapes_of
from analyzer.run import forks, pipeline
from analyzer.run.pipeline import analyze

PARENT = os.getpid()


def who(number: int) -> tuple[int, int]:
    return number, os.getpid()


@pytest.mark.parametrize(("jobs", "works", "hands"), [(1, 5, 1), (2, 5, 2), (3, 2, 2), (4, 9, 4), (3, 0, 0), (7, 1, 1)])
def test_works_are_done_in_order_by_so_many(jobs: int, works: int, hands: int) -> None:
    found = Crew(jobs).each([partial(who, number) for number in range(works)])
    assert [number for number, _ in found] == list(range(works))
    assert len({process for _, process in found}) == hands
    assert multiprocessing.active_children() == []


def mortal(number: int) -> int:
    if os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_one_does_all_where_another_dies_and_it_is_told_once() -> None:
    crew = Crew(3)
    for _ in range(2):
        assert crew.each([partial(mortal, number) for number in range(5)]) == list(range(5))
    assert crew.spread([partial(mortal, 0), partial(mortal, 1)]) is None
    assert crew.notes == ["a worker process was killed by SIGKILL, so the capture was read again by one process alone"]


def test_one_does_all_where_there_are_no_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "can_fork", lambda: False)
    crew = Crew(3)
    assert {process for _, process in crew.each([partial(who, number) for number in range(5)])} == {os.getpid()}
    assert crew.spread([partial(who, 0)]) is None
    assert crew.notes == []


@pytest.fixture(scope="module")
def read(calm: Path) -> tuple[Values, Shapes]:
    values = Values(scan(packets_of(records_of(calm))))
    return values, shapes_of(values.scanned)


@pytest.mark.parametrize(("jobs", "at_once", "hands"), [(2, 1 << 20, 2), (4, 1 << 20, 4), (3, 100, 3), (1, 100, 1)])
def test_transactions_are_those_of_one(
    read: tuple[Values, Shapes], monkeypatch: pytest.MonkeyPatch, jobs: int, at_once: int, hands: int
) -> None:
    whole = exchanges_of(*read)
    monkeypatch.setattr(exchanges, "_AT_ONCE", at_once)
    monkeypatch.setattr(exchanges, "_LEAST_PART", 100)
    asked: list[int] = []
    spread = forks.spread

    def noting(works: Any) -> Any:
        asked.append(len(works))
        return spread(works)

    monkeypatch.setattr(forks, "spread", noting)
    found = exchanges_of(*read, Crew(jobs))
    for name in Exchanges.__dataclass_fields__:
        if name != "packets":
            one, two = getattr(found, name), getattr(whole, name)
            assert one.dtype == two.dtype and (one == two).all(), name
    assert asked == ([hands] if jobs > 1 else [])


def test_few_messages_are_not_worth_processes(read: tuple[Values, Shapes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "spread", lambda _: pytest.fail("forks were made"))
    assert len(exchanges_of(*read, Crew(4)))


@pytest.fixture
def crews(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many processes shared the scan of each capture; small ones are shared, and read in columns, too."""
    monkeypatch.setattr(pipeline, "_LEAST_OCTETS", 1000)
    monkeypatch.setattr(door, "LEAST_MESSAGES", 100)
    monkeypatch.setattr(scan_module, "_FIRST", 100)
    monkeypatch.setattr(scan_module, "_LEAST_SHARE", 50)
    found: list[int] = []
    spread = Crew.spread

    def noting(self: Crew, works: Any) -> Any:
        found.append(len(works))
        return spread(self, works)

    monkeypatch.setattr(crew_module.Crew, "spread", noting)
    return found


@pytest.mark.parametrize(
    ("words", "captures"),
    [
        (["pcap", "{calm}", "--format", "json"], 1),
        (["storm", "{calm}"], 1),
        (["compare", "{calm}", "{quiet}"], 2),
        (["report", "{calm}", "-o", "{out}/page.html"], 1),
        (["export", "{calm}", "-o", "{out}/tables", "--to", "csv"], 1),
    ],
    ids=lambda given: given[0] if isinstance(given, list) else "",
)
def test_commands_share_the_work(
    calm: Path, quiet: Path, tmp_path: Path, crews: list[int], words: list[str], captures: int
) -> None:
    told = []
    for jobs in ("1", "3"):
        out = tmp_path / jobs
        out.mkdir()
        given = [word.format(calm=calm, quiet=quiet, out=out) for word in words]
        result = CliRunner().invoke(sipcheck, [*given, "--jobs", jobs])
        assert result.exit_code in (0, 1), result.output
        files = {path.name: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        told.append((result.exit_code, result.stdout.replace(str(out), "-"), files))
        assert crews == ([] if jobs == "1" else [3] * captures)
    assert told[0] == told[1]
    assert len(told[0][1]) + len(told[0][2]) > 0


def test_tables_are_those_of_one(calm: Path, crews: list[int]) -> None:
    one, three = (analyzer.tables(analyze(calm, columnar="always", jobs=jobs)) for jobs in (1, 3))
    assert crews == [3]
    for frame in fields(one):
        assert getattr(one, frame.name).equals(getattr(three, frame.name)), frame.name

"""Forks that do a part of the work: what they give comes back in order, and none of them outlives its parent."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from analyzer.columnar.records import Unsuited
from analyzer.run import forks
from analyzer.run.forks import WorkerDied, can_fork, forked, spread
from tests.faults.child import ENVIRONMENT
from tests.faults.processes import family, until_gone

PARENT = os.getpid()


def no_children() -> bool:
    return multiprocessing.active_children() == []


def nothing() -> int:
    return 0


def who(number: int) -> tuple[int, int]:
    return number, os.getpid()


def test_the_first_is_done_here_and_the_others_elsewhere() -> None:
    found = spread([partial(who, number) for number in range(4)])
    assert [number for number, _ in found] == [0, 1, 2, 3]
    assert [process == os.getpid() for _, process in found] == [True, False, False, False]
    assert len({process for _, process in found}) == 4
    assert no_children()


def test_one_work_needs_no_fork() -> None:
    assert spread([os.getpid]) == [os.getpid()]


def test_what_they_find_may_be_large() -> None:
    """More than a pipe holds, of several that end before anybody listens."""
    found = spread([partial(bytes, size) for size in (1, 3_000_000, 2_000_000)])
    assert [len(one) for one in found] == [1, 3_000_000, 2_000_000]


def test_what_they_write_into_shared_memory_is_there() -> None:
    memory, own = mmap.mmap(-1, 4), [0]

    def write(place: int) -> None:
        memory[place] = place + 1
        own.append(place)

    spread([partial(write, place) for place in range(4)])
    assert memory[:] == b"\x01\x02\x03\x04"
    assert own == [0, 0], "what is not shared is the fork's alone"


def slow() -> int:
    time.sleep(1000)
    return 0


def killed() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def gone() -> int:
    os._exit(7)


@pytest.mark.parametrize(("work", "how"), [(killed, "was killed by SIGKILL"), (gone, "ended with exit code 7")])
@pytest.mark.parametrize("place", [1, 3])
def test_one_that_dies_is_missed(work: Callable[[], int], how: str, place: int) -> None:
    works: list[Callable[[], int]] = [nothing] * 4
    works[place] = work
    with pytest.raises(WorkerDied, match=how) as death:
        spread(works)
    assert death.value.note == f"a worker process {how}, so the capture was read again by one process alone"
    assert no_children()


def test_one_that_dies_in_the_middle_of_a_word_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Any, said: object) -> None:
        del said
        os.write(self.fileno(), struct.pack("!i", 100) + b"half of it")
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("multiprocessing.connection.Connection.send", half)
    with pytest.raises(WorkerDied, match="was killed by SIGKILL"):
        spread([nothing, nothing])
    assert no_children()


def test_one_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    start, begun = BaseProcess.start, list[BaseProcess]()

    def refuse(self: BaseProcess) -> None:
        if begun:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        begun.append(self)
        start(self)

    monkeypatch.setattr(BaseProcess, "start", refuse)
    with pytest.raises(WorkerDied, match=r"could not be started \(Resource temporarily unavailable\)"):
        spread([nothing, slow, nothing])
    assert begun and no_children()


class Peculiar(Exception):
    """One that cannot be made again from its text."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (Unsuited("no"), Unsuited, "no"),
        (KeyError("a bug"), KeyError, "a bug"),
        (Peculiar(1, 2), RuntimeError, "Peculiar in a worker: 1 and 2"),
    ],
)
def test_what_one_raises_is_raised_here(error: Exception, kind: type[Exception], text: str) -> None:
    def fails() -> int:
        raise error

    with pytest.raises(kind, match=text):
        spread([nothing, fails, slow])
    assert no_children()


def test_what_is_raised_here_ends_all() -> None:
    def fails() -> int:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        spread([fails, slow, slow])
    assert no_children()


def test_ctrl_c_ends_all() -> None:
    def signalled() -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return slow()

    with pytest.raises(KeyboardInterrupt):
        spread([signalled, slow])
    assert no_children()


def test_ctrl_c_is_for_the_parent_alone() -> None:
    """A terminal signals all of them; a fork that it would end could not say what it found."""

    def signalled() -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        return 5

    assert spread([nothing, signalled]) == [0, 5]


SCRIPT = """
import os, time
from analyzer.run.forks import spread

def waiting():
    os.write(1, b"x")
    time.sleep(1000)

spread([waiting] * 3)
"""
"""A program without handlers of signals. Each of its processes writes an x when it is where it shall be."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who belongs to whom")
def test_they_end_with_their_parent(number: signal.Signals) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=ENVIRONMENT, stdout=pipe, stderr=pipe, bufsize=0
    ) as parent:
        assert parent.stdout is not None
        assert b"".join(parent.stdout.read(1) for _ in range(3)) == b"xxx"
        crew = family(parent.pid)
        assert len(crew) == 2
        parent.send_signal(number)
        assert parent.wait(60) == -number
        until_gone(crew)
        assert parent.stdout.read() == b"", "nobody holds its end"


def test_what_is_said_on_the_way_is_heard_before_the_end() -> None:
    def work(say: forks.Say) -> str:
        say(1)
        say((2, 3))
        return "done"

    with forked([work]) as (only,):
        assert [only.hear(), only.hear(), only.is_done] == [1, (2, 3), False]
        assert (only.hear(), only.is_done, only.found) == (None, True, "done")
    assert no_children()


def test_a_process_that_may_have_no_children_has_none() -> None:
    assert spread([can_fork, can_fork]) == [True, False]


def test_a_system_without_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert not can_fork()

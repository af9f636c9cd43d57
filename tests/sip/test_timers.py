"""Table 4 of RFC 3261, and that all who use its timers use these."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analyzer.evidence import SECOND
from analyzer.sip.timers import T1, T2, T4, TIMER_F, Timers, retransmissions_due
from analyzer.storm.traffic import after
from replay.net.connections import FIRST_MESSAGE, LONGEST_WAIT
from replay.sipp.script import ANSWER_WITHIN, RETRANS
from tests.shared import ROOT


def test_table_4() -> None:
    assert [T1, T2, T4] == [SECOND // 2, 4 * SECOND, 5 * SECOND]
    udp, tcp = Timers(), Timers(reliable=True)
    assert [udp.f, udp.j, udp.k] == [32 * SECOND, 32 * SECOND, 5 * SECOND]
    assert [tcp.f, tcp.j, tcp.k] == [32 * SECOND, 0, 0]
    assert udp.f == TIMER_F


def test_timer_e_doubles_up_to_t2() -> None:
    """17.1.2.2: "intervals of 500 ms, 1 s, 2 s, 4 s, 4 s, 4 s, etc."."""
    intervals = [T1]
    while len(intervals) < 6:
        intervals.append(Timers().after(intervals[-1]))
    assert [interval / SECOND for interval in intervals] == [0.5, 1, 2, 4, 4, 4]


def test_copies_end_with_timer_f() -> None:
    assert [at / SECOND for at in Timers().copies()] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert list(Timers(reliable=True).copies()) == []
    assert list(Timers(t1=0).copies()) == []
    assert list(Timers(t1=10, t2=20).copies())[:4] == [10, 30, 50, 70]


@pytest.mark.parametrize("apart", [-1, 0, 1])
def test_copies_that_are_due(apart: int) -> None:
    for number, at in enumerate(Timers().copies()):
        assert retransmissions_due(at + apart) == number + (apart >= 0)
    assert retransmissions_due(600 * SECOND) == 10


def test_the_storm_analysis_places_copies_as_timer_e_does() -> None:
    copies = list(Timers().copies())
    assert after(np.arange(len(copies) + 1)).tolist() == [0, *copies]


def test_what_speaks_in_other_units() -> None:
    assert (RETRANS, ANSWER_WITHIN) == ("500", "32000")  # SIPp: milliseconds
    assert FIRST_MESSAGE == LONGEST_WAIT == 32.0  # asyncio: seconds


def test_nobody_has_timers_of_its_own() -> None:
    own = re.compile(r"^(T1|T2|T4|TIMER_[A-K])\b.*=", re.MULTILINE)
    homes = {
        path.relative_to(ROOT).as_posix()
        for folder in ("analyzer", "replay")
        for path in (ROOT / folder).rglob("*.py")
        if own.search(path.read_text())
    }
    assert homes == {"analyzer/sip/timers.py"}

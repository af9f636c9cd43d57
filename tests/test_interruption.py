"""Signals as one wish: raised, put off, given to somebody else, and given back."""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import analyzer
from analyzer.interruption import SIGNALS, TOLD, Interrupted, Listener, diverted, late, unheard
from analyzer.judge.findings import Rule
from analyzer.rules import all_rules
from analyzer.run import pipeline
from analyzer.run.pipeline import Analysis
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "clean-registration" / "input.pcap"
every_signal = pytest.mark.parametrize("number", [*SIGNALS, TOLD])


def nobody(number: int) -> None:
    pytest.fail(f"signal {number} came here")


@pytest.fixture(autouse=True)
def listening() -> Iterator[Listener]:
    """A listener for all, as the command has one."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, TOLD)}
    listener = Listener()
    for number in before:
        signal.signal(number, listener)
    try:
        yield listener
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@every_signal
def test_a_signal_is_raised(number: int, listening: Listener) -> None:
    with pytest.raises(KeyboardInterrupt) as raised:
        signal.raise_signal(number)
    assert isinstance(raised.value, Interrupted) and raised.value.number == number
    assert pickle.loads(pickle.dumps(raised.value)).number == number  # a worker sends it


@every_signal
def test_unheard_until_it_is_done(number: int, listening: Listener) -> None:
    done = []
    with pytest.raises(Interrupted) as raised, unheard():
        signal.raise_signal(number)
        done.append(1)
    assert (done, raised.value.number) == ([1], number)
    assert signal.getsignal(number) is listening


def test_what_is_blocked_comes_afterwards() -> None:
    with pytest.raises(Interrupted), unheard(*SIGNALS):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= set(SIGNALS)
        signal.raise_signal(signal.SIGTERM)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)


def test_an_error_does_not_swallow_the_signal() -> None:
    with pytest.raises(Interrupted) as raised, unheard():
        signal.raise_signal(signal.SIGHUP)
        raise OSError("a full disk")
    assert isinstance(raised.value.__context__, OSError)


def test_nothing_came() -> None:
    with unheard(*SIGNALS), late() as noted, diverted(nobody):
        pass
    assert noted == []


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, lambda number, frame: None])
def test_what_others_do_with_signals_stays_theirs(handler: Any) -> None:
    signal.signal(signal.SIGTERM, handler)
    with diverted(nobody) as diversions, unheard(), late():
        assert signal.getsignal(signal.SIGTERM) is handler
        assert signal.SIGTERM not in diversions and signal.SIGINT in diversions
    signal.signal(signal.SIGINT, handler)
    heard: list[int] = []
    with diverted(heard.append, always=[signal.SIGINT]):
        signal.raise_signal(signal.SIGINT)
    assert heard == ([] if handler is signal.SIG_IGN else [signal.SIGINT])
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_of_python_itself_is_put_off() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(Interrupted), unheard():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_one_in_another() -> None:
    """What was put off inside goes to whom the outer one has chosen."""
    with late() as noted:
        with unheard():
            signal.raise_signal(signal.SIGTERM)
            assert noted == []
        assert noted == [signal.SIGTERM]


def test_too_late_once_and_then_at_once() -> None:
    with pytest.raises(Interrupted) as raised, late() as noted:
        signal.raise_signal(signal.SIGTERM)
        assert noted == [signal.SIGTERM]
        signal.raise_signal(signal.SIGHUP)
    assert raised.value.number == signal.SIGHUP
    with pytest.raises(Interrupted), late(interrupted=True):
        signal.raise_signal(signal.SIGTERM)


def test_in_another_thread_nothing_is_done(listening: Listener) -> None:
    seen: list[object] = []

    def work() -> None:
        with diverted(nobody) as diversions, unheard(), late():
            seen.extend([dict(diversions), signal.getsignal(signal.SIGTERM)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [{}, listening]


@pytest.mark.parametrize("stage", ["partial", "report_of"])
def test_a_report_that_is_being_made_is_given(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All was read, so the report is whole; who asked for an end learns that it was heard."""
    owner: Any = Analysis if stage == "partial" else pipeline
    make = getattr(owner, stage)

    def signalled(*given: Any, **named: Any) -> Any:
        signal.raise_signal(signal.SIGTERM)
        return make(*given, **named)

    monkeypatch.setattr(owner, stage, signalled)
    report = analyzer.analyze(SAMPLE)
    assert (report.interrupted, report.summary.messages) == (True, 12)


def test_the_second_one_does_not_wait_for_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    partial, feed = Analysis.partial, Analysis.feed

    def signalled(self: Analysis, **named: Any) -> Any:
        signal.raise_signal(signal.SIGHUP)
        return partial(self, **named)

    def first(self: Analysis, item: Any) -> None:
        feed(self, item)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Analysis, "partial", signalled)
    monkeypatch.setattr(Analysis, "feed", first)
    with pytest.raises(Interrupted) as raised:
        analyzer.analyze(SAMPLE)
    assert raised.value.number == signal.SIGHUP


def test_no_rule_swallows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that crashes is told and the run goes on; a signal inside of a rule ends the reading."""
    asked = []

    def check(*_: Any) -> Any:
        asked.append(1)
        signal.raise_signal(signal.SIGTERM)

    rules = [_with(rule, check) for rule in all_rules() if rule.subject == "message"][:1]
    report = analyzer.analyze(SAMPLE, rules=rules)
    assert asked == [1]
    assert report.interrupted and not report.failed and report.summary.messages < 12


def _with(rule: Rule, check: Any) -> Rule:
    from dataclasses import replace

    return replace(rule, check=check)

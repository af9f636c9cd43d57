"""How the command hears signals: what counts, what is lost and comes again, when it gives up."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from analyzer.cli import signals
from analyzer.cli.signals import Door
from tests.faults.child import ENVIRONMENT

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def at(monkeypatch: pytest.MonkeyPatch, instant: float) -> None:
    """The clock stands at so many seconds."""
    monkeypatch.setattr("time.monotonic", lambda: instant)


def test_an_echo_is_no_second_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    at(monkeypatch, 1000.0)
    assert door.is_news(signal.SIGTERM)
    at(monkeypatch, 1000.05)
    assert not door.is_news(signal.SIGTERM)
    assert door.is_news(signal.SIGHUP)  # that is another
    assert door.last == signal.SIGHUP


def test_later_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    at(monkeypatch, 1000.0)
    assert door.is_news(signal.SIGTERM)
    at(monkeypatch, 1000.2)
    assert door.is_news(signal.SIGTERM)


def test_once_the_report_is_written_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    at(monkeypatch, 1000.0)
    assert door.is_news(signal.SIGTERM)
    door.settle()
    assert door.is_news(signal.SIGTERM)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_code_is_that_of_the_last(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_DOOR", Door())
    assert (signals.code(), signals.heard()) == (130, False)  # a Ctrl-C that nobody was there to hear
    signals._DOOR.is_news(number)
    assert (signals.code(), signals.heard()) == (128 + number, True)


def python(script: str) -> tuple[int, str, str]:
    """Exit code and words of a program that hears signals."""
    head = "import os, signal, sys, time\nfrom analyzer.cli import signals\nsignals.listen()\n"
    done = subprocess.run(
        [sys.executable, "-c", head + script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


LOST = """
class Heavy:
    def __del__(self):
        signal.raise_signal({number})
heavy = Heavy()
try:
    del heavy
    time.sleep(50)
    print("it was lost")
except KeyboardInterrupt as error:
    print(error.number, signals.code())
"""


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_lost_in_a_destructor_comes_again(number: signal.Signals) -> None:
    assert python(LOST.format(number=int(number))) == (0, f"{int(number)} {128 + number}\n", "")


def test_what_else_goes_wrong_in_a_destructor_is_told() -> None:
    code, _, stderr = python("class Heavy:\n    def __del__(self): raise ValueError('heavy')\nHeavy()")
    assert code == 0 and "ValueError: heavy" in stderr


DEAF = """
for number in {numbers}:
    try:
        signal.raise_signal(number)
    except KeyboardInterrupt:
        print("heard", flush=True)
"""


def test_the_third_ends_whatever_does_not_end() -> None:
    assert python(DEAF.format(numbers=[1, 15, 2])) == (-2, "heard\nheard\n", "")


def test_at_the_end_nobody_listens_any_more() -> None:
    assert python("signals.be_deaf()\nsignal.raise_signal(15)") == (-15, "", "")


def test_a_handler_of_somebody_else_stays() -> None:
    script = (
        "mine = lambda *_: None\nfor number in (1, 2, 15): signal.signal(number, mine)\nsignals.listen()\n"
        "signals.be_deaf()\nprint([signal.getsignal(number) is mine for number in (1, 2, 15)])"
    )
    assert python(script) == (0, "[True, True, True]\n", "")

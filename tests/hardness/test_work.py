"""The counters count what they say, and a module that was rewritten does what it did."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.hardness import meter
from tests.hardness.growth import TIMES, is_linear
from tests.hardness.meter import TooMuchWork, Work, limited, work_of
from tests.hardness.rewrite import rewritten
from tests.shared import ROOT


def counted(source: str, **given: Any) -> Callable[..., Any]:
    """The function `f` of a rewritten module."""
    names: dict[str, Any] = {"__name__": __name__, "__work__": meter, "re": re, **given}
    exec(rewritten(source, "<example>"), names)
    function: Callable[..., Any] = names["f"]
    return function


LONG = b"x" * 1000


@pytest.mark.parametrize(
    ("expression", "octets"),
    [
        ("x[:300]", 300),
        ("x + x", 2000),
        ("x * 3", 3000),
        ("b'%b' % x", 1000),
        ("f'{len(x)}'", 4),
        ("x.find(b'y')", 1000),
        ("x.find(b'y', 900)", 100),
        ("x.find(b'y', 900, 950)", 50),
        ("x.find(b'x', 500)", 1),
        ("x.count(b'x', 990)", 10),
        ("b'y' in x", 1000),
        ("b'x' in x", 1),
        ("b'y' not in x", 1000),
        ("x.upper()", 2000),
        ("x.startswith(b'x')", 1),
        ("b''.join([x, x])", 2000),
        ("bytes(x)", 1000),
        ("int(b'9' * 800)", 800 + 800 * 800 // 64),
        ("re.compile(b'x+').match(x)", 1000),
        ("re.compile(b'x+').match(x, 400)", 600),
        ("re.compile(b'y').search(x)", 1000),
        ("re.compile(b'y').match(x)", meter.UNSEEN),
        ("re.compile(b'x').findall(x)", 1000),
        ("[1, 2, 3][1:]", 16),
        ("{}.setdefault(1, [0] * 9)", 72),
        ("len(x)", 0),
        ("1 + 2", 0),
    ],
)
def test_octets(expression: str, octets: int) -> None:
    function = counted(f"def f(x):\n    return {expression}")
    expected = eval(expression, {"x": LONG, "re": re})
    found: list[Any] = []
    spent = work_of(lambda: found.append(function(LONG))).octets
    assert spent - (len("yx+") if "compile" in expression else 0) in range(octets - 3, octets + 4)
    assert found[0] == expected or isinstance(expected, re.Match)


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("for _ in x: pass", 1000),
        ("[one for one in x]", 1000),
        ("{one: 1 for one in x if one}", 1000),
        ("n = 0\n    while n < 500: n = n + 1", 500),
        ("sorted([3] * 200)", 201),
        ("5 in [0] * 70", 70),
        ("[0].append(1)", 1),
        ("list(x)", 1001),
        ("[1, 2, 3].sort()", 4),
        ("max(1, 2)", 1),
    ],
)
def test_calls(body: str, calls: int) -> None:
    function = counted(f"def f(x):\n    {body}")
    assert work_of(lambda: function(LONG)).calls == calls


def test_growing_an_immutable_text_copies_it() -> None:
    function = counted("def f(x):\n    rest = b''\n    for _ in range(10):\n        rest += x\n    return len(rest)")
    assert work_of(lambda: function(b"y" * 100)).octets == sum(100 * number for number in range(1, 11)) + 1000


def test_growing_a_buffer_does_not() -> None:
    function = counted("def f(x):\n    rest = bytearray()\n    for _ in range(10):\n        rest += x\n    return rest")
    assert work_of(lambda: function(b"y" * 100)).octets == 1000


MEANING = """
from dataclasses import dataclass

class Base:
    def __init__(self, n):
        self.n = n

class Derived(Base):
    def __init__(self, n):
        super().__init__(n)
        self.n += 1

@dataclass(slots=True)
class Pair:
    a: int
    b: str = "x" * 2

def generate(n):
    for number in range(n):
        yield number

def f(n, *rest, **named):
    text = f"{n:>{4}}|{n!r}"
    numbers = [a * b for a in generate(n) for b in (1, 2) if a not in (1,)]
    first, *others = numbers[::-1]
    buffer = bytearray(b"abcdef")
    del buffer[:2]
    table = {"k": [1]}
    table["k"] += [2]
    return Derived(n).n, Pair(1), text, first, others, bytes(buffer), table, max(*rest, key=lambda one: -one), named
"""


def test_the_meaning_stays() -> None:
    plain: dict[str, Any] = {"__name__": __name__}
    exec(compile(MEANING, "<plain>", "exec"), plain)
    assert repr(counted(MEANING)(5, 3, 1, 2, z=1)) == repr(plain["f"](5, 3, 1, 2, z=1))


@pytest.mark.parametrize(
    ("body", "linear"),
    [
        ("return [x[at] for at in range(len(x))]", True),
        ("return sorted(x)", True),
        ("return [x[at:] for at in range(len(x))]", False),
        ("return [x.find(b'y', at) for at in range(len(x))]", False),
        ("return [x.find(b'x', at) for at in range(len(x))]", True),
        ("return [at for at in range(len(x)) if b'y' in x]", False),
        ("return [at for at in range(len(x)) if at in list(x)]", False),
        ("s = b''\n    for at in x: s += b'z'", False),
        ("s = bytearray()\n    for at in x: s += b'z'", True),
        ("return [int(b'9' * (len(x) // 2)) for _ in range(50)]", False),
        ("p = re.compile(b'y')\n    return [p.search(x, at) for at in range(len(x))]", False),
        ("q = list(x)\n    while q: q.pop(0)", False),
        ("q = list(x)\n    while q: q.pop()", True),
    ],
)
def test_the_square_is_told_from_the_line(body: str, linear: bool) -> None:
    function = counted(f"def f(x):\n    {body}")
    small, large = (work_of(lambda size=size: function(b"x" * size)) for size in (1500, TIMES * 1500))  # type: ignore[misc]
    assert is_linear(small, large) is linear, (small, large)


def test_what_never_ends_is_ended() -> None:
    function = counted("def f():\n    while True:\n        pass")
    with pytest.raises(TooMuchWork), limited(Work(1000, 1000)):
        function()
    assert counted("def f():\n    return [one for one in range(5000)]")()


def test_a_module_that_is_loaded_already_is_no_measure() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import analyzer\nfrom tests.hardness import rewrite\nrewrite.install()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "analyzer is loaded already" in run.stderr

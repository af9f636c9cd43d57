"""Attack every pattern of the analyzer, and name those that take the square of what they look at.

    python -m tests.hardness.patterns

How far a pattern looks, and how often it goes back, is the one cost that the counters of `tests.hardness.meter` cannot
see; so this measures seconds, and is for a person to run and to judge (a pattern may be used on bounded texts only).
Each pattern is given runs of the signs and words that it holds, alone and behind a beginning that it accepts, in the
ways in which its module uses it. Linear patterns take four times as long for four times the run.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import analyzer

SMALL, LARGE = 1_500, 6_000
"""Octets of a run."""
RATIO, LEAST = 9.0, 0.003
"""A square gives 16; shorter times (seconds) are not to be trusted."""
_SIGNS = " \t\"<>()[]{},;:=@/\\%*?+-.#$'\n"
_WAYS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "split")

Pattern = re.Pattern[Any]


def patterns() -> dict[Pattern, str]:
    """Every compiled pattern of the analyzer with its name."""
    found: dict[Pattern, str] = {}
    for module in pkgutil.walk_packages(analyzer.__path__, "analyzer."):
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            rows = value if isinstance(value, tuple | list) else [value]
            for one in itertools.chain.from_iterable(row if isinstance(row, tuple) else [row] for row in rows):
                if isinstance(one, re.Pattern):
                    found.setdefault(one, f"{module.name}.{name}")
    return found


def ways(name: str) -> set[str]:
    """How its module uses a pattern; `match` where that is not to be seen."""
    module, _, variable = name.rpartition(".")
    source = Path(str(importlib.import_module(module).__file__)).read_text(encoding="utf-8")
    return set(re.findall(rf"\b{variable}\.(\w+)", source)) & set(_WAYS) or {"match"}


def attacks(pattern: Pattern) -> Iterator[tuple[str, str, str]]:
    """Beginning, what is repeated, and end."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    signs = [sign for sign in _SIGNS if sign in source or sign in ' "\n'] + ["a", "1"]
    words = re.findall(r"[A-Za-z]{2,}(?: [A-Za-z]+)*", source)[:12]
    pairs = [one + other for one, other in itertools.permutations(signs, 2)]
    units = [*signs, *pairs, *(word + sign for word in words for sign in ("", *signs))]
    for unit, end in itertools.product(units, ("", "\x01")):
        yield "", unit, end
    for begin, unit in itertools.product(("a", "1", '"', *words), [*signs, *pairs[:20]]):
        yield begin, unit, "\x01"


def _seconds(use: Callable[[Any], object], text: str | bytes) -> float:
    began = time.perf_counter()
    use(text)
    return time.perf_counter() - began


def _use(pattern: Pattern, way: str) -> Callable[[Any], object]:
    if way == "sub":
        return lambda text: pattern.sub(text[:0], text)
    if way == "finditer":
        return pattern.findall
    use: Callable[[Any], object] = getattr(pattern, way)
    return use


def square(pattern: Pattern, name: str) -> Iterator[str]:
    """A line for each attack that takes the square."""
    for way, (begin, unit, end) in itertools.product(sorted(ways(name)), attacks(pattern)):
        use = _use(pattern, way)
        texts: list[Any] = [begin + unit * (size // len(unit)) + end for size in (SMALL, LARGE)]
        if isinstance(pattern.pattern, bytes):
            texts = [text.encode("latin-1") for text in texts]
        if _seconds(use, texts[1]) < LEAST:
            continue
        small, large = (min(_seconds(use, text) for _ in range(3)) for text in texts)
        if large > max(RATIO * small, LEAST):
            yield f"{name}.{way}: {begin!r} + {unit!r} * n + {end!r}: {small * 1000:.1f} ms, {large * 1000:.1f} ms"


def main() -> None:
    """Write the lines to standard output, at most three for each pattern."""
    for pattern, name in patterns().items():
        for line in itertools.islice(square(pattern, name), 3):
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()

"""Long inputs for whatever lies in a folder of plug-ins: its example made long in the ways that cost somebody once.

Each plug-in is one trap: the example again and again, each piece of it again and again behind the whole, and the whole
without its ends. Nothing here names a plug-in.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from analyzer.evidence import Source
from analyzer.register.digest.secret import CredentialsError
from tests.fuzz.on_replay import planned, sound_view
from tests.fuzz.seeds import talks
from tests.hardness.growth import Trap
from tests.plugins.folders import FOLDERS, loaded

Run = Callable[[], object]
SIZE, FULL = 12_000, 4_000_000
"""Octets."""


def long_inputs(example: bytes, size: int) -> Iterator[bytes]:
    """The example, made `size` octets long in several ways."""
    lines = [line for line in dict.fromkeys(example.splitlines(keepends=True)) if line.strip()]
    pieces = lines if len(lines) > 1 else [example[at : at + 8] for at in range(0, len(example), 8)]
    for unit in [example, *pieces[:8], b"\0", b"\n", example[:1]]:
        yield example + unit * (size // len(unit))
    yield example.strip()[:-1] + b" " * size


def _read(module: Any, inputs: list[bytes]) -> None:
    for octets in inputs:
        module.looks_like(octets)
        reader = module.records if hasattr(module, "records") else module.read
        for _ in reader(io.BytesIO(octets), Source("file")):
            pass


def _decode(module: Any, inputs: list[bytes]) -> None:
    for octets in inputs:
        module.decode(octets)


def _secrets(module: Any, inputs: list[bytes]) -> None:
    for octets in inputs:
        module.looks_like(octets)
        try:
            for _ in module.read(octets, "users"):
                pass
        except CredentialsError:
            pass


USES: dict[str, Callable[[Any, list[bytes]], None]] = {
    "format": _read,
    "dialect": _read,
    "link": _decode,
    "credentials": _secrets,
}


def _built(kind: str, name: str, size: int) -> Run:
    module = loaded(kind, name)
    return partial(USES[kind], module, list(long_inputs(module.EXAMPLE, size)))


def _shown(name: str, size: int) -> Run:
    """One view of the plan of a long replay."""
    result = planned(talks()[0] * (size // 400))
    assert result is not None
    return partial(sound_view, name, result, size)


def found_traps() -> list[Trap]:
    """A trap for every plug-in that reads, and for every view of a replay."""
    reading = [
        Trap(f"{kind}-{name}", partial(_built, kind, name), SIZE, FULL)
        for kind in USES
        for name in FOLDERS[kind].names()
    ]
    views = [Trap(f"replay-view-{name}", partial(_shown, name), SIZE, FULL) for name in FOLDERS["replay-view"].names()]
    return reading + views

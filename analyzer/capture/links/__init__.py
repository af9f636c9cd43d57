"""Link layers: one file each, which declares `DLTS` (LINKTYPE_ numbers) and `decode(frame)`.

`decode` says what the frame carries and where: `(ethertype, offset)`. Ethertype 0 means: cannot say. Raw IP is answered
with the ethertype of its version, so that what follows need not know where the packet came from.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

Decoder = Callable[[bytes], tuple[int, int]]

IPV4 = 0x0800
IPV6 = 0x86DD


def table() -> dict[int, Decoder]:
    """The decoder of each link type, built from the files of this folder. Two files with one number: ValueError."""
    decoders: dict[int, Decoder] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")):
        module = importlib.import_module(f"{__name__}.{name}")
        for number in module.DLTS:
            if number in decoders:
                raise ValueError(f"link type {number} is declared twice, once by {name}")
            decoders[number] = module.decode
    return decoders

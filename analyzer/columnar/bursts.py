"""Many requests of one client within a tick, as `register/fleet.py` notes them (docs/columnar.md)."""

from __future__ import annotations

import numpy as np

from analyzer.columnar.records import Numbers
from analyzer.columnar.rows import Rows
from analyzer.register.fleet import MANY, TICK, Burst
from analyzer.register.registration import Registration


def bursts_of(rows: Rows, which: Numbers, registrations: dict[int, Registration]) -> list[Burst]:
    """The bursts of the clients of some transactions, which are in order, in the order in which they begin."""
    owners, ticks = rows.capture.clients.of[which], rows.capture.exchanges.begun[which] // TICK
    pairs = owners.astype(np.int64) << 32 | ticks - ticks.min()  # all times are of the years up to 2262
    _, first, count = np.unique(pairs, return_index=True, return_counts=True)
    found = []
    for at, requests in sorted(zip(first[count >= MANY].tolist(), count[count >= MANY].tolist(), strict=True)):
        one, evidence = registrations[int(owners[at])], rows.request(int(which[at]))
        found.append(Burst(one.source.host, one.registrar.endpoint, int(ticks[at]), one.aor, requests, evidence))
    return found

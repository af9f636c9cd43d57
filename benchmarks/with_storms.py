"""What the storm analysis costs: `with_storms.py ROWS` makes a transactions table of that size, analyzes it, says so.

The table is that of one registrar: the same phones refresh every ten minutes for as long as it takes, and every hundred
minutes a third of them register anew within twenty seconds. So ten times the rows are ten times the time and ten times
the storms. It is made of columns, as `analyzer.tables` makes it, and nothing of that is timed; peak memory is counted
from when it stands.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from analyzer.dataframes.columns import TEXT
from analyzer.storm.analysis import storms

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
PHONES, INTERVAL, GRANTED = 50_000, 600.0, 1200
EVERY, WITHIN = 6000.0, 20.0
_ANSWER = 2_000_000
"""Nanoseconds to an answer."""

Ints = npt.NDArray[np.int64]


def transactions(rows: int, phones: int = PHONES) -> tuple[pd.DataFrame, int]:
    """A table of about so many rows, and the number of storms in it. A registration is a challenge and its answer."""
    rng = np.random.default_rng(7)
    each = INTERVAL / 2 / phones  # seconds of traffic for a row
    span = rows * each / (1 + INTERVAL / EVERY / 3)
    when, who, call = _calm(span, phones, rng)
    bursts = np.arange(EVERY / 2, span - WITHIN, EVERY)
    for number, begin in enumerate(bursts.tolist(), 1):
        some = rng.permutation(phones)[: phones // 3]
        when = np.concatenate([when, begin + rng.uniform(0, WITHIN, len(some))])
        who, call = np.concatenate([who, some]), np.concatenate([call, number * phones + some])
    return _table(when, who, call), len(bursts)


def _calm(span: float, phones: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], Ints, Ints]:
    rounds = int(span // INTERVAL) + 1
    when = (rng.uniform(0, INTERVAL, phones)[:, None] + INTERVAL * np.arange(rounds)).ravel()
    who = np.repeat(np.arange(phones), rounds)
    kept = when < span
    return when[kept], who[kept], who[kept]


def _table(when: npt.NDArray[np.float64], who: Ints, call: Ints) -> pd.DataFrame:
    order = np.argsort(when, kind="stable")
    first = START + (when[order] * SECOND).astype(np.int64)
    sent = np.stack([first, first + _ANSWER + 1000], axis=1).ravel()
    user, calls = np.repeat(who[order], 2), np.repeat(call[order], 2)
    second = np.tile([False, True], len(first))
    order = np.argsort(sent, kind="stable")
    sent, user, calls, second = sent[order], user[order], calls[order], second[order]
    known, codes = np.unique(calls, return_inverse=True)
    names = pa.array([f"call-{one}" for one in known.tolist()], pa.large_string())
    return pd.DataFrame(
        {
            "transaction": np.arange(1, len(sent) + 1),
            "aor": _category(user, "sip:u{}@lab.invalid"),
            "call_id": TEXT.__from_arrow__(names.take(pa.array(codes))),
            "source": _category(user, "10.{}:5060"),
            "source_host": _category(user, "10.{}"),
            "time": pd.to_datetime(sent, utc=True),
            "last_sent": pd.to_datetime(sent, utc=True),
            "final_time": pd.to_datetime(sent + _ANSWER, utc=True),
            "status": pd.array(np.where(second, 200, 401), dtype="Int16"),
            "retransmissions": pd.array(np.zeros(len(sent), dtype=np.int32), dtype="Int32"),
            "credentials": second,
            "granted": pd.arrays.IntegerArray(np.full(len(sent), GRANTED), ~second),
            "requested": pd.array(np.full(len(sent), GRANTED), dtype="Int64"),
        },
        copy=False,
    )


def _category(codes: Ints, form: str) -> Any:
    names = [form.format(number) for number in range(int(codes.max()) + 1)]
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=pd.Index(names))


def measure(rows: int, phones: int = PHONES) -> dict[str, Any]:
    """Seconds, octets before and at most, and what was found."""
    made, expected = transactions(rows, phones)
    resident = _status("VmRSS")
    _forget_peak()
    begun, spent = time.perf_counter(), time.process_time()
    found = storms(made)
    return {
        "rows": len(made),
        "expected storms": expected,
        "storms": len(found.storms),
        "analyzed": found.transactions,
        "seconds": time.perf_counter() - begun,
        "cpu seconds": time.process_time() - spent,
        "resident before": resident,
        "peak": _status("VmHWM"),
    }


def _forget_peak() -> None:
    """Let the kernel count the peak from now on; where it cannot, that of the making counts too."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5", encoding="ascii")


def _status(name: str) -> int:
    """Octets of this process's memory, by the kernel's name for them."""
    path = Path("/proc/self/status")
    if not path.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    fields = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines())
    return int(fields[name].split()[0]) * 1024


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:]))))

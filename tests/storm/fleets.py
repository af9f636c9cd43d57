"""Transactions tables made by arithmetic: fleets that register and refresh, calm or not, with the seed given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
"""When time begins, in nanoseconds since the epoch."""
T1_COPIES = np.array([0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5])
"""RFC 3261 17.1.2.2: when copies are sent, in seconds after the first."""


@dataclass(frozen=True)
class Pairs:
    """Registrations: `time` in seconds, the `user` of each."""

    time: npt.NDArray[np.float64]
    user: npt.NDArray[np.int64]


def periodic(users: int, interval: float, span: float, rng: np.random.Generator, spread: float = 1.0) -> Pairs:
    """Each user registers every `interval` seconds from its own moment, drawn from its first `spread`."""
    first = rng.uniform(0, interval * spread, users)
    rounds = int(span // interval) + 1
    time = (first[:, None] + interval * np.arange(rounds)).ravel()
    user = np.repeat(np.arange(users), rounds)
    kept = time < span
    return Pairs(time[kept], user[kept])


def poisson(users: int, rate: float, span: float, rng: np.random.Generator) -> Pairs:
    """Registrations of users drawn at random, `rate` in a second."""
    count = rng.poisson(rate * span)
    return Pairs(rng.uniform(0, span, count), rng.integers(0, users, count))


def table(
    pairs: Pairs,
    *,
    granted: int = 3600,
    delay: float | npt.NDArray[np.float64] = 0.002,
    statuses: tuple[int, int] = (401, 200),
    prefix: str = "u",
    calls: npt.NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """The transactions: for each registration a challenge and its answer, `delay` seconds each."""
    first = (START + np.round(pairs.time * SECOND)).astype(np.int64)
    wait = np.round(np.broadcast_to(np.asarray(delay), first.shape) * SECOND).astype(np.int64)
    time = np.concatenate([first, first + wait + 1000])
    final = time + np.concatenate([wait, wait])
    user = np.concatenate([pairs.user, pairs.user])
    call = user if calls is None else np.concatenate([calls, calls])
    status = np.repeat(statuses, len(first))
    names = _named(user, lambda number: f"sip:{prefix}{number}@lab.invalid")
    host = _named(user, lambda number: f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    return rows(
        time=time,
        final=final,
        status=status,
        copies=np.searchsorted(T1_COPIES, (final - time) / SECOND, side="left"),
        aor=names,
        host=host,
        call=_named(call, lambda number: f"{prefix}{number}"),
        credentials=np.arange(len(time)) >= len(first),
        granted=np.where((status >= 200) & (status < 300), granted, -1),
    )


def _named(numbers: npt.NDArray[np.int64], name: Callable[[int], str]) -> pd.Series[str]:
    """A name for each number, each made once."""
    codes, unique = pd.factorize(numbers)
    return pd.Series(np.array([name(number) for number in unique.tolist()], dtype=object)[codes])


def rows(
    *,
    time: npt.NDArray[np.int64],
    final: npt.NDArray[np.int64],
    status: npt.NDArray[np.int64],
    copies: npt.NDArray[np.int64],
    aor: pd.Series[str],
    host: pd.Series[str],
    call: pd.Series[str],
    credentials: npt.NDArray[np.bool_],
    granted: npt.NDArray[np.int64],
) -> pd.DataFrame:
    """A table with the columns of the schema that the analysis reads; a status of 0 is no answer."""
    answered = pd.Series(status > 0)
    return pd.DataFrame(
        {
            "aor": aor.astype("category"),
            "call_id": call,
            "source": (host + ":5060").astype("category"),
            "source_host": host.astype("category"),
            "time": pd.to_datetime(time, utc=True),
            "final_time": pd.Series(pd.to_datetime(final, utc=True)).where(answered),
            "status": pd.array(status, dtype="Int16"),
            "retransmissions": pd.array(copies, dtype="Int32"),
            "credentials": credentials,
            "granted": pd.Series(granted, dtype="Int64").where(pd.Series(granted) >= 0),
        }
    )


def together(*tables: pd.DataFrame) -> pd.DataFrame:
    """Several fleets in one table, numbered in the order of time."""
    whole = pd.concat([one.astype({"aor": str, "source": str, "source_host": str}) for one in tables])
    whole = whole.sort_values("time", kind="stable", ignore_index=True)
    return whole.assign(transaction=np.arange(1, len(whole) + 1))


def shifted(made: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """The same, later."""
    by = pd.Timedelta(round(seconds * SECOND), unit="ns")
    return made.assign(time=made["time"] + by, final_time=made["final_time"] + by)


def avalanche(users: int, outage: float, rng: np.random.Generator) -> pd.DataFrame:
    """Users that refresh every 60 s for two minutes; then the registrar is away for `outage` seconds: each asks
    again on Timer E, and registers with the first copy that is answered; then all is calm for a minute."""
    calm = periodic(users, 60.0, 120.0 + outage + 60.0, rng)
    late = (calm.time >= 120.0) & (calm.time < 120.0 + outage)
    asked = calm.time[late, None] + np.concatenate([[0.0], T1_COPIES])
    answered = np.min(np.where(asked >= 120.0 + outage, asked, np.inf), axis=1)
    delay = np.full(len(calm.time), 0.002)
    delay[late] = answered - calm.time[late] + 0.002
    made = table(calm, granted=120, delay=delay)
    # The second half of such a pair is answered at once.
    slow = np.flatnonzero(np.concatenate([np.zeros(len(late), dtype=bool), late]))
    made.loc[slow, "final_time"] = made.loc[slow, "time"] + pd.Timedelta(2, unit="ms")
    made.loc[slow, "retransmissions"] = 0
    return together(made)

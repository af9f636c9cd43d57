"""The transactions table as plain columns, and every copy of a request put in its place in time.

The table has one row a transaction: when its request was first sent, how often it was sent again, and (where known)
when last. The copies between follow Timer E (RFC 3261 17.1.2.2): T1, doubling up to T2, so the k-th copy leaves 0.5,
1.5, 3.5, 7.5, 11.5, ... seconds after the first. Where the last copy was seen the schedule is stretched to meet it.

Columns that are missing, or empty, are no error: what could not be judged without them is said in `notes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyzer.sip.timers import T1, T2

SECOND = 1_000_000_000
_DOUBLING = (T2 // T1).bit_length()
"""Copies of Timer E until the gap between them is T2."""
UNKNOWN = np.iinfo(np.int64).min
"""A time that is not known (NaT)."""

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_REQUIRED = ("time", "final_time", "status", "retransmissions", "aor", "source", "call_id", "credentials")
_WELCOME = (
    *("transaction", "last_sent", "source_host", "user_agent", "granted", "requested", "bound_until"),
    "retry_after",
)
COLUMNS = (*_REQUIRED, *_WELCOME)
"""The columns of the transactions table that the analysis looks at."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """REGISTER transactions in the order of their time; all arrays have one entry a transaction.

    Times in nanoseconds, `UNKNOWN` where there is none; `bound` is until when the client of a success stayed bound by
    its timeline; `granted`, `requested`, `retry_after` in seconds, NaN where
    unknown; `user`, `source`, `host`, `call` and `client` are codes (`client` is a user at a host), `users` and
    `sources` the names of the codes. `reach` is the latest time of anything in a transaction or in those before it: it
    never falls, so what can matter from a moment on is a slice. `heard`: somewhere in the capture there is an answer.
    `tick` is the step of its clock, in nanoseconds: a log may tell whole seconds.
    """

    time: Ints
    last: Ints
    final: Ints
    status: npt.NDArray[np.int16]
    copies: Codes
    user: Codes
    source: Codes
    host: Codes
    call: Codes
    client: Codes
    agent: Codes
    users: pd.Index[str]
    sources: pd.Index[str]
    agents: pd.Index[str]
    credentials: Flags
    granted: Floats
    requested: Floats
    bound: Ints
    retry_after: Floats
    reach: Ints
    heard: bool
    tick: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)

    @property
    def span(self) -> tuple[int, int]:
        """First and last time of anything seen. Raises IndexError without rows."""
        return int(self.time[0]), int(self.reach[-1])

    @property
    def ended(self) -> Ints:
        """When each had its answer, or was last sent."""
        return np.where(self.final == UNKNOWN, self.last, self.final)

    def between(self, start: int, end: int) -> slice:
        """All rows that have anything between two times, and perhaps a few more."""
        first, last = np.searchsorted(self.reach, start, side="left"), np.searchsorted(self.time, end, side="right")
        return slice(int(first), max(int(first), int(last)))

    def part(self, rows: slice) -> Traffic:
        """These rows alone; codes keep their meaning."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _BY_ROW})


_BY_ROW = (
    *("time", "last", "final", "status", "copies", "user", "source", "host", "call", "client", "agent"),
    *("credentials", "granted", "requested", "bound", "retry_after", "reach"),
)


def traffic_of(transactions: pd.DataFrame) -> Traffic:
    """The columns of a transactions table. Raises KeyError where one is missing without which nothing can be said."""
    missing = [name for name in _REQUIRED if name not in transactions]
    if missing:
        raise KeyError(f"the transactions table lacks {', '.join(missing)}")
    wanted = [name for name in COLUMNS if name in transactions]
    rows = _in_order(transactions[wanted])
    time, final = _times(rows, "time"), _times(rows, "final_time")
    copies = _numbers(rows, "retransmissions", 0.0).astype(np.int32)
    last = _last(rows, time, copies)
    user, users = _coded(rows, "aor")
    source, sources = _coded(rows, "source")
    host, _ = _coded(rows, "source_host" if "source_host" in rows else "source")
    agent, agents = _coded(rows, "user_agent")
    status = _numbers(rows, "status", 0.0).astype(np.int16)
    return Traffic(
        time=time,
        last=last,
        final=final,
        status=status,
        copies=copies,
        user=user,
        source=source,
        host=host,
        call=_codes(rows, "call_id"),
        client=_pairs(user, host),
        agent=agent,
        users=users,
        sources=sources,
        agents=agents,
        credentials=rows["credentials"].fillna(False).to_numpy(dtype=bool),
        granted=_numbers(rows, "granted", np.nan),
        requested=_numbers(rows, "requested", np.nan),
        bound=_times(rows, "bound_until") if "bound_until" in rows else np.full(len(rows), UNKNOWN),
        retry_after=_numbers(rows, "retry_after", np.nan),
        reach=np.maximum.accumulate(np.maximum(np.maximum(last, final), time)),
        heard=bool((status > 0).any()),
        tick=SECOND if bool((time % SECOND == 0).all()) else 1,
        notes=_notes(rows, len(transactions) - len(rows)),
    )


def _in_order(transactions: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a time, by time and number: the order in which they stand must not matter."""
    time = _times(transactions, "time")
    kept = np.flatnonzero(time != UNKNOWN)
    number = _numbers(transactions, "transaction", 0.0)[kept] if "transaction" in transactions else np.arange(len(kept))
    time = time[kept]
    rising = (time[1:] > time[:-1]) | ((time[1:] == time[:-1]) & (number[1:] >= number[:-1]))
    if len(kept) == len(transactions) and bool(rising.all()):
        return transactions
    return transactions.iloc[kept[np.lexsort((number, time))]]


def _times(rows: pd.DataFrame, name: str) -> Ints:
    return rows[name].to_numpy(dtype="datetime64[ns]").astype(np.int64)


def _numbers(rows: pd.DataFrame, name: str, absent: float) -> Floats:
    if name not in rows:
        return np.full(len(rows), absent)
    return pd.to_numeric(rows[name]).to_numpy(dtype=np.float64, na_value=absent)


def _coded(rows: pd.DataFrame, name: str) -> tuple[Codes, pd.Index[str]]:
    """Codes in the order of first appearance, and their names; what is missing is one more name, the empty one."""
    if name not in rows:
        return np.zeros(len(rows), dtype=np.int32), pd.Index([""])
    codes, names = pd.factorize(rows[name], use_na_sentinel=True)
    index = pd.Index([*map(str, names), ""])
    return np.where(codes < 0, len(index) - 1, codes).astype(np.int32), index


def _codes(rows: pd.DataFrame, name: str) -> Codes:
    """Codes of texts that nobody asks for; what is missing is one more."""
    return pd.factorize(rows[name], use_na_sentinel=False)[0].astype(np.int32)


def _pairs(first: Codes, second: Codes) -> Codes:
    both = first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second
    return pd.factorize(both)[0].astype(np.int32)


def _last(rows: pd.DataFrame, time: Ints, copies: Codes) -> Ints:
    """When the last copy left: as seen, or by Timer E's schedule, but not after the answer that ends it."""
    due, final = time + after(copies), _times(rows, "final_time")
    due = np.where(final != UNKNOWN, np.minimum(due, np.maximum(final, time)), due)
    if "last_sent" not in rows:
        return due
    seen = _times(rows, "last_sent")
    return np.where((seen == UNKNOWN) | ((seen <= time) & (copies > 0)), due, seen)


def _notes(rows: pd.DataFrame, skipped: int) -> tuple[str, ...]:
    notes = [f"{skipped:,} transactions without a time were left out"] if skipped else []
    told = {
        "last_sent": "when the last copy of a request was sent is not known: copies are placed by Timer E",
        "granted": "granted lifetimes are not known: short ones are guessed from the refreshes",
        "retry_after": "no answer gave Retry-After, so whether it is obeyed was not judged",
    }
    return (*notes, *(text for name, text in told.items() if name not in rows or bool(rows[name].isna().all())))


def after(copies: npt.NDArray[np.integer]) -> Ints:
    """Nanoseconds from the first sending to the copy of this number (RFC 3261 17.1.2.2: T1 doubling to T2)."""
    number = copies.astype(np.int64)
    doubling = T1 * (2 ** np.minimum(number, _DOUBLING) - 1)
    due: Ints = doubling + np.maximum(number - _DOUBLING, 0) * T2
    return due


@dataclass(frozen=True, slots=True)
class Sends:
    """Every REGISTER on the wire, in order: `time` in nanoseconds, `row` its transaction, `copy` whether it was sent
    before."""

    time: Ints
    row: Codes
    copy: Flags

    def within(self, start: int, end: int) -> Sends:
        """Those from `start` to `end`, both included."""
        kept = slice(*np.searchsorted(self.time, (start, end + 1)).tolist())
        return Sends(self.time[kept], self.row[kept], self.copy[kept])

    def of(self, rows: slice) -> Sends:
        """The same, told by place in a part of the traffic; all that is told of must be in that part."""
        return Sends(self.time, self.row - np.int32(rows.start), self.copy)


def sends_of(traffic: Traffic) -> Sends:
    """All sendings."""
    again = np.flatnonzero(traffic.copies > 0)
    counts = traffic.copies[again].astype(np.int64)
    row = np.repeat(again, counts)
    ends = np.cumsum(counts)
    number = np.arange(len(row)) - np.repeat(ends - counts, counts) + 1
    due = after(traffic.copies[again])
    stretch = np.repeat((traffic.last[again] - traffic.time[again]) / due, counts)
    time = np.concatenate([traffic.time, traffic.time[row] + (after(number) * stretch).astype(np.int64)])
    rows = np.concatenate([np.arange(len(traffic)), row]).astype(np.int32)
    order = np.argsort(time, kind="stable")
    return Sends(time[order], rows[order], order >= len(traffic))


def round_up(width: float) -> int:
    """The next 1, 2 or 5 times a power of ten; `width` is positive."""
    power = 10.0 ** np.floor(np.log10(width))
    return int(next(step * power for step in (1, 2, 5, 10) if step * power >= width))


def distinct(codes: Codes) -> int:
    """How many different codes there are."""
    return int(np.count_nonzero(np.bincount(codes))) if len(codes) else 0

"""Transactions tables written by hand, a line a transaction, and what plain loops make of them: the other opinion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tests.storm.fleets import SECOND, START


@dataclass(frozen=True)
class Said:
    """A transaction: sent at `time` seconds, answered with `status` (0: not) after `took` seconds."""

    time: float
    status: int = 200
    user: str = "a"
    took: float = 0.01
    copies: int = 0
    credentials: bool = True
    granted: int | None = None
    requested: int | None = None
    retry_after: int | None = None
    call: str = ""
    host: str = ""
    port: int = 5060
    agent: str = "Phone"

    @property
    def answered(self) -> float | None:
        """When, in seconds; None without an answer."""
        return self.time + self.took if self.status else None

    @property
    def client(self) -> tuple[str, str]:
        """The user at its host."""
        return self.user, self.host or f"10.0.0.{self.user}"


def nanoseconds(seconds: float) -> int:
    """The moment of a table made here."""
    return START + round(seconds * SECOND)


def talk(*said: Said) -> pd.DataFrame:
    """These transactions as a table, numbered as they stand."""
    moments = [nanoseconds(one.time) for one in said]
    finals = [None if one.answered is None else nanoseconds(one.answered) for one in said]
    return pd.DataFrame(
        {
            "transaction": np.arange(1, len(said) + 1),
            "aor": pd.Series([f"sip:{one.user}@lab.invalid" for one in said], dtype="str"),
            "call_id": pd.Series([one.call or f"call-{one.user}" for one in said], dtype="str"),
            "source": pd.Series([f"{one.client[1]}:{one.port}" for one in said], dtype="str"),
            "source_host": pd.Series([one.client[1] for one in said], dtype="str"),
            "user_agent": pd.Series([one.agent for one in said], dtype="str"),
            "time": pd.to_datetime(pd.Series(moments, dtype="Int64"), utc=True),
            "final_time": pd.to_datetime(pd.Series(finals, dtype="Int64"), utc=True),
            "status": pd.array([one.status for one in said], dtype="Int16"),
            "retransmissions": pd.array([one.copies for one in said], dtype="Int32"),
            "credentials": np.array([one.credentials for one in said], dtype=bool),
            "granted": pd.array([one.granted for one in said], dtype="Int64"),
            "requested": pd.array([one.requested for one in said], dtype="Int64"),
            "retry_after": pd.array([one.retry_after for one in said], dtype="Int64"),
        }
    )


def any_talk(most: int = 40) -> st.SearchStrategy[list[Said]]:
    """Some transactions of a few clients, of every kind, no two of a client at the same time."""
    one = st.builds(
        Said,
        time=st.integers(0, 6000).map(lambda tick: tick / 10),
        status=st.sampled_from([0, 200, 200, 401, 403, 423, 503]),
        user=st.sampled_from("abc"),
        took=st.sampled_from([0.01, 0.4, 0.6, 5.0]),
        copies=st.integers(0, 3),
        credentials=st.booleans(),
        granted=st.sampled_from([None, 0, 20, 60, 3600]),
        requested=st.sampled_from([None, 0, 60]),
        retry_after=st.sampled_from([None, None, 5]),
        call=st.sampled_from(["", "new"]),
    )
    return st.lists(one, min_size=1, max_size=most, unique_by=lambda said: (said.time, said.user)).map(
        lambda said: sorted(said, key=lambda each: (each.time, each.user))
    )

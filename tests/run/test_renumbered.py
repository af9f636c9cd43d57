"""Parts of a report are numbered as one process would number them, without a second copy of millions of rows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from analyzer.run.partial_result import _renumber
from analyzer.run.report import TransactionRow

MANY = 1000


def part(*numbers: int) -> Any:
    """A part whose transactions began with these messages, each of two of one registration."""
    begun = sorted({number // 2 for number in numbers})
    rows = [TransactionRow._make([number, *[None] * 20, number // 2, None]) for number in numbers]
    nothing: dict[str, Any] = {"digests": [], "findings": [], "recording": None, "registrations": []}
    return SimpleNamespace(transactions=rows, opened=list(numbers), begun=begun, **nothing)


def test_numbers_are_those_of_one_process_and_one_object_each() -> None:
    odd, even = part(*range(10_001, 10_001 + 4 * MANY, 4)), part(*range(10_003, 10_003 + 4 * MANY, 4))
    lists = odd.transactions, even.transactions
    _renumber([odd, even])
    assert (odd.transactions, even.transactions) == lists and odd.transactions is lists[0]  # in their place
    rows = sorted((*odd.transactions, *even.transactions))
    assert [row.id for row in rows] == list(range(1, 2 * MANY + 1))
    assert [row.registration for row in rows] == list(range(1, 2 * MANY + 1))
    assert all(row.id is row.registration for row in rows)

"""Logs of which some messages have no stamp of their own, and notices that go with messages, for the tests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from analyzer.capture.asterisk.causes import CAUSES
from analyzer.evidence import SECOND, Between, LogLines, LogNotice, Notice, RawMessage
from analyzer.judge.flowtext import START
from tests.register.watch import raw_messages


def loose(flow: str, unstamped: Collection[int], *, until_end: bool = False) -> list[RawMessage]:
    """The messages of a flow as a log has them; those whose place is in `unstamped` (from 0) lie between the stamps of
    their neighbours, `until_end` leaves the last of them without one behind it."""
    items = [
        replace(item, place=LogLines("flow", 10 * n + 1, 10 * n + 9))
        for n, item in enumerate(raw_messages(flow, log=True))
    ]
    made = []
    for number, item in enumerate(items):
        if number in unstamped:
            before = max((n for n in range(number) if n not in unstamped), default=None)
            after = min((n for n in range(number, len(items)) if n not in unstamped), default=None)
            earliest = START if before is None else items[before].time
            latest = None if after is None or until_end else items[after].time
            assert earliest is not None and isinstance(item.place, LogLines)
            bounds = Between(earliest, None if latest is None else latest + SECOND - 1)
            item = replace(item, time=None, place=item.place._replace(between=bounds))
        made.append(item)
    return made


def notice(
    cause: str, said: str = "", *, status: int = 0, line: int = 5, alone: bool = False, **more: str
) -> LogNotice:
    """What Asterisk says, by the key of its cause; `more` are `account`, `host`, `server`, `contact`."""
    known = CAUSES[cause]
    told = Notice(
        cause, known.side, known.state, more.pop("account", "bob"), said=said, status=status, meaning=known.meaning,
        advice=known.advice, about_password=known.about_password, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return LogNotice(START, LogLines("flow", line, line), told, alone=alone, group=told)


def with_notices(items: list[RawMessage], number: int, *notices: LogNotice) -> list[RawMessage]:
    """The items, of which the one at `number` has these notices."""
    return [replace(item, notices=notices) if n == number else item for n, item in enumerate(items)]

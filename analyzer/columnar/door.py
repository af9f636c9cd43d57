"""The way in: a capture that may be read in columns (docs/columnar.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyzer.columnar.crew import Crew
from analyzer.columnar.partial import capture_of, partials_of
from analyzer.columnar.records import Unsuited
from analyzer.judge.findings import Rule
from analyzer.judge.profiles import effects_of
from analyzer.register.bounded import Inseparable
from analyzer.register.digest.secrets import Secrets

if TYPE_CHECKING:
    from analyzer.run.partial_result import PartialResult
    from analyzer.run.pipeline import Analysis

_TOO_SOON = (
    "a capture that is read in columns is judged when all of it is read; with `--columnar never` each message is "
    "judged as it is read, and an interrupt leaves a report"
)
LEAST_MESSAGES = 5000
"""Messages of a capture from which on columns pay."""


def read(
    path: str,
    opened: Callable[..., AbstractContextManager[Any]],
    rules: Sequence[Rule],
    begin: Callable[..., Analysis],
    *,
    detail: bool,
    tables: bool,
    secrets: Secrets | None = None,
    is_asked_for: bool = False,
    jobs: int = 1,
) -> list[PartialResult]:
    """The parts of a report on the capture at `path`; none where the object path is to read it all. `opened` opens it,
    `begin` makes an analysis of sources by rules; `secrets` are the passwords that are known; `is_asked_for`: also
    where it does not pay; so many `jobs` share the work. Ctrl-C ends it with nothing read."""
    if any(effects_of(rule, "rfc3261") for rule in rules):
        return []
    with opened(asks=False) as reading:
        source = reading.sources[0]
        if source.format not in ("pcap", "pcapng") or not reading.is_divisible:
            return []
        try:
            crew = Crew(jobs)
            capture = capture_of(path, least=0 if is_asked_for else LEAST_MESSAGES, secrets=secrets, crew=crew)
            found = partials_of(capture, source, rules, begin, detail=detail, tables=tables)
            return [replace(found[0], notes=[*found[0].notes, *crew.notes]), *found[1:]]
        except (Unsuited, Inseparable):
            return []
        except KeyboardInterrupt:
            nothing = begin([source], rules=rules).partial(interrupted=True)
            return [replace(nothing, notes=[_TOO_SOON])]

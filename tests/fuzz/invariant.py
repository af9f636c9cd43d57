"""What must hold whatever octets come in, stated once for all targets.

Any octets give messages and defects. Nothing is raised, nothing goes on for ever, and nothing grows beyond a stated
factor of the input: not the work done, not what is handed out, not the sentences that describe it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from analyzer.defect import Defect
from analyzer.evidence import LATEST, MAX_DEFECTS, Item, NetworkError, RawMessage, Source
from tests.hardness.meter import Work, limited

LONGEST_SENTENCE = 1000
"""Characters of a defect's text: it quotes the wire only in part."""


@contextmanager
def bounded(octets: int, *, calls: int, copies: int, start: int = 100_000) -> Iterator[None]:
    """The work inside is at most `calls` calls and `copies` octets per octet of input, and `start` of each.

    Counted only where the analyzer was loaded with counters (`tests.hardness.rewrite`).
    """
    with limited(Work(start + calls * octets, 16 * start + copies * octets)):
        yield


def sound_defects(defects: Iterable[Defect]) -> None:
    """Each defect is one plain sentence of bounded length."""
    for defect in defects:
        assert defect.code == defect.code.lower()
        assert defect.text
        assert len(defect.text) <= LONGEST_SENTENCE, defect.code
        assert "\n" not in defect.text, defect.code
        assert "\r" not in defect.text, defect.code


def sound_source(source: Source) -> None:
    """What was kept of the defects is some of what was counted."""
    assert len(source.defect_list) <= min(MAX_DEFECTS, source.defects)
    sound_defects(defect for _, defect in source.defect_list)
    assert all(len(sentence) <= LONGEST_SENTENCE for sentence in source.quality)


def sound_items(items: Iterable[Item], source: Source, octets: int, *, factor: int = 4) -> list[RawMessage]:
    """The messages among `items`: all from `source`, all counted, together at most `factor` times the input."""
    messages: list[RawMessage] = []
    for item in items:
        assert item.place.source == source.name
        assert 0 <= item.source.port <= 0xFFFF
        if isinstance(item, NetworkError):
            continue
        assert item.payload
        assert item.missing >= 0
        assert item.time is None or 0 <= item.time < LATEST
        sound_defects(item.defects)
        messages.append(item)
    assert len(messages) == source.messages
    assert sum(len(message.payload) for message in messages) <= factor * octets + 4096
    sound_source(source)
    return messages

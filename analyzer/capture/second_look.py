"""What `auto` does before it answers that a capture holds no SIP: it asks tshark about what was not opened.

Our own reader has seen no message then, but packets that may hold one in something it does not know. tshark reads the
file once more, into a source of its own. Where it finds SIP, the source becomes what tshark made of it; where it finds
none, or cannot be asked, that is said, with what was not opened.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import fields

from analyzer.capture.engine import Engine, TsharkInput, for_unopened
from analyzer.capture.record import Record
from analyzer.defect import SourceError
from analyzer.evidence import Item, RawMessage, Source

Walk = Callable[[Source], Iterator[Record]]
_MOST_HELD = 10_000
_KEPT = frozenset(("name", "kind", "format", "title", "keepalives", "kept", "unopened"))


def _phrase(kinds: Sequence[tuple[str, int]]) -> str:
    """Kinds of packets as a list with counts."""
    return ", ".join(f"{count} {'packets' if count > 1 else 'packet'} of {what}" for what, count in kinds)


def looked_at(items: Iterator[Item], sources: Sequence[Source], ask: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of captures; where there is no message among them, what `ask` gives, if that has messages.

    What comes before the first message (errors of the network) is held back: tshark finds that too.
    """
    held = _until_message(items)
    if not _has_message(held) and len(held) < _MOST_HELD:
        yield from ask()
        if any(source.messages for source in sources):
            return
    yield from held
    yield from items


def _until_message(items: Iterator[Item]) -> list[Item]:
    """The first message and what comes before it, taken from `items`; no more than are held."""
    held: list[Item] = []
    for item in items:
        held.append(item)
        if isinstance(item, RawMessage) or len(held) == _MOST_HELD:
            break
    return held


def _has_message(held: list[Item]) -> bool:
    return bool(held) and isinstance(held[-1], RawMessage)


def items(source: Source, path: str | None, engine: Engine, walk: Walk) -> Generator[Item, None, None]:
    """The items that tshark finds in a capture of which nothing could be read; `walk` gives its records once more."""
    if engine != "auto":
        _say(source)
        return
    try:
        tshark_input = for_unopened(path, source, _phrase(source.unopened))
    except SourceError as error:
        _say(source, error.reason)
        return
    yield from _asked(source, tshark_input, walk)


def _asked(source: Source, tshark_input: TsharkInput, walk: Walk) -> Iterator[Item]:
    from analyzer.capture.tshark.reader import items as read

    scratch = Source(source.name, source.kind, source.format, source.title)
    found = read(tshark_input, scratch, walk(scratch))
    try:
        held = _until_message(found)
        if _has_message(held) or len(held) == _MOST_HELD:
            yield from held
            yield from found
    except SourceError as error:
        _say(source, error.reason)
        return
    finally:
        found.close()
        if tshark_input.spool is not None:
            tshark_input.spool.close()
    if not scratch.messages:
        _say(source, f"{tshark_input.program} finds no SIP there either")
        return
    for field in fields(Source):
        if field.name not in _KEPT:
            setattr(source, field.name, getattr(scratch, field.name))


def _say(source: Source, why: str = "") -> None:
    """Say what was not opened, and why tshark did not help; of link types the tally has told."""
    told = [(what, count) for what, count in source.unopened if not what.startswith("link type")]
    sentences = [f"not opened: {_phrase(told)}"] * bool(told) + [why] * bool(why)
    source.quality += ["; ".join(sentences)] * bool(sentences)

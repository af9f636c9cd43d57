"""The messages of an export as a capture: which are chosen, and how they become packets.

Of captures that can be read again, the packets are those that were captured. Of logs, of streams that can be read once,
of what tshark opened, and where it is asked for (`--made`), they are made of messages (`analyzer.capture.savefile`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from analyzer.cli.moments import Span
from analyzer.cli.run import aor_given, check_engine, die, read_report

if TYPE_CHECKING:
    from analyzer.capture.opener import Reading
    from analyzer.evidence import Endpoint, Item, Place, RawMessage
    from analyzer.judge.findings import Finding


class Choice(NamedTuple):
    """What is asked for: of whom, of which findings (rules), between which times; `made` packets in any case."""

    aor: str
    findings: tuple[str, ...]
    span: Span
    made: bool

    @property
    def is_narrow(self) -> bool:
        """Whether not everything is wanted."""
        return bool(self.aor or self.findings or self.span.is_given)


class Saved(NamedTuple):
    """What was written, in words, and whether Ctrl-C came before the end."""

    messages: int
    words: str
    interrupted: bool


_Mark = tuple[str, int]
_Exchange = tuple[str, int]


def save_messages(choice: Choice, file: BinaryIO, *, given: dict[str, Any]) -> Saved:
    """Write the chosen messages of all files; `given` are the options of `reading` and `--dialect`. Leaves with 2 or 3
    where that cannot be done."""
    from analyzer.capture.inputs import are_files
    from analyzer.capture.opener import open_sources
    from analyzer.defect import SourceError

    files, engine, keylog = list(given["files"]), given["engine"], given["tls_keylog"]
    check_engine(engine, keylog)
    if choice.findings and not are_files(files):
        raise click.UsageError("--finding reads FILE twice, so it cannot be a pipe: save it to a file first")
    wanted = _wanted(choice, _found(choice, given))
    reading = partial(open_sources, files, dialect=given["dialect"], engine=engine, tls_keylog=keylog)
    try:
        opening = reading()
    except SourceError as error:
        die(str(error), 3)
    with opening as opened:
        is_original = not choice.made and are_files(files) and opened.is_divisible
        for source in opened.sources:
            if source.shows_flows:
                _tell(f"{source.name}: shows call flows, each a capture of its own: one capture mixes them")
        if is_original:
            return _original(reading, opened, wanted, choice.span, file, given["progress"])
        return _made(opened, wanted, choice.span, file, given["progress"])


def _found(choice: Choice, given: dict[str, Any]) -> tuple[set[_Mark], set[_Exchange]]:
    """The places of the findings that are asked for, and the transactions in which these are."""
    if not choice.findings:
        return set(), set()
    from analyzer.judge.selection import UnknownRule, named_rules
    from analyzer.rules import all_rules

    try:
        named = {(rule.id, sub) for name in choice.findings for rule, sub in named_rules(name, all_rules())}
    except UnknownRule as error:
        raise click.UsageError(str(error)) from None
    report = read_report("export", None, detail=True, **given)
    found = [one for one in report.findings if _is_named(one, named)]
    if not found:
        die(f"{', '.join(given['files'])}: no finding of {', '.join(choice.findings)}", 3)
    marks = {_mark(place) for one in found for place, _ in one.evidence}
    numbers = {one.transaction for one in found}
    exchanges = {
        (row.call_id, row.cseq)
        for row in report.transactions
        if row.id in numbers or any(place is not None and _mark(place) in marks for place in (row.request, row.final))
    }
    return marks, exchanges


def _is_named(finding: Finding, named: set[tuple[str, str]]) -> bool:
    return any((finding.rule, sub) in named for sub in ("", *finding.sub.split(",")))


def _mark(place: Place) -> _Mark:
    return place[0], place[1]


def _wanted(choice: Choice, found: tuple[set[_Mark], set[_Exchange]]) -> Callable[[RawMessage, int], bool]:
    """Whether a message is asked for; the second argument is how far east of UTC its source's clock is, in seconds."""
    from analyzer.evidence import between
    from analyzer.register.identity import aor_of
    from analyzer.sip.message import parse

    aor, (marks, exchanges) = aor_given(choice.aor), found

    def is_wanted(raw_message: RawMessage, offset: int) -> bool:
        bounds = between(raw_message.place)
        time = raw_message.time if bounds is None else bounds.earliest
        if not choice.span.has(time, offset):
            return False
        if not (aor or choice.findings):
            return True
        message = parse(raw_message)
        if aor and aor_of(message) != aor:
            return False
        if not choice.findings or _mark(raw_message.place) in marks:
            return True
        return message.cseq is not None and (message.call_id, message.cseq.number) in exchanges

    return is_wanted


_MOST_WAYS = 1 << 16
"""Ways on which chosen messages went that are remembered, for what the network says of them."""


def _each(
    opened: Reading,
    wanted: Callable[[RawMessage, int], bool],
    span: Span,
    take: Callable[[Item, bool], None],
    progress: Any,
) -> bool:
    """Show every message of a reading to `take`, and whether it is wanted; and what the network said, later, of a way
    on which a wanted one had gone. True where Ctrl-C came before the end."""
    from analyzer.defect import SourceError
    from analyzer.evidence import RawMessage
    from analyzer.views.drawing.progress import progress_bar

    ways: set[frozenset[Endpoint]] = set()
    logs = {source.name: source for source in opened.sources if source.kind == "log"}
    try:
        with progress_bar(progress) as advance:
            for number, item in enumerate(opened):
                if isinstance(item, RawMessage):
                    source = logs.get(item.place.source)
                    is_wanted = wanted(item, 0 if source is None else source.utc_offset)
                    if is_wanted and len(ways) < _MOST_WAYS:
                        ways.add(frozenset((item.source, item.destination)))
                    take(item, is_wanted)
                elif frozenset((item.source, item.destination)) in ways:
                    take(item, span.has(item.time, 0))
                if advance is not None and number % 256 == 0:
                    advance(opened.position(), opened.total())
    except SourceError as error:
        die(str(error), 3)
    except KeyboardInterrupt:
        return True
    return False


def _original(
    reading: Callable[[], Reading],
    opened: Reading,
    wanted: Callable[[RawMessage, int], bool],
    span: Span,
    file: BinaryIO,
    progress: Any,
) -> Saved:
    from analyzer.capture.excerpt import Chosen, write_excerpt

    chosen = Chosen()
    interrupted = _each(opened, wanted, span, lambda item, is_wanted: chosen.see(item, wanted=is_wanted), progress)
    if not chosen.messages:
        return Saved(0, "", interrupted)
    done = write_excerpt(reading, chosen, file)
    words = f"{chosen.messages:,} messages in {done.packets:,} packets as they were captured"
    if done.form != "pcap":
        words += ", as pcapng, for they are of several link types, without times, or were within TLS"
    if done.untimed:
        words += f"; {done.untimed:,} without a time have that of the packet before"
    return Saved(chosen.messages, words, interrupted)


def _made(
    opened: Reading, wanted: Callable[[RawMessage, int], bool], span: Span, file: BinaryIO, progress: Any
) -> Saved:
    from analyzer.capture.savefile import SaveFile
    from analyzer.evidence import NetworkError

    saved = SaveFile(file)

    def take(item: Item, is_wanted: bool) -> None:
        if not is_wanted:
            return
        if isinstance(item, NetworkError):
            saved.add_error(item)
        else:
            saved.add(item)

    interrupted = _each(opened, wanted, span, take, progress)
    saved.finish()
    cut = f", {saved.cut:,} of them cut to what a datagram holds" if saved.cut else ""
    return Saved(saved.written, f"{saved.written:,} messages{cut}", interrupted)


def _tell(text: str) -> None:
    from analyzer.views.drawing.output import tell

    tell(text)

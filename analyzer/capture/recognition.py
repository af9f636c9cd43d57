"""What an input is: its content says, and what it is not is said with what to do.

A log may begin with zeros: who empties it by `copytruncate` of logrotate, while its writer goes on at the place where
it was, leaves a hole of the length of all that was written before. They are passed over, and told. It may begin with
blank lines as well; these are lines, and stay. Behind both, a log is looked for.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from analyzer.capture.formats import HEAD, Format
from analyzer.capture.input_stream import InputStream, UnknownFormat
from analyzer.capture.text.lines import as_utf8, is_utf16
from analyzer.capture.together import apart, as_one
from analyzer.defect import SourceError
from analyzer.evidence import Item, LogLines, RawMessage, Source, has_ended

MARK = b"SIP/2.0"
EMPTY = "is empty"
"""Reason of a SourceError."""

_ENCODED = re.compile(rb"^content-transfer-encoding:[ \t]*base64", re.IGNORECASE | re.MULTILINE)
MAGIC = 12
"""Octets that a capture format needs to be told."""
_BLANK = b"\0\t\n\r "


def recognise(
    input_stream: InputStream, source: Source, known: list[Format], kind: str | None, dialect: str | None
) -> Format:
    """The format of an input: `dialect` by name, or whichever of `known` says that it is its own; of several
    dialects the one that gets most out of it.

    Raises SourceError for an empty input, for one out of which two get as much, and for one of the other `kind`;
    UnknownFormat for one that none claims.
    """
    name = source.name
    # A capture is told by its first octets; a live one may not have more yet.
    head = input_stream.head(MAGIC)
    if not head:
        input_stream.check()
        raise SourceError(name, source.defect_list[0][1].text if source.defect_list else EMPTY)
    if dialect is not None:
        form = _named(dialect, name, known, kind)
        if form.kind == "log":
            _pass_zeros(input_stream, source)
            _note_copied(form, input_stream, source, known)
        return form
    found = [form for form in known if form.kind == "capture" and form.looks_like(head)]
    if not found:
        found = _logs(input_stream, source, known)
    if not found:
        input_stream.check()
    if len(found) > 1:
        found = _best(found, input_stream, source)
    if kind == "capture" and found and found[0].last and not _taken(found[0], input_stream.head(HEAD)):
        found = []  # to send somebody to `sipcheck log` that cannot read it either is no help
    if not found:
        raise _unknown(input_stream, name, known, kind)
    return found[0]


def _best(found: list[Format], input_stream: InputStream, source: Source) -> list[Format]:
    """The one format that gets most out of the beginning of a text that several claim, or all of them as one where each
    has messages of its own there. Raises SourceError with the scores where two get as much: the user has to say."""
    head = input_stream.head(HEAD)
    read = [(_taken(form, head), form) for form in found]
    scored: list[_Scored] = [(_score(items, form), form, items) for items, form in read]
    scored.sort(key=lambda one: one[0], reverse=True)
    (best, form, taken), (second, _, _) = scored[:2]
    if form.exact:
        within = [one for _, one, items in scored[1:] if _stands_in(taken, items)]
        if within:
            return within[:1]  # a message whose body shows a dump
    if several := _several(scored, head, source):
        return several
    if best > second:
        return [form]
    tied = [form for score, form, _ in scored if score == best]
    if len(whole := [one for one in _broken(head, tied) if one in tied]) == 1:
        return whole  # lines that are whole again say more than their parts
    said = " and ".join(f"like {form.name}{score.said}" for score, form, _ in scored if score == best)
    raise SourceError(source.name, f"looks {said}", hint="say which with --dialect")


def _several(scored: list[_Scored], head: bytes, source: Source) -> list[Format]:
    """The format that reads a text in which several have messages, if one alone does not; nothing where it does."""
    (best, form, _), *_ = scored
    mixed = _mixed([one for score, one, _ in scored if score.messages])
    all_items = [] if mixed is None else _taken(mixed, head)
    if mixed is not None and form.last and _score(all_items, mixed) > best:
        return [mixed]  # of some messages is said more than of others
    apart_ones = apart([(one, items) for _, one, items in scored if not one.last])
    own = sum(score.messages for score, one, _ in scored if one in apart_ones)
    if len(apart_ones) > 1 and own > len(all_items):
        if len(head) < HEAD and source.goes_on is has_ended:
            return [as_one(apart_ones)]
        rest = " and ".join(f"of {one.title} (--dialect {one.name})" for one in apart_ones[1:])
        source.quality.append(f"Messages {rest} are in it as well, and were left out.")
        return apart_ones[:1]
    if mixed is not None:
        for _, one, items in scored:
            if items and [item.place for item in items] == [item.place for item in all_items]:
                return [one]  # what the others take for messages stands in bodies of its own
        if len(all_items) > best.messages:
            return [mixed]
    return []


def _mixed(forms: list[Format]) -> Format | None:
    """Several dialects as one: a text that was put together of those of several programs."""
    grammars = [form.grammar for form in forms if form.grammar is not None]
    if len(grammars) < 2 or len(grammars) < len(forms):
        return None

    def looks_like(head: bytes) -> bool:
        return any(form.looks_like(head) for form in forms)

    def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
        from analyzer.capture.text.reader import Reader

        return Reader(grammars[0], source, looks_like, others=grammars[1:]).read(stream)

    name, title = "+".join(form.name for form in forms), " and ".join(form.title for form in forms)
    return Format(name, "log", title, looks_like, None, read)


class Score(NamedTuple):
    """What a dialect gets out of a text: messages that are whole, how many ends and times it tells, all messages; and
    whether these are the octets themselves."""

    whole: int
    told: int
    messages: int
    exact: bool = False

    @property
    def said(self) -> str:
        """The score in words, in brackets; nothing of nothing."""
        return f" ({self.messages} messages, {self.told} times and addresses)" if self.messages else ""


_Scored = tuple[Score, Format, list[RawMessage]]


def _taken(form: Format, head: bytes) -> list[RawMessage]:
    """What one dialect reads at the beginning of a text."""
    if form.read is None:
        return []
    return [item for item in form.read(io.BytesIO(head), Source("head", "log")) if isinstance(item, RawMessage)]


def _score(items: list[RawMessage], form: Format) -> Score:
    told = sum((item.time is not None) + bool(item.source.port) + bool(item.destination.port) for item in items)
    return Score(sum(not item.missing for item in items), told, len(items), form.exact and bool(items))


def _stands_in(items: list[RawMessage], others: list[RawMessage]) -> bool:
    """Whether each of the messages stands in the lines of one of the others that is whole."""
    whole = (one.place for one in others if not one.missing)
    spans = [(place.first, place.last) for place in whole if isinstance(place, LogLines)]
    places = [one.place for one in items if isinstance(one.place, LogLines)]
    if not places or not spans:
        return False
    index, last = 0, len(spans) - 1
    for place in places:
        while index < last and spans[index][1] < place.last:
            index += 1
        if not spans[index][0] < place.first or not place.last <= spans[index][1]:
            return False
    return True


def _logs(input_stream: InputStream, source: Source, known: list[Format]) -> list[Format]:
    """The log formats that claim what stands behind zeros and blank lines; the zeros are passed where one does."""
    head = input_stream.head(HEAD)
    if not head.strip(b"\0") and len(head) == HEAD:
        _pass_zeros(input_stream, source)  # no format but a log's may begin with so many
        head = input_stream.head(HEAD)
        if not head.strip(b"\0"):
            return []
    is_wide = is_utf16(head)
    blank = 0 if is_wide else len(head) - len(head.lstrip(_BLANK))
    blank = len(head[:blank].rstrip(b" \t"))  # what a whole log is indented by is a carrier of its lines
    head = input_stream.head(blank + HEAD)[blank:] if blank else head
    head = as_utf8(head) if is_wide else head
    logs = [form for form in known if form.kind == "log" and not form.last]
    last = [form for form in known if form.kind == "log" and form.last]
    found = [form for form in logs if form.looks_like(head)]
    carried = _broken(head, logs) if found else _carried(head, logs)
    found += [form for form in carried if form not in found and _taken(form, head)]
    if not found:  # what stands above bare messages may be to be seen only where their carriers are taken off
        found = [form for form in last if form.looks_like(head)]
        found += [form for form in _carried(head, last) if form not in found]
        found = found if any(_taken(form, head) for form in found) else carried or found
    if found and not is_wide:
        _pass_zeros(input_stream, source)
    return found


def _broken(head: bytes, logs: list[Format]) -> list[Format]:
    """The formats that claim a text which shows that its lines were broken to a width, once they are joined: what is
    left of a line may look like one of another program."""
    if MARK not in head:
        return []
    from analyzer.capture.text.guessing import joined  # late: as above

    found: list[Format] = []
    for whole in joined(head):
        found += [form for form in logs if form not in found and form.looks_like(whole)]
    return found


def _carried(head: bytes, logs: list[Format]) -> list[Format]:
    """The formats that claim the text when what carries its lines (syslog, JSON, quoting) is taken off."""
    if MARK not in head and not _ENCODED.search(head):
        return []
    from analyzer.capture.text.guessing import guesses  # late: most logs are carried by nothing

    for bare in guesses(head):
        found = [form for form in logs if form.looks_like(bare)]
        if found:
            return found
    return []


def _note_copied(form: Format, input_stream: InputStream, source: Source, known: list[Format]) -> None:
    """Say that a text is read as it stands which would have been mended, had the dialect not been named."""
    if form.flows:
        return
    head = input_stream.head(HEAD)
    for other in known:
        if other.flows and other.looks_like(head):
            source.quality.append(f"This looks like copied text: --dialect {other.name} mends it, flow by flow.")


def _pass_zeros(input_stream: InputStream, source: Source) -> None:
    zeros = input_stream.pass_zeros(HEAD)
    if zeros:
        count = "a zero" if zeros == 1 else f"{zeros} zeros"
        source.quality.append(
            f"the log begins with {count}, which were passed over: it was emptied while it was written"
        )


def _unknown(input_stream: InputStream, name: str, known: list[Format], kind: str | None) -> SourceError:
    """What is said of an input that is of no format known: what it looks like, and what to do."""
    from analyzer.capture import magics

    head = input_stream.head(magics.HEAD)
    title = magics.capture(head)
    if title and kind == "log":
        return SourceError(name, f"is {title}", hint=f"use: sipcheck pcap {name}")
    looks, advice = magics.other(head)
    is_text, program = looks == "text", ""
    if is_text:
        from analyzer.capture.text import signs

        program, help_instead = signs.program_of(input_stream.head(signs.LOOKED_AT))
        looks, advice = program or looks, help_instead or advice
    hints = [advice] * bool(advice)
    if is_text and not program and MARK not in (head := input_stream.head(HEAD)):
        hints.append("it holds no SIP message" if len(head) < HEAD else "no SIP message is in its first 256 kB")
    if not program:  # what is told by its program has its own advice
        hints.append("known: " + ", ".join(form.name for form in known if kind in (None, form.kind)))
        if is_text and kind == "capture":
            hints.append("sipcheck log knows: " + ", ".join(form.name for form in known if form.kind == "log"))
    reason = "is neither a capture nor a log that is known" + (f", it looks like {looks}" if looks else "")
    return UnknownFormat(name, reason, hint="; ".join(hints))


def _named(dialect: str, name: str, known: list[Format], kind: str | None) -> Format:
    for form in known:
        if form.name == dialect and kind in (None, form.kind):
            return form
    # A dialect is a log's: captures are told by their magic numbers, and asked for by nobody.
    choices = ", ".join(form.name for form in known if form.kind == (kind or "log"))
    raise SourceError(name, f"cannot be read as {dialect!r}", hint=f"known: {choices}")


def check_kind(form: Format, name: str, kind: str | None) -> None:
    """Raise SourceError, with the command to use, for a log where a capture is wanted, and the other way round."""
    if kind in (None, form.kind):
        return
    if form.kind == "log":  # its title may be of one thing or of many
        raise SourceError(name, f"is no capture but a text: {form.title}", hint=f"use: sipcheck log {name}")
    raise SourceError(name, f"is a {form.title}", hint=f"use: sipcheck pcap {name}")

"""Which engine reads a capture: our own reader, or tshark.

Our own reads what sipcheck knows, at many times the speed. `auto` turns to tshark for what it does not know (a link
layer, a file format, keys of TLS) and says so in the source's quality notes. Where nothing can be read without tshark
and there is none that will do, that is an error; where our own reader gets something, it reads on and says what is
left out. A log has no engine.

What knows tshark is imported here only when it is needed.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, BinaryIO, Literal, NamedTuple, cast

from analyzer.capture import links, magics, preface
from analyzer.capture.formats import Format
from analyzer.capture.input_stream import InputStream
from analyzer.capture.tally import USER_LINKS
from analyzer.defect import SourceError
from analyzer.evidence import Source

if TYPE_CHECKING:
    from analyzer.capture.tshark.program import Program

Engine = Literal["auto", "native", "tshark"]
ENGINES: tuple[Engine, ...] = ("auto", "native", "tshark")

_SHOWN = 5  # link types that a sentence names; a damaged file has thousands
_PACKED = (b"BZh", b"\xfd7zXZ\0")  # what tshark does not unpack
FOREIGN = Format("tshark", "capture", "capture that tshark reads", lambda head: False, None, None)
"""The format that a source has where tshark alone knows it."""


UNUSED_KEYS = "no TLS was found: the keys given were not needed"


class EngineRequest(NamedTuple):
    """What the user asked for: the engine, and the file with keys of TLS."""

    engine: Engine = "auto"
    keylog: str | None = None

    def check(self) -> None:
        """ValueError for an engine that does not exist or takes no keys; SourceError for a file without keys."""
        if self.engine not in ENGINES:
            raise ValueError(f"no engine is called {self.engine!r}: {', '.join(ENGINES)}")
        if self.keylog is None:
            return
        if self.engine == "native":
            raise ValueError("only the engine tshark opens TLS: a key log does not go with engine native")
        from analyzer.capture.tshark.program import check_keylog

        check_keylog(self.keylog)


class TsharkInput(NamedTuple):
    """What tshark is to read: `path` (that of `spool` where the input was no plain file), with keys, and why."""

    program: Program
    path: str
    keylog: str | None
    secrets: bool
    reason: str
    spool: IO[bytes] | None


class _Need(NamedTuple):
    """Why tshark is needed; whether nothing can be read without it; whether it may not know the link type either."""

    reason: str
    whole: bool
    doubtful: bool = False


def choose(
    path: str | None, input_stream: InputStream, form: Format, source: Source, engine_request: EngineRequest | None
) -> TsharkInput | None:
    """tshark for a capture of a format that is known, or None where our own reader will do.

    `path` is that of the file, or None for a stream. Raises SourceError where it needs tshark and cannot have it.
    """
    engine_request = engine_request or EngineRequest()
    if engine_request.engine == "native":
        return None
    known = preface.read(input_stream)
    need = _need(path, known, form, engine_request)
    if need is None:
        if engine_request.keylog is not None:
            source.quality.append(UNUSED_KEYS)
        return None
    try:
        program = _program(source, need)
    except SourceError as error:
        if need.whole:
            raise
        source.quality.append(f"not all of it can be read: {error.reason}")
        return None
    return _tshark_input(program, path, input_stream, source, engine_request, need, secrets=known.secrets)


def foreign(
    path: str | None,
    input_stream: InputStream | None,
    source: Source,
    engine_request: EngineRequest | None,
    error: SourceError,
) -> TsharkInput | None:
    """tshark for something that we do not know, or None where it is not worth asking: then `error` stands.

    It is not where the first octets are those of no capture format; who asks for tshark by name may have it look at
    any plain file, since that takes no copy. Raises SourceError, with tshark's reason, where tshark does not know it.
    """
    engine_request = engine_request or EngineRequest()
    if engine_request.engine == "native" or (input_stream is None and path is None):
        return None
    reason = error.reason
    if input_stream is not None:
        title = magics.capture(input_stream.head(magics.HEAD))
        if not title and (engine_request.engine == "auto" or path is None or _packed(path)):
            return None
        reason = f"is {title}" if title else reason
    need = _Need(f"it {reason}", whole=True, doubtful=True)
    program = _program(source, need)
    try:
        return _tshark_input(program, path, input_stream, source, engine_request, need, secrets=False)
    except SourceError as refusal:
        raise SourceError(source.name, f"{reason}, and {refusal.reason}", hint=refusal.hint or error.hint) from refusal


def for_unopened(path: str | None, source: Source, unopened: str) -> TsharkInput:
    """tshark for a capture in which our own reader found no SIP, but packets that it does not open.

    Raises SourceError where there is no tshark that will do, or the octets are gone: those of a stream are.
    """
    if path is None:
        raise SourceError(source.name, "tshark was not asked: it needs a file")
    need = _Need(f"sipcheck finds no SIP and does not open {unopened}", whole=False)
    try:
        program = _program(source, need)
    except SourceError as error:
        raise SourceError(source.name, "tshark may open more" + error.reason.partition(need.reason)[2]) from error
    with open(path, "rb") as file, InputStream(file, source) as input_stream:  # for what has to be unpacked
        return _tshark_input(program, path, input_stream, source, EngineRequest(), need, secrets=False)


def _need(path: str | None, known: preface.Preface, form: Format, engine_request: EngineRequest) -> _Need | None:
    if engine_request.engine == "tshark":
        return _Need("", whole=True)
    strange = sorted(number for number in known.links - links.table().keys() if number not in USER_LINKS)
    if strange:
        numbers = ", ".join(map(str, strange[:_SHOWN])) + (
            f" and {len(strange) - _SHOWN} more" * (len(strange) > _SHOWN)
        )
        whole = len(strange) == len(known.links)
        return _Need(f"its link type is {numbers}, which sipcheck does not read", whole, doubtful=True)
    if engine_request.keylog is not None and (path is None or _holds_tls(path, form)):
        return _Need("TLS is to be opened", whole=True)
    return _Need("it holds keys of TLS", whole=False) if known.secrets else None


def _holds_tls(path: str, form: Format) -> bool:
    from analyzer.capture import tls

    scratch = Source(path)
    with open(path, "rb") as stream:
        assert form.records is not None
        return tls.seen(form.records(InputStream(stream, scratch), scratch))  # type: ignore[arg-type]


def _program(source: Source, need: _Need) -> Program:
    from analyzer.capture.tshark import program as tshark

    try:
        return tshark.find()
    except tshark.Unusable as error:
        why = f"needs tshark because {need.reason}" if need.reason else "cannot be read by tshark"
        raise SourceError(source.name, f"{why}: {error}") from error


def _tshark_input(
    program: Program,
    path: str | None,
    input_stream: InputStream | None,
    source: Source,
    engine_request: EngineRequest,
    need: _Need,
    *,
    secrets: bool,
) -> TsharkInput:
    from analyzer.capture.tshark import program as tshark

    spool: IO[bytes] | None = None
    if input_stream is not None and (path is None or _packed(path)):
        from analyzer.capture import spool as spooling

        spool, path = spooling.spooled(cast(BinaryIO, input_stream), source.name)
    path = os.path.abspath(path or "")
    try:
        if need.doubtful:
            tshark.probe(program, path, source.name)
    except BaseException:
        if spool is not None:
            spool.close()
        raise
    return TsharkInput(
        program, path, engine_request.keylog, secrets, f", because {need.reason}" if need.reason else "", spool
    )


def _packed(path: str) -> bool:
    with open(path, "rb") as stream:
        return stream.read(6).startswith(_PACKED)

"""FreeSWITCH's trace in the forms in which it is logged and pasted."""

from __future__ import annotations

import io

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import RawMessage
from analyzer.sip.message import parse
from tests.capture.printing import example

TRACE = example("freeswitch")
CALL = b"8b1c2d3e-0000-4000-8000-0123456789ab "
FORMS = {
    "as it is": TRACE,
    "the id of a call before each line": b"".join(CALL + line + b"\n" for line in TRACE.split(b"\n")[:-1]),
    "among other lines of a file": b"2026-11-29 10:11:12.345678 97.33% [DEBUG] switch_core.c:1 x\n"
    + TRACE
    + b"2026-11-29 10:11:12.345699 [NOTICE] sofia_reg.c:1 y\n",
    "indented by a tab": TRACE.replace(b"   ", b"\t"),
    "not indented": TRACE.replace(b"   ", b""),
    "behind a prompt": TRACE.replace(b"recv ", b"freeswitch@pbx> recv ", 1),
    "without dashes": b"".join(line for line in TRACE.splitlines(keepends=True) if b"-----" not in line),
    "blanks at the ends lost": b"".join(line.rstrip() + b"\n" for line in TRACE.splitlines()),
}


def read(text: bytes) -> list[RawMessage]:
    with open_sources([io.BytesIO(text)]) as reading:
        assert reading.sources[0].format == "freeswitch"
        return [item for item in reading if isinstance(item, RawMessage)]


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    messages = read(FORMS[form])
    assert [one.payload for one in messages] == [one.payload for one in read(TRACE)]
    assert [str(one.source) for one in messages] == ["192.0.2.10:5060", "freeswitch"]
    assert not any(one.defects or one.missing for one in messages)
    assert all(one.time is not None for one in messages)


def test_compact_names_without_a_blank() -> None:
    """RFC 3261 7.3.3; sofia-sip writes none behind the colon."""
    names = {b"Via: ": b"v:", b"From: ": b"f:", b"To: ": b"t:", b"Call-ID: ": b"i:", b"Contact: ": b"m:"}
    text = TRACE.replace(b"Content-Length: ", b"l:")
    for long, short in names.items():
        text = text.replace(long, short)
    sizes = [len(one.payload) for one in read(text)]
    for before, after in zip((b"239", b"188"), sizes, strict=True):
        text = text.replace(before, b"%d" % after)
    request, answer = read(text)
    assert not request.defects and not answer.defects
    assert parse(request).call_id == parse(answer).call_id == "a1"


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "ws", "wss"])
@pytest.mark.parametrize("host", [b"[192.0.2.10]", b"192.0.2.10", b"[2001:db8::10]"])
def test_ends(transport: str, host: bytes) -> None:
    text = TRACE.replace(b"udp/[192.0.2.10]", transport.encode() + b"/" + host)
    messages = read(text)
    assert {one.transport for one in messages} == {transport.upper()}
    assert messages[0].source.host == messages[1].destination.host == host.strip(b"[]").decode()


def test_a_line_that_is_not_indented_is_no_header() -> None:
    """Another thread's line stands in between: the message goes on behind it."""
    text = TRACE.replace(
        b"   To: <sip:bob@example.com>\n", b"   To: <sip:bob@example.com>\n2026-11-29 10:11:12 [INFO] x\n", 1
    )
    messages = read(text)
    assert [one.payload for one in messages] == [one.payload for one in read(TRACE)]

"""What a log that sipcheck wrote says of a message comes back when it is read, and nobody's marks do harm."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.savelog import SaveLog
from analyzer.capture.savetext import SaveText
from analyzer.capture.text.marks import NOTHING, mark_of, marked
from analyzer.defect import Defect
from analyzer.evidence import SECOND, Endpoint, Frame, RawMessage

TIME = 1795175623 * SECOND
ENDS = Endpoint("192.0.2.10", 5061), Endpoint("192.0.2.1", 5060)
HEAD = b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK1\r\nCall-ID: 1\r\n"
WHOLE = HEAD + b"Content-Length: 0\r\n\r\n"
PAYLOADS = [
    WHOLE,
    HEAD,
    HEAD + b"To: <sip:bo",
    HEAD + b"\r\n",
    HEAD + b"Content-Length: 40\r\n\r\nv=0\r\no=- 1",
    HEAD + b"X: 1\r\n\r\n2026/11/20 11:53:43 192.0.2.9:1 -> 192.0.2.8:2\r\nREGISTER sip:x SIP/2.0\r\n",
]


def message(payload: bytes, *, missing: int = 0, transport: str = "UDP", codes: tuple[str, ...] = ()) -> RawMessage:
    defects = tuple(Defect(code, "x") for code in codes)
    return RawMessage(payload, TIME, Frame("made", 1), *ENDS, transport, missing=missing, defects=defects)


def again(*messages: RawMessage, save: Callable[[BinaryIO], SaveText | SaveLog]) -> list[RawMessage]:
    out = io.BytesIO()
    saved = save(out)
    for one in messages:
        saved.add(one)
    saved.finish()
    with open_sources([io.BytesIO(out.getvalue())], dialect=saved.dialect) as reading:
        return [item for item in reading if isinstance(item, RawMessage)]


FORMS: list[Callable[[BinaryIO], SaveText | SaveLog]] = [
    lambda out: SaveText(out, timed=True),
    lambda out: SaveText(out, timed=False),
    lambda out: SaveLog(out, timed=True, step=1000),
]


@pytest.mark.parametrize("save", FORMS, ids=["sngrep", "ngrep", "asterisk"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_message_that_is_cut_has_its_octets_and_lacks_as_many(
    payload: bytes, save: Callable[[BinaryIO], SaveText | SaveLog]
) -> None:
    found = again(message(payload, missing=7), message(WHOLE), save=save)
    assert found[0].payload.removesuffix(b"\r\n") == payload.removesuffix(b"\r\n")  # a line has an end in a text
    assert [one.missing for one in found] == [7, 0] and found[1].payload == WHOLE


@pytest.mark.parametrize("save", FORMS, ids=["sngrep", "ngrep", "asterisk"])
def test_what_was_mended_is_told(save: Callable[[BinaryIO], SaveText | SaveLog]) -> None:
    codes = "repaired-quoting", "repaired-wraps", "cut-short"
    found = again(message(WHOLE, codes=codes), message(WHOLE), save=save)
    assert [one.is_repaired for one in found] == [True, False]
    assert [defect.code for defect in found[0].defects] == ["repaired-quoting", "repaired-wraps"]


@pytest.mark.parametrize("save", FORMS, ids=["sngrep", "ngrep", "asterisk"])
@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS", "WS", "WSS", "SCTP"])
def test_the_transport_stays(transport: str, save: Callable[[BinaryIO], SaveText | SaveLog]) -> None:
    found = again(message(WHOLE, transport=transport), message(WHOLE), save=save)
    assert [one.transport for one in found] == [transport, "UDP"]


def test_nothing_is_said_of_a_usual_message() -> None:
    assert mark_of(message(WHOLE)) == b""
    assert mark_of(message(WHOLE, missing=3, transport="TLS", codes=("repaired-mail",))) == (
        b" (sipcheck: %d octets, 3 missing, TLS, repaired-mail)" % len(WHOLE)
    )


@pytest.mark.parametrize("text", [None, b"", b"nothing", b"99999999 octets", b"x missing", b"repaired-", b"repaired-A"])
def test_what_is_not_understood_says_nothing(text: bytes | None) -> None:
    assert marked(text) == NOTHING


def test_a_mark_is_bounded() -> None:
    many = b", ".join([b"repaired-%s" % (b"a" * length) for length in range(1, 30)])
    assert len(marked(many).defects) < 20
    codes = tuple(f"repaired-{'a' * length}" for length in range(1, 30))
    assert mark_of(message(WHOLE, codes=codes)).count(b"repaired") == 8


@pytest.mark.parametrize(
    "text", [b" 5 octets, 5 octets ,x", b"x" * 3000 + b", 5 octets", b"5 octets,5 octets,7 missing"]
)
def test_parts_count_once(text: bytes) -> None:
    assert marked(text).size == 5


def test_the_same_is_mended_once() -> None:
    assert len(marked(b"repaired-mail, repaired-mail, repaired-quoting").defects) == 2


LOOKS_CUT = HEAD + b'Contact: "Ottokar;transport=%b <sip:1@192.0.2.10>\r\nTo: <sip:%b@192.0.2.1>\r\n' + b"\r\n"


@pytest.mark.parametrize("length", range(20, 50))
def test_a_line_that_looks_cut_is_read_as_it_was_written(length: int) -> None:
    """Two longest lines of one length, of which one ends within quotes: nobody cut them."""
    payload = LOOKS_CUT % (b"a" * 30, b"b" * length)
    (found,) = again(message(payload), save=FORMS[0])
    assert (found.payload, found.missing, found.defects) == (payload, 0, ())


@pytest.mark.parametrize("mark", [b"(sipcheck: )", b"(sipcheck: \xff)", b"(sipcheck:%b)" % (b"x" * 1900)])
def test_a_message_with_a_mark_that_says_nothing_is_read(mark: bytes) -> None:
    text = b"2026/11/20 11:53:43.746947 192.0.2.10:5061 -> 192.0.2.1:5061 " + mark + b"\n" + WHOLE + b"\n\n"
    with open_sources([io.BytesIO(text)]) as reading:
        assert [item.payload for item in reading if isinstance(item, RawMessage)] == [WHOLE]


def test_half_a_line_end_is_no_octet_that_is_missing() -> None:
    for one in again(message(WHOLE[:-3]), message(WHOLE[:-3]), save=FORMS[2]):
        assert (one.payload.rstrip(b"\r"), one.missing) == (WHOLE[:-4], 0)

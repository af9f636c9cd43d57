"""What programs, word processors and people make of the characters of a log is undone, whatever the dialect."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text import written
from analyzer.evidence import RawMessage, Source
from tests.capture.printing import example
from tests.plugins.folders import FOLDERS, loaded

ALL = FOLDERS["dialect"].names()
ADDRESS = re.compile(r"([\w.+-]+@[\w.-]+\w)(?=[>;\s\":])")


def lines(text: bytes) -> list[str]:
    return [line.decode().rstrip("\r") for line in text.split(b"\n")[:-1]]


def ended(with_: str) -> Callable[[bytes], bytes]:
    return lambda text: "".join(f"{line}{with_}\n" for line in lines(text)).encode()


def before(with_: str) -> Callable[[bytes], bytes]:
    return lambda text: "".join(f"{with_}{line}\n" for line in lines(text)).encode()


def linked(form: str) -> Callable[[bytes], bytes]:
    return lambda text: ADDRESS.sub(form, text.decode()).encode()


def go(text: bytes) -> bytes:
    escaped = json.dumps(text.decode()).replace("\\u001b", "\\x1b")
    return f"2026/11/29 14:03:33 sip dump: {escaped}\n".encode()


def by_a_word_processor(text: bytes) -> bytes:
    quoted = re.sub(r'"([^"\n]*)"', "\u201c\\1\u201d", text.decode())
    return quoted.replace("->", "\u2192").replace("'", "\u2019").replace("--end", "\u2013end").encode()


def found_by_windows(text: bytes) -> bytes:
    """Select-String -Context marks what it looked for."""
    rows = ((">" if "SIP" in line else " ", at, line) for at, line in enumerate(lines(text), 1))
    return "".join(f"{mark} log.txt:{at}:{line}\n" for mark, at, line in rows).encode()


def found_with_context(text: bytes) -> bytes:
    """grep -H -C: other marks behind the file's name."""
    return "".join(f"a.log{':' if 'SIP' in line else '-'}{line}\n" for line in lines(text)).encode()


def in_prose(text: bytes) -> bytes:
    indented = "".join(f"    {line}\n" for line in lines(text))
    return f"Hello,\n\nmy phone does not register:\n\n{indented}\nWhat is wrong?\n".encode()


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "less": ("repaired-line-ends", ended("^M")),
    "cat -A": ("repaired-line-ends", ended("^M$")),
    "signs": ("repaired-line-ends", ended("<CR><LF>")),
    "escapes at the ends": ("repaired-line-ends", ended("\\r\\n")),
    "Python": ("repaired-strings", lambda text: repr(text).encode() + b"\n"),
    "Go": ("repaired-strings", go),
    "JSON in JSON": ("repaired-json", lambda text: json.dumps(json.dumps(text.decode())[1:-1]).encode() + b"\n"),
    "Outlook": ("repaired-links", linked(r"\1<mailto:\1>")),
    "Outlook's text": ("repaired-links", linked(r"\1 [mailto:\1]")),
    "Slack": ("repaired-links", linked(r"<mailto:\1|\1>")),
    "Markdown": ("repaired-links", linked(r"[\1](mailto:\1)")),
    "a word processor": ("repaired-escapes", by_a_word_processor),
    "HTML twice": ("repaired-escapes", lambda text: html.escape(html.escape(text.decode())).encode()),
    "ts": ("repaired-prefix", before("15:03:33.486703 ")),
    "stern": ("repaired-prefix", before("proxy-0 proxy ")),
    "grep -H -C": ("repaired-prefix", found_with_context),
    "Select-String": ("repaired-grep", found_by_windows),
    "diff": ("repaired-quoting", before("+")),
    "a list of numbers": (
        "repaired-compose",
        lambda text: "".join(f"{at:4} | {line}\n" for at, line in enumerate(lines(text), 1)).encode(),
    ),
    "prose around": ("repaired-indentation", in_prose),
}
EXCEPTIONS = {
    "repaired-prefix": ("yealink", "wireshark", "flow_text"),  # their own lines have a prefix, or are told by blanks
    "repaired-strings": ("flow_text",),
    "repaired-json": ("flow_text", "hexdump", "tcpdump", "twinkle", "grandstream"),
    "repaired-line-ends": ("flow_text",),
    "repaired-links": ("flow_text",),
    "repaired-escapes": ("flow_text",),
    "repaired-quoting": ("flow_text",),
    "repaired-indentation": ("flow_text", "hexdump", "kamailio_log"),  # rows may be indented anyhow
}
"""Documents are mended by themselves, and what they hold is said in other words."""
CASES = [(name, way) for way, (code, _) in WAYS.items() for name in ALL if name not in EXCEPTIONS.get(code, ())]


def read(text: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(text)]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


def bare(one: RawMessage) -> bytes:
    return b"\n".join(line.rstrip() for line in one.payload.split(b"\n"))


@pytest.mark.parametrize(("name", "way"), CASES)
def test_any_of_it_around_any_dialect(name: str, way: str) -> None:
    code, changed = WAYS[way]
    text: bytes = loaded("dialect", name).EXAMPLE
    plain, source = read(text)
    messages, told = read(changed(text))
    assert told.format == source.format
    assert list(map(bare, messages)) == list(map(bare, plain))
    assert [(one.source, one.destination) for one in messages] == [(one.source, one.destination) for one in plain]
    read_as_it_is = way == "a word processor" or (way == "prose around" and name.startswith(("freeswitch", "asterisk")))
    assert read_as_it_is or all(code in [defect.code for defect in one.defects] for one in messages)


def test_what_stands_before_a_string_dates_it() -> None:
    messages, _ = read(go(example("baresip")))
    assert [one.time is not None for one in messages] == [True, True]


@pytest.mark.parametrize(
    "line",
    [
        b"Contact: <mailto:bob@example.com>",
        b'Contact: "Bob" <sip:bob@example.com>, <mailto:bob@example.org>',
        b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        b'X-Path: "C:\\new\\rest"',
        b"",
        b"\\",
        b'"\\r\\n',
    ],
)
def test_a_header_that_looks_like_it_is_left(line: bytes) -> None:
    """A URI of the scheme mailto is a contact (RFC 3261 20.10)."""
    assert written.unlinked(line) is None
    if b"\\r\\n" not in line:
        assert written.unescaped(line) is None
    assert written.unmarked(line) is None or line.endswith((b"\\r\\n", b"$"))


def test_quotes_of_a_digest_are_freed() -> None:
    digest = b'CSeq: 1 REGISTER\r\nAuthorization: Digest username="bob", realm="example.com"'
    text = example("sngrep").replace(b"CSeq: 1 REGISTER", digest, 1)
    messages, _ = read(by_a_word_processor(text))
    assert [one.payload for one in messages] == [one.payload for one in read(text)[0]]
    assert all("repaired-escapes" in [defect.code for defect in one.defects] for one in messages)


def test_a_name_with_typographic_quotes_is_left() -> None:
    text = example("sngrep").replace(b"From: <sip:", 'From: "Bob\u2019s phone" <sip:'.encode())
    messages, _ = read(text)
    assert all("Bob\u2019s phone".encode() in one.payload for one in messages)
    assert not any(one.is_repaired for one in messages)


def test_the_ways_are_told_apart() -> None:
    assert all(one != other for one, other in pairwise(changed(example("bare")) for _, changed in WAYS.values()))

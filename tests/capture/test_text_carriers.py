"""What carries the lines of a log is taken off, whatever the dialect, and what was done is on each message."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.carrier_kinds import CARRIERS
from analyzer.capture.text.carriers import NONE
from analyzer.capture.text.guessing import found, guesses
from analyzer.evidence import RawMessage, Source
from analyzer.run.pipeline import analyze
from tests.capture.printing import NAMES, example
from tests.shared import DATA

STAMP = b"2026-11-29T15:03:33.486703+01:00"
SECONDS = 1795961013


def lines(text: bytes) -> list[bytes]:
    return text.split(b"\n")[:-1]


def each(before: bytes) -> Callable[[bytes], bytes]:
    return lambda text: b"".join(before + line + b"\n" for line in lines(text))


def docker(text: bytes) -> bytes:
    rows = ({"log": line.decode() + "\n", "stream": "stdout", "time": STAMP.decode()} for line in lines(text))
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def numbered(text: bytes) -> bytes:
    return b"".join(b"%d:%b\n" % (number, line) for number, line in enumerate(lines(text), 1))


def escaped(text: bytes) -> bytes:
    for plain, entity in ((b"&", b"&amp;"), (b"<", b"&lt;"), (b">", b"&gt;"), (b'"', b"&quot;")):
        text = text.replace(plain, entity)
    return text


def listed(text: bytes) -> bytes:
    """cat -n."""
    return b"".join(b"%6d\t%b\n" % (number, line) for number, line in enumerate(lines(text), 1))


def on_a_page(text: bytes) -> bytes:
    """The source of a web page."""
    return b"<pre><code>" + b"".join(line + b"<br />\n" for line in lines(escaped(text))) + b"</code></pre>\n"


def padded(text: bytes) -> bytes:
    """Copied from a terminal that fills its lines."""
    return b"".join(line.rstrip(b"\r").ljust(100) + b"\n" for line in lines(text))


def journal(text: bytes) -> bytes:
    """journalctl indents the further lines of an entry."""
    before = b"Nov 29 15:03:33 host app[123]: "
    first, *others = lines(text)
    return before + first + b"\n" + b"".join(b" " * len(before) + line + b"\n" for line in others)


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "docker": ("repaired-json", docker),
    "kubernetes": ("repaired-container", each(b"2026-11-29T14:03:33.486703123Z stdout F ")),
    "kubectl --timestamps": ("repaired-container", each(b"2026-11-29T14:03:33.486703123Z ")),
    "docker compose": ("repaired-compose", each(b"voip_1  | ")),
    "Android": ("repaired-prefix", each(b"11-29 14:54:33.460  1234  5678 D phone   : ")),
    "a logger of its own": ("repaired-prefix", each(b"2026-11-29 15:03:33,460 [12] DEBUG sip.trace - ")),
    "a forum": ("repaired-quoting", each(b"| ")),
    "mail": ("repaired-quoting", each(b"> ")),
    "grep -n": ("repaired-grep", numbered),
    "cat -n": ("repaired-grep", listed),
    "a page's source": ("repaired-escapes", on_a_page),
    "a terminal": ("repaired-padding", padded),
    "RFC 5424": ("repaired-syslog", each(b"<134>1 " + STAMP + b" host app 123 - - ")),
    "RFC 5424 with data": ("repaired-syslog", each(b"<134>1 " + STAMP + b' host app 123 ID47 [x@1 a="b"] ')),
    "RFC 3164": ("repaired-syslog", each(b"<134>Nov 29 15:03:33 host app[123]: ")),
    "rsyslog": ("repaired-syslog", each(STAMP + b" host app[123]: ")),
    "HTML": ("repaired-escapes", escaped),
    "indentation": ("repaired-indentation", each(b"    ")),
    "a tab": ("repaired-indentation", each(b"\t")),
}
DATED = ("docker", "kubernetes", "kubectl --timestamps", "RFC 5424", "RFC 5424 with data", "rsyslog")


def read(text: bytes) -> tuple[list[RawMessage], Source]:
    with open_sources([io.BytesIO(text)]) as reading:
        return [item for item in reading if isinstance(item, RawMessage)], reading.sources[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_any_carrier_around_any_dialect(name: str, way: str) -> None:
    code, carried = WAYS[way]
    plain, source = read(example(name))
    text = carried(example(name))
    messages, told = read(text)
    own = name == "yealink" or (name == "grandstream" and way == "a page's source")
    if own and code in ("repaired-syslog", "repaired-prefix", "repaired-escapes"):
        pytest.skip("its own lines begin as those of syslog do")
    assert told.format == source.format
    assert [one.payload for one in messages] == [one.payload for one in plain]
    assert [one.place[1:] for one in messages] == [one.place[1:] for one in plain], "the lines of the file"
    assert [(one.source, one.destination) for one in messages] == [(one.source, one.destination) for one in plain]
    if code == "repaired-indentation" and not any(one.defects for one in messages):
        return  # a dialect may take an indented text as it is
    assert [[defect.code for defect in one.defects] for one in messages] == [[code]] * 2
    assert all(one.is_repaired for one in messages)
    assert any(one.startswith("The lines were ") for one in told.quality)


@pytest.mark.parametrize("way", DATED)
def test_a_carrier_dates_what_has_no_time(way: str) -> None:
    """baresip prints none; pjsua prints the time of day alone, and the carrier knows the day."""
    for name in ("baresip", "pjsip"):
        messages, _ = read(WAYS[way][1](example(name)))
        assert [one.time is not None and one.time // 10**9 for one in messages] == [SECONDS, SECONDS]


def test_a_time_of_the_text_goes_before_that_of_its_carrier() -> None:
    plain = [one.time for one in read(example("sngrep"))[0]]
    assert [one.time for one in read(WAYS["RFC 5424"][1](example("sngrep")))[0]] == plain


@pytest.mark.parametrize("name", ["kamailio_log", "bare", "opensips"])
def test_entries_of_rsyslog_with_escaped_line_ends(name: str) -> None:
    text = example(name).replace(b"\r", b"")
    second = text.rindex(b"\n", 0, text.index(b"SIP/2.0 200 OK")) + 1
    entries = [text[:second], text[second:]]
    body = b"".join(b"Nov 29 15:03:33 vm app[1]: " + entry.replace(b"\n", b"#015#012") + b"\n" for entry in entries)
    messages, source = read(body)
    assert [len(one.payload) for one in messages] == [239, 188]
    assert [one.place[1:3] for one in messages] == [(1, 1), (2, 2)]
    assert source.frames == 2


def test_a_journal_with_further_lines() -> None:
    text = example("kamailio_log")
    second = text.rindex(b"\n", 0, text.index(b"SIP/2.0 200 OK")) + 1
    messages, _ = read(journal(text[:second]) + journal(text[second:]))
    assert [len(one.payload) for one in messages] == [239, 188]


def test_a_journal_as_json() -> None:
    text = example("kamailio_log")
    second = text.rindex(b"\n", 0, text.index(b"SIP/2.0 200 OK")) + 1
    rows = [
        {"MESSAGE": one.decode(), "__REALTIME_TIMESTAMP": "1795964613486841"} for one in (text[:second], text[second:])
    ]
    odd = {"MESSAGE": list(text[second:]), "__REALTIME_TIMESTAMP": "1795964613486841"}
    for chosen in (rows, [rows[0], odd]):
        messages, _ = read(b"".join(json.dumps(row).encode() + b"\n" for row in chosen))
        assert [len(one.payload) for one in messages] == [239, 188]
        assert {one.time for one in messages} == {1795964613486841000}


@pytest.mark.parametrize("name", NAMES)
def test_carriers_in_carriers(name: str) -> None:
    """grep of a mail that quotes a log."""
    messages, _ = read(numbered(each(b"> ")(example(name))))
    assert [[defect.code for defect in one.defects] for one in messages] == [["repaired-grep", "repaired-quoting"]] * 2


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ngrep"])
def test_colours(name: str) -> None:
    text = b"".join(b"\x1b[32m" + line + b"\x1b[0m\n" for line in lines(example(name)))
    messages, _ = read(text)
    assert [one.payload for one in messages] == [one.payload for one in read(example(name))[0]]
    shown = text.replace(b"\x1b", b"#033")
    assert [one.payload for one in read(shown)[0]] == [one.payload for one in messages]


@pytest.mark.parametrize("name", [*NAMES, "asterisk_chan_sip", "asterisk_pjsip"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
        lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
        lambda text: text.decode().encode("utf-16-le"),
        lambda text: text.decode().encode("utf-16-be"),
        lambda text: text.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
        lambda text: b"\xef\xbb\xbf" + text,
    ],
    ids=["UTF-16LE", "UTF-16BE", "UTF-16LE without mark", "UTF-16BE without mark", "CR alone", "UTF-8 with mark"],
)
def test_encodings_and_line_ends(name: str, change: Callable[[bytes], bytes]) -> None:
    """These are no repair: nothing of the lines is another."""
    plain, _ = read(example(name))
    messages, _ = read(change(example(name)))
    assert [one.payload for one in messages] == [one.payload for one in plain]
    assert [one.place[1:] for one in messages] == [one.place[1:] for one in plain]
    assert not any(one.is_repaired for one in messages)


@pytest.mark.parametrize("way", ["cat -n", "grep -n", "docker compose", "mail"])
def test_carriers_around_what_asterisk_says_beside_its_messages(way: str) -> None:
    """A notice is known behind anything; the messages are not."""
    notice = (
        b"[Nov 29 15:03:33] NOTICE[12] chan_sip.c: Registration from 'x' failed for '192.0.2.9:5060' - Wrong password\n"
    )
    text = notice + example("asterisk_chan_sip") + notice
    messages, _ = read(WAYS[way][1](text))
    assert [one.payload for one in messages] == [one.payload for one in read(text)[0]]


@pytest.mark.parametrize("name", ["asterisk_chan_sip", "asterisk_pjsip"])
@pytest.mark.parametrize("way", ["docker", "kubernetes", "docker compose", "grep -n", "RFC 5424", "HTML"])
def test_carriers_around_asterisk(name: str, way: str) -> None:
    code, carried = WAYS[way]
    messages, source = read(carried(example(name)))
    assert [one.payload for one in messages] == [one.payload for one in read(example(name))[0]]
    assert [[defect.code for defect in one.defects] for one in messages] == [[code]] * 2
    if way in DATED:
        assert [one.time is not None and one.time // 10**9 for one in messages] == [SECONDS, SECONDS]
    assert source.frames == example(name).count(b"\n")


def test_a_text_that_needs_none_keeps_its_lines() -> None:
    for name in NAMES:
        assert found(example(name), lambda _: True, as_it_is=True) is NONE
    assert found(b"nothing", lambda _: False) is NONE


def test_what_is_no_carrier_is_left() -> None:
    for carrier in CARRIERS:
        assert carrier.take(b"") is None
        assert carrier.take(b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1") is None
    assert list(guesses(b"REGISTER sip:a SIP/2.0\nVia: SIP/2.0/UDP a\n")) == []


@pytest.mark.parametrize(
    "line",
    [b"{}", b'{"log": 7}', b'{"log": null}', b'{"MESSAGE": [{}, 300]}', b"{" * 2000 + b"}" * 2000, b"[" * 99999 + b"]"],
)
def test_odd_json(line: bytes) -> None:
    carrier = next(one for one in CARRIERS if one.code == "repaired-json")
    assert carrier.take(line) in (None, [(b"", b"")])


def test_what_was_repaired_is_told_with_less_confidence(tmp_path: Path) -> None:
    """docs/rules/conventions.md 3: a log one step, one whose lines had to be mended another."""
    text = (DATA / "texts" / "kamailio-sipdump.data").read_bytes()
    plain, quoted = tmp_path / "plain.txt", tmp_path / "quoted.txt"
    plain.write_bytes(text)
    quoted.write_bytes(each(b"> ")(text))
    before, after = (
        {(one.rule, one.sub): one.confidence for one in analyze([path]).findings} for path in (plain, quoted)
    )
    assert before and set(before) == set(after)
    assert all(after[key] is before[key].lowered() for key in before)
    assert any(after[key] is not before[key] for key in before)
